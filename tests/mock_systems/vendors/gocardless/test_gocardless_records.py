"""Resources, actions and errors of the API, over every wire."""

import pytest

BACS = {"account_number": "55779911", "branch_code": "200000", "country_code": "GB"}


# --- customers, accounts, mandates ------------------------------------------------------------------


def test_a_customer_a_bank_account_and_a_mandate(account):
    customer = account.make("customers", given_name="Ada", family_name="Byron", metadata={"crm_id": "A1"})
    assert customer["id"].startswith("CU") and len(customer["id"]) == 14
    assert (customer["company_name"], customer["metadata"]) == (None, {"crm_id": "A1"})
    links = {"customer": customer["id"]}
    held = account.make("customer_bank_accounts", account_holder_name="Ada Byron", links=links, **BACS)
    assert (held["account_number_ending"], held["account_holder_name"], held["currency"], held["enabled"]) == (
        "11",
        "ADA BYRON",
        "GBP",
        True,
    )
    assert "account_number" not in held
    mandate = account.make("mandates", links={"customer_bank_account": held["id"]}, scheme="bacs")
    creditor = account.get("/creditors")["creditors"][0]["id"]
    assert mandate["links"] == {"customer_bank_account": held["id"], "creditor": creditor, "customer": customer["id"]}
    assert (mandate["status"], mandate["next_possible_charge_date"]) == ("pending_submission", "2026-03-06")
    assert account.one("mandates", mandate["id"]) == mandate
    account.days(3)
    assert account.one("mandates", mandate["id"])["status"] == "active"
    assert account.actions(mandate=mandate["id"]) == ["created", "submitted", "active"]


def test_updates_set_what_is_sent(account):
    customer = account.make("customers", company_name="Acme", email="a@acme.example")["id"]
    answer = account.call("PUT", f"/customers/{customer}", {"customers": {"email": None, "city": "Leeds"}})
    shown = answer.json["customers"]
    assert (shown["company_name"], shown["email"], shown["city"]) == ("Acme", None, "Leeds")
    mandate = account.mandate()
    payment = account.payment(mandate)["id"]
    for kind, id_ in (("mandates", mandate), ("payments", payment)):
        answer = account.call("PUT", f"/{kind}/{id_}", {kind: {"metadata": {"po": "7"}}})
        assert answer.json[kind]["metadata"] == {"po": "7"}
    assert account.call("PUT", f"/payments/{payment}", {"payments": {"amount": 1}}).reason == (
        422,
        "/payments/amount",
        "is not a recognised field",
    )


@pytest.mark.parametrize(
    ("fields", "pointer", "message"),
    [
        ({"branch_code": None, "account_number": None, "country_code": None}, "account_number", "can't be blank"),
        ({"branch_code": "20000"}, "branch_code", "is the wrong length (should be 6 characters)"),
        ({"branch_code": "2O0000"}, "branch_code", "must be a number"),
        ({"account_holder_name": None}, "account_holder_name", "can't be blank"),
        ({"iban": "DE88370400440532013000"}, "iban", "is invalid"),
        ({"iban": "DE89370400440532013000"}, "country_code", "does not match the IBAN"),
        ({"currency": "XXX"}, "currency", "must be one of AUD, CAD, DKK, EUR, GBP, NZD, SEK, USD"),
        ({"metadata": {"a": 1}}, "metadata", "values must be strings of at most 500 characters"),
        ({"metadata": dict.fromkeys("abcd", "x")}, "metadata", "must have at most 3 keys"),
        ({"colour": "red"}, "colour", "is not a recognised field"),
        ({"links": {}}, "links/customer", "can't be blank"),
        ({"links": None}, "links/customer", "can't be blank"),
    ],
)
def test_a_bank_account_that_cannot_be_is_refused_with_the_place(direct, fields, pointer, message):
    customer = direct.make("customers", company_name="Acme")["id"]
    sent = {"account_holder_name": "Acme", "links": {"customer": customer}, **BACS, **fields}
    answer = direct.call("POST", "/customer_bank_accounts", {"customer_bank_accounts": sent})
    assert answer.reason == (422, f"/customer_bank_accounts/{pointer}", message)
    assert answer.json["error"]["message"] == "Validation failed"
    assert direct.get("/customer_bank_accounts")["customer_bank_accounts"] == []


def test_every_fault_of_a_body_is_named_at_once(account):
    answer = account.call("POST", "/payments", {"payments": {"amount": "ten", "charge_date": "tomorrow"}})
    pointers = [error["request_pointer"] for error in answer.json["error"]["errors"]]
    assert pointers == ["/payments/amount", "/payments/currency", "/payments/charge_date", "/payments/links/mandate"]


def test_the_same_bank_account_is_the_customers_only_once_whichever_way_it_is_given(account):
    customer = account.make("customers", company_name="Acme")["id"]
    fields = {"account_holder_name": "Acme", "links": {"customer": customer}}
    first = account.make("customer_bank_accounts", **fields, **BACS)
    again = {"customer_bank_accounts": {**fields, "iban": "GB60 BARC 2000 0055 7799 11"}}
    answer = account.call("POST", "/customer_bank_accounts", again)
    assert answer.reason == (409, "invalid_state", "bank_account_exists")
    assert answer.json["error"]["errors"][0]["links"] == {"customer_bank_account": first["id"]}
    assert account.act("customer_bank_accounts", first["id"], "disable")["enabled"] is False
    answer = account.call("POST", f"/customer_bank_accounts/{first['id']}/actions/disable")
    assert answer.reason == (422, "invalid_state", "disable_failed")
    assert account.call("POST", "/customer_bank_accounts", again).status == 201


def test_mandates_are_cancelled_and_reinstated(account):
    mandate = account.mandate()
    payment = account.payment(mandate)["id"]
    shown = account.act("mandates", mandate, "cancel", {"data": {"metadata": {"ticket": "7"}}})
    assert (shown["status"], shown["next_possible_charge_date"]) == ("cancelled", None)
    assert account.one("payments", payment)["status"] == "cancelled"
    answer = account.call("POST", f"/mandates/{mandate}/actions/cancel")
    assert answer.reason == (422, "invalid_state", "cancellation_failed")
    event = account.get("/events", mandate=mandate, action="cancelled")["events"][0]
    assert (event["metadata"], event["details"]["origin"]) == ({"ticket": "7"}, "api")
    refused = account.call(
        "POST", "/payments", {"payments": {"amount": 1, "currency": "GBP", "links": {"mandate": mandate}}}
    )
    assert refused.reason == (422, "invalid_state", "mandate_is_inactive")
    assert account.act("mandates", mandate, "reinstate")["status"] == "pending_submission"
    answer = account.call("POST", f"/mandates/{mandate}/actions/reinstate")
    assert answer.reason == (422, "invalid_state", "mandate_not_inactive")


# --- payments, refunds, payouts ---------------------------------------------------------------------


def test_a_payment_from_its_making_to_the_payout(account):
    mandate = account.mandate()
    payment = account.payment(mandate, metadata={"invoice_number": "INV1"}, description="Invoice INV1")
    assert (payment["status"], payment["charge_date"], payment["amount"]) == (
        "pending_submission",
        "2026-03-05",
        10_000,
    )
    assert (payment["links"]["mandate"], payment["scheme"], payment["amount_refunded"]) == (mandate, "bacs", 0)
    account.days(2)
    assert account.one("payments", payment["id"])["status"] == "submitted"
    account.days(6)
    paid = account.one("payments", payment["id"])
    assert paid["status"] == "paid_out"
    payout = account.one("payouts", paid["links"]["payout"])
    assert (payout["amount"], payout["deducted_fees"], payout["status"], payout["arrival_date"]) == (
        9_880,
        120,
        "paid",
        "2026-03-09",
    )
    assert len(payout["reference"]) == 18 and payout["reference"].startswith("COMPANY-")
    items = account.get("/payout_items", payout=payout["id"])["payout_items"]
    assert [(i["type"], i["amount"], i["links"]) for i in items] == [
        ("payment_paid_out", "10000.0", {"payment": payment["id"]}),
        ("gocardless_fee", "-120.0", {"payment": payment["id"]}),
    ]
    assert account.actions(payment=payment["id"]) == ["created", "submitted", "confirmed", "paid_out"]
    last = account.get("/events", payment=payment["id"], limit="1")["events"][0]
    assert last["links"] == {"payment": payment["id"], "payout": payout["id"]}
    assert last["resource_metadata"] == {"invoice_number": "INV1"}
    assert account.actions(payout=payout["id"]) == ["paid"]


def test_payments_are_cancelled_retried_and_refused_in_other_states(account):
    mandate = account.mandate()
    one, two = (account.payment(mandate)["id"] for _ in range(2))
    answer = account.call("POST", f"/payments/{one}/actions/retry")
    assert answer.reason == (422, "invalid_state", "retry_failed")
    assert account.act("payments", one, "cancel")["status"] == "cancelled"
    account.core.bank_refuses(two)
    account.days(5)
    assert account.one("payments", two)["status"] == "failed"
    failed = account.get("/events", payment=two, action="failed")["events"][0]["details"]
    assert (failed["cause"], failed["reason_code"], failed["scheme"], failed["origin"]) == (
        "insufficient_funds",
        "ARUDD-0",
        "bacs",
        "bank",
    )
    assert account.act("payments", two, "retry")["status"] == "pending_submission"
    account.days(4)
    answer = account.call("POST", f"/payments/{two}/actions/cancel")
    assert answer.reason == (422, "invalid_state", "cancellation_failed")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"amount": 0}, (422, "/payments/amount", "must be greater than 0")),
        ({"amount": 1.5}, (422, "/payments/amount", "must be a number")),
        ({"amount": True}, (422, "/payments/amount", "must be a number")),
        ({"amount": 10**30}, (422, "/payments/amount", "must be less than or equal to 99999999999")),
        ({"currency": "EUR"}, (422, "/payments/currency", "bacs collects GBP, not EUR")),
        ({"charge_date": "2026-03-04"}, (422, "/payments/charge_date", "must be on or after 2026-03-05")),
        ({"charge_date": "2026-02-30"}, (422, "/payments/charge_date", "must be a date such as 2026-03-31")),
        ({"retry_if_possible": "yes"}, (422, "/payments/retry_if_possible", "must be true or false")),
        ({"reference": "REF1"}, (403, "invalid_api_usage", "feature_disabled")),
        ({"links": {"mandate": "MD00NOBODY"}}, (404, "invalid_api_usage", "link_not_found")),
        ({"links": {"mandate": 7}}, (422, "/payments/links/mandate", "must be a string")),
        ({"links": {"subscription": "SB1"}}, (422, "/payments/links/subscription", "is not a recognised link")),
    ],
)
def test_a_payment_that_cannot_be_is_refused_with_the_reason(direct, fields, reason):
    mandate = direct.mandate()
    sent = {"amount": 100, "currency": "GBP", "links": {"mandate": mandate}, **fields}
    assert direct.call("POST", "/payments", {"payments": sent}).reason == reason
    assert direct.get("/payments")["payments"] == []


def test_references_for_bacs_come_with_the_package(open_account):
    plus = open_account(package="plus")
    mandate = plus.mandate()
    assert plus.payment(mandate, reference="INV-100234")["reference"] == "INV-100234"
    sent = {"amount": 100, "currency": "GBP", "links": {"mandate": mandate}, "reference": "INV-1002345"}
    refused = plus.call("POST", "/payments", {"payments": sent})
    assert refused.reason == (422, "/payments/reference", "is too long (maximum is 10 characters)")
    free = open_account(bacs_references=False)
    assert free.payment(reference="INV-1")["reference"] == "INV-1"


def test_a_late_failure_and_a_chargeback_come_back_out_of_a_payout(account):
    mandate = account.mandate()
    late, claimed = (account.payment(mandate)["id"] for _ in range(2))
    account.days(10)
    account.core.bank_refuses(late, "refer_to_payer")
    account.core.payer_claims_back(claimed)
    assert account.one("payments", late)["status"] == "failed"
    assert account.one("payments", claimed)["status"] == "charged_back"
    account.payment(mandate, 50_000)
    account.days(10)
    newest = account.get("/payouts", limit="1")["payouts"][0]
    items = account.get("/payout_items", payout=newest["id"])["payout_items"]
    assert [(i["type"], i["amount"], i["links"]["payment"]) for i in items[2:]] == [
        ("payment_failed", "-10000.0", late),
        ("gocardless_fee", "120.0", late),
        ("payment_charged_back", "-10000.0", claimed),
        ("gocardless_fee", "120.0", claimed),
    ]
    assert newest["amount"] == 50_000 - 400 - 20_000 + 240
    assert account.actions(payment=late)[-2:] == ["failed", "late_failure_settled"]
    assert account.actions(payment=claimed)[-2:] == ["charged_back", "chargeback_settled"]


def test_a_refund_confirms_its_total_and_needs_a_balance(account):
    mandate = account.mandate()
    payment = account.payment(mandate)["id"]
    account.days(10)
    sent = {"amount": 500, "total_amount_confirmation": 500, "links": {"payment": payment}}
    refused = account.call("POST", "/refunds", {"refunds": sent})
    assert refused.reason == (422, "invalid_state", "available_refund_amount_insufficient")
    account.payment(mandate, 20_000)
    account.days(6.2)
    wrong = account.call("POST", "/refunds", {"refunds": {**sent, "total_amount_confirmation": 400}})
    assert wrong.reason == (422, "invalid_state", "total_amount_confirmation_invalid")
    refund = account.make("refunds", **sent)
    assert (refund["status"], refund["links"]) == ("created", {"payment": payment, "mandate": mandate})
    assert account.one("payments", payment)["amount_refunded"] == 500
    assert account.get("/refunds", payment=payment)["refunds"][0]["id"] == refund["id"]
    account.days(7)
    assert account.one("refunds", refund["id"])["status"] == "paid"
    assert account.actions(refund=refund["id"]) == ["created", "refund_settled", "paid"]
    newest = account.get("/payouts", limit="1")["payouts"][0]["id"]
    item = account.get("/payout_items", payout=newest)["payout_items"][-1]
    links = {"payment": payment, "mandate": mandate, "refund": refund["id"]}
    assert (item["type"], item["amount"], item["links"]) == ("payment_refunded", "-500.0", links)


def test_payout_items_are_gone_after_six_months(account):
    payment = account.payment()["id"]
    account.days(10)
    payout = account.one("payments", payment)["links"]["payout"]
    account.days(175)
    assert account.call("GET", "/payout_items", query={"payout": payout}).status == 200
    account.days(10)
    gone = account.call("GET", "/payout_items", query={"payout": payout})
    assert gone.reason[0] == 410
    assert account.one("payouts", payout)["status"] == "paid"
    missing = account.call("GET", "/payout_items")
    assert missing.reason == (422, "/payout", "can't be blank")


def test_balances_tell_what_is_on_its_way(account):
    account.payment(amount=5_000)
    account.days(2)
    creditor = account.get("/creditors")["creditors"][0]["id"]

    def pounds():
        rows = account.get("/balances", creditor=creditor)["balances"]
        return {b["balance_type"]: b["amount"] for b in rows if b["currency"] == "GBP"}

    assert pounds() == {"confirmed_funds": 0, "pending_payments_submitted": 5_000, "pending_payouts": 0}
    account.days(3)
    assert pounds()["confirmed_funds"] == 4_930


# --- what the API does not know ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/subscriptions", 404, "not_found"),
        ("POST", "/billing_requests", 404, "not_found"),
        ("GET", "/payments/PM00NOBODY", 404, "resource_not_found"),
        ("POST", "/mandates/MD00NOBODY/actions/cancel", 404, "resource_not_found"),
        ("PATCH", "/payments/PM1", 405, "method_not_allowed"),
        ("DELETE", "/customers/CU1", 405, "method_not_allowed"),
        ("POST", "/payouts", 405, "method_not_allowed"),
        ("POST", "/payments", 400, "invalid_document_structure"),
        ("GET", "/events/EV00NOBODY", 404, "resource_not_found"),
        ("GET", "/webhooks/WB00NOBODY", 404, "resource_not_found"),
        ("GET", "/creditors/CR00NOBODY", 404, "resource_not_found"),
    ],
)
def test_what_is_not_there_gets_the_vendors_own_answer(account, method, path, status, reason):
    assert account.call(method, path, {}).reason == (status, "invalid_api_usage", reason)
    if reason in ("not_found", "method_not_allowed"):
        assert account.server.journal.entries[-1].operation == "not modelled"


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"null", b'{"payments": []}', b'{"customers": {}}', b"\xff"])
def test_a_body_that_is_no_document_is_refused(account, body):
    answer = account.raw("POST", "/payments", body, **{k.replace("-", "_"): v for k, v in account.headers.items()})
    assert answer.reason == (400, "invalid_api_usage", "invalid_document_structure")

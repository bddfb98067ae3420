"""Invoices, payments and what becomes of their money, as a client sees them."""

import json

import pytest

from o2c_twin.mock_systems.roles.billing import BillingTerms, PayoutSchedule
from o2c_twin.mock_systems.vendors.stripe import StripeConfig


def test_an_invoice_from_draft_to_payout(anywhere):
    customer = anywhere.customer(card="pm_card_visa")
    invoice = anywhere.invoice(customer, collection_method="charge_automatically", metadata={"order": "SO1"})
    assert (invoice["status"], invoice["amount_remaining"], invoice["number"][-5:]) == ("open", 10_000, "-0001")
    paid = anywhere.post(f"invoices/{invoice['id']}/pay")
    assert (paid["status"], paid["amount_paid"], paid["amount_remaining"]) == ("paid", 10_000, 0)
    assert paid["status_transitions"]["paid_at"] == anywhere.clock.us // 1_000_000
    anywhere.wait(days=7)
    (payout,) = anywhere.get("payouts")["data"]
    assert (payout["status"], payout["amount"], payout["reconciliation_status"]) == ("paid", 9_825, "completed")
    assert payout["trace_id"]["value"].startswith("STRIPE-")
    rows = anywhere.get("balance_transactions", {"payout": payout["id"], "expand": ["data.source"]})["data"]
    assert [(row["type"], row["amount"], row["fee"], row["net"]) for row in rows] == [
        ("payout", -9_825, 0, -9_825),
        ("charge", 10_000, 175, 9_825),
    ]
    assert rows[1]["source"]["payment_intent"].startswith("pi_")
    assert anywhere.get("balance")["available"] == [{"amount": 0, "currency": "eur", "source_types": {"card": 0}}]


def test_waiting_items_join_the_next_invoice_that_wants_them(account):
    customer = account.customer()
    account.post("invoiceitems", {"customer": customer, "unit_amount_decimal": "333.5", "quantity": 3})
    assert account.post("invoices/create_preview", {"customer": customer})["total"] == 1_001
    without = account.post("invoices", {"customer": customer})
    invoice = account.post("invoices", {"customer": customer, "pending_invoice_items_behavior": "include"})
    assert (without["total"], invoice["total"], invoice["lines"]["data"][0]["quantity"]) == (0, 1_001, 3)
    error = account.refusal("POST", "invoices", {"customer": customer, "pending_invoice_items_behavior": "include"})
    assert error[1] == "invoice_no_customer_line_items"


def test_lines_are_added_to_a_draft_and_only_to_a_draft(account):
    customer = account.customer()
    draft = account.invoice(customer, finalise=False)
    lines = [{"amount": 100, "description": "a"}, {"unit_amount_decimal": "2.5", "quantity": 10}]
    assert account.post(f"invoices/{draft['id']}/add_lines", {"lines": lines})["total"] == 10_125
    assert len(account.get(f"invoices/{draft['id']}/lines", {"limit": 2})["data"]) == 2
    account.post(f"invoices/{draft['id']}/finalize")
    for path, params in (
        (f"invoices/{draft['id']}/add_lines", {"lines": lines}),
        (f"invoices/{draft['id']}", {"description": "late"}),
        ("invoiceitems", {"customer": customer, "invoice": draft["id"], "amount": 1}),
    ):
        assert account.refusal("POST", path, params)[1] == "invoice_not_editable"
    assert account.refusal("DELETE", f"invoices/{draft['id']}")[1] == "invoice_not_editable"
    assert account.post(f"invoices/{draft['id']}", {"metadata": {"late": "yes"}})["metadata"] == {"late": "yes"}


def test_a_draft_that_advances_is_finalised_an_hour_later_whether_or_not_anybody_asks(account):
    invoice = account.invoice(account.customer(), finalise=False, auto_advance=True)
    account.wait(3_599)
    assert account.core.state.invoices[invoice["id"]].status == "draft"
    account.wait(1)
    assert account.core.state.invoices[invoice["id"]].status == "open"


def test_void_write_off_and_paid_out_of_band(account):
    customer = account.customer()
    one, two, three = (account.invoice(customer) for _ in range(3))
    assert account.post(f"invoices/{one['id']}/void")["status"] == "void"
    assert account.post(f"invoices/{two['id']}/mark_uncollectible")["status"] == "uncollectible"
    assert account.post(f"invoices/{three['id']}/pay", {"paid_out_of_band": True})["status"] == "paid"
    assert account.refusal("POST", f"invoices/{one['id']}/pay")[0] == 400
    assert account.refusal("POST", f"invoices/{three['id']}/void")[0] == 400
    types = [event["type"] for event in account.get("events", {"limit": 100})["data"]]
    assert "invoice.paid" in types
    assert "invoice.payment_succeeded" not in types


def test_a_declined_card_is_402_with_what_happened(account):
    customer = account.customer(card="pm_card_chargeDeclinedInsufficientFunds")
    invoice = account.invoice(customer, collection_method="charge_automatically")
    answer = account.call("POST", f"invoices/{invoice['id']}/pay")
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["type"], error["code"]) == (402, "card_error", "card_declined")
    assert error["decline_code"] == "insufficient_funds"
    assert error["payment_intent"]["status"] == "requires_payment_method"
    charge = account.get(f"charges/{error['charge']}")
    assert (charge["status"], charge["outcome"]["reason"]) == ("failed", "insufficient_funds")
    assert account.post(f"invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})["status"] == "paid"


def test_a_debit_is_processing_for_days_and_may_come_back(anywhere):
    made = []
    for iban in ("DE89370400440532013000", "DE62370400440532013001"):
        details = {"name": "Acme", "email": "a@x.example"}
        method = anywhere.post(
            "payment_methods", {"type": "sepa_debit", "sepa_debit": {"iban": iban}, "billing_details": details}
        )
        made.append(
            anywhere.payment(payment_method=method["id"], payment_method_types=["sepa_debit"], amount=5_000)["id"]
        )
    shown = [anywhere.get(f"payment_intents/{id_}") for id_ in made]
    assert [payment["status"] for payment in shown] == ["processing", "processing"]
    assert shown[0]["latest_charge"].startswith("py_")
    assert anywhere.refusal("POST", f"payment_intents/{made[0]}/cancel")[1] == "payment_intent_unexpected_state"
    anywhere.wait(days=4)
    shown = [anywhere.get(f"payment_intents/{id_}") for id_ in made]
    assert [payment["status"] for payment in shown] == ["succeeded", "requires_payment_method"]
    assert shown[1]["last_payment_error"]["code"] == "debit_not_authorized"


def test_a_customer_authenticates_in_their_own_time(account):
    payment = account.payment(payment_method="pm_card_authenticationRequired")
    assert (payment["status"], payment["next_action"]["type"]) == ("requires_action", "use_stripe_sdk")
    account.core.customer_authenticates(payment["id"])
    assert account.get(f"payment_intents/{payment['id']}")["status"] == "succeeded"


def test_a_reserved_sum_is_captured_in_part(account):
    payment = account.payment(capture_method="manual")
    assert (payment["status"], payment["amount_capturable"]) == ("requires_capture", 10_000)
    captured = account.post(f"payment_intents/{payment['id']}/capture", {"amount_to_capture": 4_000})
    assert (captured["status"], captured["amount_received"]) == ("succeeded", 4_000)
    assert account.get(f"charges/{captured['latest_charge']}")["amount_refunded"] == 6_000


def test_a_transfer_funds_payments_in_part_and_invoices_never(anywhere):
    customer = anywhere.customer()
    invoice = anywhere.invoice(customer, payment_settings={"payment_method_types": ["customer_balance"]})
    anywhere.post(f"test_helpers/customers/{customer}/fund_cash_balance", {"amount": 9_999, "currency": "eur"})
    assert anywhere.get(f"invoices/{invoice['id']}")["amount_remaining"] == 10_000
    assert anywhere.get(f"customers/{customer}/cash_balance")["available"] == {"eur": 9_999}
    payment = anywhere.post(
        "payment_intents",
        {"amount": 12_000, "currency": "eur", "customer": customer, "confirm": True,
         "payment_method_types": ["customer_balance"], "payment_method_data": {"type": "customer_balance"}},
    )  # fmt: skip
    instructions = payment["next_action"]["display_bank_transfer_instructions"]
    assert (payment["status"], instructions["amount_remaining"]) == ("requires_action", 2_001)
    anywhere.core.customer_transfers(customer, 12_100, "eur", "Invoice 1")
    assert anywhere.get(f"payment_intents/{payment['id']}")["status"] == "succeeded"
    assert anywhere.get(f"invoices/{invoice['id']}")["status"] == "paid"
    assert anywhere.get(f"customers/{customer}/cash_balance")["available"] == {"eur": 99}
    kinds = [row["type"] for row in anywhere.get(f"customers/{customer}/cash_balance_transactions")["data"]]
    assert sorted(kinds) == ["applied_to_payment"] * 3 + ["funded"] * 2


def test_manual_reconciliation_waits_for_the_merchant(account):
    customer = account.customer(cash_balance={"settings": {"reconciliation_mode": "manual"}})
    payment = account.post(
        "payment_intents",
        {"amount": 1_000, "currency": "eur", "customer": customer, "confirm": True,
         "payment_method_types": ["customer_balance"]},
    )  # fmt: skip
    account.core.customer_transfers(customer, 1_000, "eur")
    path = f"payment_intents/{payment['id']}"
    assert account.get(path)["status"] == "requires_action"
    assert account.refusal("POST", f"{path}/apply_customer_balance", {"amount": 1_001})[0] == 400
    assert account.post(f"{path}/apply_customer_balance", {"amount": 1_000})["status"] == "succeeded"


def test_refunds_go_back_and_may_fail_later(account):
    payment = account.payment(payment_method="pm_card_refundFail")
    refund = account.post("refunds", {"payment_intent": payment["id"], "amount": 3_000})
    assert (refund["status"], refund["charge"]) == ("succeeded", payment["latest_charge"])
    account.wait(days=3)
    failed = account.get(f"refunds/{refund['id']}", {"expand": ["failure_balance_transaction"]})
    assert (failed["status"], failed["failure_balance_transaction"]["amount"]) == ("failed", 3_000)
    account.post("refunds", {"charge": payment["latest_charge"]})
    assert account.refusal("POST", "refunds", {"charge": payment["latest_charge"]})[1] == "charge_already_refunded"
    assert account.refusal("POST", "refunds", {"payment_intent": payment["id"], "amount": 1})[0] == 400


@pytest.mark.parametrize(("words", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_a_dispute_and_its_evidence(account, words, status):
    payment = account.payment(payment_method="pm_card_createDispute")
    (dispute,) = account.get("disputes", {"payment_intent": payment["id"]})["data"]
    assert (dispute["status"], dispute["reason"]) == ("needs_response", "fraudulent")
    assert [entry["net"] for entry in dispute["balance_transactions"]] == [-12_000]
    assert account.refusal("POST", "refunds", {"charge": dispute["charge"]})[1] == "charge_disputed"
    path = f"disputes/{dispute['id']}"
    staged = account.post(path, {"evidence": {"customer_name": "Acme"}, "submit": False})
    assert (staged["status"], staged["evidence_details"]["has_evidence"]) == ("needs_response", True)
    assert account.post(path, {"evidence": {"uncategorized_text": words}})["status"] == status
    assert account.refusal("POST", path, {"evidence": {"customer_name": "x"}})[0] == 400
    assert account.refusal("POST", path, {"evidence": {"odd": "x"}})[1] == "parameter_unknown"


def test_an_accepted_dispute_is_lost(account):
    payment = account.payment()
    dispute = account.core.customer_disputes(payment["latest_charge"], "product_not_received")
    assert account.post(f"disputes/{dispute.id}/close")["status"] == "lost"


def test_credit_notes_before_and_after_payment(account):
    customer = account.customer(card="pm_card_visa")
    invoice = account.invoice(customer, collection_method="charge_automatically")
    early = account.post("credit_notes", {"invoice": invoice["id"], "amount": 1_000, "reason": "order_change"})
    assert (early["type"], early["pre_payment_amount"]) == ("pre_payment", 1_000)
    assert account.get(f"invoices/{invoice['id']}")["amount_remaining"] == 9_000
    account.post(f"invoices/{invoice['id']}/pay")
    assert account.refusal("POST", "credit_notes", {"invoice": invoice["id"], "amount": 500})[0] == 400
    preview = account.get("credit_notes/preview", {"invoice": invoice["id"], "amount": 500, "refund_amount": 500})
    late = account.post("credit_notes", {"invoice": invoice["id"], "amount": 500, "refund_amount": 500})
    assert (preview["type"], late["type"], len(account.get("refunds")["data"])) == ("post_payment", "post_payment", 1)
    assert account.refusal("POST", f"credit_notes/{late['id']}/void")[0] == 400
    assert account.get(f"invoices/{invoice['id']}")["post_payment_credit_notes_amount"] == 500


def test_a_payment_made_before_can_count_for_an_invoice_and_overpay_it(account):
    customer = account.customer()
    invoice = account.invoice(customer, 1_000)
    payment = account.payment(customer, 1_500)
    shown = account.post(f"invoices/{invoice['id']}/attach_payment", {"payment_intent": payment["id"]})
    assert (shown["status"], shown["amount_overpaid"], shown["amount_paid"]) == ("paid", 500, 1_000)


def test_a_payout_by_hand_needs_a_manual_schedule(new_account):
    account = new_account()
    error = account.refusal("POST", "payouts", {"amount": 1, "currency": "eur"})
    assert error[1] == "payouts_not_allowed"
    account = new_account(StripeConfig(terms=BillingTerms(payouts=PayoutSchedule("manual"))))
    account.payment()
    account.wait(days=3)
    assert account.refusal("POST", "payouts", {"amount": 9_826, "currency": "eur"})[1] == "balance_insufficient"
    payout = account.post("payouts", {"amount": 9_000, "currency": "eur"})
    assert account.refusal("GET", "balance_transactions", {"payout": payout["id"]})[2] == "payout"
    account.core.bank_rejects_payout(payout["id"])
    assert account.get(f"payouts/{payout['id']}")["failure_code"] == "account_closed"
    assert account.get("balance")["available"][0]["amount"] == 9_825


def test_a_refused_call_changes_nothing(account):
    customer = account.customer()
    invoice = account.invoice(customer, finalise=False)
    before = account.core.snapshot()
    for path, params in (
        (f"invoices/{invoice['id']}/pay", {}),
        ("payment_intents", {"amount": 5, "currency": "eur", "confirm": True}),
        ("credit_notes", {"invoice": invoice["id"], "amount": 5}),
        (f"customers/{customer}", {"invoice_settings": {"default_payment_method": "pm_no"}, "name": "New"}),
        (f"invoices/{invoice['id']}/add_lines", {"lines": [{"amount": 5}, {"amount": "x"}]}),
    ):
        assert account.call("POST", path, params).status == 400
        assert account.core.snapshot() == before, path


def test_a_snapshot_holds_all_and_a_reset_goes_back(account):
    account.server.seal()
    customer = account.customer(card="pm_card_visa")
    account.payment(customer, payment_method="pm_card_visa")
    snapshot = account.dialect.snapshot()
    account.server.reset()
    assert account.get("customers")["data"] == []
    account.dialect.restore(snapshot)
    assert account.get("customers")["data"][0]["id"] == customer
    account.wait(days=7)
    assert account.get("payouts")["data"][0]["status"] == "paid"


def test_two_accounts_of_one_seed_are_the_same_to_the_byte(new_account):
    bodies = []
    for _ in range(2):
        account = new_account(StripeConfig(seed=5))
        account.payment(account.customer())
        account.wait(days=7)
        bodies.append(account.call("GET", "events", {"limit": 100}).body)
    assert bodies[0] == bodies[1]
    assert new_account(StripeConfig(seed=6)).dialect.config.secret_key != account.dialect.config.secret_key


def test_the_accounts_customers_send_transfers_to_are_ones_a_bank_would_take(account):
    params = {"currency": "eur", "funding_type": "bank_transfer", "bank_transfer": {"type": "eu_bank_transfer"}}
    told = [account.post(f"customers/{account.customer()}/funding_instructions", params) for _ in range(3)]
    ibans = [each["bank_transfer"]["financial_addresses"][0]["iban"]["iban"] for each in told]
    moved = [int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])) for iban in ibans]
    assert [number % 97 for number in moved] == [1, 1, 1]
    assert len(set(ibans)) == 3

"""Idempotency keys and locks: what a call that is sent twice does, and what the capability sheet promises of it."""

import json

import pytest

from o2c_twin.mock_systems.vendors.stripe import StripeConfig
from o2c_twin.mock_systems.vendors.stripe.operations import KEY_KEPT_S, PROMISES, ROUTES, SEARCH_LAG_S
from o2c_twin.mock_systems.wire.faults import Latency, LostReply
from o2c_twin.mock_systems.wire.message import TransportFault

NEW = {"amount": 700, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}


def test_the_first_answer_is_given_again(anywhere):
    first = anywhere.call("POST", "payment_intents", NEW, idempotency_key="k1")
    again = anywhere.call("POST", "payment_intents", NEW, idempotency_key="k1")
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Request-Id"] != first.headers["Request-Id"]
    assert len(anywhere.get("payment_intents")["data"]) == 1


def test_other_parameters_or_another_path_under_the_same_key_are_refused(account):
    account.post("payment_intents", NEW, idempotency_key="k1")
    for path, params in (("payment_intents", {**NEW, "amount": 701}), ("customers", {})):
        answer = account.call("POST", path, params, idempotency_key="k1")
        assert (answer.status, json.loads(answer.body)["error"]["type"]) == (400, "idempotency_error")


def test_a_failure_that_was_executed_is_remembered_and_one_that_was_not_is_not(account):
    declined = {**NEW, "payment_method": "pm_card_chargeDeclined"}
    first = account.call("POST", "payment_intents", declined, idempotency_key="k1")
    again = account.call("POST", "payment_intents", declined, idempotency_key="k1")
    assert (first.status, again.status, again.body == first.body) == (402, 402, True)
    bad = account.call("POST", "customers", {"odd": 1}, idempotency_key="k2")
    assert bad.status == 400
    assert account.call("POST", "customers", {"name": "x"}, idempotency_key="k2").status == 200


def test_a_key_is_forgotten_after_a_day(account):
    account.post("customers", {"name": "x"}, idempotency_key="k1")
    account.wait(86_399)
    account.post("customers", {"name": "x"}, idempotency_key="k1")
    assert len(account.get("customers")["data"]) == 1
    account.wait(1)
    account.post("customers", {"name": "x"}, idempotency_key="k1")
    assert len(account.get("customers")["data"]) == 2


def test_a_key_has_255_characters_at_most_and_counts_for_posts_only(account):
    assert account.refusal("POST", "customers", {}, idempotency_key="k" * 256)[0] == 400
    assert "Idempotent-Replayed" not in account.call("GET", "customers", idempotency_key="k").headers
    assert "Idempotent-Replayed" not in account.call("GET", "customers", idempotency_key="k").headers


def test_two_calls_with_one_key_at_one_time(new_account):
    account = new_account(latency=Latency(median_s=1.0))
    request = account.request("POST", "customers", {"name": "x"}, idempotency_key="k1")
    first, second = account.together(request, request)
    assert (first.status, second.status) == (200, 409)
    assert json.loads(second.body)["error"]["code"] == "idempotency_key_in_use"
    (third,) = account.together(request)
    assert (third.status, third.headers["Idempotent-Replayed"]) == (200, "true")


@pytest.mark.parametrize("locks", [True, False])
def test_two_writes_to_one_object_at_one_time(new_account, locks):
    account = new_account(StripeConfig(object_locks=locks), latency=Latency(median_s=1.0))
    customer = account.core.add_customer(name="Acme").id
    request = account.request("POST", f"customers/{customer}", {"name": "x"})
    read = account.request("GET", f"customers/{customer}")
    answers = account.together(request, request, read)
    assert [answer.status for answer in answers] == [200, 429 if locks else 200, 200]
    if locks:
        assert json.loads(answers[1].body)["error"]["code"] == "lock_timeout"
        assert "Stripe-Rate-Limited-Reason" not in answers[1].headers
        assert account.together(request)[0].status == 200


def test_a_call_refused_on_the_way_leaves_no_lock_behind(new_account):
    account = new_account(latency=Latency(median_s=1.0))
    requests = [account.request("POST", "customers", {"name": "x"}, idempotency_key=f"k{n}") for n in range(26)]
    statuses = [answer.status for answer in account.together(*requests)]
    assert statuses == [200] * 25 + [429]
    assert account.together(requests[-1])[0].status == 200


# --- the capability sheet, attacked -----------------------------------------------------------------


def test_every_write_is_on_the_sheet():
    writes = [operation.name for operation in ROUTES if operation.method != "GET"]
    assert [promise.operation for promise in PROMISES] == writes
    assert {p.guard for p in PROMISES} == {"key", "query"}


def writes_of(account):
    """A call of each operation that writes, with what must be there first made."""

    def fresh(card="pm_card_visa"):
        return account.customer(card=card)

    def open_invoice():
        return account.invoice(fresh(), collection_method="charge_automatically")["id"]

    def draft():
        return account.invoice(fresh(), finalise=False)["id"]

    def intent(**fields):
        return account.post("payment_intents", {"amount": 900, "currency": "eur", **fields})["id"]

    def dispute():
        return account.core.customer_disputes(account.payment()["latest_charge"]).id

    def funded():
        customer = account.customer(cash_balance={"settings": {"reconciliation_mode": "manual"}})
        params = {"customer": customer, "confirm": True, "payment_method_types": ["customer_balance"]}
        made = intent(**params)
        account.core.customer_transfers(customer, 900, "eur")
        return made

    def overdue_note():
        return account.post("credit_notes", {"invoice": open_invoice(), "amount": 5})["id"]

    def method():
        return account.post("payment_methods", {"type": "card", "card": {"token": "tok_visa"}})["id"]

    def attached():
        customer = account.customer()
        return account.post("payment_methods/pm_card_visa/attach", {"customer": customer})["id"]

    def clock():
        return account.post("test_helpers/test_clocks", {"frozen_time": 1_790_000_000})["id"]

    def hook():
        return account.post("webhook_endpoints", {"url": "https://x.example", "enabled_events": ["*"]})["id"]

    def payout():
        return account.core.ledger.pay_out(1, "eur").id

    item = {"customer": None, "amount": 5}
    return {
        "customers.create": ("customers", {"name": "x"}),
        "customers.update": (f"customers/{fresh()}", {"name": "y"}),
        "cash_balance.update": (f"customers/{fresh()}/cash_balance", {"settings": {"reconciliation_mode": "manual"}}),
        "funding_instructions.create": (
            f"customers/{fresh()}/funding_instructions",
            {"currency": "eur", "funding_type": "bank_transfer", "bank_transfer": {"type": "eu_bank_transfer"}},
        ),
        "payment_methods.create": ("payment_methods", {"type": "card", "card": {"token": "tok_visa"}}),
        "payment_methods.attach": (f"payment_methods/{method()}/attach", {"customer": account.customer()}),
        "payment_methods.detach": (f"payment_methods/{attached()}/detach", {}),
        "test_helpers.fund_cash_balance": (
            f"test_helpers/customers/{fresh()}/fund_cash_balance",
            {"amount": 7, "currency": "eur"},
        ),
        "invoices.create": ("invoices", {"customer": fresh()}),
        "invoices.create_preview": ("invoices/create_preview", {"customer": fresh()}),
        "invoices.update": (f"invoices/{draft()}", {"description": "x"}),
        "invoices.add_lines": (f"invoices/{draft()}/add_lines", {"lines": [{"amount": 5}]}),
        "invoices.finalize": (f"invoices/{draft()}/finalize", {}),
        "invoices.send": (f"invoices/{draft()}/send", {}),
        "invoices.pay": (f"invoices/{open_invoice()}/pay", {}),
        "invoices.void": (f"invoices/{open_invoice()}/void", {}),
        "invoices.mark_uncollectible": (f"invoices/{open_invoice()}/mark_uncollectible", {}),
        "invoices.attach_payment": _attaching(account),
        "invoiceitems.create": ("invoiceitems", {**item, "customer": fresh()}),
        "credit_notes.create": ("credit_notes", {"invoice": open_invoice(), "amount": 5}),
        "credit_notes.update": (f"credit_notes/{overdue_note()}", {"memo": "x"}),
        "credit_notes.void": (f"credit_notes/{overdue_note()}/void", {}),
        "payment_intents.create": ("payment_intents", NEW),
        "payment_intents.update": (f"payment_intents/{intent()}", {"amount": 901}),
        "payment_intents.confirm": (f"payment_intents/{intent()}/confirm", {"payment_method": "pm_card_visa"}),
        "payment_intents.capture": (
            f"payment_intents/{account.payment(capture_method='manual')['id']}/capture",
            {"amount_to_capture": 5},
        ),
        "payment_intents.cancel": (f"payment_intents/{intent()}/cancel", {}),
        "payment_intents.apply_customer_balance": (f"payment_intents/{funded()}/apply_customer_balance", {}),
        "charges.update": (f"charges/{account.payment()['latest_charge']}", {"description": "x"}),
        "refunds.create": ("refunds", {"charge": account.payment()["latest_charge"], "amount": 5}),
        "refunds.update": (f"refunds/{_refund(account)}", {"metadata": {"a": 1}}),
        "refunds.cancel": (f"refunds/{_refund(account)}/cancel", {}),
        "disputes.update": (f"disputes/{dispute()}", {"evidence": {"customer_name": "x"}}),
        "disputes.close": (f"disputes/{dispute()}/close", {}),
        "payouts.create": ("payouts", {"amount": 5, "currency": "eur"}),
        "payouts.update": (f"payouts/{payout()}", {"metadata": {"a": 1}}),
        "payouts.cancel": (f"payouts/{payout()}/cancel", {}),
        "webhook_endpoints.create": ("webhook_endpoints", {"url": "https://x.example", "enabled_events": ["*"]}),
        "webhook_endpoints.update": (f"webhook_endpoints/{hook()}", {"disabled": True}),
        "test_clocks.create": ("test_helpers/test_clocks", {"frozen_time": 1_790_000_000}),
        "test_clocks.advance": (f"test_helpers/test_clocks/{clock()}/advance", {"frozen_time": 1_790_000_001}),
    }


def _refund(account):
    return account.post("refunds", {"charge": account.payment()["latest_charge"], "amount": 5})["id"]


def _attaching(account):
    customer = account.customer()
    invoice, payment = account.invoice(customer)["id"], account.payment(customer)["id"]
    return f"invoices/{invoice}/attach_payment", {"payment_intent": payment}


@pytest.fixture
def rich(new_account):
    """An account with money to pay out by hand, and no rate limits."""
    from o2c_twin.mock_systems.roles.billing import BillingTerms, PayoutSchedule

    account = new_account(StripeConfig(terms=BillingTerms(payouts=PayoutSchedule("manual"))))
    account.dialect.limiter.admit = lambda principal, cost, now: None
    account.payment(amount=99_000)
    account.wait(days=3)
    return account


KEYED = [promise.operation for promise in PROMISES if promise.guard == "key"]


def test_every_keyed_write_resent_after_a_lost_reply_is_done_once(rich):
    calls = writes_of(rich)
    assert sorted(calls) == sorted(KEYED)
    for name, (path, params) in calls.items():
        rich.server.faults.add(LostReply(operations=(name,), next=1))
        request = rich.request("POST", path, params, idempotency_key=f"key-{name}")
        with pytest.raises(TransportFault) as lost:
            rich.send(request)
        assert lost.value.applied is (name != "refunds.cancel"), name
        done = rich.core.snapshot()
        again = rich.send(request)
        assert again.headers["Idempotent-Replayed"] == "true", name
        assert rich.core.snapshot() == done, name
    assert len(calls) == len(KEYED)


@pytest.mark.parametrize("path", ["customers", "invoices", "payment_intents", "refunds", "invoiceitems"])
def test_a_create_resent_after_the_retention_is_done_twice(account, path):
    customer = account.customer()
    charge = account.payment(customer)["latest_charge"]
    params = {
        "customers": {"name": "x"},
        "invoices": {"customer": customer},
        "payment_intents": {"amount": 5, "currency": "eur"},
        "refunds": {"charge": charge, "amount": 5},
        "invoiceitems": {"customer": customer, "amount": 5},
    }[path]
    before = len(account.get(path)["data"])
    account.post(path, params, idempotency_key="k")
    account.wait(KEY_KEPT_S)
    account.post(path, params, idempotency_key="k")
    assert len(account.get(path)["data"]) == before + 2


def test_a_lost_create_is_not_found_by_search_within_the_lag_and_found_after(account):
    account.server.faults.add(LostReply(operations=("payment_intents.create",), next=1))
    with pytest.raises(TransportFault):
        account.call("POST", "payment_intents", {**NEW, "metadata": {"key": "K1"}})
    query = {"query": "metadata['key']:'K1'"}
    assert account.get("payment_intents/search", query)["data"] == []
    account.wait(SEARCH_LAG_S)
    assert len(account.get("payment_intents/search", query)["data"]) == 1


@pytest.mark.parametrize("kind", ["customers", "invoices", "invoiceitems", "webhook_endpoints", "test_clocks"])
def test_a_lost_delete_is_found_done(account, kind):
    customer = account.customer()
    path = {
        "customers": f"customers/{account.customer()}",
        "invoices": f"invoices/{account.invoice(customer, finalise=False)['id']}",
        "invoiceitems": f"invoiceitems/{account.post('invoiceitems', {'customer': customer, 'amount': 5})['id']}",
        "webhook_endpoints": "webhook_endpoints/"
        + account.post("webhook_endpoints", {"url": "https://x.example", "enabled_events": ["*"]})["id"],
        "test_clocks": "test_helpers/test_clocks/"
        + account.post("test_helpers/test_clocks", {"frozen_time": 1_790_000_000})["id"],
    }[kind]
    account.server.faults.add(LostReply(operations=(f"{kind}.delete",), next=1))
    with pytest.raises(TransportFault):
        account.call("DELETE", path)
    if kind == "customers":
        assert account.get(path)["deleted"] is True
    else:
        assert account.refusal("GET", path)[0] == 404
    assert account.refusal("DELETE", path)[0] == 404

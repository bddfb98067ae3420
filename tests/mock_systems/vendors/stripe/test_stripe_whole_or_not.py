"""A payment that is refused has changed nothing; one the bank declined has happened."""

import json

import pytest

from o2c_twin.mock_systems.vendors.stripe.limits import UPDATES_PER_HOUR


def _refused(account, path, params=None):
    """Refuse a call, and hold the books against those before it; the error's code."""
    before = account.dialect.core.snapshot()
    events = len(account.dialect.events.state.events)
    answer = account.call("POST", path, params)
    assert answer.status == 400, answer.body
    assert account.dialect.core.snapshot() == before
    assert len(account.dialect.events.state.events) == events
    return json.loads(answer.body)["error"].get("code")


@pytest.mark.parametrize("instrument", [None, "pm_card_visa", "pm_unknown"])
def test_confirming_what_is_paid_already_changes_nothing(account, instrument):
    payment = account.payment(account.customer())
    params = {} if instrument is None else {"payment_method": instrument}
    expected = "resource_missing" if instrument == "pm_unknown" else "payment_intent_unexpected_state"
    assert _refused(account, f"payment_intents/{payment['id']}/confirm", params) == expected


def test_a_refused_confirmation_does_not_use_up_the_hours_updates(account):
    payment = account.post("payment_intents", {"amount": 900, "currency": "eur", "metadata": {"n": "0"}})
    path = f"payment_intents/{payment['id']}"
    for _ in range(5):
        _refused(account, f"{path}/confirm")  # there is nothing to pay with
    for number in range(UPDATES_PER_HOUR):
        account.post(path, {"metadata": {"n": str(number)}})
    assert account.refusal("POST", path, {"metadata": {"n": "x"}})[:2] == (429, "rate_limit")


def test_a_declined_confirmation_has_happened_and_counts(account):
    payment = account.post("payment_intents", {"amount": 900, "currency": "eur"})
    path = f"payment_intents/{payment['id']}"
    for _ in range(UPDATES_PER_HOUR):
        declined = account.refusal("POST", f"{path}/confirm", {"payment_method": "pm_card_chargeDeclined"})
        assert declined[:2] == (402, "card_declined")
    assert account.get(path)["last_payment_error"]["code"] == "card_declined"
    assert account.refusal("POST", f"{path}/confirm", {"payment_method": "pm_card_visa"})[0] == 429


def test_a_transfer_cannot_be_awaited_from_a_deleted_customer(account):
    customer = account.customer()
    params = {"amount": 900, "currency": "eur", "customer": customer, "payment_method_types": ["customer_balance"]}
    payment = account.post("payment_intents", params)
    account.call("DELETE", f"customers/{customer}")
    assert _refused(account, f"payment_intents/{payment['id']}/confirm") == "resource_missing"


def test_cash_that_does_not_cover_an_invoice_stays_where_it_is(account):
    customer = account.customer()
    account.post(f"customers/{customer}/cash_balance", {"settings": {"reconciliation_mode": "manual"}})
    transfer = {"payment_settings": {"payment_method_types": ["customer_balance"]}}
    invoice = account.invoice(customer, 5_000, **transfer)
    waiting = {"amount": 3_000, "currency": "eur", "customer": customer, "payment_method_types": ["customer_balance"]}
    data = {"payment_method_data": {"type": "customer_balance"}}
    account.post("payment_intents", {**waiting, **data, "confirm": True})
    account.dialect.core.customer_transfers(customer, 1_000, "eur")
    account.post(f"customers/{customer}/cash_balance", {"settings": {"reconciliation_mode": "automatic"}})
    _refused(account, f"invoices/{invoice['id']}/pay")
    account.dialect.core.customer_transfers(customer, 9_000, "eur")
    assert account.get(f"invoices/{invoice['id']}")["status"] == "paid"

"""The payment provider's core: what becomes of invoices, payments and transfers."""

import pytest
from tests.mock_systems.roles.billing_provider import HOUR_US, MONDAY, Provider

from o2c_twin.mock_systems.roles.billing import Behaviour, Declined
from o2c_twin.mock_systems.roles.billing.rules import DAY_US


@pytest.fixture
def provider():
    return Provider()


# --- invoices ---------------------------------------------------------------------------------------


def test_a_draft_that_advances_is_finalised_after_an_hour_and_charged(provider):
    customer = provider.customer(method="card")
    invoice = provider.core.invoicing.create(customer, "eur", auto_advance=True)
    provider.core.invoicing.add_line(customer, "eur", 5_000, invoice_id=invoice.id)
    provider.wait(hours=0.9)
    assert invoice.status == "draft"
    provider.wait(hours=0.1)
    assert (invoice.status, invoice.paid_minor, invoice.remaining_minor) == ("paid", 5_000, 0)
    assert provider.told[-3:] == [("invoice", "updated"), ("invoice", "paid"), ("invoice", "payment-succeeded")]


def test_an_invoice_of_nothing_is_paid_at_once_and_asks_for_no_money(provider):
    invoice = provider.core.invoicing.create(provider.customer(), "eur", automatic=False)
    provider.core.invoicing.finalise(invoice.id)
    assert (invoice.status, invoice.payment_id) == ("paid", None)


def test_a_finalised_invoice_is_not_changed_any_more(provider):
    customer = provider.customer()
    invoice = provider.invoice(customer)
    provider.refused("not-editable", provider.core.invoicing.add_line, customer, "eur", 1, invoice_id=invoice.id)
    provider.refused("not-editable", provider.core.invoicing.delete, invoice.id)
    provider.refused("not-editable", provider.core.invoicing.finalise, invoice.id)


@pytest.mark.parametrize("end", ["void", "write_off"])
def test_an_open_invoice_ends_unpaid_and_a_paid_one_does_not(provider, end):
    customer = provider.customer()
    open_one, paid = provider.invoice(customer), provider.invoice(customer)
    provider.core.customer_pays_invoice(paid.id)
    getattr(provider.core.invoicing, end)(open_one.id)
    assert open_one.status == {"void": "void", "write_off": "uncollectible"}[end]
    provider.refused("invoice-state", getattr(provider.core.invoicing, end), paid.id)
    if end == "void":
        assert provider.core.state.payments[open_one.payment_id].status == "cancelled"
    else:
        provider.core.customer_pays_invoice(open_one.id)
        assert open_one.status == "paid"


def test_an_invoice_paid_elsewhere_is_paid_without_money(provider):
    invoice = provider.invoice(provider.customer())
    provider.core.invoicing.pay(invoice.id, out_of_band=True)
    assert (invoice.status, provider.balance) == ("paid", (0, 0))
    assert ("invoice", "paid") in provider.told
    assert ("invoice", "payment-succeeded") not in provider.told


def test_credit_on_account_lowers_what_is_due(provider):
    customer = provider.customer()
    provider.core.state.customers[customer].balance_minor = -3_000
    invoice = provider.invoice(customer, 10_000)
    assert (invoice.due_minor, provider.core.state.customers[customer].balance_minor) == (7_000, 0)
    provider.core.invoicing.void(invoice.id)
    assert provider.core.state.customers[customer].balance_minor == -3_000


def test_a_payment_made_before_may_pay_more_than_an_invoice(provider):
    customer = provider.customer()
    invoice = provider.invoice(customer, 1_000)
    payment = provider.core.collecting.create(1_500, "eur", ("card",), customer_id=customer)
    provider.core.customer_pays(payment.id)
    provider.core.invoicing.attach_payment(invoice.id, payment.id)
    assert (invoice.status, invoice.paid_minor, invoice.overpaid_minor) == ("paid", 1_500, 500)
    assert ("invoice", "overpaid") in provider.told
    provider.refused("invoice-state", provider.core.invoicing.attach_payment, invoice.id, payment.id)


# --- payments ---------------------------------------------------------------------------------------


def test_a_card_is_paid_at_once_and_available_days_later(provider):
    provider.card_charge(10_000)
    assert provider.balance == (0, 9_825)
    provider.wait(days=3)
    assert provider.balance == (9_825, 0)


def test_a_declined_card_leaves_a_failed_charge_and_a_payment_that_may_be_tried_again(provider):
    charge = provider.card_charge(decline="insufficient_funds")
    payment = provider.core.state.payments[charge.payment_id]
    assert (charge.status, payment.status, payment.error.reason) == ("failed", "needs-instrument", "insufficient_funds")
    provider.core.customer_pays(payment.id)
    assert (payment.status, len(payment.charge_ids)) == ("succeeded", 2)


def test_a_merchant_is_told_of_a_decline_by_an_exception_and_the_change_stays(provider):
    customer = provider.customer(method="card", behaviour=Behaviour(decline="do_not_honor"))
    invoice = provider.invoice(customer)
    with pytest.raises(Declined):
        provider.core.invoicing.pay(invoice.id)
    assert (invoice.status, invoice.attempts) == ("open", 1)


def test_a_debit_is_on_its_way_for_days(provider):
    customer = provider.customer(method="debit")
    invoice = provider.invoice(customer)
    provider.core.invoicing.pay(invoice.id)
    assert provider.core.state.payments[invoice.payment_id].status == "processing"
    provider.refused("invoice-state", provider.core.invoicing.void, invoice.id)
    provider.wait(days=3)
    assert invoice.status == "open"
    provider.wait(days=1)
    assert invoice.status == "paid"


def test_a_debit_that_comes_back_leaves_the_invoice_open(provider):
    customer = provider.customer(method="debit", behaviour=Behaviour(returned="insufficient_funds"))
    invoice = provider.invoice(customer)
    provider.core.invoicing.pay(invoice.id)
    provider.wait(days=4)
    assert (invoice.status, provider.balance) == ("open", (0, 0))
    assert ("invoice", "payment-failed") in provider.told


def test_a_debit_returned_after_it_was_paid_is_a_lost_dispute(provider):
    customer = provider.customer(method="debit")
    invoice = provider.invoice(customer, 10_000)
    provider.core.invoicing.pay(invoice.id)
    provider.wait(days=4)
    charge = provider.core.state.charges[provider.core.state.payments[invoice.payment_id].charge_ids[-1]]
    provider.core.bank_returns_debit(charge.id, "debit_not_authorized")
    dispute = provider.core.state.disputes[charge.dispute_id]
    assert (dispute.status, invoice.status) == ("lost", "paid")
    assert sum(provider.balance) == -35 - 2_000


def test_a_reserved_sum_is_taken_in_part_or_set_free(provider):
    customer = provider.customer(method="card")
    instrument = provider.core.state.customers[customer].instrument_id
    make = provider.core.collecting.create
    one, two = (
        make(1_000, "eur", ("card",), customer_id=customer, instrument_id=instrument, manual_capture=True) for _ in "12"
    )
    for payment in (one, two):
        provider.core.collecting.confirm(payment.id)
    provider.refused("too-much", provider.core.collecting.capture, one.id, 1_001)
    provider.core.collecting.capture(one.id, 600)
    provider.wait(days=8)
    assert (one.status, one.received_minor, two.status) == ("succeeded", 600, "cancelled")
    assert provider.core.state.charges[one.charge_ids[-1]].refunded_minor == 400


def test_a_payment_waits_for_the_customer_to_authenticate(provider):
    charge_less = provider.core.collecting.create(100, "eur", ("card",))
    provider.core.customer_pays(charge_less.id, "card", Behaviour(asks_customer=True))
    assert charge_less.status == "needs-action"
    provider.core.customer_authenticates(charge_less.id, agreed=False)
    assert charge_less.status == "needs-instrument"
    provider.core.customer_pays(charge_less.id, "card", Behaviour(asks_customer=True))
    provider.core.customer_authenticates(charge_less.id)
    assert charge_less.status == "succeeded"
    provider.refused("payment-state", provider.core.collecting.cancel, charge_less.id)


# --- transfers --------------------------------------------------------------------------------------


def test_a_transfer_pays_an_invoice_only_in_full_and_the_rest_stays_the_customers(provider):
    customer = provider.customer()
    invoice = provider.invoice(customer, 10_000, methods=("transfer",))
    provider.core.customer_transfers(customer, 9_999, "eur")
    cash = provider.core.state.customers[customer].cash
    assert (invoice.status, cash, provider.balance) == ("open", {"eur": 9_999}, (0, 0))
    provider.core.customer_transfers(customer, 50, "eur")
    assert (invoice.status, cash) == ("paid", {"eur": 49})
    assert provider.balance == (9_950, 0)


def test_a_transfer_that_names_a_payment_funds_it_in_part_even_by_hand_mode(provider):
    customer = provider.customer()
    provider.core.state.customers[customer].reconciling = "manual"
    payment = provider.core.collecting.create(1_000, "eur", ("transfer",), customer_id=customer)
    provider.core.collecting.confirm(payment.id)
    provider.core.customer_transfers(customer, 400, "eur", f"INV {payment.reference}")
    assert (payment.status, payment.funded_minor) == ("needs-action", 400)
    provider.core.customer_transfers(customer, 700, "eur", "no idea")
    assert payment.status == "needs-action"
    provider.core.cash.apply(payment.id)
    assert (payment.status, provider.core.state.customers[customer].cash) == ("succeeded", {"eur": 100})


def test_what_was_set_aside_is_free_when_the_payment_is_cancelled(provider):
    customer = provider.customer()
    payment = provider.core.collecting.create(1_000, "eur", ("transfer",), customer_id=customer)
    provider.core.collecting.confirm(payment.id)
    provider.core.customer_transfers(customer, 400, "eur")
    provider.core.collecting.cancel(payment.id)
    assert (provider.core.state.customers[customer].cash, payment.funded_minor) == ({"eur": 400}, 0)


def test_cash_does_not_pay_an_invoice_long_overdue(provider):
    customer = provider.customer()
    invoice = provider.invoice(customer, 100, methods=("transfer",), days_until_due=0)
    provider.wait(days=31)
    provider.core.customer_transfers(customer, 100, "eur")
    assert invoice.status == "open"


# --- test clocks ------------------------------------------------------------------------------------


def test_a_test_clock_moves_only_its_customers_invoices(provider):
    clock = provider.core.add_clock(MONDAY)
    customer = provider.core.add_customer(clock.id).id
    invoice = provider.core.invoicing.create(customer, "eur", automatic=False, auto_advance=True)
    provider.core.invoicing.add_line(customer, "eur", 1, invoice_id=invoice.id)
    provider.wait(days=30)
    assert invoice.status == "draft"
    provider.core.advance_clock(clock.id, MONDAY + DAY_US, 10_000_000)
    assert (invoice.status, clock.target_at) == ("draft", MONDAY + DAY_US)
    provider.refused("clock-busy", provider.core.advance_clock, clock.id, MONDAY + 2 * DAY_US, 1)
    provider.wait(hours=1)
    assert (invoice.status, invoice.finalised_at) == ("open", MONDAY + HOUR_US)
    assert (clock.frozen_at, clock.target_at) == (MONDAY + DAY_US, None)
    provider.refused("clock-backward", provider.core.advance_clock, clock.id, MONDAY, 1)
    provider.refused("clock-too-far", provider.core.advance_clock, clock.id, MONDAY + 800 * DAY_US, 1)

"""The payment provider's core: money is conserved whatever customers and banks do; nothing comes from nowhere."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from o2c_twin.mock_systems.roles.billing import Behaviour, BillingCore, BillingTerms, Declined, Fee, PayoutSchedule
from o2c_twin.mock_systems.roles.billing.rules import (
    DAY_US,
    Claim,
    business_days_after,
    fee_of,
    payout_at,
    share_out,
    split_credit,
)
from o2c_twin.mock_systems.roles.records import RuleError

HOUR_US = 3_600_000_000


def us(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


MONDAY = us("2026-03-02T09:00")


class Provider:
    """A provider whose clock moves when told, and what happened there."""

    def __init__(self, **terms):
        self.now = MONDAY
        self.core = BillingCore(lambda: self.now, BillingTerms(**terms))
        self.told = []
        self.paid_out = []
        self.core.listeners.append(lambda h: self.told.append((h.kind, h.name)))
        self.core.payout_listeners.append(lambda payout: self.paid_out.append((payout.amount_minor, payout.reference)))

    def wait(self, days=0.0, hours=0.0):
        self.now += int(days * DAY_US + hours * HOUR_US)
        self.core.run_due()

    def customer(self, **instrument):
        customer = self.core.add_customer(name="Acme")
        if instrument:
            self.core.add_instrument(customer_id=customer.id, last4="4242", **instrument)
        return customer.id

    def invoice(self, customer, amount=10_000, **fields):
        invoice = self.core.invoicing.create(customer, "eur", **{"automatic": False, **fields})
        self.core.invoicing.add_line(customer, "eur", amount, invoice_id=invoice.id)
        return self.core.invoicing.finalise(invoice.id)

    def card_charge(self, amount=10_000, **behaviour):
        customer = self.customer()
        payment = self.core.collecting.create(amount, "eur", ("card", "debit"), customer_id=customer)
        self.core.customer_pays(payment.id, "card", Behaviour(**behaviour))
        return self.core.state.charges[payment.charge_ids[-1]]

    def refused(self, code, call, *args, **fields):
        before = self.core.snapshot()
        with pytest.raises(RuleError) as caught:
            call(*args, **fields)
        assert caught.value.code == code
        assert self.core.snapshot() == before, "a refused call changed something"

    @property
    def balance(self):
        return self.core.ledger.balance().get("eur", (0, 0))


@pytest.fixture
def provider():
    return Provider()


# --- the rules --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fee", "amount", "charged"),
    [
        (Fee(150, 25), 10_000, 175),
        (Fee(150, 25), 33, 25),
        (Fee(150, 0), 34, 1),
        (Fee(50, 0, 500), 1_000_000, 500),
        (Fee(0, 35), 1, 35),
    ],
)
def test_a_fee_is_rounded_half_up_and_capped(fee, amount, charged):
    assert fee_of(fee, amount) == charged


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-03-02T09:00", 3, "2026-03-05T09:00"),
        ("2026-03-05T09:00", 2, "2026-03-09T09:00"),
        ("2026-03-07T09:00", 0, "2026-03-09T09:00"),
        ("2026-03-07T09:00", 1, "2026-03-10T09:00"),
    ],
)
def test_business_days_leave_the_weekend_out(start, days, end):
    assert business_days_after(us(start), days) == us(end)


@pytest.mark.parametrize(
    ("schedule", "available", "run"),
    [
        (PayoutSchedule(), "2026-03-02T05:00", "2026-03-02T06:00"),
        (PayoutSchedule(), "2026-03-02T06:00", "2026-03-02T06:00"),
        (PayoutSchedule(), "2026-03-06T07:00", "2026-03-09T06:00"),
        (PayoutSchedule("weekly", 5), "2026-03-02T09:00", "2026-03-06T06:00"),
        (PayoutSchedule("monthly", 31), "2026-02-02T09:00", "2026-02-28T06:00"),
        (PayoutSchedule("monthly", 1), "2026-03-02T09:00", "2026-04-01T06:00"),
    ],
)
def test_a_payout_run_is_the_first_of_its_schedule(schedule, available, run):
    assert payout_at(schedule, us(available)) == us(run)


def claims(*amounts, kind="invoice"):
    return [Claim(str(n), kind, amount, n) for n, amount in enumerate(amounts)]


@pytest.mark.parametrize(
    ("amount", "open_items", "paid"),
    [
        (100, claims(60, 100, 40), {"1": 100}),  # the smallest group wins
        (100, claims(60, 40, 40), {"0": 60, "1": 40}),  # of equal groups the oldest
        (150, claims(10, 20, 30, 40, 50), {"0": 10, "1": 20, "2": 30, "3": 40, "4": 50}),
        (210, claims(10, 20, 30, 40, 50, 60), {"0": 10, "1": 20, "2": 30, "3": 40, "4": 50, "5": 60}),
        (99, claims(100), {}),  # an invoice is never paid in part
        (99, claims(100, kind="payment"), {"0": 99}),
        (130, claims(100, 60), {"0": 100}),  # the second is not covered
        (130, [Claim("0", "payment", 100, 0), Claim("1", "invoice", 30, 1), Claim("2", "invoice", 100, 2)],
         {"1": 30, "2": 100}),  # of groups as small, most invoices
    ],
)  # fmt: skip
def test_a_transfer_pays_what_it_fits_best(amount, open_items, paid):
    assert {claim.id: share for claim, share in share_out(amount, open_items)} == paid


@given(
    st.integers(1, 500),
    st.lists(st.tuples(st.sampled_from(["invoice", "payment"]), st.integers(1, 100)), max_size=9),
)
def test_a_transfer_never_pays_more_than_it_is_or_than_is_open(amount, items):
    open_items = [Claim(str(n), kind, minor, n) for n, (kind, minor) in enumerate(items)]
    shares = share_out(amount, open_items)
    assert sum(share for _, share in shares) <= amount
    assert all(0 < share <= claim.open_minor for claim, share in shares)
    assert all(share == claim.open_minor for claim, share in shares if claim.kind == "invoice")
    assert len({claim.id for claim, _ in shares}) == len(shares)


def test_a_credit_first_lowers_what_is_open():
    assert split_credit(30, 100) == (30, 0)
    assert split_credit(130, 100) == (100, 30)


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


# --- money back -------------------------------------------------------------------------------------


def test_a_refund_is_of_what_is_left_and_the_fee_is_gone(provider):
    charge = provider.card_charge(10_000)
    provider.core.returning.refund(charge.id, 4_000)
    provider.refused("too-much", provider.core.returning.refund, charge.id, 6_001)
    provider.core.returning.refund(charge.id)
    provider.refused("already-refunded", provider.core.returning.refund, charge.id)
    assert sum(provider.balance) == -175


def test_a_refund_may_fail_days_later_and_can_be_made_again(provider):
    charge = provider.card_charge(10_000, rejects_refunds=True)
    refund = provider.core.returning.refund(charge.id)
    assert refund.status == "succeeded"
    provider.wait(days=3)
    assert (refund.status, charge.refunded_minor, sum(provider.balance)) == ("failed", 0, 9_825)
    provider.refused("refund-state", provider.core.bank_rejects_refund, refund.id)


def test_a_dispute_takes_the_money_and_a_won_one_brings_it_back(provider):
    charge = provider.card_charge(10_000)
    dispute = provider.core.customer_disputes(charge.id)
    assert sum(provider.balance) == -175 - 2_000
    provider.refused("charge-disputed", provider.core.returning.refund, charge.id)
    provider.core.returning.give_evidence(dispute.id, {"note": "signed"}, submit=True, persuasive=True)
    provider.refused("dispute-state", provider.core.returning.give_evidence, dispute.id, {}, submit=True)
    provider.wait(days=60)
    assert (dispute.status, sum(provider.balance) + sum(paid for paid, _ in provider.paid_out)) == ("won", 7_825)


def test_a_dispute_nobody_answers_is_lost(provider):
    dispute = provider.core.customer_disputes(provider.card_charge().id)
    provider.wait(days=7)
    assert dispute.status == "lost"
    provider.refused("dispute-state", provider.core.network_decides, dispute.id, True)


def test_an_inquiry_takes_no_money_and_the_charge_may_be_refunded(provider):
    charge = provider.card_charge(10_000)
    dispute = provider.core.customer_disputes(charge.id, inquiry=True)
    provider.core.returning.refund(charge.id, 1)
    provider.wait(days=7)
    assert (dispute.status, dispute.entry_ids) == ("inquiry-closed", [])


def test_a_credit_note_of_an_open_invoice_can_settle_it_and_be_voided_before(provider):
    invoice = provider.invoice(provider.customer(), 10_000)
    note = provider.core.crediting.create(invoice.id, 4_000)
    assert (invoice.remaining_minor, provider.core.state.payments[invoice.payment_id].amount_minor) == (6_000, 6_000)
    provider.core.crediting.void(note.id)
    assert invoice.remaining_minor == 10_000
    provider.refused("too-much", provider.core.crediting.create, invoice.id, 10_001)
    provider.core.crediting.create(invoice.id, 10_000)
    assert invoice.status == "paid"


def test_a_credit_note_after_payment_must_say_where_the_money_goes(provider):
    customer = provider.customer()
    invoice = provider.invoice(customer, 10_000)
    provider.core.customer_pays_invoice(invoice.id)
    provider.refused("credit-split", provider.core.crediting.create, invoice.id, 4_000)
    provider.core.crediting.create(
        invoice.id, 4_000, refund_minor=1_000, on_account_minor=2_000, out_of_band_minor=1_000
    )
    assert provider.core.state.customers[customer].balance_minor == -2_000
    assert [refund.amount_minor for refund in provider.core.state.refunds.values()] == [1_000]


# --- payouts ----------------------------------------------------------------------------------------


def test_the_balance_leaves_by_schedule_in_one_sum_with_a_reference(provider):
    provider.card_charge(10_000)
    provider.card_charge(5_000)
    provider.wait(days=7)
    (payout,) = provider.core.state.payouts.values()
    assert provider.paid_out == [(9_825 + 4_900, payout.reference)]
    entries = list(provider.core.ledger.entries_of(payout.id))
    assert sum(entry.net_minor for entry in entries if entry.kind != "payout") == payout.amount_minor
    assert provider.balance == (0, 0)


def test_a_payout_the_bank_rejects_leaves_again_with_the_next(provider):
    provider.card_charge(10_000)
    provider.wait(days=3.9)
    (first,) = provider.core.state.payouts.values()
    provider.core.bank_rejects_payout(first.id)
    assert provider.balance == (9_825, 0)
    provider.wait(days=5)
    assert [status.status for status in provider.core.state.payouts.values()] == ["failed", "paid"]
    assert [amount for amount, _ in provider.paid_out] == [9_825]


def test_a_negative_balance_waits_for_better_days(provider):
    charge = provider.card_charge(10_000)
    provider.wait(days=7)
    provider.core.returning.refund(charge.id)
    provider.wait(days=7)
    assert provider.balance == (-10_000, 0)
    provider.card_charge(20_000)
    provider.wait(days=7)
    assert provider.paid_out[-1][0] == 20_000 - 325 - 10_000


def test_a_payout_by_hand_takes_no_more_than_is_available():
    provider = Provider(payouts=PayoutSchedule("manual"))
    provider.card_charge(10_000)
    provider.refused("balance-insufficient", provider.core.ledger.pay_out, 1, "eur")
    provider.wait(days=3)
    provider.core.ledger.pay_out(9_000, "eur")
    provider.wait(days=3)
    assert (provider.balance, [paid for paid, _ in provider.paid_out]) == ((825, 0), [9_000])
    payout = provider.core.ledger.pay_out(800, "eur")
    provider.core.ledger.cancel(payout.id)
    assert provider.balance == (825, 0)
    payout = provider.core.ledger.pay_out(800, "eur")
    provider.wait(hours=1)
    provider.refused("payout-state", provider.core.ledger.cancel, payout.id)


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


# --- conservation -----------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.integers(0, 15), st.integers(0, 30), st.integers(1, 20_000)),
    min_size=1,
    max_size=40,
)


def act(provider, step, pick, amount):
    """One of the things that may happen, to one of the records there are; a rule may forbid it."""
    core, state = provider.core, provider.core.state

    def one(table):
        return list(table)[pick % len(table)]

    match step:
        case 0:
            behaviour = Behaviour(
                decline="do_not_honor" if pick % 7 == 0 else None,
                returned="insufficient_funds" if pick % 5 == 0 else None,
                disputes="fraudulent" if pick % 11 == 0 else None,
                rejects_refunds=pick % 4 == 0,
            )
            provider.customer(method="card" if pick % 2 else "debit", behaviour=behaviour)
        case 1 | 2:
            methods = ("transfer",) if pick % 3 == 0 else ()
            provider.invoice(one(state.customers), amount, methods=methods)
        case 3:
            core.invoicing.pay(one(state.invoices), out_of_band=pick % 10 == 0)
        case 4:
            core.customer_pays_invoice(one(state.invoices), "debit" if pick % 2 else "card")
        case 5:
            core.customer_transfers(one(state.customers), amount, "eur")
        case 6:
            payment = core.collecting.create(amount, "eur", ("transfer",), customer_id=one(state.customers))
            core.collecting.confirm(payment.id)
        case 7:
            core.returning.refund(one(state.charges), amount if pick % 2 else None)
        case 8:
            core.customer_disputes(one(state.charges), inquiry=pick % 5 == 0)
        case 9:
            core.network_decides(one(state.disputes), won=pick % 2 == 0)
        case 10:
            invoice = state.invoices[one(state.invoices)]
            after = max(0, amount - invoice.remaining_minor)
            core.crediting.create(invoice.id, amount, refund_minor=after)
        case 11:
            core.bank_returns_debit(one(state.charges))
        case 12:
            core.bank_rejects_refund(one(state.refunds))
        case 13:
            core.bank_rejects_payout(one(state.payouts))
        case 14:
            core.collecting.cancel(one(state.payments))
        case 15:
            provider.wait(days=pick % 9)


@given(STEPS)
@settings(max_examples=120)
@example([(0, 1, 1), (1, 1, 5_000), (3, 1, 1), (7, 0, 1), (15, 8, 1), (8, 0, 1), (15, 8, 1)])
def test_charges_less_refunds_disputes_and_fees_are_payouts_and_balance(steps):
    provider = Provider()
    provider.customer(method="card")
    for step, pick, amount in steps:
        try:
            act(provider, step, pick, amount)
        except (RuleError, Declined, ZeroDivisionError):
            pass
        check_the_books(provider)
    provider.wait(days=120)
    check_the_books(provider)
    again = BillingCore(lambda: provider.now)
    again.restore(provider.core.snapshot())
    assert again.snapshot() == provider.core.snapshot()


def check_the_books(provider):
    state = provider.core.state
    charged = sum(c.captured_minor for c in state.charges.values() if c.status == "succeeded")
    refunded = sum(r.amount_minor for r in state.refunds.values() if r.status != "failed")
    disputed = sum(d.amount_minor for d in state.disputes.values() if d.entry_ids and d.status != "won")
    fees = sum(entry.fee_minor for entry in state.entries.values())
    sent = sum(p.amount_minor for p in state.payouts.values() if p.status != "failed")
    assert charged - refunded - disputed - fees == sent + sum(provider.balance)
    # Customers' transfers are their cash, set aside for a payment, or have become a charge.
    came = sum(entry.amount_minor for entry in state.cash_entries.values() if entry.kind == "funded")
    cash = sum(customer.cash.get("eur", 0) for customer in state.customers.values())
    transfers = [c for c in state.charges.values() if c.method == "transfer"]
    became = sum(c.amount_minor - c.refunded_minor for c in transfers)
    aside = sum(p.funded_minor for p in state.payments.values() if p.status != "succeeded")
    assert came == cash + aside + became
    assert all(minor >= 0 for customer in state.customers.values() for minor in customer.cash.values())
    for charge in state.charges.values():
        assert 0 <= charge.refunded_minor <= charge.amount_minor
    for invoice in state.invoices.values():
        links = (state.invoice_payments[id_] for id_ in invoice.payment_ids)
        paid = sum(link.paid_minor or 0 for link in links)
        assert invoice.out_of_band or invoice.paid_minor == paid
        if invoice.status == "paid" and not invoice.out_of_band:
            assert invoice.paid_minor - invoice.overpaid_minor == invoice.due_minor

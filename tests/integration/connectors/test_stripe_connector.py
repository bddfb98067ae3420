"""The Stripe connector against the mock in virtual time: payers, collections and their turns, payouts."""

import pytest
from tests.integration.connectors.stripe_provider import DAY, START, providers

from o2c_twin.integration.capability import guard_of
from o2c_twin.integration.connectors.ports import Payments
from o2c_twin.integration.connectors.stripe import SHEET
from o2c_twin.integration.connectors.stripe_reading import read_payout
from o2c_twin.integration.model import Party, PayoutLine
from o2c_twin.mock_systems.roles.billing import Behaviour
from o2c_twin.mock_systems.wire.faults import LostReply


@pytest.fixture
def found_with():
    with providers() as found:
        yield found


@pytest.fixture
def provider(found_with):
    return found_with()


def test_it_is_a_payments_connector_whose_claims_are_the_mocks_promises(provider):
    connector: Payments = provider.connector
    promises = {promise.operation: promise for promise in provider.dialect.promises}
    assert connector.sheet is SHEET
    for claim in SHEET:
        promise = promises[claim.operation]
        for what in ("guard", "retention_s", "index_lag_s", "version_guard", "bulk_limit", "partial"):
            assert getattr(claim, what) == getattr(promise, what), (claim.operation, what)
    assert {guard_of(SHEET, write).guard for write in ("put_payer", "collect")} == {"key"}


# --- payers -----------------------------------------------------------------------------------------


def test_a_payer_is_a_customer_with_the_numbers_of_the_other_systems(provider):
    payer = provider.payer()
    (customer,) = provider.core.state.customers.values()
    assert (customer.id, customer.name, customer.email) == (payer, "Acme", "ap@acme.example")
    assert customer.metadata == {"crm_id": "A1", "customer_number": "K-1"}
    assert provider.payer() == payer
    assert provider.payer(key=None) != payer


@pytest.mark.parametrize("way", ["page", "transfer"])
@pytest.mark.parametrize("write", ["put_payer", "collect"])
def test_a_write_whose_answer_was_lost_is_made_once_under_its_key(found_with, write, way):
    provider = found_with(way)
    payer = provider.payer(key="other")
    operation = {"put_payer": "customers.create", "collect": "payment_intents.create"}[write]
    provider.server.faults.add(LostReply(operations=(operation,), next=1))

    def call():
        if write == "put_payer":
            return provider.connector.put_payer(Party("A2", "Beta"), "k", "c")
        return provider.connector.collect(provider.claim(payer), "k", "c")

    assert provider.failure(call()).cause == "unknown-outcome"
    made = provider.do(call())
    table = provider.core.state.payments if write == "collect" else provider.core.state.customers
    assert [id_ for id_ in table if id_ != payer] == [made]


def test_a_key_of_any_length_and_letters_is_taken(provider):
    payer = provider.payer()
    for key in ("k" * 300, "schlüssel", "zeile\n2"):
        one, two = (provider.do(provider.connector.collect(provider.claim(payer), key, "c")) for _ in range(2))
        assert one == two
    assert len(provider.core.state.payments) == 3


# --- collecting -------------------------------------------------------------------------------------


def test_a_page_waits_for_the_customer_who_pays_by_card(provider):
    payment = provider.collect(provider.payer())
    waiting = provider.payment(payment)
    assert (waiting.state, waiting.invoice_number, waiting.payer_id) == ("pending", "INV1", provider.payer())
    assert (waiting.amount_minor, waiting.currency, waiting.modified_at) == (10_000, "EUR", START)
    provider.wait(days=2)
    provider.core.customer_pays(payment, "card", Behaviour(decline="insufficient_funds"))
    failed = provider.payment(payment)
    assert (failed.state, failed.reason) == ("failed", "insufficient_funds")
    provider.core.customer_pays(payment, "card")
    paid = provider.payment(payment)
    assert (paid.state, paid.reason, paid.modified_at) == ("paid", "", START + 2 * DAY * 1_000_000)


def test_a_transfer_in_two_parts(found_with):
    provider = found_with("transfer")
    payer = provider.payer()
    payment = provider.collect(payer)
    provider.core.customer_transfers(payer, 4_000, "eur")
    assert provider.payment(payment).state == "pending"
    provider.core.customer_transfers(payer, 6_500, "eur", "INV1")
    assert provider.payment(payment).state == "paid"
    assert provider.core.state.customers[payer].cash == {"eur": 500}


def test_what_a_customer_has_saved_is_collected_at_once_or_days_later(found_with):
    provider = found_with("saved")
    payer = provider.payer()
    refused = provider.failure(provider.connector.collect(provider.claim(payer), "k", "c"))
    assert (refused.cause, "saved nothing" in refused.detail) == ("rejected", True)
    provider.core.add_instrument("debit", "3000", customer_id=payer)
    payment = provider.collect(payer)
    assert provider.payment(payment).state == "pending"
    provider.wait(days=4)
    assert provider.payment(payment).state == "paid"
    provider.core.bank_returns_debit(provider.charge_of(payment), "insufficient_funds")
    late = provider.payment(payment)
    assert (late.state, late.reason) == ("charged-back", "insufficient_funds")


def test_a_declined_collection_is_there_and_failed(found_with):
    provider = found_with("saved")
    payer = provider.payer()
    provider.core.add_instrument("card", "0002", behaviour=Behaviour(decline="do_not_honor"), customer_id=payer)
    payment = provider.collect(payer)
    assert provider.collect(payer) == payment
    assert (provider.payment(payment).state, provider.payment(payment).reason) == ("failed", "do_not_honor")
    assert len(provider.core.state.payments) == 1


def test_a_collection_sent_again_with_another_card_finds_the_first(found_with):
    provider = found_with("saved")
    payer = provider.payer()
    provider.core.add_instrument("card", "4242", customer_id=payer)
    payment = provider.collect(payer)
    provider.core.state.customers[payer].instrument_id = provider.core.add_instrument("card", "4444").id
    provider.core.state.instruments[provider.core.state.customers[payer].instrument_id].customer_id = payer
    assert provider.collect(payer) == payment
    other = provider.claim(payer, "INV2")
    refused = provider.failure(provider.connector.collect(other, "collect:INV1", "c"))
    assert (refused.cause, "idempotent" in refused.detail) == ("rejected", True)


@pytest.mark.parametrize("currency", ["JPY", "USD"])
def test_amounts_are_minor_units_of_any_currency(provider, currency):
    payment = provider.collect(provider.payer(), amount=501, currency=currency)
    assert (provider.payment(payment).amount_minor, provider.payment(payment).currency) == (501, currency)


def test_refunds_disputes_and_cancelling_show_in_the_state(provider):
    payer = provider.payer()
    refunded, disputed, cancelled = (provider.collect(payer, f"INV{n}") for n in range(3))
    for payment in (refunded, disputed):
        provider.core.customer_pays(payment)
    provider.core.collecting.cancel(cancelled, "duplicate")
    assert (provider.payment(cancelled).state, provider.payment(cancelled).reason) == ("cancelled", "duplicate")
    provider.wait(days=1)
    provider.core.returning.refund(provider.charge_of(refunded), 4_000)
    part = provider.payment(refunded)
    assert (part.state, part.refunded_minor, part.modified_at) == ("paid", 4_000, START + DAY * 1_000_000)
    provider.core.returning.refund(provider.charge_of(refunded), reason="duplicate")
    whole = provider.payment(refunded)
    assert (whole.state, whole.refunded_minor, whole.reason) == ("refunded", 10_000, "duplicate")
    dispute = provider.core.customer_disputes(provider.charge_of(disputed), "product_not_received")
    assert (provider.payment(disputed).state, provider.payment(disputed).reason) == (
        "charged-back", "product_not_received")  # fmt: skip
    provider.core.network_decides(dispute.id, won=True)
    assert provider.payment(disputed).state == "paid"


def test_an_inquiry_takes_nothing_back_and_a_failed_refund_is_none(provider):
    payment = provider.collect(provider.payer())
    provider.core.customer_pays(payment)
    provider.core.customer_disputes(provider.charge_of(payment), inquiry=True)
    assert provider.payment(payment).state == "paid"
    refund = provider.core.returning.refund(provider.charge_of(payment))
    provider.core.bank_rejects_refund(refund.id)
    assert (provider.payment(payment).state, provider.payment(payment).refunded_minor) == ("paid", 0)


def test_what_was_reserved_and_not_taken_is_no_refund(provider):
    payer = provider.payer()
    card = provider.core.add_instrument("card", "4242", customer_id=payer)
    core = provider.core.collecting
    made = core.create(1_000, "eur", ("card",), customer_id=payer, instrument_id=card.id, manual_capture=True)
    core.confirm(made.id)
    assert provider.payment(made.id).state == "pending"
    core.capture(made.id, 600)
    taken = provider.payment(made.id)
    assert (taken.state, taken.amount_minor, taken.refunded_minor) == ("paid", 600, 0)


# --- payouts ----------------------------------------------------------------------------------------


def test_a_payout_is_made_of_payments_refunds_disputes_and_their_fees(provider):
    payer = provider.payer()
    paid, refunded, disputed = (provider.collect(payer, f"INV{n}", 10_000) for n in range(3))
    for payment in (paid, refunded, disputed):
        provider.core.customer_pays(payment)
    provider.core.returning.refund(provider.charge_of(refunded), 1_000)
    provider.core.customer_disputes(provider.charge_of(disputed))
    arrived = []
    provider.core.payout_listeners.append(lambda payout: arrived.append((payout.amount_minor, payout.reference)))
    provider.wait(days=8)
    (id_,) = provider.core.state.payouts
    payout = provider.do(provider.connector.payout(id_))
    assert arrived == [(payout.amount_minor, payout.reference)]
    assert (payout.currency, payout.arrives_on, " " in payout.reference) == ("EUR", "2026-03-09", False)
    assert sum(line.amount_minor - line.fee_minor for line in payout.lines) == payout.amount_minor
    assert sorted((line.kind, line.payment_id, line.amount_minor, line.fee_minor) for line in payout.lines) == sorted(
        [("payment", payment, 10_000, 175) for payment in (paid, refunded, disputed)]
        + [("refund", refunded, -1_000, 0), ("chargeback", disputed, -10_000, 2_000)]
    )


def test_a_payout_of_many_payments_is_read_to_its_end(provider):
    payer = provider.payer()
    provider.dialect.limiter.admit = lambda principal, cost, now: None
    made = [provider.collect(payer, f"INV{n}", 1_000 + n) for n in range(230)]
    for payment in made:
        provider.core.customer_pays(payment)
    provider.wait(days=8)
    (id_,) = provider.core.state.payouts
    payout = provider.do(provider.connector.payout(id_))
    assert {line.payment_id for line in payout.lines} == set(made)
    assert sum(line.amount_minor - line.fee_minor for line in payout.lines) == payout.amount_minor


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"type": "refund_failure", "amount": 5, "source": {"payment_intent": "pi_1"}},
         PayoutLine("pi_1", "refund", 5, 0)),
        ({"type": "payment", "amount": 5, "fee": 1, "source": {"payment_intent": "pi_1"}},
         PayoutLine("pi_1", "payment", 5, 1)),
        ({"type": "payout_failure", "amount": 5, "source": {"id": "po_1"}}, PayoutLine(None, "adjustment", 5, 0)),
        ({"type": "stripe_fee", "amount": -5, "source": None}, PayoutLine(None, "fee", -5, 0)),
        ({"type": "adjustment", "amount": -5, "source": None}, PayoutLine(None, "adjustment", -5, 0)),
        ({"type": "something_new", "amount": 9, "source": "x_1"}, PayoutLine(None, "adjustment", 9, 0)),
    ],
)  # fmt: skip
def test_every_kind_of_balance_transaction_is_a_line(entry, line):
    row = {"id": "po_1", "amount": 5, "currency": "eur", "arrival_date": 0, "statement_descriptor": "ACME"}
    payout = read_payout(row, [{"fee": 0, "reporting_category": "other", **entry}])
    assert (payout.lines, payout.reference, payout.arrives_on) == ((line,), "ACME", "1970-01-01")

"""Refunds, disputes and credit notes, and the balance that leaves in payouts."""

import pytest
from tests.mock_systems.roles.billing_provider import Provider

from o2c_twin.mock_systems.roles.billing import PayoutSchedule


@pytest.fixture
def provider():
    return Provider()


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

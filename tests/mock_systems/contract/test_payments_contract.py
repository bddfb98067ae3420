"""What every payment provider does, whoever makes it: its dialect may not bend the rules of the core."""

import pytest

from o2c_twin.integration.model import Party, PaymentClaim

_DAYS = 50
"""Long enough for a claim to fall due, to be settled and to be paid out."""


@pytest.fixture
def provider(payments):
    """A provider with a payer, whose money arrives at the bank of the test."""
    payments.received, payments.arrived = [], []
    payments.stand.on_paid(lambda payment, invoice, minor: payments.received.append((payment, invoice, minor)))
    payments.stand.on_payout(lambda minor, reference: payments.arrived.append((minor, reference)))
    party = Party("A1", "Acme GmbH", "K-1", "ap@acme.example")
    payments.payer = payments.do(payments.system.put_payer(party, "payer:A1", "c"))
    return payments


def _claim(provider, number=1, amount=12_345):
    claim = PaymentClaim(f"INV{number}", provider.payer, amount, "EUR", "2026-02-04")
    return lambda: provider.system.collect(claim, f"collect:INV{number}", "c")


def _paid(provider, number=1, amount=12_345):
    payment = provider.do(_claim(provider, number, amount)())
    provider.stand.pay(f"INV{number}", amount)
    return payment


def test_a_claim_arrives_to_the_cent(provider):
    for number, amount in enumerate((101, 12_345, 99_999), 1):
        told = provider.do(provider.system.payment(provider.do(_claim(provider, number, amount)())))
        assert (told.invoice_number, told.amount_minor, told.currency) == (f"INV{number}", amount, "EUR")
        assert (told.payer_id, told.state, told.refunded_minor) == (provider.payer, "pending", 0)


def test_a_claim_sent_again_with_its_key_is_made_once(provider):
    claim = _claim(provider)
    first = provider.lost_then_resent("collect", "collect:INV1", claim)
    assert provider.do(claim()) == first
    provider.stand.pay("INV1", 12_345)
    for _ in range(_DAYS):
        provider.later(86_400)
    assert [(invoice, minor) for _, invoice, minor in provider.received] == [("INV1", 12_345)]


def test_a_payer_sent_again_with_its_key_is_the_same(provider):
    party = Party("A1", "Acme GmbH", "K-1", "ap@acme.example")
    assert provider.do(provider.system.put_payer(party, "payer:A1", "c")) == provider.payer


def test_what_is_paid_out_is_what_was_paid_less_fees_to_the_cent(provider):
    amounts = {_paid(provider, number, amount): amount for number, amount in ((1, 12_345), (2, 101), (3, 70_000))}
    _, since = provider.do(provider.system.changes(provider.clock.now() - 1))
    for _ in range(_DAYS):
        provider.later(86_400)
    assert {provider.do(provider.system.payment(payment)).state for payment in amounts} == {"paid"}
    events, _ = provider.do(provider.system.changes(since))
    payouts = list(dict.fromkeys(event.object_id for event in events if event.flow == "payout"))
    assert payouts
    told = [provider.do(provider.system.payout(payout)) for payout in payouts]
    for payout in told:
        assert payout.amount_minor == sum(line.amount_minor - line.fee_minor for line in payout.lines)
    assert sorted((payout.amount_minor, payout.reference) for payout in told) == sorted(provider.arrived)
    collected = {line.payment_id: line.amount_minor for p in told for line in p.lines if line.kind == "payment"}
    assert collected == amounts


def test_a_payment_there_is_not_is_missing(provider):
    known = provider.do(_claim(provider)())
    unknown = known[:-1] + ("A" if known[-1] != "A" else "B")
    assert provider.fails(provider.system.payment(unknown)).cause == "missing"

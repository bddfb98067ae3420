"""Where the money of every direct debit payment is, whatever happens to it."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.mock_systems.roles.direct_debit_provider import Provider

from o2c_twin.mock_systems.roles.direct_debit import DirectDebitCore, Terms
from o2c_twin.mock_systems.roles.direct_debit.rules import payout_amount
from o2c_twin.mock_systems.roles.records import RuleError


def _books_balance(core: DirectDebitCore) -> None:
    """Every payout is the rounded sum of its items, and every payment's money is where its state says."""
    items = [item for payout in core.state.payouts.values() for item in payout.items]
    for payout in core.state.payouts.values():
        assert payout.amount == payout_amount(payout.items) > 0
    items += [item for owed in core.state.owed.values() for item in owed]
    for payment in core.state.payments.values():
        mine = [i for i in items if i.payment_id == payment.id]
        moved = sum(i.tenths for i in mine if i.kind.startswith("payment") and i.kind != "payment_refunded")
        assert moved == (payment.amount * 10 if payment.status == "paid_out" else 0), payment
        refunded = sum(i.tenths for i in mine if "refund" in i.kind)
        assert refunded == -payment.refunded * 10, payment
        fees = sum(i.tenths for i in mine if i.kind == "fee")
        assert fees == (-payment.fee if payment.status == "paid_out" else 0), payment
        assert (payment.id in core.state.ready) == (payment.status == "confirmed"), payment
        assert payment.payout_id is not None or payment.status != "paid_out", payment
        assert payment.payout_id is None or payment.status not in ("confirmed", "submitted"), payment
        assert 0 <= payment.refunded <= payment.amount


def _live_through(seed: int, acts: int) -> tuple[DirectDebitCore, set[str]]:
    """A provider's random life; checks its books after every act. Gives it with the item kinds that were paid out."""
    provider = Provider(terms=Terms(surcharge=250))
    core = provider.core
    mandates = {"GBP": provider.mandate(), "EUR": provider.mandate("EUR")}
    rng = random.Random(seed)

    def one_of(*statuses: str) -> str:
        fitting = [p.id for p in core.state.payments.values() if p.status in statuses]
        return rng.choice(fitting or list(core.state.payments) or [""])

    def act() -> None:
        match rng.choice(
            [
                "collect",
                "collect",
                "wait",
                "wait",
                "wait",
                "refuse",
                "claim",
                "withdraw",
                "retry",
                "refund",
                "bounce",
                "cancel",
            ]
        ):
            case "collect":
                currency = rng.choice(["GBP", "EUR"])
                core.add_payment(mandates[currency], rng.randrange(1, 99_999), currency)
            case "refuse":
                core.bank_refuses(one_of("submitted", "confirmed", "paid_out"))
            case "claim":
                core.payer_claims_back(one_of("confirmed", "paid_out"), "authorisation_disputed")
            case "withdraw":
                core.bank_withdraws_claim(one_of("charged_back"))
            case "retry":
                core.retry_payment(one_of("failed"))
            case "cancel":
                core.cancel_payment(one_of("pending_submission") if rng.random() < 0.3 else "")
            case "refund":
                payment = core.payment(one_of("confirmed", "paid_out"))
                part = min(rng.randrange(1, 50_000), payment.amount - payment.refunded)
                core.add_refund(payment.id, part, payment.refunded + part)
            case "bounce":
                core.bank_returns_refund(rng.choice(list(core.state.refunds) or [""]))
            case _:
                provider.at += rng.randrange(1, 3 * 86_400) * 1_000_000
                core.run_due()

    for _ in range(acts):
        before = len(core.state.happenings)
        try:
            act()
        except RuleError:
            assert len(core.state.happenings) == before
        _books_balance(core)
    provider.at += 40 * 86_400_000_000
    core.run_due()
    _books_balance(core)
    return core, {i.kind for payout in core.state.payouts.values() for i in payout.items}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_no_money_is_lost_or_made_whatever_happens(seed):
    _live_through(seed, 120)


def test_the_random_life_meets_every_way_money_moves():
    core, kinds = _live_through(1, 250)
    assert kinds == {
        "payment_paid_out", "payment_failed", "payment_charged_back", "payment_refunded", "refund_funds_returned",
        "fee", "surcharge",
    }  # fmt: skip
    assert len(core.state.payouts) > 10
    assert {h.action for h in core.state.happenings} >= {
        "late_failure_settled", "chargeback_settled", "chargeback_cancelled", "refund_settled",
    }  # fmt: skip

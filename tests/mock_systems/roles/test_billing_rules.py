"""The payment provider's rules by themselves: fees, business days, payout runs, what a transfer pays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.mock_systems.roles.billing_provider import us

from o2c_twin.mock_systems.roles.billing import Fee, PayoutSchedule
from o2c_twin.mock_systems.roles.billing.rules import (
    Claim,
    business_days_after,
    fee_of,
    payout_at,
    share_out,
    split_credit,
)


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

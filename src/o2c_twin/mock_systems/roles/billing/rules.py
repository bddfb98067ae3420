"""The rules of collecting, as functions of values: days, fees, what a transfer pays, how a credit falls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Literal

from o2c_twin.mock_systems.roles.billing.terms import Fee, PayoutSchedule

DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_EPOCH = date(1970, 1, 1)
_LARGEST_GROUP = 5
_MOST_CANDIDATES = 18
"""Of more candidates only the oldest are searched for a group: 18 have 12,615 groups of one to five."""


def day_of(at_us: int) -> date:
    """The date of an instant, in UTC."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).date()


def start_of(day: date) -> int:
    """The first instant of a day."""
    return (day - _EPOCH).days * DAY_US


def business_days_after(at_us: int, days: int) -> int:
    """The same time of day, that many days from Monday to Friday later; of 0 days the next such day, or today."""
    day = day_of(at_us)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    for _ in range(days):
        day += timedelta(days=3 if day.weekday() == 4 else 1)
    return start_of(day) + at_us % DAY_US


def fee_of(fee: Fee, amount_minor: int) -> int:
    """The fee on an amount, rounded half up to a minor unit."""
    whole = (amount_minor * fee.basis_points + 5_000) // 10_000 + fee.fixed_minor
    return whole if fee.cap_minor is None else min(whole, fee.cap_minor)


def payout_at(schedule: PayoutSchedule, available_at: int) -> int:
    """The first payout run at or after the instant money becomes available. ValueError for the manual schedule."""
    if schedule.interval == "manual":
        raise ValueError("a manual schedule has no runs")
    day = day_of(available_at)
    if available_at % DAY_US > schedule.hour * _HOUR_US:
        day += timedelta(days=1)
    while not _runs_on(schedule, day):
        day += timedelta(days=1)
    return start_of(day) + schedule.hour * _HOUR_US


def _runs_on(schedule: PayoutSchedule, day: date) -> bool:
    if schedule.interval == "daily":
        return day.weekday() < 5
    if schedule.interval == "weekly":
        return day.isoweekday() == schedule.anchor
    last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return day.day == min(schedule.anchor, last.day)


@dataclass(frozen=True, slots=True)
class Claim:
    """Something a transfer may pay: ``order`` is older when lower; only a payment takes a part."""

    id: str
    kind: Literal["payment", "invoice"]
    open_minor: int
    order: int


def share_out(amount_minor: int, claims: Sequence[Claim]) -> list[tuple[Claim, int]]:
    """What a sum pays, in order.

    A group of one to five claims of exactly that sum: the smallest group, then the one with most invoices, then the
    oldest. Without one, the oldest first: an invoice only in full, a payment also in part.
    """
    oldest = sorted((claim for claim in claims if claim.open_minor > 0), key=lambda claim: claim.order)
    group = _exact_group(amount_minor, oldest[:_MOST_CANDIDATES])
    if group is not None:
        return [(claim, claim.open_minor) for claim in group]
    shares: list[tuple[Claim, int]] = []
    left = amount_minor
    for claim in oldest:
        share = min(left, claim.open_minor)
        if share and (claim.kind == "payment" or share == claim.open_minor):
            shares.append((claim, share))
            left -= share
    return shares


def _exact_group(amount_minor: int, oldest: Sequence[Claim]) -> tuple[Claim, ...] | None:
    for size in range(1, min(_LARGEST_GROUP, len(oldest)) + 1):
        fitting = [
            group for group in combinations(oldest, size) if sum(claim.open_minor for claim in group) == amount_minor
        ]
        if fitting:
            return min(
                fitting,
                key=lambda group: (-sum(c.kind == "invoice" for c in group), [c.order for c in group]),
            )
    return None


def split_credit(amount_minor: int, remaining_minor: int) -> tuple[int, int]:
    """How a credit falls on an invoice: what lowers the rest to be paid, and what gives back money paid."""
    before = min(amount_minor, remaining_minor)
    return before, amount_minor - before

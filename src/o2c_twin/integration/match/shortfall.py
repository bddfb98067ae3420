"""Why a receipt is short of what it names: a discount, a bank charge, or a deduction to be argued about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations

from o2c_twin.integration.model import Allocation, OpenItem

UNEARNED = "unearned discount"
SHORT = "short payment"
# Beyond so many discounted items only all of them together are tried.
_MOST_DISCOUNTED = 10


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The larger shortfall taken as a bank charge: the smaller of an amount and a share of the items."""

    absolute_minor: int = 2_500
    share_bp: int = 50

    def covers(self, shortfall_minor: int, total_minor: int) -> bool:
        """Whether a shortfall is small enough; ``share_bp`` is in basis points."""
        return 0 < shortfall_minor <= min(self.absolute_minor, total_minor * self.share_bp // 10_000)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """How a receipt is set against items it does not cover, and what the difference is. Minor units.

    ``charges`` is what bank charges leave open, by item; ``discounts`` what discounts that were earned do.
    """

    allocations: tuple[Allocation, ...]
    charges: tuple[Allocation, ...] = ()
    discounts: tuple[Allocation, ...] = ()
    deduction_minor: int = 0
    reason: str = ""

    @property
    def discount_minor(self) -> int:
        """What the discounts earned come to."""
        return sum(each.amount_minor for each in self.discounts)


def explain(
    amount_minor: int, items: Sequence[OpenItem], value_on: str, grace_days: int, tolerance: Tolerance | None
) -> Shortfall:
    """Explain why ``amount_minor`` is less than ``items`` sum to (domain sheet 3.5, rules 2 and 3).

    Early-payment discounts are tried first, those earned (value date within the window and grace) before
    those that come too late; then a bank charge within ``tolerance``; the rest is a deduction.
    """
    total = sum(i.open_minor for i in items)
    short = total - amount_minor
    if tolerance is not None:
        earned = [i for i in items if _is_earned(i, value_on, grace_days)]
        if taken := _discounts_of(short, earned):
            return Shortfall(_less_discount(items, taken), discounts=_granted(taken))
        if tolerance.covers(short, total):
            paid = oldest_first(amount_minor, items)
            return Shortfall(paid, charges=_left_of(items, paid))
    if taken := _discounts_of(short, [i for i in items if i.discount_minor]):
        kept = _granted([i for i in taken if tolerance is not None and _is_earned(i, value_on, grace_days)])
        rest = short - sum(each.amount_minor for each in kept)
        return Shortfall(_less_discount(items, taken), discounts=kept, deduction_minor=rest, reason=UNEARNED)
    return Shortfall(oldest_first(amount_minor, items), deduction_minor=short, reason=SHORT)


def oldest_first(amount_minor: int, items: Sequence[OpenItem]) -> tuple[Allocation, ...]:
    """Set an amount against items in the order they fell due; credits first, for they add to it."""
    rows = []
    left = amount_minor
    for item in sorted(items, key=lambda i: (i.open_minor > 0, i.due_on, i.number)):
        take = min(item.open_minor, left)
        if take:
            rows.append(Allocation(item.erp_id, take))
            left -= take
    return tuple(rows)


def _left_of(items: Sequence[OpenItem], paid: Sequence[Allocation]) -> tuple[Allocation, ...]:
    taken = {row.invoice_erp_id: row.amount_minor for row in paid}
    left = [(item.erp_id, item.open_minor - taken.get(item.erp_id, 0)) for item in items]
    return tuple(Allocation(id_, amount) for id_, amount in left if amount)


def _granted(taken: Sequence[OpenItem]) -> tuple[Allocation, ...]:
    return tuple(Allocation(item.erp_id, item.discount_minor) for item in taken)


def _is_earned(item: OpenItem, value_on: str, grace_days: int) -> bool:
    if not (item.discount_minor and item.discount_until and value_on):
        return False
    return date.fromisoformat(value_on) <= date.fromisoformat(item.discount_until) + timedelta(days=grace_days)


def _discounts_of(short: int, items: Sequence[OpenItem]) -> tuple[OpenItem, ...]:
    """The one set of items whose discounts make up the shortfall; all of them before some."""
    if items and sum(i.discount_minor for i in items) == short:
        return tuple(items)
    if len(items) > _MOST_DISCOUNTED:
        return ()
    sizes = range(1, len(items))
    fits = [s for n in sizes for s in combinations(items, n) if sum(i.discount_minor for i in s) == short]
    return fits[0] if len(fits) == 1 else ()


def _less_discount(items: Sequence[OpenItem], taken: Sequence[OpenItem]) -> tuple[Allocation, ...]:
    ids = {i.erp_id for i in taken}
    return tuple(Allocation(i.erp_id, i.open_minor - (i.discount_minor if i.erp_id in ids else 0)) for i in items)

"""The cash-application ladder: which open items a receipt pays, or that nobody can tell.

Source: domain sheet 3.5, rules 1 and 3 to 8; differences within tolerance (rule 2) are applied and
reported as charges. Rules are tried in order and the first that resolves the receipt wins.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from o2c_twin.integration.model import Allocation, OpenItem

_REFERENCE = re.compile(r"INV[-\s]?(\d+)", re.IGNORECASE)
# Combinations are searched among at most this many items and of at most this size: beyond it a sum
# that fits is more likely chance than meaning.
_MOST_ITEMS = 18
_MOST_IN_SUM = 6


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The larger shortfall taken as a bank charge: the smaller of an amount and a share of the items."""

    absolute_minor: int = 2_500
    share: float = 0.005

    def covers(self, shortfall_minor: int, total_minor: int) -> bool:
        """Whether a shortfall is small enough."""
        return 0 < shortfall_minor <= min(self.absolute_minor, int(total_minor * self.share))


@dataclass(frozen=True, slots=True)
class Decision:
    """What to post: ``rule`` 0 means unapplied. Amounts in minor units."""

    rule: int
    allocations: tuple[Allocation, ...] = ()
    charges_minor: int = 0
    deduction_minor: int = 0
    on_account_minor: int = 0


def references(remittance: str) -> list[str]:
    """The invoice numbers a remittance text names, in the spelling of the ledger."""
    return list(dict.fromkeys(f"INV{digits}" for digits in _REFERENCE.findall(remittance)))


def allocate(amount_minor: int, named: Sequence[str], items: Sequence[OpenItem], tolerance: Tolerance) -> Decision:
    """Decide on a receipt of a known customer. ``named`` are the numbers its remittance gives."""
    wanted = [i for i in items if i.number in set(named)]
    if wanted:
        return _by_reference(amount_minor, wanted, tolerance)
    free = [i for i in items if not i.disputed]
    exact = [i for i in free if i.open_minor == amount_minor]
    if len(exact) == 1:
        return Decision(5, _whole(exact))
    if len(exact) > 1:
        return Decision(0, on_account_minor=amount_minor)
    found = _sums_to(amount_minor, free)
    if len(found) == 1:
        return Decision(6, _whole(found[0]))
    if not found and free and sum(i.open_minor for i in free) == amount_minor:
        return Decision(7, _whole(free))
    return Decision(0, on_account_minor=amount_minor)


def _by_reference(amount: int, wanted: Sequence[OpenItem], tolerance: Tolerance) -> Decision:
    total = sum(i.open_minor for i in wanted)
    if amount == total:
        return Decision(1, _whole(wanted))
    if amount > total:
        return Decision(4, _whole(wanted), on_account_minor=amount - total)
    short = total - amount
    applied = _oldest_first(amount, wanted)
    if tolerance.covers(short, total):
        return Decision(2, applied, charges_minor=short)
    return Decision(3, applied, deduction_minor=short)


def _whole(items: Sequence[OpenItem]) -> tuple[Allocation, ...]:
    return tuple(Allocation(i.erp_id, i.open_minor) for i in items)


def _oldest_first(amount: int, items: Sequence[OpenItem]) -> tuple[Allocation, ...]:
    # Credits first: they add to what there is to apply.
    rows = []
    left = amount
    for item in sorted(items, key=lambda i: (i.open_minor > 0, i.due_on, i.number)):
        take = min(item.open_minor, left)
        if take:
            rows.append(Allocation(item.erp_id, take))
            left -= take
    return tuple(rows)


def _sums_to(amount: int, items: Sequence[OpenItem]) -> list[tuple[OpenItem, ...]]:
    # Two combinations are as good as none: guessing is how cash lands on the wrong invoice.
    if len(items) > _MOST_ITEMS:
        return []
    found: list[tuple[OpenItem, ...]] = []
    for size in range(2, min(len(items), _MOST_IN_SUM) + 1):
        for some in combinations(items, size):
            if sum(i.open_minor for i in some) == amount:
                found.append(some)
                if len(found) > 1:
                    return found
    return found

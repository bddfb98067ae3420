"""The cash-application ladder: which open items a receipt pays, or that nobody can tell.

Source: domain sheet 3.5, rules 1 to 8 (rule 9, who pays, is in `payer`). The first rule that resolves
the receipt wins. A wrong post costs more than an unapplied receipt: where two answers fit, none is given.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

from o2c_twin.integration.match.combinations import sums_to
from o2c_twin.integration.match.references import Grade, Mention, mentions
from o2c_twin.integration.match.shortfall import Shortfall, Tolerance, explain, oldest_first
from o2c_twin.integration.model import Allocation, OpenItem

_MOST_READINGS = 4_096


@dataclass(frozen=True, slots=True)
class CashPolicy:
    """Which rungs of the ladder may post by themselves, and what they forgive.

    Without ``mangled`` only references as the ledger writes them count; without ``amounts`` a receipt
    must name what it pays. ``oldest_first`` and ``excess_to_oldest`` are agreements with the customer.
    """

    tolerance: Tolerance | None = field(default_factory=Tolerance)
    grace_days: int = 0
    mangled: bool = True
    amounts: bool = True
    excess_to_oldest: bool = False
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money received: minor units of the ledger's currency, the text that came with it, the value date.

    ``payer_known`` tells whether the account it came from is known to be this customer's; otherwise it is
    posted only where the amount confirms what the text names.
    """

    amount_minor: int
    remittance: str = ""
    value_on: str = ""
    payer_known: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """What to post: ``rule`` 0 means unapplied. Amounts in minor units.

    ``charges`` is what bank charges leave open of the items paid, to be written off, ``discounts`` what discounts that
    were earned leave, to be granted. ``grade`` is the worst reading of
    a reference relied on, None where amounts alone decided; ``alternatives`` counts other answers seen, ``suggested``
    are ERP ids for a person to consider.
    """

    rule: int
    allocations: tuple[Allocation, ...] = ()
    charges: tuple[Allocation, ...] = ()
    discounts: tuple[Allocation, ...] = ()
    deduction_minor: int = 0
    deduction_reason: str = ""
    on_account_minor: int = 0
    grade: Grade | None = None
    alternatives: int = 0
    suggested: tuple[str, ...] = ()

    @property
    def charges_minor(self) -> int:
        """What the charges come to."""
        return sum(charge.amount_minor for charge in self.charges)

    @property
    def discount_minor(self) -> int:
        """What the discounts earned come to."""
        return sum(discount.amount_minor for discount in self.discounts)


def allocate(receipt: Receipt, items: Sequence[OpenItem], policy: CashPolicy) -> Decision:
    """Decide on a receipt of a customer who has ``items`` open."""
    found = mentions(receipt.remittance, items)
    if not policy.mangled:
        found = [m for m in found if m.grade is Grade.INTACT]
    # Two documents of one number are told apart by nothing in the text.
    if any(m.grade is Grade.INTACT and len(m.items) > 1 for m in found):
        return _unapplied(receipt, [i for m in found for i in m.items])
    named = _distinct(m.items[0] for m in found if m.grade is Grade.INTACT)
    if named and sum(i.open_minor for i in named) == receipt.amount_minor:
        return Decision(1, _whole(named), grade=Grade.INTACT)
    if len(named) < len(_distinct(i for m in found for i in m.items)):
        decision = _by_readings(receipt, named, found, policy)
        if decision is not None:
            return decision
    if named:
        return _by_name(receipt, named, items, policy)
    if any(m.grade is Grade.BARE for m in found):
        return _completed(receipt, found, items, policy)
    decision = _by_amount(receipt, items, policy)
    paid = {a.invoice_erp_id for a in decision.allocations}
    if not found or any(paid & {i.erp_id for i in m.items} for m in found):
        return decision
    # The amount fits, and the text seems to mean something else.
    return _unapplied(receipt, [i for m in found for i in m.items])


def _by_readings(
    receipt: Receipt, named: Sequence[OpenItem], found: Sequence[Mention], policy: CashPolicy
) -> Decision | None:
    """What the text means where the amounts agree with one reading of it, and one only."""
    choices: list[tuple[OpenItem | None, ...]] = [
        m.items if m.grade is Grade.BARE else (*m.items, None) for m in found if m.grade is not Grade.INTACT
    ]
    if prod(len(c) for c in choices) > _MOST_READINGS:
        return None
    readings: dict[tuple[str, ...], list[OpenItem]] = {}
    for choice in product(*choices):
        some = _distinct((*named, *(i for i in choice if i is not None)))
        if len(some) > len(named):
            readings.setdefault(tuple(sorted(i.erp_id for i in some)), some)
    bare = {i.erp_id for m in found if m.grade is Grade.BARE for i in m.items}
    known = bare | {i.erp_id for i in named}

    def grade(some: Sequence[OpenItem]) -> Grade:
        return Grade.BARE if all(i.erp_id in known for i in some) else Grade.DAMAGED

    exact = [r for r in readings.values() if sum(i.open_minor for i in r) == receipt.amount_minor]
    if len(exact) == 1:
        return Decision(1, _whole(exact[0]), grade=grade(exact[0]))
    if exact:
        return _unapplied(receipt, exact[0], len(exact))
    # To drop a part of the text as noise and forgive a difference at once is to guess.
    whole = [r for r in readings.values() if all({i.erp_id for i in r} & {i.erp_id for i in m.items} for m in found)]
    forgiven = [(r, short) for r in whole if (short := _forgiven(receipt, r, policy)) is not None]
    if len(forgiven) == 1:
        return _short(forgiven[0][1], grade(forgiven[0][0]))
    return _unapplied(receipt, forgiven[0][0], len(forgiven)) if forgiven else None


def _by_name(receipt: Receipt, named: Sequence[OpenItem], items: Sequence[OpenItem], policy: CashPolicy) -> Decision:
    """Named as the ledger writes it, but the amount is another."""
    amount, total = receipt.amount_minor, sum(i.open_minor for i in named)
    if amount < total and (short := _forgiven(receipt, named, policy)) is not None:
        return _short(short, Grade.INTACT)
    ids = {i.erp_id for i in named}
    others = [i for i in items if i.erp_id not in ids and not i.disputed]
    if not receipt.payer_known or any(total - n.open_minor + o.open_minor == amount for n in named for o in others):
        # A name that is wrong in one place explains the amount to the cent.
        return _unapplied(receipt, named)
    if amount < total:
        return _short(explain(amount, named, receipt.value_on, policy.grace_days, None), Grade.INTACT)
    if policy.amounts:
        rest = sums_to(amount - total, others)
        if len(rest) == 1:
            return Decision(6, _whole([*named, *rest[0]]), grade=Grade.INTACT)
    if policy.excess_to_oldest:
        more = oldest_first(amount - total, others)
        left = amount - total - sum(a.amount_minor for a in more)
        return Decision(4, (*_whole(named), *more), on_account_minor=left, grade=Grade.INTACT)
    return Decision(4, _whole(named), on_account_minor=amount - total, grade=Grade.INTACT)


def _completed(receipt: Receipt, found: Sequence[Mention], items: Sequence[OpenItem], policy: CashPolicy) -> Decision:
    """A list that was cut: what it names in full digits and the one combination that makes up the rest."""
    certain = _distinct(m.items[0] for m in found if m.grade is Grade.BARE and len(m.items) == 1)
    ids = {i.erp_id for i in certain}
    others = [i for i in items if i.erp_id not in ids and not i.disputed]
    clear = certain and all(m.grade is not Grade.BARE or len(m.items) == 1 for m in found)
    missing = receipt.amount_minor - _sum(certain)
    if clear and policy.amounts and receipt.payer_known and missing > 0:
        rest = sums_to(missing, others)
        if len(rest) == 1:
            return Decision(6, _whole([*certain, *rest[0]]), grade=Grade.BARE)
    # It names something, and the amount says otherwise.
    return _unapplied(receipt, [i for m in found for i in m.items])


def _by_amount(receipt: Receipt, items: Sequence[OpenItem], policy: CashPolicy) -> Decision:
    """Nothing is named: the amount alone must tell."""
    amount = receipt.amount_minor
    if not policy.amounts or not receipt.payer_known:
        return _unapplied(receipt)
    exact = [i for i in items if i.open_minor == amount]
    # A disputed item of that amount may be meant, and is not for the ladder to pay: then nobody can tell.
    if len(exact) > 1 or any(i.disputed for i in exact):
        return _unapplied(receipt, exact[:1], len(exact))
    free = [i for i in items if not i.disputed]
    balances = [whole for whole in (free, _past_due(free, receipt.value_on)) if _sum(whole) == amount]
    sums = sums_to(amount, free, fewest=2)
    answers = {frozenset(i.erp_id for i in some) for some in (*sums, *balances, *([exact] if exact else [])) if some}
    if len(answers) > 1:
        return _unapplied(receipt, (exact or sums[0]) if exact or sums else balances[0], len(answers))
    if exact:
        return Decision(5, _whole(exact))
    if sums:
        return Decision(6, _whole(sums[0]))
    if balances and balances[0]:
        return Decision(7, _whole(balances[0]))
    if policy.oldest_first:
        rows = oldest_first(amount, free)
        return Decision(8, rows, on_account_minor=amount - sum(a.amount_minor for a in rows))
    return _unapplied(receipt)


def _past_due(free: Sequence[OpenItem], value_on: str) -> list[OpenItem]:
    """All that is past due, unless an item of the same amount that is not could stand for one of them."""
    late = [i for i in free if i.due_on < value_on]
    amounts = {i.open_minor for i in late}
    return [] if any(i.due_on >= value_on and i.open_minor in amounts for i in free) else late


def _forgiven(receipt: Receipt, some: Sequence[OpenItem], policy: CashPolicy) -> Shortfall | None:
    """The shortfall of a receipt if it is wholly a discount earned or a charge within tolerance (rule 2)."""
    if policy.tolerance is None or receipt.amount_minor >= _sum(some):
        return None
    short = explain(receipt.amount_minor, some, receipt.value_on, policy.grace_days, policy.tolerance)
    return None if short.deduction_minor else short


def _short(short: Shortfall, grade: Grade) -> Decision:
    return Decision(
        3 if short.deduction_minor else 2,
        short.allocations,
        short.charges,
        short.discounts,
        short.deduction_minor,
        short.reason,
        grade=grade,
    )


def _unapplied(receipt: Receipt, suggested: Sequence[OpenItem] = (), alternatives: int = 0) -> Decision:
    ids = tuple(i.erp_id for i in _distinct(suggested))
    return Decision(0, on_account_minor=receipt.amount_minor, suggested=ids, alternatives=alternatives)


def _distinct(items: Iterable[OpenItem]) -> list[OpenItem]:
    return list({i.erp_id: i for i in items}.values())


def _sum(items: Sequence[OpenItem]) -> int:
    return sum(i.open_minor for i in items)


def _whole(items: Sequence[OpenItem]) -> tuple[Allocation, ...]:
    return tuple(Allocation(i.erp_id, i.open_minor) for i in items)

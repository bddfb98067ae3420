"""Open items: invoices with what settled them, and the balances, ages and totals that follow.

Amounts are integer minor units of one currency. Dates are calendar days; every function counts a
day's events as known at that day's end. Ratios come back as `Fraction`: exact until displayed.
Formulas: order-to-cash domain sheet, sections 1.1 and 1.2.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal


@dataclass(frozen=True, slots=True)
class Settlement:
    """What reduced an invoice: ``cash`` paid, or ``credit`` granted; ``amount`` in minor units."""

    on: date
    amount: int
    kind: Literal["cash", "credit"] = "cash"


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice: ``due`` is frozen when it is issued, for re-dating would hide lateness."""

    issued: date
    due: date
    amount: int
    settlements: tuple[Settlement, ...] = ()


@dataclass(frozen=True, slots=True)
class Ageing:
    """Open amounts by days past due, in minor units; ``current`` is not yet due (due day included)."""

    current: int
    days_1_30: int
    days_31_60: int
    days_61_90: int
    over_90: int

    @property
    def total(self) -> int:
        return self.current + self.days_1_30 + self.days_31_60 + self.days_61_90 + self.over_90

    @property
    def current_share(self) -> Fraction | None:
        """Share of the open amount that is not yet due; None when nothing is open."""
        return Fraction(self.current, self.total) if self.total else None


@dataclass(frozen=True, slots=True)
class RollForward:
    """Opening balance, what moved it, and the closing balance counted item by item (minor units)."""

    opening: int
    invoiced: int
    cash: int
    credits: int
    closing: int

    @property
    def difference(self) -> int:
        """Zero when opening + invoices - cash - credits = closing, as it must to the cent."""
        return self.opening + self.invoiced - self.cash - self.credits - self.closing


def open_amount(invoice: Invoice, as_of: date) -> int:
    """What is still owed on the invoice at the end of ``as_of``; zero before it is issued."""
    if invoice.issued > as_of:
        return 0
    return invoice.amount - sum(s.amount for s in invoice.settlements if s.on <= as_of)


def balance(invoices: Iterable[Invoice], as_of: date) -> int:
    """Accounts receivable at the end of ``as_of``, item by item."""
    return sum(open_amount(i, as_of) for i in invoices)


def ageing(invoices: Iterable[Invoice], as_of: date) -> Ageing:
    """Open amounts at the end of ``as_of`` by days past due."""
    buckets = [0, 0, 0, 0, 0]
    for invoice in invoices:
        amount = open_amount(invoice, as_of)
        if amount:
            late = (as_of - invoice.due).days
            buckets[0 if late <= 0 else 1 if late <= 30 else 2 if late <= 60 else 3 if late <= 90 else 4] += amount
    return Ageing(*buckets)


def sales(invoices: Iterable[Invoice], first: date, last: date) -> int:
    """Credit sales: invoices issued from ``first`` to ``last``, both days included."""
    return sum(i.amount for i in invoices if first <= i.issued <= last)


def settled(invoices: Iterable[Invoice], first: date, last: date, kind: Literal["cash", "credit"]) -> int:
    """Cash, or credits, applied from ``first`` to ``last`` to invoices issued by then."""
    total = 0
    for invoice in invoices:
        if invoice.issued <= last:
            # What settled an invoice before it was issued counts on the day it was issued.
            total += sum(
                s.amount
                for s in invoice.settlements
                if s.kind == kind and s.on <= last and max(s.on, invoice.issued) >= first
            )
    return total


def roll_forward(invoices: Sequence[Invoice], first: date, last: date) -> RollForward:
    """The receivables roll-forward of the period, closing balance counted item by item."""
    return RollForward(
        opening=balance(invoices, first - timedelta(days=1)),
        invoiced=sales(invoices, first, last),
        cash=settled(invoices, first, last, "cash"),
        credits=settled(invoices, first, last, "credit"),
        closing=balance(invoices, last),
    )


def daily_balances(invoices: Sequence[Invoice], first: date, last: date) -> list[int]:
    """End-of-day balances from ``first`` to ``last``, both days included."""
    change: dict[date, int] = {}
    for invoice in invoices:
        change[invoice.issued] = change.get(invoice.issued, 0) + invoice.amount
        for s in invoice.settlements:
            on = max(s.on, invoice.issued)
            change[on] = change.get(on, 0) - s.amount
    return _accumulated(change, first, last)


def _accumulated(change: Mapping[date, int], first: date, last: date) -> list[int]:
    running = sum(amount for on, amount in change.items() if on < first)
    balances: list[int] = []
    for n in range((last - first).days + 1):
        running += change.get(first + timedelta(days=n), 0)
        balances.append(running)
    return balances


def daily_current(invoices: Iterable[Invoice], first: date, last: date) -> list[int]:
    """End-of-day open amounts not yet due, from ``first`` to ``last``, both days included."""
    change: dict[date, int] = {}
    for invoice in invoices:
        overdue = invoice.due + timedelta(days=1)
        if invoice.issued >= overdue:
            continue
        rest = invoice.amount
        change[invoice.issued] = change.get(invoice.issued, 0) + invoice.amount
        for s in invoice.settlements:
            if s.on < overdue:
                on = max(s.on, invoice.issued)
                change[on] = change.get(on, 0) - s.amount
                rest -= s.amount
        change[overdue] = change.get(overdue, 0) - rest
    return _accumulated(change, first, last)


def cei(opening: int, credit_sales: int, closing: int, closing_current: int) -> Fraction | None:
    """Collection effectiveness index of the whole period, as a share: collected ÷ collectable.

    None when nothing was collectable. Domain sheet 1.2, whole-period form.
    """
    collectable = opening + credit_sales - closing_current
    return Fraction(opening + credit_sales - closing, collectable) if collectable else None


def cei_crf(opening: int, credit_sales: int, closing: int, closing_current: int, months: int) -> Fraction | None:
    """The index as the Credit Research Foundation prints it: credit sales ÷ months in both terms.

    Only for comparison with its medians; on a quarter it can differ by 50 points from `cei`.
    """
    monthly = Fraction(credit_sales, months)
    collectable = opening + monthly - closing_current
    return (opening + monthly - closing) / collectable if collectable else None


def turnover(credit_sales: int, average_balance: Fraction | int) -> Fraction | None:
    """Receivables turnover of the period: credit sales ÷ average balance; None without a balance."""
    return Fraction(credit_sales) / average_balance if average_balance else None


def turnover_annualised(credit_sales: int, average_balance: Fraction | int, days: int) -> Fraction | None:
    """Receivables turnover * 365 ÷ days of the period."""
    rate = turnover(credit_sales, average_balance)
    return None if rate is None else rate * Fraction(365, days)

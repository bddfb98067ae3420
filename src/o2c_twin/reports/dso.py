"""The days-sales-outstanding family: one name a variant, for no two of them agree.

Amounts are integer minor units of one currency and on one tax basis; results are days as exact
`Fraction`. A variant that is undefined (no sales, nothing paid) is None, never zero.
Definitions and golden values: order-to-cash domain sheet, sections 1.1, 2.2 and 2.3.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from o2c_twin.reports.open_items import Invoice, open_amount

TaxBasis = Literal["with tax", "without tax"]


class TaxBasisMismatch(ValueError):
    """Receivables and sales stand on different tax bases, so their ratio means nothing."""


@dataclass(frozen=True, slots=True)
class Receivables:
    """A closing balance in minor units, with the tax basis it stands on."""

    amount: int
    basis: TaxBasis = "with tax"


@dataclass(frozen=True, slots=True)
class MonthSales:
    """Credit sales of one month, or of the part of it that is observed, and its calendar days."""

    days: int
    amount: int
    basis: TaxBasis = "with tax"


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Count-back that ran out of sales history: a bound, not a number.

    ``at_least_days`` is the whole history, ``residual`` the receivables it does not explain, and
    ``extrapolated`` the balance ÷ mean daily sales, a guess to be flagged wherever it is shown.
    """

    at_least_days: int
    residual: int
    extrapolated: Fraction | None


def simple(closing: int, credit_sales: int, days: int) -> Fraction | None:
    """`dso.simple`: closing receivables ÷ credit sales of the period * its days."""
    return Fraction(closing * days, credit_sales) if credit_sales > 0 else None


def average(balances: Sequence[int], credit_sales: int, days: int) -> Fraction | None:
    """`dso.avg`: mean of the given balances ÷ credit sales * days.

    Two balances (opening, closing) give the two-point form; opening and every month-end the better one.
    """
    if not balances or credit_sales <= 0:
        return None
    return Fraction(sum(balances) * days, len(balances) * credit_sales)


def countback(closing: Receivables, newest_first: Sequence[MonthSales]) -> Fraction | Exhausted:
    """`dso.countback`: take whole months' sales off the balance, newest first, counting their days.

    The month that absorbs the remainder counts in proportion. A month with no or net negative
    sales absorbs nothing, but its days count. Raises `TaxBasisMismatch` on mixed tax bases.
    """
    if any(month.basis != closing.basis for month in newest_first):
        raise TaxBasisMismatch(
            f"count-back: receivables are {closing.basis}, some month's sales are not; "
            "put both on one basis before comparing them"
        )
    remaining, days = closing.amount, 0
    if remaining <= 0:
        return Fraction(0)
    for month in newest_first:
        if 0 < remaining <= month.amount:
            return days + Fraction(remaining * month.days, month.amount)
        remaining -= max(0, month.amount)
        days += month.days
    history = sum(month.amount for month in newest_first)
    return Exhausted(days, remaining, Fraction(closing.amount * days, history) if history > 0 else None)


def dollar_days(end_of_day_balances: Iterable[int], credit_sales: int) -> Fraction | None:
    """`dso.ledger`: sum of end-of-day balances ÷ credit sales of the same days (Little's law)."""
    return Fraction(sum(end_of_day_balances), credit_sales) if credit_sales > 0 else None


def true_paid(invoices: Iterable[Invoice], first: date, last: date) -> Fraction | None:
    """`dso.true_paid`: days from invoice to cash, weighted by the cash applied in the period."""
    weighted = paid = 0
    for invoice in invoices:
        for s in invoice.settlements:
            if s.kind == "cash" and first <= s.on <= last:
                weighted += s.amount * (s.on - invoice.issued).days
                paid += s.amount
    return Fraction(weighted, paid) if paid else None


def true_open(invoices: Iterable[Invoice], as_of: date) -> Fraction | None:
    """`dso.true_open`: age of open items, weighted by what is open."""
    weighted = total = 0
    for invoice in invoices:
        amount = open_amount(invoice, as_of)
        weighted += amount * (as_of - invoice.issued).days
        total += amount
    return Fraction(weighted, total) if total else None


@dataclass(frozen=True, slots=True)
class Cohort:
    """`dso.true_cohort`: mean ``days`` up to ``horizon`` days.

    ``censored_share`` is the share of value unpaid and watched for less than the horizon.
    ``unseen_share`` is what the curve still held when its last invoice left observation before the
    horizon: beyond that age it is taken as never paid, so ``days`` is too long by up to that share.
    """

    days: Fraction
    horizon: int
    censored_share: Fraction
    unseen_share: Fraction


def true_cohort(invoices: Iterable[Invoice], first: date, last: date, seen_until: date, horizon: int) -> Cohort | None:
    """`dso.true_cohort`: restricted mean days to pay of the invoices issued in the period.

    Kaplan-Meier over value: each amount paid is an event at its age, what is unpaid at
    ``seen_until`` is censored there, credits leave the risk set when granted. None without sales.
    """
    paid = [0] * (horizon + 1)
    left = [0] * (horizon + 1)
    at_risk = censored = 0
    for invoice in invoices:
        if not first <= invoice.issued <= last:
            continue
        at_risk += invoice.amount
        rest = invoice.amount
        for s in invoice.settlements:
            if s.on <= seen_until:
                age = max(0, (s.on - invoice.issued).days)
                (paid if s.kind == "cash" else left)[min(age, horizon)] += s.amount
                rest -= s.amount
        age = (seen_until - invoice.issued).days
        left[min(age, horizon)] += rest
        censored += rest if age < horizon else 0
    if at_risk <= 0:
        return None
    total, survival, mean = at_risk, Fraction(1), Fraction(0)
    for age in range(horizon):
        if at_risk > 0:
            # 1e-18 of a share is far below any display; unbounded fractions would grow without end.
            survival = (survival * (at_risk - paid[age]) / at_risk).limit_denominator(10**18)
        mean += survival
        at_risk -= paid[age] + left[age]
    unseen = survival if at_risk <= 0 else Fraction(0)
    return Cohort(mean, horizon, Fraction(censored, total), unseen)


def delinquent(dso_simple: Fraction, best_possible: Fraction) -> Fraction:
    """`add`, balance form: days that lateness adds, both figures on the same days and sales.

    ``best_possible`` (`bpdso`) is `simple` of the receivables not yet due.
    """
    return dso_simple - best_possible


def delinquent_paid(invoices: Iterable[Invoice], first: date, last: date, signed: bool = False) -> Fraction | None:
    """`add`, per-invoice form: days past due weighted by cash applied in the period.

    Late days only, or with ``signed`` also early payments as negative days.
    """
    weighted = paid = 0
    for invoice in invoices:
        for s in invoice.settlements:
            if s.kind == "cash" and first <= s.on <= last:
                late = (s.on - invoice.due).days
                weighted += s.amount * (late if signed else max(0, late))
                paid += s.amount
    return Fraction(weighted, paid) if paid else None

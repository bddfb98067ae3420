"""DSO family, collections and ageing of one run."""

from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from o2c_twin.reports import dso, open_items
from o2c_twin.reports.kpis.measure import Measure
from o2c_twin.reports.kpis.model import Kpi
from o2c_twin.reports.observed_run import DailyMovements, ObservedRun

QUARTER_DAYS = 90
YEAR_DAYS = 365
COHORT_HORIZON_DAYS = 180
# Above this share of value without an end in sight the mean says more about the horizon than about payers.
COHORT_UNSEEN_MOST = Fraction(1, 20)


def receivables_kpis(run: ObservedRun) -> list[Kpi]:
    """All KPIs of the group Cash and receivables."""
    measure, ledger = Measure(run), run.ledger
    moves = ledger.movements
    balance = moves.bank_balance
    closing = int(balance[-1])
    window = min(QUARTER_DAYS, run.days)
    sales = total(moves.net_sales, window)
    period_sales = total(moves.net_sales, run.days)
    opening = int(balance[-run.days - 1]) if len(balance) > run.days else 0
    first = run.last - timedelta(days=window - 1)
    invoices = len(run.in_period("invoices", "issued_at").query("kind == 'invoice'"))
    no_sales = "no net sales in the period"

    simple = dso.simple(closing, sales, window)
    books = dso.simple(int(moves.book_balance[-1]), sales, window)
    aged = open_items.ageing(ledger.bank_items, run.last)
    best = dso.simple(aged.current, sales, window)
    late = None if simple is None or best is None else dso.delinquent(simple, best)
    quarter = (first, run.last)
    average = dso.average(month_end_balances(run, balance), period_sales, run.days)
    paid = dso.true_paid(ledger.bank_items, run.first, run.last)
    late_paid = dso.delinquent_paid(ledger.bank_items, run.first, run.last)
    age = dso.true_open(ledger.bank_items, run.last)
    effectiveness = open_items.cei(opening, period_sales, closing, aged.current)
    turns = open_items.turnover_annualised(period_sales, Fraction(opening + closing, 2), run.days)
    note = no_sales if simple is None else f"over {window} day{'s' * (window > 1)}" if window < QUARTER_DAYS else ""
    no_cash = "" if paid is not None else "no cash in the period"
    nothing_open = "" if age is not None else "nothing is open"

    kpis = [
        measure.number("dso.simple", simple, invoices, period=quarter, note=note),
        _year(run, measure, closing, invoices),
        measure.number("dso.simple.books", books, invoices, period=quarter, note=note),
        _countback(run, measure, closing, invoices),
        measure.number(
            "dso.ledger",
            dso.dollar_days([int(v) for v in balance[-window:]], sales),
            invoices,
            period=quarter,
            note=note,
        ),
        measure.number("dso.avg", average, invoices, note="" if average is not None else no_sales),
        measure.number("dso.true_paid", paid, invoices, note=no_cash),
        measure.number("dso.true_open", age, invoices, note=nothing_open),
        _cohort(run, measure, invoices),
        measure.number("bpdso", best, invoices, period=quarter, note=note),
        measure.number("add", late, invoices, period=quarter, note=note),
        measure.number("add.paid", late_paid, invoices, note=no_cash),
        measure.number(
            "cei", effectiveness, invoices, note="" if effectiveness is not None else "nothing was due to be collected"
        ),
        measure.number("ar.turnover", turns, invoices, note="" if turns is not None else "no receivables"),
        measure.money("ar.closing", closing, invoices),
        measure.number("ar.current_share", aged.current_share, invoices, note=nothing_open),
    ]
    for part, amount in (
        ("current", aged.current),
        ("1_to_30", aged.days_1_30),
        ("31_to_60", aged.days_31_60),
        ("61_to_90", aged.days_61_90),
        ("over_90", aged.over_90),
    ):
        kpis.append(measure.money("ar.ageing", amount, invoices, part=part))
    receipts = len(run.in_period("receipts", "value_at"))
    unapplied = int(moves.received.sum() - moves.applied_cash.sum())
    kpis.append(measure.money("ar.unapplied", aged.total - closing, invoices))
    kpis.append(measure.money("cash.unapplied", unapplied, receipts))
    kpis.append(measure.money("cash.collected", total(moves.received, run.days), receipts))
    return kpis


def total(daily: npt.NDArray[np.int64], days: int) -> int:
    """Sum of the last ``days`` days."""
    return int(daily[-days:].sum())


def month_end_balances(run: ObservedRun, balance: npt.NDArray[np.int64]) -> list[int]:
    """Opening balance, the balance at each month-end inside the period, and the closing one."""
    opening = int(balance[-run.days - 1]) if len(balance) > run.days else 0
    inside = balance[-run.days :]
    days = [run.first + timedelta(days=n) for n in range(run.days)]
    ends = [int(inside[n]) for n, day in enumerate(days) if (day + timedelta(days=1)).day == 1 or day == run.last]
    return [opening, *ends]


def month_sales(moves: DailyMovements, last: date) -> list[dso.MonthSales]:
    """Net sales of the calendar months up to ``last``, newest first, edge months by their observed days."""
    months: list[tuple[tuple[int, int], int, int]] = []
    for n, amount in enumerate(moves.net_sales.tolist()):
        day = moves.origin + timedelta(days=n)
        if day > last:
            break
        key = (day.year, day.month)
        if months and months[-1][0] == key:
            months[-1] = (key, months[-1][1] + 1, months[-1][2] + amount)
        else:
            months.append((key, 1, amount))
    return [dso.MonthSales(days, amount) for _, days, amount in reversed(months)]


def _year(run: ObservedRun, measure: Measure, closing: int, n: int) -> Kpi:
    if run.days < YEAR_DAYS:
        return measure.number("dso.simple.year", None, 0, note=f"the period has {run.days} days, not {YEAR_DAYS}")
    days = (run.last - timedelta(days=YEAR_DAYS - 1), run.last)
    value = dso.simple(closing, total(run.ledger.movements.net_sales, YEAR_DAYS), YEAR_DAYS)
    return measure.number("dso.simple.year", value, n, period=days)


def _countback(run: ObservedRun, measure: Measure, closing: int, n: int) -> Kpi:
    moves = run.ledger.movements
    if not moves.net_sales.any():
        return measure.number("dso.countback", None, 0, note="no net sales on record")
    result = dso.countback(dso.Receivables(closing), month_sales(moves, run.last))
    period = (moves.origin, run.last)
    if isinstance(result, dso.Exhausted):
        note = f"at least {result.at_least_days} days: receivables exceed all sales on record"
        return measure.number("dso.countback", None, n, period=period, censored=1, note=note)
    return measure.number("dso.countback", result, n, period=period)


def _cohort(run: ObservedRun, measure: Measure, n: int) -> Kpi:
    items = run.ledger.bank_items
    cohort = dso.true_cohort(items, run.first, run.last, run.last_seen, COHORT_HORIZON_DAYS)
    if cohort is None:
        return measure.number("dso.true_cohort", None, 0, note="no invoices in the period")
    unpaid = sum(1 for i in items if run.first <= i.issued <= run.last and open_items.open_amount(i, run.last_seen) > 0)
    if cohort.unseen_share > COHORT_UNSEEN_MOST:
        note = f"{float(cohort.unseen_share) * 100:.0f} % of value was not watched until it was paid"
        return measure.number("dso.true_cohort", None, n, censored=unpaid, note=note)
    note = f"{float(cohort.censored_share) * 100:.1f} % of value censored"
    return measure.number("dso.true_cohort", cohort.days, n, censored=unpaid, note=note)

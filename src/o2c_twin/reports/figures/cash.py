"""Money over time: receivables and DSO, cash collected, ageing."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from o2c_twin.reports import open_items
from o2c_twin.reports.display import written
from o2c_twin.reports.figures import theme
from o2c_twin.reports.figures.plot import Plot
from o2c_twin.reports.figures.scale import money_axis
from o2c_twin.reports.kpis.receivables import QUARTER_DAYS
from o2c_twin.reports.money import decimal_amount
from o2c_twin.reports.observed_run import ObservedRun, observe
from o2c_twin.reports.open_items import Ageing, ageing
from o2c_twin.run_record import RunRecord

BUCKETS = ("not yet due", "1 to 30 days late", "31 to 60", "61 to 90", "over 90")


def dso_over_time(records: Sequence[RunRecord | ObservedRun]) -> Plot:
    """Receivables and trailing DSO by day, one run or two."""
    runs = [observe(record) for record in records]
    window = trailing_window(min(run.days for run in runs))
    balances = [run.ledger.movements.bank_balance[-run.days :] for run in runs]
    factor, unit = money_axis(runs[0].currency, *balances)
    with theme.theme():
        figure, (top, bottom) = theme.sheet(4.3, rows=2, sharex=True)
        top.set_title(f"Receivables, {unit}")
        bottom.set_title(f"DSO simple, trailing {window} days")
        ends: list[tuple[float, str]] = []
        for n, (run, balance) in enumerate(zip(runs, balances, strict=True)):
            look = theme.run_style(n, len(runs))
            days = days_of(run)
            top.plot(days, balance * factor, label=theme.short(run.label), **look)
            trailing = trailing_dso(run, window)
            bottom.plot(days, trailing, **look)
            last = trailing[-1]
            if np.isfinite(last):
                ends.append((float(last), f"{run.label}: {written(float(last), 'days')}"))
        _dress_trailing(bottom, runs, window)
        named = [*top.get_lines(), *bottom.get_lines()[len(runs) :]]
        theme.legend_below(figure, named, [str(line.get_label()) for line in named])
        top.set_ylim(bottom=min(0, top.get_ylim()[0]))
        if not any(balance.any() for balance in balances):
            theme.empty(top, "no receivables")
        theme.date_axis(bottom)
    said = "; ".join(text for _, text in ends) or "no sales to divide by"
    return Plot(
        "dso-over-time",
        "Receivables and DSO over time",
        f"Receivables by day, and DSO over the trailing {window} days. At the end of the period {said}.",
        figure,
    )


def cumulative_cash(records: Sequence[RunRecord | ObservedRun]) -> Plot:
    """Cash collected since the start of the period, and for two runs their difference below."""
    runs = [observe(record) for record in records]
    curves = [np.cumsum(run.ledger.movements.received[-run.days :]) for run in runs]
    factor, unit = money_axis(runs[0].currency, *curves)
    with theme.theme():
        if len(runs) == 1:
            figure, (top,) = theme.sheet(3.0)
        else:
            figure, (top, below) = theme.sheet(4.3, rows=2, sharex=True, height_ratios=(3, 2))
        top.set_title(f"Cash collected, {unit}")
        for n, (run, curve) in enumerate(zip(runs, curves, strict=True)):
            top.plot(days_of(run), curve * factor, label=theme.short(run.label), **theme.run_style(n, len(runs)))
        collected = any(curve.any() for curve in curves)
        if not collected:
            theme.empty(top, "no cash was received")
        theme.date_axis(top)
        said = ", ".join(f"{run.label} {_money(int(c[-1]), run)}" for run, c in zip(runs, curves, strict=True))
        if len(runs) == 2:
            length = min(len(curve) for curve in curves)
            lead = curves[1][:length] - curves[0][:length]
            factor, unit = money_axis(runs[0].currency, lead)
            days = days_of(runs[1])[:length]
            below.set_title(f"{theme.short(runs[1].label)} ahead, {unit}")
            below.fill_between(days, lead * factor, color=theme.SECOND, alpha=0.25, linewidth=0)
            below.plot(days, lead * factor, color=theme.SECOND)
            below.axhline(0, color=theme.MUTED, linewidth=0.8)
            theme.date_axis(below)
            if collected:
                theme.legend_below(figure, *top.get_legend_handles_labels())
            else:
                below.set_title("")
                theme.empty(below, "")
            said += f"; at the end {runs[1].label} is ahead by {_money(int(lead[-1]), runs[1])}"
    return Plot("cumulative-cash", "Cash collected", f"Cumulative cash by bank value date: {said}.", figure)


def ageing_over_time(records: Sequence[RunRecord | ObservedRun]) -> Plot:
    """Open items by days past due at each month-end (each week in a short run), same scale for both runs."""
    runs = [observe(record) for record in records]
    snapshots = [[(day, ageing(run.ledger.bank_items, day)) for day in _ageing_days(run)] for run in runs]
    totals = np.array([aged.total for taken in snapshots for _, aged in taken], dtype=np.int64)
    factor, unit = money_axis(runs[0].currency, totals)
    with theme.theme():
        figure, axes = theme.sheet(3.4, columns=len(runs), sharey=True)
        for axis, run, taken in zip(axes, runs, snapshots, strict=True):
            axis.set_title(theme.short(run.label) if len(runs) > 1 else f"Open items, {unit}")
            positions = np.arange(len(taken))
            floor = np.zeros(len(taken))
            for label, colour, amounts in zip(BUCKETS, theme.AGEING, _by_bucket(taken), strict=True):
                axis.bar(positions, amounts * factor, 0.8, bottom=floor, color=colour, label=label, linewidth=0)
                floor += amounts * factor
            _period_ticks(axis, [day for day, _ in taken])
            if not any(aged.total for _, aged in taken):
                theme.empty(axis, "nothing is open")
        if len(runs) > 1:
            axes[0].set_ylabel(f"Open items, {unit}")
        handles, labels = axes[0].get_legend_handles_labels()
        theme.legend_below(figure, handles, labels, columns=3)
    said = "; ".join(
        f"{run.label} {written(float(taken[-1][1].current_share or 0), 'share')} not yet due at the end"
        for run, taken in zip(runs, snapshots, strict=True)
    )
    return Plot("ageing", "Open items by age", f"Open items by days past due at each month-end: {said}.", figure)


def _dress_trailing(axis: Axes, runs: Sequence[ObservedRun], window: int) -> None:
    """The best possible DSO of the last run as a floor, and the first days without a full window shaded."""
    run = runs[-1]
    sales = trailing_sales(run, window)
    if not any(np.isfinite(trailing_sales(each, window)).any() for each in runs):
        theme.empty(axis, "no sales to divide by")
        return
    current = np.array(open_items.daily_current(run.ledger.bank_items, run.first, run.last), dtype=np.float64)
    axis.plot(
        days_of(run), current * window / sales, color=theme.run_colour(len(runs) - 1, len(runs)), linewidth=1.0,
        linestyle=(0, (1, 1.5)), label="its best possible",
    )  # fmt: skip
    begin = float(days_of(run)[0])
    axis.axvspan(begin, begin + window - 1, color=theme.GRID, alpha=0.5, linewidth=0)
    axis.text(
        begin + (window - 1) / 2, 0.06, "first window", ha="center", color=theme.MUTED,
        fontsize=theme.NOTE_PT, transform=axis.get_xaxis_transform(),
    )  # fmt: skip
    axis.margins(x=0.01, y=0.1)


def trailing_window(days: int) -> int:
    """Days of the trailing DSO: a quarter, or a third of a period shorter than half a year."""
    return QUARTER_DAYS if days >= 2 * QUARTER_DAYS else max(1, days // 3)


def trailing_sales(run: ObservedRun, window: int) -> npt.NDArray[np.float64]:
    """Net sales of the ``window`` days up to each day of the period; NaN without sales or a full window."""
    # The window must lie in the period: an opening balance comes without the sales behind it.
    total = np.concatenate(([0], np.cumsum(run.ledger.movements.net_sales[-run.days :])))
    sales = np.full(run.days, np.nan)
    sales[window - 1 :] = total[window:] - total[:-window]
    sales[~(sales > 0)] = np.nan
    return sales


def trailing_dso(run: ObservedRun, window: int) -> npt.NDArray[np.float64]:
    """`dso.simple` at each day's end over the trailing ``window`` days; NaN where it is undefined."""
    result: npt.NDArray[np.float64] = (
        run.ledger.movements.bank_balance[-run.days :] * window / trailing_sales(run, window)
    )
    return result


def days_of(run: ObservedRun) -> npt.NDArray[np.float64]:
    """The period's days as Matplotlib counts them: from 1970-01-01, its default epoch."""
    return (run.first - date(1970, 1, 1)).days + np.arange(run.days, dtype=np.float64)


def _ageing_days(run: ObservedRun) -> list[date]:
    days = [run.first + timedelta(days=n) for n in range(run.days)]
    if run.days < 62:
        return days[6::7] or [run.last]
    ends = [day for day in days if (day + timedelta(days=1)).day == 1]
    return ends if ends[-1:] == [run.last] else [*ends, run.last]


def _by_bucket(taken: Sequence[tuple[date, Ageing]]) -> list[npt.NDArray[np.float64]]:
    rows = [(a.current, a.days_1_30, a.days_31_60, a.days_61_90, a.over_90) for _, a in taken]
    return [np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)]


def _period_ticks(axis: Axes, days: Sequence[date]) -> None:
    step = max(1, -(-len(days) // 6))
    # Counted from the end: the closing balance must carry its date.
    shown = list(range(len(days) - 1, -1, -step))[::-1]
    weekly = len(days) < 2 or (days[1] - days[0]).days < 28
    axis.set_xticks(shown, [f"{days[n].day} {days[n]:%b}" if weekly else f"{days[n]:%b}" for n in shown])


def _money(minor: int, run: ObservedRun) -> str:
    return written(decimal_amount(minor, run.currency), "money", run.currency)

"""An ROI study drawn: the cash flow by year with its sum, and what moves the net present value most."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from o2c_twin.reports.figures import theme
from o2c_twin.reports.figures.plot import Plot
from o2c_twin.reports.figures.scale import money_axis
from o2c_twin.reports.money import decimal_amount
from o2c_twin.reports.roi.result import RoiResult
from o2c_twin.reports.roi.rows import shown

DRIVERS_DRAWN = 8


def cash_flow_by_year(result: RoiResult) -> Plot:
    """Net cash flow of each year as bars, their running sum as a line; risk-adjusted, not discounted."""
    flows = result.appraisal.net_cash_flows
    yearly, total = _minor(flows, result.currency), _minor(list(accumulate(flows)), result.currency)
    factor, unit = money_axis(result.currency, yearly, total)
    years = np.arange(len(flows))
    with theme.theme():
        figure, (axis,) = theme.sheet(3.0)
        axis.set_title(f"{unit}, risk-adjusted, not discounted")
        axis.bar(years, yearly * factor, 0.55, color=theme.SECOND, alpha=0.45, linewidth=0, label="net cash flow")
        axis.plot(years, total * factor, "o-", color=theme.SECOND, markersize=4.5, label="its sum to date")
        axis.axhline(0, color=theme.MUTED, linewidth=0.8)
        axis.set_xticks(years, [f"year {year}" for year in years])
        theme.legend_below(figure, *axis.get_legend_handles_labels())
    said = "; ".join(f"year {year} {shown(flow, 'money', result.currency)}" for year, flow in enumerate(flows))
    after = shown(sum(flows, Decimal(0)), "money", result.currency)
    return Plot("roi-cash-flow", "Net cash flow", f"Net cash flow by year: {said}; {after} in all.", figure)


def value_swing(result: RoiResult) -> Plot:
    """The drivers between whose P10 and P90 the net present value moves most, widest on top."""
    bars = sorted(result.tornado, key=lambda bar: -bar.swing)[:DRIVERS_DRAWN]
    low, high = (_minor([getattr(bar, end) for bar in bars], result.currency) for end in ("npv_low", "npv_high"))
    base = _minor([result.npv], result.currency)
    factor, unit = money_axis(result.currency, low, high, base)
    with theme.theme():
        figure, (axis,) = theme.sheet(0.9 + 0.3 * max(4, len(bars)))
        axis.set_title(f"Net present value, {unit}")
        if not bars:
            theme.empty(axis, "no assumption has limits")
        else:
            _swings(axis, [_words(bar.driver) for bar in bars], low, high, factor)
            axis.axvline(float(base[0]) * factor, color=theme.INK, linewidth=1.0)
            if low.min() < 0 < high.max():
                axis.axvline(0, color=theme.MUTED, linewidth=0.8, linestyle="dotted")
    said = "; ".join(
        f"{_words(bar.driver)} from {shown(bar.npv_low, 'money', result.currency)} "
        f"to {shown(bar.npv_high, 'money', result.currency)}"
        for bar in bars
    )
    title = "What moves the net present value"
    return Plot("roi-swing", title, f"Net present value between the P10 and P90 of each driver: {said}.", figure)


def _swings(
    axis: Axes, names: Sequence[str], low: npt.NDArray[np.int64], high: npt.NDArray[np.int64], factor: float
) -> None:
    places = np.arange(len(names))
    axis.barh(places, (high - low) * factor, 0.62, left=low * factor, color=theme.SECOND, alpha=0.55, linewidth=0)
    axis.set_yticks(places, names)
    axis.invert_yaxis()
    axis.grid(visible=False, axis="y")
    axis.grid(visible=True, axis="x")
    axis.spines["left"].set_visible(False)


def _words(driver: str) -> str:
    return driver.replace("_", " ")


def _minor(amounts: Sequence[Decimal], currency: str) -> npt.NDArray[np.int64]:
    return np.array([int(amount / decimal_amount(1, currency)) for amount in amounts], dtype=np.int64)

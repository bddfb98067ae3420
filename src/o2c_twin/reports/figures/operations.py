"""How the work flows: sync latency, touch hours, API calls, the stages from order to cash."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from o2c_twin.reports.display import written, written_seconds
from o2c_twin.reports.durations import DurationCurve
from o2c_twin.reports.figures import theme
from o2c_twin.reports.figures.plot import Plot
from o2c_twin.reports.kpis.cycle_time import STAGES, order_to_cash
from o2c_twin.reports.kpis.systems import latency_curve
from o2c_twin.reports.kpis.work import hours_by_role
from o2c_twin.reports.observed_run import ObservedRun, observe
from o2c_twin.run_record import RunRecord

_STAGE_NAMES = ("order entry", "fulfilment", "billing", "payment", "application")
_LABEL_ROOM = 0.24  # share of the panel's width that a percentile's label takes
# Where a logarithmic axis of seconds is labelled: clock units, not powers of ten.
_TIME_TICKS = (0.1, 1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800, 2_592_000)


def sync_latency(records: Sequence[RunRecord | ObservedRun]) -> Plot:
    """Share of changes that arrived within a time, logarithmic, with the never-arrived ones left out at the top."""
    runs = [observe(record) for record in records]
    curves = [latency_curve(run, run.in_period("sync", "source_at")) for run in runs]
    with theme.theme():
        figure, (axis,) = theme.sheet(3.3)
        axis.set_title("Share of changes that have arrived within a time")
        if not any(len(curve.at) for curve in curves):
            theme.empty(axis, "no changes between systems")
        else:
            _time_axis(axis, curves)
            for n, curve in enumerate(curves):
                _ecdf(axis, curve, theme.short(runs[n].label), n, len(curves))
            axis.set_ylim(0, 1.1)
            axis.set_yticks(np.linspace(0, 1, 6))
            axis.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
            handles, labels = axis.get_legend_handles_labels()
            theme.legend_below(figure, handles, labels, columns=1)
    said = "; ".join(_latency_words(run, curve) for run, curve in zip(runs, curves, strict=True))
    return Plot("sync-latency", "Sync latency", f"Cumulative share of changes by latency: {said}.", figure)


def _ecdf(axis: Axes, curve: DurationCurve, label: str, position: int, of: int) -> None:
    if not len(curve.at):
        return
    look = theme.run_style(position, of)
    # A curve of a hundred thousand steps looks like one of five hundred, and weighs a thousand times less.
    at, done = thinned(np.maximum(curve.at, 0.05), curve.done, 400)
    name = f"{label}: {curve.n - curve.censored:,} arrived, {curve.censored:,} never"
    axis.step(at, done, where="post", label=name, **look)
    for per_mille, percentile in ((500, "p50"), (950, "p95"), (990, "p99")):
        value = curve.quantile(per_mille)
        if value is None:
            continue
        place = (max(value, 0.05), per_mille / 1000)
        axis.plot(*place, "o", markersize=4.5, color=look["color"])
        # The curve runs to the right of each point, so words go left unless the axis is in the way; p99 lies too
        # close to p95 and goes above.
        room = np.log(place[0] / axis.get_xlim()[0]) / np.log(axis.get_xlim()[1] / axis.get_xlim()[0])
        beside = ((-7, -1), "right") if room > _LABEL_ROOM else ((7, -10), "left")
        offset, align = ((0, 7), "center") if per_mille == 990 else beside
        axis.annotate(
            f"{percentile} {written_seconds(value)}", place, xytext=offset, textcoords="offset points", ha=align,
            fontsize=theme.NOTE_PT, color=look["color"],
        )  # fmt: skip


def thinned(
    at: npt.NDArray[np.float64], done: npt.NDArray[np.float64], steps: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """At most about ``steps`` points of a rising curve, evenly by share, the last ones kept."""
    if len(at) <= steps:
        return at, done
    targets = np.concatenate((np.linspace(done[0], done[-1], steps), done[-20:]))
    keep = np.unique(np.searchsorted(done, targets).clip(max=len(at) - 1))
    return at[keep], done[keep]


def _time_axis(axis: Axes, curves: Sequence[DurationCurve]) -> None:
    axis.set_xscale("log")
    low = min(max(float(curve.at[0]), 0.05) for curve in curves if len(curve.at))
    high = max(float(curve.at[-1]) for curve in curves if len(curve.at))
    axis.set_xlim(low / 1.5, max(high, low) * 3)
    ticks = [tick for tick in _TIME_TICKS if low / 1.5 <= tick <= high * 3]
    axis.set_xticks(ticks, [_tick(tick) for tick in ticks])
    axis.minorticks_off()


def _tick(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _latency_words(run: ObservedRun, curve: DurationCurve) -> str:
    if not curve.n:
        return f"{run.label} no changes"
    named = [(name, curve.quantile(p)) for name, p in (("median", 500), ("95th percentile", 950))]
    said = ", ".join(f"{name} {written_seconds(value)}" for name, value in named if value is not None)
    return f"{run.label} {said or 'too few arrived'}, {curve.censored:,} of {curve.n:,} never arrived"


def touch_hours(records: Sequence[RunRecord | ObservedRun]) -> Plot:
    """Hours of people's time by role, runs side by side."""
    runs = [observe(record) for record in records]
    hours = [hours_by_role(run) for run in runs]
    roles = [role for role in dict.fromkeys(r for found in hours for r in found) if any(h.get(role) for h in hours)]
    with theme.theme():
        figure, (axis,) = theme.sheet(0.9 + 0.5 * max(3, len(roles)))
        axis.set_title("Hours of the whole run")
        if not roles:
            theme.empty(axis, "nobody had to touch anything")
        height = 0.8 / len(runs)
        for n, (run, found) in enumerate(zip(runs, hours, strict=True)):
            values = [found.get(role, 0.0) for role in roles]
            places = [place - 0.4 + height * (n + 0.5) for place in range(len(roles))]
            bars = axis.barh(
                places,
                values,
                height * 0.9,
                color=theme.run_colour(n, len(runs)),
                label=theme.short(run.label),
                linewidth=0,
            )
            axis.bar_label(bars, [written(v, "hours") for v in values], padding=3, fontsize=theme.NOTE_PT)
        if roles:
            axis.set_yticks(range(len(roles)), [role.replace("_", " ") for role in roles])
            axis.invert_yaxis()
            axis.set_xticks([])
            axis.grid(visible=False)
            axis.spines[["bottom", "left"]].set_visible(False)
            axis.margins(x=0.16)
            if len(runs) > 1:
                theme.legend_below(figure, *axis.get_legend_handles_labels())
    said = "; ".join(
        f"{run.label} {written(sum(h.values()), 'hours')} in all" for run, h in zip(runs, hours, strict=True)
    )
    return Plot("touch-hours", "Touch time by role", f"Hours of people's time by role: {said}.", figure)


def api_calls(records: Sequence[RunRecord | ObservedRun]) -> Plot:
    """API calls a day of the whole run, throttled ones on top, one panel a run that made any, on the same scale."""
    runs = [observe(record) for record in records]
    counts = [_daily_calls(run) for run in runs]
    # A run without an engine makes no calls: an empty panel would say no more than its absence.
    drawn = [(run, found) for run, found in zip(runs, counts, strict=True) if len(run.table("api_calls"))]
    drawn = drawn or [(runs[-1], counts[-1])]
    with theme.theme():
        figure, axes = theme.sheet(1.2 + 1.6 * len(drawn), rows=len(drawn), sharex=True, sharey=True)
        for axis, (run, (days, answered, throttled)) in zip(axes, drawn, strict=True):
            share = throttled.sum() / max(1, answered.sum() + throttled.sum())
            name = f"{theme.short(run.label)}: " if len(runs) > 1 else ""
            axis.set_title(
                f"{name}{int(answered.sum() + throttled.sum()):,} calls, {int(throttled.sum()):,} throttled "
                f"({written(float(share), 'share')})"
            )
            edges = np.append(days, days[-1] + np.timedelta64(1, "D"))
            axis.stairs(answered, edges, fill=True, color=theme.SECOND, alpha=0.55, label="answered", linewidth=0)
            axis.stairs(
                answered + throttled, edges, baseline=answered, fill=True, color=theme.ALERT, label="throttled",
                linewidth=0,
            )  # fmt: skip
            axis.yaxis.set_major_formatter(FuncFormatter(lambda calls, _: f"{calls:,.0f}"))
            axis.set_ylabel("calls a day")
            theme.date_axis(axis)
        axes[0].set_ylim(0, max(1, 1.05 * max(int((answered + cut).max()) for _, answered, cut in counts)))
        handles, labels = axes[0].get_legend_handles_labels()
        theme.legend_below(figure, handles, labels)
    said = "; ".join(
        f"{run.label} {int((a + t).sum()):,} calls, {int(t.sum()):,} throttled, at most {int((a + t).max()):,} a day"
        for run, (_, a, t) in zip(runs, counts, strict=True)
    )
    return Plot("api-calls", "API calls a day", f"Calls a day with throttled ones on top: {said}.", figure)


def _daily_calls(
    run: ObservedRun,
) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    calls = run.table("api_calls")
    days = np.arange(np.datetime64(run.first), np.datetime64(run.last_seen) + np.timedelta64(1, "D"))
    at = calls["at"].dt.tz_localize(None).to_numpy("datetime64[D]") - days[0]
    place = at.astype(np.int64).clip(0, len(days) - 1)
    throttled = np.bincount(place[calls["throttled"].to_numpy(dtype=bool)], minlength=len(days))
    return days, np.bincount(place, minlength=len(days)) - throttled, throttled


def order_to_cash_stages(records: Sequence[RunRecord | ObservedRun]) -> Plot:
    """Mean days from win to applied cash by stage, weighted by cash."""
    runs = [observe(record) for record in records]
    stages = [order_to_cash(run) for run in runs]
    with theme.theme():
        figure, (axis,) = theme.sheet(1.3 + 0.62 * len(runs))
        axis.set_title("Days from win to applied cash, weighted by cash")
        if not any(found.days for found in stages):
            theme.empty(axis, "no cash was applied")
        else:
            longest = max(sum(found.days.values()) for found in stages)
            for row, found in enumerate(stages):
                _stage_bar(axis, row, found.days, longest)
            axis.set_yticks(range(len(runs)), [theme.short(run.label) for run in runs])
            axis.invert_yaxis()
            axis.set_xlim(0, longest * 1.16)
            axis.grid(visible=False)
            axis.spines["left"].set_visible(False)
            handles, labels = axis.get_legend_handles_labels()
            theme.legend_below(figure, handles[: len(STAGES)], labels[: len(STAGES)], columns=3)
    said = "; ".join(
        f"{run.label} "
        + (", ".join(f"{name} {written(found.days[s], 'days')}" for name, s in zip(_STAGE_NAMES, STAGES, strict=True))
           if found.days else "no cash applied")
        for run, found in zip(runs, stages, strict=True)
    )  # fmt: skip
    return Plot("order-to-cash", "From order to cash", f"Mean days of each stage: {said}.", figure)


def _stage_bar(axis: Axes, row: int, days: dict[str, float], longest: float) -> None:
    left = 0.0
    for stage, name, colour in zip(STAGES, _STAGE_NAMES, theme.STAGES, strict=True):
        length = max(0.0, days.get(stage, 0.0))
        axis.barh(row, length, 0.62, left=left, color=colour, label=name, linewidth=0)
        if length > longest * 0.09:
            axis.text(left + length / 2, row, written(length, "days"), ha="center", va="center", fontsize=theme.NOTE_PT,
                      color="#10161c" if colour in theme.STAGES[1:4] else "#fefefe")  # fmt: skip
        left += length
    if days:
        axis.text(left + longest * 0.012, row, written(left, "days"), va="center", fontweight="bold")

"""Figures of one run or two, each a function from records to a `Plot` (figure, words, SVG)."""

from collections.abc import Sequence

from o2c_twin.reports.figures.cash import ageing_over_time, cumulative_cash, dso_over_time
from o2c_twin.reports.figures.operations import api_calls, order_to_cash_stages, sync_latency, touch_hours
from o2c_twin.reports.figures.plot import Plot
from o2c_twin.reports.observed_run import ObservedRun
from o2c_twin.run_record import RunRecord

__all__ = [
    "Plot",
    "ageing_over_time",
    "all_figures",
    "api_calls",
    "cumulative_cash",
    "dso_over_time",
    "order_to_cash_stages",
    "sync_latency",
    "touch_hours",
]


def all_figures(records: Sequence[RunRecord | ObservedRun]) -> list[Plot]:
    """Every figure, in the fixed order of the report, so that readers learn the page."""
    return [
        dso_over_time(records),
        cumulative_cash(records),
        order_to_cash_stages(records),
        ageing_over_time(records),
        touch_hours(records),
        sync_latency(records),
        api_calls(records),
    ]

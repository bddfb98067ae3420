"""Orders on credit hold: how many, how often again, and for how long."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from o2c_twin.reports.durations import duration_curve
from o2c_twin.reports.kpis.cycle_time import elapsed, watched
from o2c_twin.reports.kpis.measure import Measure
from o2c_twin.reports.kpis.model import Kpi
from o2c_twin.reports.observed_run import ObservedRun

HELD, RELEASED = "credit hold", "credit released"
OPENS, CLOSES = 8, 17
"""Hours (UTC) of the working day that business hours are counted in; Monday to Friday, no holidays."""
_HOUR_S = 3_600
# A Monday before every run: only differences from it are used.
_MONDAY = np.datetime64("1970-01-05")


def credit_holds(run: ObservedRun) -> pd.DataFrame:
    """One row a hold of the period's orders; columns as `holds_of`."""
    orders = run.in_period("orders", "entered_at")["order_id"]
    events = run.table("events")
    return holds_of(events[(events["object_type"] == "order") & events["object_id"].isin(orders)])


def holds_of(events: pd.DataFrame) -> pd.DataFrame:
    """One row a hold: ``order_id``, ``held_at``, ``released_at`` (empty while it is on), in order of beginning.

    ``events`` are rows of the table events. A hold noted again while it is on is one hold, and so is its release.
    """
    events = events[events["activity"].isin((HELD, RELEASED))].sort_values("seq", kind="stable")
    events = events[events["activity"] != events.groupby("object_id")["activity"].shift()]
    released_at = events.groupby("object_id")["at"].shift(-1)
    holds = pd.DataFrame({"order_id": events["object_id"], "held_at": events["at"], "released_at": released_at})
    return holds[events["activity"] == HELD]


def credit_hold_kpis(run: ObservedRun) -> list[Kpi]:
    """All KPIs of the group Credit holds."""
    measure = Measure(run)
    orders = len(run.in_period("orders", "entered_at"))
    holds = credit_holds(run)
    times = holds.groupby("order_id").size()
    return [
        measure.share("credit.hold_rate", len(times), orders),
        measure.number("credit.holds", len(holds), len(holds)),
        measure.share("credit.rehold_rate", int((times > 1).sum()), len(times), note="" if len(times) else "no holds"),
        *_hold_times(run, measure, holds),
    ]


def _hold_times(run: ObservedRun, measure: Measure, holds: pd.DataFrame) -> list[Kpi]:
    over = holds["released_at"].notna()
    ended = holds[over]
    hours = elapsed(ended["released_at"], ended["held_at"], _HOUR_S)
    working = business_hours(ended["held_at"], ended["released_at"])
    curve = duration_curve(hours, watched(holds.loc[~over, "held_at"], run, _HOUR_S))
    waiting = holds.loc[~over, "order_id"].unique()
    through = ~ended["order_id"].isin(waiting).to_numpy()
    settled = ended.loc[through, "order_id"].nunique()
    none = "no hold was released" if len(holds) else "no holds"

    def mean(id: str, values: npt.NDArray[np.float64]) -> Kpi:
        value = float(values.mean()) if len(values) else None
        return measure.number(id, value, len(values), censored=curve.censored, note="" if len(values) else none)

    def quantile(id: str, per_mille: int) -> Kpi:
        value = curve.quantile(per_mille)
        note = "" if value is not None else "too few were released" if len(hours) else none
        return measure.number(id, value, curve.n, censored=curve.censored, note=note)

    return [
        mean("credit.hold_time.mean", hours),
        quantile("credit.hold_time.median", 500),
        quantile("credit.hold_time.p90", 900),
        mean("credit.hold_time.business", working),
        measure.number(
            "credit.hold_time.per_order",
            float(hours[through].sum()) / settled if settled else None,
            settled,
            censored=len(waiting),
            note="" if settled else none,
        ),
    ]


def business_hours(earlier: pd.Series, later: pd.Series) -> npt.NDArray[np.float64]:
    """Hours of the working day between two columns of instants (see `OPENS`, `CLOSES`)."""
    return _worked(later) - _worked(earlier)


def _worked(instants: pd.Series) -> npt.NDArray[np.float64]:
    """Business hours from a Monday long ago until each instant."""
    if instants.empty:
        return np.zeros(0)
    moments = instants.dt.tz_localize(None).to_numpy("datetime64[us]")
    days = moments.astype("datetime64[D]")
    clock = (moments - days) / np.timedelta64(1, "h")
    today = np.where(np.is_busday(days), np.clip(clock - OPENS, 0, CLOSES - OPENS), 0.0)
    return np.asarray(np.busday_count(_MONDAY, days) * (CLOSES - OPENS) + today, dtype=np.float64)

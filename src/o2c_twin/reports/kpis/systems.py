"""The integration's own figures: sync latency, API calls, throttling, exception cases."""

import numpy as np
import pandas as pd

from o2c_twin.reports.durations import DurationCurve, duration_curve
from o2c_twin.reports.kpis.cycle_time import elapsed, watched
from o2c_twin.reports.kpis.measure import Measure
from o2c_twin.reports.kpis.model import Kpi
from o2c_twin.reports.observed_run import ObservedRun

FLOWS = ("order", "customer", "delivery", "invoice", "payment", "credit", "cash")
_PERCENTILES = (("p50", 500), ("p95", 950), ("p99", 990))


def latency_curve(run: ObservedRun, changes: pd.DataFrame) -> DurationCurve:
    """Seconds from source to target commit; what had not arrived when the run ended is censored."""
    # A change written after the run's end, by a target that lags, counts as not arrived.
    arrived = changes["target_at"].notna() & (changes["target_at"] <= pd.Timestamp(run.end))
    done = elapsed(changes.loc[arrived, "target_at"], changes.loc[arrived, "source_at"], 1)
    waiting = watched(changes.loc[~arrived, "source_at"], run, 1)
    return duration_curve(np.maximum(done, 0.0), waiting)


def systems_kpis(run: ObservedRun) -> list[Kpi]:
    """All KPIs of the group Integration."""
    return [*_latency(run), *_api(run), *_cases(run)]


def _latency(run: ObservedRun) -> list[Kpi]:
    measure = Measure(run)
    changes = run.in_period("sync", "source_at")
    present = set(changes["flow"].unique())
    flows = [flow for flow in (*FLOWS, *sorted(present - set(FLOWS))) if flow in present]
    curves = {"": latency_curve(run, changes)}
    curves |= {flow: latency_curve(run, changes[changes["flow"] == flow]) for flow in flows}
    kpis = []
    for name, per_mille in _PERCENTILES:
        for flow, curve in curves.items():
            value = curve.quantile(per_mille)
            note = "" if value is not None else "too few arrived" if curve.n else "no changes"
            kpis.append(
                measure.number(f"sync.latency.{name}", value, curve.n, part=flow, censored=curve.censored, note=note)
            )
    for flow, curve in curves.items():
        kpis.append(measure.number("sync.never_arrived", curve.censored, curve.n, part=flow))
    return kpis


def _api(run: ObservedRun) -> list[Kpi]:
    measure, calls, orders = Measure(run), run.table("api_calls"), len(run.table("orders"))
    whole = measure.whole_run
    status = calls["status"].to_numpy()
    throttled = calls["throttled"].to_numpy(dtype=bool)
    failed = throttled | np.isin(status, (0, 408, 429)) | (status >= 500)
    faults = int((calls["fault"].fillna("") != "").sum())
    n = len(calls)
    per_order = n / orders if orders else None
    by_system = calls.groupby("system")["throttled"].agg(["size", "sum"]).sort_index()
    return [
        measure.number("api.calls", n, n, period=whole),
        *(
            measure.number("api.calls", int(count), int(count), part=str(system), period=whole)
            for system, count in by_system["size"].items()
        ),
        measure.number("api.calls_per_order", per_order, orders, period=whole, note="" if orders else "no orders"),
        measure.number("api.throttled", int(throttled.sum()), n, period=whole),
        *(
            measure.number("api.throttled", int(count), n, part=str(system), period=whole)
            for system, count in by_system["sum"].items()
        ),
        measure.share("api.throttled_share", int(throttled.sum()), n, period=whole),
        measure.number("api.failed", int(failed.sum()), n, period=whole),
        measure.number("api.faults", faults, n, period=whole),
    ]


def _cases(run: ObservedRun) -> list[Kpi]:
    measure, cases = Measure(run), run.table("cases")
    still_open = int(cases["closed_at"].isna().sum())
    # No cases where there is no engine is no merit: it must not be compared with an engine's.
    note = "no engine" if (run.manifest.get("design") or {}).get("topology") == "manual" else ""
    return [
        measure.number(id, None if note else count, len(cases), period=measure.whole_run, note=note)
        for id, count in (("cases.opened", len(cases)), ("cases.open", still_open))
    ]

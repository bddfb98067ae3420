"""How long things take: win to invoice, goods issue to invoice, bank to application, win to cash."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from o2c_twin.reports.durations import duration_curve
from o2c_twin.reports.kpis.measure import Measure
from o2c_twin.reports.kpis.model import Kpi
from o2c_twin.reports.lookup import looked_up
from o2c_twin.reports.observed_run import ObservedRun

STAGES = ("order_entry", "fulfilment", "billing", "payment", "application")
_DAY_S = 86_400
_HOUR_S = 3_600


def cycle_time_kpis(run: ObservedRun) -> list[Kpi]:
    """All KPIs of the group Time from order to cash."""
    return [*_order_to_invoice(run), _invoice_lag(run), *_order_to_cash(run), *_cash_application(run)]


def elapsed(later: pd.Series, earlier: pd.Series, unit_s: int) -> npt.NDArray[np.float64]:
    """Differences of two instant columns in the unit of ``unit_s`` seconds; NaN where one is empty."""
    return np.asarray((later - earlier).dt.total_seconds(), dtype=np.float64) / unit_s


def watched(start: pd.Series, run: ObservedRun, unit_s: int) -> npt.NDArray[np.float64]:
    """How long each start was watched until the run ended."""
    return np.asarray((pd.Timestamp(run.end) - start).dt.total_seconds(), dtype=np.float64) / unit_s


def _order_to_invoice(run: ObservedRun) -> list[Kpi]:
    measure = Measure(run)
    deals = run.in_period("deals", "won_at")
    documents = run.with_deal("invoices")
    bills = documents[documents["kind"] == "invoice"].dropna(subset=["deal_id"])
    first = looked_up(deals["deal_id"], bills.groupby("deal_id")["issued_at"].min())
    done = first.notna()
    curve = duration_curve(
        elapsed(first[done], deals.loc[done, "won_at"], _DAY_S), watched(deals.loc[~done, "won_at"], run, _DAY_S)
    )
    kpis = []
    for id, per_mille in (("order_to_invoice.median", 500), ("order_to_invoice.p90", 900)):
        value = curve.quantile(per_mille)
        note = "" if value is not None else "too few deals were invoiced" if curve.n else "no deals"
        kpis.append(measure.number(id, value, curve.n, censored=curve.censored, note=note))
    return kpis


def _invoice_lag(run: ObservedRun) -> Kpi:
    deliveries = run.in_period("deliveries", "issued_at")
    first = first_billed(deliveries, run.table("invoices"))
    done = first.notna()
    billed = deliveries[done]
    weight = billed["amount_minor"].to_numpy(np.float64)
    lag = _weighted(elapsed(first[done], billed["issued_at"], _DAY_S), weight)
    note = "" if lag is not None else "no billed deliveries"
    return Measure(run).number("dso.invoice_lag", lag, len(deliveries), censored=int((~done).sum()), note=note)


def first_billed(deliveries: pd.DataFrame, documents: pd.DataFrame) -> pd.Series:
    """When each delivery was first billed, empty where it never was.

    An invoice names one delivery and bills all of the order that has left by then: a delivery no
    invoice names was billed with the order's next one.
    """
    bills = documents[documents["kind"] == "invoice"]
    named = bills.dropna(subset=["delivery_id"])
    first = looked_up(deliveries["delivery_id"], named.groupby("delivery_id")["issued_at"].min())
    later = bills[bills["corrects"].isna()].dropna(subset=["order_id"])[["order_id", "issued_at"]]
    left = deliveries.loc[first.isna(), ["order_id", "issued_at"]].dropna()
    if left.empty or later.empty:
        return first
    joined = pd.merge_asof(
        left.reset_index(names="row").sort_values("issued_at", kind="stable"),
        later.assign(billed_at=later["issued_at"]).sort_values("issued_at", kind="stable"),
        on="issued_at",
        by="order_id",
        direction="forward",
    )
    return first.fillna(joined.set_index("row")["billed_at"])


@dataclass(frozen=True, slots=True)
class OrderToCash:
    """Mean days of each stage, weighted by cash applied; ``n`` applications, ``unpaid`` invoices still open.

    ``days`` is empty when no cash of the period's deals could be followed back to its deal.
    """

    days: dict[str, float]
    n: int
    unpaid: int


def order_to_cash(run: ObservedRun) -> OrderToCash:
    """The stages from win to applied cash for the deals of the period, followed to the end of the run."""
    deals = run.in_period("deals", "won_at").set_index("deal_id")["won_at"]
    documents = run.with_deal("invoices")
    bills = documents[(documents["kind"] == "invoice") & documents["deal_id"].isin(deals.index)]
    applications = run.table("applications")
    orders = run.table("orders").set_index("order_id")["entered_at"]
    deliveries = run.table("deliveries")
    issued = deliveries.set_index("delivery_id")["issued_at"]
    # An invoice without a delivery number is dated by its order's first goods issue.
    order_issued = deliveries.groupby("order_id")["issued_at"].min()
    receipts = run.table("receipts").set_index("receipt_id")["value_at"]

    cash = applications[applications["source_kind"] == "receipt"]
    steps = cash.merge(
        bills[["document_id", "deal_id", "order_id", "delivery_id", "issued_at"]], on="document_id", how="inner"
    )
    marks = pd.DataFrame(
        {
            "won": looked_up(steps["deal_id"], deals),
            "entered": looked_up(steps["order_id"], orders),
            "shipped": looked_up(steps["delivery_id"], issued).fillna(looked_up(steps["order_id"], order_issued)),
            "billed": steps["issued_at"],
            "banked": looked_up(steps["source_id"], receipts),
            "applied": steps["applied_at"],
            "amount": steps["amount_minor"],
        }
    ).dropna()
    settled = applications.groupby("document_id")["amount_minor"].sum()
    unpaid = int((looked_up(bills["document_id"], settled).fillna(0) < bills["amount_minor"]).sum())
    if marks.empty:
        return OrderToCash({}, 0, unpaid)
    weight = marks["amount"].to_numpy(np.float64)
    names = ["won", "entered", "shipped", "billed", "banked", "applied"]
    days = {
        stage: _weighted(elapsed(marks[after], marks[before], _DAY_S), weight) or 0.0
        for stage, before, after in zip(STAGES, names[:-1], names[1:], strict=True)
    }
    return OrderToCash(days, len(marks), unpaid)


def _order_to_cash(run: ObservedRun) -> list[Kpi]:
    measure, stages = Measure(run), order_to_cash(run)
    note = "" if stages.days else "no cash of the period's deals was applied"
    value = sum(stages.days.values()) if stages.days else None
    kpis = [measure.number("order_to_cash", value, stages.n, censored=stages.unpaid, note=note)]
    for stage in STAGES:
        kpis.append(measure.number("order_to_cash", stages.days.get(stage), stages.n, part=stage, note=note))
    return kpis


def _cash_application(run: ObservedRun) -> list[Kpi]:
    measure = Measure(run)
    receipts = run.in_period("receipts", "value_at")
    applications = run.table("applications")
    cash = applications[applications["source_kind"] == "receipt"]
    first = looked_up(receipts["receipt_id"], cash.groupby("source_id")["applied_at"].min())
    done = first.notna()
    hours = elapsed(first[done], receipts.loc[done, "value_at"], _HOUR_S)
    curve = duration_curve(hours, watched(receipts.loc[~done, "value_at"], run, _HOUR_S))
    mean = float(hours.mean()) if len(hours) else None
    median = curve.quantile(500)
    note = "" if len(hours) else "no receipt was applied"
    same_or_next = _business_days(receipts.loc[done, "value_at"], first[done]) <= 1
    return [
        measure.number("cash_application.mean", mean, len(hours), censored=curve.censored, note=note),
        measure.number("cash_application.median", median, curve.n, censored=curve.censored, note=note),
        measure.share(
            "cash_application.next_day_share", int(same_or_next.sum()), len(receipts), censored=curve.censored
        ),
    ]


def _business_days(earlier: pd.Series, later: pd.Series) -> npt.NDArray[np.int64]:
    """Monday-to-Friday days from one instant's date to the other's; 0 is the same business day."""
    if earlier.empty:
        return np.zeros(0, dtype=np.int64)
    begin = earlier.dt.tz_localize(None).to_numpy("datetime64[D]")
    finish = later.dt.tz_localize(None).to_numpy("datetime64[D]")
    return np.asarray(np.busday_count(begin, finish), dtype=np.int64)


def _weighted(values: npt.NDArray[np.float64], weight: npt.NDArray[np.float64]) -> float | None:
    total = float(weight.sum()) if len(weight) else 0.0
    return float((values * weight).sum() / total) if total else None

"""People's time: touch hours by role, and the orders that needed none."""

import pandas as pd

from o2c_twin.reports.kpis.measure import Measure
from o2c_twin.reports.kpis.model import Kpi
from o2c_twin.reports.lookup import looked_up
from o2c_twin.reports.observed_run import ObservedRun

ROLES = ("order_entry", "billing", "receivables", "credit", "warehouse", "support")


def hours_by_role(run: ObservedRun) -> dict[str, float]:
    """Touch hours of the whole run by role: the known roles first, in the order goods and papers pass them."""
    seconds = run.table("work").groupby("role")["touch_s"].sum()
    others = sorted(set(seconds.index) - set(ROLES))
    return {role: float(seconds.get(role, 0)) / 3600 for role in (*ROLES, *others)}


def work_kpis(run: ObservedRun) -> list[Kpi]:
    """All KPIs of the group People's time."""
    measure, work = Measure(run), run.table("work")
    orders = len(run.table("orders"))
    seconds = int(work["touch_s"].sum())
    whole = measure.whole_run
    return [
        measure.number("touch.hours", seconds / 3600, len(work), period=whole),
        *(
            measure.number("touch.hours", hours, int((work["role"] == role).sum()), part=role, period=whole)
            for role, hours in hours_by_role(run).items()
        ),
        measure.number(
            "touch.minutes_per_order",
            seconds / 60 / orders if orders else None,
            orders,
            period=whole,
            note="" if orders else "no orders",
        ),
        measure.number("touch.tasks", len(work), len(work), period=whole),
        _touchless(run, measure),
    ]


def _touchless(run: ObservedRun, measure: Measure) -> Kpi:
    orders = run.in_period("orders", "entered_at")
    deliveries = run.table("deliveries")
    shipped = looked_up(orders["order_id"], deliveries.groupby("order_id")["issued_at"].min())
    desk = run.table("work")
    desk = desk[desk["role"] != "warehouse"]
    names = pd.concat(
        [
            orders[["order_id"]].assign(object_id=orders["order_id"]),
            orders[["order_id"]].assign(object_id=orders["deal_id"]),
            deliveries.loc[deliveries["order_id"].isin(orders["order_id"]), ["order_id"]].assign(
                object_id=deliveries["delivery_id"]
            ),
        ]
    ).dropna()
    touches = names.merge(desk[["object_id", "started_at"]], on="object_id", how="inner")
    touches = touches[touches["started_at"] <= looked_up(touches["order_id"], shipped.set_axis(orders["order_id"]))]
    touchless = shipped.notna() & ~orders["order_id"].isin(touches["order_id"]) & (orders["channel"] != "manual")
    return measure.share("orders.touchless", int(touchless.sum()), len(orders), censored=int(shipped.isna().sum()))

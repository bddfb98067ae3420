"""What the runs themselves say about money: hours, errors, leakage and days, each scaled to a year.

Everything here comes from the KPIs of a run record, under the ids of the KPI catalogue, so an ROI
never disagrees with the KPI table beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from o2c_twin.reports.kpis import KpiSet, compute_kpis
from o2c_twin.reports.observed_run import ObservedRun, observe
from o2c_twin.reports.roi.cash_flow import RoiError
from o2c_twin.run_record import RunRecord, RunRecordError

DEFAULT_DSO = "dso.ledger"
INVOICE_LAG = "dso.invoice_lag"
# DSO variants whose difference is cash. Left out: the book view (waiting to be applied is not owed) and
# the age of open items (not comparable with a balance ÷ sales).
DSO_BASES = (
    "dso.ledger",
    "dso.simple",
    "dso.simple.year",
    "dso.avg",
    "dso.countback",
    "dso.true_paid",
    "dso.true_cohort",
)
_DAYS_IN_YEAR = 365
_ZERO = Decimal(0)
_HOURS = "touch.hours"
_DEMAND = ("deal_id", "customer_id", "won_at", "amount_minor", "currency", "lines")


class RunsNotComparable(RoiError):
    """Two runs that differ in more than the design: their difference is not what the design is worth."""


@dataclass(frozen=True, slots=True)
class RunSource:
    """Which run a figure was measured in. ``trace_hash`` is empty when the run recorded none."""

    label: str
    scenario: str
    seed: str
    trace_hash: str
    days: int


@dataclass(frozen=True, slots=True)
class RunMeasures:
    """One run in a year's terms: money in major units of ``currency``, hours by role.

    ``leakage_share`` is of the billable value, None when no deal had time to settle. ``deal_value`` is what
    customers agreed to buy; ``credit_revenue`` what was invoiced net of credit memos. ``dso_days`` is the
    KPI ``dso_basis`` and ``invoice_lag_days`` goods issue to invoice; days are not scaled.
    """

    source: RunSource
    currency: str
    hours: Mapping[str, Decimal]
    billing_errors: Decimal
    leakage_share: Decimal | None
    deal_value: Decimal
    credit_revenue: Decimal
    dso_days: Decimal
    dso_basis: str
    invoice_lag_days: Decimal | None


def measure_run(run: RunRecord | ObservedRun, dso_basis: str = DEFAULT_DSO) -> RunMeasures:
    """The measures of one run; yearly figures are those of the period × 365 ÷ its days.

    ``dso_basis`` is one of `DSO_BASES`, or one of them with ``+dso.invoice_lag``: then the days from goods
    issue to invoice count too, which bind cash as well but which no DSO sees. Raises `RoiError` when it is
    none of them or the run gives no value for it, `RunRecordError` when the manifest names no seed.
    """
    run = observe(run)
    if "seed" not in run.manifest:
        raise RunRecordError(f"{run.record.directory / 'manifest.json'}: no 'seed'; run the scenario again")
    kpis = compute_kpis(run)
    year = Decimal(_DAYS_IN_YEAR) / run.days
    leakage, lag = kpis["leakage.share"].value, kpis[INVOICE_LAG].value
    return RunMeasures(
        source=RunSource(
            label=run.label,
            scenario=str(run.manifest.get("scenario", "")),
            seed=str(run.manifest["seed"]),
            trace_hash=str(run.manifest.get("trace_hash", "")),
            days=run.days,
        ),
        currency=run.currency,
        hours={
            kpi.id.removeprefix(f"{_HOURS}."): _exact(kpi.value) * year
            for kpi in kpis
            if kpi.definition.id == _HOURS and kpi.is_detail
        },
        billing_errors=_exact(kpis["billing.errors"].value) * year,
        leakage_share=None if leakage is None else _exact(leakage),
        deal_value=_exact(kpis["deals.amount"].value) * year,
        credit_revenue=_exact(kpis["invoices.net"].value) * year,
        dso_days=_dso_days(kpis, dso_basis),
        dso_basis=dso_basis,
        invoice_lag_days=None if lag is None else _exact(lag),
    )


def check_comparable(as_is: RunRecord | ObservedRun, to_be: RunRecord | ObservedRun) -> None:
    """Refuse two runs that differ in seed, currency, period or demand. Raises `RunsNotComparable`."""
    first, second = observe(as_is), observe(to_be)
    same_design = "run both scenarios again, changing nothing but the design"
    for what, one, other in (
        ("seed", first.manifest.get("seed"), second.manifest.get("seed")),
        ("currency", first.currency, second.currency),
        ("start", first.start.isoformat(), second.start.isoformat()),
        ("horizon_end", first.horizon_end.isoformat(), second.horizon_end.isoformat()),
    ):
        if one != other:
            raise RunsNotComparable(
                f"{_place(first)} and {_place(second)}: {what} is {one} in the one and {other} in the other; "
                f"{same_design}"
            )
    difference = _first_difference(_demand(first), _demand(second))
    if difference:
        raise RunsNotComparable(
            f"{_place(first)} and {_place(second)}: the customers of the two runs did not want the same things "
            f"(table deals: {difference}); {same_design}"
        )


def _place(run: ObservedRun) -> str:
    return f"{run.record.directory} ({run.label})"


def _demand(run: ObservedRun) -> list[tuple[Any, ...]]:
    deals = run.in_period("deals", "won_at").sort_values("deal_id", kind="stable")
    return list(zip(*(deals[column] for column in _DEMAND), strict=True))


def _first_difference(one: list[tuple[Any, ...]], other: list[tuple[Any, ...]]) -> str:
    for wanted, instead in zip(one, other, strict=False):
        for column, value, other_value in zip(_DEMAND, wanted, instead, strict=True):
            if value != other_value:
                return f"deal {wanted[0]} has {column} {value} in the one, {other_value} in the other"
    return "" if len(one) == len(other) else f"{len(one)} deals in the one, {len(other)} in the other"


def _dso_days(kpis: KpiSet, basis: str) -> Decimal:
    variant = basis.removesuffix(f"+{INVOICE_LAG}")
    if variant not in DSO_BASES:
        raise RoiError(f"no DSO {basis!r} to release cash by; choose one of {', '.join(DSO_BASES)}")
    days = _ZERO
    for id in basis.split("+"):
        value, note = kpis[id].value, kpis[id].note
        if value is None:
            raise RoiError(f"run {kpis.label!r} gives no {id}: {note}; simulate a longer period or choose another DSO")
        days += _exact(value)
    return days


def _exact(value: Any) -> Decimal:
    # str gives the shortest decimal that reads back as the same float: days and shares, never money.
    return value if isinstance(value, Decimal) else Decimal(str(value))

"""The ROI of a design from its runs: as is against to be, measured on the same customers and the same dice."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from o2c_twin.reports.roi.assumptions import (
    INFLOW,
    REVERSAL,
    ROLES,
    SPECS,
    Assumptions,
)
from o2c_twin.reports.roi.cash_flow import RoiError
from o2c_twin.reports.roi.measures import (
    DEFAULT_DSO,
    INVOICE_LAG,
    RunMeasures,
    RunsNotComparable,
    check_comparable,
    measure_run,
)
from o2c_twin.reports.roi.monte_carlo import DEFAULT_DRAWS, Distribution, RankCorrelation, Triangular, spread
from o2c_twin.reports.roi.record_case import driver_unit, measured_drivers, measured_levels, measured_roles, record_case
from o2c_twin.reports.roi.result import MeasuredFigure, RoiResult, study
from o2c_twin.reports.roi.sensitivity import Drivers, Range
from o2c_twin.run_record import RunRecord

DEFAULT_SEED = 1
_YEAR_DAYS = 365
_WIDEST = 10
_P10, _P90 = Decimal("0.1"), Decimal("0.9")
_ZERO = Decimal(0)


def roi_from_records(
    as_is: RunRecord,
    to_be: RunRecord,
    assumptions: Assumptions,
    *,
    dso_basis: str = DEFAULT_DSO,
    seed: int = DEFAULT_SEED,
    draws: int = DEFAULT_DRAWS,
    rank_correlation: RankCorrelation | None = None,
) -> RoiResult:
    """What the design of ``to_be`` is worth against ``as_is``; the same as `roi_from_pairs` with one pair."""
    return roi_from_pairs(
        [(as_is, to_be)],
        assumptions,
        dso_basis=dso_basis,
        seed=seed,
        draws=draws,
        rank_correlation=rank_correlation,
    )


def roi_from_pairs(
    pairs: Sequence[tuple[RunRecord, RunRecord]],
    assumptions: Assumptions,
    *,
    dso_basis: str = DEFAULT_DSO,
    seed: int = DEFAULT_SEED,
    draws: int = DEFAULT_DRAWS,
    rank_correlation: RankCorrelation | None = None,
) -> RoiResult:
    """What a design is worth, measured on pairs of runs (as is, to be), each pair with its own seed.

    Hours, billing errors, leakage, DSO and revenue come from the runs and are means over the pairs;
    all else comes from ``assumptions``. DSO is the KPI ``dso_basis`` in both runs (see `measure_run`). With
    several pairs the Monte Carlo takes each draw's measures from one pair, so that it carries the
    simulation's uncertainty too. ``seed`` and ``draws`` are the Monte Carlo's own. Assumptions with low
    and high are drawn from triangles; the tornado runs between their P10 and P90.

    Raises `RunsNotComparable` when the runs of a pair differ in seed, currency, period or demand, and
    `RoiError` when there is no pair or the assumptions are in another currency.
    """
    if not pairs:
        raise RoiError("no runs to compare; give at least one pair of run records, as is and to be")
    for one, other in pairs:
        check_comparable(one, other)
    before = [measure_run(one, dso_basis) for one, _ in pairs]
    after = [measure_run(other, dso_basis) for _, other in pairs]
    _check_set(before)
    if assumptions.currency != before[0].currency:
        raise RoiError(
            f"the runs are in {before[0].currency}, the assumptions in {assumptions.currency}; "
            "state the assumptions in the currency of the runs"
        )
    base, goal = _mean(before), _mean(after)
    if base.leakage_share is None or goal.leakage_share is None:
        before, after = _without_leakage(before), _without_leakage(after)
    measured = [measured_drivers(one, other) for one, other in zip(before, after, strict=True)]
    means = {name: _average([m[name] for m in measured]) for name in measured[0]}
    drivers = {**assumptions.numbers(), **means}
    levels = measured_levels(base)
    uncertain = _triangles(assumptions)
    result = study(
        partial(record_case, base, assumptions),
        drivers,
        ranges={**_tornado_ranges(uncertain), **_measured_ranges(measured, levels)},
        uncertain=uncertain,
        seed=seed,
        draws=draws,
        rank_correlation=rank_correlation,
        replications=measured if len(measured) > 1 else (),
        break_even_of=_break_even_ranges(drivers, means, levels),
    )
    return replace(
        result,
        measured=_measured_figures(base, goal),
        as_is=tuple(m.source for m in before),
        to_be=tuple(m.source for m in after),
        assumptions=tuple(assumptions),
        driver_units={**{name: driver_unit(name) for name in means}, **{a.key: a.unit for a in assumptions}},
        notes=_notes(base, goal, assumptions, len(pairs)),
    )


def _check_set(runs: Sequence[RunMeasures]) -> None:
    for what, values in (
        ("currency", {run.currency for run in runs}),
        ("number of days", {str(run.source.days) for run in runs}),
        ("scenario", {run.source.scenario for run in runs}),
    ):
        if len(values) > 1:
            raise RunsNotComparable(
                f"the pairs differ in {what} ({', '.join(sorted(values))}); replications may differ in the seed only"
            )
    if len({run.source.seed for run in runs}) < len(runs):
        raise RunsNotComparable("two pairs have the same seed and so count one outcome twice; give each pair its own")


def _average(values: Sequence[Decimal]) -> Decimal:
    return sum(values, _ZERO) / len(values)


def _mean(runs: Sequence[RunMeasures]) -> RunMeasures:
    leaked, lags = [run.leakage_share for run in runs], [run.invoice_lag_days for run in runs]
    return RunMeasures(
        source=runs[0].source,
        currency=runs[0].currency,
        hours={role: _average([run.hours.get(role, _ZERO) for run in runs]) for role in measured_roles(runs)},
        billing_errors=_average([run.billing_errors for run in runs]),
        leakage_share=None if None in leaked else _average([share for share in leaked if share is not None]),
        deal_value=_average([run.deal_value for run in runs]),
        credit_revenue=_average([run.credit_revenue for run in runs]),
        dso_days=_average([run.dso_days for run in runs]),
        invoice_lag_days=None if None in lags else _average([lag for lag in lags if lag is not None]),
        dso_basis=runs[0].dso_basis,
    )


def _without_leakage(runs: Sequence[RunMeasures]) -> list[RunMeasures]:
    return [replace(run, leakage_share=None) for run in runs]


def _triangles(assumptions: Assumptions) -> dict[str, Distribution]:
    return {
        a.key: Triangular(a.low, a.value, a.high)
        for a in assumptions
        if a.low is not None and a.high is not None and isinstance(a.value, Decimal) and a.low < a.high
    }


def _tornado_ranges(uncertain: Mapping[str, Distribution]) -> dict[str, Range]:
    return {
        key: Range(triangle.quantile(_P10), triangle.quantile(_P90), SPECS[key].least, SPECS[key].most)
        for key, triangle in uncertain.items()
        if isinstance(triangle, Triangular)
    }


def _measured_ranges(measured: Sequence[Drivers], levels: Drivers) -> dict[str, Range]:
    """Between P10 and P90 of the pairs; a single pair has no spread and so no bar."""
    if len(measured) < 2:
        return {}
    ranges = {}
    for name in measured[0]:
        seen = spread([m[name] for m in measured])
        if seen.p10 < seen.p90:
            ranges[name] = _measured_range(levels[name], seen.p10, seen.p90)
    return ranges


def _measured_range(level: Decimal, low: Decimal, high: Decimal) -> Range:
    # No design can save more than there is today; how much it could lose is open.
    return Range(low, high, least=-_WIDEST * max(level, abs(low)), most=max(level, high))


def _break_even_ranges(drivers: Drivers, means: Drivers, levels: Drivers) -> dict[str, Range]:
    wanted = {name: _measured_range(levels[name], value, value) for name, value in means.items()}
    for key in ("realisation", "discount_rate"):
        wanted[key] = Range(drivers[key], drivers[key], SPECS[key].least, SPECS[key].most)
    return wanted


def _measured_figures(one: RunMeasures, other: RunMeasures) -> tuple[MeasuredFigure, ...]:
    return (
        *(
            MeasuredFigure(
                f"{role.replace('_', ' ')} time",
                f"touch.hours.{role}",
                "hours a year",
                one.hours.get(role, _ZERO),
                other.hours.get(role, _ZERO),
            )
            for role in ROLES
            if role in one.hours or role in other.hours
        ),
        MeasuredFigure("billing errors", "billing.errors", "errors a year", one.billing_errors, other.billing_errors),
        MeasuredFigure(
            "revenue leakage",
            "leakage.share",
            "share of billable value",
            one.leakage_share,
            other.leakage_share,
        ),
        MeasuredFigure("DSO", one.dso_basis, "days", one.dso_days, other.dso_days),
        MeasuredFigure("goods issue to invoice", INVOICE_LAG, "days", one.invoice_lag_days, other.invoice_lag_days),
        MeasuredFigure(
            "credit revenue", "invoices.net", f"{one.currency} a year", one.credit_revenue, other.credit_revenue
        ),
        MeasuredFigure("deals won", "deals.amount", f"{one.currency} a year", one.deal_value, other.deal_value),
    )


def _notes(as_is: RunMeasures, to_be: RunMeasures, assumptions: Assumptions, pairs: int) -> tuple[str, ...]:
    days = as_is.source.days
    notes = [
        f"Cash released uses {as_is.dso_basis} in both runs and the credit revenue of the runs as is.",
        "Before tax. Benefits that are not hard are capacity, not cash.",
    ]
    if days < _YEAR_DAYS:
        notes.append(f"Yearly figures are those of {days} days × 365 ÷ {days}: a season outside them is not seen.")
    if INVOICE_LAG not in as_is.dso_basis:
        notes.append(
            "DSO starts at the invoice: days gained between goods issue and invoice are not in the cash released. "
            f"To count them too, choose the basis {as_is.dso_basis}+{INVOICE_LAG}."
        )
    if as_is.leakage_share is None or to_be.leakage_share is None:
        notes.append("Leakage was not measured (no deal had time to settle) and counts as unchanged.")
    placeholders = [a.key for a in assumptions if a.is_placeholder]
    if placeholders:
        notes.append(
            f"{len(placeholders)} of {len(assumptions.by_key)} assumptions are placeholders to be replaced: "
            f"{', '.join(placeholders)}."
        )
    if INFLOW in assumptions and REVERSAL not in assumptions:
        notes.append("Released cash is taken as an inflow that never flows back.")
    if pairs == 1:
        notes.append("One pair of runs: the figures carry no uncertainty of the simulation itself.")
    return tuple(notes)

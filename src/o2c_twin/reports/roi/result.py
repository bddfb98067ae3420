"""The outcome of an ROI study: figures, the two views and the bridge between them, sensitivity, provenance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from o2c_twin.reports.roi.appraisal import Appraisal, BridgeStep, SimpleView, appraise, bridge, simple_view
from o2c_twin.reports.roi.assumptions import Assumption
from o2c_twin.reports.roi.case import BusinessCase, without_risk
from o2c_twin.reports.roi.measures import RunSource
from o2c_twin.reports.roi.monte_carlo import (
    DEFAULT_DRAWS,
    Distribution,
    MonteCarlo,
    RankCorrelation,
    simulate,
)
from o2c_twin.reports.roi.sensitivity import CaseBuilder, Drivers, Range, TornadoBar, break_even, tornado


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The value of one driver at which NPV is zero; None when no possible value gets there."""

    driver: str
    base: Decimal
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class MeasuredFigure:
    """One figure measured in both runs (means when there were several pairs), per year where the unit says so.

    ``kpi`` is the id in the KPI catalogue. None: the runs could not measure it.
    """

    name: str
    kpi: str
    unit: str
    as_is: Decimal | None
    to_be: Decimal | None


@dataclass(frozen=True, slots=True)
class RoiResult:
    """An ROI study, before tax. ``appraisal`` is the risk-adjusted view and the one to decide on.

    ``unadjusted`` is the same without risk factors, ``simple`` what a simple calculator would print and
    ``bridge`` the way from one to the other. ``cash_released`` of the appraisal is a one-off release of
    working capital, no profit. ``as_is`` and ``to_be`` are the runs measured, pair by pair; empty for a
    case typed in by hand. ``driver_units`` says what the sensitivity's drivers are measured in.
    """

    case: BusinessCase
    appraisal: Appraisal
    unadjusted: Appraisal
    simple: SimpleView
    bridge: tuple[BridgeStep, ...]
    break_evens: tuple[BreakEven, ...]
    tornado: tuple[TornadoBar, ...]
    monte_carlo: MonteCarlo
    measured: tuple[MeasuredFigure, ...] = ()
    as_is: tuple[RunSource, ...] = ()
    to_be: tuple[RunSource, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    driver_units: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def currency(self) -> str:
        return self.case.currency

    @property
    def net_annual_benefit(self) -> Decimal:
        """Risk-adjusted, at full run rate: a year's benefits less a year's costs."""
        return self.appraisal.net_annual_benefit

    @property
    def cash_released(self) -> Decimal:
        return self.appraisal.cash_released

    @property
    def npv(self) -> Decimal:
        return self.appraisal.npv

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: every decimal is a string at full precision, dates are ISO 8601, records are objects."""
        plain = _plain(self)
        assert isinstance(plain, dict)
        return plain


def study(
    build: CaseBuilder,
    drivers: Drivers,
    *,
    ranges: Mapping[str, Range],
    uncertain: Mapping[str, Distribution],
    seed: int,
    draws: int = DEFAULT_DRAWS,
    rank_correlation: RankCorrelation | None = None,
    replications: Sequence[Drivers] = (),
    break_even_of: Mapping[str, Range] | None = None,
) -> RoiResult:
    """Appraise the case that ``build`` makes of the drivers, with all its sensitivity.

    ``ranges`` are the ends of the tornado, ``uncertain`` what the Monte Carlo draws, ``break_even_of``
    drivers whose break-even is wanted beyond those of the tornado. The fields that say where figures
    come from (measured, as_is, to_be, assumptions, driver_units, notes) are left for the caller.
    """
    case = build(drivers)
    bars = tornado(build, drivers, ranges)
    even = {
        name: BreakEven(name, drivers[name], break_even(build, drivers, name, span))
        for name, span in (break_even_of or {}).items()
    }
    even |= {bar.driver: BreakEven(bar.driver, bar.base, bar.break_even) for bar in bars}
    return RoiResult(
        case=case,
        appraisal=appraise(case),
        unadjusted=appraise(without_risk(case)),
        simple=simple_view(case),
        bridge=bridge(case),
        break_evens=tuple(even.values()),
        tornado=bars,
        monte_carlo=simulate(
            build,
            drivers,
            uncertain,
            seed=seed,
            draws=draws,
            rank_correlation=rank_correlation,
            replications=replications,
        ),
    )


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else " ~ ".join(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return value

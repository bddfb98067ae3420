"""The business case that two measured runs and a set of assumptions make together."""

from collections.abc import Sequence
from decimal import Decimal

from o2c_twin.reports.roi.assumptions import (
    EXIT_COST,
    FINANCING,
    INFLOW,
    ONCE_COSTS,
    REVERSAL,
    ROLES,
    YEARLY_COSTS,
    Assumptions,
)
from o2c_twin.reports.roi.case import (
    Benefit,
    BusinessCase,
    CashInflow,
    CashReleased,
    Cost,
    FinancingValue,
    HoursSaved,
    RateReduced,
)
from o2c_twin.reports.roi.cash_flow import RoiError
from o2c_twin.reports.roi.measures import RunMeasures
from o2c_twin.reports.roi.sensitivity import Drivers

# Names of the measured drivers, beside the keys of the assumptions.
DSO_DAYS_GAINED = "dso_days_gained"
BILLING_ERRORS_AVOIDED = "billing_errors_avoided"
LEAKAGE_SHARE_AVOIDED = "leakage_share_avoided"

_ZERO = Decimal(0)


def hours_saved(role: str) -> str:
    """The driver's name for the hours a year that one role no longer works."""
    return f"hours_saved_{role}"


def driver_unit(name: str) -> str:
    """What a measured driver is measured in."""
    units = {
        DSO_DAYS_GAINED: "days",
        BILLING_ERRORS_AVOIDED: "errors a year",
        LEAKAGE_SHARE_AVOIDED: "share of billable value",
    }
    return units.get(name, "hours a year")


def measured_roles(runs: Sequence[RunMeasures]) -> list[str]:
    """The desks whose hours the runs measured. Raises `RoiError` for one that has no loaded rate."""
    roles = list(dict.fromkeys(role for run in runs for role in run.hours))
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        known = ", ".join(ROLES)
        raise RoiError(f"the runs measure hours of {unknown[0]!r}, which has no loaded rate; known are {known}")
    return roles


def measured_drivers(as_is: RunMeasures, to_be: RunMeasures) -> dict[str, Decimal]:
    """What the design saves, as drivers; positive is better."""
    leakage = _ZERO
    if as_is.leakage_share is not None and to_be.leakage_share is not None:
        leakage = as_is.leakage_share - to_be.leakage_share
    return {
        **{
            hours_saved(role): as_is.hours.get(role, _ZERO) - to_be.hours.get(role, _ZERO)
            for role in measured_roles([as_is, to_be])
        },
        BILLING_ERRORS_AVOIDED: as_is.billing_errors - to_be.billing_errors,
        LEAKAGE_SHARE_AVOIDED: leakage,
        DSO_DAYS_GAINED: as_is.dso_days - to_be.dso_days,
    }


def measured_levels(as_is: RunMeasures) -> dict[str, Decimal]:
    """What there is to save today, by the name of the driver that saves it."""
    return {
        **{hours_saved(role): as_is.hours.get(role, _ZERO) for role in ROLES},
        BILLING_ERRORS_AVOIDED: as_is.billing_errors,
        LEAKAGE_SHARE_AVOIDED: as_is.leakage_share or _ZERO,
        DSO_DAYS_GAINED: as_is.dso_days,
    }


def record_case(base: RunMeasures, assumptions: Assumptions, drivers: Drivers) -> BusinessCase:
    """The case of a design: levels of the run as is (``base``), what changes and what it is worth (``drivers``).

    ``drivers`` are `measured_drivers` and the numbers of the assumptions; both may be varied.
    """
    hard_hours = assumptions.flag("hours_are_hard")
    benefits: list[Benefit] = [
        HoursSaved(
            name=f"{role.replace('_', ' ')} time",
            hours=drivers[hours_saved(role)],
            loaded_rate=drivers[f"loaded_rate_{role}"],
            realisation=drivers["realisation"],
            risk_cut=drivers["risk_cut_hours"],
            hard=hard_hours,
        )
        for role in ROLES
        if hours_saved(role) in drivers
    ]
    benefits += [
        RateReduced(
            name="billing errors besides clerk hours",
            base=Decimal(1),
            before=base.billing_errors,
            after=base.billing_errors - drivers[BILLING_ERRORS_AVOIDED],
            value_each=drivers["cost_per_billing_error"],
            risk_cut=drivers["risk_cut_billing_errors"],
        ),
        RateReduced(
            name="leakage recovered",
            base=base.deal_value,
            before=base.leakage_share or _ZERO,
            after=(base.leakage_share or _ZERO) - drivers[LEAKAGE_SHARE_AVOIDED],
            risk_cut=drivers["risk_cut_leakage"],
        ),
        RateReduced(
            name="bad debt",
            base=base.credit_revenue,
            before=drivers["bad_debt_rate_before"],
            after=drivers["bad_debt_rate_after"],
            risk_cut=drivers["risk_cut_bad_debt"],
        ),
    ]
    ramp = assumptions.shares("ramp")
    return BusinessCase(
        currency=base.currency,
        benefits=tuple(benefits),
        costs=_costs(drivers, len(ramp)),
        ramp=ramp,
        discount_rate=drivers["discount_rate"],
        borrowing_rate=drivers["borrowing_rate"],
        start=assumptions.day("project_start"),
        cash=CashReleased(base.dso_days, base.dso_days - drivers[DSO_DAYS_GAINED], base.credit_revenue, base.dso_basis),
        financing=_financing(drivers),
        inflow=_inflow(assumptions),
    )


def _costs(drivers: Drivers, years: int) -> tuple[Cost, ...]:
    once, yearly = drivers["risk_raise_once"], drivers["risk_raise_yearly"]
    return (
        *(Cost(_cost_name(key), drivers[key], once, years if key == EXIT_COST else 0) for key in ONCE_COSTS),
        *(Cost(_cost_name(key), drivers[key], yearly) for key in YEARLY_COSTS),
    )


def _cost_name(key: str) -> str:
    return key.removeprefix("cost_").replace("_", " ")


def _financing(drivers: Drivers) -> FinancingValue | None:
    if FINANCING not in drivers:
        return None
    return FinancingValue(drivers[FINANCING], drivers["risk_cut_released_cash"])


def _inflow(assumptions: Assumptions) -> CashInflow | None:
    if INFLOW not in assumptions:
        return None
    back = int(assumptions.number(REVERSAL)) if REVERSAL in assumptions else None
    return CashInflow(assumptions.shares(INFLOW), back, assumptions.number("risk_cut_released_cash"))

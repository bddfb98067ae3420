"""What a business case comes to: lines by year, cash flows, and every metric finance asks for.

Amounts are exact `Decimal` in the case's currency, before tax, rounded only on display. "ROI" here is
(present value of benefits − present value of costs) ÷ present value of costs; released cash that
enters as an inflow is neither, and stands in a line of its own.
Method: order-to-cash domain sheet, section 2.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from o2c_twin.reports.roi.case import BusinessCase, Cost, HoursSaved, without_risk
from o2c_twin.reports.roi.cash_flow import (
    NoSingleRate,
    anniversaries,
    discounted_payback,
    irr,
    mirr,
    npv,
    npv_mid_year,
    payback,
    xirr,
    xnpv,
)

_ZERO = Decimal(0)
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class BenefitLine:
    """One benefit: ``annual`` at full run rate, ``adjusted`` after its risk factor, ``flows`` from year 0.

    ``hard`` benefits leave the budget; the others are capacity.
    """

    name: str
    kind: Literal["hours", "rate", "financing"]
    hard: bool
    annual: Decimal
    risk_cut: Decimal
    adjusted: Decimal
    flows: tuple[Decimal, ...]
    present_value: Decimal


@dataclass(frozen=True, slots=True)
class CostLine:
    """One cost: ``amount`` as planned, ``adjusted`` after its risk factor, ``flows`` (positive) from year 0."""

    name: str
    yearly: bool
    amount: Decimal
    risk_raise: Decimal
    adjusted: Decimal
    flows: tuple[Decimal, ...]
    present_value: Decimal


@dataclass(frozen=True, slots=True)
class Appraisal:
    """The figures of one case. Rates are shares, paybacks are years (None: not within the horizon).

    ``cash_released`` is the memo and in no total; ``working_capital`` are its dated flows where the case
    treats it as an inflow, else zeros. ``net_annual_benefit`` is at full run rate: adjusted benefits of a
    year less adjusted yearly costs.
    """

    benefits: tuple[BenefitLine, ...]
    costs: tuple[CostLine, ...]
    cash_released: Decimal
    working_capital: tuple[Decimal, ...]
    net_cash_flows: tuple[Decimal, ...]
    net_annual_benefit: Decimal
    npv: Decimal
    npv_mid_year: Decimal
    xnpv: Decimal
    irr: Decimal | NoSingleRate
    xirr: Decimal | NoSingleRate
    mirr: Decimal | NoSingleRate
    payback_years: Decimal | None
    discounted_payback_years: Decimal | None
    pv_benefits: Decimal
    pv_hard_benefits: Decimal
    pv_soft_benefits: Decimal
    pv_costs: Decimal
    pv_working_capital: Decimal
    roi: Decimal | None
    npv_hard_only: Decimal
    npv_without_largest_benefit: Decimal
    largest_benefit: str | None
    capacity_not_realised: Decimal


def risk_adjusted(value: Decimal, cut: Decimal) -> Decimal:
    """A benefit less its risk cut; a benefit that turns out negative is a loss, and risk makes it larger."""
    return value * (1 - cut) if value >= 0 else value * (1 + cut)


def appraise(case: BusinessCase) -> Appraisal:
    """All figures of the case, with its risk factors and ramp."""
    rate = case.discount_rate
    benefits, costs = benefit_lines(case), cost_lines(case)
    working_capital = _working_capital(case)
    flows = _net(benefits, costs, working_capital)
    dates = anniversaries(case.start, case.years)
    pv_hard = sum((b.present_value for b in benefits if b.hard), _ZERO)
    pv_soft = sum((b.present_value for b in benefits if not b.hard), _ZERO)
    pv_costs = sum((c.present_value for c in costs), _ZERO)
    value = npv(rate, flows)
    largest = max(benefits, key=lambda b: b.present_value, default=None)
    return Appraisal(
        benefits=benefits,
        costs=costs,
        cash_released=case.cash_released,
        working_capital=working_capital,
        net_cash_flows=flows,
        net_annual_benefit=sum((b.adjusted for b in benefits), _ZERO)
        - sum((c.adjusted for c in costs if c.yearly), _ZERO),
        npv=value,
        npv_mid_year=npv_mid_year(rate, flows),
        xnpv=xnpv(rate, flows, dates),
        irr=irr(flows),
        xirr=xirr(flows, dates),
        mirr=mirr(flows, case.borrowing_rate, rate),
        payback_years=payback(flows),
        discounted_payback_years=discounted_payback(rate, flows),
        pv_benefits=pv_hard + pv_soft,
        pv_hard_benefits=pv_hard,
        pv_soft_benefits=pv_soft,
        pv_costs=pv_costs,
        pv_working_capital=npv(rate, working_capital),
        roi=(pv_hard + pv_soft - pv_costs) / pv_costs if pv_costs else None,
        npv_hard_only=value - pv_soft,
        npv_without_largest_benefit=value - (largest.present_value if largest else _ZERO),
        largest_benefit=largest.name if largest else None,
        capacity_not_realised=sum(
            (b.capacity_not_realised for b in case.benefits if isinstance(b, HoursSaved)), start=_ZERO
        ),
    )


def net_present_value(case: BusinessCase) -> Decimal:
    """The case's year-end NPV alone: what sensitivity runs ask for many thousand times."""
    ramp_factor = npv(case.discount_rate, (_ZERO, *case.ramp))
    every_year = npv(case.discount_rate, (_ZERO, *(Decimal(1) for _ in case.ramp)))
    benefits = sum((risk_adjusted(annual, cut) for annual, cut in _annual_values(case)), _ZERO)
    costs = sum(
        (c.adjusted * every_year if c.year is None else c.adjusted / (1 + case.discount_rate) ** c.year)
        for c in case.costs
    )
    working_capital = npv(case.discount_rate, _working_capital(case)) if case.inflow else _ZERO
    return benefits * ramp_factor - costs + working_capital


def benefit_lines(case: BusinessCase) -> tuple[BenefitLine, ...]:
    """The case's benefits, the financing value of released cash last."""
    lines = [
        _benefit_line(case, b.name, "hours" if isinstance(b, HoursSaved) else "rate", b.hard, b.annual, b.risk_cut)
        for b in case.benefits
    ]
    if case.financing is not None:
        worth = case.cash_released * case.financing.rate
        name = "financing on released cash"
        lines.append(_benefit_line(case, name, "financing", True, worth, case.financing.risk_cut))
    return tuple(lines)


def cost_lines(case: BusinessCase) -> tuple[CostLine, ...]:
    """The case's costs."""
    lines = []
    for cost in case.costs:
        flows = _cost_flows(cost, case.years)
        lines.append(
            CostLine(
                name=cost.name,
                yearly=cost.year is None,
                amount=cost.amount,
                risk_raise=cost.risk_raise,
                adjusted=cost.adjusted,
                flows=flows,
                present_value=npv(case.discount_rate, flows),
            )
        )
    return tuple(lines)


def _annual_values(case: BusinessCase) -> list[tuple[Decimal, Decimal]]:
    values = [(b.annual, b.risk_cut) for b in case.benefits]
    if case.financing is not None:
        values.append((case.cash_released * case.financing.rate, case.financing.risk_cut))
    return values


def _benefit_line(
    case: BusinessCase,
    name: str,
    kind: Literal["hours", "rate", "financing"],
    hard: bool,
    annual: Decimal,
    cut: Decimal,
) -> BenefitLine:
    adjusted = risk_adjusted(annual, cut)
    flows = (_ZERO, *(adjusted * share for share in case.ramp))
    return BenefitLine(name, kind, hard, annual, cut, adjusted, flows, npv(case.discount_rate, flows))


def _cost_flows(cost: Cost, years: int) -> tuple[Decimal, ...]:
    due = range(1, years + 1) if cost.year is None else (cost.year,)
    return tuple(cost.adjusted if year in due else _ZERO for year in range(years + 1))


def _working_capital(case: BusinessCase) -> tuple[Decimal, ...]:
    flows = [_ZERO] * (case.years + 1)
    if case.inflow is not None:
        arriving = risk_adjusted(case.cash_released, case.inflow.risk_cut)
        for year, share in enumerate(case.inflow.shares, 1):
            flows[year] += arriving * share
        if case.inflow.reversed_in_year is not None:
            flows[case.inflow.reversed_in_year] -= arriving * sum(case.inflow.shares, _ZERO)
    return tuple(flows)


def _net(
    benefits: Sequence[BenefitLine], costs: Sequence[CostLine], working_capital: Sequence[Decimal]
) -> tuple[Decimal, ...]:
    return tuple(
        sum((b.flows[year] for b in benefits), _ZERO) - sum((c.flows[year] for c in costs), _ZERO) + moved
        for year, moved in enumerate(working_capital)
    )


@dataclass(frozen=True, slots=True)
class SimpleView:
    """What a simple calculator prints: benefits at full run rate from day one, no risk, no discounting.

    Released cash is left out. ``payback_months`` is one-off cost ÷ net monthly benefit, None when there
    is no net benefit; ``net_total`` and ``roi`` are over the horizon, undiscounted.
    """

    net_annual: Decimal
    net_monthly: Decimal
    payback_months: Decimal | None
    net_total: Decimal
    roi: Decimal | None
    years: int


def simple_view(case: BusinessCase) -> SimpleView:
    """The case as a simple calculator shows it."""
    benefits = sum((annual for annual, _ in _annual_values(case)), _ZERO)
    yearly = sum((c.amount for c in case.costs if c.year is None), _ZERO)
    once = sum((c.amount for c in case.costs if c.year is not None), _ZERO)
    net_annual = benefits - yearly
    costs = once + yearly * case.years
    net_total = benefits * case.years - costs
    return SimpleView(
        net_annual=net_annual,
        net_monthly=net_annual / _MONTHS,
        payback_months=once / net_annual * _MONTHS if net_annual > 0 else None,
        net_total=net_total,
        roi=net_total / costs if costs else None,
        years=case.years,
    )


@dataclass(frozen=True, slots=True)
class BridgeStep:
    """One step from the simple calculator to the appraisal: what it takes or adds, and where that leaves us.

    ``net`` is the net value over the horizon, ``roi`` and ``payback_months`` the same project seen so far.
    """

    name: str
    change: Decimal
    net: Decimal
    roi: Decimal | None
    payback_months: Decimal | None


def bridge(case: BusinessCase) -> tuple[BridgeStep, ...]:
    """From the simple calculator's net total to the NPV, one method choice at a time.

    The changes add up to the difference exactly. The order (ramp, benefit risk, cost risk, released cash
    as inflow, discounting) is part of the answer, for the steps interact.
    """
    view = simple_view(case)
    unrisked = without_risk(case)
    undiscounted = replace(unrisked, discount_rate=_ZERO, inflow=None)
    stages: list[tuple[str, BusinessCase]] = [
        ("ramp-up of the benefits", undiscounted),
        (
            "risk cuts on the benefits",
            replace(undiscounted, benefits=case.benefits, financing=case.financing),
        ),
        ("risk raises on the costs", replace(case, discount_rate=_ZERO, inflow=None)),
    ]
    if case.inflow is not None:
        stages.append(("released cash as a dated inflow", replace(case, discount_rate=_ZERO)))
    stages.append(("discounting", case))
    steps = [BridgeStep("simple calculator", _ZERO, view.net_total, view.roi, view.payback_months)]
    for name, stage in stages:
        appraisal = appraise(stage)
        years = appraisal.payback_years
        steps.append(
            BridgeStep(
                name=name,
                change=appraisal.npv - steps[-1].net,
                net=appraisal.npv,
                roi=appraisal.roi,
                payback_months=None if years is None else years * _MONTHS,
            )
        )
    return tuple(steps)

"""An ROI result as plain rows, for any table: HTML, a workbook, a terminal."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Literal

from o2c_twin.reports.display import MINUS
from o2c_twin.reports.roi.appraisal import Appraisal
from o2c_twin.reports.roi.result import RoiResult

RowUnit = Literal["money", "share", "years", "months", "number", "text"]

# Below the one a plain number keeps four decimals, from the other on none.
_SMALL, _LARGE = 10, 1_000
_PLACES: Mapping[RowUnit, int] = MappingProxyType({"money": 2, "years": 2, "months": 1, "text": 0})


@dataclass(frozen=True, slots=True)
class RoiRow:
    """One row: ``value`` exact, ``shown`` rounded half up with its unit, ``note`` what to know about it."""

    section: str
    label: str
    value: Decimal | str | None
    unit: RowUnit
    shown: str
    note: str = ""


def roi_rows(result: RoiResult) -> list[RoiRow]:
    """All rows of the result, section after section, in reading order."""
    return [
        *_summary(result),
        *_lines(result),
        *_flows(result),
        *_bridge(result),
        *_sensitivity(result),
        *_provenance(result),
    ]


def _row(
    result: RoiResult, section: str, label: str, value: Decimal | str | None, unit: RowUnit, note: str = ""
) -> RoiRow:
    return RoiRow(section, label, value, unit, shown(value, unit, result.currency), note)


def shown(value: Decimal | str | None, unit: RowUnit, currency: str) -> str:
    """The value as people read it: money with thousands separators and currency, shares as per cent."""
    if value is None:
        return "not within the horizon" if unit in ("years", "months") else "not defined"
    if isinstance(value, str):
        return value
    if unit == "share":
        return f"{_signed(_rounded(value * 100, 2))} %"
    if unit == "number":
        return _number(value)
    text = _signed(_rounded(value, _PLACES[unit]))
    suffix = {"money": f" {currency}", "years": " years", "months": " months"}.get(unit, "")
    return text + suffix


def _rounded(value: Decimal, places: int) -> Decimal:
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return abs(rounded) if rounded == 0 else rounded


def _signed(value: Decimal) -> str:
    return f"{value:,}".replace("-", MINUS)


def _number(value: Decimal) -> str:
    # As many decimals as its size needs, and none that say nothing: 420,000 and 12.5 and 0.0012.
    text = _signed(_rounded(value, 4 if abs(value) < _SMALL else 2 if abs(value) < _LARGE else 0))
    return text.rstrip("0").rstrip(".") if "." in text else text


def _driver_value(result: RoiResult, driver: str, value: Decimal) -> str:
    return f"{_number(value)} {result.driver_units.get(driver, '')}".rstrip()


def _summary(result: RoiResult) -> Iterator[RoiRow]:
    appraisal, simple = result.appraisal, result.simple
    section = "Decision view (risk-adjusted, ramped, discounted)"
    yield _row(result, section, "net annual benefit at full run rate", appraisal.net_annual_benefit, "money")
    yield _row(result, section, "net present value", appraisal.npv, "money", "year-end flows, today undiscounted")
    yield from _metrics(result, section, appraisal)
    yield _row(
        result, section, "cash released", appraisal.cash_released, "money", "one-off, working capital; not profit"
    )
    section = "Simple calculator view (full run rate at once, no risk, no discounting)"
    yield _row(result, section, "net annual benefit", simple.net_annual, "money")
    yield _row(result, section, "net monthly benefit", simple.net_monthly, "money")
    yield _row(result, section, "payback", simple.payback_months, "months")
    yield _row(result, section, f"ROI over {simple.years} years", simple.roi, "share")
    section = "Without risk factors (ramped, discounted)"
    yield _row(result, section, "net present value", result.unadjusted.npv, "money")
    yield _row(result, section, "internal rate of return", result.unadjusted.irr, "share")


def _metrics(result: RoiResult, section: str, appraisal: Appraisal) -> Iterator[RoiRow]:
    largest = appraisal.largest_benefit or "no benefit"
    yield _row(result, section, "net present value, mid-year flows", appraisal.npv_mid_year, "money")
    yield _row(result, section, "net present value, dated flows", appraisal.xnpv, "money", "actual days ÷ 365")
    yield _row(result, section, "ROI on present values", appraisal.roi, "share", "(benefits − costs) ÷ costs")
    yield _row(result, section, "internal rate of return", appraisal.irr, "share")
    yield _row(result, section, "internal rate of return, dated flows", appraisal.xirr, "share")
    yield _row(result, section, "modified internal rate of return", appraisal.mirr, "share")
    yield _row(result, section, "payback", appraisal.payback_years, "years")
    yield _row(result, section, "discounted payback", appraisal.discounted_payback_years, "years")
    yield _row(result, section, "present value of hard benefits", appraisal.pv_hard_benefits, "money")
    yield _row(result, section, "present value of soft benefits", appraisal.pv_soft_benefits, "money", "capacity")
    yield _row(result, section, "present value of costs", appraisal.pv_costs, "money")
    yield _row(result, section, "present value of released cash", appraisal.pv_working_capital, "money")
    yield _row(result, section, "net present value on hard benefits alone", appraisal.npv_hard_only, "money")
    yield _row(
        result,
        section,
        "net present value without the largest benefit",
        appraisal.npv_without_largest_benefit,
        "money",
        f"without {largest}",
    )
    yield _row(
        result, section, "hours saved but not realised, a year", appraisal.capacity_not_realised, "money", "not counted"
    )


def _lines(result: RoiResult) -> Iterator[RoiRow]:
    section = "Benefits a year at full run rate, risk-adjusted"
    for benefit in result.appraisal.benefits:
        kind = "hard" if benefit.hard else "soft"
        full, risk = shown(benefit.annual, "money", result.currency), shown(benefit.risk_cut, "share", "")
        note = f"{kind}; {full} before a risk {'raise' if benefit.annual < 0 else 'cut'} of {risk}"
        yield _row(result, section, benefit.name, benefit.adjusted, "money", note)
    for cost in result.appraisal.costs:
        when = "every year" if cost.yearly else "once"
        planned, raised = shown(cost.amount, "money", result.currency), shown(cost.risk_raise, "share", "")
        note = f"{when}; {planned} before a risk raise of {raised}"
        yield _row(result, "Costs, risk-adjusted", cost.name, cost.adjusted, "money", note)


def _flows(result: RoiResult) -> Iterator[RoiRow]:
    for year, flow in enumerate(result.appraisal.net_cash_flows):
        yield _row(result, "Net cash flow", f"year {year}", flow, "money")


def _bridge(result: RoiResult) -> Iterator[RoiRow]:
    section = "Bridge from the simple calculator to the net present value"
    first, *steps = result.bridge
    yield _row(result, section, first.name, first.net, "money", "undiscounted net value over the horizon")
    for step in steps:
        note = f"leaves {shown(step.net, 'money', result.currency)}"
        yield _row(result, section, step.name, step.change, "money", note)


def _sensitivity(result: RoiResult) -> Iterator[RoiRow]:
    for even in result.break_evens:
        text = "none within its limits" if even.value is None else _driver_value(result, even.driver, even.value)
        base = f"base {_driver_value(result, even.driver, even.base)}"
        yield RoiRow("Break-even values", even.driver, even.value, "number", text, base)
    for bar in result.tornado:
        ends = f"{_number(bar.worse)} to {_driver_value(result, bar.driver, bar.better)}"
        low, high = (shown(v, "money", result.currency) for v in (bar.npv_low, bar.npv_high))
        yield _row(result, "Swing of the net present value", bar.driver, bar.swing, "money", f"{ends}: {low} to {high}")
    outcome = result.monte_carlo
    section = f"Monte Carlo, {outcome.draws:,} draws, seed {outcome.seed}"
    for label, value, error in (
        ("mean", outcome.npv.mean, outcome.npv.mean_error),
        ("P10", outcome.npv.p10, outcome.npv.p10_error),
        ("P50", outcome.npv.p50, outcome.npv.p50_error),
        ("P90", outcome.npv.p90, outcome.npv.p90_error),
    ):
        note = f"standard error {shown(error, 'money', result.currency)}"
        yield _row(result, section, f"net present value, {label}", value, "money", note)
    chance, error = outcome.probability_npv_negative, outcome.probability_error
    note = f"standard error {shown(error, 'share', result.currency)}"
    yield _row(result, section, "chance of a negative net present value", chance, "share", note)


def _provenance(result: RoiResult) -> Iterator[RoiRow]:
    for figure in result.measured:
        as_is, to_be = ("not measured" if v is None else _number(v) for v in (figure.as_is, figure.to_be))
        note = f"{figure.unit}, KPI {figure.kpi}"
        yield _row(
            result,
            "Measured in the runs, as is \N{RIGHTWARDS ARROW} to be",
            figure.name,
            f"{as_is} \N{RIGHTWARDS ARROW} {to_be}",
            "text",
            note,
        )
    for name, runs in (("as is", result.as_is), ("to be", result.to_be)):
        for run in runs:
            trace = f"trace {run.trace_hash}" if run.trace_hash else "no trace hash recorded"
            label = f"{run.scenario}, seed {run.seed}, {run.days} days"
            yield _row(result, "Runs", name, label, "text", trace)
    for a in result.assumptions:
        stated = f", stated {a.as_of.isoformat()}" if a.as_of else ""
        note = f"{a.unit}; {a.source}; owner {a.owner}{stated}; {a.place}"
        yield _row(result, "Assumptions", a.key, _assumed(a.value), "text", note)
    for n, text in enumerate(result.notes, 1):
        yield _row(result, "Notes", f"note {n}", text, "text")


def _assumed(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(part) for part in value)
    return str(value).lower() if isinstance(value, bool) else str(value)

"""Golden example C of the domain sheet (section 2.4), to the cent."""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import pytest

from o2c_twin.reports.roi import (
    CashInflow,
    DoubleCount,
    Range,
    RoiError,
    appraise,
    break_even,
    bridge,
    simple_view,
    tornado,
    without_risk,
)
from o2c_twin.reports.roi.appraisal import net_present_value
from o2c_twin.reports.roi.cash_flow import check_quoted_npv, npv
from o2c_twin.reports.roi.sensitivity import npv_at

D = Decimal


def cents(value):
    return value.quantize(D("0.01"), ROUND_HALF_UP)


def per_cent(share, places="0.0001"):
    return (share * 100).quantize(D(places), ROUND_HALF_UP)


def rounded(value, places):
    return value.quantize(D(places), ROUND_HALF_UP)


def inflow(reversed_in_year):
    return CashInflow((D("0.5"), D("0.5")), reversed_in_year, D("0.10"))


@pytest.mark.parametrize(
    ("name", "annual", "adjusted"),
    [
        ("order entry time", "204750.00", "174037.50"),
        ("billing error rework", "96768.00", "87091.20"),
        ("cash application time", "52668.00", "44767.80"),
        ("leakage recovered", "96000.00", "67200.00"),
        ("bad debt", "36000.00", "28800.00"),
        ("financing on released cash", "149589.04", "134630.14"),
    ],
)
def test_each_benefit_is_worth_its_volume_times_its_price_less_its_risk(golden_c, name, annual, adjusted):
    line = next(b for b in appraise(golden_c).benefits if b.name == name)
    assert (cents(line.annual), cents(line.adjusted)) == (D(annual), D(adjusted))


def test_the_hours_saved_are_volume_times_minutes(golden_c):
    hours = {b.name: b.hours for b in golden_c.benefits if b.name.endswith("time")}
    assert hours == {"order entry time": D(9750), "cash application time": D(2772)}


def test_the_benefits_add_up_at_full_run_rate(golden_c):
    benefits = appraise(golden_c).benefits
    assert cents(sum(b.annual for b in benefits)) == D("635775.04")
    assert cents(sum(b.adjusted for b in benefits)) == D("536526.64")


def test_released_cash_is_a_memo_and_in_no_flow(golden_c):
    assert cents(appraise(golden_c).cash_released) == D("2301369.86")
    assert set(appraise(golden_c).working_capital) == {D(0)}


def test_net_cash_flows(golden_c):
    flows = [cents(flow) for flow in appraise(golden_c).net_cash_flows]
    assert flows == [D("-462000.00"), D("47763.32"), D("316026.64"), D("316026.64")]


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("npv", "91843.40"),
        ("pv_benefits", "1111993.88"),
        ("pv_costs", "1020150.47"),
        ("xnpv", "91785.79"),
        ("npv_mid_year", "116229.49"),
    ],
)
def test_present_values(golden_c, figure, value):
    assert cents(getattr(appraise(golden_c), figure)) == D(value)


@pytest.mark.parametrize(
    ("figure", "value"), [("roi", "9.0029"), ("irr", "17.7571"), ("xirr", "17.7476"), ("mirr", "15.7910")]
)
def test_rates(golden_c, figure, value):
    assert per_cent(getattr(appraise(golden_c), figure)) == D(value)


def test_payback_and_discounted_payback(golden_c):
    appraisal = appraise(golden_c)
    assert rounded(appraisal.payback_years, "0.0001") == D("2.3108")
    assert rounded(appraisal.payback_years * 12, "0.01") == D("27.73")
    assert rounded(appraisal.discounted_payback_years, "0.0001") == D("2.6236")


def test_without_risk_factors_the_project_looks_four_times_better(golden_c):
    appraisal = appraise(without_risk(golden_c))
    assert cents(appraisal.npv) == D("366122.16")
    assert per_cent(appraisal.irr) == D("44.4508")


def test_a_slow_ramp_turns_the_project_into_a_loss(golden_c):
    assert cents(appraise(replace(golden_c, ramp=(D("0.25"), D("0.75"), D(1)))).npv) == D("-144109.10")


def test_break_even_of_days_and_realisation(golden_c_build, golden_c_drivers):
    span = Range(D(0), D(1))
    days = break_even(golden_c_build, golden_c_drivers, "dso_days_gained", replace(span, most=D(60)))
    realised = break_even(golden_c_build, golden_c_drivers, "realisation", replace(span, most=D(1)))
    assert rounded(days, "0.0001") == D("4.6959")
    assert per_cent(realised, "0.001") == D("39.874")


def test_the_break_even_discount_rate_is_the_internal_rate_of_return(golden_c, golden_c_build, golden_c_drivers):
    rate = break_even(golden_c_build, golden_c_drivers, "wacc", Range(D("0.07"), D("0.12"), most=D(1)))
    assert rounded(rate, "1e-12") == rounded(appraise(golden_c).irr, "1e-12")


def test_the_simple_calculator_view(golden_c):
    view = simple_view(golden_c)
    assert cents(view.net_annual) == D("425775.04")
    assert cents(view.net_monthly) == D("35481.25")
    assert rounded(view.payback_months, "0.0001") == D("11.8372")
    assert per_cent(view.roi) == D("81.6500")
    assert view.years == 3


def test_the_bridge_leads_from_twelve_months_to_twenty_eight_and_from_82_per_cent_to_9(golden_c):
    steps = bridge(golden_c)
    assert [step.name for step in steps] == [
        "simple calculator",
        "ramp-up of the benefits",
        "risk cuts on the benefits",
        "risk raises on the costs",
        "discounting",
    ]
    assert rounded(steps[0].payback_months, "0.01") == D("11.84")
    assert rounded(steps[-1].payback_months, "0.01") == D("27.73")
    assert (per_cent(steps[0].roi), per_cent(steps[-1].roi)) == (D("81.6500"), D("9.0029"))
    assert cents(steps[-1].net) == D("91843.40")
    # The raises are 42,000 once and 10,500 in each of three years.
    assert cents(steps[3].change) == D("-73500.00")
    assert steps[0].net + sum(step.change for step in steps) == pytest.approx(steps[-1].net, abs=D("1e-15"))


@pytest.mark.parametrize(("reversed_in_year", "value"), [(None, "1634576.26"), (3, "35204.45")])
def test_cash_as_an_inflow_instead_of_a_financing_benefit(golden_c, reversed_in_year, value):
    method_b = replace(golden_c, financing=None, inflow=inflow(reversed_in_year))
    assert cents(appraise(method_b).npv) == D(value)
    assert cents(net_present_value(method_b)) == D(value)


def test_an_inflow_is_neither_benefit_nor_cost_and_the_bridge_shows_it_apart(golden_c):
    method_b = replace(golden_c, financing=None, inflow=inflow(3))
    appraisal = appraise(method_b)
    assert cents(appraisal.pv_benefits) == D("832962.27")  # 1,111,993.88 less the financing line's 279,031.60
    total = appraisal.pv_benefits - appraisal.pv_costs + appraisal.pv_working_capital
    assert total == pytest.approx(appraisal.npv, abs=D("1e-15"))
    step = next(s for s in bridge(method_b) if s.name == "released cash as a dated inflow")
    assert cents(step.change) == D("0.00")  # undiscounted, what comes goes back


def test_an_inflow_that_reverses_is_worth_the_carrying_benefit_of_its_balance():
    half = D("1035616.44")
    flows = [D(0), half, half, -2 * half]
    carried = sum(D("0.09") * balance / D("1.09") ** (t + 1) for t, balance in ((1, half), (2, 2 * half)))
    assert cents(npv(D("0.09"), flows)) == cents(carried) == D("222392.65")


def test_cash_as_inflow_and_as_financing_benefit_at_once_is_refused(golden_c):
    with pytest.raises(DoubleCount, match=r"released cash is counted twice.*keep one"):
        replace(golden_c, inflow=inflow(None))
    # What an unchecked model would have printed.
    appraisal = appraise(golden_c)
    twice = appraisal.npv + appraise(replace(golden_c, financing=None, inflow=inflow(None))).pv_working_capital
    assert cents(twice) == D("1913607.87")


def test_a_spreadsheet_npv_that_discounts_today_as_well_is_refused(golden_c):
    flows = appraise(golden_c).net_cash_flows
    assert cents(npv(D("0.09"), [D(0), *flows])) == D("84260.00")
    with pytest.raises(RoiError, match=r"discounts today's flow by a year; use CF0 \+ NPV.*91843.40"):
        check_quoted_npv(D("84260.00"), D("0.09"), flows)
    check_quoted_npv(D("91843.40"), D("0.09"), flows)
    with pytest.raises(RoiError, match="does not follow"):
        check_quoted_npv(D("91843.42"), D("0.09"), flows)


RANGES = {
    "wacc": Range(D("0.07"), D("0.12"), most=D(1)),
    "error_rate_after": Range(D("0.008"), D("0.020"), most=D(1)),
    "run_cost": Range(D("189000"), D("252000")),
    "leakage_after": Range(D("0.0008"), D("0.0018"), most=D(1)),
    "dso_days_gained": Range(D(3), D(9)),
    "implementation": Range(D("336000"), D("630000")),
    "realisation": Range(D("0.25"), D("0.75"), most=D(1)),
}
TORNADO = [
    ("realisation", "0.25", "0.75", "-134902.24", "318589.05", "453491.29"),
    ("implementation", "630000", "336000", "-139156.60", "184243.40", "323400.00"),
    ("dso_days_gained", "3", "9", "-67603.23", "171566.72", "239169.95"),
    ("leakage_after", "0.0018", "0.0008", "-12614.58", "161482.06", "174096.64"),
    ("run_cost", "252000", "189000", "-19786.69", "147658.45", "167445.14"),
    ("error_rate_after", "0.020", "0.008", "14484.81", "117629.60", "103144.80"),
    ("wacc", "0.12", "0.07", "57521.84", "116640.39", "59118.55"),
]


def test_the_tornado_is_sorted_by_swing(golden_c_build, golden_c_drivers):
    bars = tornado(golden_c_build, golden_c_drivers, RANGES)
    assert [bar.driver for bar in bars] == [row[0] for row in TORNADO]


@pytest.mark.parametrize(("driver", "worse", "better", "low", "high", "swing"), TORNADO)
def test_each_bar_of_the_tornado(golden_c_build, golden_c_drivers, driver, worse, better, low, high, swing):
    (bar,) = tornado(golden_c_build, golden_c_drivers, {driver: RANGES[driver]})
    assert (bar.base, bar.worse, bar.better) == (golden_c_drivers[driver], D(worse), D(better))
    assert (cents(bar.npv_low), cents(bar.npv_high), cents(bar.swing)) == (D(low), D(high), D(swing))
    assert abs(npv_at(golden_c_build, golden_c_drivers, **{driver: bar.break_even})) < D("0.0001")


def test_the_npv_says_whether_it_survives_without_soft_benefits_or_without_the_largest(golden_c):
    appraisal = appraise(golden_c)
    # Hours are soft: 204,750.00 and 52,668.00 a year before risk; the rest of the benefits is hard.
    assert cents(appraisal.pv_soft_benefits) == D("453491.29")
    assert cents(appraisal.npv_hard_only) == D("-361647.88")
    assert appraisal.largest_benefit == "order entry time"
    assert cents(appraisal.npv_without_largest_benefit) == D("-268863.08")
    assert cents(appraisal.capacity_not_realised) == D("257418.00")

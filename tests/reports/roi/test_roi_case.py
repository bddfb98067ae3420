"""What a business case refuses, and rules that hold for every case."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.reports.roi import (
    BusinessCase,
    CashInflow,
    CashReleased,
    Cost,
    DoubleCount,
    FinancingValue,
    HoursSaved,
    RateReduced,
    RoiError,
    appraise,
    bridge,
    simple_view,
    without_risk,
)
from o2c_twin.reports.roi.appraisal import net_present_value

D = Decimal
shares = st.decimals(min_value=0, max_value=1, places=3)
money = st.decimals(min_value=0, max_value=1_000_000, places=2)
signed = st.decimals(min_value=-50_000, max_value=50_000, places=2)


@st.composite
def cases(draw):
    years = draw(st.integers(1, 5))
    valued = draw(st.sampled_from(["financing", "inflow", "memo"]))
    arriving = draw(st.integers(1, years))
    back = draw(st.none() | st.integers(arriving, years))
    return BusinessCase(
        currency="EUR",
        benefits=(
            HoursSaved("entry", draw(signed), D(40), draw(shares), draw(shares), hard=draw(st.booleans())),
            RateReduced("errors", D(10_000), draw(shares), draw(shares), draw(shares), D(48)),
        ),
        costs=(
            Cost("build", draw(money), draw(shares), year=0),
            Cost("exit", draw(money), draw(shares), year=years),
            Cost("run", draw(money), draw(shares)),
        ),
        ramp=tuple(draw(shares) for _ in range(years)),
        discount_rate=draw(shares),
        borrowing_rate=D("0.05"),
        start=date(2026, 1, 1),
        cash=CashReleased(D(50), draw(st.decimals(min_value=30, max_value=70, places=2)), D(5_000_000)),
        financing=FinancingValue(D("0.06"), draw(shares)) if valued == "financing" else None,
        inflow=CashInflow((D(1) / years,) * arriving, back, draw(shares)) if valued == "inflow" else None,
    )


@given(cases())
def test_the_npv_is_benefits_less_costs_plus_working_capital(case):
    appraisal = appraise(case)
    parts = appraisal.pv_benefits - appraisal.pv_costs + appraisal.pv_working_capital
    assert abs(appraisal.npv - parts) < D("1e-12")
    assert appraisal.pv_hard_benefits + appraisal.pv_soft_benefits == appraisal.pv_benefits


@given(cases())
def test_the_short_way_to_the_npv_gives_the_same_as_the_long_one(case):
    assert abs(net_present_value(case) - appraise(case).npv) < D("1e-12")


@given(cases())
def test_risk_never_makes_a_case_better(case):
    # A reversing inflow at a discount rate of zero and above is worth at least nothing only when cash is released.
    case = case if case.cash_released >= 0 or case.inflow is None else replace(case, inflow=None)
    assert appraise(case).npv <= appraise(without_risk(case)).npv + D("1e-12")


@given(cases())
def test_the_bridge_leaves_no_gap_between_the_two_views(case):
    steps = bridge(case)
    assert steps[0].net == simple_view(case).net_total
    assert abs(steps[0].net + sum(s.change for s in steps) - appraise(case).npv) < D("1e-12")


@given(cases())
def test_the_net_annual_benefit_is_the_flow_of_a_full_year_without_one_off_items(case):
    plain = replace(case, inflow=None, ramp=(D(1),) * case.years, costs=tuple(c for c in case.costs if c.year is None))
    appraisal = appraise(plain)
    assert all(abs(flow - appraisal.net_annual_benefit) < D("1e-12") for flow in appraisal.net_cash_flows[1:])


def test_extra_work_counts_in_full_whatever_is_realised():
    saved = HoursSaved("support", D(100), D(40), D("0.5"), D("0.15"))
    assert saved.annual == D(2000)
    assert saved.capacity_not_realised == D(2000)
    extra = replace(saved, hours=D(-100))
    assert (extra.annual, extra.capacity_not_realised) == (D(-4000), D(0))


def test_a_benefit_that_turns_out_negative_grows_with_its_risk(golden_c):
    worse = replace(golden_c, cash=replace(golden_c.cash, dso_after=D(50)))
    line = next(b for b in appraise(worse).benefits if b.kind == "financing")
    assert line.annual < 0
    assert line.adjusted == line.annual * D("1.1")


def test_two_benefits_may_not_claim_the_same_money(golden_c):
    leak = RateReduced("under-billing", D(1000), D("0.02"), D("0.01"), D(0), claims="leakage recovered")
    with pytest.raises(DoubleCount, match="'leakage recovered' is claimed by 'leakage recovered' and by 'under-bill"):
        replace(golden_c, benefits=(*golden_c.benefits, leak))


def test_a_benefit_may_not_claim_released_cash_that_is_valued_already(golden_c):
    sneaky = RateReduced("less borrowing", D(1), D(1), D(0), D(0), D(149_589), claims="released cash")
    with pytest.raises(DoubleCount, match="released cash"):
        replace(golden_c, benefits=(*golden_c.benefits, sneaky))
    memo_only = replace(golden_c, financing=None, benefits=(*golden_c.benefits, sneaky))
    assert appraise(memo_only).largest_benefit == "order entry time"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ramp": ()}, "the ramp is empty"),
        ({"ramp": (D(50), D(100))}, r"ramp of year 1 is 50; give a share from 0 to 1 \(15 % is 0.15\)"),
        ({"cash": None}, "released cash is valued but not given"),
        ({"costs": (Cost("exit", D(1), D(0), year=4),)}, "exit: year 4 lies outside the horizon of 3 years"),
        (
            {"financing": None, "inflow": CashInflow((D("0.2"),) * 4, None, D(0))},
            "arrives over 4 years but the horizon is 3",
        ),
        (
            {"financing": None, "inflow": CashInflow((D("0.5"), D("0.5")), 1, D(0))},
            "reversed in year 1; choose a year from 2 to 3",
        ),
    ],
)
def test_a_case_that_makes_no_sense_is_refused_with_a_remedy(golden_c, change, message):
    with pytest.raises(RoiError, match=message):
        replace(golden_c, **change)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cost("build", D(-1), D(0)), "costs are positive amounts"),
        (lambda: HoursSaved("x", D(1), D(1), D(50), D(0)), "x: realisation is 50"),
        (lambda: RateReduced("x", D(1), D(1), D(0), D("1.5")), "x: risk cut is 1.5"),
        (lambda: FinancingValue(D("0.05"), D(-1)), "risk cut is -1"),
        (lambda: CashInflow((D("0.6"), D("0.6")), None, D(0)), "sum of the yearly shares is 1.2"),
    ],
)
def test_a_line_out_of_range_is_refused_with_its_name(make, message):
    with pytest.raises(RoiError, match=message):
        make()

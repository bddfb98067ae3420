"""The arithmetic of dated money, by rule and against an independent implementation."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from o2c_twin.reports.roi.cash_flow import (
    RoiError,
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

D = Decimal
amounts = st.decimals(min_value=-1_000_000, max_value=1_000_000, places=2)
positive = st.decimals(min_value=1, max_value=1_000_000, places=2)
rates = st.decimals(min_value=0, max_value="0.5", places=4)


@given(st.lists(amounts, min_size=1, max_size=8), rates)
def test_an_inflow_that_fully_reverses_is_worth_the_carrying_benefit_of_its_balance(arrivals, rate):
    flows = [D(0), *arrivals, -sum(arrivals)]
    balances = list(accumulate(flows))
    carried = sum(rate * balances[t - 1] / (1 + rate) ** t for t in range(1, len(flows)))
    assert abs(npv(rate, flows) - carried) < D("1e-12")


@given(st.lists(positive, min_size=1, max_size=4), st.lists(positive, min_size=1, max_size=6))
def test_the_npv_at_the_internal_rate_of_return_is_zero(outflows, inflows):
    flows = [*(-amount for amount in outflows), *inflows]
    rate = irr(flows)
    assert isinstance(rate, Decimal)
    # Near -100 % the last flow is multiplied without limit, so judge against the sum of what is added up.
    size = sum(abs(flow) / (1 + rate) ** t for t, flow in enumerate(flows))
    assert abs(npv(rate, flows)) < D("1e-9") * size


@pytest.mark.parametrize("flows", [[], [D(0), D(0)], [D(-5), D(-1)], [D(5), D(0), D(1)]])
def test_without_a_change_of_sign_there_is_no_rate_of_return(flows):
    assert irr(flows) == "none"


def test_with_several_changes_of_sign_no_single_rate_is_a_return():
    flows = [D(-100), D(230), D(-132)]  # zero at 10 % and at 20 %
    assert max(abs(npv(D(rate), flows)) for rate in ("0.1", "0.2")) < D("1e-20")
    assert irr(flows) == "several"
    assert xirr(flows, anniversaries(date(2026, 1, 1), 2)) == "several"


def test_a_change_of_sign_across_idle_years_counts_once():
    rate = irr([D(-100), D(0), D(121)])
    assert rate == pytest.approx(D("0.1"), abs=D("1e-15"))


def test_a_loss_has_a_negative_rate_of_return():
    assert irr([D(-100), D(50)]) == pytest.approx(D("-0.5"), abs=D("1e-15"))


@given(st.lists(amounts, min_size=1, max_size=6), rates)
def test_dated_flows_365_days_apart_have_the_plain_npv(flows, rate):
    dates = [date(2026, 1, 1) + timedelta(days=365 * n) for n in range(len(flows))]
    assert abs(xnpv(rate, flows, dates) - npv(rate, flows)) < D("1e-12")


@given(positive, st.lists(positive, min_size=1, max_size=5))
def test_the_dated_rate_of_return_zeroes_the_dated_npv(spent, inflows):
    flows, dates = [-spent, *inflows], anniversaries(date(2027, 3, 1), len(inflows))
    rate = xirr(flows, dates)
    size = sum(abs(flow) / (1 + rate) ** t for t, flow in enumerate(flows))
    assert abs(xnpv(rate, flows, dates)) < D("1e-9") * size


@given(st.lists(amounts, min_size=1, max_size=6), rates)
def test_mid_year_flows_are_year_end_flows_half_a_year_earlier(flows, rate):
    later = npv(rate, [D(0), *flows[1:]])
    assert abs(npv_mid_year(rate, flows) - (flows[0] + later * (1 + rate).sqrt())) < D("1e-12")


@given(positive, st.lists(positive, min_size=1, max_size=8))
def test_at_payback_the_cumulative_flow_is_zero(spent, inflows):
    years = payback([-spent, *inflows])
    if years is None:
        assert sum(inflows) < spent
        return
    whole = int(years)
    part = (years - whole) * inflows[whole] if whole < len(inflows) else D(0)
    assert abs(sum(inflows[:whole], D(0)) + part - spent) < D("1e-12")


@given(positive, st.lists(positive, min_size=1, max_size=8), rates)
def test_discounting_never_shortens_the_payback(spent, inflows, rate):
    flows = [-spent, *inflows]
    plain, discounted = payback(flows), discounted_payback(rate, flows)
    assert discounted is None or (plain is not None and discounted >= plain - D("1e-12"))


def test_what_needs_no_money_first_has_paid_back_at_once():
    assert payback([D(0), D(5)]) == 0


def test_the_modified_rate_needs_an_outflow_and_an_inflow():
    assert mirr([D(-100)], D("0.05"), D("0.08")) == "none"
    assert mirr([D(-100), D(-5)], D("0.05"), D("0.08")) == "none"
    assert mirr([D(100), D(5)], D("0.05"), D("0.08")) == "none"


def test_a_decision_on_a_leap_day_has_its_anniversary_on_the_28th():
    days = [day.isoformat() for day in anniversaries(date(2028, 2, 29), 4)]
    assert days == ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]


def test_unusable_rates_and_dates_are_refused_with_a_remedy():
    with pytest.raises(RoiError, match=r"9 % is 0.09"):
        npv(D(-1), [D(1)])
    with pytest.raises(RoiError, match="2 cash flows but 1 dates"):
        xnpv(D("0.1"), [D(1), D(2)], [date(2026, 1, 1)])
    with pytest.raises(RoiError, match="sort flows and dates"):
        xnpv(D("0.1"), [D(1), D(2)], [date(2027, 1, 1), date(2026, 1, 1)])


@given(positive, st.lists(positive, min_size=1, max_size=6), rates)
def test_an_independent_implementation_agrees(spent, inflows, rate):
    oracle = pytest.importorskip("numpy_financial")
    flows = [-spent, *inflows]
    floats = [float(flow) for flow in flows]
    scale = float(spent + sum(inflows))
    assert float(npv(rate, flows)) == pytest.approx(oracle.npv(float(rate), floats), abs=1e-9 * scale)
    finance, reinvest = rate, rate + D("0.03")
    ours = mirr(flows, finance, reinvest)
    assert float(ours) == pytest.approx(oracle.mirr(floats, float(finance), float(reinvest)), rel=1e-6, abs=1e-9)
    rate_of_return = irr(flows)
    # Outside these bounds the oracle's polynomial roots lose their digits, ours do not.
    assume(D("-0.9") < rate_of_return < D(10))
    assert float(rate_of_return) == pytest.approx(oracle.irr(floats), rel=1e-6, abs=1e-8)

"""Rules that hold for every ledger: count-back grows with the balance, the roll-forward closes."""

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.reports import dso, open_items
from o2c_twin.reports.dso import Exhausted, MonthSales, Receivables
from o2c_twin.reports.open_items import Invoice, Settlement

START = date(2026, 1, 1)
days = st.integers(0, 200).map(lambda n: START + timedelta(days=n))
months = st.lists(st.builds(MonthSales, st.integers(28, 31), st.integers(-50_000, 900_000)), max_size=14)


@st.composite
def invoices(draw) -> Invoice:
    issued, amount = draw(days), draw(st.integers(1, 1_000_000))
    cuts = sorted(draw(st.lists(st.integers(0, amount), max_size=3)))
    parts = [high - low for low, high in zip([0, *cuts], cuts, strict=False)]
    settlements = tuple(
        Settlement(draw(days), part, draw(st.sampled_from(["cash", "credit"]))) for part in parts if part
    )
    return Invoice(issued, issued + timedelta(days=draw(st.integers(0, 60))), amount, settlements)


ledgers = st.lists(invoices(), max_size=12)


def bound(result: Fraction | Exhausted) -> Fraction:
    return Fraction(result.at_least_days) if isinstance(result, Exhausted) else result


@given(months, st.integers(0, 5_000_000), st.integers(0, 5_000_000))
def test_countback_never_decreases_when_receivables_grow(history, one, other):
    low, high = sorted((one, other))
    before, after = (dso.countback(Receivables(amount), history) for amount in (low, high))
    assert bound(before) <= bound(after)
    assert not (isinstance(before, Exhausted) and not isinstance(after, Exhausted))


@given(months, st.integers(1, 5_000_000))
def test_countback_takes_no_more_days_than_the_history_has(history, amount):
    result = dso.countback(Receivables(amount), history)
    total = sum(month.days for month in history)
    if isinstance(result, Exhausted):
        assert result.at_least_days == total
        assert result.residual == amount - sum(max(0, month.amount) for month in history) > 0
    else:
        assert 0 < result <= total


@given(ledgers, days, days)
def test_roll_forward_closes_to_the_cent_for_every_ledger_and_period(ledger, one, other):
    first, last = sorted((one, other))
    forward = open_items.roll_forward(ledger, first, last)
    assert forward.difference == 0


@given(ledgers, days)
def test_ageing_buckets_add_up_to_the_balance(ledger, as_of):
    assert open_items.ageing(ledger, as_of).total == open_items.balance(ledger, as_of)


@given(ledgers, days, days)
def test_daily_balances_are_the_balances_of_the_days(ledger, one, other):
    first, last = sorted((one, other))
    calendar = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    assert open_items.daily_balances(ledger, first, last) == [open_items.balance(ledger, day) for day in calendar]
    assert open_items.daily_current(ledger, first, last) == [open_items.ageing(ledger, day).current for day in calendar]


@given(st.lists(st.tuples(st.integers(1, 170), st.integers(1, 10_000)), min_size=1, max_size=10))
def test_days_to_pay_agree_between_paid_items_and_cohort_when_all_is_paid(payments):
    ledger = [
        Invoice(START, START, amount, (Settlement(START + timedelta(days=after), amount),))
        for after, amount in payments
    ]
    last = START + timedelta(days=200)
    cohort = dso.true_cohort(ledger, START, last, last, 180)
    assert abs(cohort.days - dso.true_paid(ledger, START, last)) < Fraction(1, 10**9)
    assert (cohort.censored_share, cohort.unseen_share) == (0, 0)

"""The golden examples A and B of the domain sheet, to the printed digits."""

from datetime import date
from fractions import Fraction
from itertools import pairwise

import pytest

from o2c_twin.reports import dso, open_items
from o2c_twin.reports.dso import Exhausted, MonthSales, Receivables
from o2c_twin.reports.open_items import Invoice, Settlement

FIRST, LAST, DAYS = date(2026, 1, 1), date(2026, 3, 31), 90
SALES = 118_000_00


def printed(value: Fraction | None) -> str:
    assert value is not None
    return f"{float(value):.6f}"


@pytest.fixture(scope="module")
def ledger(golden_a) -> tuple[Invoice, ...]:
    return tuple(
        Invoice(
            date.fromisoformat(issued),
            date.fromisoformat(due),
            amount,
            (Settlement(date.fromisoformat(paid[1]), paid[0]),) if paid else (),
        )
        for _, issued, amount, due, paid in golden_a
    )


def test_golden_a_sales_balances_and_cash_are_those_of_the_sheet(ledger):
    ends = [date(2025, 12, 31), date(2026, 1, 31), date(2026, 2, 28), LAST]
    assert [open_items.balance(ledger, day) for day in ends] == [20_000_00, 48_000_00, 50_000_00, 50_100_00]
    assert [open_items.sales(ledger, date(2026, m, 1), day) for m, day in enumerate(ends[1:], 1)] == [
        40_000_00, 30_000_00, 48_000_00,
    ]  # fmt: skip
    forward = open_items.roll_forward(ledger, FIRST, LAST)
    assert (forward.opening, forward.invoiced, forward.cash, forward.closing) == (
        20_000_00, SALES, 87_900_00, 50_100_00,
    )  # fmt: skip
    assert forward.difference == 0


def test_golden_a_balance_variants(ledger):
    assert printed(dso.simple(50_100_00, SALES, DAYS)) == "38.211864"
    assert printed(dso.simple(50_100_00, 48_000_00, 31)) == "32.356250"
    assert printed(dso.average([20_000_00, 50_100_00], SALES, DAYS)) == "26.733051"
    assert printed(dso.average([20_000_00, 48_000_00, 50_000_00, 50_100_00], SALES, DAYS)) == "32.052966"
    months = [MonthSales(31, 48_000_00), MonthSales(28, 30_000_00), MonthSales(31, 40_000_00)]
    assert printed(dso.countback(Receivables(50_100_00), months)) == "32.960000"
    daily = open_items.daily_balances(ledger, FIRST, LAST)
    assert sum(daily) == 4_476_400_00
    assert printed(dso.dollar_days(daily, SALES)) == "37.935593"


def test_golden_a_per_invoice_variants(ledger):
    assert printed(dso.true_paid(ledger, FIRST, LAST)) == "37.221843"
    assert printed(dso.true_open(ledger, LAST)) == "29.910180"
    assert printed(dso.delinquent_paid(ledger, FIRST, LAST)) == "7.986348"
    assert printed(dso.delinquent_paid(ledger, FIRST, LAST, signed=True)) == "7.221843"


def test_golden_a_best_possible_and_delinquent(ledger):
    aged = open_items.ageing(ledger, LAST)
    best = dso.simple(aged.current, SALES, DAYS)
    assert printed(best) == "19.525424"
    assert printed(dso.delinquent(dso.simple(50_100_00, SALES, DAYS), best)) == "18.686441"


def test_golden_a_ageing(ledger):
    aged = open_items.ageing(ledger, LAST)
    assert (aged.current, aged.days_1_30, aged.days_31_60, aged.days_61_90, aged.over_90) == (
        25_600_00, 20_000_00, 4_500_00, 0, 0,
    )  # fmt: skip
    assert aged.total == 50_100_00
    assert f"{float(aged.current_share) * 100:.6f}" == "51.097804"


def test_golden_a_collection_effectiveness_and_turnover(ledger):
    assert f"{float(open_items.cei(20_000_00, SALES, 50_100_00, 25_600_00)) * 100:.6f}" == "78.202847"
    assert f"{float(open_items.cei_crf(20_000_00, SALES, 50_100_00, 25_600_00, 3)) * 100:.6f}" == "27.371542"
    current = open_items.ageing(ledger, LAST).current
    assert f"{float(open_items.cei(50_000_00, 48_000_00, 50_100_00, current)) * 100:.6f}" == "66.160221"
    average = Fraction(20_000_00 + 50_100_00, 2)
    assert printed(open_items.turnover(SALES, average)) == "3.366619"
    annual = open_items.turnover_annualised(SALES, average, DAYS)
    assert printed(annual) == "13.653511"
    assert printed(365 / annual) == "26.733051"


MONTHS = [MonthSales(30, 92_000_00), MonthSales(31, 118_500_00), MonthSales(30, 74_300_00), MonthSales(31, 101_250_00)]


@pytest.mark.parametrize(
    ("case", "amount", "months", "expected"),
    [
        ("B1 normal", 265_400_00, MONTHS, "83.166891"),
        ("B2 inside the first month", 40_000_00, MONTHS, "13.043478"),
        ("B3 month without sales", 100_000_00, [MonthSales(30, 0), *MONTHS[1:]], "56.160338"),
        ("B5 leap February", 30_000_00, [MonthSales(29, 58_000_00)], "15.000000"),
        (
            "B6 with tax on both sides",
            120_000_00,
            [MonthSales(30, 120_000_00), MonthSales(31, 132_000_00)],
            "30.000000",
        ),
        ("B7 exact boundary", 210_500_00, MONTHS, "61.000000"),
    ],
)
def test_golden_b_countback(case, amount, months, expected):
    assert printed(dso.countback(Receivables(amount), months)) == expected, case


def test_golden_b1_simple_dso_of_the_quarter():
    assert printed(dso.simple(265_400_00, 92_000_00 + 118_500_00 + 74_300_00, 91)) == "84.801264"


def test_golden_b4_exhausted_history_is_a_bound_and_not_a_number():
    result = dso.countback(Receivables(500_000_00), MONTHS)
    assert isinstance(result, Exhausted)
    assert (result.at_least_days, result.residual) == (122, 113_950_00)
    assert printed(result.extrapolated) == "158.010620"


def test_golden_b6_mixed_tax_bases_are_refused():
    net = [MonthSales(30, 100_000_00, "without tax"), MonthSales(31, 110_000_00, "without tax")]
    with pytest.raises(dso.TaxBasisMismatch, match="put both on one basis"):
        dso.countback(Receivables(120_000_00, "with tax"), net)


def test_a_month_of_credit_notes_absorbs_nothing_but_its_days_count():
    months = [MonthSales(30, -5_000_00), MonthSales(31, 62_000_00)]
    assert dso.countback(Receivables(31_000_00), months) == Fraction(30) + Fraction(31, 2)


def test_countback_of_nothing_owed_is_zero_days():
    assert dso.countback(Receivables(0), MONTHS) == 0
    assert dso.countback(Receivables(-5_00), MONTHS) == 0


def test_variants_without_sales_or_cash_are_undefined_and_not_zero():
    unpaid = [Invoice(FIRST, LAST, 100)]
    assert dso.simple(100, 0, 90) is None
    assert dso.average([100], 0, 90) is None
    assert dso.dollar_days([100], 0) is None
    assert dso.true_paid(unpaid, FIRST, LAST) is None
    assert dso.true_open([], LAST) is None
    assert open_items.cei(0, 100, 100, 100) is None
    assert open_items.turnover(0, 0) is None


def test_cohort_mean_without_censoring_is_the_weighted_mean_up_to_the_horizon():
    paid_after = [(10, 300), (50, 100)]
    invoices = [
        Invoice(FIRST, FIRST, amount, (Settlement(date.fromordinal(FIRST.toordinal() + days), amount),))
        for days, amount in paid_after
    ]
    seen_until = date(2026, 12, 31)
    assert dso.true_cohort(invoices, FIRST, LAST, seen_until, 180).days == Fraction(10 * 300 + 50 * 100, 400)
    assert dso.true_cohort(invoices, FIRST, LAST, seen_until, 30).days == Fraction(10 * 300 + 30 * 100, 400)


def test_cohort_mean_counts_unpaid_value_instead_of_dropping_it():
    paid = Invoice(FIRST, FIRST, 100, (Settlement(date(2026, 1, 11), 100),))
    unpaid = Invoice(FIRST, FIRST, 100)
    cohort = dso.true_cohort([paid, unpaid], FIRST, LAST, date(2026, 1, 21), 180)
    # Half is paid on day 10; the other half leaves sight on day 20 and is taken as never paid.
    assert cohort.days == 10 + Fraction(170, 2)
    assert (cohort.censored_share, cohort.unseen_share) == (Fraction(1, 2), Fraction(1, 2))
    assert dso.true_cohort([], FIRST, LAST, LAST, 180) is None


def test_month_sales_counted_back_from_any_day_grow_with_the_balance():
    days = [dso.countback(Receivables(amount), MONTHS) for amount in range(0, 386_050_00, 9_999_99)]
    assert all(low < high for low, high in pairwise(days))

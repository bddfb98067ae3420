"""Comparing two runs, writing figures for people, and rows for a terminal."""

from datetime import date
from decimal import Decimal

import pytest

from o2c_twin.reports import compare, compute_kpis, kpi_rows
from o2c_twin.reports.display import written, written_difference, written_relative
from o2c_twin.reports.kpis import DEFINITIONS, Kpi, KpiSet


def kpi(id, value, currency=None):
    return Kpi(
        DEFINITIONS[id], id, DEFINITIONS[id].label, value, 1, (date(2026, 1, 1), date(2026, 3, 31)), currency=currency
    )


def kpis(label, *found):
    return KpiSet(label, "scenario", 1, tuple(found))


def pair(id, first, second, currency=None):
    return compare(kpis("a", kpi(id, first, currency)), kpis("b", kpi(id, second, currency)))[id]


@pytest.mark.parametrize(
    ("id", "first", "second", "verdict"),
    [
        ("dso.simple", 44.0, 41.0, "better"),
        ("dso.simple", 41.0, 44.0, "worse"),
        ("cei", 0.8, 0.9, "better"),
        ("orders.lost", 3, 3, "same"),
        ("deals.won", 100, 120, "neutral"),
        ("dso.simple", None, 41.0, "unknown"),
    ],
)
def test_which_run_is_better_follows_the_kpis_direction(id, first, second, verdict):
    assert pair(id, first, second).verdict == verdict


def test_differences_are_second_less_first_and_relative_to_the_first():
    days = pair("dso.simple", 40.0, 42.0)
    assert (days.difference, days.relative) == (2.0, 0.05)
    money = pair("leakage.amount", Decimal("100.10"), Decimal("0.30"), "EUR")
    assert money.difference == Decimal("-99.80")
    assert money.to_dict()["difference"] == "-99.80"
    assert pair("orders.lost", 0, 5).relative is None


def test_a_kpi_that_only_one_run_has_is_kept_and_not_judged():
    found = compare(kpis("a", kpi("dso.simple", 40.0)), kpis("b", kpi("cei", 0.8)))
    assert list(found) == ["dso.simple", "cei"]
    assert found["cei"].verdict == "unknown"
    assert found["cei"].to_dict() == {
        "first": None, "second": 0.8, "difference": None, "relative": None, "unit": "share", "verdict": "unknown",
    }  # fmt: skip


def test_runs_in_different_currencies_are_not_compared():
    euro, dollar = (kpis(c, kpi("ar.closing", Decimal(1), c)) for c in ("EUR", "USD"))
    with pytest.raises(ValueError, match="EUR and USD; run both in one currency"):
        compare(euro, dollar)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (38.211864, "days", "38.2 d"),
        (1.0676, "days", "1.07 d"),
        (5.9e-5, "days", "5.10 s"),
        (0.0, "days", "0 d"),
        (0.0012, "ratio", "0.0012"),
        (-0.00001, "ratio", "0"),
        (1801.67, "hours", "1,802 h"),
        (35.83, "minutes", "35.8 min"),
        (4.567, "seconds", "4.57 s"),
        (327_046.4, "seconds", "3.79 d"),
        (0.03592, "share", "3.59 %"),
        (0.125, "ratio", "0.13"),
        (9_000, "count", "9,000"),
        (-3, "count", "−3"),
        (None, "days", "–"),
    ],
)
def test_values_are_written_with_three_figures_and_their_unit(value, unit, text):
    assert written(value, unit) == text


def test_money_is_written_to_the_cent_with_its_currency():
    assert written(Decimal("1234567.80"), "money", "EUR") == "1,234,567.80 EUR"
    assert written(Decimal("-0.05"), "money", "EUR") == "−0.05 EUR"


@pytest.mark.parametrize(
    ("id", "first", "second", "difference", "relative"),
    [
        ("dso.simple", 33.51, 31.77, "−1.7 d", "−5.2 %"),
        ("dso.invoice_lag", 1.84, 5.9e-5, "−1.84 d", "−100 %"),
        ("billing.error_rate", 0.0359, 0.001, "−3.49 pp", ""),
        ("orders.lost", 0, 5, "+5", ""),
        ("dso.simple", 33.501, 33.502, "0", ""),
        ("dso.simple", 33.5, None, "–", ""),
    ],
)
def test_differences_keep_the_decimals_of_what_they_compare(id, first, second, difference, relative):
    found = pair(id, first, second)
    text = written_difference(found)
    assert text == difference or (difference == "0" and text == "0 d")
    assert written_relative(found) == relative


def test_values_beside_each_other_show_the_decimals_of_their_difference():
    (row,) = kpi_rows(kpis("a", kpi("dso.simple", 32.512)), kpis("b", kpi("dso.simple", 32.361)))
    assert (row.first, row.second, row.difference) == ("32.51 d", "32.36 d", "−0.15 d")
    (far,) = kpi_rows(kpis("a", kpi("dso.invoice_lag", 1.84)), kpis("b", kpi("dso.invoice_lag", 5.9e-5)))
    assert (far.first, far.second, far.difference) == ("1.84 d", "5.10 s", "−1.84 d")


def test_a_part_that_only_the_second_run_has_stands_beside_its_like(record):
    call = {"at": "2026-01-05", "system": "erp", "operation": "q", "status": 200, "throttled": False, "duration_us": 1}
    rows = kpi_rows(compute_kpis(record()), compute_kpis(record(api_calls=[call])))
    ids = [row.id for row in rows]
    assert ids.index("api.calls.erp") == ids.index("api.calls") + 1


def test_a_difference_too_small_to_see_is_called_the_same():
    (row,) = kpi_rows(kpis("a", kpi("dso.simple", 33.501)), kpis("b", kpi("dso.simple", 33.502)))
    assert (row.difference, row.verdict) == ("0", "same")


def test_rows_hold_text_for_a_table_in_catalogue_order(business):
    by_hand, integrated = (compute_kpis(business[name]) for name in ("by hand", "integrated"))
    rows = kpi_rows(by_hand, integrated)
    assert {row.verdict for row in rows} >= {"better", "worse", "same", "neutral"}
    order = list(DEFINITIONS)
    places = [order.index(row.definition_id) for row in rows]
    assert places == sorted(places)
    headline = kpi_rows(by_hand, integrated, shown="headline")
    assert 10 < len(headline) < 30
    assert all(row.difference == "" and row.second == "" for row in kpi_rows(by_hand))


def test_by_hand_and_integrated_differ_as_the_made_up_business_does(business):
    found = compare(compute_kpis(business["by hand"]), compute_kpis(business["integrated"]))
    for id in ("dso.simple.books", "order_to_invoice.median", "touch.hours", "orders.lost", "leakage.amount"):
        assert found[id].verdict == "better", id
    assert found["api.throttled"].verdict == "worse"
    assert found["deals.won"].verdict == "same"

"""An ROI result as rows: exact value, rounded text, nothing left out that finance asks for."""

from decimal import Decimal

import pytest

from o2c_twin.reports.roi import Range, Triangular, load_assumptions, roi_from_records, roi_rows, study
from o2c_twin.reports.roi.rows import shown

D = Decimal


@pytest.fixture(scope="module")
def golden_rows(golden_c_build, golden_c_drivers):
    result = study(
        golden_c_build,
        golden_c_drivers,
        ranges={"realisation": Range(D("0.25"), D("0.75"), most=D(1))},
        uncertain={"dso_days_gained": Triangular(D(3), D(7), D(9))},
        break_even_of={"dso_days_gained": Range(D(3), D(9))},
        seed=1,
        draws=100,
    )
    return roi_rows(result)


def find(rows, section, label):
    return next(r for r in rows if r.section.startswith(section) and r.label == label)


@pytest.mark.parametrize(
    ("section", "label", "text"),
    [
        ("Decision view", "net present value", "91,843.40 EUR"),
        ("Decision view", "ROI on present values", "9.00 %"),
        ("Decision view", "internal rate of return", "17.76 %"),
        ("Decision view", "payback", "2.31 years"),
        ("Decision view", "cash released", "2,301,369.86 EUR"),
        ("Simple calculator view", "net annual benefit", "425,775.04 EUR"),
        ("Simple calculator view", "payback", "11.8 months"),
        ("Simple calculator view", "ROI over 3 years", "81.65 %"),
        ("Without risk factors", "net present value", "366,122.16 EUR"),
        ("Net cash flow", "year 0", "\N{MINUS SIGN}462,000.00 EUR"),
        ("Bridge", "simple calculator", "857,325.12 EUR"),
        ("Break-even", "dso_days_gained", "4.6959"),
        ("Swing", "realisation", "453,491.29 EUR"),
    ],
)
def test_the_rows_show_the_worked_example(golden_rows, section, label, text):
    assert find(golden_rows, section, label).shown == text


def test_rows_keep_the_exact_value_beside_the_rounded_text(golden_rows):
    row = find(golden_rows, "Decision view", "net present value")
    assert row.value != D("91843.40")
    assert round(row.value, 2) == D("91843.40")


def test_benefits_say_whether_they_are_hard_and_what_risk_took(golden_rows):
    row = find(golden_rows, "Benefits", "order entry time")
    assert row.note == "soft; 204,750.00 EUR before a risk cut of 15.00 %"
    assert find(golden_rows, "Costs", "run").note == "every year; 210,000.00 EUR before a risk raise of 5.00 %"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (D("0.005"), "money", "0.01 EUR"),
        (D("-0.001"), "money", "0.00 EUR"),
        (D("1234567.125"), "money", "1,234,567.13 EUR"),
        (D("-0.06145"), "share", "\N{MINUS SIGN}6.15 %"),
        (None, "years", "not within the horizon"),
        (None, "share", "not defined"),
        ("several", "share", "several"),
    ],
)
def test_values_are_rounded_half_up_and_never_shown_as_minus_zero(value, unit, text):
    assert shown(value, unit, "EUR") == text


def test_a_driver_without_break_even_says_so(business):
    result = roi_from_records(business["by hand"], business["integrated"], load_assumptions(), draws=20)
    row = find(roi_rows(result), "Break-even", "realisation")
    assert (row.value, row.shown, row.note) == (None, "none within its limits", "base 0.5 share")


def test_extra_work_shows_that_risk_raised_it(business):
    result = roi_from_records(business["by hand"], business["integrated"], load_assumptions(), draws=20)
    row = find(roi_rows(result), "Benefits", "support time")
    assert row.value < 0
    assert row.note.endswith("before a risk raise of 15.00 %")


def test_rows_of_a_run_name_every_assumption_every_measure_and_both_runs(business):
    result = roi_from_records(business["by hand"], business["integrated"], load_assumptions(), draws=20)
    rows = roi_rows(result)
    assumed = {r.label: r.note for r in rows if r.section == "Assumptions"}
    assert set(assumed) == set(load_assumptions().by_key)
    assert "owner finance; assumptions.default.yaml:" in assumed["discount_rate"]
    assert [r.shown for r in rows if r.section == "Runs"] == ["wholesale-year, seed 11, 180 days"] * 2
    assert {r.label for r in rows if r.section.startswith("Measured")} >= {"DSO", "billing errors", "revenue leakage"}
    assert len([r for r in rows if r.section == "Notes"]) == len(result.notes)

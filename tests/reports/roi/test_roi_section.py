"""An ROI as a section of the report: what it says first, and that nothing behind it is hidden."""

from decimal import Decimal

import pytest

from o2c_twin.reports import report_html, roi_section
from o2c_twin.reports.roi import Range, RoiResult, Triangular, demo_assumptions, roi_from_records, study

D = Decimal


@pytest.fixture(scope="module")
def golden(golden_c_build, golden_c_drivers) -> RoiResult:
    return study(
        golden_c_build,
        golden_c_drivers,
        ranges={"realisation": Range(D("0.25"), D("0.75"), most=D(1)), "wacc": Range(D("0.06"), D("0.12"))},
        uncertain={"dso_days_gained": Triangular(D(3), D(7), D(9))},
        seed=1,
        draws=50,
    )


@pytest.fixture(scope="module")
def from_runs(business) -> RoiResult:
    return roi_from_records(business["by hand"], business["integrated"], demo_assumptions(), draws=20)


def test_the_section_says_first_whether_it_pays(golden, golden_c_build, golden_c_drivers):
    assert roi_section(golden).lead.startswith(
        "On these assumptions the design brings more than it costs: net present value 91,843 EUR over 3 years"
    )
    dear = study(golden_c_build, {**golden_c_drivers, "run_cost": D(900_000)}, ranges={}, uncertain={}, seed=1, draws=2)
    assert "costs more than it brings: net present value \N{MINUS SIGN}" in roi_section(dear).lead


def test_placeholders_are_told_before_any_figure(from_runs):
    assert "34 of 34 assumptions are placeholders" in roi_section(from_runs).lead


def test_every_assumption_is_on_the_page_with_source_and_owner(from_runs, business):
    page = report_html(list(business.values()), roi_section=roi_section(from_runs))
    assumptions = next(g for g in roi_section(from_runs).groups if g.title == "Assumptions")
    assert [name for name, _, _ in assumptions.lines] == [a.key.replace("_", " ") for a in from_runs.assumptions]
    assert page.count("assumed for the demo") == len(from_runs.assumptions)


def test_a_payback_beyond_the_horizon_is_told_and_drivers_without_a_break_even_are_not(
    golden_c_build, golden_c_drivers
):
    dear = study(
        golden_c_build, {**golden_c_drivers, "run_cost": D(900_000)}, ranges={}, uncertain={}, seed=1, draws=2,
        break_even_of={"wacc": Range(D("0.09"), D("0.09"), most=D(1)), "run_cost": Range(D(1), D(900_000))},
    )  # fmt: skip
    groups = {group.title.split(" (")[0]: group for group in roi_section(dear).groups}
    assert ("payback", "not within the horizon", "") in groups["Decision view"].lines
    assert [name for name, _, _ in groups["Break-even values"].lines] == ["run cost"]


def test_figures_are_drawn_from_the_study(golden):
    flow, swing = roi_section(golden).figures
    assert "year 0 \N{MINUS SIGN}462,000.00 EUR" in flow.description
    assert "realisation from" in swing.description and "wacc from" in swing.description
    heights = [bar.get_height() for bar in flow.figure.axes[0].patches]
    assert heights == pytest.approx([-462.0, 47.76332, 316.02664, 316.02664])


def test_a_study_without_ranges_says_why_nothing_swings(golden_c_build, golden_c_drivers):
    plain = study(golden_c_build, golden_c_drivers, ranges={}, uncertain={}, seed=1, draws=2)
    texts = [text.get_text() for text in roi_section(plain).figures[1].figure.axes[0].texts]
    assert texts == ["no assumption has limits"]

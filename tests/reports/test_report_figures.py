"""Figures: right numbers in words, text as text, the same bytes every time."""

import re
import subprocess
import sys
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest

from o2c_twin.reports import ObservedRun, all_figures
from o2c_twin.reports.figures import cash, dso_over_time, operations, sync_latency, theme

NAMES = ["dso-over-time", "cumulative-cash", "order-to-cash", "ageing", "touch-hours", "sync-latency", "api-calls"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def both(business):
    return [ObservedRun(business[name], name) for name in ("by hand", "integrated")]


@pytest.fixture(scope="module")
def plots(both):
    return all_figures(both)


def test_every_figure_is_drawn_for_one_run_and_for_two(both, plots):
    assert [plot.name for plot in plots] == NAMES
    assert [plot.name for plot in all_figures(both[:1])] == NAMES


def test_a_stand_alone_svg_is_well_formed_and_described_for_who_cannot_see_it(plots):
    for plot in plots:
        root = ElementTree.fromstring(plot.to_svg())
        assert root.tag == f"{SVG}svg" and root.get("role") == "img"
        assert root.find(f"{SVG}title").text == plot.title
        assert root.find(f"{SVG}desc").text == plot.description
        assert any(text.text and text.text.strip() for text in root.iter(f"{SVG}text")), "text is drawn as text"


def test_an_inline_svg_names_no_outside_address(plots):
    for plot in plots:
        assert "http" not in plot.to_inline_svg()


def test_the_same_record_gives_the_same_bytes(both, plots):
    again = all_figures([ObservedRun(run.record, run.label) for run in both])
    assert [plot.to_svg() for plot in again] == [plot.to_svg() for plot in plots]


def test_a_users_own_matplotlib_settings_change_nothing_and_are_left_alone(both):
    before = dso_over_time(both).to_svg()
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "svg.fonttype": "path"}):
        assert dso_over_time(both).to_svg() == before
        assert mpl.rcParams["font.size"] == 30


def test_drawing_needs_no_global_pyplot():
    code = "import sys, o2c_twin.reports; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_ids_of_different_figures_never_meet_on_a_page(plots):
    seen = [id for plot in plots for id in set(re.findall(r'\bid="([^"]+)"', plot.to_inline_svg()))]
    assert len(seen) == len(set(seen))


def test_references_inside_a_figure_point_at_its_own_ids(plots):
    for plot in plots:
        svg = plot.to_inline_svg()
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= set(re.findall(r'\bid="([^"]+)"', svg))


def test_trailing_dso_at_the_end_is_dso_simple(both):
    from o2c_twin.reports import compute_kpis

    for run in both:
        assert cash.trailing_dso(run, 90)[-1] == pytest.approx(compute_kpis(run)["dso.simple"].value)


def test_trailing_dso_is_undefined_before_the_first_full_window(both):
    trailing = cash.trailing_dso(both[0], 90)
    assert np.isnan(trailing[:89]).all() and np.isfinite(trailing[89:]).all()


def test_a_thinned_curve_keeps_its_ends_and_never_falls():
    at, done = np.arange(1.0, 50_001), np.linspace(0, 1, 50_000)
    thin_at, thin_done = operations.thinned(at, done, 400)
    assert len(thin_at) < 450
    assert (thin_at[0], thin_at[-1], thin_done[-1]) == (1.0, 50_000.0, 1.0)
    assert (np.diff(thin_done) > 0).all()


def test_the_description_of_sync_latency_tells_what_never_arrived(both):
    assert re.search(r"by hand median .+, \d+ of [\d,]+ never arrived", sync_latency(both).description)


def test_empty_and_very_short_runs_say_so_instead_of_failing(record):
    hour = {"horizon_end": "2026-01-01T01:00:00Z", "end": "2026-01-01T02:00:00Z"}
    for empty in (record(), record(manifest=hour)):
        svgs = "".join(plot.to_inline_svg() for plot in all_figures([empty, empty]))
        for why in ("no receivables", "no cash was received", "nothing is open", "no changes between systems"):
            assert why in svgs


def test_labels_too_long_for_a_panel_are_cut():
    assert theme.short("x" * 60) == "x" * 23 + "…"
    assert theme.short("baseline") == "baseline"


def test_a_run_without_calls_gets_no_panel_beside_one_that_made_some(record):
    call = {"at": "2026-01-05T10:00", "system": "erp", "operation": "query", "status": 200, "throttled": False,
            "duration_us": 10}  # fmt: skip
    silent, busy = (ObservedRun(record(api_calls=calls), name) for calls, name in (([], "by hand"), ([call], "hub")))
    titles = [axis.get_title(loc="left") for axis in operations.api_calls([silent, busy]).figure.axes]
    assert titles == ["hub: 1 calls, 0 throttled (0 %)"]
    assert len(operations.api_calls([silent]).figure.axes) == 1

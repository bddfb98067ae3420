"""The HTML report: one file, no request, everything escaped, the same bytes for the same records."""

import re
from html.parser import HTMLParser

import pytest

from o2c_twin.reports import ReportSection, SectionGroup, compute_kpis, report_html, write_report

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Outline(HTMLParser):
    """Checks that tags nest, and collects ids, links and the text of data elements."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.texts = [], [], [], []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if tag == "a" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.ids += [dict(attrs)["id"]] if "id" in dict(attrs) else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def outline(page):
    parser = Outline()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


@pytest.fixture(scope="module")
def page(business):
    return report_html([business["by hand"], business["integrated"]], ["by hand", "integrated"])


def test_the_file_makes_no_request_to_anywhere(page):
    without_namespaces = re.sub(r'xmlns(:\w+)?="[^"]+"', "", page)
    assert "http" not in without_namespaces
    assert not re.search(r"<script|<link|<iframe|<img|@import|fetch\(|src=", page)
    assert set(re.findall(r"url\((.)", page)) <= {"#"}
    assert all(link.startswith("#") for link in outline(page).links)


def test_the_file_is_small_and_well_formed(page):
    assert len(page.encode()) < 1_500_000
    found = outline(page)
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links} <= set(found.ids)


def test_the_same_records_give_the_same_bytes(business, tmp_path):
    for name in ("one.html", "two.html"):
        write_report(tmp_path / name, [business["by hand"], business["integrated"]])
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_numbers_of_the_verdict_are_bound_to_their_kpi(page, business):
    bound = re.findall(r'<data value="([^"]+)" title="([^"]+)">([^<]+)</data>', page)
    assert {"dso.simple", "orders.lost", "leakage.amount"} <= {id for id, _, _ in bound}
    exact = compute_kpis(business["by hand"])["dso.simple"].value
    assert any(f"by hand {exact}" in title for id, title, _ in bound if id == "dso.simple")


def test_both_runs_their_difference_and_who_is_better_stand_in_the_table(page, business):
    text = re.sub(r"\s+", " ", " ".join(outline(page).texts))
    lost = compute_kpis(business["by hand"])["orders.lost"].value
    assert lost > 0
    assert f"Lost deals {lost} 0 −{lost} −100 % ▲ better" in text


def test_the_report_tells_story_design_violations_definitions_and_provenance(page, business):
    text = re.sub(r"\s+", " ", " ".join(outline(page).texts))
    manifest = business["integrated"].manifest
    for told in (
        manifest["story"], "order sync manual webhook", manifest["trace_hash"], "seed 11", "o2c-twin 0.1.0",
        "expected an ERP order, found <none> & nobody knows", "How each figure is measured", "✓ holds",
    ):  # fmt: skip
        assert told in text
    assert '<tr class="differs"><th scope="row">order sync</th>' in page
    assert '<tr><th scope="row">billing</th>' in page


def test_whatever_a_record_says_is_escaped(record):
    evil = '<script>alert("x")</script>'
    page = report_html(
        [
            record(
                violations=[{"invariant": evil, "key": evil, "detail": evil}],
                work=[{"role": evil, "task": "t", "object_id": "o", "queued_at": "2026-01-05",
                       "started_at": "2026-01-05", "finished_at": "2026-01-05", "touch_s": 60}],
                manifest={"title": evil, "story": evil, "design": {evil: evil}, "scenario": evil, "trace_hash": evil,
                          "versions": {evil: evil}, "seed": evil},
            )
        ],
        [evil],
        ReportSection(evil, evil, (evil, evil), ((evil, evil),), (evil,)),
    )  # fmt: skip
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 15
    outline(page)


def test_a_section_made_elsewhere_is_put_in_with_its_table(business):
    section = ReportSection(
        "Return on investment", "Net present value 91,843.40 EUR.", ("Benefit", "Adjusted"),
        (("order entry time", "174,037.50"),), ("Hard and soft benefits stand apart.",),
    )  # fmt: skip
    page = report_html([business["by hand"]], roi_section=section)
    text = re.sub(r"\s+", " ", " ".join(outline(page).texts))
    assert "Return on investment Net present value 91,843.40 EUR. Benefit Adjusted order entry time 174,037.50" in text
    assert "Return on investment" not in report_html([business["by hand"]])


def test_groups_of_a_section_stand_under_their_headings_and_remarks_under_their_names(business):
    section = ReportSection("Worth", "A lead.", groups=[
        SectionGroup("Benefits", [("time", "12 EUR", "soft")]), SectionGroup("Costs", [("build", "9 EUR", "")]),
    ])  # fmt: skip
    text = " ".join(" ".join(outline(report_html([business["by hand"]], roi_section=section)).texts).split())
    assert "A lead. Benefits time soft 12 EUR Costs build 9 EUR" in text


def test_a_run_by_hand_claims_no_decisions_of_an_engine(record):
    settings = {"customers": "0", "credit_check_at_delivery": "False"}
    manual, hub = (
        record(
            customers=[{"customer_id": "C1", "name": "n", "payer_class": "p", "terms_days": 30,
                        "credit_limit_minor": 1}],
            manifest={"design": {"topology": topology, "trigger": "webhook"}, "settings": settings,
                      "scenario": topology},
        )
        for topology in ("manual", "hub")
    )  # fmt: skip
    text = " ".join(" ".join(outline(report_html([manual, hub])).texts).split())
    assert "Design manual hub topology manual hub trigger \N{EN DASH} webhook" in text
    assert "Settings of both runs: credit check at delivery no, customers 1." in text


def test_broken_invariants_are_counted_by_kind(record):
    rows = [{"invariant": name, "key": str(n), "detail": "d"} for n, name in enumerate(["late", "lost", "late"])]
    text = " ".join(outline(report_html([record(violations=rows, manifest={"violations": 3})])).texts)
    assert "late 2, lost 1" in text


def test_long_violation_lists_are_cut_and_counted(record):
    rows = [{"invariant": "i", "key": f"K{n:03d}", "detail": "d"} for n in range(1_030)]
    page = report_html([record(violations=rows, manifest={"violations": 1_030})])
    assert "The first 25 of 1,030" in page
    assert "K024" in page and "K025" not in page


def test_an_empty_record_still_makes_a_report(record):
    text = " ".join(outline(report_html([record()])).texts)
    assert "no net sales in the period" in text


def test_a_failed_check_is_on_the_page_before_any_figure(record, golden_a_tables):
    golden_a_tables["applications"][-1]["document_id"] = "NOBODY"
    page = report_html([record(**golden_a_tables)])
    assert 'class="verdict broken"' in page and "✗ broken" in page
    assert page.index("Do not use the figures") < page.index("Key figures")


def test_runs_of_one_name_are_told_apart(business):
    page = report_html([business["by hand"], business["integrated"]])
    assert "<h1>design against baseline</h1>" in page


@pytest.mark.parametrize(("count", "labels", "message"), [(0, None, "one run or two"), (3, None, "one run or two"),
                                                          (1, ["a", "b"], "one label a run")])  # fmt: skip
def test_a_report_of_none_or_three_runs_is_refused(business, count, labels, message):
    with pytest.raises(ValueError, match=message):
        report_html([business["by hand"]] * count, labels)


def test_the_page_adapts_to_phones_paper_and_dark_screens(page):
    for rule in ('name="viewport"', "@media screen and (max-width: 40rem)", "@media print", "size: A4",
                 "prefers-color-scheme: dark"):  # fmt: skip
        assert rule in page

"""The mapping guide says what the maps say, and nothing in a map can break its page."""

import re
from html.parser import HTMLParser
from pathlib import Path

from o2c_twin.integration.mappings.guide import guide_html, guide_markdown


def rules(rules_of):
    return [each for rule in rules_of for each in (rule, *rules(rule.rules))]


def test_every_field_of_every_map_is_in_the_guide(maps):
    markdown, html = guide_markdown(maps), guide_html(maps)
    count = 0
    for name, spec in maps.specs.items():
        section = markdown.split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert f"version {spec.version} ({maps.content_hash(name)})" in section
        for rule in rules(spec.rules):
            rows = [row for row in section.splitlines() if row.startswith("|") and f"{rule.to} |" in row]
            assert any(rule.origin.words.split(" or else ")[0].split(".")[-1] in row for row in rows), rule
            assert any(rule.owner in row and rule.since in row and rule.note in row for row in rows)
            assert f"{rule.to}</td>" in html
            count += 1
    assert count > 40
    for codes in maps.codes.values():
        assert all(f"| {code} | {to} |" in markdown for code, to in codes.pairs.items())
        assert codes.name in html


def test_every_row_has_the_columns_of_its_head(maps):
    for table in re.findall(r"(?:^\|.*\n)+", guide_markdown(maps), re.M):
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(widths) == 1, table


def test_what_is_not_carried_over_is_said(maps):
    section = guide_markdown(maps).split("\n## account-to-party\n")[1].split("\n## ")[0]
    assert "Not read: AccountNumber, ParentId, BillingStreet" in section
    assert "Not written: email." in section


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.names = []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)


def test_a_note_cannot_become_a_part_of_the_page(build):
    note = "<script>alert(1)</script> | [x](y) *"
    head = (
        "given: {rates: rates}\ncurrency: {from: currency}\n"
        "fx: {source: ECB, date: sold_at, target: EUR}\nintercompany: {from: buyer_group, among: [G1]}\n"
        "entities: {DE01: {note: Own numbers., fields: [{value: x, to: tax_code}]}}\n"
    )
    maps = build(
        f"  - {{from: id, to: text, note: '{note}'}}\n",
        head,
        "examples: [{in: {id: a, currency: EUR, sold_at: '2026-01-05T00:00:00Z'},"
        " given: {rates: {}}, out: {text: a}}]\n",
    )
    html, markdown = guide_html(maps), guide_markdown(maps)
    tags = Tags()
    tags.feed(html)
    assert "script" not in tags.names
    assert "&lt;script&gt;" in html
    assert r"\<script\>alert(1)\</script\> \| \[x\](y) \*" in markdown
    for told in (
        "Foreign currency: into EUR, rates of ECB, of the day of sold_at, half-up.",
        "Intercompany when: buyer_group is one of G1",
        "### In entity DE01",
        "Own numbers.",
    ):
        assert told in markdown


def test_the_page_needs_nothing_from_elsewhere(maps):
    assert not re.search(r"(src|href)=[\"'](?!#)", guide_html(maps))


def test_the_page_in_the_documentation_is_what_the_maps_say(maps):
    page = Path(__file__).parents[3] / "docs" / "mapping-guide.md"
    remedy = "run: o2c engine mapping guide --out docs/mapping-guide.md"
    assert page.read_text(encoding="utf-8") == guide_markdown(maps), remedy

"""An assumptions file: what it takes, and what it says when something is wrong."""

from datetime import date
from decimal import Decimal

import pytest

from o2c_twin.reports.roi import (
    AssumptionsError,
    default_assumptions_text,
    demo_assumptions,
    demo_assumptions_text,
    load_assumptions,
    parse_assumptions,
)
from o2c_twin.reports.roi.assumptions import SPECS

D = Decimal
DEFAULT = default_assumptions_text()


def line_of(text, needle):
    return next(n for n, line in enumerate(text.splitlines(), 1) if needle in line)


def problems(text):
    with pytest.raises(AssumptionsError) as caught:
        parse_assumptions(text, "ours.yaml")
    return caught.value.problems


def edited(old, new):
    """The shipped file with one passage changed."""
    assert DEFAULT.count(old) == 1, old
    return DEFAULT.replace(old, new)


def entry(key):
    """The lines of one entry of the shipped file."""
    lines = DEFAULT.splitlines(keepends=True)
    first = lines.index(f"  {key}:\n")
    rest = (n for n in range(first + 1, len(lines)) if not lines[n].startswith("    "))
    return "".join(lines[first : next(rest, len(lines))])


def with_entry(key, text):
    return edited(entry(key), text)


@pytest.mark.parametrize("shipped", [load_assumptions(), demo_assumptions()], ids=["default", "demo"])
def test_a_shipped_file_gives_every_required_assumption_with_source_and_owner(shipped):
    assert shipped.currency == "EUR"
    assert {spec.key for spec in SPECS.values() if spec.required} <= set(shipped.by_key)
    assert all(a.source and a.owner for a in shipped)
    # None of it is anybody's own figure, and it says so.
    assert all(a.is_placeholder for a in shipped)


def test_the_demonstrations_costs_are_the_days_and_hours_that_their_sources_say():
    for key, days in (("build", 40), ("testing", 10), ("change_management", 5), ("support", 12), ("upgrades", 5)):
        each = demo_assumptions().by_key[f"cost_{key}"]
        assert each.value == days * 900
        assert f"{days} days of a supplier at 900 EUR" in each.source
    for key, hours in (("data_cleanup", 80), ("parallel_run", 80), ("internal_time", 200)):
        assert demo_assumptions().number(f"cost_{key}") == hours * 42
    assert demo_assumptions_text().count("assumed for the demo") == len(demo_assumptions().by_key)


def test_numbers_are_read_exactly_as_written():
    shipped = load_assumptions()
    assert shipped.number("bad_debt_rate_before").as_tuple() == D("0.0077").as_tuple()
    assert shipped.shares("ramp") == (D("0.5"), D(1), D(1))
    assert shipped.flag("hours_are_hard") is False
    assert shipped.day("project_start") == date(2026, 1, 1)
    quoted = parse_assumptions(with_entry("realisation", entry("realisation").replace("0.5", '"0.40"')), "x.yaml")
    assert str(quoted.number("realisation")) == "0.40"


def test_each_assumption_knows_its_place_in_the_file():
    text = "# a comment more\n" + DEFAULT
    a = parse_assumptions(text, "ours.yaml").by_key["cost_build"]
    assert a.place == f"ours.yaml:{line_of(text, '  cost_build:')}"
    assert (a.low, a.value, a.high) == (D(192000), D(240000), D(360000))


def test_a_file_on_disk_is_named_in_its_errors(tmp_path):
    path = tmp_path / "acme.yaml"
    path.write_text(DEFAULT.replace("currency: EUR", "currency: euro"), encoding="utf-8")
    with pytest.raises(AssumptionsError, match=r"acme.yaml:\d+: 'currency' must be an ISO 4217 code"):
        load_assumptions(path)
    with pytest.raises(AssumptionsError, match=r"missing.yaml: cannot be read.*start from a copy"):
        load_assumptions(tmp_path / "missing.yaml")
    path.write_bytes(b"currency: \xff")
    with pytest.raises(AssumptionsError, match=r"acme.yaml: not UTF-8"):
        load_assumptions(path)


def test_a_date_of_the_statement_may_be_given():
    text = with_entry("realisation", entry("realisation") + "    as_of: 2026-02-03\n")
    assert parse_assumptions(text, "x.yaml").by_key["realisation"].as_of == date(2026, 2, 3)


@pytest.mark.parametrize(
    ("key", "old", "new", "at", "message"),
    [
        ("discount_rate", "discount_rate:", "discont_rate:", "discont_rate", "did you mean 'discount_rate'?"),
        ("discount_rate", "owner: finance", "ower: finance", "ower:", "did you mean 'owner'?"),
        ("discount_rate", "    owner: finance\n", "", "  discount_rate:", "discount_rate has no owner; state owner"),
        ("discount_rate", "owner: finance", "owner: ''", "owner: ''", "owner is empty; say who answers for it"),
        ("discount_rate", "0.08", "9%", "value: 9%", "'9%'; write a plain number with a point (9 % is 0.09)"),
        ("discount_rate", "0.08", "9", "value: 9", "is 9; give a number from 0 to 1 (9 % is 0.09)"),
        ("discount_rate", "0.08", ".nan", "value: .nan", "write a plain number"),
        ("discount_rate", "0.08", "NaN", "value: NaN", "write a plain number"),
        ("discount_rate", "0.08", "[0.08]", "value: [0.08]", "is no number"),
        ("discount_rate", "low: 0.06", "low: 0.09", "  discount_rate:", "value 0.08 is not between 0.09 and 0.12"),
        ("discount_rate", "    low: 0.06\n", "", "  discount_rate:", "only one of low and high"),
        ("discount_rate", "share a year", "per cent", "unit: per cent", "state it in 'share a year'"),
        ("cost_build", "unit: EUR", "unit: USD", "unit: USD", "is in 'USD'; state it in 'EUR'"),
        ("cost_build", "value: 240000", "value: -1", "value: -1", "give a number of at least 0"),
        ("ramp", "[0.5, 1, 1]", "0.5", "value: 0.5", "must be a list of one share a year"),
        ("ramp", "[0.5, 1, 1]", "[0.5, 110]", "[0.5, 110]", "ramp, year 2 is 110"),
        ("ramp", "owner: project", "owner: project\n    low: 0.2\n    high: 1", "    low: 0.2", "takes no low"),
        ("hours_are_hard", "value: false", "value: perhaps", "perhaps", "'perhaps'; write true or false"),
        ("project_start", "2026-01-01", "1.1.2026", "1.1.2026", "write a date such as 2026-01-31"),
    ],
)
def test_each_mistake_is_named_with_file_line_and_remedy(key, old, new, at, message):
    assert entry(key).count(old) == 1
    text = with_entry(key, entry(key).replace(old, new))
    # The line is looked for within the entry that was changed: other entries may hold the same words.
    start = text[: text.index(entry(key).replace(old, new))].count("\n")
    within = entry(key).replace(old, new).splitlines()
    line = start + next(n for n, inside in enumerate(within, 1) if at in inside)
    found = problems(text)
    assert any(p.startswith(f"ours.yaml:{line}: ") and message in p for p in found), found


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file():
    text = with_entry("ramp", "").replace("value: 0.08", "value: lots").replace("currency: EUR", "currency: ''")
    found = problems(text)
    assert [message for p in found for message in ("currency", "no 'ramp'", "'lots'") if message in p][:3] == [
        "currency",
        "no 'ramp'",
        "'lots'",
    ]


def test_a_missing_assumption_says_what_it_is_for():
    (problem,) = problems(with_entry("realisation", ""))
    assert "no 'realisation' (share of the hours saved that leaves the budget" in problem
    assert "copy the entry from assumptions.default.yaml" in problem


def test_an_assumption_given_twice_is_refused():
    text = with_entry("realisation", entry("realisation") * 2)
    (problem,) = problems(text)
    assert "'realisation' is given twice in assumptions; keep one of them" in problem


INFLOW = """  released_cash_inflow_shares:
    value: [0.5, 0.5]
    unit: share
    source: collections plan
    owner: treasury
"""
REVERSAL = """  released_cash_reversal_year:
    value: 3
    unit: year
    source: collections plan
    owner: treasury
"""


def test_released_cash_as_financing_benefit_and_as_inflow_is_refused_as_a_double_count():
    text = with_entry("borrowing_rate", INFLOW + entry("borrowing_rate"))
    (problem,) = problems(text)
    assert problem.startswith(f"ours.yaml:{text[: text.index(INFLOW)].count(chr(10)) + 1}: ")
    assert f"'released_cash_financing_rate' (line {line_of(text, '  released_cash_financing_rate:')})" in problem
    assert "counted twice" in problem
    assert "keep one of them" in problem


def test_released_cash_may_be_an_inflow_instead():
    text = with_entry("released_cash_financing_rate", INFLOW + REVERSAL)
    read = parse_assumptions(text, "ours.yaml")
    assert read.shares("released_cash_inflow_shares") == (D("0.5"), D("0.5"))
    assert read.number("released_cash_reversal_year") == 3
    assert "released_cash_financing_rate" not in read


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (REVERSAL, "needs 'released_cash_inflow_shares'; give both or neither"),
        (INFLOW.replace("0.5, 0.5", "0.5, 0.7"), "adds up to 1.2"),
        (INFLOW.replace("0.5, 0.5", "0.1, 0.1, 0.1, 0.1"), "covers 4 years, 'ramp' only 3"),
        (INFLOW + REVERSAL.replace("3", "1"), "is 1; choose a year from 2 to 3"),
        (INFLOW + REVERSAL.replace("3", "2.5"), "is 2.5; give a whole year"),
    ],
)
def test_an_inflow_that_does_not_fit_the_horizon_is_refused(text, message):
    (problem,) = problems(with_entry("released_cash_financing_rate", text))
    assert message in problem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file must hold 'name: value' lines"),
        ("- 1\n", "the file must hold 'name: value' lines"),
        ("currency: EUR\n", "no 'assumptions'; start from a copy"),
        ("currency: EUR\nassumptions: 3\n", "ours.yaml:2: assumptions must hold"),
        ("currency: EUR\nassumptions:\n  ramp: 3\n", "ours.yaml:3: ramp must hold"),
        ("currency: EUR\n  assumptions: [\n", "ours.yaml:2: not YAML"),
        ("currency: EUR\ncurency: USD\n", "ours.yaml:2: unknown key 'curency' in the file; did you mean 'currency'?"),
        ("currency: \x00\n", "ours.yaml: not YAML"),
    ],
)
def test_a_file_of_another_kind_is_refused(text, message):
    assert any(message in p for p in problems(text))

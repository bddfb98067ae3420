"""``$filter`` against a tiny oracle: conditions are made as trees, written as text, and judged by hand."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_twin.mock_systems.wire.odata import Filters, ODataError, parse_filter

TEXTS = ["", "a", "O'Brien", "x and y", "Ä", "(", "a/b"]
NUMBERS = [0, 7, -3, Decimal("12.5"), Decimal("0.10000000000000000000000000000001"), 12345678901234567890]
MOMENTS = [datetime(2026, 1, 5, 10, tzinfo=UTC), datetime(2026, 1, 5, 10, 0, 0, 1, tzinfo=UTC)]
ROWS = [
    {"Name": name, "Amount": amount, "Flag": flag, "At": at, "to_Bill": bill}
    for name, amount, flag, at, bill in [
        ("a", 7, True, MOMENTS[0], {"Name": "x"}),
        ("O'Brien", Decimal("12.50"), False, MOMENTS[1], None),
        (None, None, None, None, {"Name": None}),
        ("x and y", Decimal("0.1"), None, MOMENTS[0], {"Name": "a"}),
        ("", -3, True, None, {"Name": ""}),
    ]
]


def written(value: object, version: int) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case datetime():
            text = value.isoformat().replace("+00:00", "Z")
            return f"datetimeoffset'{text}'" if version == 2 else text
        case Decimal() if version == 2:
            return f"{value}M"
        case _:
            return str(value)


PATHS = {"Name": TEXTS, "Amount": NUMBERS, "At": MOMENTS, "to_Bill/Name": TEXTS}
COMPARISONS = st.sampled_from(sorted(PATHS)).flatmap(
    lambda path: st.tuples(
        st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]),
        st.just(path),
        st.sampled_from([*PATHS[path], None]),
        st.booleans(),
    )
)
CALLS = st.tuples(
    st.sampled_from(["startswith", "endswith", "within"]),
    st.sampled_from(["Name", "to_Bill/Name"]),
    st.sampled_from(TEXTS),
)
TREES = st.recursive(
    COMPARISONS | CALLS,
    lambda inner: (
        st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2))
    ),
    max_leaves=8,
)


def text_of(tree: tuple, version: int) -> str:
    match tree:
        case ("not", term):
            return f"not ({text_of(term, version)})"
        case ("and" | "or" as word, [*terms]):
            return f" {word} ".join([f"({text_of(term, version)})" for term in terms])
        case ("within", path, value):
            if version == 2:
                return f"substringof({written(value, 2)},{path})"
            return f"contains({path}, {written(value, 4)})"
        case (word, path, value):
            return f"{word}({path},{written(value, version)})"
        case (word, path, value, flipped):
            sides = [path, written(value, version)]
            return f" {word} ".join(reversed(sides) if flipped else sides)


def read(row: dict, path: str) -> object:
    for name in path.split("/"):
        row = None if row is None else row[name]
    return row


def truth(tree: tuple, row: dict) -> bool | None:
    match tree:
        case ("not", term):
            found = truth(term, row)
            return None if found is None else not found
        case ("and" | "or" as word, [*terms]):
            # Kleene: false < unknown < true; `and` is the least, `or` the greatest.
            ranks = [{False: 0, None: 1, True: 2}[truth(term, row)] for term in terms]
            return [False, None, True][min(ranks) if word == "and" else max(ranks)]
        case (word, path, value):
            found = read(row, path)
            if found is None:
                return None
            return {"startswith": found.startswith, "endswith": found.endswith, "within": found.__contains__}[word](
                value
            )
        case (word, path, value, flipped):
            one, other = (value, read(row, path)) if flipped else (read(row, path), value)
            if word in ("eq", "ne"):
                return (one == other) is (word == "eq")
            if one is None or other is None:
                return False
            return {"gt": one > other, "ge": one >= other, "lt": one < other, "le": one <= other}[word]


@settings(max_examples=60)
@given(TREES, st.sampled_from([2, 4]))
def test_a_filter_means_what_the_oracle_says(tree, version):
    text = text_of(tree, version)
    predicate = parse_filter(text, version)
    kept = Filters(version)
    for row in ROWS:
        assert predicate(row) is (truth(tree, row) is True), text
        assert kept(text)(row) is predicate(row)


@settings(max_examples=60)
@given(TREES)
def test_what_a_filter_promises_holds_for_every_row_it_matches(tree):
    predicate = parse_filter(text_of(tree, 4), 4)
    for row in ROWS:
        if not predicate(row):
            continue
        for path, values in predicate.equals.items():
            assert read(row, path) in values
        for path, (bound, inclusive) in predicate.lower_bounds.items():
            assert read(row, path) > bound or (inclusive and read(row, path) == bound)


@settings(max_examples=20)
@given(st.lists(TREES, min_size=1, max_size=8))
def test_a_shared_shape_keeps_each_text_its_own_literals(trees):
    kept = Filters(2, capacity=3)
    for tree in trees:
        text = text_of(tree, 2)
        for row in ROWS:
            assert kept(text)(row) is (truth(tree, row) is True), text
    assert len(kept) <= 3


@given(st.text(alphabet="()',eqand ornotABC/19.-MZT:\u00e9", max_size=60), st.sampled_from([2, 4]))
def test_any_text_is_read_or_refused_with_its_place(text, version):
    try:
        predicate = parse_filter(text, version)
        predicate({"A": "x", "B": None})
    except ODataError as refused:
        assert 0 <= refused.position <= len(text)
        assert refused.message


@pytest.mark.parametrize(
    ("version", "text", "value"),
    [
        (2, "F eq datetime'2026-01-05T00:00:00'", date(2026, 1, 5)),
        (2, "F eq datetime'2026-01-05T10:30:00.1234567'", datetime(2026, 1, 5, 10, 30, 0, 123456, UTC)),
        (2, "F eq datetimeoffset'2026-01-05T12:00:00+02:00'", datetime(2026, 1, 5, 10, tzinfo=UTC)),
        (2, "F eq guid'00000000-0000-0000-0000-00000000000A'", UUID(int=10)),
        (2, "F eq guid'00000000-0000-0000-0000-00000000000A'", "00000000-0000-0000-0000-00000000000a"),
        (2, "F eq time'PT10H30M05S'", time(10, 30, 5)),
        (2, "F eq 12.5M", Decimal("12.50")),
        (2, "F eq 12L", 12),
        (2, "F eq 1.25e2d", Decimal(125)),
        (2, "F eq 'it''s'", "it's"),
        (2, "substringof('o''B',F) eq true", "O'Bo'B"),
        (2, "replace(F,'a','b') eq 'bb'", "ab"),
        (4, "F eq 2026-01-05", date(2026, 1, 5)),
        (4, "F ge 2026-01-05T10:00:00Z and F lt 2026-01-05T10:00:01+00:00", MOMENTS[0]),
        (4, "F eq 00000000-0000-0000-0000-00000000000a", UUID(int=10)),
        (4, "F eq 10:30:05", time(10, 30, 5)),
        (4, "F eq duration'P1DT2H'", timedelta(days=1, hours=2)),
        (4, "F in ('a','b''c')", "b'c"),
        (4, "not (F in (1, 2)) and F gt 2", 3),
        (4, "tolower(F) eq 'ab' and length(F) eq 2 and indexof(F,'B') eq 1", "AB"),
        (4, "substring(F,1,2) eq 'bc' and concat(F,'!') eq 'abcd!' and trim(' x ') eq 'x'", "abcd"),
        (4, "year(F) eq 2026 and month(F) eq 1 and day(F) eq 5 and hour(F) eq 10", MOMENTS[0]),
        (4, "date(F) eq 2026-01-05 and time(F) eq 10:00", MOMENTS[0]),
        (4, "F add 0.1 eq 0.3", Decimal("0.2")),
        (4, "F mul 3 sub 1 eq 20 and F div 2 eq 3 and F mod 4 eq 3 and F divby 2 eq 3.5", 7),
        (4, "round(F) eq 3 and floor(F) eq 2 and ceiling(F) eq 3", Decimal("2.5")),
        (4, "F eq 0.1000000000000000000000000000000000000001", Decimal("0.1000000000000000000000000000000000000001")),
        (4, "F add 0.00000000000000000000000000000000001 ne F", Decimal(10**30)),
        (4, "F", True),
        (4, "not F or F eq null", None),
    ],
)
def test_each_kind_of_literal_and_function(version, text, value):
    assert parse_filter(text, version)({"F": value}) is True


def test_and_binds_closer_than_or_and_not_closer_than_both():
    row = {"A": True, "B": False, "C": False}
    assert parse_filter("A or B and C", 4)(row)
    assert not parse_filter("(A or B) and C", 4)(row)
    assert parse_filter("not B or A and C", 4)(row)
    assert parse_filter("1 add 2 mul 3 eq 7", 4)(row)


def test_a_path_through_nothing_is_null():
    predicate = parse_filter("to_Bill/to_Payer/Name eq 'x'", 2)
    assert predicate({"to_Bill": {"to_Payer": {"Name": "x"}}})
    assert not predicate({"to_Bill": None})
    assert predicate.names == {"to_Bill/to_Payer/Name": 0}


@pytest.mark.parametrize(
    ("version", "text", "position", "part"),
    [
        (2, "A eq", 4, "missing"),
        (2, "A eq 'x", 5, "closing quote"),
        (2, "A eq 'x' B", 9, "unexpected 'B'"),
        (2, "(A eq 'x'", 9, "expected ')'"),
        (2, "contains(A,'x')", 0, "no function 'contains'"),
        (4, "substringof('x',A)", 0, "no function 'substringof'"),
        (2, "A in ('x')", 2, "unexpected 'in'"),
        (4, "startswith(A)", 0, "1 arguments"),
        (2, "A eq datetime'2026-13-05T00:00:00'", 5, "not a datetime"),
        (2, "A eq guid'12'", 5, "not a guid"),
        (4, "A eq 2026-02-30", 5, "not a date"),
        (4, "A eq 1e999999999", 5, "not a number"),
        (4, "(" * 5000, 60, "nested deeper"),
        (4, "A eq {x}", 5, "cannot be read"),
        (4, "Lines/any(l: l/x eq 1)", 11, "cannot be read"),
    ],
)
def test_what_cannot_be_read_names_its_place(version, text, position, part):
    with pytest.raises(ODataError) as refused:
        parse_filter(text, version)
    assert part in str(refused.value)
    assert refused.value.position == position


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("A eq 'x'", {"A": 1}),
        ("A gt 1", {"A": "x"}),
        ("A", {"A": "x"}),
        ("A and true", {"A": 1}),
        ("1 add 1", {}),
        ("A div 0 eq 1", {"A": 1}),
        ("tolower(A) eq 'x'", {"A": 1}),
        ("A in (1, 'x')", {"A": "y"}),
        ("A/B eq 1", {"A": [1]}),
    ],
)
def test_values_that_do_not_go_together_are_refused_at_the_row(text, row):
    predicate = parse_filter(text, 4)
    with pytest.raises(ODataError):
        predicate(row)

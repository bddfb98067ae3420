"""Hostile or careless query text: refused with a typed error, never run as something else, never slow."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simple_salesforce.format import format_soql

from o2c_twin.mock_systems.wire.query import soql, soql_plan, suiteql, suiteql_plan
from o2c_twin.mock_systems.wire.query.binding import like_pattern
from o2c_twin.mock_systems.wire.query.errors import QueryError
from o2c_twin.mock_systems.wire.query.source import Column, Hints, table

NOW = 1_773_847_800_000_000  # 2026-03-18T15:30:00Z
VOCABULARY = """SELECT FROM WHERE AND OR NOT IN LIKE IS NULL ORDER BY GROUP HAVING LIMIT OFFSET ROWS FETCH FIRST ONLY
NULLS LAST ASC DESC DISTINCT TOP BETWEEN LEFT INNER JOIN ON AS COUNT SUM MAX NVL TO_DATE TO_CHAR TRUNC ROUND SYSDATE
ROWNUM TODAY LAST_N_DAYS:3 LAST_N_DAYS:999999 NEXT_N_YEARS:9000 FIELDS ALL t a N S D I T.N a.S t.* x.y N__c
( ) ( ) , , = != <> < <= > >= + - * / || . ' '' 'x' 'it''s' 'a\\'b' 'YYYY-MM-DD' '2026-01-01' '\\q' " "N"
1 0 2.5 1e9 1e999999999 9999999999999999999999 -1 2026-01-01 2026-13-45 2026-01-01T00:00:00Z
0001-01-01T00:00:00+23:59 TRUE FALSE -- /* */ ; : ? \\ \x00 \ud800"""
WORDS = VOCABULARY.split()


class One:
    """One table ``T`` of these rows."""

    def __init__(self, rows=()):
        self.render = {}
        types = {"N": "number", "S": "string", "D": "date", "I": "instant", "B": "boolean"}
        self._rows = list(rows)
        self._table = table("T", [Column(n, t, lambda row, n=n: row.get(n)) for n, t in types.items()])

    def table(self, name):
        return self._table if name == "t" else None

    def rows(self, table, hints: Hints):
        return self._rows


def attempt(prepare, text):
    try:
        prepare(text, One([{"N": 1, "S": "x"}]), NOW).run().rows()
    except QueryError as error:
        lines = text.split("\n")
        assert 0 <= error.place.offset <= len(text)
        assert 1 <= error.place.row <= len(lines)
        assert 1 <= error.place.column <= len(lines[error.place.row - 1]) + 1


TEXTS = st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)
LIKELY = st.tuples(
    st.sampled_from(
        ["SELECT N FROM T WHERE ", "SELECT COUNT(N) FROM t HAVING ", "SELECT ", "SELECT N FROM T ORDER BY "]
    ),
    TEXTS,
    st.sampled_from(["", " FROM T", " = 1", ") = 'x'"]),
).map("".join)


@settings(deadline=None)
@given(TEXTS | LIKELY)
def test_any_text_is_answered_or_refused_with_its_place(text):
    attempt(soql_plan.prepare, text)
    attempt(suiteql_plan.prepare, text)


@pytest.mark.parametrize("prepare", [soql_plan.prepare, suiteql_plan.prepare])
@pytest.mark.parametrize(
    "text",
    [
        "SELECT N FROM T WHERE " + "(" * 50_000,
        "SELECT N FROM T WHERE " + "NOT " * 50_000 + "N = 1",
        "SELECT N FROM T WHERE N = " + "-" * 50_000 + "1",
        "SELECT N FROM T WHERE N = 1" + "+1" * 50_000,
        "SELECT N FROM T WHERE S = " + "'a'||" * 50_000 + "'b'",
        "SELECT N FROM T WHERE N IN " + "(SELECT N FROM T WHERE N IN " * 5_000,
        "SELECT N FROM T WHERE S = '" + "\\'" * 50_000,
        "SELECT N FROM T WHERE S = '" + "''" * 50_000,
        "SELECT N FROM T WHERE N = " + "9" * 5_000,
        "SELECT N FROM T WHERE N = " + "9" * 120 + "*" + "9" * 120,
        "SELECT N FROM T WHERE N = 1e999999999",
        "SELECT N FROM T FETCH FIRST " + "9" * 5_000 + " ROWS ONLY",
        "SELECT " + "N," * 20_000 + "N FROM T",
    ],
)
def test_extreme_text_is_answered_or_refused(prepare, text):
    attempt(prepare, text)


def test_a_like_pattern_of_many_wildcards_is_still_matched_at_once():
    text = "a" * 2_000
    assert like_pattern("%a" * 200 + "%", False).fullmatch(text)
    assert not like_pattern("%a" * 200 + "%b", False).fullmatch(text)


VALUES = st.text(min_size=1) | st.text("'\\%_\n\"-/* ", min_size=1, max_size=8)


@settings(deadline=None)
@given(VALUES, VALUES)
def test_a_quoted_value_finds_itself_and_nothing_else(value, other):
    rows = [{"N": 1, "S": value}, {"N": 2, "S": other}]
    found = soql_plan.prepare(f"SELECT N FROM T WHERE S = {soql.quote(value)}", One(rows), NOW).run().rows()
    assert found == [{"N": row["N"]} for row in rows if row["S"].casefold() == value.casefold()]
    found = suiteql_plan.prepare(f"SELECT n FROM t WHERE s = {suiteql.quote(value)}", One(rows), NOW).run().rows()
    assert found == [{"n": row["N"]} for row in rows if row["S"] == value]


@settings(deadline=None)
@given(VALUES, VALUES)
def test_what_a_real_client_quotes_is_understood(value, other):
    rows = [{"N": 1, "S": value}, {"N": 2, "S": other}]
    text = format_soql("SELECT N FROM T WHERE S = {} AND S IN {} AND S LIKE '{:like}%'", value, [value], value)
    found = soql_plan.prepare(text, One(rows), NOW).run().rows()
    assert {"N": 1} in found
    assert ({"N": 2} in found) <= (other.casefold() == value.casefold())


@settings(deadline=None)
@given(VALUES)
def test_a_quoted_value_comes_back_unchanged(value):
    (row,) = suiteql_plan.prepare(f"SELECT {suiteql.quote(value)} AS v FROM t", One([{}]), NOW).run().rows()
    assert row == {"v": value}
    assert soql.parse(f"SELECT N FROM T WHERE S = {soql.quote(value)}").where.right.value == value


@settings(deadline=None)
@given(
    st.text(max_size=20), st.sampled_from(["' OR N = 2 OR S = '", "') OR (N > 0", "\\' OR N = 2 --", "'' OR 1=1 --"])
)
def test_quoted_text_cannot_widen_a_query(prefix, attack):
    rows = [{"N": 1, "S": "mine"}, {"N": 2, "S": "theirs"}]
    for prepare, quote in ((soql_plan.prepare, soql.quote), (suiteql_plan.prepare, suiteql.quote)):
        assert prepare(f"SELECT N FROM T WHERE S = {quote(prefix + attack)}", One(rows), NOW).run().total == 0

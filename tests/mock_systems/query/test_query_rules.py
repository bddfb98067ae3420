"""The engines agree with something simpler: plain Python for conditions, SQLite for joins and groups."""

import sqlite3
from datetime import date, timedelta
from decimal import Decimal
from operator import itemgetter

from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_twin.mock_systems.wire.query import soql, soql_plan, suiteql, suiteql_plan
from o2c_twin.mock_systems.wire.query.source import Column, Hints, table

NOW = 1_773_847_800_000_000  # 2026-03-18T15:30:00Z
TODAY = date(2026, 3, 18)
SECOND = 1_000_000

TYPES = {"N": "number", "S": "string", "B": "boolean", "D": "date", "I": "instant"}
VALUES = {
    "N": st.integers(-2, 3) | st.sampled_from([Decimal("0.5"), Decimal("2.00")]),
    "S": st.text("aB%_'\\\n é", min_size=1, max_size=4),
    "B": st.booleans(),
    "D": st.integers(-3, 3).map(lambda days: TODAY + timedelta(days=days)),
    "I": st.integers(-3, 3).map(lambda days: NOW // SECOND * SECOND + days * 86_400 * SECOND),
}
ROWS = st.lists(st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()}), max_size=8)
SIGNS = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class Rows:
    """One table that hands out every row, or only those that meet the hints."""

    def __init__(self, rows, obeys, fold):
        self.render = {}
        self._table = table("T", [Column(name, type, itemgetter(name)) for name, type in TYPES.items()])
        self._rows, self._obeys, self._fold = rows, obeys, fold

    def table(self, name):
        return self._table if name == "t" else None

    def rows(self, table, hints: Hints):
        if not self._obeys:
            return self._rows

        def stored(row, name):
            value = row[name]
            return value.casefold() if self._fold and isinstance(value, str) else value

        found = self._rows
        for name, values in hints.equals.items():
            found = [row for row in found if stored(row, name) in values]
        for name, (bound, inclusive) in hints.lower_bounds.items():
            above = SIGNS[">=" if inclusive else ">"]
            found = [row for row in found if row[name] is not None and above(stored(row, name), bound)]
        return found


@st.composite
def atoms(draw):
    """A comparison as data: (kind, column, ...)."""
    name = draw(st.sampled_from("NSBDI"))
    kind = draw(st.sampled_from(["compare", "compare", "in", "null"] + (["like"] if name == "S" else [])))
    negated = draw(st.booleans())
    if kind == "null":
        return ("null", name, negated)
    if kind == "in":
        return ("in", name, draw(st.lists(VALUES[name], min_size=1, max_size=3)), negated)
    if kind == "like":
        piece = st.sampled_from(["%", "_"]) | st.sampled_from("aB%_'\\\n é").map(lambda c: ("is", c))
        return ("like", name, draw(st.lists(piece, max_size=4)), negated)
    sign = draw(st.sampled_from(["=", "!="] if name == "B" else list(SIGNS)))
    return ("compare", name, sign, draw(VALUES[name]))


CONDITIONS = st.recursive(
    atoms(),
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=8,
)


def like(text, pieces):
    """A LIKE match by trying every way a ``%`` can be taken."""
    if not pieces:
        return not text
    head, *rest = pieces
    if head == "%":
        return any(like(text[start:], rest) for start in range(len(text) + 1))
    return bool(text) and (head == "_" or head[1] == text[0]) and like(text[1:], rest)


def iso(instant):
    days, rest = divmod(instant, 86_400 * SECOND)
    rest //= SECOND
    return f"{date(1970, 1, 1) + timedelta(days=days)}", f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


# --- SOQL: two-valued, ignores case ---------------------------------------------------------------


def soql_literal(name, value):
    if name == "S":
        return soql.quote(value)
    if name == "I":
        return "{}T{}Z".format(*iso(value))
    return str(value).lower() if name == "B" else str(value)


def soql_text(node):
    match node:
        case ("not", inner):
            return f"(NOT {soql_text(inner)})"
        case ("and" | "or" as word, terms):
            return "(" + f" {word} ".join(map(soql_text, terms)) + ")"
        case ("null", name, negated):
            return f"{name} {'!=' if negated else '='} null"
        case ("in", name, values, negated):
            return f"{name} {'NOT IN' if negated else 'IN'} ({','.join(soql_literal(name, v) for v in values)})"
        case ("like", name, pieces, negated):
            escaped = {"%": r"\%", "_": r"\_", "\\": r"\\", "'": r"\'", "\n": r"\n"}
            text = "".join(piece if isinstance(piece, str) else escaped.get(piece[1], piece[1]) for piece in pieces)
            return f"{'(NOT ' if negated else '('}{name} LIKE '{text}')"
        case ("compare", name, sign, value):
            return f"{name} {sign} {soql_literal(name, value)}"


def soql_truth(node, row):
    def fold(value):
        return value.casefold() if isinstance(value, str) else value

    match node:
        case ("not", inner):
            return not soql_truth(inner, row)
        case ("and", terms):
            return all(soql_truth(term, row) for term in terms)
        case ("or", terms):
            return any(soql_truth(term, row) for term in terms)
        case ("null", "B", negated):
            return bool(row["B"]) is negated
        case ("null", name, negated):
            return (row[name] is None) is not negated
        case ("in", name, values, negated):
            return (fold(row[name]) in list(map(fold, values))) is not negated
        case ("like", name, pieces, negated):
            wanted = [piece if isinstance(piece, str) else ("is", fold(piece[1])) for piece in pieces]
            return (row[name] is not None and like(fold(row[name]), wanted)) is not negated
        case ("compare", name, sign, value):
            if row[name] is None:
                return sign == "!="
            return SIGNS[sign](fold(row[name]), fold(value))


@settings(deadline=None)
@given(ROWS, CONDITIONS, st.booleans())
def test_soql_finds_what_its_condition_says(rows, condition, obeys):
    source = Rows(rows, obeys, fold=True)
    result = soql_plan.prepare(f"SELECT N, S, B, D, I FROM T WHERE {soql_text(condition)}", source, NOW).run()
    assert result.rows() == [row for row in rows if soql_truth(condition, row)]


# --- SuiteQL: three-valued, minds case --------------------------------------------------------------


def suiteql_literal(name, value):
    if name == "S":
        return suiteql.quote(value)
    if name == "B":
        return "'T'" if value else "'F'"
    if name == "D":
        return f"TO_DATE('{value}', 'YYYY-MM-DD')"
    if name == "I":
        return "TO_DATE('{} {}', 'YYYY-MM-DD HH24:MI:SS')".format(*iso(value))
    return str(value)


def suiteql_text(node):
    match node:
        case ("not", inner):
            return f"NOT ({suiteql_text(inner)})"
        case ("and" | "or" as word, terms):
            return "(" + f" {word} ".join(map(suiteql_text, terms)) + ")"
        case ("null", name, negated):
            return f"{name} IS {'NOT ' if negated else ''}NULL"
        case ("in", name, values, negated):
            return f"{name} {'NOT ' if negated else ''}IN ({','.join(suiteql_literal(name, v) for v in values)})"
        case ("like", name, pieces, negated):
            escaped = {"%": "!%", "_": "!_", "'": "''"}
            text = "".join(piece if isinstance(piece, str) else escaped.get(piece[1], piece[1]) for piece in pieces)
            return f"{name} {'NOT ' if negated else ''}LIKE '{text}' ESCAPE '!'"
        case ("compare", name, sign, value):
            return f"{name} {sign} {suiteql_literal(name, value)}"


def suiteql_truth(node, row):
    """True, False, or None for unknown."""

    def flipped(value, negated):
        return None if value is None else value is not negated

    match node:
        case ("not", inner):
            return flipped(suiteql_truth(inner, row), True)
        case ("and" | "or" as word, terms):
            values = [suiteql_truth(term, row) for term in terms]
            decisive = word == "or"
            return decisive if decisive in values else None if None in values else not decisive
        case ("null", name, negated):
            return (row[name] is None) is not negated
        case ("in", name, values, negated):
            return flipped(None if row[name] is None else row[name] in values, negated)
        case ("like", name, pieces, negated):
            return flipped(None if row[name] is None else like(row[name], pieces), negated)
        case ("compare", name, sign, value):
            return None if row[name] is None else SIGNS[sign](row[name], value)


@settings(deadline=None)
@given(ROWS, CONDITIONS, st.booleans())
def test_suiteql_finds_what_its_condition_says(rows, condition, obeys):
    source = Rows(rows, obeys, fold=False)
    result = suiteql_plan.prepare(f"SELECT * FROM t WHERE {suiteql_text(condition)}", source, NOW).run()
    expected = [row for row in rows if suiteql_truth(condition, row)]
    shown = [{**row, "B": {True: "T", False: "F", None: None}[row["B"]]} for row in expected]
    assert result.rows() == [{name.lower(): v for name, v in row.items() if v is not None} for row in shown]


# --- joins and groups against SQLite -----------------------------------------------------------------

KEY = st.none() | st.integers(0, 3)
TABLE = st.lists(st.tuples(KEY, KEY, KEY), max_size=6)


class Three:
    """Tables a, b and c with columns x, y, z; the x of each is indexed, whether or not ``rows`` uses it."""

    def __init__(self, contents, obeys):
        self.render = {}
        self._obeys = obeys
        self._rows = dict(zip("abc", contents, strict=True))
        self._tables = {
            name: table(
                name,
                [Column(c, "number", itemgetter(i), indexed=c == "x", ordered=c == "y") for i, c in enumerate("xyz")],
            )
            for name in "abc"
        }

    def table(self, name):
        return self._tables.get(name)

    def rows(self, table, hints: Hints):
        rows = self._rows[table.name]
        if self._obeys and "x" in hints.equals:
            return [row for value in hints.equals["x"] for row in rows if row[0] == value]
        return rows


COLUMN = st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")).map(".".join)


@st.composite
def clauses(draw, tables, columns):
    side = st.tuples(st.sampled_from(columns), st.sampled_from("xyz")).map(".".join)
    term = st.one_of(
        st.tuples(side, st.sampled_from(["=", "=", "<", "<>"]), side).map(" ".join),
        st.tuples(side, st.sampled_from(["=", ">", "<="]), st.integers(0, 3).map(str)).map(" ".join),
        side.map(lambda name: f"{name} IS NULL"),
        st.tuples(side, st.sampled_from("abc"), st.sampled_from("xyz")).map(
            lambda t: f"{t[0]} IN (SELECT {t[2]} FROM {t[1]} WHERE {t[2]} IS NOT NULL)"
        ),
    )
    return f" {draw(st.sampled_from(['AND', 'AND', 'OR']))} ".join(draw(st.lists(term, min_size=1, max_size=3)))


@st.composite
def from_clauses(draw):
    text = "a"
    for index, name in enumerate("bc"):
        kind = draw(st.sampled_from(["JOIN", "LEFT JOIN"]))
        text += f" {kind} {name} ON {draw(clauses('abc', 'abc'[: index + 2]))}"
    return text


@settings(deadline=None)
@given(st.tuples(TABLE, TABLE, TABLE), from_clauses(), st.none() | clauses("abc", "abc"), st.booleans(), st.booleans())
def test_suiteql_joins_and_groups_as_sqlite_does(contents, tables, where, grouped, obeys):
    text = f"FROM {tables}" + (f" WHERE {where}" if where else "")
    if grouped:
        text = f"SELECT a.x AS k, COUNT(*) AS n, COUNT(b.y) AS m, SUM(c.z) AS s, MIN(b.x) AS low {text} GROUP BY a.x"
        names = ["k", "n", "m", "s", "low"]
    else:
        text = f"SELECT a.x p, a.y q, b.x r, b.z s, c.y t, c.z u {text}"
        names = ["p", "q", "r", "s", "t", "u"]
    with sqlite3.connect(":memory:") as base:
        for name, rows in zip("abc", contents, strict=True):
            base.execute(f"CREATE TABLE {name} (x, y, z)")
            base.executemany(f"INSERT INTO {name} VALUES (?, ?, ?)", rows)
        expected = base.execute(text).fetchall()
    answered = suiteql_plan.prepare(text, Three(contents, obeys), NOW).run().rows()

    def unordered(rows):
        return sorted(rows, key=lambda row: [(value is None, value) for value in row])

    assert unordered([tuple(row.get(name) for name in names) for row in answered]) == unordered(expected)

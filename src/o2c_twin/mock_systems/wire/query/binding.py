"""From syntax tree to Python functions: names to getters, predicates to tests on a row.

What SOQL and SuiteQL truly share lives here; each derives a :class:`Binder` that knows its names,
functions and conversions. Two settings tell their logics apart: SOQL ignores case in strings and counts
null as different from every value; SuiteQL, being Oracle SQL, does neither.
"""

import operator
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec

from o2c_twin.mock_systems.wire.query import moments
from o2c_twin.mock_systems.wire.query.errors import Rule, RuleBroken, TypeMismatch
from o2c_twin.mock_systems.wire.query.source import Column, FieldType, Hints, Instant, Row, Source
from o2c_twin.mock_systems.wire.query.syntax import (
    AGGREGATES,
    All,
    Call,
    Compare,
    Constant,
    Either,
    Expression,
    IsNull,
    Like,
    Name,
    Not,
    Operator,
    Predicate,
    Select,
    Within,
)
from o2c_twin.mock_systems.wire.query.tokens import Places

Get = Callable[[Row], Any]
Test = Callable[[Row], bool]


class Bound(msgspec.Struct, frozen=True, gc=False):
    """An expression ready to run: ``get`` computes it from a row.

    ``column`` is set only for a column of the scanned table itself, the one kind that can become a
    hint. A ``constant`` has its ``value`` already. ``folds``: compare without regard to case.
    """

    get: Get
    type: FieldType
    label: str
    column: Column | None = None
    folds: bool = False
    constant: bool = False
    value: Any = None


def fixed(value: object, type: FieldType) -> Bound:
    """A constant."""
    return Bound(lambda row: value, type, f"a {type}", None, False, True, value)


def never(row: Row) -> bool:
    return False


class Binder:
    """Binds one query, or one sub-select, to one source.

    ``now`` is the instant relative dates count from; ``timeless`` turns false once one was used.
    ``prelude`` holds what must run before each execution: sub-selects behind ``IN``. ``late`` are the
    hints only they can fill in.
    """

    null_differs: bool = False
    """Whether ``null != 'x'`` holds."""

    row_functions: frozenset[str] = frozenset()
    """Functions that need the row and not just the values of their arguments."""

    def __init__(self, tokens: Places, source: Source, now: Instant) -> None:
        self.tokens = tokens
        self.source = source
        self.now = now
        self.timeless = True
        self.prelude: list[Callable[[], None]] = []
        self.late: list[tuple[str, list[Collection[object]]]] = []

    # What a language adds.

    def name(self, node: Name) -> Bound:
        """The column a name means. Raises ``UnknownField`` and the like."""
        raise NotImplementedError

    def call(self, node: Call, bind: Callable[[Expression], Bound]) -> Bound:
        """A function or operator on its arguments, which ``bind`` binds. Aggregates need groups."""
        raise self.broken("misplaced aggregate" if node.name in AGGREGATES else "unknown function", node.name, node.at)

    def align(self, left: Bound, right: Bound, sign: str, at: int) -> tuple[Bound, Bound]:
        """Make both sides comparable, or raise ``TypeMismatch``."""
        raise NotImplementedError

    def column_of(self, select: Select) -> tuple[FieldType, Callable[[], Iterable[Any]]]:
        """The type of the one column of a sub-select, and what yields its values."""
        raise NotImplementedError

    # What they share.

    def broken(self, rule: Rule, subject: str, at: int) -> RuleBroken:
        return RuleBroken(self.tokens.place(at), rule, subject)

    def mismatch(self, field: Bound, given: str, at: int) -> TypeMismatch:
        return TypeMismatch(self.tokens.place(at), field.label, field.type, given)

    def bind(self, node: Expression) -> Bound:
        """An expression."""
        if isinstance(node, Name):
            return self.name(node)
        if isinstance(node, Constant):
            if node.type == "period":
                raise self.broken("bad value", "a relative date can only be compared with a field", node.at)
            return fixed(node.value, node.type)
        return self.call(node, self.bind)

    def test(self, node: Predicate, hints: Hints | None = None) -> Test:
        """A predicate as a function of a row. ``hints`` collects what its top-level terms promise."""
        match node:
            case Compare():
                return self._compare(node, hints)
            case All(terms):
                return _both([self.test(term, hints) for term in terms])
            case Either(terms):
                return _either([self.test(term) for term in terms])
            case Not(term):
                inner = self.test(term)
                return lambda row: not inner(row)
            case Within():
                return self._within(node, hints)
            case Like():
                return self._like(node)
            case IsNull(left, negated, _):
                return self.null_test(self.bind(left), negated)

    def null_test(self, left: Bound, negated: bool) -> Test:
        get = left.get
        if negated:
            return lambda row: get(row) is not None
        return lambda row: get(row) is None

    def hint_value(self, column: Column, value: Any) -> Any:
        """How the provider stores a value that was compared with ``column``."""
        return value

    def _compare(self, node: Compare, hints: Hints | None) -> Test:
        sign, left, right = node.operator, self.bind(node.left), node.right
        if isinstance(right, Constant) and isinstance(right.value, moments.Period):
            return self._compare_period(left, right.value, sign, node.at, hints)
        other = self.bind(right)
        if left.constant and not other.constant:
            sign, left, other = _MIRRORED.get(sign, sign), other, left
        left, other = self.align(left, other, sign, node.at)
        if not other.constant:
            return _compare_pair(left.get, other.get, sign)
        return self._against(left, other.value, sign, hints)

    def _against(self, left: Bound, value: Any, sign: Operator, hints: Hints | None) -> Test:
        """``left`` compared with a value of its own type."""
        if value is None:
            return never
        get = left.get
        if left.folds:
            get, value = _folded(get), value.casefold()
        if hints is not None and left.column is not None:
            _note(hints, left.column, sign, self.hint_value(left.column, value))
        return compare(get, sign, value, self.null_differs)

    def _compare_period(
        self, left: Bound, period: moments.Period, sign: Operator, at: int, hints: Hints | None
    ) -> Test:
        """A relative date is a range: ``=`` is within it, ``<`` before its start, ``>`` after its end."""
        if left.type not in ("date", "instant"):
            raise self.mismatch(left, "a relative date", at)
        self.timeless = False
        try:
            start, stop = period.days(moments.day_of(self.now))
        except (OverflowError, ValueError):
            raise self.broken("bad value", "a relative date outside the calendar", at) from None
        low, high = (start, stop) if left.type == "date" else (moments.midnight(start), moments.midnight(stop))
        if sign == "=":
            return _both([self._against(left, low, ">=", hints), self._against(left, high, "<", hints)])
        if sign == "!=":
            inside = self._compare_period(left, period, "=", at, None)
            return lambda row: not inside(row)
        edge: tuple[Any, Operator] = {"<": (low, sign), ">=": (low, sign), ">": (high, ">="), "<=": (high, "<")}[sign]
        return self._against(left, edge[0], edge[1], hints)

    def _within(self, node: Within, hints: Hints | None) -> Test:
        left = self.bind(node.left)
        if isinstance(node.choices, Select):
            return self._within_select(left, node.choices, node.negated, node.at, hints)
        values: list[Any] = []
        for choice in node.choices:
            other = None
            if not (isinstance(choice, Constant) and choice.type == "period"):
                aligned, other = self.align(left, self.bind(choice), "IN", node.at)
            if other is None or not other.constant or aligned is not left:
                sign: Operator = "!=" if node.negated else "="
                terms = tuple(Compare(sign, node.left, each, node.at) for each in node.choices)
                return self.test(All(terms) if node.negated else Either(terms))
            values.append(other.value)
        get = left.get
        if left.folds:
            get, values = _folded(get), [None if value is None else value.casefold() for value in values]
        if hints is not None and left.column is not None and not node.negated and None not in values:
            column = left.column
            _note(hints, column, "=", *dict.fromkeys(self.hint_value(column, value) for value in values))
        return self._membership(get, frozenset(values), node.negated)

    def _within_select(self, left: Bound, select: Select, negated: bool, at: int, hints: Hints | None) -> Test:
        cell: list[Collection[object]] = [()]
        type, values = self.column_of(select)
        aligned, other = self.align(left, Bound(lambda value: value, type, "the sub-select"), "IN", at)
        get, convert = aligned.get, other.get
        if left.folds:
            get, convert = _folded(get), _folded(convert)

        def fill() -> None:
            cell[0] = dict.fromkeys(map(convert, values()))

        self.prelude.append(fill)
        column = left.column if aligned is left and not negated else None
        if hints is not None and column is not None and column.indexed and column.type != "boolean":
            self.late.append((column.name, cell))
        if not negated:
            return lambda row: (value := get(row)) is not None and value in cell[0]
        if self.null_differs:
            return lambda row: get(row) not in cell[0]
        return lambda row: (value := get(row)) is not None and None not in cell[0] and value not in cell[0]

    def _membership(self, get: Get, values: Collection[object], negated: bool) -> Test:
        if self.null_differs:
            return (lambda row: get(row) not in values) if negated else (lambda row: get(row) in values)
        if not negated:
            return lambda row: (value := get(row)) is not None and value in values
        if None in values:  # unknown for every row, so never true
            return never
        return lambda row: (value := get(row)) is not None and value not in values

    def _like(self, node: Like) -> Test:
        left = self.bind(node.left)
        if left.type != "string":
            raise self.mismatch(left, "LIKE", node.at)
        get = left.get
        matches = like_pattern(node.pattern, left.folds).fullmatch
        if not node.negated:
            return lambda row: (value := get(row)) is not None and matches(value) is not None
        return lambda row: (value := get(row)) is not None and matches(value) is None


_MIRRORED: dict[Operator, Operator] = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_SIGNS: dict[Operator, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compare(get: Get, sign: Operator, value: Any, null_differs: bool) -> Test:
    """A getter against a value that is not null. Spelled out, because this runs once a row."""
    if sign == "=":
        return lambda row: bool(get(row) == value)
    if sign == "!=":
        if null_differs:
            return lambda row: bool(get(row) != value)
        return lambda row: (left := get(row)) is not None and left != value
    if sign == ">":
        return lambda row: (left := get(row)) is not None and left > value
    if sign == ">=":
        return lambda row: (left := get(row)) is not None and left >= value
    if sign == "<":
        return lambda row: (left := get(row)) is not None and left < value
    return lambda row: (left := get(row)) is not None and left <= value


def _compare_pair(left: Get, right: Get, sign: Operator) -> Test:
    check = _SIGNS[sign]

    def test(row: Row) -> bool:
        one, two = left(row), right(row)
        return one is not None and two is not None and check(one, two)

    return test


def _both(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        one, two = tests
        return lambda row: one(row) and two(row)
    return lambda row: all(test(row) for test in tests)


def _either(tests: list[Test]) -> Test:
    if len(tests) == 2:
        one, two = tests
        return lambda row: one(row) or two(row)
    return lambda row: any(test(row) for test in tests)


def _folded(get: Get) -> Get:
    return lambda row: None if (value := get(row)) is None else value.casefold()


def _note(hints: Hints, column: Column, sign: Operator, *values: Any) -> None:
    """Add what a top-level term promises. One promise a column is enough: every condition is checked again."""
    name = column.name
    if sign == "=":
        hints.equals.setdefault(name, values)
    elif sign in (">", ">="):
        known = hints.lower_bounds.get(name)
        if known is None or values[0] > known[0] or (values[0] == known[0] and known[1]):
            hints.lower_bounds[name] = (values[0], sign == ">=")


def like_pattern(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    """A ``LIKE`` pattern as an expression to match in full.

    Every part between two ``%`` takes its earliest place and keeps it (an atomic group), which finds a
    match if there is one and keeps hostile patterns from taking exponential time.
    """
    parts = [""]
    for piece in re.findall(r"\\.|%|_|[^\\%_]+", pattern, re.DOTALL):
        if piece == "%":
            parts.append("")
        elif piece == "_":
            parts[-1] += "."
        else:
            parts[-1] += re.escape(piece[1:] if piece[0] == "\\" else piece)
    middle = "".join(f"(?>.*?{part})" for part in parts[1:-1] if part)
    tail = f".*{parts[-1]}" if len(parts) > 1 else ""
    return re.compile(parts[0] + middle + tail, re.DOTALL | (re.IGNORECASE if ignore_case else 0))

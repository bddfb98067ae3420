"""Collection filters: the ``q`` parameter of a record collection, as conditions on the columns of its table.

Source: Oracle help, "Record Collection Filtering" (operators by field type, AND, OR, parentheses, quoted text,
lists in brackets; dates in the account's format). Text is compared letter by letter (assumed).
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, NoReturn

from o2c_twin.mock_systems.vendors.netsuite.errors import invalid_parameter
from o2c_twin.mock_systems.vendors.netsuite.values import BadValue, Dates, midnight
from o2c_twin.mock_systems.wire.query.source import Column, Hints, Table

Test = Callable[[Any], bool]
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([()\[\],])|([^\s()\[\],"]+)')
_DEEPEST = 50
_NAMES = {"total": "foreigntotal", "customer": "entity", "amountremaining": "foreignamountunpaid"}
_TIME = re.compile(r"(.*?)[ T](\d{1,2}):(\d{2})(?::(\d{2}))? ?([AaPp][Mm])?")


class Filter(NamedTuple):
    """A condition on rows, and what it promises about those it wants."""

    test: Test
    hints: Hints


class _Word(NamedTuple):
    text: str
    quoted: bool


def parse_filter(text: str, table: Table, dates: Dates) -> Filter:
    """The condition a ``q`` parameter states. Raises `Refused` with 400 INVALID_PARAMETER."""
    words: list[_Word] = []
    for match in _TOKEN.finditer(text):
        quoted, mark, bare = match.groups()
        words.append(_Word(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else mark or bare, quoted is not None))
    parser = _Parser(words, table, dates)
    test = parser.either(True)
    if parser.at < len(words):
        parser.fail()
    return Filter(test, parser.hints)


class _Parser:
    def __init__(self, words: list[_Word], table: Table, dates: Dates) -> None:
        self.words = words
        self.table = table
        self.dates = dates
        self.at = 0
        self.depth = 0
        self.hints = Hints({}, {})

    def fail(self, detail: str = "") -> NoReturn:
        near = self.words[self.at].text if self.at < len(self.words) else "the end"
        invalid_parameter("q", f"Invalid search query. {detail or f'Unexpected input near {near!r}.'}")

    def take(self, word: str) -> bool:
        if self.at < len(self.words):
            found = self.words[self.at]
            if not found.quoted and found.text.upper() == word:
                self.at += 1
                return True
        return False

    def next(self) -> _Word:
        if self.at >= len(self.words):
            self.fail()
        self.at += 1
        return self.words[self.at - 1]

    def either(self, outermost: bool) -> Test:
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fail("Too many parentheses.")
        start = dict(self.hints.equals), dict(self.hints.lower_bounds)
        terms = [self.all(outermost)]
        while self.take("OR"):
            terms.append(self.all(False))
        self.depth -= 1
        if len(terms) == 1:
            return terms[0]
        # What one branch promises does not hold for the others.
        self.hints = Hints(*start)
        return lambda row: any(term(row) for term in terms)

    def all(self, outermost: bool) -> Test:
        terms = [self.term(outermost)]
        while self.take("AND"):
            terms.append(self.term(outermost))
        return terms[0] if len(terms) == 1 else lambda row: all(term(row) for term in terms)

    def term(self, outermost: bool) -> Test:
        if self.take("("):
            inner = self.either(False)
            if not self.take(")"):
                self.fail()
            return inner
        name = self.next().text.lower()
        column = self.table.columns.get(_NAMES.get(name, name))
        if column is None:
            self.fail(f"Field '{name}' for record '{self.table.name}' was not found.")
        operator = self.next().text.upper()
        negated = operator.endswith("_NOT")
        return self.condition(column, operator.removesuffix("_NOT"), negated, outermost and not negated)

    def condition(self, column: Column, operator: str, negated: bool, hint: bool) -> Test:
        get = column.get
        if operator == "EMPTY":
            return lambda row: (get(row) in (None, "")) != negated
        known = _OPERATORS.get(column.type, {}).get(operator)
        if known is None:
            self.fail(f"Operator '{operator}' does not go with field '{column.name}'.")
        values = [self.value(column, word) for word in self.values()]
        if len(values) != known.arity and (known.arity or not values):
            self.fail(f"Operator '{operator}' takes another number of values.")
        if hint:
            self.promise(column, operator, values)
        test = known.test
        if column.type == "boolean":
            return lambda row: test(bool(get(row)), values) != negated
        return lambda row: (value := get(row)) is not None and test(value, values) != negated

    def values(self) -> list[_Word]:
        if not self.take("["):
            return [self.next()]
        found = [self.next()]
        while self.take(","):
            found.append(self.next())
        if not self.take("]"):
            self.fail()
        return found

    def value(self, column: Column, word: _Word) -> Any:
        text = word.text
        if column.type in ("date", "instant"):
            return self.moment(text)
        if column.type == "boolean":
            if text.lower() not in ("true", "false", "t", "f"):
                self.fail(f"'{text}' is neither true nor false.")
            return text[0].lower() == "t"
        if column.type == "number":
            try:
                return Decimal(text)
            except InvalidOperation:
                self.fail(f"'{text}' is not a number.")
        return text

    def moment(self, text: str) -> tuple[int, int]:
        """The span of time a literal names, from the first instant up to but without the second."""
        timed = _TIME.fullmatch(text)
        try:
            day = self.dates.read(timed[1] if timed else text)
        except BadValue:
            self.fail(f"Parse of date/time '{text}' failed with date format {self.dates.format}.")
        if timed is None:
            return midnight(day), midnight(day + timedelta(days=1))
        hour, minute, second = int(timed[2]), int(timed[3]), int(timed[4] or 0)
        if timed[5]:
            hour = hour % 12 + (12 if timed[5].lower() == "pm" else 0)
        start = midnight(day) + ((hour * 60 + minute) * 60 + second) * 1_000_000
        return start, start + 1_000_000

    def promise(self, column: Column, operator: str, values: list[Any]) -> None:
        if column.indexed and operator in ("IS", "EQUAL", "ANY_OF"):
            self.hints.equals.setdefault(column.name, tuple(values))
        elif column.ordered and operator in ("ON", "AFTER", "ON_OR_AFTER"):
            self.hints.lower_bounds.setdefault(column.name, (values[0][0], True))


class _Operator(NamedTuple):
    """``arity`` 0 takes any number of values, but one at least."""

    arity: int
    test: Callable[[Any, list[Any]], bool]


def _instant(value: Any) -> int:
    return midnight(value) if isinstance(value, date) else int(value)


_NUMBERS: Mapping[str, _Operator] = {
    "ANY_OF": _Operator(0, lambda value, given: value in given),
    "EQUAL": _Operator(1, lambda value, given: value == given[0]),
    "IS": _Operator(1, lambda value, given: value == given[0]),
    "GREATER": _Operator(1, lambda value, given: value > given[0]),
    "GREATER_OR_EQUAL": _Operator(1, lambda value, given: value >= given[0]),
    "LESS": _Operator(1, lambda value, given: value < given[0]),
    "LESS_OR_EQUAL": _Operator(1, lambda value, given: value <= given[0]),
    "BETWEEN": _Operator(2, lambda value, given: given[0] <= value <= given[1]),
    "WITHIN": _Operator(2, lambda value, given: given[0] <= value <= given[1]),
}
_TEXTS: Mapping[str, _Operator] = {
    "IS": _Operator(1, lambda value, given: value == given[0]),
    "ANY_OF": _Operator(0, lambda value, given: value in given),
    "CONTAIN": _Operator(1, lambda value, given: given[0] in value),
    "START_WITH": _Operator(1, lambda value, given: value.startswith(given[0])),
    "END_WITH": _Operator(1, lambda value, given: value.endswith(given[0])),
}
_DATES: Mapping[str, _Operator] = {
    "ON": _Operator(1, lambda value, given: given[0][0] <= _instant(value) < given[0][1]),
    "AFTER": _Operator(1, lambda value, given: _instant(value) >= given[0][1]),
    "ON_OR_AFTER": _Operator(1, lambda value, given: _instant(value) >= given[0][0]),
    "BEFORE": _Operator(1, lambda value, given: _instant(value) < given[0][0]),
    "ON_OR_BEFORE": _Operator(1, lambda value, given: _instant(value) < given[0][1]),
    "WITHIN": _Operator(2, lambda value, given: given[0][0] <= _instant(value) < given[1][1]),
}
_OPERATORS: Mapping[str, Mapping[str, _Operator]] = {
    "number": _NUMBERS,
    "string": _TEXTS,
    "id": _TEXTS,
    "boolean": {"IS": _Operator(1, lambda value, given: value == given[0])},
    "date": _DATES,
    "instant": _DATES,
}

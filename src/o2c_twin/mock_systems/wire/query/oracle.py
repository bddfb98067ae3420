"""What names, functions and conversions mean in SuiteQL: Oracle SQL as far as NetSuite shows it.

Source: Oracle Database SQL reference ("Nulls", "Data Type Comparison Rules", functions by name); NetSuite help,
"SuiteQL Supported Built-in Functions" for ``BUILTIN.DF``, the text a user sees instead of an id. Booleans are the
strings ``T`` and ``F``. A bare date string is read in the account's date format, as public examples rely on.
"""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from o2c_twin.mock_systems.wire.query import moments, suiteql
from o2c_twin.mock_systems.wire.query.binding import Binder, Bound, Get, fixed
from o2c_twin.mock_systems.wire.query.errors import QueryError, UnknownEntity, UnknownField
from o2c_twin.mock_systems.wire.query.source import Column, FieldType, Instant, Row, Source, Table
from o2c_twin.mock_systems.wire.query.syntax import Call, Expression, Name
from o2c_twin.mock_systems.wire.query.tokens import Places

TEXT = ("string", "id")
DATES = ("date", "instant")
Bind = Callable[[Expression], Bound]


class View(msgspec.Struct, frozen=True, gc=False):
    """A table as one query sees it. ``slot`` is its place in a joined row, ``None`` if the row is its own;
    ``nullable``: a left join may leave the place empty."""

    table: Table
    slot: int | None = None
    nullable: bool = False


class OracleBinder(Binder):
    """Names are columns of ``views``, which are keyed by lower-case alias."""

    row_functions = frozenset(("BUILTIN.DF",))

    def __init__(
        self, tokens: Places, source: Source, now: Instant, date_format: str, views: Mapping[str, View]
    ) -> None:
        super().__init__(tokens, source, now)
        self.date_format = date_format
        self.views = views
        self.known: dict[str, Bound] = {}
        """Names as they were bound, for conditions that differ in their literals only."""

    # Names.

    def find(self, node: Name) -> tuple[str, Column]:
        """The alias of the table a name belongs to, and its column."""
        path = node.path.lower()
        if len(self.views) == 1:
            for alias, only in self.views.items():
                if path in only.table.columns:
                    return alias, only.table.columns[path]
        owner, _, field = path.rpartition(".")
        if owner:
            view = self.views.get(owner)
            if view is None:
                raise UnknownEntity(self.tokens.place(node.at), node.path.rpartition(".")[0])
            owners = [owner] if field in view.table.columns else []
        else:
            owners = [alias for alias, view in self.views.items() if field in view.table.columns]
        if not owners:
            table = self.views[owner or next(iter(self.views))].table
            raise UnknownField(self.tokens.place(node.at), node.path.rpartition(".")[2], table.name)
        if len(owners) > 1:
            raise self.broken("ambiguous name", node.path, node.at)
        return owners[0], self.views[owners[0]].table.columns[field]

    def name(self, node: Name) -> Bound:
        bound = self.known.get(node.path)
        if bound is None:
            bound = self.known[node.path] = self.column(*self.find(node))
        return bound

    def column(self, alias: str, column: Column) -> Bound:
        """A column, its booleans as ``T`` and ``F``."""
        view = self.views[alias]
        get, type = _placed(column.get, view), column.type
        if type == "boolean":
            raw, type = get, "string"

            def get(row: Row) -> str | None:
                return None if (value := raw(row)) is None else "T" if value else "F"

        return Bound(get, type, column.name.lower(), column if view.slot is None else None)

    def hint_value(self, column: Column, value: Any) -> Any:
        return value == "T" if column.type == "boolean" else value

    # Comparisons.

    def align(self, left: Bound, right: Bound, sign: str, at: int) -> tuple[Bound, Bound]:
        one, two = left.type, right.type
        if one == two or "null" in (one, two) or (one in TEXT and two in TEXT):
            return left, right
        if right.constant:
            if one == "date" and two == "instant":
                if right.value % moments.DAY == 0:
                    return left, fixed(moments.day_of(right.value), "date")
                return self.as_instant(left), right
            if two in TEXT and one in (*DATES, "number"):
                return self.align(left, self._converted(left, right, at), sign, at)
            if one in TEXT and two == "number":
                return left, fixed(_number_text(right.value), one)
        if one in DATES and two in DATES:
            return self.as_instant(left), self.as_instant(right)
        if {one, two} & set(TEXT) and "number" in (one, two):
            return self.as_text(left), self.as_text(right)
        raise self.mismatch(left, two, at)

    def _converted(self, left: Bound, right: Bound, at: int) -> Bound:
        """Constant text as the number or date ``left`` is."""
        try:
            if left.type == "number":
                return fixed(_number(right.value), "number")
            return fixed(moments.to_date(right.value, self.date_format), "instant")
        except (ValueError, ArithmeticError):
            raise self.mismatch(left, f"'{right.value}'", at) from None

    def as_instant(self, bound: Bound) -> Bound:
        get = bound.get
        if bound.type == "instant":
            return bound
        return Bound(lambda row: None if (day := get(row)) is None else moments.midnight(day), "instant", bound.label)

    def as_text(self, bound: Bound) -> Bound:
        if bound.type in TEXT:
            return bound
        moment = self.as_instant(bound) if bound.type == "date" else bound
        get, form = moment.get, self.date_format
        if bound.constant:
            text = None if bound.value is None else self._text(bound.type, bound.value)
            return fixed(text, "string")
        if bound.type in DATES:
            return Bound(lambda row: None if (v := get(row)) is None else moments.to_char(v, form), "string", "")
        return Bound(lambda row: None if (v := get(row)) is None else _number_text(v), "string", bound.label)

    def _text(self, type: FieldType, value: Any) -> str:
        return moments.to_char(value, self.date_format) if type == "instant" else _number_text(value)

    # Functions.

    def call(self, node: Call, bind: Bind) -> Bound:
        name = node.name
        if name in ("SYSDATE", "CURRENT_DATE"):
            self.timeless = False
            return fixed(self.now // 1_000_000 * 1_000_000 if name == "SYSDATE" else self.now, "instant")
        if name == "BUILTIN.DF":
            return self._display(node)
        known = _FUNCTIONS.get(name)
        if known is None:
            return super().call(node, bind)
        least, most, build = known
        if node.distinct or not least <= len(node.arguments) <= most:
            raise self.broken("wrong arguments", name, node.at)
        arguments = [bind(argument) for argument in node.arguments]
        return build(self, node, arguments)

    def _display(self, node: Call) -> Bound:
        argument = node.arguments[0] if len(node.arguments) == 1 else None
        if not isinstance(argument, Name):
            raise self.broken("wrong arguments", node.name, node.at)
        alias, column = self.find(argument)
        if column.display is None:
            return self.as_text(self.column(alias, column))
        return Bound(_placed(column.display, self.views[alias]), "string", column.name.lower())

    def applied(self, node: Call, type: FieldType, function: Callable[..., Any], *arguments: Bound) -> Bound:
        """``function`` of values none of which is null; null if one is. Constants are worked out at once."""

        def checked(*values: Any) -> Any:
            try:
                return function(*values)
            except ArithmeticError:
                raise self.broken("arithmetic", node.name, node.at) from None
            except ValueError as error:
                if isinstance(error, QueryError):
                    raise
                raise self.broken("bad value", str(error), node.at) from None

        if all(argument.constant for argument in arguments):
            values = [argument.value for argument in arguments]
            return fixed(None, "null") if None in values else fixed(checked(*values), type)
        gets = [argument.get for argument in arguments]

        def get(row: Row) -> Any:
            values = [get(row) for get in gets]
            return None if None in values else checked(*values)

        return Bound(get, type, node.name)

    def of_type(self, node: Call, bound: Bound, type: FieldType) -> Bound:
        """``bound`` as an argument of this type, converted if it is a constant. Raises ``TypeMismatch``."""
        if bound.type in (type, "null"):
            return bound
        if type == "string":
            return self.as_text(bound)
        if type == "instant" and bound.type == "date":
            return self.as_instant(bound)
        if bound.constant and bound.type in TEXT:
            return self._converted(Bound(bound.get, type, node.name), bound, node.at)
        raise self.mismatch(bound, node.name, node.at)


def _placed(get: Get, view: View) -> Get:
    slot = view.slot
    if slot is None:
        return get
    if view.nullable:
        return lambda row: None if (part := row[slot]) is None else get(part)
    return lambda row: get(row[slot])


# --- functions: least and most arguments, and what makes the result ------------------------------

Build = Callable[[OracleBinder, Call, list[Bound]], Bound]


def _number(text: str) -> int | Decimal:
    try:
        value = Decimal(text.strip())
    except ArithmeticError:
        value = Decimal("NaN")
    if not value.is_finite():
        raise ValueError(f"'{text}' is not a number")
    return int(value) if abs(value) < 10**18 and value == value.to_integral_value() else _in_range(value)


def _number_text(value: int | Decimal) -> str:
    """A number as Oracle writes it: no zeros at either end of a fraction."""
    if isinstance(value, int) or value == 0 or not -130 < value.adjusted() < 130:
        return "0" if value == 0 else str(value)
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _in_range(value: int | Decimal) -> int | Decimal:
    if -suiteql.NUMBER_LIMIT < value < suiteql.NUMBER_LIMIT:
        return value
    raise OverflowError


def _shifted(moment: Instant, days: int | Decimal) -> Instant:
    if not -4_000_000 < days < 4_000_000:
        raise ValueError("a date outside the calendar")
    shifted = moment + int(days * moments.DAY)
    if not moments.FIRST <= shifted <= moments.LAST:
        raise ValueError("a date outside the calendar")
    return shifted


def _sum(binder: OracleBinder, node: Call, arguments: list[Bound]) -> Bound:
    """``+`` and ``-``: numbers, a date and days, or the days between two dates."""
    left, right = arguments
    minus = node.name == "-"
    if left.type in DATES and right.type in DATES and minus:
        dates = binder.as_instant(left), binder.as_instant(right)
        return binder.applied(node, "number", lambda a, b: Decimal(a - b) / moments.DAY, *dates)
    if right.type in DATES and not minus:
        left, right = right, left
    if left.type in DATES:
        days = binder.of_type(node, right, "number")
        move = (lambda a, b: _shifted(a, -b)) if minus else _shifted
        return binder.applied(node, "instant", move, binder.as_instant(left), days)
    left, right = binder.of_type(node, left, "number"), binder.of_type(node, right, "number")
    add = (lambda a, b: _in_range(a - b)) if minus else (lambda a, b: _in_range(a + b))
    return binder.applied(node, "number", add, left, right)


def _product(binder: OracleBinder, node: Call, arguments: list[Bound]) -> Bound:
    numbers = [binder.of_type(node, argument, "number") for argument in arguments]
    if node.name == "*":
        return binder.applied(node, "number", lambda a, b: _in_range(a * b), *numbers)
    return binder.applied(node, "number", lambda a, b: _in_range(Decimal(a) / b), *numbers)


def _concatenated(binder: OracleBinder, node: Call, arguments: list[Bound]) -> Bound:
    """``||``: null counts as empty, and an empty result is null."""
    left, right = (binder.of_type(node, argument, "string") for argument in arguments)
    if left.constant and right.constant:
        text = (left.value or "") + (right.value or "")
        return fixed(text or None, "string" if text else "null")
    one, two = left.get, right.get
    return Bound(lambda row: (one(row) or "") + (two(row) or "") or None, "string", node.name)


def _first_known(binder: OracleBinder, node: Call, arguments: list[Bound]) -> Bound:
    """``NVL`` and ``COALESCE``: the type is that of the first argument that has one."""
    lead = next((argument for argument in arguments if argument.type != "null"), arguments[0])
    type: FieldType = "instant" if lead.type in DATES else "string" if lead.type in TEXT else lead.type
    parts = [binder.of_type(node, argument, type) for argument in arguments]
    if all(part.constant for part in parts):
        return next((part for part in parts if part.value is not None), parts[0])
    gets = [part.get for part in parts]
    return Bound(lambda row: next((v for get in gets if (v := get(row)) is not None), None), type, node.name)


def _to_char(binder: OracleBinder, node: Call, arguments: list[Bound]) -> Bound:
    if len(arguments) == 1:
        return binder.as_text(arguments[0])
    moment = binder.of_type(node, arguments[0], "instant")
    return binder.applied(node, "string", moments.to_char, moment, binder.of_type(node, arguments[1], "string"))


def _to_date(binder: OracleBinder, node: Call, arguments: list[Bound]) -> Bound:
    text = binder.of_type(node, arguments[0], "string")
    model = binder.of_type(node, arguments[1], "string") if len(arguments) == 2 else fixed(binder.date_format, "string")
    return binder.applied(node, "instant", moments.to_date, text, model)


def _truncated(binder: OracleBinder, node: Call, arguments: list[Bound]) -> Bound:
    """``TRUNC`` of a date is its midnight; of a number, what stands before the point."""
    if arguments[0].type in DATES:
        moment = binder.as_instant(arguments[0])
        return binder.applied(node, "instant", lambda at: at // moments.DAY * moments.DAY, moment)
    number = binder.of_type(node, arguments[0], "number")
    return binder.applied(node, "number", lambda n: int(n) if abs(n) < 10**18 else n, number)


def _rounded(binder: OracleBinder, node: Call, arguments: list[Bound]) -> Bound:
    number, *rest = (binder.of_type(node, argument, "number") for argument in arguments)
    places = rest[0] if rest else fixed(0, "number")

    def nearest(value: int | Decimal, digits: int | Decimal) -> Decimal:
        if not -18 <= digits <= 18:
            raise ValueError(f"{digits} decimal places")
        return Decimal(value).quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP)

    return binder.applied(node, "number", nearest, number, places)


def _one(
    argument: FieldType, result: FieldType, function: Callable[[Any], Any]
) -> Callable[[OracleBinder, Call, list[Bound]], Bound]:
    return lambda binder, node, given: binder.applied(node, result, function, binder.of_type(node, given[0], argument))


_FUNCTIONS: Mapping[str, tuple[int, int, Build]] = {
    "+": (2, 2, _sum),
    "-": (2, 2, _sum),
    "*": (2, 2, _product),
    "/": (2, 2, _product),
    "||": (2, 2, _concatenated),
    "CONCAT": (2, 2, _concatenated),
    "NVL": (2, 2, _first_known),
    "COALESCE": (2, 20, _first_known),
    "TO_CHAR": (1, 2, _to_char),
    "TO_DATE": (1, 2, _to_date),
    "TO_TIMESTAMP": (1, 2, _to_date),
    "TO_NUMBER": (1, 1, _one("string", "number", _number)),
    "TRUNC": (1, 1, _truncated),
    "ROUND": (1, 2, _rounded),
    "ABS": (1, 1, _one("number", "number", abs)),
    "UPPER": (1, 1, _one("string", "string", str.upper)),
    "LOWER": (1, 1, _one("string", "string", str.lower)),
}

"""From matching rows to an answer: groups, order, the result a dialect pages through, and kept plans."""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any, TypeVar

import msgspec

from o2c_twin.mock_systems.wire.query.binding import Binder, Bound, Get, Test, fixed
from o2c_twin.mock_systems.wire.query.errors import TypeMismatch
from o2c_twin.mock_systems.wire.query.literals import split
from o2c_twin.mock_systems.wire.query.source import FieldType, Hints, Row
from o2c_twin.mock_systems.wire.query.syntax import AGGREGATES, Call, Constant, Expression, Name, Select

_Key = TypeVar("_Key")
Shape = Callable[[Expression], object]
"""What makes two expressions the same one, wherever they stand in the text."""


class Result:
    """All rows a query matched; ``total`` counts them.

    It is a snapshot of *which* rows matched, so a dialect can keep it behind a page locator. Fields
    are read when :meth:`rows` is called.
    """

    __slots__ = ("_matches", "_show", "total")

    def __init__(self, matches: Sequence[Row], show: Callable[[Row], dict[str, object]], total: int | None = None):
        self._matches = matches
        self._show = show
        self.total = len(matches) if total is None else total

    def rows(self, start: int = 0, stop: int | None = None) -> list[dict[str, object]]:
        """The answered records from ``start`` up to ``stop``."""
        return list(map(self._show, self._matches[start:stop]))


class Plan(msgspec.Struct, frozen=True):
    """A query ready to run any number of times against its source.

    ``table`` is the one scanned; ``equals`` and ``lower_bounds`` are what the text promises about its
    rows (see :class:`Hints`). ``timeless`` is false for a query that counted from now: prepare it
    again for another moment. Running it, or reading the rows of its result, raises :class:`QueryError`
    only where a function met a value it cannot take (SuiteQL ``1 / 0``, ``TO_NUMBER('x')``).

    ``like`` prepares a text that differs from this plan's in its literals only, given with that text; None
    when they decide more than a comparison. It raises ``ValueError`` or ``ArithmeticError`` for literals that
    only a fresh preparation can judge.
    """

    table: str
    equals: dict[str, tuple[object, ...]]
    lower_bounds: dict[str, tuple[Any, bool]]
    timeless: bool
    run: Callable[[], Result]
    like: Callable[[str, Sequence[str]], "Plan | None"] = lambda text, literals: None


class PlanCache:
    """The ``capacity`` most recently used timeless plans of one source, by query text.

    With ``literal`` (see :func:`literals.split`) one plan serves all texts that differ in their literals only.
    The owner clears it when the source's tables change.
    """

    def __init__(self, capacity: int = 256, literal: re.Pattern[str] | None = None) -> None:
        self.capacity = capacity
        self._literal = literal
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._like: OrderedDict[tuple[str, ...], Plan] = OrderedDict()

    def plan(self, text: str, prepare: Callable[[str], Plan]) -> Plan:
        """The kept plan for ``text``, or a new one."""
        plan = self._plans.get(text)
        if plan is not None:
            self._plans.move_to_end(text)
            return plan
        between, literals = ((), []) if self._literal is None else split(self._literal, text)
        if literals:
            known = self._like.get(between)
            if known is not None:
                self._like.move_to_end(between)
                try:
                    plan = known.like(text, literals)
                except (ValueError, ArithmeticError):
                    plan = None  # A fresh preparation knows what is wrong, and where.
                if plan is not None:
                    return plan
        plan = prepare(text)
        if plan.timeless:
            _keep(self._plans, text, plan, self.capacity)
            if literals:
                _keep(self._like, between, plan, self.capacity)
        return plan

    def clear(self) -> None:
        self._plans.clear()
        self._like.clear()

    def __len__(self) -> int:
        return len(self._plans)


def _keep(plans: OrderedDict[_Key, Plan], key: _Key, plan: Plan, capacity: int) -> None:
    plans[key] = plan
    if len(plans) > capacity:
        plans.popitem(last=False)


def hinted(binder: Binder, hints: Hints) -> Hints:
    """Run the sub-selects behind ``IN`` and add what they found to the hints."""
    for fill in binder.prelude:
        fill()
    if not binder.late:
        return hints
    found = {name: tuple(value for value in cell[0] if value is not None) for name, cell in binder.late}
    return Hints({**found, **hints.equals}, hints.lower_bounds)


class SortKey(msgspec.Struct, frozen=True, gc=False):
    get: Get
    descending: bool
    nulls_first: bool


def in_order(rows: Iterable[Row], keys: Sequence[SortKey]) -> list[Row]:
    """Sort stably by several keys; nulls go where each key says, whatever its direction."""
    result = list(rows)
    for key in reversed(keys):
        get = key.get
        nulls = [row for row in result if get(row) is None]
        if nulls:
            result = [row for row in result if get(row) is not None]
        result.sort(key=get, reverse=key.descending)
        if nulls:
            result = nulls + result if key.nulls_first else result + nulls
    return result


class _Aggregate(msgspec.Struct, frozen=True, gc=False):
    name: str
    get: Get | None
    distinct: bool

    def of(self, rows: Sequence[Row]) -> Any:
        """Nulls do not count, except in ``COUNT(*)`` (both languages: SQL-92; SOQL reference, "null")."""
        if self.get is None:
            return len(rows)
        values: Any = [value for value in map(self.get, rows) if value is not None]
        if self.distinct:
            values = dict.fromkeys(values)
        if self.name == "COUNT":
            return len(values)
        if not values:
            return None
        if self.name == "SUM":
            return sum(values)
        if self.name == "AVG":
            return Decimal(sum(values)) / len(values)
        return min(values) if self.name == "MIN" else max(values)


class Grouped(Binder):
    """Binds expressions over groups: a "row" is the tuple of its keys, then of its aggregates.

    Wraps the binder of the rows inside the groups and borrows that language's rules from it.
    """

    def __init__(self, inner: Binder, keys: Sequence[Expression], shape: Shape) -> None:
        super().__init__(inner.tokens, inner.source, inner.now)
        self.inner = inner
        self.null_differs = inner.null_differs
        self.prelude = inner.prelude
        self._shape = shape
        self._keys = [inner.bind(key) for key in keys]
        self._places: dict[object, Bound] = {}
        self._aggregates: list[_Aggregate] = []
        for index, (key, bound) in enumerate(zip(keys, self._keys, strict=True)):
            self._places[shape(key)] = self._at(index, bound, bound.type)

    def _at(self, index: int, bound: Bound, type: FieldType) -> Bound:
        return Bound(itemgetter(index), type, bound.label, None, bound.folds)

    def bind(self, node: Expression) -> Bound:
        if type(node) is Constant:
            return self.inner.bind(node)
        shape = self._shape(node)
        place = self._places.get(shape)
        if place is not None:
            return place
        if type(node) is Name:
            raise self.broken("not grouped", node.path, node.at)
        assert isinstance(node, Call)
        if node.name in AGGREGATES:
            place = self._places[shape] = self._aggregate(node)
            return place
        if node.name in self.inner.row_functions:
            raise self.broken("not grouped", node.name, node.at)
        return self.inner.call(node, self.bind)

    def align(self, left: Bound, right: Bound, sign: str, at: int) -> tuple[Bound, Bound]:
        return self.inner.align(left, right, sign, at)

    def column_of(self, select: Select) -> tuple[FieldType, Callable[[], Iterable[Any]]]:
        return self.inner.column_of(select)

    def _aggregate(self, node: Call) -> Bound:
        index = len(self._keys) + len(self._aggregates)
        if not node.arguments and node.name == "COUNT":
            self._aggregates.append(_Aggregate("COUNT", None, False))
            return self._at(index, fixed(0, "number"), "number")
        if len(node.arguments) != 1:
            raise self.broken("wrong arguments", node.name, node.at)
        bound = self.inner.bind(node.arguments[0])
        if node.name in ("SUM", "AVG") and bound.type not in ("number", "null"):
            raise TypeMismatch(self.tokens.place(node.at), bound.label, bound.type, node.name)
        if node.name in ("MIN", "MAX") and bound.type == "boolean":
            raise TypeMismatch(self.tokens.place(node.at), bound.label, bound.type, node.name)
        distinct = node.distinct or node.name == "COUNT_DISTINCT"
        name = "COUNT" if node.name == "COUNT_DISTINCT" else node.name
        self._aggregates.append(_Aggregate(name, bound.get, distinct))
        return self._at(index, bound, bound.type if name in ("MIN", "MAX") else "number")

    def groups(self, rows: Iterable[Row], having: Test | None) -> list[tuple[Any, ...]]:
        """One tuple a group, in the order the groups first appear; exactly one if there are no keys."""
        gets = [key.get for key in self._keys]
        members: dict[tuple[Any, ...], list[Row]] = {} if gets else {(): []}
        for row in rows:
            members.setdefault(tuple(get(row) for get in gets), []).append(row)
        found = [(*key, *(part.of(group) for part in self._aggregates)) for key, group in members.items()]
        return found if having is None else [group for group in found if having(group)]


def aggregates_in(select: Select, nodes: Iterable[Expression]) -> bool:
    """Whether the query groups: it says so, or one of ``nodes`` holds an aggregate."""
    return bool(select.group or select.having) or any(map(_has_aggregate, nodes))


def _has_aggregate(node: Expression) -> bool:
    return type(node) is Call and (node.name in AGGREGATES or any(map(_has_aggregate, node.arguments)))

"""Runs SuiteQL against a :class:`Source`: joins, groups, ROWNUM and the shape of NetSuite's items.

Comparisons follow SQL's three-valued logic (see ``syntax.negate``) and mind case, as Oracle does. ROWNUM counts rows
after the filter but before grouping and sorting. Nulls sort last ascending, first descending (Oracle,
"ORDER BY"). In an item, names are lower case and nulls are left out (NetSuite; the latter from memory).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from o2c_twin.mock_systems.wire.query.binding import Bound, Get, Test
from o2c_twin.mock_systems.wire.query.errors import RuleBroken, UnknownEntity
from o2c_twin.mock_systems.wire.query.joins import Join, terms_of
from o2c_twin.mock_systems.wire.query.literals import Slots
from o2c_twin.mock_systems.wire.query.oracle import OracleBinder, View
from o2c_twin.mock_systems.wire.query.results import (
    Grouped,
    Plan,
    Result,
    SortKey,
    aggregates_in,
    hinted,
    in_order,
)
from o2c_twin.mock_systems.wire.query.source import FieldType, Hints, Instant, Row, Source
from o2c_twin.mock_systems.wire.query.suiteql import LITERAL, Parser, literal, places, tokenize
from o2c_twin.mock_systems.wire.query.syntax import (
    All,
    Call,
    Compare,
    Constant,
    Expression,
    FieldSet,
    Item,
    Name,
    Predicate,
    Select,
)
from o2c_twin.mock_systems.wire.query.tokens import Places

ACCOUNT_DATE_FORMAT = "MM/DD/YYYY"


def prepare(text: str, source: Source, now: Instant, date_format: str = ACCOUNT_DATE_FORMAT) -> Plan:
    """A SuiteQL query ready to run. Raises :class:`QueryError` for anything the client got wrong.

    ``date_format`` is the account's, an Oracle format model: dates in quotes are read with it and become
    text with it; answered dates are the source's to ``render``. Answered items hold the selected
    expressions under alias, column name, or ``expr1``, ``expr2``... (from memory), in lower case.
    """
    tokens = tokenize(text)
    select = Parser(tokens).query()
    query = _Query(select, tokens, source, now, date_format)
    show = query.show()
    slots: list[Slots] = []  # worked out when the first text like this one comes

    def like(text: str, literals: Sequence[str]) -> Plan | None:
        if select.where is None or not query.is_plain():
            return None
        if not slots:
            slots.append(Slots(select.where, tokens, LITERAL, literal))
        where = slots[0].filled(literals)
        return None if where is None else planned(query.where_else(where, places(text)))

    def planned(query: _Query) -> Plan:
        def run() -> Result:
            try:
                return Result(query.run(), show)
            except ArithmeticError:
                raise RuleBroken(query.tokens.place(0), "arithmetic", "a result out of range") from None

        return Plan(query.driver, query.hints.equals, query.hints.lower_bounds, query.timeless(), run, like)

    return planned(query)


class SuiteqlBinder(OracleBinder):
    """Adds sub-selects behind IN."""

    def column_of(self, select: Select) -> tuple[FieldType, Callable[[], Iterable[Any]]]:
        query = _Query(select, self.tokens, self.source, self.now, self.date_format)
        if len(query.shown) != 1:
            raise self.broken("one column", select.tables[0].table, select.tables[0].at)
        self.timeless &= query.timeless()
        bound = query.shown[0][1]
        return bound.type, lambda: map(bound.get, query.run())


class _Query:
    """One SELECT: where its rows come from, which are kept, in what order. ``shown`` are its named outputs."""

    def __init__(self, select: Select, tokens: Places, source: Source, now: Instant, date_format: str) -> None:
        self.select = select
        self.source = source
        self.tokens = tokens
        tables = [source.table(ref.table.lower()) for ref in select.tables]
        views: dict[str, View] = {}
        for ref, table in zip(select.tables, tables, strict=True):
            if table is None:
                raise UnknownEntity(tokens.place(ref.at), ref.table)
            alias = (ref.alias or ref.table).lower()
            if alias in views:
                raise RuleBroken(tokens.place(ref.at), "ambiguous name", alias)
            views[alias] = View(table)

        def binder_for(seen: dict[str, View]) -> SuiteqlBinder:
            return SuiteqlBinder(tokens, source, now, date_format, seen)

        self.rownum, where = _split_rownum(terms_of(select.where))
        self.binder: OracleBinder
        self.rows: Callable[[], Iterator[Row]]
        if len(views) == 1:
            self.binder = binder_for(views)
            self.hints = Hints({}, {})
            self.driver = next(iter(views.values())).table.name
            self.rows = self._single(self.binder.test(All(where), self.hints) if where else None)
        else:
            join = Join(select.tables, views, where, binder_for)
            self.binder, self.hints, self.driver, self.rows = join.binder, join.hints, join.driver, join.rows
        self._bind()

    def is_plain(self) -> bool:
        """Whether it is of one table and of no moment, and nothing after its condition can fail on a row.

        What fails names its place in the text, and there the condition's own literals move it.
        """
        select = self.select
        after = select.group or select.having or any(isinstance(sort.expression, Call) for sort in select.order)
        return len(select.tables) == 1 and self.timeless() and not after

    def where_else(self, where: Predicate, tokens: Places) -> "_Query":
        """The same query of one table under another condition, which stands in another text."""
        query = object.__new__(_Query)
        query.__dict__.update(self.__dict__)
        old = self.binder
        query.tokens, query.hints = tokens, Hints({}, {})
        query.binder = SuiteqlBinder(tokens, old.source, old.now, old.date_format, old.views)
        query.binder.known = old.known
        query.rownum, terms = _split_rownum(terms_of(where))
        query.rows = query._single(query.binder.test(All(terms), query.hints) if terms else None)
        return query

    def _single(self, test: Test | None) -> Callable[[], Iterator[Row]]:
        binder, hints, source = self.binder, self.hints, self.source
        table = next(iter(binder.views.values())).table

        def rows() -> Iterator[Row]:
            found = source.rows(table, hinted(binder, hints))
            return iter(found) if test is None else filter(test, found)

        return rows

    def _bind(self) -> None:
        select, binder = self.select, self.binder
        expressions = [item.expression for item in select.items if isinstance(item, Item)]
        bind: Callable[[Expression], Bound] = binder.bind
        self.grouped: Grouped | None = None
        self.having: Test | None = None
        sorts = [self._sort_target(sort.expression) for sort in select.order]
        if aggregates_in(select, [*expressions, *sorts]):
            self.grouped = Grouped(binder, select.group, self._shape)
            bind = self.grouped.bind
            self.having = None if select.having is None else self.grouped.test(select.having)
        self.shown = self._outputs(bind)
        self.keys = []
        for sort, target in zip(select.order, sorts, strict=True):
            first = sort.descending if sort.nulls_first is None else sort.nulls_first
            self.keys.append(SortKey(bind(target).get, sort.descending, first))

    def _outputs(self, bind: Callable[[Expression], Bound]) -> list[tuple[str, Bound]]:
        shown: list[tuple[str, Bound]] = []
        unnamed = 0
        for item in self.select.items:
            if isinstance(item, FieldSet):
                shown += self._columns(item)
            elif isinstance(item, Item):
                node, name = item.expression, item.alias
                if not name and isinstance(node, Name):
                    name = node.path.rpartition(".")[2]
                elif not name:
                    unnamed += 1
                    name = f"expr{unnamed}"
                shown.append((name.lower(), bind(node)))
        return shown

    def _columns(self, item: FieldSet) -> list[tuple[str, Bound]]:
        views = self.binder.views
        if self.grouped is not None:
            raise RuleBroken(self.tokens.place(item.at), "not grouped", "*")
        if item.owner and item.owner.lower() not in views:
            raise UnknownEntity(self.tokens.place(item.at), item.owner)
        owners = [item.owner.lower()] if item.owner else list(views)
        return [
            (name, self.binder.column(alias, column))
            for alias in owners
            for name, column in views[alias].table.columns.items()
        ]

    def _sort_target(self, node: Expression) -> Expression:
        """ORDER BY may name an output by its alias or its number."""
        items = self.select.items
        if isinstance(node, Constant) and isinstance(node.value, int):
            item = items[node.value - 1] if 1 <= node.value <= len(items) else None
            if not isinstance(item, Item):
                raise RuleBroken(self.tokens.place(node.at), "bad value", str(node.value))
            return item.expression
        if isinstance(node, Name):
            for item in items:
                if isinstance(item, Item) and item.alias.lower() == node.path.lower():
                    return item.expression
        return node

    def _shape(self, node: Expression) -> object:
        if isinstance(node, Name):
            alias, column = self.binder.find(node)
            return alias, column.name
        if isinstance(node, Constant):
            return node.type, node.value
        return node.name, node.distinct, tuple(map(self._shape, node.arguments))

    def timeless(self) -> bool:
        return self.binder.timeless

    def run(self) -> list[Row]:
        """The matching rows, or groups, in order."""
        select = self.select
        found: Iterable[Row] = self.rows()
        if self.rownum is not None:
            found = islice(found, self.rownum)
        if self.grouped is not None:
            found = self.grouped.groups(found, self.having)
        if self.keys:
            found = in_order(found, self.keys)
        if select.distinct:
            gets = [bound.get for _, bound in self.shown]
            distinct: dict[tuple[object, ...], Row] = {}
            for row in found:
                distinct.setdefault(tuple(get(row) for get in gets), row)
            found = distinct.values()
        stop = None if select.limit is None else select.offset + select.limit
        return list(islice(found, select.offset, stop))

    def show(self) -> Callable[[Row], dict[str, object]]:
        """How one row is answered."""
        pairs = tuple((name, self._written(bound)) for name, bound in self.shown)
        return lambda row: {name: value for name, get in pairs if (value := get(row)) is not None}

    def _written(self, bound: Bound) -> Get:
        get, write = bound.get, self.source.render.get(bound.type)
        if write is None:
            return get
        return lambda row: None if (value := get(row)) is None else write(value)


def _split_rownum(terms: tuple[Predicate, ...]) -> tuple[int | None, tuple[Predicate, ...]]:
    """The row count that top-level ROWNUM terms allow, and the other terms.

    ROWNUM counts from 1 as rows pass, so a row that asks for a later number first never gets one.
    """
    allowed: list[int] = []
    rest: list[Predicate] = []
    for term in terms:
        match term:
            case Compare(sign, Name(path), Constant(int(value))) if path.upper() == "ROWNUM":
                if (sign == ">" and value < 1) or (sign == ">=" and value <= 1) or (sign == "!=" and value < 1):
                    continue
                passes = {"<": value - 1, "<=": value, "=": int(value == 1), "!=": value - 1}
                allowed.append(max(0, passes.get(sign, 0)))
            case _:
                rest.append(term)
    return min(allowed, default=None), tuple(rest)

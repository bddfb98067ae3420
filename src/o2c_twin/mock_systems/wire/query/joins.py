"""Joins for SuiteQL: which table to start from, and how to reach each next one without a scan.

Conditions are split by the tables they name. The table that an index or an ordered column can enter leads, in
whatever order the text has them; each next one is probed by its index where it has one, else met through a
hash of its rows. Left joins keep their order and come after the inner ones.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from o2c_twin.mock_systems.wire.query.binding import Get, Test
from o2c_twin.mock_systems.wire.query.oracle import OracleBinder, View
from o2c_twin.mock_systems.wire.query.results import hinted
from o2c_twin.mock_systems.wire.query.source import Hints, Row, Source, Table
from o2c_twin.mock_systems.wire.query.syntax import (
    All,
    Call,
    Compare,
    Constant,
    Either,
    Expression,
    From,
    IsNull,
    Like,
    Name,
    Not,
    Predicate,
    Select,
    Within,
)

Joined = tuple[Row, ...]
"""One row of every table placed so far; ``None`` where a left join found nothing."""


def terms_of(node: Predicate | None) -> tuple[Predicate, ...]:
    """The top-level AND terms of a condition."""
    if node is None:
        return ()
    if isinstance(node, All):
        return tuple(part for term in node.terms for part in terms_of(term))
    return (node,)


def names_in(node: Expression | Predicate) -> Iterator[Name]:
    """All columns a condition or expression names, sub-selects apart."""
    match node:
        case Name():
            yield node
        case Constant():
            return
        case Call():
            for part in node.arguments:
                yield from names_in(part)
        case Compare():
            yield from names_in(node.left)
            yield from names_in(node.right)
        case Within():
            yield from names_in(node.left)
            if not isinstance(node.choices, Select):
                for choice in node.choices:
                    yield from names_in(choice)
        case Like() | IsNull():
            yield from names_in(node.left)
        case All() | Either():
            for term in node.terms:
                yield from names_in(term)
        case Not():
            yield from names_in(node.term)


class _Side(msgspec.Struct, frozen=True, gc=False):
    """One table by itself: what the conditions on it alone promise and test."""

    table: Table
    binder: OracleBinder
    hints: Hints
    test: Test | None

    def rows(self, source: Source, extra: Hints) -> Iterable[Row]:
        found = source.rows(self.table, extra)
        return found if self.test is None else filter(self.test, found)

    def score(self) -> int:
        """How directly its rows are reached: by index, from a lower bound, or by reading them all."""
        columns = {column.name: column for column in self.table.columns.values()}
        if any(columns[name].indexed for name in self.hints.equals):
            return 2
        return int(any(columns[name].ordered for name in self.hints.lower_bounds))


class _Link(msgspec.Struct, frozen=True, gc=False):
    """An equality between a placed row (``outer``) and a column of the next table (``inner``)."""

    term: Predicate
    outer: Get
    inner: Get
    column: str
    indexed: bool


class _Step(msgspec.Struct, frozen=True, gc=False):
    """Joins one more table to the rows so far."""

    side: _Side
    link: _Link | None
    residual: Test | None
    left: bool

    def extend(self, rows: Iterable[Joined], source: Source) -> Iterator[Joined]:
        find = self._finder(source)
        residual = self.residual
        for row in rows:
            matched = False
            for found in find(row):
                joined = (*row, found)
                if residual is None or residual(joined):
                    matched = True
                    yield joined
            if self.left and not matched:
                yield (*row, None)

    def _finder(self, source: Source) -> Callable[[Joined], Sequence[Row]]:
        hints = hinted(self.side.binder, self.side.hints)
        link = self.link
        if link is None:
            everything = list(self.side.rows(source, hints))
            return lambda row: everything
        outer, inner = link.outer, link.inner
        known: dict[object, list[Row]] = {}
        if link.indexed:

            def probe(row: Joined) -> Sequence[Row]:
                value = outer(row)
                if value is None:
                    return ()
                rows = known.get(value)
                if rows is None:
                    wanted = Hints({**hints.equals, link.column: (value,)}, hints.lower_bounds)
                    rows = known[value] = [row for row in self.side.rows(source, wanted) if inner(row) == value]
                return rows

            return probe
        for row in self.side.rows(source, hints):
            known.setdefault(inner(row), []).append(row)
        known.pop(None, None)
        return lambda row: known.get(outer(row), ())


class Join:
    """The rows of several tables that meet the conditions.

    ``binder`` binds expressions over the joined rows; ``driver`` is the table scanned first and
    ``hints`` what the conditions promise about its rows.
    """

    def __init__(
        self,
        refs: Sequence[From],
        views: dict[str, View],
        where: tuple[Predicate, ...],
        binder_for: Callable[[dict[str, View]], OracleBinder],
    ) -> None:
        self._finder = binder_for(views)
        self._known: dict[int, set[str]] = {}  # by identity of nodes that outlive this constructor
        aliases = list(views)
        lefts = [alias for alias, ref in zip(aliases, refs, strict=True) if ref.join == "left"]
        inner = [term for ref in refs if ref.join == "inner" for term in terms_of(ref.on)] + list(where)
        final = [term for term in inner if not self._owners(term) or self._owners(term) & set(lefts)]
        inner = [term for term in inner if term not in final]
        on = {alias: list(terms_of(ref.on)) for alias, ref in zip(aliases, refs, strict=True) if ref.join == "left"}
        sides: dict[str, _Side] = {}
        for alias in aliases:
            own = [term for term in on.get(alias, inner) if self._owners(term) == {alias}]
            binder, hints = binder_for({alias: views[alias]}), Hints({}, {})
            test = binder.test(All(tuple(own)), hints) if own else None
            sides[alias] = _Side(views[alias].table, binder, hints, test)
        order = self._order([alias for alias in aliases if alias not in lefts], sides, inner) + lefts
        slots = {alias: View(views[alias].table, order.index(alias), alias in lefts) for alias in aliases}
        self.binder = binder_for(slots)
        self._lead = sides[order[0]]
        self.driver, self.hints = self._lead.table.name, self._lead.hints
        self._steps = [
            self._step(alias, order[:index], sides[alias], on.get(alias, inner), alias in on)
            for index, alias in enumerate(order)
            if index
        ]
        self._final = self.binder.test(All(tuple(final))) if final else None
        self.binder.timeless &= all(side.binder.timeless for side in sides.values())

    def _owners(self, node: Expression | Predicate) -> set[str]:
        """The aliases of the tables ``node`` names."""
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = {self._finder.find(name)[0] for name in names_in(node)}
        return known

    def _order(self, inner: list[str], sides: Mapping[str, _Side], terms: list[Predicate]) -> list[str]:
        """The inner tables, the best entry first, then always one that is linked to those before it."""
        order = [max(inner, key=lambda alias: sides[alias].score())]
        while len(order) < len(inner):
            left = [alias for alias in inner if alias not in order]
            order.append(max(left, key=lambda alias: self._reach(alias, order, terms)))
        return order

    def _reach(self, alias: str, placed: list[str], terms: list[Predicate]) -> int:
        ends = [end for term in terms if (end := self._link_end(term, alias, placed)) is not None]
        return max((1 + self._finder.find(end[0])[1].indexed for end in ends), default=0)

    def _link_end(self, term: Predicate, alias: str, placed: list[str]) -> tuple[Name, Expression] | None:
        """The column of ``alias`` and the expression over placed tables that ``term`` sets equal, if it does."""
        if not isinstance(term, Compare) or term.operator != "=":
            return None
        for end, other in ((term.left, term.right), (term.right, term.left)):
            if isinstance(end, Name) and self._owners(end) == {alias}:
                owners = self._owners(other)
                if owners and owners <= set(placed):
                    return end, other
        return None

    def _step(self, alias: str, placed: list[str], side: _Side, terms: list[Predicate], left: bool) -> _Step:
        known = {*placed, alias}
        due = []
        for term in terms:
            owners = self._owners(term)
            if owners <= known and owners != {alias} and (left or alias in owners):
                due.append(term)
        links = [link for term in due if (link := self._link(term, alias, placed, side)) is not None]
        best = max(links, key=lambda link: link.indexed, default=None)
        rest = tuple(term for term in due if best is None or term is not best.term)
        return _Step(side, best, self.binder.test(All(rest)) if rest else None, left)

    def _link(self, term: Predicate, alias: str, placed: list[str], side: _Side) -> _Link | None:
        ends = self._link_end(term, alias, placed)
        if ends is None:
            return None
        name, other = ends
        plain = side.binder.bind(name)
        outer, inner = self.binder.align(self.binder.bind(other), plain, "=", name.at)
        column = self._finder.find(name)[1]
        indexed = column.indexed and inner is plain and column.type != "boolean"
        return _Link(term, outer.get, inner.get, column.name, indexed)

    def rows(self) -> Iterator[Joined]:
        """The joined rows, one after another."""
        source = self.binder.source
        for fill in self.binder.prelude:
            fill()
        lead = self._lead
        rows: Iterator[Joined] = ((row,) for row in lead.rows(source, hinted(lead.binder, lead.hints)))
        for step in self._steps:
            rows = step.extend(rows, source)
        return rows if self._final is None else filter(self._final, rows)

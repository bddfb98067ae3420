"""Runs SOQL against a :class:`Source`: relations, filters, groups and the shape of Salesforce's records.

How values compare, from the Salesforce SOQL and SOSL reference: strings without regard to case, except fields
declared case-sensitive ("Comparison Operators"); a literal must be of the field's type, unquoted for
dates ("fieldExpression Syntax"); a boolean that is null counts as false, and a missing parent as null ("Use null
in WHERE"); nulls sort first by default ("ORDER BY"). Assumed: ``!=`` and ``NOT IN`` are true for null, and NOT turns
false into true for it. An id may be given in its 15-character form.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import islice

from o2c_twin.mock_systems.wire.query.binding import Binder, Bound, Get, Test
from o2c_twin.mock_systems.wire.query.errors import (
    TypeMismatch,
    UnknownEntity,
    UnknownField,
    UnknownRelationship,
)
from o2c_twin.mock_systems.wire.query.literals import Slots
from o2c_twin.mock_systems.wire.query.results import (
    Grouped,
    Plan,
    Result,
    SortKey,
    aggregates_in,
    hinted,
    in_order,
)
from o2c_twin.mock_systems.wire.query.soql import LITERAL, Parser, literal, places, tokenize
from o2c_twin.mock_systems.wire.query.source import Column, FieldType, Hints, Instant, Parent, Row, Source, Table
from o2c_twin.mock_systems.wire.query.syntax import Call, Children, Expression, FieldSet, Item, Name, Predicate, Select
from o2c_twin.mock_systems.wire.query.tokens import Places

Show = Callable[[Row], dict[str, object]]
Path = list[tuple[str, int]]
"""The parts of a selected field path still to walk, each with its token."""
Shown = tuple[str, Get]
"""One answered entry: its key and how its value is computed."""

_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def prepare(text: str, source: Source, now: Instant) -> Plan:
    """A SOQL query ready to run. Raises :class:`QueryError` for anything the client got wrong.

    Answered records hold the selected fields under their schema spelling, in the order selected: parents
    as nested records or ``None``, child lists as ``{"totalSize", "done", "records"}`` or ``None``, each
    begun by its table's ``head``; aggregates under alias or ``expr0``, ``expr1``... ``SELECT COUNT()``
    answers no records, only a total.
    """
    tokens = tokenize(text)
    select = Parser(tokens).query()
    first = select.tables[0]
    table = source.table(first.table.lower())
    if table is None:
        raise UnknownEntity(tokens.place(first.at), first.table)
    scan = _Scan(select, table, tokens, source, now)
    show = scan.show()
    slots: list[Slots] = []  # worked out when the first text like this one comes

    def like(text: str, literals: Sequence[str]) -> Plan | None:
        if select.where is None or scan.binder.prelude or not scan.binder.timeless:
            return None
        if not slots:
            slots.append(Slots(select.where, tokens, LITERAL, literal))
        where = slots[0].filled(literals)
        return None if where is None else planned(scan.where_else(where, places(text)))

    def planned(scan: _Scan) -> Plan:
        counts_only = scan.counts_only

        def run() -> Result:
            found = scan.run()
            if counts_only:
                return Result((), show, found[0][0] if found else 0)
            return Result(found, show)

        return Plan(table.name, scan.hints.equals, scan.hints.lower_bounds, scan.binder.timeless, run, like)

    return planned(scan)


def full_id(text: str) -> str:
    """The 18-character form of a 15-character id, other text unchanged.

    Each of the three added letters encodes which of five characters are capitals, lowest bit first
    (Salesforce help, "Record ID formats"; from memory).
    """
    if len(text) != 15 or not (text.isascii() and text.isalnum()):
        return text
    return text + _id_letter(text[:5]) + _id_letter(text[5:10]) + _id_letter(text[10:])


# The first ten characters are the same for most ids of a kind.
@lru_cache(maxsize=4_096)
def _id_letter(five: str) -> str:
    return _ID_LETTERS[sum(1 << bit for bit in range(5) if five[bit].isupper())]


class SoqlBinder(Binder):
    """Names are fields of ``table`` or of its parents, by path; ``alias`` may stand in front."""

    null_differs = True

    def __init__(self, tokens: Places, source: Source, now: Instant, table: Table, alias: str) -> None:
        super().__init__(tokens, source, now)
        self.table = table
        self.own_names = (table.name.lower(), alias.lower())
        self.known: dict[str, Bound] = {}
        """Names as they were bound, for conditions that differ in their literals only."""

    def path(self, node: Name) -> list[str]:
        """The parts of a path, without the table's own name or alias in front."""
        parts = node.path.split(".")
        first = parts[0].lower()
        if len(parts) > 1 and first in self.own_names:
            del parts[0]
        return parts

    def parent(self, table: Table, name: str, at: int) -> tuple[Parent, Table]:
        parent = table.parents.get(name.lower())
        target = self.source.table(parent.table.lower()) if parent else None
        if parent is None or target is None:
            raise UnknownRelationship(self.tokens.place(at), name, table.name)
        return parent, target

    def column(self, table: Table, name: str, at: int) -> Column:
        column = table.columns.get(name.lower())
        if column is None:
            raise UnknownField(self.tokens.place(at), name, table.name)
        return column

    def name(self, node: Name) -> Bound:
        bound = self.known.get(node.path)
        if bound is None:
            bound = self.known[node.path] = self._named(node)
        return bound

    def _named(self, node: Name) -> Bound:
        column = self.table.columns.get(node.path.lower())
        if column is not None:
            folds = column.type == "string" and not column.exact
            return Bound(column.get, column.type, column.name, column, folds)
        *steps, last = self.path(node)
        table, climb = self.table, list[Get]()
        for step in steps:
            parent, table = self.parent(table, step, node.at)
            climb.append(parent.get)
        column = self.column(table, last, node.at)
        folds = column.type == "string" and not column.exact
        if not climb:
            return Bound(column.get, column.type, column.name, column, folds)
        return Bound(_climbing(climb, column.get), column.type, column.name, None, folds)

    def align(self, left: Bound, right: Bound, sign: str, at: int) -> tuple[Bound, Bound]:
        type = left.type
        if right.type in (type, "null"):
            if type == "boolean" and sign not in ("=", "!=", "IN"):
                raise self.mismatch(left, sign, at)
            return left, right
        if type == "id" and right.type == "string" and right.constant:
            value = full_id(right.value)
            return left, Bound(right.get, "id", right.label, None, False, True, value)
        raise TypeMismatch(self.tokens.place(at), left.label, type, right.type)

    def null_test(self, left: Bound, negated: bool) -> Test:
        if left.type != "boolean":
            return super().null_test(left, negated)
        get = left.get
        return (lambda row: bool(get(row))) if negated else (lambda row: not get(row))

    def column_of(self, select: Select) -> tuple[FieldType, Callable[[], Iterable[object]]]:
        first = select.tables[0]
        table = self.source.table(first.table.lower())
        if table is None:
            raise UnknownEntity(self.tokens.place(first.at), first.table)
        item = select.items[0]
        if len(select.items) != 1 or not isinstance(item, Item) or not isinstance(item.expression, Name):
            raise self.broken("one column", first.table, first.at)
        scan = _Scan(select, table, self.tokens, self.source, self.now)
        self.timeless &= scan.binder.timeless
        bound = scan.binder.bind(item.expression)
        return bound.type, lambda: map(bound.get, scan.run())


class _Scan:
    """One SELECT over one table: which rows (or groups), in which order, and how they look."""

    def __init__(self, select: Select, table: Table, tokens: Places, source: Source, now: Instant) -> None:
        self.select = select
        self.table = table
        self.source = source
        self.hints = Hints({}, {})
        self.binder = SoqlBinder(tokens, source, now, table, select.tables[0].alias)
        self.where = None if select.where is None else self.binder.test(select.where, self.hints)
        bind, self.grouped, self.having = self.binder.bind, None, None
        expressions = [item.expression for item in select.items if type(item) is Item]
        if aggregates_in(select, expressions):
            self.grouped = Grouped(self.binder, select.group, self._shape)
            bind = self.grouped.bind
            self.having = None if select.having is None else self.grouped.test(select.having)
            self.binder.timeless &= self.grouped.timeless
        self.keys = [
            SortKey(_sorting(bind(sort.expression)), sort.descending, sort.nulls_first is not False)
            for sort in select.order
        ]
        only = expressions[0] if len(expressions) == len(select.items) == 1 else None
        self.counts_only = type(only) is Call and not only.arguments and not select.group

    def where_else(self, where: Predicate, tokens: Places) -> "_Scan":
        """The same scan under another condition, which stands in another text."""
        scan = object.__new__(_Scan)
        scan.__dict__.update(self.__dict__)
        old = self.binder
        scan.hints = Hints({}, {})
        scan.binder = SoqlBinder(tokens, old.source, old.now, self.table, old.own_names[1])
        scan.binder.known = old.known
        scan.where = scan.binder.test(where, scan.hints)
        return scan

    def _shape(self, node: Expression) -> object:
        if type(node) is Name:
            return ".".join(self.binder.path(node)).lower()
        assert isinstance(node, Call)
        return node.name, tuple(map(self._shape, node.arguments))

    def run(self) -> list[Row]:
        """The rows of the whole table that match."""
        return self.matching(self.source.rows(self.table, hinted(self.binder, self.hints)))

    def matching(self, rows: Iterable[Row]) -> list[Row]:
        """Those of ``rows`` that match, sorted and cut."""
        select = self.select
        found: Iterable[Row] = rows if self.where is None else filter(self.where, rows)
        if self.grouped is not None:
            found = self.grouped.groups(found, self.having)
        if self.keys:
            found = in_order(found, self.keys)
        if select.limit is not None or select.offset:
            stop = None if select.limit is None else select.offset + select.limit
            return list(islice(found, select.offset, stop))
        return list(found)

    def show(self) -> Show:
        """How one matching row is answered."""
        if self.grouped is not None:
            return self._show_group(self.grouped)
        fields: list[Path | Shown] = []
        for item in self.select.items:
            if type(item) is FieldSet:
                fields.extend([(name, item.at)] for name in self._field_set(item))
            elif type(item) is Children:
                fields.append(self._child_list(item.select))
            elif type(item) is Item:
                node = item.expression
                assert isinstance(node, Name)  # anything else would have made groups
                if item.alias:
                    raise self.binder.broken("alias without group", item.alias, node.at + 1)
                fields.append([(part, node.at) for part in self.binder.path(node)])
        return self._record(self.table, fields)

    def _field_set(self, item: FieldSet) -> list[str]:
        custom = {"ALL": (False, True), "STANDARD": (False,), "CUSTOM": (True,)}[item.which]
        return [column.name for column in self.table.columns.values() if column.name.endswith("__c") in custom]

    def _record(self, table: Table, fields: Sequence[Path | Shown]) -> Show:
        """How a row of ``table`` shows these fields; paths through one parent gather in one nested record."""
        shown: dict[str, Shown] = {}
        nested: dict[str, list[Path]] = {}
        for field in fields:
            if isinstance(field, tuple):
                shown[field[0].lower()] = field
                continue
            (name, at), *rest = field
            key = name.lower()
            if rest:
                nested.setdefault(key, []).append(field)
                shown.setdefault(key, (name, _nothing))
                continue
            column = self.binder.column(table, name, at)
            if key in shown:
                raise self.binder.broken("duplicate field", column.name, at)
            shown[key] = (column.name, _rendered(column.get, column.type, self.source))
        for key, paths in nested.items():
            name, at = paths[0][0]
            parent, target = self.binder.parent(table, name, at)
            shown[key] = (parent.name, _nested(parent.get, self._record(target, [path[1:] for path in paths])))
        return _showing(tuple(shown.values()), table.head)

    def _child_list(self, select: Select) -> Shown:
        first = select.tables[0]
        owner, _, name = first.table.rpartition(".")
        child = self.table.children.get(name.lower())
        table = self.source.table(child.table.lower()) if child else None
        if child is None or table is None or owner.lower() not in ("", *self.binder.own_names):
            raise UnknownRelationship(self.binder.tokens.place(first.at), first.table, self.table.name)
        scan = _Scan(select, table, self.binder.tokens, self.source, self.binder.now)
        if scan.grouped is not None:
            raise self.binder.broken("wrong arguments", "an aggregate in a child sub-select", first.at)
        show, rows_of = scan.show(), child.rows
        self.binder.prelude += scan.binder.prelude
        self.binder.timeless &= scan.binder.timeless

        def get(row: Row) -> object:
            records = [show(each) for each in scan.matching(rows_of(row))]
            return {"totalSize": len(records), "done": True, "records": records} if records else None

        return child.name, get

    def _show_group(self, grouped: Grouped) -> Show:
        pairs: list[Shown] = []
        unnamed = 0
        for item in self.select.items:
            if type(item) is not Item:
                raise self.binder.broken("not grouped", "FIELDS or a sub-select", 0)
            bound = grouped.bind(item.expression)
            name = item.alias
            if not name and type(item.expression) is Name:
                name = bound.label
            elif not name:
                name, unnamed = f"expr{unnamed}", unnamed + 1
            pairs.append((name, _rendered(bound.get, bound.type, self.source)))
        return _showing(tuple(pairs), lambda group: {"attributes": {"type": "AggregateResult"}})


def _nothing(row: Row) -> None:
    return None


def _climbing(climb: list[Get], get: Get) -> Get:
    """Through one or more parents; a missing one gives null."""
    if len(climb) == 1:
        up = climb[0]
        return lambda row: None if (parent := up(row)) is None else get(parent)

    def follow(row: Row) -> object:
        for step in climb:
            row = step(row)
            if row is None:
                return None
        return get(row)

    return follow


def _sorting(bound: Bound) -> Get:
    get = bound.get
    return (lambda row: None if (value := get(row)) is None else value.casefold()) if bound.folds else get


def _rendered(get: Get, type: FieldType, source: Source) -> Get:
    write = source.render.get(type)
    if write is None:
        return get
    return lambda row: None if (value := get(row)) is None else write(value)


def _nested(up: Callable[[Row], Row | None], show: Show) -> Get:
    return lambda row: None if (parent := up(row)) is None else show(parent)


def _showing(pairs: tuple[Shown, ...], head: Callable[[Row], dict[str, object]] | None) -> Show:
    if head is None:
        return lambda row: {name: get(row) for name, get in pairs}

    def show(row: Row) -> dict[str, object]:
        record = head(row)
        for name, get in pairs:
            record[name] = get(row)
        return record

    return show

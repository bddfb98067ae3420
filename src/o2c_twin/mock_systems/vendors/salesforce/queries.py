"""SOQL over an org: its sObjects as tables, the indexes a query may use, and the cursors of long answers."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from o2c_twin.mock_systems.vendors.salesforce import errors
from o2c_twin.mock_systems.vendors.salesforce.org import Org
from o2c_twin.mock_systems.vendors.salesforce.schema import ChildList, Field
from o2c_twin.mock_systems.vendors.salesforce.shapes import Bound, Json, Shape
from o2c_twin.mock_systems.vendors.salesforce.values import double, stamp
from o2c_twin.mock_systems.wire.query.errors import QueryError
from o2c_twin.mock_systems.wire.query.results import Plan, PlanCache, Result
from o2c_twin.mock_systems.wire.query.soql import LITERAL
from o2c_twin.mock_systems.wire.query.soql_plan import prepare
from o2c_twin.mock_systems.wire.query.source import Child, Column, FieldType, Hints, Parent, Row, Table, table

_TYPES: dict[str, FieldType] = {
    "id": "id",
    "reference": "id",
    "boolean": "boolean",
    "currency": "number",
    "double": "number",
    "int": "number",
    "date": "date",
    "datetime": "instant",
}
_STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
"""Nothing is created or changed without an entry in the feed, so the feed finds records by any of these."""

CURSORS = 10
"""Open cursors a user may have. Source: Salesforce Help 000385259 via public issue threads; older ones are dropped."""
CURSOR_LIFE_US = 2 * 86_400_000_000
"""Cursors older than two days are gone (from memory)."""


class OrgSource:
    """The org as the query engine sees it; ``deleted`` adds what is in the recycle bin."""

    def __init__(self, org: Org, shapes: Mapping[str, Shape], deleted: bool = False) -> None:
        self._org = org
        self._deleted = deleted
        self.version = ""
        """The API version of the call under way: answers carry it in their addresses."""
        self.render: Mapping[FieldType, Callable[[Any], object]] = {
            "number": lambda value: double(value) if type(value) is Decimal else value,
            "instant": stamp,
            "date": lambda value: value.isoformat(),
        }
        self._shapes = dict(shapes)
        self._tables = {name.lower(): self._table(shape) for name, shape in shapes.items()}

    def table(self, name: str) -> Table | None:
        return self._tables.get(name)

    def rows(self, table: Table, hints: Hints) -> Iterable[Row]:
        shape = self._shapes[table.name]
        if self._deleted:
            return self._with_deleted(shape)
        if hints.equals:
            for name, values in hints.equals.items():
                found = self._find(shape, name, values)
                if found is not None:
                    return found
        if shape.kind:
            for name in _STAMPS:
                bound = hints.lower_bounds.get(name)
                if bound is not None:
                    return self._since(shape, bound[0] - bound[1])
        return self._org.rows(shape.sobject)

    def _with_deleted(self, shape: Shape) -> Iterable[Row]:
        rows = list(self._org.rows(shape.sobject))
        if shape.sobject.has_changes:
            rows += self._org.core.bins[shape.kind].values()
        return rows

    def _find(self, shape: Shape, name: str, values: tuple[Any, ...]) -> Iterable[Row] | None:
        field = shape.fields[name].field
        if field.kind == "id":
            rows = (self._org.lookup(shape.sobject, value) for value in values)
            return [row for row in rows if row is not None]
        key = self._index(shape, field)
        if key is None:
            return None
        return [row for value in values for row in self._org.core.find(shape.kind, key, str(value))]

    def _index(self, shape: Shape, field: Field) -> str | None:
        """The core's name of a field it finds records by."""
        key = field.attribute or field.name
        return key if shape.sobject.has_changes and self._org.core.can_find(shape.kind, key) else None

    def _since(self, shape: Shape, after: int) -> Iterable[Row]:
        """Rows changed after an instant, in the order of their first change since then."""
        org, kind = self._org, shape.kind
        records = org.core.tables[kind]
        ids = dict.fromkeys(change.id for change in org.core.state.feed.since(kind, after))
        rows = [records[id_] for id_ in ids if id_ in records]
        return filter(org.priced, rows) if shape.sobject.borrowed else rows

    def _table(self, shape: Shape) -> Table:
        parents = [
            Parent(field.relationship, field.refers, self._climb(shape.fields[field.name], field))
            for field in shape.relations.values()
        ]
        children = [Child(c.name, c.sobject, self._children(shape, c)) for c in shape.sobject.children]
        columns = [self._column(shape, each) for each in shape.fields.values()]
        return table(shape.name, columns, parents, children, self._head(shape))

    def _column(self, shape: Shape, bound: Bound) -> Column:
        field = bound.field
        indexed = field.kind == "id" or self._index(shape, field) is not None
        exact = field.key or field.unique
        ordered = field.name in _STAMPS
        return Column(field.name, _TYPES.get(field.kind, "string"), bound.get, exact, indexed, ordered)

    def _head(self, shape: Shape) -> Callable[[Row], Json]:
        name, id_of = shape.name, shape.id_of
        return lambda row: {
            "attributes": {"type": name, "url": f"/services/data/{self.version}/sobjects/{name}/{id_of(row)}"}
        }

    def _climb(self, bound: Bound, field: Field) -> Callable[[Row], Row | None]:
        org, get, deleted = self._org, bound.get, self._deleted
        target = self._shapes[field.refers].sobject
        return lambda row: None if (id_ := get(row)) is None else org.lookup(target, id_, deleted)

    def _children(self, shape: Shape, child: ChildList) -> Callable[[Row], Iterable[Row]]:
        core, org = self._org.core, self._org
        if child.sobject == "PricebookEntry":
            return lambda row: (row,) if org.priced(row) else ()
        if child.field == "OpportunityId":
            return lambda row: [core.state.lines[id_] for id_ in row.lines if id_ in core.state.lines]
        target = self._shapes[child.sobject]
        kind, key = target.kind, target.fields[child.field].field.attribute
        return lambda row: core.find(kind, key, row.id)


class _Cursor(msgspec.Struct):
    user: str
    at: int
    size: int
    result: Result
    source: OrgSource


class Queries:
    """Runs queries and keeps the cursors of those that did not fit one page.

    Cursors are no part of a snapshot: a client that goes on with one finds it gone, as after an
    outage of the real system.
    """

    def __init__(self, org: Org, shapes: Mapping[str, Shape]) -> None:
        self._org = org
        self.live = OrgSource(org, shapes)
        self.everything = OrgSource(org, shapes, deleted=True)
        self._plans = PlanCache(literal=LITERAL)
        self._cursors: OrderedDict[str, _Cursor] = OrderedDict()
        self._count = 0

    def forget(self) -> None:
        """Drop all cursors."""
        self._cursors.clear()

    def run(self, text: str, now: int, deleted: bool = False) -> Result:
        """The result of a query. Raises `ApiError`."""
        source = self.everything if deleted else self.live

        def ready(text: str) -> Plan:
            return prepare(text, source, now)

        try:
            return (ready(text) if deleted else self._plans.plan(text, ready)).run()
        except QueryError as fault:
            raise errors.query_fault(text, fault) from None

    def first_page(self, text: str, version: str, user: str, now: int, size: int, deleted: bool = False) -> Json:
        """The answer to a query, with a cursor when there is more."""
        result = self.run(text, now, deleted)
        source = self.everything if deleted else self.live
        if result.total <= size:
            source.version = version
            return {"totalSize": result.total, "done": True, "records": result.rows()}
        self._count += 1
        name = self._org.ids.spell("cursor", self._count)
        self._cursors[name] = cursor = _Cursor(user, now, size, result, source)
        own = [key for key, kept in self._cursors.items() if kept.user == user]
        for key in own[:-CURSORS]:
            del self._cursors[key]
        return self._page(name, cursor, 0, version)

    def next_page(self, locator: str, version: str, user: str, now: int) -> Json:
        """A further page by its locator, ``<cursor>-<first row>``. Raises `ApiError`."""
        name, _, start = locator.partition("-")
        cursor = self._cursors.get(name)
        known = cursor is not None and cursor.user == user and now - cursor.at <= CURSOR_LIFE_US
        if cursor is None or not known or not start.isdigit() or int(start) >= cursor.result.total:
            raise errors.ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(name, cursor, int(start), version)

    def _page(self, name: str, cursor: _Cursor, start: int, version: str) -> Json:
        stop, total = start + cursor.size, cursor.result.total
        cursor.source.version = version
        page: Json = {"totalSize": total, "done": stop >= total}
        if stop < total:
            page["nextRecordsUrl"] = f"/services/data/{version}/query/{name}-{stop}"
        page["records"] = cursor.result.rows(start, stop)
        return page

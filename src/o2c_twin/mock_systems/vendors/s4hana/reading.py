"""Reading: collections with their query options, single records, what navigation leads to; and the V2 envelope."""

from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, urlencode

from o2c_twin.mock_systems.vendors.s4hana import errors
from o2c_twin.mock_systems.vendors.s4hana.edm import Edm, Entity, Service
from o2c_twin.mock_systems.vendors.s4hana.tables import ETAG, Row, Table
from o2c_twin.mock_systems.vendors.s4hana.values import WRITERS, quoted
from o2c_twin.mock_systems.wire.message import Request, Response, json_response
from o2c_twin.mock_systems.wire.odata import Expand, ODataQuery, in_order, parse_key
from o2c_twin.mock_systems.wire.route import Call, Handler

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.s4hana.dialect import S4HanaDialect

_HEADERS = {"dataserviceversion": "2.0"}
_PLAIN = ODataQuery()
_TYPES: dict[Edm, tuple[type, ...]] = {
    "String": (str,),
    "DateTime": (date,),
    "DateTimeOffset": (date,),
    "Decimal": (int, Decimal),
    "Boolean": (bool,),
    "Time": (time,),
}


def uri_of(request: Request, service: Service, entity: Entity, row: Row) -> str:
    """The address of a record as the client spelled the server's."""
    if len(entity.keys) == 1:
        key = quoted(row[entity.keys[0]])
    else:
        key = ",".join([f"{name}={quoted(row[name])}" for name in entity.keys])
    spelled = quote(key, safe="'=,")
    return f"{request.url}{service.root}/{entity.name}({spelled})"


def shape(dialect: "S4HanaDialect", request: Request, service: Service, table: Table, row: Row, q: ODataQuery) -> Row:
    """One record in V2's JSON."""
    entity = table.entity
    uri = uri_of(request, service, entity, row)
    meta = {"id": uri, "uri": uri, "type": f"{service.name}.{entity.type_name}"}
    tag = row.get(ETAG)
    if tag is not None:
        meta["etag"] = tag
    chosen = None if q.select is None or "*" in q.select else q.select
    out: dict[str, Any] = {"__metadata": meta}
    columns = table.columns
    for name in columns if chosen is None else [each for each in columns if each in chosen]:
        write = columns[name]
        out[name] = row[name] if write is None else write(row[name])
    expanded = {each.name: each for each in q.expand}
    for name in entity.navs:
        if name in expanded:
            out[name] = _expanded(dialect, request, service, table, row, expanded[name])
        elif chosen is None or name in chosen:
            out[name] = {"__deferred": {"uri": f"{uri}/{name}"}}
    return out


def _expanded(
    dialect: "S4HanaDialect", request: Request, service: Service, table: Table, row: Row, expand: Expand
) -> Any:
    nav = table.entity.navs[expand.name]
    target = dialect.tables[service.name][nav.target]
    rows = [shape(dialect, request, service, target, each, expand.query) for each in _beside(table, row, expand.name)]
    if nav.many:
        return {"results": rows}
    return rows[0] if rows else None


def _beside(table: Table, row: Row, nav: str) -> list[Row]:
    find = table.navs.get(nav)
    return [] if find is None else find(row)


def query_of(dialect: "S4HanaDialect", request: Request, service: Service, entity: Entity) -> ODataQuery:
    """The query options, checked against the entity. Raises `ODataError` or `Refused`."""
    if not request.query:
        return _PLAIN
    q = dialect.queries(request.query)
    if q.format not in (None, "json"):
        errors.refuse(415, errors.GENERIC, f"Format '{q.format[:20]}' is not covered here: ask for json")
    if q.filter is not None:
        for name in q.filter.names:
            _known(entity, name)
        for name, values in q.filter.equals.items():
            for value in values:
                _comparable(entity, name, value)
        for name, (value, _) in q.filter.lower_bounds.items():
            _comparable(entity, name, value)
    for order in q.orderby:
        _known(entity, order.path)
    _check(service, entity, q)
    return q


def _check(service: Service, entity: Entity, q: ODataQuery) -> None:
    for name in q.select or ():
        if name != "*" and name not in entity.navs:
            _known(entity, name)
    for expand in q.expand:
        nav = entity.navs.get(expand.name)
        if nav is None:
            errors.unknown_property(expand.name, entity.type_name)
        _check(service, service.entities[nav.target], expand.query)


def _known(entity: Entity, name: str) -> None:
    if name not in entity.fields:
        errors.unknown_property(name, entity.type_name)


def _comparable(entity: Entity, name: str, value: object) -> None:
    # Said before any record is looked at: an empty set is asked with the same mistakes.
    kind = entity.fields[name]
    if value is not None and not isinstance(value, _TYPES[kind]):
        text = f"Invalid $filter: '{name}' is Edm.{kind} and does not compare with {str(value)[:40]!r}"
        errors.refuse(400, "005056A509B11EE1B9A8FEA8DE87F78D", text, name)


# --- operations -----------------------------------------------------------------------------------


def service_document(service: Service) -> Handler:
    """The entity sets of a service."""
    body = {"d": {"EntitySets": list(service.entities)}}
    return lambda dialect, call: json_response(200, body, _HEADERS, errors.JSON)


def metadata(service: Service) -> Handler:
    """The EDMX."""

    def read(dialect: "S4HanaDialect", call: Call) -> Response:
        return Response(200, dialect.edmx(service), {"Content-Type": "application/xml", **_HEADERS})

    return read


def read(service: Service) -> Handler:
    """A collection, or one record by its key."""

    def handle(dialect: "S4HanaDialect", call: Call) -> Response:
        segment = parse_key(call.params["entity"], 2)
        table = _table(dialect, service, segment.name)
        q = query_of(dialect, call.request, service, table.entity)
        if segment.values is None:
            return _collection(dialect, call.request, service, table, table.scan(q.filter), q)
        return _single(dialect, call.request, service, table, find(table, segment.under(table.entity.keys)), q)

    return handle


def read_beside(service: Service) -> Handler:
    """``Set/$count``, or what a navigation property of a record leads to."""

    def handle(dialect: "S4HanaDialect", call: Call) -> Response:
        segment, further = parse_key(call.params["entity"], 2), call.params["further"]
        table = _table(dialect, service, segment.name)
        if segment.values is None:
            if further != "$count":
                _unknown_segment(further)
            q = query_of(dialect, call.request, service, table.entity)
            count = len(_matching(table.scan(q.filter), q))
            return Response(200, str(count).encode(), {"Content-Type": "text/plain;charset=utf-8", **_HEADERS})
        row = find(table, segment.under(table.entity.keys))
        nav = table.entity.navs.get(further)
        if nav is None:
            kind = table.entity.fields.get(further)
            if kind is None:
                _unknown_segment(further)
            return json_response(200, {"d": {further: WRITERS[kind](row[further])}}, _HEADERS, errors.JSON)
        target = dialect.tables[service.name][nav.target]
        q = query_of(dialect, call.request, service, target.entity)
        rows = _beside(table, row, further)
        if nav.many:
            return _collection(dialect, call.request, service, target, rows, q)
        if not rows:
            errors.no_such_key(target.entity.type_name)
        return _single(dialect, call.request, service, target, rows[0], q)

    return handle


def _table(dialect: "S4HanaDialect", service: Service, name: str) -> Table:
    table = dialect.tables[service.name].get(name)
    if table is None:
        _unknown_segment(name)
    return table


def _unknown_segment(name: str) -> NoReturn:
    errors.refuse(404, errors.UNKNOWN_SEGMENT, f"Resource not found for the segment '{name[:60]}'.")


def find(table: Table, key: dict[str, object]) -> Row:
    """The record with that key. Raises `Refused` (404)."""
    row = table.one(key)
    if row is None:
        errors.no_such_key(table.entity.type_name)
    return row


def _single(
    dialect: "S4HanaDialect", request: Request, service: Service, table: Table, row: Row, q: ODataQuery
) -> Response:
    tag = row.get(ETAG)
    headers = {**_HEADERS, "etag": tag} if tag is not None else _HEADERS
    return json_response(200, {"d": shape(dialect, request, service, table, row, q)}, headers, errors.JSON)


def created(
    dialect: "S4HanaDialect", request: Request, service: Service, table: Table, row: Row, q: ODataQuery = _PLAIN
) -> Response:
    """201 with the record and its address."""
    response = _single(dialect, request, service, table, row, q)
    return Response(201, response.body, {**response.headers, "Location": uri_of(request, service, table.entity, row)})


def _matching(rows: Iterable[Row], q: ODataQuery) -> list[Row]:
    return list(rows) if q.filter is None else [row for row in rows if q.filter(row)]


def _collection(
    dialect: "S4HanaDialect", request: Request, service: Service, table: Table, rows: Iterable[Row], q: ODataQuery
) -> Response:
    found = _matching(rows, q)
    total = len(found)
    if q.orderby:
        found = in_order(found, q.orderby)
    start = _token(q.skiptoken) if q.skiptoken is not None else q.skip
    most = dialect.config.page_size
    # A page of the server ends what the client asked for, and the token counts from where it asked.
    asked = total if q.top is None else q.skip + q.top
    page = found[start : min(asked, start + most)]
    body: dict[str, Any] = {"results": [shape(dialect, request, service, table, row, q) for row in page]}
    if q.count:
        body["__count"] = str(total)
    end = start + len(page)
    if len(page) == most and end < min(asked, total):
        body["__next"] = _next(request, end)
    return json_response(200, {"d": body}, _HEADERS, errors.JSON)


def _token(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        errors.refuse(400, errors.GENERIC, "Invalid skip token")
    return int(text)


def _next(request: Request, end: int) -> str:
    others = {name: value for name, value in request.query.items() if name != "$skiptoken"}
    text = urlencode({**others, "$skiptoken": str(end)}, safe="$")
    path = quote(request.path, safe="/()',=;")
    return f"{request.url}{path}?{text}"

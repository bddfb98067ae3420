"""Reading: one record, or a page of a set after filter, order and selection; and the ETags of records.

Sources: OASIS OData 4.01; Microsoft Learn, "Using filters with API calls", "OData web services" (paging).
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from o2c_twin.mock_systems.vendors.business_central.entities import EntityType
from o2c_twin.mock_systems.vendors.business_central.errors import JSON, bad_request, error, refuse
from o2c_twin.mock_systems.vendors.business_central.shapes_masters import Shape
from o2c_twin.mock_systems.vendors.business_central.sources import PART_TYPES, SINGLE, Source
from o2c_twin.mock_systems.vendors.business_central.values import micros
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response
from o2c_twin.mock_systems.wire.odata import Expand, ODataError, ODataQuery, Order, Predicate, in_order, parse_query
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.business_central.dialect import BusinessCentralDialect

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode


def etag_of(shape: Shape) -> str:
    """The ETag of a record: another one whenever something the API shows of it has changed."""
    digest = base64.b64encode(b"19;" + blake2b(_ENCODE(shape), digest_size=12).digest()).decode()
    return f'W/"{digest}"'


class _Typed(Mapping[str, Any]):
    """A shape as filters read it: dates and instants as such."""

    __slots__ = ("_typed", "shape")

    def __init__(self, shape: Shape, typed: Mapping[str, Any]) -> None:
        self.shape = shape
        self._typed = typed

    def __getitem__(self, name: str) -> Any:
        value = self.shape[name]
        read = self._typed.get(name)
        return value if read is None else read(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self.shape)

    def __len__(self) -> int:
        return len(self.shape)


def options(dialect: "BusinessCentralDialect", call: Call, entity: EntityType) -> ODataQuery:
    """The query options of a call, every name in them checked. Raises `Refused`."""
    query = call.request.query
    if "$deltatoken" in query:
        bad_request("Delta links are not supported.")
    try:
        read = parse_query(query, 4, dialect.filters)
    except ODataError as bad:
        bad_request(f"An error occurred while parsing the query: {bad}")
    _check(read, entity)
    return read


def _check(read: ODataQuery, entity: EntityType) -> None:
    names = [] if read.filter is None else list(read.filter.names)
    names += [name for name in read.select or () if name != "*" and name not in entity.parts]
    names += [order.path for order in read.orderby]
    for name in names:
        if name not in entity.fields:
            bad_request(f"Could not find a property named '{name}' on type 'Microsoft.NAV.{entity.name}'.")
    for part in read.expand:
        if part.name not in entity.parts:
            bad_request(f"Could not find a property named '{part.name}' on type 'Microsoft.NAV.{entity.name}'.")
        _check(part.query, PART_TYPES[part.name])


def shown(dialect: "BusinessCentralDialect", source: Source, record: Any, now: int, query: ODataQuery) -> Shape:
    """A record with its ETag, as asked for."""
    return _dressed(dialect, source, record, source.shape(dialect, record, now), query)


def _dressed(dialect: "BusinessCentralDialect", source: Source, record: Any, shape: Shape, query: ODataQuery) -> Shape:
    answer = {"@odata.etag": etag_of(shape), **_selected(shape, query)}
    for part in query.expand:
        rows = _part(source.parts[part.name](dialect, record), part)
        answer[part.name] = (rows[0] if rows else None) if part.name in SINGLE else rows
    return answer


def _selected(shape: Shape, query: ODataQuery) -> Shape:
    if query.select is None or "*" in query.select:
        return shape
    chosen = frozenset(query.select)
    return {name: value for name, value in shape.items() if name in chosen}


def _part(shapes: Iterable[Shape], part: Expand) -> list[Shape]:
    typed = PART_TYPES[part.name].typed
    rows = [_Typed(shape, typed) for shape in shapes]
    return page_of_parts(rows, part.query)


def page_of_parts(rows: list[_Typed], query: ODataQuery) -> list[Shape]:
    """Lines after filter, order and selection."""
    found = filtered(rows, query.filter)
    if query.orderby:
        found = in_order(found, query.orderby)
    end = None if query.top is None else query.skip + query.top
    return [{"@odata.etag": etag_of(r.shape), **_selected(r.shape, query)} for r in found[query.skip : end]]


def filtered(rows: Iterable[_Typed], condition: Predicate | None) -> list[_Typed]:
    """The rows a condition is true of. Raises `Refused` where it compares what does not go together."""
    if condition is None:
        return list(rows)
    try:
        return [row for row in rows if condition(row)]
    except ODataError as bad:
        bad_request(f"An error occurred while evaluating the filter: {bad}")


def typed_rows(shapes: Iterable[Shape], entity: EntityType) -> list[_Typed]:
    """Shapes to filter and sort."""
    return [_Typed(shape, entity.typed) for shape in shapes]


# --- pages ----------------------------------------------------------------------------------------


def list_page(
    dialect: "BusinessCentralDialect", call: Call, source: Source, records: Iterable[Any] | None = None
) -> Response:
    """One page of a set, or of some ``records`` of it."""
    query = options(dialect, call, source.type)
    size = _page_size(dialect, call)
    if records is None:
        records = _candidates(dialect, source, query.filter)
    pairs = [(record, _Typed(source.shape(dialect, record, call.now), source.type.typed)) for record in records]
    if query.filter is not None:
        kept = {id(row): None for row in filtered([row for _, row in pairs], query.filter)}
        pairs = [pair for pair in pairs if id(pair[1]) in kept]
    if query.orderby:
        key = next(iter(source.type.fields))
        pairs.sort(key=lambda pair: pair[1][key])
        record_of = {id(row): record for record, row in pairs}
        try:
            pairs = [(record_of[id(row)], row) for row in in_order([row for _, row in pairs], query.orderby)]
        except ODataError as bad:
            bad_request(str(bad))
    total = len(pairs)
    if query.skiptoken is not None:
        pairs, left = _resumed(pairs, query, source)
    else:
        pairs, left = pairs[query.skip :], query.top
    wanted = len(pairs) if left is None else min(left, len(pairs))
    page = pairs[: min(wanted, size)]
    root = f"{call.request.url}{dialect.config.root}"
    answer: Shape = {"@odata.context": f"{root}/$metadata#{dialect.company_segment}/{source.type.set}"}
    if query.count:
        answer["@odata.count"] = total
    answer["value"] = [_dressed(dialect, source, record, row.shape, query) for record, row in page]
    if len(page) < wanted:
        rest = None if left is None else left - len(page)
        answer["@odata.nextLink"] = _next_link(call, query, page[-1][1], source, rest)
    return json_response(200, answer, {"OData-Version": "4.0"}, JSON)


def _page_size(dialect: "BusinessCentralDialect", call: Call) -> int:
    most = dialect.config.page_size
    for wish in call.request.headers.get("prefer", "").split(","):
        name, _, value = wish.strip().partition("=")
        if name.lower() in ("odata.maxpagesize", "maxpagesize") and value.isascii() and value.isdecimal():
            asked = int(value[:12])
            if asked > most:
                raise Refused(error(413, "BadRequest", f"The page size must not exceed {most}."))
            if asked:
                return asked
    return most


def _candidates(dialect: "BusinessCentralDialect", source: Source, condition: Predicate | None) -> Iterable[Any]:
    if condition is None:
        return source.every(dialect)
    for name, values in condition.equals.items():
        lookup = source.lookups.get(name)
        if name == "id":
            found = [source.find(dialect, str(value)) for value in values]
            return [record for record in found if record is not None]
        if lookup is not None:
            seen: dict[int, Any] = {}
            for value in values:
                for record in lookup(dialect, dialect.code_value(source.type, name, str(value))):
                    seen[id(record) if not isinstance(record, int) else record] = record
            return list(seen.values())
    bound = condition.lower_bounds.get("lastModifiedDateTime")
    if bound is not None and source.feed is not None and isinstance(bound[0], datetime):
        ids: dict[str, None] = {}
        for change in dialect.core.state.feed.since(source.feed, micros(bound[0]) - 1):
            ids[change.id] = None
        found = [source.by_id(dialect, id_) for id_ in sorted(ids, key=int)]
        drafts = dialect.state.drafts.values() if source.feed == "invoice" else ()
        return [*(record for record in found if record is not None), *drafts]
    return source.every(dialect)


def _keys(row: Shape, query: ODataQuery, source: Source) -> list[Any]:
    return [*(row[order.path] for order in query.orderby), row[next(iter(source.type.fields))]]


def _resumed(
    pairs: list[tuple[Any, _Typed]], query: ODataQuery, source: Source
) -> tuple[list[tuple[Any, _Typed]], int | None]:
    """What comes after the last row of the page before: by its values, so that changes in between shift nothing."""
    try:
        raw = base64.urlsafe_b64decode((query.skiptoken or "").strip("'") + "==")
        left, *keys = msgspec.json.decode(raw)
        key = next(iter(source.type.fields))
        mark = dict(zip([*(o.path for o in query.orderby), key], keys, strict=True))
        if left is not None and not isinstance(left, int):
            raise ValueError(left)
        typed = _Typed({**mark, "": ""}, source.type.typed)
        if not query.orderby:
            order = [row.shape[key] for _, row in pairs]
            start = order.index(mark[key]) + 1 if mark[key] in order else sum(o <= mark[key] for o in order)
            return pairs[start:], left
        return [pair for pair in pairs if _after(pair[1], typed, query.orderby, key)], left
    except (ValueError, TypeError, KeyError, msgspec.DecodeError, ODataError):
        refuse(400, "BadRequest", "The skip token is not valid.")


def _after(row: _Typed, mark: _Typed, orders: tuple[Order, ...], key: str) -> bool:
    for order in orders:
        one, other = row[order.path], mark[order.path]
        if one != other:
            return bool(one < other) if order.descending else bool(one > other)
    # Rows that tie stand in key order.
    return bool(row[key] > mark[key])


def _next_link(call: Call, query: ODataQuery, last: _Typed, source: Source, left: int | None) -> str:
    raw = _ENCODE([left, *_keys(last.shape, query, source)])
    token = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    kept = {n: v for n, v in call.request.query.items() if n not in ("$skip", "$top", "$skiptoken", "aid")}
    parts = [f"{_quoted(name)}={_quoted(value)}" for name, value in kept.items()]
    path = call.request.raw_path or call.request.path
    return f"{call.request.url}{path}?" + "&".join(["aid=FIRE", *parts, f"$skiptoken={token}"])


def _quoted(text: str) -> str:
    return quote(text, safe="$,:()*'")

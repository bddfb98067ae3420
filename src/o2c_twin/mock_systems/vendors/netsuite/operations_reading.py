"""Reading records: one, a collection with filters and pages, a sublist and its lines."""

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.vendors.netsuite.answers import collection, page_of, root_of, singular
from o2c_twin.mock_systems.vendors.netsuite.errors import invalid_parameter, nonexistent
from o2c_twin.mock_systems.vendors.netsuite.filters import parse_filter
from o2c_twin.mock_systems.vendors.netsuite.finding import find, records_of
from o2c_twin.mock_systems.vendors.netsuite.record_types import TRANSACTIONS, RecordType
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.query.source import Hints
from o2c_twin.mock_systems.wire.route import Call, Handler

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.netsuite.dialect import NetSuiteDialect

_NOT_MODELLED = ("ids", "expandRecords")
_TABLES = {"customer": "customer", "item": "item"}


def read(record_type: RecordType) -> Handler:
    """GET by id or external id."""
    kind = record_type.kind

    def handler(dialect: "NetSuiteDialect", call: Call) -> Response:
        record = find(dialect, kind, call.params["id"])
        query = call.request.query
        expand = bool(query) and query.get("expandSubResources", "").lower() == "true"
        return singular(dialect.shapes.record(record, root_of(call.request), call.now, expand), call.request)

    return handler


def list_records(record_type: RecordType) -> Handler:
    """GET of the collection: ids and links only, as NetSuite answers it."""

    def handler(dialect: "NetSuiteDialect", call: Call) -> Response:
        for name in _NOT_MODELLED:
            if name in call.request.query:
                invalid_parameter(name, f"The parameter {name} is not supported.")
        limit, offset = page_of(call.request)
        condition = call.request.query.get("q")
        if condition:
            found = _filtered(dialect, record_type, condition)
            total, page = len(found), found[offset : offset + limit]
        else:
            table = records_of(dialect, record_type.kind)
            total, page = len(table), list(islice(table, offset, offset + limit))
        root = f"{root_of(call.request)}/{record_type.name}/"
        items = [{"links": [{"rel": "self", "href": root + id_}], "id": id_} for id_ in page]
        return collection(call.request, items, total, limit, offset)

    return handler


def _filtered(dialect: "NetSuiteDialect", record_type: RecordType, condition: str) -> list[str]:
    table = dialect.ledger.table(_TABLES.get(record_type.kind, "transaction"))
    assert table is not None
    wanted = parse_filter(condition, table, dialect.dates)
    hints = wanted.hints
    if record_type in TRANSACTIONS:
        hints = Hints({**hints.equals, "type": (record_type.code,)}, hints.lower_bounds)
    mine = records_of(dialect, record_type.kind)
    rows: Iterable[Any] = dialect.ledger.rows(table, hints)
    return sorted((row.id for row in rows if row.id in mine and wanted.test(row)), key=int)


def read_sublist(record_type: RecordType, name: str) -> Handler:
    """GET of a sublist: links to its lines, or with ``expandSubResources=true`` the lines."""
    kind = record_type.kind

    def handler(dialect: "NetSuiteDialect", call: Call) -> Response:
        record = find(dialect, kind, call.params["id"])
        expand = call.request.query.get("expandSubResources", "").lower() == "true"
        return json_response(200, dialect.shapes.sublist(record, name, root_of(call.request), expand))

    return handler


def read_line(record_type: RecordType, name: str) -> Handler:
    """GET of one line of a sublist, by the number its link has."""
    kind = record_type.kind

    def handler(dialect: "NetSuiteDialect", call: Call) -> Response:
        record = find(dialect, kind, call.params["id"])
        for line in dialect.shapes.lines(record, name, root_of(call.request)):
            if line["links"][0]["href"].rpartition("/")[2] == call.params["line"]:
                return singular(line, call.request)
        nonexistent()

    return handler

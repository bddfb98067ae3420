"""Operations on single records, their descriptions, and the feeds of changed and deleted ids."""

from binascii import b2a_base64
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.mock_systems.vendors.salesforce import errors
from o2c_twin.mock_systems.vendors.salesforce.describe import description, summary
from o2c_twin.mock_systems.vendors.salesforce.shapes import Json, Shape
from o2c_twin.mock_systems.vendors.salesforce.values import read_instant, stamp
from o2c_twin.mock_systems.vendors.salesforce.versions import DATA, NUMBERS, versioned
from o2c_twin.mock_systems.wire.message import Refused, Request, Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.salesforce.dialect import SalesforceDialect

_REST = "REST API Developer Guide"
_MICRO = 1_000_000
_MINUTE_US = 60 * _MICRO
_LONGEST_US = 30 * 86_400 * _MICRO
_ACCEPTED = 46
"""Since this version an upsert that changes a record answers 200 with a body, before it 204 (from memory)."""


@versioned
def global_describe(dialect: "SalesforceDialect", call: Call) -> Response:
    """All sObjects."""
    version = call.params["version"]
    listed = [summary(shape, version) for shape in dialect.shapes.values()]
    return json_response(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})


@versioned
def basic(dialect: "SalesforceDialect", call: Call) -> Response:
    """One sObject in short."""
    shape = dialect.shape(call.params["type"])
    return json_response(200, {"objectDescribe": summary(shape, call.params["version"]), "recentItems": []})


@versioned
def describe(dialect: "SalesforceDialect", call: Call) -> Response:
    """One sObject with its fields."""
    return json_response(200, description(dialect.shape(call.params["type"]), call.params["version"]))


@versioned
def create(dialect: "SalesforceDialect", call: Call) -> Response:
    """A new record."""
    shape = dialect.shape(call.params["type"])
    return _created(shape, call.params["version"], dialect.rows.create(shape, call.body))


def _created(shape: Shape, version: str, id_: str, upsert: bool = False) -> Response:
    answer: Json = {"id": id_, "success": True, "errors": ()}
    if upsert:
        answer["created"] = True
    return json_response(201, answer, {"Location": shape.url(version, id_)})


@versioned
def read(dialect: "SalesforceDialect", call: Call) -> Response:
    """A record by id."""
    shape = dialect.shape(call.params["type"])
    return _shown(shape, dialect.org.row(shape.sobject, call.params["id"]), call)


@versioned
def read_by_key(dialect: "SalesforceDialect", call: Call) -> Response:
    """A record by external id; the choices when several have it."""
    shape = dialect.shape(call.params["type"])
    found = dialect.rows.by_key(shape, call.params["field"], call.params["value"])
    if not found:
        raise errors.not_found()
    if len(found) > 1:
        return _choices(shape, call.params["version"], map(shape.id_of, found))
    return _shown(shape, found[0], call)


def _choices(shape: Shape, version: str, ids: Iterable[str]) -> Response:
    return json_response(300, [shape.url(version, id_) for id_ in ids])


def _shown(shape: Shape, row: Any, call: Call) -> Response:
    request = call.request
    headers = {"ETag": _etag(row)} if shape.kind == "account" else {}
    if not _changed_for_reader(shape, row, request):
        return Response(304, b"", headers)
    names = request.query.get("fields")
    wanted = None if not names else [name.strip() for name in names.split(",")]
    return json_response(200, shape.record(row, call.params["version"], wanted), headers)


@versioned
def update(dialect: "SalesforceDialect", call: Call) -> Response:
    """Change a record by id."""
    shape = dialect.shape(call.params["type"])
    row = dialect.org.row(shape.sobject, call.params["id"])
    _check_unchanged(shape, row, call.request)
    dialect.rows.update(shape, row, call.body)
    return Response(204)


@versioned
def upsert(dialect: "SalesforceDialect", call: Call) -> Response:
    """Change the record with this external id, or create it."""
    shape, version = dialect.shape(call.params["type"]), call.params["version"]
    update_only = call.request.query.get("updateOnly") == "true"
    field, value = call.params["field"], call.params["value"]
    name = next((name for name in call.body if name.lower() == field.lower()), None)
    if name is not None:
        message = f"The {name} field should not be specified in the sobject data."
        raise errors.ApiError(400, "INVALID_FIELD", message, (name,))
    id_, is_new = dialect.rows.upsert(shape, field, value, call.body, update_only)
    if isinstance(id_, list):
        return _choices(shape, version, id_)
    if is_new:
        return _created(shape, version, id_, upsert=True)
    if NUMBERS[version] < _ACCEPTED:
        return Response(204)
    return json_response(200, {"id": id_, "success": True, "errors": (), "created": False})


@versioned
def delete(dialect: "SalesforceDialect", call: Call) -> Response:
    """Delete a record by id."""
    shape = dialect.shape(call.params["type"])
    dialect.rows.delete(shape, dialect.org.row(shape.sobject, call.params["id"]))
    return Response(204)


@versioned
def delete_by_key(dialect: "SalesforceDialect", call: Call) -> Response:
    """Delete the record with this external id."""
    shape = dialect.shape(call.params["type"])
    found = dialect.rows.by_key(shape, call.params["field"], call.params["value"])
    if not found:
        raise errors.not_found()
    if len(found) > 1:
        return _choices(shape, call.params["version"], map(shape.id_of, found))
    dialect.rows.delete(shape, found[0])
    return Response(204)


def posted_update(dialect: "SalesforceDialect", call: Call) -> Response:
    """PATCH for clients that cannot send it: POST with ``_HttpMethod=PATCH``."""
    if call.request.query.get("_HttpMethod", "").upper() != "PATCH":
        raise errors.ApiError(
            405, "METHOD_NOT_ALLOWED", "HTTP Method 'POST' not allowed. Allowed are DELETE, GET, PATCH"
        )
    return upsert(dialect, call) if "field" in call.params else update(dialect, call)


# --- Conditional requests ----------------------------------------------------------------------


def _etag(row: Any) -> str:
    digest = blake2b(b"%s %d" % (row.id.encode(), row.modified_at), digest_size=20).digest()
    return f'"{b2a_base64(digest, newline=False).decode()}"'


def _names_etag(header: str, row: Any) -> bool:
    # Behind the vendor's compressing proxy the tag grows a -gzip, and clients send it back with it.
    given = [tag.strip().removeprefix("W/").replace("-gzip", "") for tag in header.split(",")]
    if any(tag != "*" and not (len(tag) > 1 and tag[0] == tag[-1] == '"') for tag in given):
        raise errors.ApiError(400, "INVALID_FIELD", "an entity tag must be quoted")
    return "*" in given or _etag(row) in given


def _since(header: str) -> int:
    try:
        return int(parsedate_to_datetime(header).timestamp()) * _MICRO
    except ValueError:
        raise errors.ApiError(400, "INVALID_FIELD", f"not an HTTP date: {header}") from None


def _changed_for_reader(shape: Shape, row: Any, request: Request) -> bool:
    headers = request.headers
    if shape.kind == "account" and (tag := headers.get("if-none-match")) is not None:
        return not _names_etag(tag, row)
    if (date := headers.get("if-modified-since")) is not None:
        return bool(row.modified_at // _MICRO * _MICRO > _since(date))
    return True


def _check_unchanged(shape: Shape, row: Any, request: Request) -> None:
    headers = request.headers
    if shape.kind == "account" and (tag := headers.get("if-match")) is not None:
        stale = not _names_etag(tag, row)
    elif (date := headers.get("if-unmodified-since")) is not None:
        stale = row.modified_at // _MICRO * _MICRO > _since(date)
    else:
        return
    if stale:
        raise Refused(Response(412))


# --- Replication feeds -------------------------------------------------------------------------


def _window(call: Call) -> tuple[int, int]:
    """Start and end, both cut to the minute as the vendor does."""
    bounds = []
    for name in ("start", "end"):
        # An unencoded plus sign of a time zone arrives as a space.
        at = read_instant(call.request.query.get(name, "").replace(" ", "+"))
        if at is None:
            raise errors.ApiError(400, "INVALID_REPLICATION_DATE", f"{name}: not a date and time with a zone")
        bounds.append(at - at % _MINUTE_US)
    start, end = bounds
    if start >= end:
        raise errors.ApiError(
            400, "INVALID_REPLICATION_DATE", "end date must be at least one minute greater than the start date"
        )
    if start < call.now - _LONGEST_US:
        raise errors.ApiError(
            400, "INVALID_REPLICATION_DATE", "start date cannot be more than 30 days before the current date"
        )
    return start, end


def _changes(dialect: "SalesforceDialect", shape: Shape, start: int, end: int) -> Iterable[Change]:
    if not shape.sobject.has_changes:
        raise errors.ApiError(400, "INVALID_TYPE", f"sObject type {shape.name} is not replicable")
    for change in dialect.core.state.feed.since(shape.kind, start - 1):
        if change.at >= end:
            return
        yield change


@versioned
def updated(dialect: "SalesforceDialect", call: Call) -> Response:
    """Ids of records created or changed in a span of time."""
    shape = dialect.shape(call.params["type"])
    start, end = _window(call)
    records = dialect.core.tables.get(shape.kind, {})
    ids = dict.fromkeys(c.id for c in _changes(dialect, shape, start, end) if c.what != "deleted" and c.id in records)
    return json_response(200, {"ids": list(ids), "latestDateCovered": stamp(min(end, call.now))})


@versioned
def deleted(dialect: "SalesforceDialect", call: Call) -> Response:
    """Ids of records deleted in a span of time."""
    shape = dialect.shape(call.params["type"])
    start, end = _window(call)
    gone = [c for c in _changes(dialect, shape, start, end) if c.what == "deleted"]
    return json_response(
        200,
        {
            "deletedRecords": [{"id": c.id, "deletedDate": stamp(c.at)} for c in gone],
            "earliestDateAvailable": stamp(dialect.org.organization.created_at),
            "latestDateCovered": stamp(min(end, call.now)),
        },
    )


_TYPE = f"{DATA}/sobjects/{{type}}"
_ROW = f"{_TYPE}/{{id}}"
_KEYED = f"{_TYPE}/{{field}}/{{value}}"
_FIELDS = dict[str, Any]

SOBJECT_ROUTES: tuple[Operation, ...] = (
    Operation(
        "sobject.describeGlobal",
        "GET",
        f"{DATA}/sobjects",
        global_describe,
        "All sObjects",
        source=f"{_REST}, Describe Global",
    ),
    Operation(
        "sobject.basic", "GET", _TYPE, basic, "An sObject in short", source=f"{_REST}, sObject Basic Information"
    ),
    Operation(
        "sobject.describe",
        "GET",
        f"{_TYPE}/describe",
        describe,
        "An sObject with its fields",
        source=f"{_REST}, sObject Describe",
    ),
    Operation(
        "sobject.create",
        "POST",
        _TYPE,
        create,
        "Create a record",
        body=_FIELDS,
        success=201,
        source=f"{_REST}, sObject Basic Information",
    ),
    Operation("sobject.read", "GET", _ROW, read, "Read a record", source=f"{_REST}, sObject Rows"),
    Operation(
        "sobject.update",
        "PATCH",
        _ROW,
        update,
        "Change a record",
        body=_FIELDS,
        success=204,
        source=f"{_REST}, sObject Rows",
    ),
    Operation(
        "sobject.delete", "DELETE", _ROW, delete, "Delete a record", success=204, source=f"{_REST}, sObject Rows"
    ),
    Operation(
        "sobject.postedUpdate",
        "POST",
        _ROW,
        posted_update,
        "Change a record, by POST",
        body=_FIELDS,
        success=204,
        source=f"{_REST}, Using HTTP Methods",
    ),
    Operation(
        "sobject.readByKey",
        "GET",
        _KEYED,
        read_by_key,
        "Read a record by external id",
        source=f"{_REST}, sObject Rows by External ID",
    ),
    Operation(
        "sobject.upsert",
        "PATCH",
        _KEYED,
        upsert,
        "Create or change a record by external id",
        body=_FIELDS,
        source=f"{_REST}, sObject Rows by External ID",
    ),
    Operation(
        "sobject.deleteByKey",
        "DELETE",
        _KEYED,
        delete_by_key,
        "Delete a record by external id",
        success=204,
        source=f"{_REST}, sObject Rows by External ID",
    ),
    Operation(
        "sobject.postedUpsert",
        "POST",
        _KEYED,
        posted_update,
        "Create or change a record by external id, by POST",
        body=_FIELDS,
        source=f"{_REST}, Using HTTP Methods",
    ),
    Operation(
        "sobject.updated",
        "GET",
        f"{_TYPE}/updated",
        updated,
        "Ids changed in a span of time",
        source=f"{_REST}, sObject Get Updated",
    ),
    Operation(
        "sobject.deleted",
        "GET",
        f"{_TYPE}/deleted",
        deleted,
        "Ids deleted in a span of time",
        source=f"{_REST}, sObject Get Deleted",
    ),
)

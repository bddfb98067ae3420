"""Operations on many records at once: collections, and trees of records with their children."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from o2c_twin.mock_systems.vendors.salesforce import errors
from o2c_twin.mock_systems.vendors.salesforce.errors import ApiError
from o2c_twin.mock_systems.vendors.salesforce.shapes import Json, Shape
from o2c_twin.mock_systems.vendors.salesforce.versions import DATA, versioned
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.salesforce.dialect import SalesforceDialect

_REST = "REST API Developer Guide"
MOST_RECORDS = 200
_ROLLED_BACK = ApiError(
    400,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
    (),
)


class Collection(msgspec.Struct, rename="camel"):
    """Records, each with its type in its attributes."""

    records: Annotated[list[dict[str, Any]], msgspec.Meta(max_length=MOST_RECORDS)]
    all_or_none: bool = False


class Tree(msgspec.Struct):
    """Records with their children."""

    records: list[dict[str, Any]]


class _Undone(Exception):
    """Leaves a block of changes that is not to be."""


# --- Collections -------------------------------------------------------------------------------

Act = Callable[[], Json]


def _each(dialect: "SalesforceDialect", acts: list[Act], all_or_none: bool) -> Response:
    """What became of each record."""
    results: list[Json] = []
    bad: list[bool] = []
    try:
        with dialect.core.whole() if all_or_none else nullcontext():
            for act in acts:
                try:
                    results.append(act())
                    bad.append(False)
                except ApiError as refused:
                    results.append({"success": False, "errors": [refused.in_row()]})
                    bad.append(True)
            if all_or_none and any(bad):
                raise _Undone
    except _Undone:
        undone = {"success": False, "errors": [_ROLLED_BACK.in_row()]}
        results = [row if is_bad else undone for row, is_bad in zip(results, bad, strict=True)]
    return json_response(200, results)


def _typed(dialect: "SalesforceDialect", record: Json) -> Shape:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if name is None:
        raise ApiError(400, "INVALID_TYPE", "attributes.type is required for each record", ())
    return dialect.shape(str(name))


def _done(id_: str) -> Json:
    return {"id": id_, "success": True, "errors": ()}


def _id_in(record: Json) -> tuple[str, Json]:
    for name, value in record.items():
        if name.lower() == "id":
            return str(value), {key: each for key, each in record.items() if key != name}
    raise ApiError(400, "MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))


@versioned
def create_many(dialect: "SalesforceDialect", call: Call) -> Response:
    """Create up to 200 records."""
    body: Collection = call.body

    def act(record: Json) -> Act:
        return lambda: _done(dialect.rows.create(_typed(dialect, record), record))

    return _each(dialect, [act(record) for record in body.records], body.all_or_none)


@versioned
def update_many(dialect: "SalesforceDialect", call: Call) -> Response:
    """Change up to 200 records."""
    body: Collection = call.body

    def change(record: Json) -> Json:
        shape = _typed(dialect, record)
        id_, fields = _id_in(record)
        row = dialect.org.row(shape.sobject, id_)
        dialect.rows.update(shape, row, fields)
        return _done(shape.id_of(row))

    def act(record: Json) -> Act:
        return lambda: change(record)

    return _each(dialect, [act(record) for record in body.records], body.all_or_none)


@versioned
def upsert_many(dialect: "SalesforceDialect", call: Call) -> Response:
    """Create or change up to 200 records by external id."""
    body: Collection = call.body
    shape, field = dialect.shape(call.params["type"]), call.params["field"]
    each = shape.field(field)
    if each is None or not (each.field.key or each.field.kind == "id"):
        raise errors.no_key_field(field)

    def change(record: Json) -> Json:
        name = next((name for name in record if name.lower() == field.lower()), None)
        fields = {key: value for key, value in record.items() if key != name}
        value = None if name is None else record[name]
        if value is None or value == "":
            if each.field.kind == "id":
                return {**_done(dialect.rows.create(shape, fields)), "created": True}
            raise ApiError(400, "MISSING_ARGUMENT", f"{field} not specified", (field,))
        id_, created = dialect.rows.upsert(shape, field, str(value), fields)
        if isinstance(id_, list):
            raise ApiError(400, "DUPLICATE_EXTERNAL_ID", f"{field}: more than one record found for {value}", (field,))
        return {**_done(id_), "created": created}

    def act(record: Json) -> Act:
        return lambda: change(record)

    return _each(dialect, [act(record) for record in body.records], body.all_or_none)


@versioned
def delete_many(dialect: "SalesforceDialect", call: Call) -> Response:
    """Delete up to 200 records, of whatever kinds, by id."""
    asked = call.request.query
    ids = [id_.strip() for id_ in asked.get("ids", "").split(",") if id_.strip()]
    if not ids or len(ids) > MOST_RECORDS:
        raise ApiError(400, "LIMIT_EXCEEDED", f"ids: give 1 to {MOST_RECORDS} ids, not {len(ids)}")
    by_prefix = {shape.sobject.prefix: shape for shape in dialect.shapes.values()}

    def remove(id_: str) -> Json:
        shape = by_prefix.get(id_[:3])
        if shape is None:
            raise ApiError(400, "MALFORMED_ID", f"malformed id {id_}", ())
        row = dialect.org.row(shape.sobject, id_)
        dialect.rows.delete(shape, row)
        return _done(shape.id_of(row))

    def act(id_: str) -> Act:
        return lambda: remove(id_)

    return _each(dialect, [act(id_) for id_ in ids], asked.get("allOrNone") == "true")


@versioned
def read_many(dialect: "SalesforceDialect", call: Call) -> Response:
    """Fields of several records of one kind; null for an id there is not."""
    shape = dialect.shape(call.params["type"])
    ids, names = (
        [part.strip() for part in call.request.query.get(name, "").split(",") if part.strip()]
        for name in ("ids", "fields")
    )
    if not ids or not names:
        raise ApiError(400, "MISSING_ARGUMENT", "ids and fields are required")
    found: list[Json | None] = []
    for id_ in ids:
        try:
            row = dialect.org.row(shape.sobject, id_)
        except ApiError:
            found.append(None)
        else:
            found.append(shape.record(row, call.params["version"], names))
    return json_response(200, found)


# --- Trees -------------------------------------------------------------------------------------


@versioned
def tree(dialect: "SalesforceDialect", call: Call) -> Response:
    """Records with their children, all or none."""
    body: Tree = call.body
    made: list[Json] = []
    refused: list[Json] = []

    def plant(shape: Shape, record: Json, parent: dict[str, str]) -> None:
        attributes = record.get("attributes")
        reference = attributes.get("referenceId") if isinstance(attributes, dict) else None
        if reference is None:
            raise ApiError(400, "INVALID_INPUT", "attributes.referenceId is required for each record of a tree")
        if len(made) + len(refused) >= MOST_RECORDS:
            raise ApiError(400, "LIMIT_EXCEEDED", f"a tree holds at most {MOST_RECORDS} records")
        lists = {child.name: child for child in shape.sobject.children}
        own = {name: value for name, value in record.items() if name not in lists}
        try:
            id_ = dialect.rows.create(shape, {**own, **parent})
        except ApiError as bad:
            refused.append({"referenceId": reference, "errors": [bad.in_row()]})
            return
        made.append({"referenceId": reference, "id": id_})
        for name, child in lists.items():
            for each in (record.get(name) or {}).get("records", ()):
                plant(dialect.shapes[child.sobject], each, {child.field: id_})

    try:
        with dialect.core.whole():
            for record in body.records:
                plant(dialect.shape(call.params["type"]), record, {})
            if refused:
                raise _Undone
    except _Undone:
        return json_response(400, {"hasErrors": True, "results": refused})
    return json_response(201, {"hasErrors": False, "results": made})


_MANY = f"{DATA}/composite/sobjects"

COLLECTION_ROUTES: tuple[Operation, ...] = (
    Operation(
        "composite.tree",
        "POST",
        f"{DATA}/composite/tree/{{type}}",
        tree,
        "Create records with their children",
        body=Tree,
        success=201,
        source=f"{_REST}, sObject Tree",
    ),
    Operation(
        "collection.create",
        "POST",
        _MANY,
        create_many,
        "Create records",
        body=Collection,
        source=f"{_REST}, sObject Collections",
    ),
    Operation(
        "collection.update",
        "PATCH",
        _MANY,
        update_many,
        "Change records",
        body=Collection,
        source=f"{_REST}, sObject Collections",
    ),
    Operation(
        "collection.delete",
        "DELETE",
        _MANY,
        delete_many,
        "Delete records",
        source=f"{_REST}, sObject Collections",
    ),
    Operation(
        "collection.read",
        "GET",
        f"{_MANY}/{{type}}",
        read_many,
        "Read records",
        source=f"{_REST}, sObject Collections",
    ),
    Operation(
        "collection.upsert",
        "PATCH",
        f"{_MANY}/{{type}}/{{field}}",
        upsert_many,
        "Create or change records by external id",
        body=Collection,
        source=f"{_REST}, sObject Collections",
    ),
)

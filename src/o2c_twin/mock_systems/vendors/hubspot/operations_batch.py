"""Batch operations: up to 100 records a call, whole or, where the call asks for it, item by item.

Source: HubSpot developer documentation, object guides ("Batch") and "Error handling" (multi-status with
``objectWriteTraceId``).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.hubspot import errors
from o2c_twin.mock_systems.vendors.hubspot.calls import REFERENCE, in_families, plain_id, shape_of, writing
from o2c_twin.mock_systems.vendors.hubspot.intake import NewAssociation, ObjectId
from o2c_twin.mock_systems.vendors.hubspot.records import Shape
from o2c_twin.mock_systems.vendors.hubspot.values import stamp
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.hubspot.dialect import HubSpotDialect

MOST_INPUTS = 100
Json = dict[str, Any]


class CreateInput(msgspec.Struct, frozen=True):
    """A record to be made."""

    properties: Json
    associations: tuple[NewAssociation, ...] = ()
    objectWriteTraceId: str | None = None


class WriteInput(msgspec.Struct, frozen=True):
    """A record to be changed, or put by a unique property."""

    id: str | int
    properties: Json
    idProperty: str = ""
    objectWriteTraceId: str | None = None


class CreateBatch(msgspec.Struct, frozen=True):
    """Records to be made."""

    inputs: tuple[CreateInput, ...]


class WriteBatch(msgspec.Struct, frozen=True):
    """Records to be changed or put."""

    inputs: tuple[WriteInput, ...]


class ReadBatch(msgspec.Struct, frozen=True):
    """Records to be read."""

    inputs: tuple[ObjectId, ...]
    properties: tuple[str, ...] | None = None
    propertiesWithHistory: tuple[str, ...] = ()
    idProperty: str | None = None


class ArchiveBatch(msgspec.Struct, frozen=True):
    """Records to be archived."""

    inputs: tuple[ObjectId, ...]


def _checked(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(inputs) > MOST_INPUTS:
        raise errors.bad_request(f"The batch has {len(inputs)} inputs; there may be at most {MOST_INPUTS}")
    return inputs


def answer_of(now: int, results: list[Json], failed: list[Json] | None = None, status: int = 200) -> Response:
    """The answer to a batch; with failures it is 207."""
    at = stamp(now)
    body: Json = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
    if failed:
        body["numErrors"] = len(failed)
        body["errors"] = failed
        status = 207
    return json_response(status, body)


def _each(
    dialect: "HubSpotDialect", call: Call, inputs: tuple[Any, ...], act: Callable[[Any], Json], status: int
) -> Response:
    """Do a batch's items: all or none; or, when every one has a trace id of its own, each for itself."""
    traces = [each.objectWriteTraceId for each in inputs]
    if not inputs or None in traces or len(set(traces)) < len(traces):
        with writing(dialect):
            results = [act(each) for each in inputs]
        return answer_of(call.now, results, status=status)
    results, failed = [], []
    with writing(dialect):
        for each in inputs:
            try:
                with dialect.core.whole():
                    results.append({**act(each), "objectWriteTraceId": each.objectWriteTraceId})
            except errors.ApiError as refused:
                failed.append(refused.item({"objectWriteTraceId": [each.objectWriteTraceId]}))
            except RuleError as broken:
                refusal = errors.bad_request(f"{broken.code}: {broken.message}")
                failed.append(refusal.item({"objectWriteTraceId": [each.objectWriteTraceId]}))
    return answer_of(call.now, results, failed, status)


def create_batch(dialect: "HubSpotDialect", call: Call) -> Response:
    """New records."""
    shape = shape_of(dialect, call)

    def act(each: CreateInput) -> Json:
        row = dialect.intake.create(shape, each.properties, each.associations)
        return shape.record(row, (*each.properties, *shape.type.defaults))

    return _each(dialect, call, _checked(call.body.inputs), act, 201)


def update_batch(dialect: "HubSpotDialect", call: Call) -> Response:
    """Changed records."""
    shape = shape_of(dialect, call)

    def act(each: WriteInput) -> Json:
        row = dialect.portal.find(shape, plain_id(each.id), each.idProperty)
        if row is None:
            raise _gone([plain_id(each.id)])
        dialect.intake.update(shape, row, each.properties)
        return shape.record(row, (*each.properties, *shape.type.defaults))

    return _each(dialect, call, _checked(call.body.inputs), act, 200)


def upsert_batch(dialect: "HubSpotDialect", call: Call) -> Response:
    """Records changed where their unique property's value is known, else made."""
    shape = shape_of(dialect, call)

    def act(each: WriteInput) -> Json:
        found = dialect.portal.key_property(shape, each.idProperty)
        key = plain_id(each.id)
        row = dialect.portal.find(shape, key, found.name)
        made = row is None
        if row is None:
            row = dialect.intake.create(shape, {found.name: key, **each.properties})
        else:
            dialect.intake.update(shape, row, each.properties)
        return {**shape.record(row, (found.name, *each.properties, *shape.type.defaults)), "new": made}

    return _each(dialect, call, _checked(call.body.inputs), act, 200)


def read_batch(dialect: "HubSpotDialect", call: Call) -> Response:
    """Records by id or by a unique property; those that are not there are told as errors."""
    shape, body = shape_of(dialect, call), call.body
    results, missing = [], []
    wanted: dict[str, None] = dict.fromkeys(plain_id(each.id) for each in _checked(body.inputs))
    for id_ in wanted:
        row = dialect.portal.find(shape, id_, body.idProperty or "")
        if row is None:
            missing.append(id_)
        else:
            results.append(_read(shape, row, body))
    failed = [_gone(missing).item({})] if missing else None
    return answer_of(call.now, results, failed)


def _read(shape: Shape, row: Any, body: ReadBatch) -> Json:
    names = body.properties
    if body.idProperty and names is not None:
        names = (*names, body.idProperty)
    return shape.record(row, names)


def _gone(ids: list[str]) -> errors.ApiError:
    return errors.ApiError(404, errors.NOT_FOUND, "Could not get some objects, they may be deleted or not exist."
                           " Check that ids are valid.", {"ids": ids})  # fmt: skip


def archive_batch(dialect: "HubSpotDialect", call: Call) -> Response:
    """Archive records; those that are not there are passed over."""
    shape = shape_of(dialect, call)
    with writing(dialect):
        for each in _checked(call.body.inputs):
            dialect.intake.archive(shape, plain_id(each.id))
    return Response(204)


_BASE = "/crm/v3/objects/{type}/batch"
BATCH_ROUTES = in_families(
    Operation("batch.create", "POST", f"{_BASE}/create", create_batch, "Create records", CreateBatch, success=201,
              source=REFERENCE),
    Operation("batch.update", "POST", f"{_BASE}/update", update_batch, "Change records", WriteBatch, source=REFERENCE),
    Operation("batch.upsert", "POST", f"{_BASE}/upsert", upsert_batch, "Put records by a unique property", WriteBatch,
              source=REFERENCE),
    Operation("batch.read", "POST", f"{_BASE}/read", read_batch, "Read records", ReadBatch, source=REFERENCE),
    Operation("batch.archive", "POST", f"{_BASE}/archive", archive_batch, "Archive records", ArchiveBatch,
              success=204, source=REFERENCE),
)  # fmt: skip

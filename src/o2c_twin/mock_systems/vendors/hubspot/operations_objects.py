"""Operations on single records: list, read, create, update, archive, search."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from o2c_twin.mock_systems.vendors.hubspot import errors, search
from o2c_twin.mock_systems.vendors.hubspot.calls import (
    REFERENCE,
    in_families,
    listed,
    page_size,
    shape_of,
    wants_archived,
    writing,
)
from o2c_twin.mock_systems.vendors.hubspot.intake import NewAssociation
from o2c_twin.mock_systems.vendors.hubspot.limits import SECONDLY
from o2c_twin.mock_systems.vendors.hubspot.records import Shape
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.hubspot.dialect import HubSpotDialect

_PAGE, _MOST_PAGE, _MOST_WITH_HISTORY = 10, 100, 50
MOST_LINKED = 500
"""Associations a read answers with; more are paged (assumed: the page of the associations API)."""
Json = dict[str, Any]


class NewRecord(msgspec.Struct, frozen=True):
    """A record to be made."""

    properties: Json
    associations: tuple[NewAssociation, ...] = ()
    objectWriteTraceId: str | None = None


class Changes(msgspec.Struct, frozen=True):
    """Properties to be changed."""

    properties: Json
    objectWriteTraceId: str | None = None


class Unmetered(Response):
    """An answer without the usual headers about limits, as search gives."""


def record_of(dialect: "HubSpotDialect", shape: Shape, row: Any, call: Call) -> Json:
    """A record as a read answers it: named properties, history, associations."""
    answer = shape.record(row, listed(call, "properties"))
    history = listed(call, "propertiesWithHistory")
    if history is not None:
        answer["propertiesWithHistory"] = _history(shape, row, history)
        answer["properties"].update({n: shape.value(row, n) for n in history if n in shape.properties})
    wanted = listed(call, "associations")
    if wanted:
        answer["associations"] = _associations(dialect, shape, row, wanted)
    return answer


def _history(shape: Shape, row: Any, names: list[str]) -> Json:
    """The one version there is: former values are not kept."""
    at = shape.value(row, shape.type.modified)
    return {
        name: [{"value": shape.value(row, name) or "", "timestamp": at, "sourceType": "INTEGRATION"}]
        for name in names
        if name in shape.properties
    }


def _associations(dialect: "HubSpotDialect", shape: Shape, row: Any, wanted: list[str]) -> Json:
    found: Json = {}
    for name in wanted:
        other = dialect.portal.shape(name)
        pair = dialect.links.pair(shape, other)
        links = dialect.links.of(pair, row)
        if not links:
            continue
        results = []
        for link in links[:MOST_LINKED]:
            stem = f"{shape.type.singular}_to_{other.type.singular}"
            # A company that is the primary one is answered twice, under two types (recorded).
            if not pair.primary:
                results.append({"id": link.to, "type": stem})
                continue
            if link.primary:
                results.append({"id": link.to, "type": stem})
            results.append({"id": link.to, "type": f"{stem}_unlabeled"})
        key = other.type.name
        if key == "line_items" and dialect.config.spaced_line_items:
            key = "line items"
        found[key] = {"results": results}
        if len(links) > MOST_LINKED:
            after = links[MOST_LINKED].to
            path = f"/crm/v4/objects/{shape.type.name}/{row.id}/associations/{other.type.name}?after={after}"
            found[key]["paging"] = {"next": {"after": after, "link": path}}
    return found


def list_records(dialect: "HubSpotDialect", call: Call) -> Response:
    """A page of a type's records, oldest first."""
    shape = shape_of(dialect, call)
    most = _MOST_WITH_HISTORY if "propertiesWithHistory" in call.request.query else _MOST_PAGE
    limit = page_size(call, _PAGE, most)
    after = call.request.query.get("after", "")
    if after and not (after.isascii() and after.isdigit() and len(after) <= 20):
        raise errors.bad_request(f"Invalid after {after[:40]!r}: give the value of paging.next.after")
    rows, following = dialect.page(shape, wants_archived(call), after, limit)
    answer: Json = {"results": [record_of(dialect, shape, row, call) for row in rows]}
    if following:
        query = {**call.request.query, "after": following, "limit": str(limit)}
        link = f"{call.request.url}{call.request.path}?{urlencode(query)}"
        answer["paging"] = {"next": {"after": following, "link": link}}
    return json_response(200, answer)


def read_record(dialect: "HubSpotDialect", call: Call) -> Response:
    """One record, by id or by the value of a unique property."""
    shape = shape_of(dialect, call)
    if wants_archived(call):
        row = dialect.portal.archived(shape, call.params["id"])
    else:
        row = dialect.portal.get(shape, call.params["id"], call.request.query.get("idProperty", ""))
    return json_response(200, record_of(dialect, shape, row, call))


def create_record(dialect: "HubSpotDialect", call: Call) -> Response:
    """A new record."""
    shape, body = shape_of(dialect, call), call.body
    with writing(dialect):
        row = dialect.intake.create(shape, body.properties, body.associations)
    return json_response(201, _written(shape, row, body.properties))


def update_record(dialect: "HubSpotDialect", call: Call) -> Response:
    """A changed record."""
    shape, body = shape_of(dialect, call), call.body
    row = dialect.portal.get(shape, call.params["id"], call.request.query.get("idProperty", ""))
    with writing(dialect):
        dialect.intake.update(shape, row, body.properties)
    return json_response(200, _written(shape, row, body.properties))


def _written(shape: Shape, row: Any, properties: Json) -> Json:
    """What a write answers: the properties it named beside the usual ones."""
    return shape.record(row, (*properties, *shape.type.defaults))


def archive_record(dialect: "HubSpotDialect", call: Call) -> Response:
    """Archive a record; archiving it again is the same answer."""
    shape = shape_of(dialect, call)
    with writing(dialect):
        dialect.intake.archive(shape, call.params["id"])
    return Response(204)


def search_records(dialect: "HubSpotDialect", call: Call) -> Response:
    """A page of what the search index finds."""
    verdict = dialect.searches.admit(call.principal, 1, call.now)
    if verdict is not None:
        raise Refused(dialect.reply_429(SECONDLY), throttled=True)
    shape = shape_of(dialect, call)
    answer = json_response(200, search.run(dialect.portal, dialect.index, shape, call.body, call.now))
    return Unmetered(answer.status, answer.body, answer.headers)


_BASE = "/crm/v3/objects/{type}"
OBJECT_ROUTES = in_families(
    Operation("object.list", "GET", _BASE, list_records, "A page of records", source=REFERENCE),
    Operation("object.create", "POST", _BASE, create_record, "Create a record", NewRecord, success=201,
              source=REFERENCE),
    Operation("object.read", "GET", f"{_BASE}/{{id}}", read_record, "One record", source=REFERENCE),
    Operation("object.update", "PATCH", f"{_BASE}/{{id}}", update_record, "Change a record", Changes,
              source=REFERENCE),
    Operation("object.archive", "DELETE", f"{_BASE}/{{id}}", archive_record, "Archive a record", success=204,
              source=REFERENCE),
    Operation("object.search", "POST", f"{_BASE}/search", search_records, "Search records", search.SearchRequest,
              source="HubSpot developer documentation, Search the CRM"),
)  # fmt: skip

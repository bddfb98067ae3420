"""Associations v4: between two records, and in batches.

Source: HubSpot developer documentation, "Associations v4".
"""

from typing import TYPE_CHECKING, Any

import msgspec

from o2c_twin.mock_systems.vendors.hubspot import errors
from o2c_twin.mock_systems.vendors.hubspot.calls import as_type, page_size, plain_id, shape_of, writing
from o2c_twin.mock_systems.vendors.hubspot.intake import AssociationSpec, ObjectId
from o2c_twin.mock_systems.vendors.hubspot.links import Link
from o2c_twin.mock_systems.vendors.hubspot.operations_batch import answer_of
from o2c_twin.mock_systems.vendors.hubspot.schema import PAIRS, Pair
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.hubspot.dialect import HubSpotDialect

_PAGE, _MOST_CREATED, _MOST_READ = 500, 2_000, 1_000
Json = dict[str, Any]


class PairPost(msgspec.Struct, frozen=True, rename={"source": "from"}):
    """Two records to be associated."""

    source: ObjectId
    to: ObjectId
    types: tuple[AssociationSpec, ...] = ()


class PairPosts(msgspec.Struct, frozen=True):
    """Pairs to be associated."""

    inputs: tuple[PairPost, ...]


class PairArchive(msgspec.Struct, frozen=True, rename={"source": "from"}):
    """A record and those it is to be associated with no more."""

    source: ObjectId
    to: tuple[ObjectId, ...]


class PairArchives(msgspec.Struct, frozen=True):
    """Associations to be taken away."""

    inputs: tuple[PairArchive, ...]


class Asked(msgspec.Struct, frozen=True):
    """A record whose associations are asked for, and where to go on."""

    id: str | int
    after: str | None = None


class AskedBatch(msgspec.Struct, frozen=True):
    """Records whose associations are asked for."""

    inputs: tuple[Asked, ...]


def _pair(dialect: "HubSpotDialect", call: Call, source: str = "from") -> Pair:
    return dialect.links.pair(shape_of(dialect, call, source), shape_of(dialect, call, "to"))


def _row(dialect: "HubSpotDialect", name: str, id_: str | int) -> Any:
    row = dialect.portal.find(dialect.portal.shapes[name], plain_id(id_))
    if row is None:
        raise errors.ApiError(404, errors.NOT_FOUND, f"No {name} with ID {plain_id(id_)} exists")
    return row


def _spec(pair: Pair, type_id: int) -> Json:
    label = "Primary" if type_id == pair.primary else None
    return {"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": label}


def _shown(pair: Pair, link: Link) -> Json:
    types = [_spec(pair, type_id) for type_id in pair.types(link.primary)]
    return {"toObjectId": int(link.to), "associationTypes": types}


def _page(pair: Pair, links: list[Link], after: str, limit: int) -> tuple[list[Json], str]:
    """A page of associations that begins with the one of id ``after``; and where the next begins."""
    start = 0
    if after:
        start = next((i for i, link in enumerate(links) if link.to == after), len(links))
    following = links[start + limit].to if start + limit < len(links) else ""
    return [_shown(pair, link) for link in links[start : start + limit]], following


def list_links(dialect: "HubSpotDialect", call: Call) -> Response:
    """The associations of a record to another type."""
    pair = _pair(dialect, call)
    links = dialect.links.of(pair, _row(dialect, pair.source, call.params["id"]))
    limit = page_size(call, _PAGE, _PAGE)
    results, following = _page(pair, links, call.request.query.get("after", ""), limit)
    answer: Json = {"results": results}
    if following:
        link = f"{call.request.url}{call.request.path}?after={following}&limit={limit}"
        answer["paging"] = {"next": {"after": following, "link": link}}
    return json_response(200, answer)


def _associate(dialect: "HubSpotDialect", pair: Pair, row: Any, other: Any, specs: tuple[AssociationSpec, ...]) -> None:
    if not specs:
        raise errors.bad_request("at least one association type is needed")
    for spec in specs:
        if spec.associationTypeId not in pair.types(True) or spec.associationCategory != "HUBSPOT_DEFINED":
            raise errors.bad_request(
                f"One or more association types not valid: {spec.associationCategory} {spec.associationTypeId}"
            )
    primary = pair.primary != 0 and any(spec.associationTypeId == pair.primary for spec in specs)
    dialect.links.put(pair, row, other, primary)


def put_link(dialect: "HubSpotDialect", call: Call) -> Response:
    """Associate two records by named types."""
    pair = _pair(dialect, call)
    row, other = _row(dialect, pair.source, call.params["id"]), _row(dialect, pair.target, call.params["to_id"])
    specs = as_type(call.body, tuple[AssociationSpec, ...])
    with writing(dialect):
        _associate(dialect, pair, row, other, specs)
    source, target = dialect.portal.shapes[pair.source].type, dialect.portal.shapes[pair.target].type
    return json_response(
        201,
        {
            "fromObjectTypeId": source.type_id,
            "fromObjectId": int(row.id),
            "toObjectTypeId": target.type_id,
            "toObjectId": int(other.id),
            "labels": ["Primary"] if any(s.associationTypeId == pair.primary for s in specs) else [],
        },
    )


def _default(dialect: "HubSpotDialect", pair: Pair, row: Any, other: Any) -> list[Json]:
    types = dialect.links.put(pair, row, other, False)
    back = PAIRS[pair.target, pair.source]
    primary = pair.primary in types and pair.primary != 0
    return [
        {
            "from": {"id": one.id},
            "to": {"id": two.id},
            "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id},
        }
        for way, one, two in ((pair, row, other), (back, other, row))
        for type_id in way.types(primary)
    ]


def put_default(dialect: "HubSpotDialect", call: Call) -> Response:
    """Associate two records without a label."""
    pair = _pair(dialect, call)
    row, other = _row(dialect, pair.source, call.params["id"]), _row(dialect, pair.target, call.params["to_id"])
    with writing(dialect):
        results = _default(dialect, pair, row, other)
    return answer_of(call.now, results)


def remove_link(dialect: "HubSpotDialect", call: Call) -> Response:
    """Take all associations between two records away."""
    pair = _pair(dialect, call)
    shapes = dialect.portal.shapes
    row = dialect.portal.find(shapes[pair.source], call.params["id"])
    other = dialect.portal.find(shapes[pair.target], call.params["to_id"])
    if row is not None and other is not None:
        with writing(dialect):
            dialect.links.remove(pair, row, other)
    return Response(204)


def create_links(dialect: "HubSpotDialect", call: Call) -> Response:
    """Associate pairs by named types, all or none."""
    pair, inputs = _pair(dialect, call), _few(call.body.inputs, _MOST_CREATED)
    results = []
    with writing(dialect):
        for each in inputs:
            row, other = _row(dialect, pair.source, each.source.id), _row(dialect, pair.target, each.to.id)
            _associate(dialect, pair, row, other, each.types)
            results.append(
                {
                    "fromObjectTypeId": dialect.portal.shapes[pair.source].type.type_id,
                    "fromObjectId": int(row.id),
                    "toObjectTypeId": dialect.portal.shapes[pair.target].type.type_id,
                    "toObjectId": int(other.id),
                    "labels": [],
                }
            )
    return answer_of(call.now, results, status=201)


def create_defaults(dialect: "HubSpotDialect", call: Call) -> Response:
    """Associate pairs without a label, all or none."""
    pair, inputs = _pair(dialect, call), _few(call.body.inputs, _MOST_CREATED)
    results: list[Json] = []
    with writing(dialect):
        for each in inputs:
            row, other = _row(dialect, pair.source, each.source.id), _row(dialect, pair.target, each.to.id)
            results += _default(dialect, pair, row, other)
    return answer_of(call.now, results)


def archive_links(dialect: "HubSpotDialect", call: Call) -> Response:
    """Take associations away; what is not there is passed over."""
    pair, inputs = _pair(dialect, call), _few(call.body.inputs, _MOST_CREATED)
    shapes = dialect.portal.shapes
    with writing(dialect):
        for each in inputs:
            row = dialect.portal.find(shapes[pair.source], plain_id(each.source.id))
            for to in each.to:
                other = dialect.portal.find(shapes[pair.target], plain_id(to.id))
                if row is not None and other is not None:
                    dialect.links.remove(pair, row, other)
    return Response(204)


def read_links(dialect: "HubSpotDialect", call: Call) -> Response:
    """The associations of several records; those without any, or not there, are told as errors."""
    pair, inputs = _pair(dialect, call), _few(call.body.inputs, _MOST_READ)
    results, failed = [], []
    for each in inputs:
        id_ = plain_id(each.id)
        row = dialect.portal.find(dialect.portal.shapes[pair.source], id_)
        links = [] if row is None else dialect.links.of(pair, row)
        if not links:
            message = f"No {pair.target} is associated with {pair.source} {id_}."
            refused = errors.ApiError(
                404, errors.NOT_FOUND, message, sub_category="crm.associations.NO_ASSOCIATIONS_FOUND"
            )
            failed.append({**refused.item({"fromObjectId": [id_]}), "subCategory": refused.sub_category})
            continue
        to, following = _page(pair, links, each.after or "", _PAGE)
        entry: Json = {"from": {"id": id_}, "to": to}
        if following:
            entry["paging"] = {"next": {"after": following}}
        results.append(entry)
    return answer_of(call.now, results, failed)


def list_labels(dialect: "HubSpotDialect", call: Call) -> Response:
    """The types two object types may be associated by."""
    pair = _pair(dialect, call)
    return json_response(200, {"results": [_spec(pair, type_id) for type_id in pair.types(pair.primary != 0)]})


def _few(inputs: tuple[Any, ...], most: int) -> tuple[Any, ...]:
    if len(inputs) > most:
        raise errors.bad_request(f"The batch has {len(inputs)} inputs; there may be at most {most}")
    return inputs


_ONE = "/crm/v4/objects/{from}/{id}/associations"
_MANY = "/crm/v4/associations/{from}/{to}"
_SOURCE = "HubSpot developer documentation, Associations v4"
ASSOCIATION_ROUTES = (
    Operation("association.list", "GET", f"{_ONE}/{{to}}", list_links, "Associations of a record", source=_SOURCE),
    Operation("association.put", "PUT", f"{_ONE}/{{to}}/{{to_id}}", put_link, "Associate by type", Any, success=201,
              source=_SOURCE),
    Operation("association.putDefault", "PUT", f"{_ONE}/default/{{to}}/{{to_id}}", put_default, "Associate",
              source=_SOURCE),
    Operation("association.remove", "DELETE", f"{_ONE}/{{to}}/{{to_id}}", remove_link, "Remove associations",
              success=204, source=_SOURCE),
    Operation("associations.create", "POST", f"{_MANY}/batch/create", create_links, "Associate pairs by type",
              PairPosts, success=201, source=_SOURCE),
    Operation("associations.createDefault", "POST", f"{_MANY}/batch/associate/default", create_defaults,
              "Associate pairs", PairPosts, source=_SOURCE),
    Operation("associations.archive", "POST", f"{_MANY}/batch/archive", archive_links, "Remove associations",
              PairArchives, success=204, source=_SOURCE),
    Operation("associations.read", "POST", f"{_MANY}/batch/read", read_links, "Associations of records", AskedBatch,
              source=_SOURCE),
    Operation("associations.labels", "GET", f"{_MANY}/labels", list_labels, "Association types", source=_SOURCE),
)  # fmt: skip

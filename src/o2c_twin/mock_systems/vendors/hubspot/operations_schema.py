"""Operations on the data model: properties, pipelines, owners.

Sources: HubSpot developer documentation, "Properties", "Pipelines", "Owners"; fields from `hubspot-api-client`.
"""

from typing import TYPE_CHECKING, Any

import msgspec

from o2c_twin.mock_systems.vendors.hubspot import errors
from o2c_twin.mock_systems.vendors.hubspot.calls import shape_of
from o2c_twin.mock_systems.vendors.hubspot.config import PropertyType
from o2c_twin.mock_systems.vendors.hubspot.records import Shape
from o2c_twin.mock_systems.vendors.hubspot.schema import PIPELINE, STAGES, Property, is_name
from o2c_twin.mock_systems.vendors.hubspot.values import stamp
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.hubspot.dialect import HubSpotDialect

Json = dict[str, Any]
_SOURCE = "HubSpot developer documentation, Properties"
OWNER_ID = "1"


class NewOption(msgspec.Struct, frozen=True):
    """A choice of an enumeration."""

    label: str
    value: str
    hidden: bool = False


class NewProperty(msgspec.Struct, frozen=True):
    """A property to be made."""

    name: str
    label: str
    type: PropertyType
    fieldType: str
    groupName: str
    description: str = ""
    options: tuple[NewOption, ...] = ()
    hasUniqueValue: bool = False


class ChangedProperty(msgspec.Struct, frozen=True):
    """What may be changed of a property."""

    label: str | None = None
    description: str | None = None
    options: tuple[NewOption, ...] | None = None


class NewProperties(msgspec.Struct, frozen=True):
    """Properties to be made."""

    inputs: tuple[NewProperty, ...]


def _shown(found: Property) -> Json:
    at = stamp(found.created_at)
    return {
        "updatedAt": at,
        "createdAt": at,
        "name": found.name,
        "label": found.label,
        "type": found.type,
        "fieldType": found.shown_field_type,
        "description": found.description,
        "groupName": found.group,
        "options": [
            {"label": label, "value": value, "displayOrder": order, "hidden": False}
            for order, (value, label) in enumerate(found.options)
        ],
        "displayOrder": -1,
        "calculated": found.source == "derived",
        "externalOptions": found.name == "hubspot_owner_id",
        "archived": False,
        "hasUniqueValue": found.unique,
        "hidden": False,
        "hubspotDefined": not found.custom,
        "modificationMetadata": {
            "archivable": found.custom,
            "readOnlyDefinition": not found.custom,
            "readOnlyOptions": not found.custom,
            "readOnlyValue": found.read_only,
        },
        "formField": found.custom,
    }


def _found(shape: Shape, name: str) -> Property:
    found = shape.properties.get(name)
    if found is None:
        raise errors.ApiError(404, errors.NOT_FOUND, f"Property {name} does not exist.")
    return found


def list_properties(dialect: "HubSpotDialect", call: Call) -> Response:
    """All properties of an object type."""
    shape = shape_of(dialect, call)
    return json_response(200, {"results": [_shown(found) for found in shape.properties.values()]})


def read_property(dialect: "HubSpotDialect", call: Call) -> Response:
    """One property."""
    return json_response(200, _shown(_found(shape_of(dialect, call), call.params["name"])))


def _make(dialect: "HubSpotDialect", shape: Shape, body: NewProperty) -> Property:
    if not is_name(body.name):
        raise errors.bad_request(f"Property name {body.name[:60]!r}: lower-case letters, digits, underscores only")
    if body.name in shape.properties:
        raise errors.ApiError(409, errors.CONFLICT, f"A property named '{body.name}' already exists.")
    if body.type == "enumeration" and not body.options:
        raise errors.bad_request(f"Property {body.name}: an enumeration needs options")
    if body.hasUniqueValue and body.type not in ("string", "number"):
        raise errors.bad_request(f"Property {body.name}: only text and numbers may be unique")
    made = Property(
        body.name,
        body.type,
        label=body.label,
        options=tuple((option.value, option.label) for option in body.options),
        unique=body.hasUniqueValue,
        custom=True,
        group=body.groupName,
        field_type=body.fieldType,
        description=body.description,
        created_at=dialect.world.clock.now(),
    )
    dialect.portal.add_property(shape, made)
    return made


def create_property(dialect: "HubSpotDialect", call: Call) -> Response:
    """A new property of the company's own."""
    return json_response(201, _shown(_make(dialect, shape_of(dialect, call), call.body)))


def update_property(dialect: "HubSpotDialect", call: Call) -> Response:
    """A changed property; type and uniqueness stay."""
    shape, body = shape_of(dialect, call), call.body
    found = _custom(shape, call.params["name"])
    options = found.options
    if body.options is not None:
        options = tuple((option.value, option.label) for option in body.options)
    changed = msgspec.structs.replace(
        found,
        label=found.label if body.label is None else body.label,
        description=found.description if body.description is None else body.description,
        options=options,
    )
    shape.add(changed)
    return json_response(200, _shown(changed))


def archive_property(dialect: "HubSpotDialect", call: Call) -> Response:
    """Archive a property of the company's own."""
    shape = shape_of(dialect, call)
    if call.params["name"] in shape.properties:
        shape.drop(_custom(shape, call.params["name"]).name)
    return Response(204)


def _custom(shape: Shape, name: str) -> Property:
    found = _found(shape, name)
    if not found.custom:
        raise errors.bad_request(f"Property {name} is defined by HubSpot and cannot be changed.")
    return found


def list_groups(dialect: "HubSpotDialect", call: Call) -> Response:
    """The property groups of an object type."""
    shape = shape_of(dialect, call)
    names = dict.fromkeys(found.group for found in shape.properties.values())
    results = [{"name": n, "label": n, "displayOrder": i, "archived": False} for i, n in enumerate(names)]
    return json_response(200, {"results": results})


# --- pipelines and owners ---------------------------------------------------------------------------


def _stage(dialect: "HubSpotDialect", place: int) -> Json:
    id_, label, probability, closed = STAGES[place]
    at = stamp(dialect.portal.born)
    return {
        "label": label,
        "displayOrder": place,
        "metadata": {"isClosed": "true" if closed else "false", "probability": probability},
        "id": id_,
        "createdAt": at,
        "updatedAt": at,
        "archived": False,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
    }


def _pipeline(dialect: "HubSpotDialect") -> Json:
    at = stamp(dialect.portal.born)
    return {
        "label": "Sales Pipeline",
        "displayOrder": 0,
        "id": PIPELINE,
        "stages": [_stage(dialect, place) for place in range(len(STAGES))],
        "createdAt": at,
        "updatedAt": at,
        "archived": False,
    }


def _of_deals(dialect: "HubSpotDialect", call: Call) -> None:
    if shape_of(dialect, call).type.name != "deals":
        raise errors.not_found()
    if call.params.get("pipeline", PIPELINE) != PIPELINE:
        raise errors.not_found()


def list_pipelines(dialect: "HubSpotDialect", call: Call) -> Response:
    """The pipelines of an object type: deals have one."""
    _of_deals(dialect, call)
    return json_response(200, {"results": [_pipeline(dialect)]})


def read_pipeline(dialect: "HubSpotDialect", call: Call) -> Response:
    """One pipeline."""
    _of_deals(dialect, call)
    return json_response(200, _pipeline(dialect))


def list_stages(dialect: "HubSpotDialect", call: Call) -> Response:
    """The stages of a pipeline."""
    _of_deals(dialect, call)
    return json_response(200, {"results": _pipeline(dialect)["stages"]})


def read_stage(dialect: "HubSpotDialect", call: Call) -> Response:
    """One stage."""
    _of_deals(dialect, call)
    for place, (id_, *_) in enumerate(STAGES):
        if id_ == call.params["stage"]:
            return json_response(200, _stage(dialect, place))
    raise errors.not_found()


def _owner(dialect: "HubSpotDialect") -> Json:
    at = stamp(dialect.portal.born)
    return {
        "id": OWNER_ID,
        "email": "owner@portal.example",
        "type": "PERSON",
        "firstName": "Sales",
        "lastName": "Owner",
        "userId": 1,
        "userIdIncludingInactive": 1,
        "createdAt": at,
        "updatedAt": at,
        "archived": False,
    }


def list_owners(dialect: "HubSpotDialect", call: Call) -> Response:
    """The owners records may have: one."""
    email = call.request.query.get("email")
    owner = _owner(dialect)
    return json_response(200, {"results": [owner] if email in (None, "", owner["email"]) else []})


def read_owner(dialect: "HubSpotDialect", call: Call) -> Response:
    """One owner."""
    if call.params["id"] != OWNER_ID:
        raise errors.not_found()
    return json_response(200, _owner(dialect))


_PROPERTIES = "/crm/v3/properties/{type}"
_PIPELINES = "/crm/v3/pipelines/{type}"
_PIPES = "HubSpot developer documentation, Pipelines"
SCHEMA_ROUTES = (
    Operation("property.list", "GET", _PROPERTIES, list_properties, "Properties of a type", source=_SOURCE),
    Operation("property.create", "POST", _PROPERTIES, create_property, "Create a property", NewProperty, success=201,
              source=_SOURCE),
    Operation("property.read", "GET", f"{_PROPERTIES}/{{name}}", read_property, "One property", source=_SOURCE),
    Operation("property.update", "PATCH", f"{_PROPERTIES}/{{name}}", update_property, "Change a property",
              ChangedProperty, source=_SOURCE),
    Operation("property.archive", "DELETE", f"{_PROPERTIES}/{{name}}", archive_property, "Archive a property",
              success=204, source=_SOURCE),
    Operation("property.groups", "GET", f"{_PROPERTIES}/groups", list_groups, "Property groups", source=_SOURCE),
    Operation("pipeline.list", "GET", _PIPELINES, list_pipelines, "Pipelines of a type", source=_PIPES),
    Operation("pipeline.read", "GET", f"{_PIPELINES}/{{pipeline}}", read_pipeline, "One pipeline", source=_PIPES),
    Operation("pipeline.stages", "GET", f"{_PIPELINES}/{{pipeline}}/stages", list_stages, "Stages", source=_PIPES),
    Operation("pipeline.stage", "GET", f"{_PIPELINES}/{{pipeline}}/stages/{{stage}}", read_stage, "One stage",
              source=_PIPES),
    Operation("owner.list", "GET", "/crm/v3/owners", list_owners, "Owners",
              source="HubSpot developer documentation, Owners"),
    Operation("owner.read", "GET", "/crm/v3/owners/{id}", read_owner, "One owner",
              source="HubSpot developer documentation, Owners"),
)  # fmt: skip

"""What all writes share: fields read by the entity's types, entity tags, locks, warnings beside a success."""

from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from o2c_twin.mock_systems.vendors.s4hana import errors
from o2c_twin.mock_systems.vendors.s4hana.edm import Entity
from o2c_twin.mock_systems.vendors.s4hana.state import Fields
from o2c_twin.mock_systems.vendors.s4hana.tables import ETAG, Row
from o2c_twin.mock_systems.vendors.s4hana.values import READERS
from o2c_twin.mock_systems.wire.message import Refused, Request, Response

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.s4hana.dialect import S4HanaDialect

_LONGEST = {"PurchaseOrderByCustomer": 35, "ExternalDocumentID": 40, "BusinessPartnerIDByExtSystem": 20}
_LONGEST |= {"SearchTerm1": 20, "SearchTerm2": 20, "OrganizationBPName1": 40, "OrganizationBPName2": 40}
_LONGEST |= {"EmailAddress": 241, "SalesDocumentRjcnReason": 2}
_USUAL = 60
DONE = 204


def read_fields(entity: Entity, body: Fields) -> tuple[Fields, dict[str, list[Fields]]]:
    """The properties of a body, typed, and the records nested under navigation properties.

    Raises `Refused` for a property the entity does not have, or a value of the wrong type.
    """
    fields: Fields = {}
    nested: dict[str, list[Fields]] = {}
    for name, value in body.items():
        if name == "__metadata":
            continue
        if name in entity.navs:
            nested[name] = _records(name, value)
            continue
        kind = entity.fields.get(name)
        if kind is None:
            errors.unknown_property(name, entity.type_name)
        try:
            fields[name] = READERS[kind](value)
        except ValueError as bad:
            errors.refuse(400, errors.GENERIC, f"Invalid value for property '{name}': {bad}", name)
        longest = _LONGEST.get(name, _USUAL)
        if kind == "String" and len(fields[name]) > longest:
            text = f"Property '{name}' has a value longer than its maximum length {longest}"
            errors.refuse(400, "/IWBEP/CM_MGW_RT/064", text, name)
    return fields, nested


def _records(name: str, value: Any) -> list[Fields]:
    # SAP Gateway takes the list as it is, or as a response wraps it.
    if isinstance(value, dict):
        if "__deferred" in value:
            return []
        value = value.get("results", [value])
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        errors.refuse(400, errors.GENERIC, f"'{name}' must hold records", name)
    return value


def required(fields: Fields, *names: str) -> None:
    """Raise `Refused` when one of the fields is missing or empty."""
    for name in names:
        if not fields.get(name):
            errors.business(f"Enter a value for field {name}.", "00/055", name)


def match_tag(request: Request, row: Row) -> None:
    """Raise `Refused`: 428 without ``If-Match``, 412 with one that no longer fits."""
    tag = row.get(ETAG)
    if tag is None:
        return
    sent = request.headers.get("if-match")
    if sent is None:
        text = "The request must be conditional. Try using the 'If-Match' header."
        raise Refused(errors.problem(428, "SADL_ENTITY_RUNTIME/004", text))
    if sent.strip() != "*" and tag not in [each.strip() for each in sent.split(",")]:
        text = "Precondition failed: the resource was changed since it was read."
        raise Refused(errors.problem(412, "/IWBEP/CM_MGW_RT/412", text))


def unlocked(dialect: "S4HanaDialect", kind: str, id_: str) -> None:
    """Raise `Refused` while a dialog user has the document open."""
    user = dialect.books.extras.locks.get(id_)
    if user is not None:
        errors.locked(f"{kind} {id_} is currently being processed by user {user}.")


def strings(fields: Fields, *names: str) -> dict[str, str]:
    """Those fields that were sent."""
    return {name: fields[name] for name in names if name in fields}


def not_covered(name: str, entity: Entity) -> NoReturn:
    """A field SAP would take and this mock cannot keep: said so, rather than dropped."""
    errors.business(f"Field {name} of {entity.name} cannot be changed.", errors.NOT_IMPLEMENTED, name)


def nothing(tag: str | None = None) -> Response:
    """204, with the record's new entity tag."""
    headers = {"dataserviceversion": "2.0"}
    if tag is not None:
        headers["etag"] = tag
    return Response(DONE, b"", headers)


def warned(response: Response, code: str, text: str, target: str = "") -> Response:
    """The same answer with a warning in ``sap-message``."""
    note = {"code": code, "message": text, "severity": "warning", "target": target, "details": []}
    response.headers["sap-message"] = msgspec.json.encode(note).decode()
    return response

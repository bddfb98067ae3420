"""A record as clients send it, checked field by field and turned into the core's values."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from o2c_twin.mock_systems.vendors.salesforce import errors
from o2c_twin.mock_systems.vendors.salesforce.ids import canonical
from o2c_twin.mock_systems.vendors.salesforce.org import Org
from o2c_twin.mock_systems.vendors.salesforce.schema import Field
from o2c_twin.mock_systems.vendors.salesforce.shapes import Shape
from o2c_twin.mock_systems.vendors.salesforce.values import (
    MOST,
    as_decimal,
    minor_units,
    read_date,
    read_instant,
    stored_number,
)

Shapes = Mapping[str, Shape]


class Intake(msgspec.Struct):
    """Checked values: for the core's own fields, for the company's, and for fields `rows` derives."""

    core: dict[str, Any]
    custom: dict[str, Any]
    derived: dict[str, Any]


def take_in(org: Org, shapes: Shapes, shape: Shape, body: Mapping[str, Any], creating: bool) -> Intake:
    """Check a body and convert it. Raises `ApiError`; nothing is changed either way."""
    taken = Intake({}, {}, {})
    blocked: list[str] = []
    given: list[str] = []
    for name, value in body.items():
        if name == "attributes":
            _check_type(shape, value)
            continue
        each = shape.field(name)
        field = None if each is None else each.field
        if field is None:
            field = shape.relations.get(name.lower())
            if field is None or (value is not None and not isinstance(value, dict)):
                raise errors.no_column(name, shape.name)
            value = _by_key(org, shapes, field, value)
        if field.kind == "id":
            message = f"The {field.name} field should not be specified in the sobject data."
            raise errors.ApiError(400, "INVALID_FIELD", message, (field.name,))
        if field.access == "read" or (field.access == "create" and not creating):
            blocked.append(field.name)
            continue
        given.append(field.name)
        empty = value is None or value == ""
        converted = _EMPTY.get(field.kind) if empty else _CONVERT[field.kind](org, shapes, field, value)
        if field.source == "core":
            taken.core[field.attribute] = converted
        elif field.source == "custom":
            taken.custom[field.name] = converted
        else:
            taken.derived[field.name] = converted
    if blocked:
        raise errors.not_writable(tuple(blocked))
    _check_required(shape, taken, given, creating)
    return taken


def _check_type(shape: Shape, attributes: Any) -> None:
    wanted = attributes.get("type") if isinstance(attributes, dict) else None
    if wanted is not None and str(wanted).lower() != shape.name.lower():
        message = f"The type in the attributes, {wanted}, is not that of the resource, {shape.name}"
        raise errors.ApiError(400, "INVALID_TYPE", message)


def _check_required(shape: Shape, taken: Intake, given: list[str], creating: bool) -> None:
    missing = []
    for field in shape.required:
        if creating or field.name in given:
            value = taken.core.get(field.attribute) if field.source == "core" else taken.derived.get(field.name)
            if value is None:
                missing.append(field.name)
    if missing:
        raise errors.required(tuple(missing))


def _by_key(org: Org, shapes: Shapes, field: Field, reference: dict[str, Any] | None) -> str | None:
    """The id of the parent a body names by external id: ``{"Account": {"ERP_Id__c": "C-1"}}``."""
    if reference is None:
        return None
    parent = shapes[field.refers]
    names = [name for name in reference if name != "attributes"]
    each = parent.field(names[0]) if len(names) == 1 else None
    if each is None or not (each.field.key or each.field.kind == "id"):
        raise errors.ApiError(400, "INVALID_FIELD", f"{field.relationship}: name one external id of {parent.name}")
    value = str(reference[names[0]])
    if each.field.kind == "id":
        return value
    found = org.core.find(parent.kind, each.field.name, value)
    if len(found) != 1:
        what = "not found" if not found else "is not unique"
        message = f"Foreign key external ID: {value} {what} for field {each.field.name} in entity {parent.name}"
        raise errors.ApiError(400, "INVALID_FIELD", message)
    return str(found[0].id)


_TOKENS = {str: "VALUE_STRING", int: "VALUE_NUMBER_INT", Decimal: "VALUE_NUMBER_FLOAT", list: "START_ARRAY"}


def _wrong(field: Field, value: Any) -> errors.ApiError:
    token = f"VALUE_{str(value).upper()}" if isinstance(value, bool) else _TOKENS.get(type(value), "START_OBJECT")
    kind = "string" if field.kind in ("textarea", "phone", "email", "picklist", "reference") else field.kind
    return errors.wrong_type(kind, token, value)


def _text(org: Org, shapes: Shapes, field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(field, value)
    if len(value) > field.length:
        raise errors.too_long(field.label, field.name, value, field.length)
    return value


def _email(org: Org, shapes: Shapes, field: Field, value: Any) -> str:
    text = _text(org, shapes, field, value)
    before, at, after = text.partition("@")
    if not (before and at and "." in after and " " not in text):
        message = f"{field.label}: invalid email address: {text}"
        raise errors.ApiError(400, "INVALID_EMAIL_ADDRESS", message, (field.name,))
    return text


def _picklist(org: Org, shapes: Shapes, field: Field, value: Any) -> str:
    text = _text(org, shapes, field, value)
    if field.choices and text not in field.choices:
        raise errors.bad_picklist(field.label, field.name, text)
    return text


def _boolean(org: Org, shapes: Shapes, field: Field, value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise _wrong(field, value)
    return value


def _decimal(field: Field, value: Any) -> Decimal:
    found = as_decimal(value)
    if found is None:
        raise _wrong(field, value)
    if abs(found) >= MOST:
        message = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise errors.ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", message, (field.name,))
    return found


def _money(org: Org, shapes: Shapes, field: Field, value: Any) -> int:
    return minor_units(_decimal(field, value), org.config.currency_digits)


def _double(org: Org, shapes: Shapes, field: Field, value: Any) -> int | str:
    return stored_number(_decimal(field, value))


def _date(org: Org, shapes: Shapes, field: Field, value: Any) -> str:
    found = read_date(value)
    if found is None:
        raise _wrong(field, value)
    return found


def _instant(org: Org, shapes: Shapes, field: Field, value: Any) -> int:
    found = read_instant(value)
    if found is None:
        raise _wrong(field, value)
    return found


def _reference(org: Org, shapes: Shapes, field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(field, value)
    target = shapes[field.refers].sobject
    if org.lookup(target, value) is not None:
        return value
    id_ = canonical(value)
    if id_ is None or id_[:3] != target.prefix:
        raise errors.malformed_id(field.label, field.name, value)
    if org.lookup(target, id_) is None:
        if org.is_deleted(target, id_):
            raise errors.ApiError(400, "ENTITY_IS_DELETED", "entity is deleted", (field.name,))
        raise errors.bad_reference(field.name)
    return id_


_EMPTY = {"boolean": False}
"""What an empty value means where it is not null."""

_CONVERT: dict[str, Callable[[Org, Shapes, Field, Any], Any]] = {
    "string": _text,
    "textarea": _text,
    "phone": _text,
    "email": _email,
    "picklist": _picklist,
    "boolean": _boolean,
    "currency": _money,
    "double": _double,
    "int": _double,
    "date": _date,
    "datetime": _instant,
    "reference": _reference,
}

"""Reading a body: names are checked, then each property is taken as the type it must have."""

from typing import Any
from uuid import UUID

from o2c_twin.mock_systems.vendors.business_central.entities import EntityType, Field
from o2c_twin.mock_systems.vendors.business_central.errors import bad_request, field_refused, refuse
from o2c_twin.mock_systems.vendors.business_central.values import NO_GUID, BadValue, minor_of, read_day, whole_of


class Body:
    """One record as sent, each value of its type; ``parts`` are the records within it (deep insert)."""

    __slots__ = ("fields", "parts")

    def __init__(self, fields: dict[str, Any], parts: dict[str, list[dict[str, Any]]]) -> None:
        self.fields = fields
        self.parts = parts

    def has(self, name: str) -> bool:
        """Whether the property is there."""
        return name in self.fields

    def text(self, name: str) -> str | None:
        """A text; None when absent or empty."""
        return self.fields.get(name) or None

    def guid(self, name: str) -> str | None:
        """A GUID; None when absent or all zeros."""
        value = self.fields.get(name)
        return None if value in (None, NO_GUID) else str(value)

    def flag(self, name: str) -> bool | None:
        """A boolean."""
        return self.fields.get(name)

    def money(self, name: str) -> int | None:
        """An amount in minor units. Raises `Refused` for fractions of a cent."""
        value = self.fields.get(name)
        try:
            return None if value is None else minor_of(value)
        except BadValue:
            field_refused(name, value)

    def whole(self, name: str) -> int | None:
        """A whole number. Raises `Refused` for another."""
        value = self.fields.get(name)
        try:
            return None if value is None else whole_of(value)
        except BadValue:
            field_refused(name, value)

    def kept(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Those of the properties that are there."""
        return {name: self.fields[name] for name in names if name in self.fields}


def read_body(entity: EntityType, raw: dict[str, Any], capitals: bool) -> Body:
    """A record as sent. ``capitals``: code fields are kept in capitals. Raises `Refused` for the first bad property."""
    fields: dict[str, Any] = {}
    parts: dict[str, list[dict[str, Any]]] = {}
    for name, value in raw.items():
        if "@" in name:
            continue
        field = entity.fields.get(name)
        if field is None:
            if name not in entity.parts:
                bad_request(
                    f"The property '{name}' does not exist on type 'Microsoft.NAV.{entity.name}'. Make sure to only use"
                    " property names that are defined by the type."
                )
            if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
                _wrong_type(name, "Collection")
            parts[name] = value
        elif not field.editable:
            if value is not None:
                bad_request(f"Control '{name}' is read-only.")
        elif value is not None:
            fields[name] = _value(field, value, capitals)
    return Body(fields, parts)


def _wrong_type(name: str, wanted: str) -> Any:
    bad_request(f"Cannot convert the value of property '{name}' to the expected type '{wanted}'.")


def _value(field: Field, value: Any, capitals: bool) -> Any:
    kind = field.type
    if kind in "cte":
        if not isinstance(value, str):
            _wrong_type(field.name, field.edm)
        if field.size and len(value) > field.size:
            text = f"The length of the string is {len(value)}, but it must be less than or equal to {field.size}"
            refuse(400, "Application_StringExceededLength", f"{text} characters. Value: {value[:100]}")
        return value.strip().upper() if kind == "c" and capitals else value
    if kind == "b":
        return value if isinstance(value, bool) else _wrong_type(field.name, field.edm)
    if kind in "di":
        if isinstance(value, bool | str | list | dict):
            _wrong_type(field.name, field.edm)
        return value
    try:
        return read_day(value) if kind == "D" else str(UUID(value))
    except (BadValue, ValueError, AttributeError, TypeError):
        _wrong_type(field.name, field.edm)

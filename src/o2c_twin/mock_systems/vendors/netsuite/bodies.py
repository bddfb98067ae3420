"""Reading a record body: names are checked first, then each property is taken as the type it must have."""

from collections.abc import Iterator
from typing import Any, NoReturn

from o2c_twin.mock_systems.vendors.netsuite.errors import invalid_value, unknown_property
from o2c_twin.mock_systems.vendors.netsuite.fields import CUSTOM_PREFIXES, PROPERTIES
from o2c_twin.mock_systems.vendors.netsuite.values import BadValue, minor, whole

NAME_VALIDATION = "x-netsuite-propertynamevalidation"
_ENVELOPE = frozenset(("items", "links", "totalResults", "count", "hasMore", "offset"))


class Body:
    """One record, or one line of a sublist, as sent. ``path`` is where it stands in the request."""

    __slots__ = ("_path", "fields")

    def __init__(self, fields: dict[str, Any], path: str = "") -> None:
        self.fields = fields
        self._path = path

    def has(self, name: str) -> bool:
        """Whether the property is there, be it null."""
        return name in self.fields

    def path(self, name: str) -> str:
        """Where the property stands, such as ``item.items[0].quantity``."""
        return f"{self._path}.{name}" if self._path else name

    def refuse(self, name: str, value: object = None) -> NoReturn:
        """Raise the refusal of this property's value."""
        given = self.fields.get(name) if value is None else value
        invalid_value(given, name.lower(), self.path(name))

    def text(self, name: str) -> str | None:
        """A string; a number is taken as its text. None when absent, null or empty."""
        value = self.fields.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool | dict | list):
            self.refuse(name)
        return str(value)

    def flag(self, name: str) -> bool | None:
        """A boolean, also as NetSuite's ``T`` and ``F``."""
        value = self.fields.get(name)
        if value is None or isinstance(value, bool):
            return value
        if value in ("T", "F"):
            return bool(value == "T")
        self.refuse(name)

    def money(self, name: str) -> int | None:
        """An amount in minor units."""
        value = self.fields.get(name)
        try:
            return None if value is None else minor(value)
        except BadValue:
            self.refuse(name)

    def whole(self, name: str) -> int | None:
        """A whole number."""
        value = self.fields.get(name)
        try:
            return None if value is None else whole(value)
        except BadValue:
            self.refuse(name)

    def reference(self, name: str) -> "Reference | None":
        """A reference to another record or to a value of a list: an object, or the bare id."""
        value = self.fields.get(name)
        if value is None:
            return None
        if isinstance(value, dict):
            parts = {k: v for k, v in value.items() if k in ("id", "externalId", "refName") and v is not None}
            if not parts or any(isinstance(v, dict | list | bool) for v in parts.values()):
                self.refuse(name)
            return Reference({k: str(v) for k, v in parts.items()})
        if isinstance(value, list | bool):
            self.refuse(name)
        return Reference({"id": str(value)})

    def lines(self, name: str) -> list["Body"] | None:
        """The lines of a sublist (``{"items": [...]}``); None when it is not in the body."""
        value = self.fields.get(name)
        if value is None:
            return None
        items = value.get("items") if isinstance(value, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            self.refuse(name, "of another type")
        return [Body(item, f"{name}.items[{i}]") for i, item in enumerate(items)]


class Reference:
    """What a reference names: ``id``, ``external_id`` or ``name``, the first that is there."""

    __slots__ = ("external_id", "id", "name")

    def __init__(self, parts: dict[str, str]) -> None:
        self.id = parts.get("id")
        self.external_id = parts.get("externalId")
        self.name = parts.get("refName")

    def __str__(self) -> str:
        return self.id or self.external_id or self.name or ""


def read_body(record_type: str, fields: dict[str, Any], validation: str | None, custom: tuple[str, ...]) -> Body:
    """The body of one record, its names checked as the request asks for.

    ``validation`` is the header's value: Error, Warning (the default) or Ignore; ``custom`` the custom
    fields that exist. Raises `Refused` for the first unknown name under Error.
    """
    if validation is not None and validation.lower() == "error":
        for path in unknown_names(record_type, fields, custom):
            unknown_property(path)
    return Body(fields)


def unknown_names(record_type: str, fields: dict[str, Any], custom: tuple[str, ...]) -> Iterator[str]:
    """Paths of properties the record type does not have, in the order of the body."""
    properties = PROPERTIES[record_type]
    for name, value in fields.items():
        if name in properties.kept:
            continue
        line = properties.sublists.get(name)
        if line is None:
            if not properties.knows(name) and not (name.startswith(CUSTOM_PREFIXES) and name in custom):
                yield name
        elif isinstance(value, dict):
            yield from (f"{name}.{each}" for each in value if each not in _ENVELOPE)
            items = value.get("items")
            for i, item in enumerate(items if isinstance(items, list) else ()):
                if isinstance(item, dict):
                    for each in item:
                        if each not in line and not (each.startswith(CUSTOM_PREFIXES) and each in custom):
                            yield f"{name}.items[{i}].{each}"

"""Reading request bodies: the envelope, the fields a resource has, and what is wrong with them, all at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from o2c_twin.mock_systems.vendors.gocardless.errors import Errors, Fault
from o2c_twin.mock_systems.vendors.gocardless.values import day_of_text

BLANK = "can't be blank"
MOST_MINOR = 99_999_999_999
CURRENCIES = ("AUD", "CAD", "DKK", "EUR", "GBP", "NZD", "SEK", "USD")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind, whether it must be there, and how long a text may be. ``links`` are a kind's names."""

    kind: Literal["text", "whole", "flag", "date", "metadata", "links", "currency"]
    required: bool = False
    longest: int = 255
    links: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()


Fields = Mapping[str, Field]
METADATA = Field("metadata")


def read(errors: Errors, envelope: str, body: Any, fields: Fields) -> dict[str, Any]:
    """The fields of a body such as ``{"payments": {...}}``; what was not sent is None, metadata and links are {}.

    Raises `Refused`: 400 without the envelope, 422 naming every field that cannot be taken.
    """
    sent = body.get(envelope) if isinstance(body, dict) else None
    if not isinstance(sent, dict):
        errors.refuse_usage(400, "invalid_document_structure", f"Invalid document structure: no object '{envelope}'")
    faults: list[Fault] = [(name, "is not a recognised field") for name in sent if name not in fields]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        value = sent.get(name)
        if value is None or value == "":
            if field.required:
                faults.append((name, BLANK))
            values[name] = {} if field.kind in ("metadata", "links") else None
            if field.kind == "links":
                faults += [(f"{name}/{link}", BLANK) for link in field.needed]
            continue
        fault = _fault(name, field, value)
        faults += fault
        values[name] = value
    if faults:
        errors.invalid(envelope, faults)
    return values


def read_metadata(errors: Errors, body: Any) -> dict[str, str]:
    """The metadata of an action's body, ``{"data": {"metadata": {...}}}``; nothing at all will do."""
    if body is None or body == {}:
        return {}
    found: dict[str, str] = read(errors, "data", body, {"metadata": METADATA})["metadata"]
    return found


def _fault(name: str, field: Field, value: Any) -> list[Fault]:
    kind = field.kind
    if kind == "text":
        if not isinstance(value, str):
            return [(name, "must be a string")]
        if len(value) > field.longest:
            return [(name, f"is too long (maximum is {field.longest} characters)")]
    elif kind == "whole":
        if not isinstance(value, int) or isinstance(value, bool):
            return [(name, "must be a number")]
        if value <= 0:
            return [(name, "must be greater than 0")]
        if value > MOST_MINOR:
            return [(name, f"must be less than or equal to {MOST_MINOR}")]
    elif kind == "flag":
        if not isinstance(value, bool):
            return [(name, "must be true or false")]
    elif kind == "date":
        if not isinstance(value, str) or day_of_text(value) is None:
            return [(name, "must be a date such as 2026-03-31")]
    elif kind == "currency":
        if value not in CURRENCIES:
            return [(name, f"must be one of {', '.join(CURRENCIES)}")]
    elif kind == "metadata":
        return _metadata_faults(name, value)
    else:
        return _link_faults(name, field, value)
    return []


def _metadata_faults(name: str, value: Any) -> list[Fault]:
    if not isinstance(value, dict):
        return [(name, "must be an object")]
    if len(value) > 3:
        return [(name, "must have at most 3 keys")]
    if any(len(key) > 50 for key in value):
        return [(name, "keys must be at most 50 characters")]
    if any(not isinstance(text, str) or len(text) > 500 for text in value.values()):
        return [(name, "values must be strings of at most 500 characters")]
    return []


def _link_faults(name: str, field: Field, value: Any) -> list[Fault]:
    if not isinstance(value, dict):
        return [(name, "must be an object")]
    faults: list[Fault] = [(f"{name}/{link}", "is not a recognised link") for link in value if link not in field.links]
    faults += [(f"{name}/{link}", BLANK) for link in field.needed if not value.get(link)]
    faults += [
        (f"{name}/{link}", "must be a string")
        for link, id_ in value.items()
        if id_ is not None and not isinstance(id_, str)
    ]
    return faults

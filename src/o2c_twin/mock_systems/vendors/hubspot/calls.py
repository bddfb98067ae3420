"""What operations share: the object type of a path, lists in queries, families of addresses, whole changes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import msgspec

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.hubspot import errors
from o2c_twin.mock_systems.vendors.hubspot.records import Shape
from o2c_twin.mock_systems.wire.message import Response
from o2c_twin.mock_systems.wire.route import Call, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.hubspot.dialect import HubSpotDialect

VERSIONS = ("2025-09", "2026-03", "2026-09")
"""Dates the newer family of addresses may name."""
REFERENCE = "HubSpot CRM API description"
_MOST_ID = 100

Handler = Callable[[Any, Call], Response]


def in_families(*operations: Operation) -> tuple[Operation, ...]:
    """Operations under ``/crm/v3/…``, and again under the date-versioned ``/crm/…/{version}``."""
    found = []
    for operation in operations:
        found.append(operation)
        path = operation.path.replace("/crm/v3/objects", "/crm/objects/{version}")
        found.append(
            Operation(
                f"{operation.name}.dated",
                operation.method,
                path,
                _dated(operation.handler),
                operation.summary,
                operation.body,
                operation.answer,
                operation.success,
                standing=operation.standing,
                source=operation.source,
            )
        )
    return tuple(found)


def _dated(handler: Handler) -> Handler:
    @wraps(handler)
    def checked(dialect: Any, call: Call) -> Response:
        if call.params["version"] not in VERSIONS:
            raise errors.not_found()
        return handler(dialect, call)

    return checked


def shape_of(dialect: "HubSpotDialect", call: Call, name: str = "type") -> Shape:
    """The object type a path names. Raises `ApiError`."""
    return dialect.portal.shape(call.params[name])


def listed(call: Call, name: str) -> list[str] | None:
    """A comma-separated list in the query; None when it is not given."""
    text = call.request.query.get(name)
    return None if text is None else [each.strip() for each in text.split(",") if each.strip()]


def wants_archived(call: Call) -> bool:
    """Whether a call asks for archived records."""
    return call.request.query.get("archived", "false").lower() == "true"


def page_size(call: Call, usual: int, most: int) -> int:
    """The ``limit`` of the query. Raises `ApiError`."""
    text = call.request.query.get("limit", "")
    if not text:
        return usual
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or not 0 < int(text) <= most:
        raise errors.bad_request(f"Invalid limit {text[:40]!r}: give 1 to {most}")
    return int(text)


def plain_id(text: str | int) -> str:
    """An id as the core spells it."""
    return str(text)[:_MOST_ID]


def as_type(value: Any, type_: Any) -> Any:
    """Part of a body as a type. Raises `ApiError` when it is not of it."""
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as bad:
        raise errors.bad_request(f"Invalid input JSON: {bad}") from None


@contextmanager
def writing(dialect: "HubSpotDialect") -> Iterator[None]:
    """Changes made inside are the app's, and made whole or not at all."""
    try:
        with dialect.webhooks.by_app(), dialect.core.whole():
            yield
    except RuleError as broken:
        raise errors.bad_request(f"{broken.code}: {broken.message}") from None

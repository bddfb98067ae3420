"""Fields of a sales order the core has no use for, kept as sent: custom fields, and a line's tax code and price."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from o2c_twin.mock_systems.vendors.netsuite.bodies import Body

_LINE = ("taxCode", "price")
_BODY_PREFIX, _LINE_PREFIX = "custbody", "custcol"


class KeptState(msgspec.Struct):
    """By the order's id: fields of the order, and of each of its lines."""

    fields: dict[str, dict[str, Any]] = {}
    lines: dict[str, list[dict[str, Any]]] = {}


class Kept:
    """What an account keeps of its orders besides the core's records; ``custom`` are the custom fields it has."""

    def __init__(self, custom: Iterable[str]) -> None:
        names = tuple(custom)
        self._fields = tuple(name for name in names if name.startswith(_BODY_PREFIX))
        self._line = (*_LINE, *(name for name in names if name.startswith(_LINE_PREFIX)))
        self.state = KeptState()

    def take(self, order: str, body: Body, rows: Sequence[Body] = ()) -> None:
        """Keep what a request says of an order, and of its lines when these are new."""
        fields = _held(body, self._fields)
        if fields:
            self.state.fields.setdefault(order, {}).update(fields)
        lines = [_held(row, self._line) for row in rows]
        if any(lines):
            self.state.lines[order] = lines

    def of(self, order: str) -> dict[str, Any]:
        """The fields of an order."""
        return self.state.fields.get(order, {})

    def of_line(self, order: str, place: int) -> dict[str, Any]:
        """The fields of an order's line, by its place in the order."""
        lines = self.state.lines.get(order)
        return {} if lines is None else lines[place]


def _held(body: Body, names: Iterable[str]) -> dict[str, Any]:
    return {name: body.fields[name] for name in names if body.has(name)}

"""The route table: each operation of a vendor declared once, typed, with its source."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from o2c_twin.mock_systems.wire.message import Request, Response

Standing = Literal["documented", "recorded", "assumed"]


class Principal(msgspec.Struct, frozen=True):
    """Who calls: the keys a limit policy may count by."""

    tenant: str
    app: str
    user: str


class Call(msgspec.Struct, gc=False):
    """One request on its way through a handler.

    ``params`` are the path's parameters, ``body`` the decoded body when the operation names a type.
    """

    request: Request
    params: dict[str, str]
    principal: Principal
    now: int
    body: Any = None


Handler = Callable[[Any, Call], Response]
"""A handler takes the dialect it belongs to and the call; it changes state whole or raises."""
Asks = Callable[[Any, Call], Awaitable[None]]
"""What has to be asked of somebody outside before a handler may run; raises `Refused` when the answer is no."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a vendor.

    ``path`` uses ``{name}`` for a parameter that spans one segment. ``body`` is the msgspec type
    the request is decoded into (None: the handler reads bytes). ``open`` operations need no login.
    ``cost`` is what a limit policy counts. ``source`` says where the behaviour is documented. ``asks`` is waited for
    before the handler runs: the caller has no answer until somebody else has given theirs.
    """

    name: str
    method: str
    path: str
    handler: Handler
    summary: str
    body: Any = None
    answer: Any = None
    success: int = 200
    open: bool = False
    cost: int = 1
    standing: Standing = "documented"
    source: str = ""
    tags: tuple[str, ...] = ()
    asks: Asks | None = None


@dataclass(slots=True)
class _Node:
    static: dict[str, "_Node"] = field(default_factory=dict)
    param: "_Node | None" = None
    param_methods: dict[str, tuple[Operation, tuple[str, ...]]] = field(default_factory=dict)


_Short = tuple[Operation, dict[str, str], str, dict[str, _Node]]
_MOST_SHORT = 1_024


class Router:
    """Finds the operation of a method and path; a trailing slash makes no difference."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Node()
        # Most paths differ from an earlier one in their last segment only, an id: by what is before it, the
        # operation, the parameters so far, the last one's name and the static segments that would go before it.
        self._short: dict[tuple[str, str], _Short] = {}
        for operation in operations:
            node = self._root
            names: list[str] = []
            for segment in operation.path.strip("/").split("/"):
                if segment.startswith("{"):
                    names.append(segment[1:-1])
                    if node.param is None:
                        node.param = _Node()
                    node = node.param
                else:
                    node = node.static.setdefault(segment, _Node())
            if operation.method in node.param_methods:
                raise ValueError(f"{operation.method} {operation.path}: declared twice")
            node.param_methods[operation.method] = (operation, tuple(names))

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | set[str] | None:
        """The operation and its parameters; None for an unknown path; for a known path with
        another method, the methods it has."""
        before, _, last = path.rpartition("/")
        short = self._short.get((method, before))
        if short is not None and last and last not in short[3]:
            return short[0], {**short[1], short[2]: last}
        segments = path.strip("/").split("/")
        node = parent = self._root
        values: list[str] = []
        for segment in segments:
            step = node.static.get(segment)
            if step is None:
                step = node.param
                if step is None:
                    break
                values.append(segment)
            parent, node = node, step
        else:
            entry = node.param_methods.get(method)
            if entry is not None:
                found = dict(zip(entry[1], values, strict=True))
                if node is parent.param and last:
                    self._remember(method, before, entry, found, parent)
                return entry[0], found
        values = []
        end = self._descend(self._root, segments, 0, values, method)
        if end is not None:
            operation, names = end.param_methods[method]
            return operation, dict(zip(names, values, strict=True))
        end = self._descend(self._root, segments, 0, [], None)
        return None if end is None else set(end.param_methods)

    def _remember(
        self, method: str, before: str, entry: tuple[Operation, tuple[str, ...]], found: dict[str, str], parent: _Node
    ) -> None:
        if len(self._short) >= _MOST_SHORT:
            self._short.clear()
        *names, last = entry[1]
        self._short[method, before] = (entry[0], {name: found[name] for name in names}, last, parent.static)

    def _descend(self, node: _Node, segments: list[str], i: int, values: list[str], method: str | None) -> _Node | None:
        # A static segment wins over a parameter, with a way back when it leads nowhere. Without a
        # method any operation at the end of the path will do.
        if i == len(segments):
            return node if (method in node.param_methods if method is not None else node.param_methods) else None
        segment = segments[i]
        step = node.static.get(segment)
        if step is not None:
            found = self._descend(step, segments, i + 1, values, method)
            if found is not None:
                return found
        if node.param is not None:
            values.append(segment)
            found = self._descend(node.param, segments, i + 1, values, method)
            if found is not None:
                return found
            values.pop()
        return None

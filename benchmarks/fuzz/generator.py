"""Requests at an operation, with something wrong in most: from its path, its body's type and what the system told."""

import json
import random
from collections.abc import Callable
from typing import Any, get_args, get_origin
from urllib.parse import quote, urlencode

import msgspec

from fuzz.hints import Hints
from fuzz.logins import URL, Logins
from fuzz.memory import Memory
from fuzz.values import GARBAGE, HEADER_VALUES, HEADERS, ODD, QUERIES, QUERY_VALUES, cut, flat
from o2c_twin.mock_systems.wire.message import Request
from o2c_twin.mock_systems.wire.route import Operation

PLAIN = "/:!@$&'()*+,;=~"
"""What a path keeps as it is."""
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


class Generator:
    """Makes requests to one system; the same seed and the same answers give the same requests."""

    def __init__(self, rng: random.Random, memory: Memory, hints: Hints, dialect: Any, logins: Logins) -> None:
        self._rng, self._memory, self._hints, self._logins = rng, memory, hints, logins
        self._settings = {name: text.format(dialect) for name, text in hints.settings.items()}

    def anywhere(self) -> Request:
        """A path nobody serves."""
        path = "/" + "/".join(str(self._rng.choice(ODD))[:40] for _ in range(self._rng.randrange(1, 5)))
        return Request("GET", path, {}, {}, b"", URL, quote(path, PLAIN))

    def request(self, operation: Operation) -> Request:
        """A request at an operation."""
        rng = self._rng
        parts = operation.path.split("/")
        path = "/".join(self._segment(part, before) for before, part in zip(["", *parts], parts, strict=False))
        method = operation.method if rng.random() < 0.97 else rng.choice(("GET", "PUT", "PATCH", "DELETE", "HEAD", "X"))
        query = dict(self._query() for _ in range(rng.choice((0, 0, 1, 2) if method == "GET" else (0, 0, 0, 0, 1))))
        kind, body = (_JSON, b"") if method == "GET" else self._body(operation)
        if method == "POST" and rng.random() < 0.8:
            query |= {name: self._memory.filled(text) for name, text in self._hints.always.items()}
        headers = (
            self._logins.headers(method, path, query)
            if rng.random() < 0.97
            else {"authorization": rng.choice(("", "B", "Basic é"))}
        )
        headers["content-type"] = kind
        if rng.random() < 0.15:
            name = rng.choice(HEADERS)
            headers[name] = rng.choice(HEADER_VALUES)
        return Request(method, path, query, headers, body, URL, quote(path, PLAIN))

    def _segment(self, part: str, before: str) -> str:
        if "{" not in part:
            return part
        rng, memory, known = self._rng, self._memory, self._hints.params
        name = part.strip("{}")
        drawn = rng.random()
        if name in self._settings and drawn < 0.95:
            return self._settings[name]
        if self._hints.sets:
            return self._of_a_set()
        there = memory.ids_of(before)
        if there and rng.random() < 0.6:
            return rng.choice(there)
        if name in known and drawn < 0.93:
            return memory.filled(rng.choice(known[name]))
        if memory.ids and drawn < 0.97:
            return rng.choice(memory.ids)
        return str(rng.choice(ODD))

    def _of_a_set(self) -> str:
        """An entity set or a record of it, as ``set(key)``."""
        rng = self._rng
        kind = rng.choice(self._hints.sets)
        there = self._memory.ids_of(kind) or self._memory.ids
        key = rng.choice(there) if there and rng.random() < 0.9 else str(rng.choice(ODD))
        return rng.choice((*[f"{kind}({key})"] * 5, kind, kind, key, "x("))

    def _query(self) -> tuple[str, str]:
        rng, known = self._rng, self._hints.queries
        if known and rng.random() < 0.5:
            name = rng.choice(sorted(known))
            text = self._memory.filled(rng.choice(known[name]))
            return name, text if rng.random() < 0.6 else cut(rng, text)
        value = rng.choice((*QUERY_VALUES, *self._memory.ids[-5:])) if rng.random() < 0.8 else str(rng.choice(ODD))
        return rng.choice(QUERIES), value

    def _body(self, operation: Operation) -> tuple[str, bytes]:
        rng = self._rng
        if rng.random() < 0.08:
            return _JSON, rng.choice(GARBAGE)
        if operation.body is None and rng.random() < 0.4:
            return _FORM, b""
        known = self._memory.corpus.get(operation.name)
        if known and rng.random() < 0.7:
            kind, body = rng.choice(known)
            return self._varied(kind, body)
        if self._hints.bodies and rng.random() < (0.5 if operation.body is None else 0.1):
            text = rng.choice(self._hints.bodies)
            return rng.choice((_JSON, "text/csv", "text/xml")), (
                text if rng.random() < 0.6 else cut(rng, text)
            ).encode()
        typed = operation.body not in (None, dict[str, Any], dict[str, Any] | None, Any)
        value = self._of_type(operation.body, 0) if typed else self._object()
        if self._hints.form or (operation.body is None and rng.random() < 0.3):
            return _FORM, urlencode(list(flat(value))).encode()
        return _JSON, json.dumps(value).encode()

    def _varied(self, kind: str, body: bytes) -> tuple[str, bytes]:
        """A body that was accepted, with one thing or nothing changed."""
        try:
            value = json.loads(body)
        except ValueError:
            return kind, body if self._rng.random() < 0.5 else cut(self._rng, body.decode("utf-8", "replace")).encode()
        value = self._memory.resolved(value)
        if self._rng.random() < 0.6:
            value = self._one_changed(value)
        if self._hints.form:
            return _FORM, urlencode(list(flat(value))).encode()
        return kind or _JSON, json.dumps(value).encode()

    def _one_changed(self, value: Any) -> Any:
        rng = self._rng
        if isinstance(value, dict) and value and rng.random() < 0.85:
            key = rng.choice(list(value))
            if rng.random() < 0.15:
                return {k: v for k, v in value.items() if k != key}
            return {**value, key: self._one_changed(value[key])}
        if isinstance(value, list) and value and rng.random() < 0.85:
            return [self._one_changed(value[0]), *value[1:]]
        return self._memory.value()

    def _object(self) -> Any:
        """A record as the system told one, in part, with other values here and there."""
        rng, memory = self._rng, self._memory
        if not memory.records or rng.random() < 0.1:
            return {rng.choice(("name", "id", "amount", "customer", "item")): memory.value() for _ in range(3)}
        return self._mutated(rng.choice(memory.records), 0)

    def _mutated(self, value: Any, depth: int) -> Any:
        rng = self._rng
        if rng.random() < 0.06:
            return self._memory.value()
        if isinstance(value, dict):
            kept = [key for key in value if rng.random() < (0.6 if depth == 0 else 0.9)]
            return {key: self._mutated(value[key], depth + 1) for key in kept}
        if isinstance(value, list):
            return [self._mutated(each, depth + 1) for each in value[:3]]
        return value

    def _of_type(self, kind: Any, depth: int) -> Any:
        """A value of a body's type, with something else now and then."""
        rng = self._rng
        if rng.random() < 0.1 or depth > 6:
            return self._memory.value()
        origin, inner = get_origin(kind), get_args(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return {
                each.encode_name: self._of_type(each.type, depth + 1)
                for each in msgspec.structs.fields(kind)
                if each.required or rng.random() < 0.5
            }
        if origin in (list, tuple):
            return [self._of_type(inner[0] if inner else Any, depth + 1) for _ in range(rng.randrange(4))]
        if origin is dict:
            return self._object() if depth < 3 else {}
        if inner:
            return rng.choice(inner) if isinstance(inner[0], str) else self._of_type(rng.choice(inner), depth + 1)
        made: dict[Any, Callable[[], Any]] = {
            int: lambda: rng.choice((0, 1, 2, 100, -1, 10**12)),
            bool: lambda: rng.random() < 0.5,
            float: lambda: rng.choice((0.0, 1.5, -2.0)),
            type(None): lambda: None,
        }
        return made.get(kind, self._memory.value)()

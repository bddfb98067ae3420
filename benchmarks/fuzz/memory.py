"""What a client has been told: ids, records, and bodies that were accepted. Requests are made from it."""

import json
import random
import re
from typing import Any

import msgspec

from fuzz.hints import Hints
from fuzz.values import ODD, heads, objects
from o2c_twin.mock_systems.wire.message import Request, Response

_REFERENCE = re.compile(r"\$[a-z_]+\b")


class Memory:
    """``ids_at`` are ids by the part of a path they were told at, ``corpus`` content type and body by operation."""

    def __init__(self, rng: random.Random, hints: Hints) -> None:
        self._rng, self._hints = rng, hints
        self.ids: list[str] = []
        self.ids_at: dict[str, list[str]] = {}
        self.records: list[dict[str, Any]] = []
        self.corpus: dict[str, list[tuple[str, bytes]]] = {
            operation: [("", json.dumps(body).encode()) for body in bodies]
            for operation, bodies in hints.writes.items()
        }
        self._tables: dict[str, dict[str, Any]] = {}

    def look_into(self, core: Any) -> None:
        """The records a mock's core holds, some of them."""
        for kind, table in msgspec.structs.asdict(core.state).items():
            if isinstance(table, dict):
                self.ids += [key for key in list(table)[-5:] if isinstance(key, str)]
                self._tables[kind] = table
                shown = [msgspec.to_builtins(each) for each in list(table.values())[-2:]]
                self.records += [each for each in shown if isinstance(each, dict)]

    def learn(self, operation: str, request: Request, answer: Response) -> None:
        """Remember ids and records of an answer, and what was accepted."""
        if answer.status < 300 and request.body:
            kept = self.corpus.setdefault(operation, [])
            kept.append((request.headers.get("content-type", ""), request.body))
            del kept[len(self._hints.writes.get(operation, ())) : -8]
        try:
            told = json.loads(answer.body)
        except ValueError:
            told = None
        for record in objects(told):
            for key, value in record.items():
                if key.lower().endswith(("id", "name", "number")) and isinstance(value, (str, int)):
                    self.ids.append(str(value))
        if answer.status < 300:
            for head in heads(told):
                if isinstance(head, dict) and isinstance(head.get("id"), (str, int)):
                    for part in request.path.split("/")[-2:]:
                        self.ids_at.setdefault(part, []).append(str(head["id"]))
                        del self.ids_at[part][:-20]
        if answer.status < 300 or self._rng.random() < 0.05:
            self.records += list(objects(told))[:8]
        for name in ("location", "entityid"):
            if name in answer.headers:
                self.ids.append(answer.headers[name].rsplit("/", 1)[-1])
        del self.ids[:-400], self.records[:-200]

    def ids_of(self, part: str) -> list[str]:
        """The ids of the records at a part of a path."""
        return [*self.ids_at.get(part, ()), *list(self._tables.get(self._hints.tables.get(part, part), ()))[-12:]]

    def value(self) -> Any:
        """Something odd, or something known."""
        return self._rng.choice(self.ids) if self.ids and self._rng.random() < 0.4 else self._rng.choice(ODD)

    def resolved(self, value: Any) -> Any:
        """``$customers`` is one of the customers there are."""
        if isinstance(value, dict):
            return {key: self.resolved(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.resolved(each) for each in value]
        if isinstance(value, str) and value.startswith("$"):
            there = self.ids_of(value[1:])
            return self._rng.choice(there) if there else value
        return value

    def filled(self, text: str) -> str:
        """The same within a text."""
        return _REFERENCE.sub(lambda found: str(self.resolved(found[0])), text)

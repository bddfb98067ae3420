"""What search sees: records as they were a while ago.

Every change draws how long search takes to learn of it. Until then search shows the record as it was
before; a later change of another record may be seen first. Versions of one record are seen in order.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from o2c_twin.mock_systems.roles.crm.records import Account, Contact, Opportunity, OpportunityLine, Product
from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.mock_systems.vendors.hubspot.portal import Portal

_SHORTEST = 0.1
"""Of the longest lag: no change is seen sooner."""
_TYPES: dict[str, Any] = {
    "account": Account,
    "contact": Contact,
    "product": Product,
    "opportunity": Opportunity,
    "line": OpportunityLine,
}


class Waiting(msgspec.Struct, gc=False):
    """One record with changes search has not seen: the version it shows, and those to come with their instants."""

    shown: Any
    coming: list[tuple[int, Any]]


class Kept(msgspec.Struct, frozen=True):
    """`Waiting` in a snapshot; records are encoded, None stands for no record."""

    kind: str
    id: str
    shown: bytes | None
    coming: list[tuple[int, bytes | None]]


Heard = Callable[[Change, Any, Any], None]
"""Hears of a change with the record before and after it; None for no record."""


class Index:
    """The versions of all records that search and webhooks need."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._lag_us = int(portal.config.search_lag_s * 1e6)
        self._latest: dict[str, dict[str, Any]] = {kind: {} for kind in _TYPES}
        self._waiting: dict[str, dict[str, Waiting]] = {kind: {} for kind in _TYPES}
        self.heard: Heard = lambda change, before, after: None
        portal.core.listeners.append(self._changed)

    def _changed(self, change: Change) -> None:
        kind, id_ = change.kind, change.id
        latest = self._latest[kind]
        record = self._portal.core.tables[kind].get(id_)
        before = latest.get(id_)
        if record is None:
            latest.pop(id_, None)
            after = None
        else:
            after = latest[id_] = copied(record)
        if self._lag_us:
            self._wait(change, before, after)
        self.heard(change, before, after)

    def _wait(self, change: Change, before: Any, after: Any) -> None:
        draw = self._portal.world.draw("hubspot.index", change.id, change.at)
        due = change.at + int(self._lag_us * (_SHORTEST + (1.0 - _SHORTEST) * draw))
        waiting = self._waiting[change.kind].get(change.id)
        if waiting is None:
            self._waiting[change.kind][change.id] = Waiting(before, [(due, after)])
        else:
            waiting.coming.append((max(due, waiting.coming[-1][0]), after))

    def visible(self, kind: str, id_: str, now: int) -> Any | None:
        """The record as search sees it; None when it sees none."""
        waiting = self._waiting[kind].get(id_)
        if waiting is None:
            return self._portal.core.tables[kind].get(id_)
        coming = waiting.coming
        while coming and coming[0][0] <= now:
            waiting.shown = coming.pop(0)[1]
        if coming:
            return waiting.shown
        del self._waiting[kind][id_]
        return self._portal.core.tables[kind].get(id_)

    def ids(self, kind: str) -> Iterator[str]:
        """Ids of all records search may see, and of some it may not."""
        table = self._portal.core.tables[kind]
        yield from list(table)
        yield from [id_ for id_ in self._waiting[kind] if id_ not in table]

    def waiting(self, kind: str) -> list[str]:
        """Ids of records of which search may see an old version."""
        return list(self._waiting[kind])

    def snapshot(self) -> list[Kept]:
        """The versions a restore cannot make again from the core."""
        return [
            Kept(kind, id_, _encoded(w.shown), [(due, _encoded(version)) for due, version in w.coming])
            for kind, table in self._waiting.items()
            for id_, w in table.items()
        ]

    def restore(self, kept: list[Kept]) -> None:
        """Go back to a snapshot; the core has been restored before."""
        for kind, table in self._portal.core.tables.items():
            self._latest[kind] = {id_: copied(record) for id_, record in table.items()}
            self._waiting[kind] = {}
        for each in kept:
            type_ = _TYPES[each.kind]
            self._waiting[each.kind][each.id] = Waiting(
                _decoded(each.shown, type_), [(due, _decoded(version, type_)) for due, version in each.coming]
            )


def copied(record: Any) -> Any:
    """A copy that later changes of the record leave alone."""
    copy = record.__copy__()
    copy.custom = record.custom.copy()
    if isinstance(record, Opportunity):
        copy.lines = record.lines.copy()
    return copy


def _encoded(record: Any) -> bytes | None:
    return None if record is None else msgspec.msgpack.encode(record)


def _decoded(data: bytes | None, type_: Any) -> Any:
    return None if data is None else msgspec.msgpack.decode(data, type=type_)

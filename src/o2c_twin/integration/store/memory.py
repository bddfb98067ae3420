"""The journal of an engine that does not outlive its process, as in a simulation: the same promises, in dictionaries.

A statement of SQLite costs several times what a rule of the engine does, even in memory and without a commit.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import msgspec
from msgspec.structs import astuple, replace

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.store.records import Case, Effect, Link

_TOGETHER: AbstractContextManager[None] = nullcontext()


class _Received(msgspec.Struct, gc=False):
    """An event in the inbox; ``seq`` counts them as they came."""

    seq: int
    event: Inbound
    state: str
    parked_on: str | None = None


class MemoryJournal:
    """One engine's memory while the process lives: what cannot survive cannot be half, so nothing is undone."""

    shared = False

    def __init__(self) -> None:
        self._inbox: dict[str, _Received] = {}
        self._seq = 0
        self._open: dict[str, _Received] = {}
        self._parked: dict[str, dict[str, _Received]] = {}
        self._effects: dict[str, Effect] = {}
        self._unsettled: dict[str, None] = {}
        self._xrefs: dict[tuple[str, str, str], str] = {}
        self._cursors: dict[str, str] = {}
        self._cases: dict[str, Case] = {}

    def together(self) -> AbstractContextManager[None]:
        """All changes inside the block; nobody can see them in between."""
        return _TOGETHER

    def close(self) -> None:
        """There is nothing to let go of."""

    # --- inbox -----------------------------------------------------------------------------------

    def accept(self, event: Inbound, now: int) -> bool:
        """Take an event in; False when it is there already."""
        name = event.event_id
        if name in self._inbox:
            return False
        self._seq += 1
        self._inbox[name] = self._open[name] = _Received(self._seq, event, "open")
        return True

    def finish(self, event_id: str, state: str, parked_on: str | None = None) -> None:
        """The event is ``done``, ``dead`` or ``parked``."""
        received = self._inbox.get(event_id)
        if received is not None:
            self._put(event_id, received, state, parked_on)

    def _put(self, name: str, received: _Received, state: str, parked_on: str | None) -> None:
        if received.state == "open":
            del self._open[name]
        elif received.state == "parked" and received.parked_on is not None:
            del self._parked[received.parked_on][name]
        received.state, received.parked_on = state, parked_on
        if state == "open":
            self._open[name] = received
        elif state == "parked" and parked_on is not None:
            self._parked.setdefault(parked_on, {})[name] = received

    def pending(self) -> list[Inbound]:
        """Open events in the order they were received."""
        return _in_order(self._open.values())

    def release(self, effect_key: str) -> list[Inbound]:
        """Open again what is parked on an effect."""
        parked = list(self._parked.get(effect_key, {}).items())
        for name, received in parked:
            self._put(name, received, "open", None)
        return _in_order(received for _, received in parked)

    def event(self, event_id: str) -> tuple[Inbound, str] | None:
        """An event and its state."""
        received = self._inbox.get(event_id)
        return None if received is None else (received.event, received.state)

    def reopen(self, event_id: str) -> Inbound | None:
        """Open an event again."""
        received = self._inbox.get(event_id)
        if received is None:
            return None
        self._put(event_id, received, "open", None)
        return received.event

    # --- effects ---------------------------------------------------------------------------------

    def intend(self, effect: Effect) -> Effect | None:
        """Put an effect on record as sent; gives the one on record instead, when there is one already."""
        known = self._effects.setdefault(effect.key, effect)
        if known is not effect:
            return known
        if effect.state != "done":
            self._unsettled[effect.key] = None
        return None

    def effect(self, key: str) -> Effect | None:
        """The effect of that key."""
        return self._effects.get(key)

    def resend(self, key: str, now: int) -> None:
        """The next attempt is about to leave."""
        self._change(key, state="sent", sent_at=now, next_at=None)

    def again(self, key: str, attempts: int, next_at: int, *, unknown: bool) -> None:
        """The next attempt is due at ``next_at``."""
        self._change(key, state="sent" if unknown else "due", attempts=attempts, next_at=next_at)

    def settle(self, key: str, result: str, links: Sequence[Link] = ()) -> None:
        """The effect is done; ``result`` is what a replay gets."""
        known = self._effects.get(key)
        if known is not None:
            _, system, write, arguments, correlation, lane, _, _, attempts, created_at, sent_at, _ = astuple(known)
            self._effects[key] = Effect(
                key, system, write, arguments, correlation, lane, "done", result, attempts, created_at, sent_at, None
            )
            self._unsettled.pop(key, None)
        for link in links:
            self._xrefs[link.system, link.kind, link.canonical] = link.remote

    def give_up(self, key: str) -> None:
        """The effect is dead."""
        if key in self._unsettled:
            self._change(key, state="dead", next_at=None)

    def revive(self, key: str, now: int) -> None:
        """A dead effect is to be sent again."""
        known = self._effects.get(key)
        if known is not None and known.state == "dead":
            self._change(key, state="due", attempts=1, created_at=now, next_at=now)

    def void(self, key: str) -> None:
        """As if it had never been intended."""
        if key in self._unsettled:
            del self._unsettled[key], self._effects[key]

    def record(self, key: str, result: str, now: int) -> None:
        """Put a decision on record."""
        self._effects.setdefault(key, Effect(key, "", "decide", b"", "", "", "done", result, 1, now, now, None))

    def outcome(self, key: str) -> str | None:
        """The result of an effect that is done; None while it is not."""
        known = self._effects.get(key)
        return known.result if known is not None and known.state == "done" else None

    def unsettled(self) -> list[Effect]:
        """Effects without an outcome, oldest first."""
        return sorted((self._effects[key] for key in self._unsettled), key=_age)

    def _change(self, key: str, **fields: Any) -> None:
        known = self._effects.get(key)
        if known is not None:
            self._effects[key] = replace(known, **fields)
            if self._effects[key].state != "done":
                self._unsettled[key] = None

    # --- cross-references and cursors ------------------------------------------------------------

    def remote(self, system: str, kind: str, canonical: str) -> str | None:
        """The id a system has for something."""
        return self._xrefs.get((system, kind, canonical))

    def link(self, system: str, kind: str, canonical: str, remote: str) -> None:
        """Remember the id a system has for something."""
        self._xrefs[system, kind, canonical] = remote

    def links(self, system: str, kind: str) -> list[Link]:
        """All cross-references of a kind."""
        found = ((key[2], remote) for key, remote in self._xrefs.items() if key[:2] == (system, kind))
        return [Link(system, kind, canonical, remote) for canonical, remote in sorted(found)]

    def cursor(self, name: str, default: str) -> str:
        """Where a poll stopped."""
        return self._cursors.get(name, default)

    def move(self, name: str, value: str) -> None:
        """A poll got this far."""
        self._cursors[name] = value

    # --- cases -----------------------------------------------------------------------------------

    def open_case(self, case: Case) -> bool:
        """Put a case on record; False when the same case is there already. One that was replayed is opened again."""
        known = self._cases.get(case.case_id)
        if known is not None and known.state != "replayed":
            return False
        self._cases[case.case_id] = case
        return True

    def case(self, case_id: str) -> Case | None:
        """The case of that id."""
        return self._cases.get(case_id)

    def close_case(self, case_id: str, now: int, by: str = "", note: str = "", state: str = "closed") -> bool:
        """A person settled it; False when it is not open."""
        known = self._cases.get(case_id)
        if known is None or known.state != "open":
            return False
        self._cases[case_id] = replace(known, state=state, closed_at=now, closed_by=by, note=note)
        return True

    def escalate(self, case_id: str, level: int, due_at: int, owner: str) -> None:
        """Nobody settled it in time."""
        known = self._cases.get(case_id)
        if known is not None:
            self._cases[case_id] = replace(known, level=level, due_at=due_at, owner=owner)

    def cases(self, state: str | None = None) -> list[Case]:
        """Cases in the order they were opened."""
        found = (case for case in self._cases.values() if state is None or case.state == state)
        return sorted(found, key=lambda case: (case.opened_at, case.case_id))

    def counts(self) -> dict[str, int]:
        """How many there are by state."""
        named = (
            ("inbox", (received.state for received in self._inbox.values())),
            ("effect", (effect.state for effect in self._effects.values())),
            ("case", (case.state for case in self._cases.values())),
        )
        return dict(Counter(f"{table}.{state}" for table, states in named for state in states))


def _in_order(received: Iterable[_Received]) -> list[Inbound]:
    return [each.event for each in sorted(received, key=lambda each: each.seq)]


def _age(effect: Effect) -> tuple[int, str]:
    return effect.created_at, effect.key

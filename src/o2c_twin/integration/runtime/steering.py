"""Steering: what people do with a running engine; they pause flows, have systems asked, and settle cases."""

import asyncio
from collections.abc import Iterable, Mapping

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.ports import Clock
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.asking import Asking
from o2c_twin.integration.runtime.business_time import BusinessCalendar
from o2c_twin.integration.runtime.cases import escalated, may_settle
from o2c_twin.integration.runtime.saga import UNDO, recall, remember
from o2c_twin.integration.store import Case, Journal

PAUSED = "paused:"
"""Cursors of paused flows begin so."""


class Steered:
    """The part of an engine that people hold in their hands. `Engine` is the rest of it."""

    RULE = "engine"
    """Who closes the case of a flow that compensates by its own rule."""

    profile: DesignProfile
    journal: Journal
    clock: Clock
    calendar: BusinessCalendar
    asking: Asking
    _paused: dict[str, asyncio.Event]

    def _known_flows(self) -> Iterable[str]:
        raise NotImplementedError

    @property
    def systems(self) -> frozenset[str]:
        """The systems the engine stands between."""
        raise NotImplementedError

    def _enqueue(self, event: Inbound) -> None:
        raise NotImplementedError

    # --- flows -----------------------------------------------------------------------------------

    def pause(self, flow: str) -> None:
        """Work no event of a flow until it is resumed; they are taken in and wait, also over a restart.

        Raises `KeyError` for a flow that does not exist.
        """
        self.journal.move(f"{PAUSED}{self._flow_named(flow)}", "yes")
        self._paused.setdefault(flow, asyncio.Event())

    def resume(self, flow: str) -> None:
        """Go on with a flow. Raises `KeyError` for one that does not exist."""
        self.journal.move(f"{PAUSED}{self._flow_named(flow)}", "")
        if flow in self._paused:
            self._paused.pop(flow).set()

    def follow_pauses(self, told: Mapping[str, str]) -> None:
        """Pause and resume what was paused and resumed at another worker; ``told`` are the journal's cursors of it."""
        for flow in self._known_flows():
            if told.get(f"{PAUSED}{flow}"):
                self._paused.setdefault(flow, asyncio.Event())
            elif flow in self._paused:
                self._paused.pop(flow).set()

    @property
    def paused(self) -> tuple[str, ...]:
        """The flows that are paused."""
        return tuple(self._paused)

    def _flow_named(self, flow: str) -> str:
        flows = list(self._known_flows())
        if flow not in flows:
            raise KeyError(f"no flow {flow!r}; there are: {', '.join(flows)}")
        return flow

    async def _unless_paused(self, flow: str) -> None:
        while flow in self._paused:
            await self._paused[flow].wait()

    # --- systems ---------------------------------------------------------------------------------

    async def sweep(self, system: str) -> None:
        """Ask a system now for what it has changed since it was last asked. Raises `KeyError` for an unknown one."""
        await self.asking.ask(self._system_named(system))

    async def backfill(self, system: str, since: str) -> None:
        """Ask a system for everything changed since ``since``: microseconds since the epoch, for a bank an ISO date.

        What is known already stays as it is. Raises `KeyError` for an unknown system.
        """
        self.journal.move(self._system_named(system), since)
        await self.asking.ask(system)

    def _system_named(self, system: str) -> str:
        if system not in self.systems:
            raise KeyError(f"no system {system!r}; there are: {', '.join(sorted(self.systems))}")
        return system

    # --- cases -----------------------------------------------------------------------------------

    def close_case(
        self, case_id: str, by: str, note: str = "", result: str | None = None, approved_by: str | None = None
    ) -> None:
        """A person settled a case outside: with ``result``, the id of what was made by hand, where there is one.

        What waits for it goes on. Raises `KeyError` for a case that is not open, `PermissionError` where the
        design's controls do not let ``by`` settle it, or not without ``approved_by``.
        """
        case = self._open_case(case_id)
        may_settle(self.profile.controls, case, by, approved_by)
        with self.journal.together():
            self._close(case, by, note, "closed")
            if case.effect_key is not None:
                if result is not None:
                    self.journal.settle(case.effect_key, result)
                else:
                    self.journal.void(case.effect_key)
            freed = [] if case.effect_key is None else self.journal.release(case.effect_key)
        self._release(freed)

    def replay_case(self, case_id: str, by: str, note: str = "", approved_by: str | None = None) -> None:
        """Work the event of a case once more: what is done stays done, what was given up is sent again.

        Raises `KeyError` for a case that is not open, or whose event is not on record; `PermissionError` as
        `close_case` does.
        """
        case = self._open_case(case_id)
        may_settle(self.profile.controls, case, by, approved_by)
        event_id = _event_of(case)
        with self.journal.together():
            event = self.journal.reopen(event_id)
            if event is None:
                raise KeyError(f"{case_id}: its event is not on record; settle it by hand and close it")
            if case.effect_key is not None:
                self.journal.revive(case.effect_key, self.clock.now())
            self._close(case, by, note, "replayed")
            freed = [] if case.effect_key is None else self.journal.release(case.effect_key)
        self._release([event, *freed])

    def compensate_case(self, case_id: str, by: str, note: str = "", approved_by: str | None = None) -> None:
        """Undo what was done for the event of a case, last step first; the case is closed as compensated.

        What cannot be undone becomes a case that says what a person must do. Raises `KeyError` for a case that is not
        open, `PermissionError` as `close_case` does, ValueError where there is nothing to undo, or nobody knows yet
        whether there is.
        """
        case = self._open_case(case_id)
        may_settle(self.profile.controls, case, by, approved_by)
        if case.kind == "unknown-outcome":
            raise ValueError(
                f"{case_id}: nobody knows what became of {case.effect_key}; find out, and replay or close it"
            )
        if not recall(self.journal, _event_of(case)):
            raise ValueError(f"{case_id}: nothing was done for its event before; close it or replay it")
        with self.journal.together():
            queued = self._undo(case, by, note)
        self._release(queued)

    def undo(self, keys: Iterable[str]) -> str:
        """Undo writes that are done, whichever flow did them, last first; gives the name under which that is worked.

        For what the engine does not see: a deal that is taken back after its order, goods that are returned after
        their invoice. What cannot be undone becomes a case. Raises `KeyError` for a key that no done write has.
        """
        effects = []
        for key in dict.fromkeys(keys):
            effect = self.journal.effect(key)
            if effect is None or effect.state != "done" or not effect.system:
                raise KeyError(f"no write {key!r} is done")
            effects.append(effect)
        effects.sort(key=lambda effect: effect.created_at)
        now = self.clock.now()
        event = Inbound(f"{UNDO}:{effects[0].key}:{now}", UNDO, f"{effects[0].key}:{now}", effects[0].lane, now)
        with self.journal.together():
            remember(self.journal, event.object_id, [effect.key for effect in effects])
            self.journal.accept(event, now)
        self._enqueue(event)
        return event.event_id

    def _undo(self, case: Case, by: str, note: str) -> list[Inbound]:
        """Close a case as compensated and take in the event that undoes; gives what is to be worked now."""
        now = self.clock.now()
        event = Inbound(f"{UNDO}:{_event_of(case)}:{now}", UNDO, _event_of(case), case.lane, now)
        self._close(case, by, note, "compensated")
        if case.effect_key is not None:
            self.journal.void(case.effect_key)
        self.journal.accept(event, now)
        return [event, *([] if case.effect_key is None else self.journal.release(case.effect_key))]

    def _release(self, events: Iterable[Inbound]) -> None:
        for event in events:
            self._enqueue(event)

    def _open_case(self, case_id: str) -> Case:
        case = self.journal.case(case_id)
        if case is None or case.state != "open":
            raise KeyError(f"no open case {case_id!r}")
        return case

    def _close(self, case: Case, by: str, note: str, state: str) -> None:
        # At another worker somebody may have settled it just now: then all of the transaction is off.
        if not self.journal.close_case(case.case_id, self.clock.now(), by, note, state):
            raise KeyError(f"no open case {case.case_id!r}")

    def escalate(self) -> int:
        """Move overdue cases up the ladder; gives how many."""
        now, moved = self.clock.now(), 0
        for case in self.journal.cases("open"):
            above = escalated(case, now, self.calendar)
            if above is not None:
                self.journal.escalate(case.case_id, above.level, above.due_at, above.owner)
                moved += 1
        return moved


def _event_of(case: Case) -> str:
    """The name of the event a case was opened for."""
    return case.case_id.removeprefix("case:").removesuffix(f":{case.effect_key}")

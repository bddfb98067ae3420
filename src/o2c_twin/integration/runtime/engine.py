"""The engine: events in, flows run, one lane a business key, in order within it and parallel across."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from o2c_twin.integration.connectors.ports import Bank, Crm, Erp, Payments
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.ports import Clock, Draw, Spawn
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.business_time import BusinessCalendar
from o2c_twin.integration.runtime.cases import case_id_of, case_of, escalated
from o2c_twin.integration.runtime.errors import CallFailed, DeadLetter, Dropped, NotAuthentic, Parked
from o2c_twin.integration.runtime.line import Line, LineRules, worth_of_work
from o2c_twin.integration.runtime.quota import Allowance, Worth
from o2c_twin.integration.runtime.retry import policy_for
from o2c_twin.integration.runtime.steps import Delivery, Observer, Synced, Trail
from o2c_twin.integration.store import Case, Journal, SharedJournal

_MICRO = 1_000_000
_DAY = 86_400 * _MICRO
_OVERLAP = 300 * _MICRO
_FIRST_DAY = "1970-01-01"
# A statement may be issued days late, and a day may get a second one.
_LATE_STATEMENT_DAYS = 7
# These events say only that a record changed: the flow reads it as it is now, so a newer read
# makes an older notice void.
# A worker that has not been heard of for this long is taken for dead, and its lanes are anybody's.
_LEASE = 30 * _MICRO
_CLAIM_EVERY_S = 0.2
_LANES_A_WORKER = 64
_STATE_FLOWS = frozenset({"order-status", "invoice", "customer"})

# Cash and credit before orders before masters; what flows back to sales of an order counts as an order.
_WORTH = {"cash": Worth.CASH, "payment": Worth.CASH, "payout": Worth.CASH, "customer": Worth.MASTER}

Flow = Callable[["Engine", Inbound], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When the engine asks by itself, and how many calls it has in flight per system."""

    poll_s: float = 300.0
    sweep_s: float = 6 * 3_600.0
    nightly_hour_utc: int = 2
    in_flight: int = 4


class Engine:
    """One sync engine between one CRM, one ERP and one bank.

    ``flows`` maps the names events carry to the flow that handles them.
    """

    def __init__(
        self,
        profile: DesignProfile,
        crm: Crm,
        erp: Erp,
        bank: Bank,
        journal: Journal,
        flows: dict[str, Flow],
        *,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        spawn: Spawn,
        draw: Draw,
        observer: Observer | None = None,
        rhythm: Rhythm | None = None,
        payments: Payments | None = None,
        audit: Trail | None = None,
        calendar: BusinessCalendar | None = None,
        allowances: Mapping[str, tuple[Allowance, ...]] | None = None,
    ) -> None:
        self.profile = profile
        self.crm = crm
        self.erp = erp
        self.bank = bank
        self.payments = payments
        sources: tuple[Crm | Erp | Bank | Payments, ...] = (crm, erp, bank)
        self._sources = {s.system: s for s in (sources if payments is None else (*sources, payments))}
        feeds: tuple[Crm | Erp | Payments, ...] = (crm, erp) if payments is None else (crm, erp, payments)
        self._feeds = {s.system: s for s in feeds}
        self.journal = journal
        self.clock = clock
        self.observer = observer or Observer()
        self.rhythm = rhythm or Rhythm()
        self.calendar = calendar or BusinessCalendar()
        careful = profile.delivery == "effectively-once"
        # A naive script sends as fast as it is asked to; only the careful engine bounds itself.
        self.lines = {
            s: Line(LineRules(self.rhythm.in_flight, (allowances or {}).get(s, ())), clock, sleep, spawn, s)
            for s in self._sources
        }
        self.delivery = Delivery(
            profile, policy_for(profile.delivery), journal, clock, sleep, draw, self.lines if careful else {}, audit
        )
        self._careful = careful
        self._flows = flows
        self._sleep = sleep
        self._spawn = spawn
        self._lanes: dict[str, deque[Inbound]] = {}
        self._read_at: dict[tuple[str, str], int] = {}
        self._items: dict[str, str] = {}
        self._stopped = False
        self._paused = {flow: asyncio.Event() for flow in flows if journal.cursor(f"paused:{flow}", "")}
        self._shared = journal if isinstance(journal, SharedJournal) else None
        self.handled = 0

    # --- life ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take up what an earlier life left open, and begin to listen or to ask.

        Each system is asked in a round of its own: one that is down for hours holds up no other.
        """
        if self._shared is not None:
            self._spawn(self._take_lanes(self._shared), "engine.lanes")
        elif self._careful:
            for event in self.journal.pending():
                self._enqueue(event)
        for system in self._sources:
            if self.profile.trigger == "nightly":
                self._spawn(self._nightly(system), f"engine.nightly.{system}")
            elif self.profile.trigger == "poll":
                self._spawn(self._every(self.rhythm.poll_s, system), f"engine.poll.{system}")
            elif self._careful:
                self._spawn(self._every(self.rhythm.sweep_s, system), f"engine.sweep.{system}")

    def stop(self) -> None:
        """Ask no more; what is under way ends by itself."""
        self._stopped = True

    @property
    def systems(self) -> frozenset[str]:
        """The systems the engine stands between."""
        return frozenset(self._sources)

    @property
    def idle(self) -> bool:
        """Whether no lane has work."""
        return not self._lanes

    async def _every(self, seconds: float, system: str) -> None:
        # An engine that is restarted more often than it sweeps would never sweep: the round is counted
        # from the last one on record, not from the start.
        last = int(self.journal.cursor(f"asked:{system}", "-1"))
        if last < 0:
            last = self.clock.now()
            self.journal.move(f"asked:{system}", str(last))
        while not self._stopped:
            await self._sleep(max(0.0, seconds - (self.clock.now() - last) / _MICRO))
            last = self.clock.now()
            await self._ask(system)

    async def _nightly(self, system: str) -> None:
        hour = self.rhythm.nightly_hour_utc * 3_600 * _MICRO
        while not self._stopped:
            now = self.clock.now()
            next_at = (now - hour) // _DAY * _DAY + _DAY + hour
            await self._sleep((next_at - now) / _MICRO)
            await self._ask(system)

    async def _take_lanes(self, shared: SharedJournal) -> None:
        # Lanes nobody else works on are ours, with all that is open in them, until they are empty.
        loaded: dict[str, None] = {}
        while not self._stopped:
            room = max(0, _LANES_A_WORKER - len(self._lanes))
            found = shared.claim(self.clock.now(), _LEASE, room)
            for event in found:
                if event.event_id not in loaded:
                    self._load(event)
            loaded = {event.event_id: None for event in found}
            await self._sleep(_CLAIM_EVERY_S)

    async def _ask(self, system: str) -> None:
        if self._shared is not None and not self._shared.lease(f"ask:{system}", self.clock.now(), _LEASE):
            return
        worth_of_work.set(Worth.CASH if system == self.bank.system else Worth.SWEEP)
        if self._stopped:
            return
        now = self.clock.now()
        try:
            if system == self.bank.system:
                await self._ask_bank()
            else:
                await self._ask_changes(self._feeds[system], now)
        except DeadLetter as letter:
            # The cursor has not moved: the next round asks for the same again, and it is the same case.
            stuck_at = self.journal.cursor(system, "0")
            self.open_case(Inbound(f"ask:{system}:{stuck_at}", "ask", system, f"ask:{system}", now), letter)
        except Dropped as lost:
            self.observer.dropped(Inbound(f"ask:{system}:{now}", "ask", system, "", now), str(lost), now)
        else:
            self.journal.move(f"asked:{system}", str(now))

    async def _ask_changes(self, source: Crm | Erp | Payments, now: int) -> None:
        since = int(self.journal.cursor(source.system, "0"))
        events, until = await self.delivery.read(source.system, f"ask:{source.system}", lambda: source.changes(since))
        # The careful engine asks again for the last minutes each time: clocks differ, changes commit
        # late, and more may happen within the second of the last one. What it is told twice, the
        # inbox drops. A naive one takes the answer for complete.
        self._take(events, source.system, str(max(since, now - _OVERLAP) if self._careful else max(until, now)))

    async def _ask_bank(self) -> None:
        system = self.bank.system
        since = self.journal.cursor(system, _FIRST_DAY)
        asked = _days_before(since, _LATE_STATEMENT_DAYS) if self._careful else since
        events, until = await self.delivery.read(system, f"ask:{system}", lambda: self.bank.statements(asked))
        self._take(events, system, max(since, until))

    def _take(self, events: list[Inbound], cursor: str, until: str) -> None:
        with self.journal.together():
            for event in events:
                self.receive(event)
            self.journal.move(cursor, until)

    # --- events ----------------------------------------------------------------------------------

    def pushed(self, system: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """A system's push: acknowledged only when it is in the inbox. Gives status and body to answer."""
        if self.profile.trigger != "webhook":
            return 200, b""
        source = self._sources[system]
        try:
            events, answer = source.pushed(body, headers)
        except NotAuthentic:
            return 401, b""
        except (CallFailed, ValueError, KeyError, SyntaxError):
            return 400, b""
        with self.journal.together():
            for event in events:
                self.receive(event)
        return 200, answer

    def receive(self, event: Inbound) -> bool:
        """Take an event in, once; False when it is known or void."""
        now = self.clock.now()
        if event.flow in _STATE_FLOWS:
            # Vendors' stamps have whole seconds: a read after that second has seen the change.
            if self._read_at.get((event.flow, event.object_id), -1) >= event.source_at + _MICRO:
                return False
            queue = self._lanes.get(event.lane)
            if queue is not None and any(
                e.flow == event.flow and e.object_id == event.object_id for e in list(queue)[1:]
            ):
                return False
            event = Inbound(f"{event.event_id}@{now}", event.flow, event.object_id, event.lane, event.source_at)
        if self._careful and not self.journal.accept(event, now):
            return False
        self._enqueue(event)
        return True

    def _enqueue(self, event: Inbound) -> None:
        if self._shared is None:
            self._load(event)

    def _load(self, event: Inbound) -> None:
        lane = self._lanes.get(event.lane)
        if lane is not None:
            lane.append(event)
            return
        self._lanes[event.lane] = deque((event,))
        self._spawn(self._drain(event.lane), f"lane.{event.lane}")

    async def _drain(self, name: str) -> None:
        lane = self._lanes[name]
        while lane:
            await self._unless_paused(lane[0].flow)
            worth_of_work.set(_WORTH.get(lane[0].flow, Worth.ORDER))
            # The event at the head is the one being handled.
            await self._handle(lane[0])
            lane.popleft()
        del self._lanes[name]
        if self._shared is not None:
            self._shared.yield_lane(name)

    # --- steering --------------------------------------------------------------------------------

    def pause(self, flow: str) -> None:
        """Work no event of a flow until it is resumed; they are taken in and wait, also over a restart.

        Raises `KeyError` for a flow that does not exist.
        """
        self.journal.move(f"paused:{self._flow_named(flow)}", "yes")
        self._paused.setdefault(flow, asyncio.Event())

    def resume(self, flow: str) -> None:
        """Go on with a flow. Raises `KeyError` for one that does not exist."""
        self.journal.move(f"paused:{self._flow_named(flow)}", "")
        if flow in self._paused:
            self._paused.pop(flow).set()

    @property
    def paused(self) -> tuple[str, ...]:
        """The flows that are paused."""
        return tuple(self._paused)

    async def sweep(self, system: str) -> None:
        """Ask a system now for what it has changed since it was last asked. Raises `KeyError` for an unknown one."""
        if system not in self._sources:
            raise KeyError(f"no system {system!r}; there are: {', '.join(self._sources)}")
        await self._ask(system)

    async def backfill(self, system: str, since: str) -> None:
        """Ask a system for everything changed since ``since``: microseconds since the epoch, for a bank an ISO date.

        What is known already stays as it is. Raises `KeyError` for an unknown system.
        """
        if system not in self._sources:
            raise KeyError(f"no system {system!r}; there are: {', '.join(self._sources)}")
        self.journal.move(system, since)
        await self._ask(system)

    def _flow_named(self, flow: str) -> str:
        if flow not in self._flows:
            raise KeyError(f"no flow {flow!r}; there are: {', '.join(self._flows)}")
        return flow

    async def _unless_paused(self, flow: str) -> None:
        while flow in self._paused:
            await self._paused[flow].wait()

    async def _handle(self, event: Inbound) -> None:
        if event.flow in _STATE_FLOWS:
            # Stamps have whole seconds: read when that second is over, and no change in it is missed.
            early = event.source_at // _MICRO * _MICRO + _MICRO - self.clock.now()
            if early > 0:
                await self._sleep(early / _MICRO)
            self._read_at[event.flow, event.object_id] = self.clock.now()
        began, state = self.clock.now(), "done"
        try:
            await self._flows[event.flow](self, event)
        except DeadLetter as letter:
            state = "dead"
            with self.journal.together():
                case = self._put_case(event, letter)
                self.journal.finish(event.event_id, "dead")
            self._tell(case)
        except Parked as waits:
            state = "parked"
            self.journal.finish(event.event_id, "parked", waits.key)
        except Dropped as lost:
            state = "dropped"
            self.observer.dropped(event, str(lost), self.clock.now())
        else:
            if self._careful:
                self.journal.finish(event.event_id, "done")
        self.observer.worked(event, began, self.clock.now(), state)
        self.handled += 1

    # --- what flows use --------------------------------------------------------------------------

    def open_case(self, event: Inbound, letter: DeadLetter) -> None:
        """Put a dead letter on record and tell the observer; the same letter of the same event only once."""
        with self.journal.together():
            case = self._put_case(event, letter)
        self._tell(case)

    def _put_case(self, event: Inbound, letter: DeadLetter) -> Case | None:
        case = case_of(event, letter, self.clock.now(), self.calendar)
        self.journal.give_up(letter.key)
        return case if self.journal.open_case(case) else None

    def _tell(self, case: Case | None) -> None:
        # When it is committed: a case that is told of and not on record is nobody's.
        if case is not None:
            self.observer.case_opened(case.case_id, case.flow, case.object_id, case.reason, case.opened_at)

    def close_case(self, case_id: str, by: str, note: str = "", result: str | None = None) -> None:
        """A person settled a case outside: with ``result``, the id of what was made by hand, where there is one.

        What waits for it goes on. Raises `KeyError` for a case that is not open.
        """
        case = self._open_case(case_id)
        with self.journal.together():
            if case.effect_key is not None:
                if result is not None:
                    self.journal.settle(case.effect_key, result)
                else:
                    self.journal.void(case.effect_key)
            self.journal.close_case(case_id, self.clock.now(), by, note)
            freed = [] if case.effect_key is None else self.journal.release(case.effect_key)
        for event in freed:
            self._enqueue(event)

    def replay_case(self, case_id: str, by: str, note: str = "") -> None:
        """Work the event of a case once more: what is done stays done, what was given up is sent again.

        Raises `KeyError` for a case that is not open, or whose event is not on record.
        """
        case = self._open_case(case_id)
        event_id = case_id.removeprefix("case:").removesuffix(f":{case.effect_key}")
        with self.journal.together():
            event = self.journal.reopen(event_id)
            if event is None:
                raise KeyError(f"{case_id}: its event is not on record; settle it by hand and close it")
            if case.effect_key is not None:
                self.journal.revive(case.effect_key, self.clock.now())
            self.journal.close_case(case_id, self.clock.now(), by, note, "replayed")
            freed = [] if case.effect_key is None else self.journal.release(case.effect_key)
        for each in (event, *freed):
            self._enqueue(each)

    def _open_case(self, case_id: str) -> Case:
        case = self.journal.case(case_id)
        if case is None or case.state != "open":
            raise KeyError(f"no open case {case_id!r}")
        return case

    def escalate(self) -> int:
        """Move overdue cases up the ladder; gives how many."""
        now, moved = self.clock.now(), 0
        for case in self.journal.cases("open"):
            above = escalated(case, now, self.calendar)
            if above is not None:
                self.journal.escalate(case.case_id, above.level, above.due_at, above.owner)
                moved += 1
        return moved

    def has_case(self, event: Inbound, key: str) -> bool:
        """Whether a person was asked about this effect of this event."""
        return self.journal.case(case_id_of(event, key)) is not None

    def synced(self, flow: str, object_id: str, source: str, target: str, source_at: int) -> None:
        """Tell the observer that a change has arrived just now."""
        self.observer.synced(Synced(flow, object_id, source, target, source_at, self.clock.now()))

    async def item_ids(self, wanted: list[str]) -> dict[str, str]:
        """SKU to item id; asked from the ERP again when a SKU is not known yet."""
        if any(sku not in self._items for sku in wanted):
            self._items = await self.delivery.read(self.erp.system, "items", self.erp.item_ids)
        return self._items


def _days_before(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days)).isoformat()

"""The engine: events in, flows run, one lane a business key, in order within it and parallel across."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import cast

from o2c_twin.integration.connectors.ports import Bank, Crm, Erp, Payments
from o2c_twin.integration.exchange import Exchange
from o2c_twin.integration.governance.field_groups import registry_of
from o2c_twin.integration.group import Group
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.ports import Clock, Draw, Spawn
from o2c_twin.integration.profile import AS_TRIGGER, DesignProfile
from o2c_twin.integration.runtime.asking import Asking, next_night
from o2c_twin.integration.runtime.breaker import NEVER_OPENS, BreakerRules
from o2c_twin.integration.runtime.broker import Broker, InProcessBroker
from o2c_twin.integration.runtime.budget import BudgetRules
from o2c_twin.integration.runtime.business_time import BusinessCalendar
from o2c_twin.integration.runtime.cases import case_id_of, case_of
from o2c_twin.integration.runtime.contract import is_drift
from o2c_twin.integration.runtime.errors import CallFailed, DeadLetter, Dropped, NotAuthentic, Parked
from o2c_twin.integration.runtime.gathering import RULES, Gatherer
from o2c_twin.integration.runtime.hearing import refuse_deaf
from o2c_twin.integration.runtime.line import Line, LineRules, worth_of_work
from o2c_twin.integration.runtime.quota import Allowance, Worth
from o2c_twin.integration.runtime.reads import STATE_FLOWS, Reads, second_over, void_from
from o2c_twin.integration.runtime.retry import NoRetry, policy_for
from o2c_twin.integration.runtime.saga import UNDO, all_steps, remember, steps_done
from o2c_twin.integration.runtime.steering import PAUSED, Steered
from o2c_twin.integration.runtime.steps import Delivery, Observer, Synced, Target, Trail
from o2c_twin.integration.store import Case, Journal, KeptJournal, SharedJournal

_MICRO = 1_000_000
# A worker that has not been heard of for this long is taken for dead, and its lanes are anybody's.
_LEASE = 30 * _MICRO
_CLAIM_EVERY_S = 0.2
# What was paused at another worker is paused here as soon.
_FOLLOW_EVERY = _MICRO
_LANES_A_WORKER = 64
# So many of the lanes an earlier life left open are begun in one go, and so many of its newest events looked at.
_AT_ONCE = 32
_RECALLED = 10_000
_CLIMB_EVERY_S = 900.0
# Cash and credit before orders before masters; what flows back to sales of an order counts as an order.
_WORTH = dict.fromkeys(("cash", "payment", "payout"), Worth.CASH) | dict.fromkeys(
    ("customer", "customer-master"), Worth.MASTER
)

ON_CALL = "order"
"""The flow that is called, and not told of, where the topology is api-first."""
WAITING = "later"
"""The flow of events that wait for an instant."""

Flow = Callable[["Engine", Inbound], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When the engine asks by itself, and how many calls it has in flight per system."""

    poll_s: float = 300.0
    sweep_s: float = 6 * 3_600.0
    nightly_hour_utc: int = 2
    in_flight: int = 4

    def next_night(self, now: int) -> int:
        """When the night's work begins next; microseconds since the epoch."""
        return next_night(now, self.nightly_hour_utc)


class Engine(Steered):
    """One sync engine between one CRM, one ERP and one bank.

    ``flows`` maps the names events carry to the flow that handles them. ``hears`` names the systems it asks and
    listens to, where others have engines of their own; None for all. ``compensates`` names the flows that undo what
    they did when they die; the others stay as far as they came, and a person decides. ``exchange`` is the currency of
    the books and the rates into it. ``group`` says which of several legal entities ships for all, where the design
    charges that between them. Raises ValueError for a design that needs the exchange and is given none.
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
        hears: frozenset[str] | None = None,
        compensates: frozenset[str] = frozenset(),
        exchange: Exchange | None = None,
        group: Group | None = None,
    ) -> None:
        self.group = group
        self.profile = profile = profile.as_built()
        if exchange is None and profile.currencies == "relabelled":
            raise ValueError("currencies: relabelled needs the currency of the books; give the engine its exchange")
        if profile.currencies == "converted" and (exchange is None or exchange.rate is None):
            raise ValueError("currencies: converted needs rates into the currency of the books; give the engine some")
        self.exchange = exchange
        self.crm = crm
        self.erp = erp
        self.bank = bank
        self.payments = payments
        sources: tuple[Crm | Erp | Bank | Payments, ...] = (crm, erp, bank)
        self._sources = {s.system: s for s in (sources if payments is None else (*sources, payments))}
        feeds: tuple[Crm | Erp | Payments, ...] = (crm, erp) if payments is None else (crm, erp, payments)
        own = {crm.system: profile.trigger_crm, erp.system: profile.trigger_erp, bank.system: profile.trigger_bank}
        if profile.topology == "native-connector":
            hears = frozenset((crm.system, erp.system))
        self.triggers = {
            s: profile.trigger if own.get(s, AS_TRIGGER) == AS_TRIGGER else own[s]
            for s in self._sources
            if hears is None or s in hears
        }
        """How the engine hears of the changes of each system it listens to."""
        self.journal = journal
        self.clock = clock
        self.observer = observer or Observer()
        self.rhythm = rhythm or Rhythm()
        self.calendar = calendar or BusinessCalendar()
        careful = profile.delivery == "effectively-once"
        # A naive script sends as fast as it is asked to; only the careful engine bounds itself.
        breaker = BreakerRules() if profile.breaker == "on" else NEVER_OPENS
        budget = BudgetRules() if profile.budget == "on" else None
        self.lines = {
            s: Line(
                LineRules(self.rhythm.in_flight, (allowances or {}).get(s, ()), breaker, budget), clock, sleep, spawn, s
            )
            for s in self._sources
        }
        policy = policy_for(profile.delivery, profile.retry)
        self.delivery = Delivery(profile, policy, journal, clock, sleep, draw, self.lines if careful else {}, audit)
        if careful and profile.batching in RULES:
            self.delivery.gatherer = Gatherer(RULES[profile.batching], self.lines, journal, clock, sleep, spawn)
        self.careful = careful
        if not compensates <= flows.keys():
            raise ValueError(
                f"compensates: no flow {sorted(compensates - flows.keys())}; there are: {', '.join(flows)}"
            )
        if profile.hears_customers:
            refuse_deaf(profile, crm, erp)
        self.masters = registry_of(profile)
        """Who is master of what, as the design's axes have it."""
        self._compensates = compensates
        self._flows = flows
        self.sleep = sleep
        self.spawn = spawn
        self._lanes: dict[str, deque[Inbound]] = {}
        self._reads = Reads()
        self._items: dict[str, str] = {}
        self.stopped = False
        self._paused = {flow: asyncio.Event() for flow in flows if journal.cursor(f"{PAUSED}{flow}", "")}
        self._shared = journal if isinstance(journal, SharedJournal) else None
        self._broker: Broker | None = None
        if profile.topology == "event-driven":
            self._broker = InProcessBroker(self.receive, sleep, spawn, draw)
        self.asking = Asking(self, {s.system: s for s in feeds}, _sweep_s(profile.sweep, self.rhythm))
        self.handled = 0

    # --- life ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take up what an earlier life left open, and begin to listen or to ask.

        Each system is asked in a round of its own: one that is down for hours holds up no other.
        """
        if self._shared is not None and self.careful:
            self.spawn(self._take_lanes(self._shared), "engine.lanes")
        elif self.careful:
            self._resume(self.journal.pending())
            if isinstance(self.journal, KeptJournal):
                # What the systems tell of again, at the next sweep, is not read again.
                self._reads.recall(self.journal.lately_done(_RECALLED))
        if self.profile.monitoring == "escalate":
            self.spawn(self._climb(), "engine.escalate")
        for system in self.triggers:
            self.asking.begin(system, self.triggers[system], self.careful)

    def _resume(self, events: list[Inbound]) -> None:
        """Take up open events: in the order they came, and all in their lanes before the first lane begins."""
        for event in events:
            self._lanes.setdefault(event.lane, deque()).append(event)
        lanes = list(self._lanes)
        for lane in lanes[:_AT_ONCE]:
            self.spawn(self._drain(lane), f"lane.{lane}")
        if lanes[_AT_ONCE:]:
            self.spawn(self._begin(lanes[_AT_ONCE:]), "engine.resume")

    async def _begin(self, lanes: list[str]) -> None:
        # The first call is not to wait until thousands of lanes have found that it is not their turn.
        for number, lane in enumerate(lanes):
            if number % _AT_ONCE == 0:
                await self.sleep(0.0)
            self.spawn(self._drain(lane), f"lane.{lane}")

    def stop(self) -> None:
        """Ask no more; what is under way ends by itself."""
        self.stopped = True

    def _known_flows(self) -> Iterable[str]:
        return self._flows

    @property
    def systems(self) -> frozenset[str]:
        """The systems the engine stands between."""
        return frozenset(self.triggers)

    def target(self, system: str) -> Target:
        """The system of that name, to write to. Raises `KeyError`."""
        return cast(Target, self._sources[system])

    @property
    def idle(self) -> bool:
        """Whether no lane has work; what waits for its instant is in the inbox and may go on waiting there."""
        return all(lane[0].flow == WAITING for lane in self._lanes.values())

    def on_duty(self, duty: str) -> bool:
        """Whether this worker does something that only one of them should do."""
        return self._shared is None or self._shared.lease(duty, self.clock.now(), _LEASE)

    async def _climb(self) -> None:
        while not self.stopped:
            await self.sleep(_CLIMB_EVERY_S)
            if self.on_duty("escalate"):
                self.escalate()

    async def _take_lanes(self, shared: SharedJournal) -> None:
        # Lanes nobody else works on are ours, with all that is open in them, until they are empty.
        loaded: dict[str, None] = {}
        follow_at = 0
        while not self.stopped:
            if (now := self.clock.now()) >= follow_at:
                self.follow_pauses(shared.cursors(PAUSED))
                follow_at = now + _FOLLOW_EVERY
            room = max(0, _LANES_A_WORKER - len(self._lanes))
            found = shared.claim(self.clock.now(), _LEASE, room)
            for event in found:
                if event.event_id not in loaded:
                    self._load(event)
            loaded = {event.event_id: None for event in found}
            await self.sleep(_CLAIM_EVERY_S)

    def take(self, events: list[Inbound], cursor: str, until: str) -> None:
        """Take in what a system answered, and where it is to be asked from next, in one commit."""
        with self.journal.together():
            for event in events:
                self._told_of(event)
            self.journal.move(cursor, until)

    # --- events ----------------------------------------------------------------------------------

    def pushed(self, system: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """A system's push: acknowledged only when it is in the inbox. Gives status and body to answer."""
        if self.triggers.get(system) not in ("webhook", "hybrid"):
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
                self._told_of(event)
        return 200, answer

    def _told_of(self, event: Inbound) -> None:
        """A system tells of an event: it goes the way the topology has for it."""
        if event.flow == ON_CALL and self.profile.topology == "api-first":
            # Whoever wins the deal calls; nobody else makes an order of it.
            return
        if self._broker is None:
            self.receive(event)
        else:
            self._broker.publish(event)

    def fed_by_queue(self) -> None:
        """Pushes come from a broker outside, which keeps them, into `receive`; what is asked for needs no broker."""
        self._broker = None

    async def call(self, event: Inbound) -> bool:
        """Work an event while its caller waits: every call of it once, nothing again later.

        False when it failed; the caller may call again, and effectively once what was done stays done.
        """
        waiting = copy(self)
        waiting.delivery = replace(self.delivery, policy=NoRetry())
        try:
            await self._flows[event.flow](waiting, event)
        except (DeadLetter, Parked, Dropped):
            return False
        return True

    def receive(self, event: Inbound) -> bool:
        """Take an event in, once; False when it is known or void."""
        now = self.clock.now()
        if event.flow in STATE_FLOWS:
            if self._reads.void(event):
                return False
            queue = self._lanes.get(event.lane)
            if queue is not None and any(
                e.flow == event.flow and e.object_id == event.object_id for e in list(queue)[1:]
            ):
                return False
            if self._shared is not None and self.careful:
                # Another worker's lane, perhaps: one of them may be under way, the other has not been read yet.
                waiting, read_at = self._shared.told(event.flow, event.object_id)
                if waiting > 1 or read_at >= void_from(event):
                    return False
            event = Inbound(f"{event.event_id}@{now}", event.flow, event.object_id, event.lane, event.source_at)
        if self.careful and not self.journal.accept(event, now):
            return False
        self._enqueue(event)
        return True

    def _enqueue(self, event: Inbound) -> None:
        # A naive design has no inbox, so what it was told is nobody else's to claim.
        if self._shared is None or not self.careful:
            self._load(event)

    def _load(self, event: Inbound) -> None:
        lane = self._lanes.get(event.lane)
        if lane is not None:
            lane.append(event)
            return
        self._lanes[event.lane] = deque((event,))
        self.spawn(self._drain(event.lane), f"lane.{event.lane}")

    async def _drain(self, name: str) -> None:
        lane = self._lanes[name]
        while lane:
            if self._paused:
                await self._unless_paused(lane[0].flow)
            worth_of_work.set(_WORTH.get(lane[0].flow, Worth.ORDER))
            # The event at the head is the one being handled.
            await self._handle(lane[0])
            lane.popleft()
        del self._lanes[name]
        if self._shared is not None and self.careful:
            self._shared.yield_lane(name)

    async def _handle(self, event: Inbound) -> None:
        if event.flow in STATE_FLOWS:
            early = second_over(event) - self.clock.now()
            if early > 0:
                await self.sleep(early / _MICRO)
            self._reads.begun(event, now := self.clock.now())
            if self._shared is not None and self.careful:
                self._shared.reading(event.event_id, now)
            began = now
        else:
            began = self.clock.now()
        state = "done"
        steps: list[str] = []
        steps_done.set(steps)
        try:
            await self._flows[event.flow](self, event)
        except DeadLetter as letter:
            state = self._give_up(event, letter, steps)
        except Parked as waits:
            state = "parked"
            self.journal.finish(event.event_id, "parked", waits.key)
        except Dropped as lost:
            state = "dropped"
            self.observer.dropped(event, str(lost), self.clock.now())
        else:
            if self.careful:
                self.journal.finish(event.event_id, "done")
        self.observer.worked(event, began, self.clock.now(), state)
        self.handled += 1

    def _give_up(self, event: Inbound, letter: DeadLetter, steps: list[str]) -> str:
        """Open the case of an event that cannot be worked, of which ``steps`` were seen done; gives its state."""
        contract = self.profile.contract if is_drift(letter) else "evolve"
        state = {"freeze": "parked", "discard": "done"}.get(contract, "dead")
        if contract != "evolve":
            # A case of its own each time: the record may still not be readable when it is read again.
            letter = DeadLetter(f"drift:{event.flow}:{event.object_id}:{self.clock.now()}", letter.reason, "drift")
        with self.journal.together():
            case = self._put_case(event, letter)
            if contract == "freeze":
                self.journal.finish(event.event_id, state, letter.key)
                self.pause(event.flow)
            else:
                self.journal.finish(event.event_id, state)
            undone = None
            steps = all_steps(self.journal, event.event_id, steps) if state == "dead" and event.flow != UNDO else []
            if steps:
                remember(self.journal, event.event_id, steps)
                # Of a write nobody knows the outcome of, only a person finds out whether there is anything to undo.
                if case is not None and event.flow in self._compensates and case.kind != "unknown-outcome":
                    undone = self._undo(case, self.RULE, "by the rule of its flow")
        if undone is None:
            self._tell(case)
        else:
            self._release(undone)
        return state

    # --- what flows use --------------------------------------------------------------------------

    def open_case(self, event: Inbound, letter: DeadLetter) -> None:
        """Put a dead letter on record and tell the observer; the same letter of the same event only once."""
        drift = self.profile.contract != "evolve" and is_drift(letter)
        if drift:
            letter = DeadLetter(letter.key, letter.reason, "drift")
        with self.journal.together():
            case = self._put_case(event, letter)
            if drift and self.profile.contract == "freeze" and event.flow in self._flows:
                self.pause(event.flow)
        self._tell(case)

    def _put_case(self, event: Inbound, letter: DeadLetter) -> Case | None:
        case = case_of(event, letter, self.clock.now(), self.calendar)
        self.journal.give_up(letter.key)
        return case if self.journal.open_case(case) else None

    def _tell(self, case: Case | None) -> None:
        # When it is committed: a case that is told of and not on record is nobody's.
        if case is not None and self.profile.monitoring != "off":
            self.observer.case_opened(case.case_id, case.flow, case.object_id, case.reason, case.opened_at)

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


def _sweep_s(sweep: str, rhythm: Rhythm) -> float | None:
    """Seconds between two sweeps of a system; None for no sweeps. The usual sweep is the rhythm's own."""
    return {"off": None, "daily": 86_400.0, "hourly": 3_600.0}.get(sweep, rhythm.sweep_s)

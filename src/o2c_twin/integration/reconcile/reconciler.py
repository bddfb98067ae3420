"""One sweep: the systems are listed, compared, and what differs becomes a plan, which is applied when it may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from o2c_twin.integration.governance.approvals import ApprovalPolicy
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.reconcile.approving import ENGINE, POLICY, Person, approve
from o2c_twin.integration.reconcile.contract import Mode
from o2c_twin.integration.reconcile.digests import Difference
from o2c_twin.integration.reconcile.flight import busy_lanes, remembered
from o2c_twin.integration.reconcile.gathering import Gathering, Horizon
from o2c_twin.integration.reconcile.memory import Memory
from o2c_twin.integration.reconcile.plan import Applied, Repair, RepairPlan
from o2c_twin.integration.reconcile.planning import Due, due
from o2c_twin.integration.reconcile.ports import Listings
from o2c_twin.integration.reconcile.remedies import (
    case_about_gone,
    event_of_gone,
    event_of_return,
    key_of_gone,
    key_of_return,
    remedy,
)
from o2c_twin.integration.reconcile.repairing import REPAIR, event_of, record_of
from o2c_twin.integration.reconcile.rhythm import by_rhythm
from o2c_twin.integration.reconcile.sides import Evidence, Found, Sides, sides_of
from o2c_twin.integration.runtime.cases import case_id_of
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import DeadLetter
from o2c_twin.integration.runtime.line import worth_of_work
from o2c_twin.integration.runtime.quota import Worth

_MICRO = 1_000_000
_DAY_S = 86_400.0
_SEEN = "reconcile:seen"
_DONE = "reconcile:done"
_MEMORY = msgspec.json.Decoder(dict[str, int])
_TIMES = msgspec.json.Decoder(dict[str, list[int]])
_REMEMBERED = 30 * 86_400 * _MICRO


@dataclass(frozen=True, slots=True)
class Rules:
    """How a company reconciles.

    ``every_s`` is the rhythm, ``settle_s`` how long a difference must have lasted, ``horizon_s`` how far back
    records are compared (None: all of them), ``deleted_s`` how far back vendors are asked for deletions (Salesforce
    answers for 30 days at most). ``recreate`` are kinds a plan may make anew; ``most_gone`` is the share of
    a system's records that may be gone, beyond ``some_gone`` of them, before a plan is not believed (a right taken from
    the engine's user looks as if all were deleted). ``valid_s``: an older plan is not applied. ``most_repairs``: the
    same difference that comes back after so many repairs in thirty days is a person's.
    """

    currency: str = "EUR"
    every_s: float = _DAY_S
    settle_s: float = 900.0
    horizon_s: float | None = None
    deleted_s: float = 29 * _DAY_S
    recreate: frozenset[str] = frozenset()
    most_gone: float = 0.1
    some_gone: int = 10
    valid_s: float = 3_600.0
    most_repairs: int = 3
    contract: Mode = "evolve"
    policy: ApprovalPolicy = POLICY


class StalePlan(ValueError):
    """A plan is too old to be applied; look again."""


class Reconciler:
    """The sweeps of one engine, whose flows include `repairing.repair_flows` of the same listings.

    Raises ValueError for an engine that keeps no journal of its effects (there is nothing to compare with), or one
    that has no repair flow.
    """

    def __init__(self, engine: Engine, listings: Listings, rules: Rules | None = None) -> None:
        if not engine.careful:
            raise ValueError("reconciliation needs the journal of delivery: effectively-once; choose that, or no sweep")
        if REPAIR not in engine._known_flows():
            raise ValueError("the engine cannot work repairs; make it with {**FLOWS, **repair_flows(listings)}")
        self.engine = engine
        self.listings = listings
        self.rules = rules or Rules()
        self._memory = Memory(engine)
        self.looks = 0

    # --- looking ---------------------------------------------------------------------------------

    async def look(self) -> RepairPlan:
        """Compare both systems now. Nothing is changed in either; only what has been seen is remembered.

        Raises nothing for a kind that cannot be read: the plan names it, and is silent about what rests on it.
        """
        worth_of_work.set(Worth.SWEEP)
        self.looks += 1
        rules = self.rules
        horizon = Horizon(rules.horizon_s, rules.deleted_s, rules.contract)
        gathering = Gathering(self.engine, self.listings, horizon, self._memory)
        rows = await gathering.rows()
        now = self.engine.clock.now()
        if gathering.blind:
            return RepairPlan(now, self.rules.currency, blind=tuple(gathering.blind), drifts=tuple(gathering.drifts))
        journal = self.engine.journal
        seen = _MEMORY.decode(journal.cursor(_SEEN, "{}"))
        sides, what = self._compared(rows, seen, now)
        anew = await gathering.again(what.repairs)
        if gathering.blind:
            return RepairPlan(now, self.rules.currency, blind=tuple(gathering.blind), drifts=tuple(gathering.drifts))
        if anew is not None:
            rows = anew
            sides, what = self._compared(rows, seen, now)
        journal.move(_SEEN, msgspec.json.encode(remembered(seen, what.unripe, now)).decode())
        return RepairPlan(
            now,
            self.rules.currency,
            what.repairs,
            len(sides.wanted),
            what.buckets,
            what.in_flight,
            len(what.unripe),
            self._doubt(what.repairs, rows),
            (),
            tuple(gathering.drifts),
            tuple(gathering.unread),
        )

    def _compared(self, rows: Found, seen: Mapping[str, int], now: int) -> tuple[Sides, Due]:
        sides = sides_of(rows, self._memory, now)
        what = due(
            sides.wanted,
            sides.found,
            sides.evidence,
            remedy=self._remedy,
            busy=self._busy(),
            seen=seen,
            now=now,
            settle_us=int(self.rules.settle_s * _MICRO),
        )
        return sides, what

    def _busy(self) -> frozenset[str]:
        journal = self.engine.journal
        return busy_lanes(journal.pending(), journal.unsettled(), journal.cases("open"))

    def _remedy(self, difference: Difference, evidence: Evidence) -> Repair | None:
        crm, erp = self.engine.crm.system, self.engine.erp.system
        repair = remedy(difference, evidence, crm, erp, self.rules.recreate)
        place = difference.place
        asked = place.group == "there" and self._memory.has_case(case_about_gone(place.kind, place.key))
        if asked:
            return None
        times = self._times().get(repair.name, [])
        if not repair.changes_something or len(times) < self.rules.most_repairs:
            return repair
        if self._memory.has_case(case_id_of(event_of_return(repair, times[0]), key_of_return(repair))):
            return None
        why = f"came back after {len(times)} repairs: {repair.why}"
        return msgspec.structs.replace(repair, action="case", why=why)

    def _times(self) -> dict[str, list[int]]:
        """When each difference was repaired in the last thirty days."""
        now, known = self.engine.clock.now(), _TIMES.decode(self.engine.journal.cursor(_DONE, "{}"))
        recent = {name: [at for at in times if now - at < _REMEMBERED] for name, times in known.items()}
        return {name: times for name, times in recent.items() if times}

    def _doubt(self, repairs: Sequence[Repair], rows: Found) -> str:
        for role, kinds in (("crm", ("account", "deal")), ("erp", ("customer", "order", "invoice"))):
            lost = sum(1 for repair in repairs if repair.group == "there" and repair.kind in kinds)
            there = len(rows.crm if role == "crm" else rows.erp)
            if lost > self.rules.some_gone and lost > self.rules.most_gone * (there + lost):
                return f"{lost} records of the {role} are gone and {there} are there: see that the engine may read all"
        return ""

    # --- applying --------------------------------------------------------------------------------

    def held(self, plan: RepairPlan) -> tuple[Repair, ...]:
        """What of a plan needs somebody's approval: much money, what is made anew, and all of a doubtful plan."""
        if plan.doubt:
            return plan.repairs
        return tuple(
            repair
            for repair in plan.repairs
            if repair.action == "recreate"
            or (repair.changes_something and self.rules.policy.needed(repair.amount_minor, plan.currency))
        )

    async def apply(self, plan: RepairPlan, approver: Person | None = None, asker: Person = ENGINE) -> Applied:
        """Begin the repairs of a plan, in their lanes; without ``approver`` those that need none.

        Raises `StalePlan`; `ApprovalError` or `NotAllowed` when ``approver`` may not approve what ``asker`` asks.
        """
        now = self.engine.clock.now()
        if now - plan.at > self.rules.valid_s * _MICRO:
            raise StalePlan(f"the plan was made {(now - plan.at) // _MICRO} s ago; look again")
        held = {repair.id for repair in self.held(plan)}
        if approver is not None and held:
            approve(self.engine, self.rules.policy, plan, approver, asker)
            held = set()
        busy = self._busy()
        begun: list[str] = []
        cases: list[str] = []
        left: list[str] = []
        for repair in plan.repairs:
            if repair.id in held:
                continue
            if any(lane in busy for lane in repair.lanes):
                left.append(repair.id)
            elif repair.action == "case":
                self._ask(repair, now)
                cases.append(repair.id)
            else:
                self._begin(repair, now)
                begun.append(repair.id)
        return Applied(tuple(begun), tuple(cases), tuple(left), tuple(r.id for r in plan.repairs if r.id in held))

    def _ask(self, repair: Repair, now: int) -> None:
        reason = f"{repair.why}: {repair.kind} {repair.key}"
        if repair.group == "there":
            self.engine.open_case(event_of_gone(repair, now), DeadLetter(key_of_gone(repair), reason, "divergence"))
            return
        event = event_of_return(repair, self._times()[repair.name][0])
        self.engine.open_case(event, DeadLetter(key_of_return(repair), reason, "divergence"))

    def _begin(self, repair: Repair, now: int) -> None:
        engine, times = self.engine, self._times()
        times.setdefault(repair.name, []).append(now)
        with engine.journal.together():
            engine.journal.move(_DONE, msgspec.json.encode(times).decode())
            if repair.action == "tell":
                for event in repair.events:
                    engine.receive(event)
                return
            key, text = record_of(repair)
            engine.journal.record(key, text, now)
            engine.receive(event_of(repair, now))

    # --- by itself -------------------------------------------------------------------------------

    async def round(self) -> RepairPlan:
        """One sweep: look, and apply what needs nobody's approval. What does, and what is not to be believed or
        cannot be read, becomes a case.
        """
        plan = await self.look()
        now = self.engine.clock.now()
        for text in (*plan.blind, *plan.unread):
            self._open(f"reconcile:unread:{text[:60]}", text, "drift", now)
        if plan.doubt:
            self._open(f"reconcile:doubt:{plan.doubt[:60]}", plan.doubt, "divergence", now)
        applied = await self.apply(plan)
        waiting = [repair for repair in plan.repairs if repair.id in applied.held]
        if waiting and not plan.doubt:
            for repair in waiting:
                reason = f"a repair waits for approval: {repair.kind} {repair.key}: {repair.why}"
                self._open(f"reconcile:held:{repair.id}", reason, "divergence", now)
        return plan

    def _open(self, name: str, reason: str, kind: str, now: int) -> None:
        letter = DeadLetter(name, reason, "drift" if kind == "drift" else "divergence")
        self.engine.open_case(Inbound(name, "reconcile", name, "reconcile", now), letter)

    async def run(self) -> None:
        """Sweep by the rhythm until the engine stops, counted from the last sweep on record."""
        await by_rhythm(self.engine, "reconcile", self.rules.every_s, self.round)

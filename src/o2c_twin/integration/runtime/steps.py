"""The steps of a flow: reads and writes that happen as the design's delivery promises."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from o2c_twin.integration.capability import Capability, Sheet, guard_of
from o2c_twin.integration.connectors.writes import WRITES
from o2c_twin.integration.governance.errors import Erased
from o2c_twin.integration.governance.systems_of_record import Refusal
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.ports import Clock, Draw
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.errors import CallFailed, DeadLetter, Dropped, Parked
from o2c_twin.integration.runtime.gathering import Gatherer, Pool
from o2c_twin.integration.runtime.line import Line
from o2c_twin.integration.runtime.retry import Policy
from o2c_twin.integration.runtime.saga import steps_done
from o2c_twin.integration.store import Effect, Journal, Link
from o2c_twin.integration.store.records import CaseKind, EffectState

T = TypeVar("T")
_MICRO = 1_000_000
_encode = msgspec.json.Encoder().encode

Rescue = Callable[[CallFailed], Awaitable[str | None]]
"""What to take for the outcome of a write that was refused; None when it is a refusal indeed."""
Links = Callable[[tuple[Any, ...], str], Sequence[Link]]
"""The cross-references that go with a write: from its arguments and its result."""


class Trail(Protocol):
    """The audit trail."""

    def add(self, at: int, who: str, what: str, object_: str, key: str, after: str = "") -> None:
        """Put something on record, in the transaction that is open."""
        ...


Masters = Callable[[str, tuple[Any, ...], str, int], str | None]
"""Asked with write, arguments, key and instant whether the system of record allows it: None, or why not."""


class Target(Protocol):
    """A connector, as a write sees it. One whose sheet says ``query`` has a method ``find`` besides."""

    system: str
    sheet: Sheet


@dataclass(slots=True)
class Delivery:
    """How calls are made: policy, journal, the lines to the systems."""

    profile: DesignProfile
    policy: Policy
    journal: Journal
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    draw: Draw
    lines: Mapping[str, Line]
    audit: Trail | None = None
    registry: Masters | None = None
    gatherer: Gatherer | None = None
    _capabilities: dict[tuple[str, str], Capability] = field(default_factory=dict)

    # --- reads and decisions ---------------------------------------------------------------------

    async def read(self, system: str, key: str, call: Callable[[], Awaitable[T]]) -> T:
        """A call that changes nothing: tried again by the same policy, kept nowhere."""
        attempt, since = 1, self.clock.now()
        line = self.lines.get(system)
        while True:
            try:
                return await (call() if line is None else line.call(call, key, attempt > 1))
            except CallFailed as failure:
                await self.sleep(self._wait(failure, key, attempt, since))
                attempt += 1

    async def decided(self, key: str, decide: Callable[[], Awaitable[str]]) -> str:
        """A decision a write rests on. Effectively once: a replay gets the one on record.

        The write may have been applied already, and then the systems no longer look as they did
        when it was decided.
        """
        if self.profile.delivery != "effectively-once":
            return await decide()
        try:
            known = self.journal.outcome(key)
        except Erased as gone:
            raise Parked(key) from gone
        if known is None:
            known = await decide()
            self.journal.record(key, known, self.clock.now())
        return known

    # --- writes ----------------------------------------------------------------------------------

    async def write(
        self,
        target: Target,
        write: str,
        key: str,
        arguments: tuple[Any, ...],
        correlation: str,
        *,
        lane: str = "",
        result: str | None = None,
        links: Links | None = None,
        rescue: Rescue | None = None,
    ) -> str:
        """A change: ``write`` is the target's method, ``key`` the business fact it makes true.

        Gives what the method gave, or ``result`` where it gives nothing. Effectively once: on record with its
        arguments before the first byte; its outcome and its links in one commit before the next step; a replay
        gets the recorded outcome and sends nothing. Raises `DeadLetter`, or `Parked` when the same effect is with a
        person already; in a naive design `Dropped`.
        """
        if self.registry is not None:
            self._mastered(self.registry, target, write, key, arguments, lane)
        if self.profile.delivery != "effectively-once":
            return await self._naive(target, write, key, arguments, correlation, result, links, rescue)
        now = self.clock.now()
        pool = None if self.gatherer is None or rescue is not None else self.gatherer.pool(target, write)
        # What waits for others has not left yet, and a crash may be sure of it.
        state: EffectState = "sent" if pool is None else "due"
        intent = Effect(
            key, target.system, write, _encode(arguments), correlation, lane, state, result, 1, now, now, None
        )
        try:
            known = self.journal.intend(intent)
        except Erased as gone:
            raise DeadLetter(key, str(gone)) from gone
        if known is not None:
            if known.state == "done":
                _step_done(key)
                return known.result or ""
            if known.state == "dead":
                raise Parked(key)
            # What was sent is sent again, whatever the records it was made from have become.
            arguments = WRITES[known.write].arguments.decode(known.arguments)
        done = await self._deliver(target, known or intent, arguments, known is not None, rescue, pool)
        told = () if links is None else links(arguments, done)
        if self.audit is None:
            self.journal.settle(key, done, told)
        else:
            with self.journal.together():
                self.journal.settle(key, done, told)
                self.audit.add(self.clock.now(), "engine", f"{target.system} {write}", lane, key, done)
        _step_done(key)
        return done

    def _mastered(
        self, registry: Masters, target: Target, write: str, key: str, arguments: tuple[Any, ...], lane: str
    ) -> None:
        # What is on record already was allowed when it was intended.
        now = self.clock.now()
        why = None if self.journal.effect(key) is not None else registry(write, arguments, key, now)
        if why is None:
            return
        if self.audit is not None:
            self.audit.add(now, "engine", f"{target.system} {write} refused: {why}", lane, key)
        raise DeadLetter(key, why)

    async def _naive(
        self,
        target: Target,
        write: str,
        key: str,
        arguments: tuple[Any, ...],
        correlation: str,
        result: str | None,
        links: Links | None,
        rescue: Rescue | None,
    ) -> str:
        call = _call(target, write, arguments, None, correlation, rescue)
        made = await self.read(target.system, key, call)
        done = made or result or ""
        for link in () if links is None else links(arguments, done):
            self.journal.link(link.system, link.kind, link.canonical, link.remote)
        return done

    async def _deliver(
        self,
        target: Target,
        effect: Effect,
        arguments: tuple[Any, ...],
        again: bool,
        rescue: Rescue | None,
        pool: Pool | None,
    ) -> str:
        # An earlier life's call may have waited in line: it left before now, and that is all there is to know.
        key, attempt, left_before = effect.key, effect.attempts, self.clock.now()
        unknown = again and effect.state == "sent"
        if effect.next_at is not None:
            await self.sleep(max(0.0, (effect.next_at - self.clock.now()) / _MICRO))
        call = _call(target, effect.write, arguments, key, effect.correlation, rescue)
        line = self.lines.get(target.system)
        while True:
            if unknown:
                found = await self._resolve(target, effect, left_before)
                if found is not None:
                    return found or effect.result or ""
            if again and pool is None:
                self.journal.resend(key, self.clock.now())
            try:
                if pool is None:
                    made = await (call() if line is None else line.call(call, key, attempt > 1))
                else:
                    made = await pool.send(effect, arguments, call, attempt > 1)
            except CallFailed as failure:
                left_before = self.clock.now()
                guard = self._capability(target, effect.write).guard
                # What may have been done once stays so, whatever later tries are answered; only a look finds out, and
                # a key ages from its first use.
                unknown = failure.cause in ("unknown-outcome", "pending") or (unknown and guard != "query")
                if unknown and guard == "none":
                    raise _nobody_knows(key, str(failure)) from failure
                wait = self._wait(failure, key, attempt, effect.created_at, unknown=unknown)
                attempt += 1
                self.journal.again(key, attempt, self.clock.now() + int(wait * _MICRO), unknown=unknown)
                again = True
                await self.sleep(wait)
            else:
                return made or effect.result or ""

    async def _resolve(self, target: Target, effect: Effect, left_before: int) -> str | None:
        """What became of a write whose answer never came; None when it is to be sent again.

        Raises `DeadLetter` when only a person can tell.
        """
        capability = self._capability(target, effect.write)
        guard, retention = capability.guard, capability.retention_s
        if guard == "none":
            raise _nobody_knows(effect.key, "no answer came, and the system cannot be asked")
        if guard == "key" and retention is not None and self.clock.now() - effect.created_at >= retention * _MICRO:
            # A key the system has forgotten protects nothing.
            raise _nobody_knows(effect.key, f"no answer came within the {retention:g} s the key is remembered")
        if guard == "query":
            visible = left_before + int(capability.index_lag_s * _MICRO)
            await self.sleep(max(0.0, (visible - self.clock.now()) / _MICRO))
            find: Callable[[str, str], Awaitable[str | None]] = target.find  # type: ignore[attr-defined]  # by its sheet
            return await self.read(target.system, effect.key, lambda: find(effect.write, effect.key))
        return None

    def _capability(self, target: Target, write: str) -> Capability:
        name = (target.system, write)
        known = self._capabilities.get(name)
        if known is None:
            known = self._capabilities[name] = guard_of(target.sheet, write)
        return known

    def _wait(self, failure: CallFailed, key: str, attempt: int, since: int, *, unknown: bool = False) -> float:
        jitter = self.draw("engine.retry", key, attempt)
        wait = self.policy.wait_s(failure, attempt, (self.clock.now() - since) / _MICRO, jitter)
        if wait is None:
            if self.profile.delivery == "effectively-once":
                raise DeadLetter(key, str(failure), _kind_of(failure, unknown)) from failure
            raise Dropped(f"{key}: {failure}") from failure
        return wait


def _call(
    target: Target, write: str, arguments: tuple[Any, ...], key: str | None, correlation: str, rescue: Rescue | None
) -> Callable[[], Coroutine[Any, Any, str | None]]:
    method: Callable[..., Coroutine[Any, Any, str | None]] = getattr(target, write)
    tail = (key, correlation) if WRITES[write].keyed else (correlation,)
    if rescue is None:
        return lambda: method(*arguments, *tail)

    async def call() -> str | None:
        try:
            return await method(*arguments, *tail)
        except CallFailed as failure:
            other = await rescue(failure) if failure.cause == "rejected" else None
            if other is None:
                raise
            return other

    return call


def _step_done(key: str) -> None:
    done = steps_done.get()
    if done is not None:
        done.append(key)


def _kind_of(failure: CallFailed, unknown: bool) -> CaseKind:
    if not failure.retryable:
        return "refused"
    return "unknown-outcome" if unknown else "deadline"


def _nobody_knows(key: str, why: str) -> DeadLetter:
    return DeadLetter(key, f"outcome unknown: {why}", "unknown-outcome")


class Synced(msgspec.Struct, frozen=True, gc=False):
    """A change arrived in a system: instants in epoch microseconds."""

    flow: str
    object_id: str
    source: str
    target: str
    source_at: int
    target_at: int


class Observer:
    """Who wants to know what the engine does; every method may be left as it is."""

    def synced(self, what: Synced) -> None:
        """A change arrived."""

    def case_opened(self, case_id: str, flow: str, object_id: str, reason: str, at: int) -> None:
        """The engine gave up and asks a person."""

    def worked(self, event: Inbound, began_at: int, ended_at: int, state: str) -> None:
        """An event was worked; ``state`` is done, dead, parked or dropped."""

    def refused(self, refusal: Refusal) -> None:
        """What somebody typed in a system that is not master of it: it goes nowhere, and is put back."""

    def dropped(self, event: Inbound, reason: str, at: int) -> None:
        """A naive engine gave up; in life nobody is told."""

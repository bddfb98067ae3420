"""The steps of a flow: reads and writes that happen as the design's delivery promises."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.ports import Clock, Draw
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.errors import CallFailed, DeadLetter, Dropped
from o2c_twin.integration.runtime.gate import Gate
from o2c_twin.integration.runtime.journal import Journal
from o2c_twin.integration.runtime.retry import Policy

T = TypeVar("T")
_MICRO = 1_000_000


@dataclass(slots=True)
class Delivery:
    """How calls are made: policy, journal, gates that bound the calls in flight per system."""

    profile: DesignProfile
    policy: Policy
    journal: Journal
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    draw: Draw
    gates: dict[str, Gate]

    async def _attempts(
        self, system: str, key: str, call: Callable[[], Awaitable[T]], attempt: int, since: int, journalled: bool
    ) -> T:
        gate = self.gates.get(system)
        while True:
            try:
                if gate is None:
                    return await call()
                if not gate.try_enter():
                    await gate.enter()
                try:
                    return await call()
                finally:
                    gate.leave()
            except CallFailed as failure:
                now = self.clock.now()
                jitter = self.draw("engine.retry", key, attempt)
                wait = self.policy.wait_s(failure, attempt, (now - since) / _MICRO, jitter)
                if wait is None:
                    if self.profile.delivery == "effectively-once":
                        raise DeadLetter(key, str(failure)) from failure
                    raise Dropped(f"{key}: {failure}") from failure
                attempt += 1
                if journalled:
                    self.journal.again(key, attempt, now + int(wait * _MICRO))
                await self.sleep(wait)

    def read(self, system: str, key: str, call: Callable[[], Awaitable[T]]) -> Coroutine[Any, Any, T]:
        """A call that changes nothing: tried again by the same policy, kept nowhere."""
        return self._attempts(system, key, call, 1, self.clock.now(), journalled=False)

    async def decided(self, key: str, decide: Callable[[], Awaitable[str]]) -> str:
        """A decision a write rests on. Effectively once: a replay gets the one on record.

        The write may have been applied already, and then the systems no longer look as they did
        when it was decided.
        """
        if self.profile.delivery != "effectively-once":
            return await decide()
        known = self.journal.outcome(key)
        if known is None:
            known = await decide()
            self.journal.record(key, known, self.clock.now())
        return known

    async def write(self, system: str, key: str, call: Callable[[str | None], Awaitable[str]]) -> str:
        """A change. ``call`` gets the idempotency key to use, None in a naive design; gives the remote id.

        Effectively once: on record before the first byte, its outcome before the next step; a
        replay gets the recorded outcome and sends nothing.
        """
        if self.profile.delivery != "effectively-once":
            return await self._attempts(system, key, lambda: call(None), 1, self.clock.now(), journalled=False)
        now = self.clock.now()
        row = self.journal.intend(key, now)
        attempt, since = 1, now
        if row is not None:
            if row.state == "done":
                return row.result or ""
            attempt, since = row.attempts, row.created_at
            if row.next_at is not None and row.next_at > now:
                await self.sleep((row.next_at - now) / _MICRO)
        result = await self._attempts(system, key, lambda: call(key), attempt, since, journalled=True)
        self.journal.settle(key, result)
        return result


@dataclass(frozen=True, slots=True)
class Synced:
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

    def dropped(self, event: Inbound, reason: str, at: int) -> None:
        """A naive engine gave up; in life nobody is told."""

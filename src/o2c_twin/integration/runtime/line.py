"""The line to one system: who may call now, in what order, and how many at a time.

Calls of higher business value go first. The number in flight adapts: a throttled call halves it, answers let it
grow again, one by one. A breaker keeps a system that does not answer from being asked by everybody at once, and
lets the backlog back in slowly when it does. A budget keeps one that answers only some from being asked by all the
others again: a retry it has nothing for stands aside, and first tries go past it.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from o2c_twin.integration.ports import Clock
from o2c_twin.integration.runtime.breaker import Breaker, BreakerRules
from o2c_twin.integration.runtime.budget import Budget, BudgetRules
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.integration.runtime.quota import Allowance, Quota, Worth

T = TypeVar("T")
_MICRO = 1_000_000
# A vendor that throttles without a wish is left alone for this long.
_PAUSE_US = 1 * _MICRO

_Turn = tuple[int, int, "asyncio.Future[None]"]

worth_of_work: ContextVar[Worth] = ContextVar("worth_of_work", default=Worth.ORDER)
"""The business value of what the running task does; the engine sets it for each event."""


@dataclass(frozen=True, slots=True)
class LineRules:
    """``in_flight`` calls at most at a time; ``allowances`` as the vendor counts them; without ``budget`` any retry."""

    in_flight: int = 4
    allowances: tuple[Allowance, ...] = ()
    breaker: BreakerRules = field(default_factory=BreakerRules)
    budget: BudgetRules | None = None


class Line:
    """One system's line. ``sleep`` waits on the engine's clock; ``later`` starts work beside."""

    def __init__(
        self,
        rules: LineRules,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        spawn: Callable[..., object],
        name: str,
    ) -> None:
        self.breaker = Breaker(rules.breaker)
        self.calls = 0
        self.throttled = 0
        self._quota = Quota(rules.allowances) if rules.allowances else None
        self._most = rules.in_flight
        self._limit = float(rules.in_flight)
        self._flying = 0
        self._paused_until = 0
        self._budget = None if rules.budget is None else Budget(rules.budget, clock.now())
        self._waiting: list[_Turn] = []
        self._retries: list[_Turn] = []
        self._turns = 0
        self._waking_at = 0
        self._clock = clock
        self._sleep = sleep
        self._spawn = spawn
        self._name = name

    async def call(self, make: Callable[[], Awaitable[T]], key: str, again: bool = False) -> T:
        """Make a call when it is its turn; ``key`` names the work it is for. Raises what the call raises.

        ``again`` when it failed before: then the budget must have something for it.
        """
        if (
            again
            or self._waiting
            or self._retries
            or self._paused_until
            or self._quota is not None
            or self._flying + 1 > self._limit
            or not self.breaker.closed
        ):
            await self._enter(again)
        else:
            # Nothing is in the way of most calls.
            self._flying += 1
            if self._budget is not None:
                self._budget.held += self._budget.deposit
        self.calls += 1
        try:
            made = await make()
        except CallFailed as failure:
            self._heed(failure, key)
            raise
        except BaseException:
            self.breaker.forgotten()
            self._leave()
            raise
        if not self.breaker.calm:
            if not self.breaker.closed:
                # Slowly: everybody has been waiting for this.
                self._limit = 1.0
            self.breaker.answered()
        if self._limit < self._most:
            self._limit = min(self._most, self._limit + 1.0 / self._limit)
        self._flying -= 1
        if self._waiting or self._retries:
            self._wake()
        return made

    async def _enter(self, again: bool) -> None:
        if self._waiting or self._retries or not self._try_enter(worth_of_work.get(), again):
            await self._turn(again)

    def _try_enter(self, worth: Worth, again: bool) -> bool:
        if self._flying + 1 > self._limit:
            return False
        budget = self._budget
        now = self._clock.now()
        if now < self._paused_until:
            return False
        if self._quota is not None and self._quota.wait_us(now, worth):
            return False
        if again and budget is not None and budget.wait_us(now):
            return False
        if not self.breaker.admits(now):
            return False
        if budget is not None:
            if again:
                budget.spend()
            else:
                budget.held += budget.deposit
        if self._quota is not None:
            self._quota.spend(now)
        self._paused_until = 0
        self._flying += 1
        return True

    async def _turn(self, again: bool) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns += 1
        heapq.heappush(self._retries if again else self._waiting, (worth_of_work.get(), self._turns, turn))
        self._wake()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        self._flying -= 1
        if self._waiting or self._retries:
            self._wake()

    def _wake(self) -> None:
        """Let in whoever may go in; when time is what they wait for, come back when it has passed."""
        while (queue := self._next_up()) is not None:
            worth = Worth(queue[0][0])
            if not self._try_enter(worth, queue is self._retries):
                self._come_back(worth)
                return
            heapq.heappop(queue)[2].set_result(None)

    def _next_up(self) -> "list[_Turn] | None":
        """The queue whose head is next, by worth and then by who came first; retries only while the budget has one."""
        for queue in (self._waiting, self._retries):
            while queue and queue[0][2].done():
                heapq.heappop(queue)
        if not self._retries:
            return self._waiting or None
        now = self._clock.now()
        wait = 0 if self._budget is None else self._budget.wait_us(now)
        if wait and not self._waiting:
            self._look_at(now + wait)
            return None
        return self._retries if not wait and (not self._waiting or self._retries < self._waiting) else self._waiting

    def _come_back(self, worth: Worth) -> None:
        now = self._clock.now()
        due = self._paused_until
        if self._quota is not None:
            due = max(due, now + self._quota.wait_us(now, worth))
        if not self.breaker.closed:
            due = max(due, self.breaker.next_probe_at)
        if due > now:
            # Otherwise room, and not time, is what they wait for.
            self._look_at(due)

    def _look_at(self, due: int) -> None:
        if self._clock.now() < self._waking_at <= due:
            # Somebody will look in time.
            return
        self._waking_at = due
        self._spawn(self._look_again(due), f"line.{self._name}")

    async def _look_again(self, due: int) -> None:
        await self._sleep((due - self._clock.now()) / _MICRO)
        self._wake()

    def _heed(self, failure: CallFailed, key: str) -> None:
        now = self._clock.now()
        if failure.cause == "throttled":
            self.throttled += 1
            self._limit = max(1.0, self._limit / 2.0)
            self._paused_until = max(self._paused_until, now + max(_PAUSE_US, int(failure.retry_after_s * _MICRO)))
            self.breaker.answered()
        elif failure.cause in ("unavailable", "unknown-outcome"):
            self.breaker.failed(now, key)
        else:
            self.breaker.answered()
        self._leave()

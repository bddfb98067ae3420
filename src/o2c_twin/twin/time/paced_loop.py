"""The asyncio loop of a live rehearsal: real sockets, and virtual time in step with the wall clock.

Virtual time is the wall time since the run started, multiplied by the speed. It stands still while the loop
does not run, and it falls behind (and catches up) when the machine cannot keep the pace: `lag()` says how far.

**Whose seconds?** asyncio's timers count virtual seconds here, as in a simulation, so that the same service
code does the same thing. Network code is the exception: a server's keep-alive or a client's timeout is about
the real network, and at 3,600 times 5 virtual seconds are 1.4 real milliseconds. So the clock belongs to the
context that sets the timer:

* `with env.wall_time(): env.spawn(server.serve())` runs a server, and every connection it opens, on real
  seconds; `virtual_time_app` puts the application it serves back on virtual ones;
* a client either does its call inside `with env.wall_time():`, or multiplies its timeouts by `loop.speed`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from asyncio import events
from collections.abc import Callable, Iterator
from contextvars import Context, ContextVar
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, Final, TypeVarTuple

from o2c_twin.twin.time.lag import Lag, LagRecorder
from o2c_twin.twin.time.tick_loop import DEFAULT_LIVELOCK_LIMIT, TickLoop

if TYPE_CHECKING:
    from o2c_twin.twin.time.environment import TwinEnvironment

_STEPS_PER_TURN: Final = 256  # between two looks at the sockets: a few milliseconds
_LONGEST_REST: Final = 3600.0  # seconds; selectors overflow on very long waits
_FEW_DEAD_TIMERS: Final = 256
_Ts = TypeVarTuple("_Ts")
_WALL_TIME: Final[ContextVar[bool]] = ContextVar("o2c_wall_time", default=False)


@contextlib.contextmanager
def in_wall_time() -> Iterator[None]:
    """Let asyncio timers set in this block, and in tasks started in it, count real seconds."""
    token = _WALL_TIME.set(True)
    try:
        yield
    finally:
        _WALL_TIME.reset(token)


@contextlib.contextmanager
def in_virtual_time() -> Iterator[None]:
    """Let asyncio timers set in this block, and in tasks started in it, count virtual seconds."""
    token = _WALL_TIME.set(False)
    try:
        yield
    finally:
        _WALL_TIME.reset(token)


class PacedLoop(TickLoop, asyncio.SelectorEventLoop):
    """A selector loop that runs what is due on the environment's heap as the wall clock reaches it.

    Due steps run in bounded batches between two looks at the sockets. When nothing is due the loop sleeps in
    the selector until the next tick, timer or packet. With I/O there is no deadlock to find: it waits.
    """

    _selector: Any
    _scheduled: list[asyncio.TimerHandle]  # the timers in real seconds
    _process_events: Any

    def __init__(
        self,
        env: TwinEnvironment,
        *,
        speed: float = 1.0,
        order_seed: int | None = None,
        livelock_limit: int = DEFAULT_LIVELOCK_LIMIT,
    ) -> None:
        super().__init__(env, order_seed=order_seed, livelock_limit=livelock_limit)
        if not 0 < speed < float("inf"):
            self.close()
            raise ValueError(f"the speed of a paced run is a positive number, not {speed}")
        self.speed = speed
        self._started_ns = time.monotonic_ns()
        self._started_tick = 0
        self._lag = LagRecorder()
        self._cancelled_wall_timers = 0
        self._steps_at_tick = 0

    def lag(self) -> Lag:
        """Return how late the steps of this run were, in real seconds."""
        return self._lag.report()

    # -- two clocks ---------------------------------------------------------------------------------------

    def _tick_due(self) -> int:
        """Return the tick that the wall clock has reached."""
        return self._started_tick + int((time.monotonic_ns() - self._started_ns) * self.speed / 1000)

    def time(self) -> float:
        """Return virtual seconds, or real ones inside `wall_time`."""
        return time.monotonic() if _WALL_TIME.get() else super().time()

    def call_later(
        self, delay: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run a callback after `delay` virtual seconds, or real ones inside `wall_time`."""
        if _WALL_TIME.get():
            return self._call_at_wall(time.monotonic() + delay, callback, args, context)
        return super().call_later(delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run a callback at `when` seconds of `time()`, by the clock that `time()` shows in this context."""
        if _WALL_TIME.get():
            return self._call_at_wall(when, callback, args, context)
        return super().call_at(when, callback, *args, context=context)

    def _call_at_wall(
        self, when: float, callback: Callable[..., Any], args: Any, context: Context | None
    ) -> asyncio.TimerHandle:
        timer = events.TimerHandle(when, callback, args, self, context)
        heappush(self._scheduled, timer)
        timer._scheduled = True  # type: ignore[attr-defined]
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Count a cancelled timer of real time; sweep when the dead outnumber the living."""
        if not handle._scheduled:  # type: ignore[attr-defined]
            return
        self._cancelled_wall_timers += 1
        if self._cancelled_wall_timers > _FEW_DEAD_TIMERS and self._cancelled_wall_timers * 2 > len(self._scheduled):
            self._scheduled[:] = [timer for timer in self._scheduled if not timer._cancelled]
            heapify(self._scheduled)
            self._cancelled_wall_timers = 0

    # -- running ------------------------------------------------------------------------------------------

    def spin(self, *, until_idle: bool) -> bool:
        self._started_ns = time.monotonic_ns()
        self._started_tick = self.env._now
        while True:
            self._drop_dead()
            if until_idle and not (self._ready or self._queue or self._scheduled):
                return False
            self._process_events(self._selector.select(self._rest()))
            self._fire_wall_timers()
            due = self._tick_due()
            self.drop_dead_timers()
            if (not self._queue or self._queue[0][0] > due) and due > self.env._now:
                self.env._now = due
                self._steps_at_tick = 0
            self._run_due(due)
            if self._stopping:
                return True

    def _run_due(self, due: int) -> None:
        """Run what is ready and what is due, as a simulation would, but no more than a turn's share."""
        env = self.env
        steps = 0
        while steps < _STEPS_PER_TURN and not self._stopping:
            if self._ready:
                steps += self.run_ready()
                continue
            self.drop_dead_timers()
            if not self._queue or self._queue[0][0] > due:
                break
            before = env._now
            self._lag.record(int((self._tick_due() - self._queue[0][0]) / self.speed))
            self.run_next()
            steps += 1
            if env._now != before:
                self._steps_at_tick = 0
        self._steps_at_tick += steps
        if self._steps_at_tick > self.livelock_limit:
            self.report_livelock()

    def _rest(self) -> float | None:
        """Return how many real seconds the loop may sleep in the selector; None: until a packet comes."""
        if self._ready or self._stopping:
            return 0
        rests = []
        if self._queue:
            rests.append((self._queue[0][0] - self._tick_due()) / (self.speed * 1_000_000))
        if self._scheduled:
            rests.append(self._scheduled[0].when() - time.monotonic())
        return min(max(0.0, min(rests)), _LONGEST_REST) if rests else None

    def _drop_dead(self) -> None:
        self.drop_dead_timers()
        while self._scheduled and self._scheduled[0]._cancelled:
            heappop(self._scheduled)._scheduled = False  # type: ignore[attr-defined]
            self._cancelled_wall_timers -= 1

    def _fire_wall_timers(self) -> None:
        now = time.monotonic()
        while self._scheduled and self._scheduled[0].when() <= now:
            timer = heappop(self._scheduled)
            timer._scheduled = False  # type: ignore[attr-defined]
            if timer._cancelled:
                self._cancelled_wall_timers -= 1
            else:
                self._ready.append(timer)

    def callback_failed(self, handle: object, error: BaseException) -> None:
        """Report the error of a bare callback to the exception handler: a broken connection ends no rehearsal."""
        self.call_exception_handler(
            {"message": f"Exception in callback {handle!r}", "exception": error, "handle": handle}
        )

"""One clock for business processes and for services.

The people and goods of the world are SimPy processes, the systems and the integration between them are
asyncio code. A `TwinEnvironment` is both: a SimPy environment whose clock counts whole microseconds, and an
asyncio loop (`env.aio`) that shares its clock and its heap. So a generator can `yield env.coro(call())`, a
coroutine can `await env.wait(resource.request())`, and everything happens in one total order.
"""

from __future__ import annotations

from asyncio import Task
from collections.abc import Coroutine
from contextlib import AbstractContextManager
from heapq import heappush
from types import MethodType, TracebackType
from typing import Any, Self

import simpy
from simpy.core import EmptySchedule, StopSimulation
from simpy.events import NORMAL, URGENT, AllOf, AnyOf, Event, EventPriority, Process, Timeout

from o2c_twin.twin.time import bridge
from o2c_twin.twin.time.bridge import CoroEvent
from o2c_twin.twin.time.lag import Lag
from o2c_twin.twin.time.paced_loop import PacedLoop, in_virtual_time, in_wall_time
from o2c_twin.twin.time.simpy_loop import SimPyLoop
from o2c_twin.twin.time.tasks import FirstStep
from o2c_twin.twin.time.tick_loop import DEFAULT_LIVELOCK_LIMIT, TickLoop

_AHEAD_OF_URGENT = EventPriority(-1)


class TwinEnvironment(simpy.Environment):
    """A SimPy environment and an asyncio loop on one clock of integer microseconds that starts at 0.

    Drive it from either side: `env.run(until=tick)` or `env.aio.run_until_complete(coroutine)`. In both, all
    that is ready at a tick runs before the heap's next entry; entries follow (tick, priority, sequence). A task
    started at some tick therefore runs before a process started at the same tick: documented, total, and not
    to be relied on. `order_seed` shuffles ready tasks to find code that does rely on it.

    An event that fails unhandled stops the run with the event's own exception (SimPy re-creates it and loses
    what its constructor does not take). `Deadlock` and `Livelock` say who is stuck.

    With a `speed` it keeps step with the wall clock, `speed` times as fast, and real sockets work.
    """

    _now: int
    _queue: list[tuple[int, int, int, Any]]  # type: ignore[assignment]

    def __init__(
        self,
        *,
        speed: float | None = None,
        order_seed: int | None = None,
        livelock_limit: int = DEFAULT_LIVELOCK_LIMIT,
    ) -> None:
        super().__init__(0)
        # SimPy binds its event constructors early in `Environment` only; a subclass would look them up each time.
        for name, event_class in (
            ("process", Process),
            ("timeout", Timeout),
            ("event", Event),
            ("all_of", AllOf),
            ("any_of", AnyOf),
        ):
            setattr(self, name, MethodType(event_class, self))
        self.aio: TickLoop = (
            SimPyLoop(self, order_seed=order_seed, livelock_limit=livelock_limit)
            if speed is None
            else PacedLoop(self, speed=speed, order_seed=order_seed, livelock_limit=livelock_limit)
        )

    @classmethod
    def paced(cls, speed: float = 1.0) -> Self:
        """Return an environment in step with the wall clock: `speed` virtual seconds pass in a real one."""
        return cls(speed=speed)

    # -- time ---------------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """The virtual time in microseconds."""
        return self._now

    def sleep(self, seconds: float, value: Any = None) -> Timeout:
        """Return an event `seconds` from now, rounded to the microsecond. Whole seconds never lose anything."""
        try:
            return Timeout(self, round(seconds * 1_000_000), value)
        except OverflowError:
            raise ValueError(f"cannot sleep for {seconds} seconds; give a finite time") from None

    def sleep_ticks(self, ticks: int, value: Any = None) -> Timeout:
        """Return an event `ticks` microseconds from now."""
        return Timeout(self, ticks, value)

    def sleep_until(self, tick: int, value: Any = None) -> Timeout:
        """Return an event at `tick`. Raises `ValueError` when that tick has passed."""
        if tick < self._now:
            raise ValueError(f"cannot sleep until tick {tick}: it is already {self._now}")
        return Timeout(self, tick - self._now, value)

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: float = 0) -> None:
        """Put an event on the heap, `delay` microseconds from now.

        Raises `TypeError` for anything but an `int`: 864,000 steps of 0.1 do not make a day in floats.
        """
        if type(delay) is not int:
            raise TypeError(
                f"time is counted in whole microseconds, and {delay!r} is a {type(delay).__name__}; "
                "use env.sleep(seconds), or give an int"
            )
        heappush(self._queue, (self._now + delay, priority, next(self._eid), event))

    def peek(self) -> float:
        """Return the tick of the next thing to happen, or infinity. Cancelled timers do not count."""
        self.aio.drop_dead_timers()
        return super().peek()

    # -- coroutines ---------------------------------------------------------------------------------------

    def wait(self, event: Event) -> Coroutine[Any, Any, Any]:
        """Await a SimPy event from a coroutine; see `bridge.wait` for failures and cancellation."""
        return bridge.wait(self, event)

    def coro(self, coroutine: Coroutine[Any, Any, Any], name: str | None = None, *, shield: bool = False) -> CoroEvent:
        """Start a coroutine and return the event of its end, for a process to yield.

        The event's value is the coroutine's; if it fails the process gets `CoroFailed`. An interrupt of the
        process cancels the task, unless `shield` is set.
        """
        return CoroEvent(self, self.aio.create_task(coroutine, name=name), shield=shield)

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str | None = None) -> Task[Any]:
        """Start a background task.

        Its failure is never silent: unless somebody awaits the task and takes the exception at the same tick,
        the run stops with it, as it does for a SimPy process.
        """
        task = self.aio.create_task(coroutine, name=name)
        task.add_done_callback(self._background_ended)
        return task

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Start background work that nobody will await or cancel: it becomes a task only when it has to wait.

        It begins when a task would, and its failure stops the run.
        """
        self.aio.call_soon(FirstStep(work, name, self.spawn))

    def _background_ended(self, task: Task[Any]) -> None:
        if task.cancelled() or not task._log_traceback:
            return
        last_call = Event(self)  # leaves those who await the task the rest of this tick
        assert last_call.callbacks is not None
        last_call.callbacks.append(lambda _: _raise_if_unclaimed(task))
        last_call.succeed()

    # -- running ------------------------------------------------------------------------------------------

    def run(self, until: float | Event | None = None) -> Any:
        """Run until a tick, until an event (and return its value), or until nothing is left to happen.

        At tick `until` nothing else has run yet. Raises `Deadlock` when an awaited event can never come.
        """
        if until is None:
            stop = None
        elif isinstance(until, Event):
            stop = until
            if stop.processed:
                return stop.value
        else:
            if type(until) is not int:
                raise TypeError(f"`until` is a tick, a whole number of microseconds, not {until!r}")
            if until <= self._now:
                raise ValueError(f"until ({until}) must be greater than the current simulation time ({self._now})")
            stop = Event(self)
            stop._ok = True
            stop._value = None
            self.schedule(stop, URGENT, until - self._now)
        if stop is not None:
            assert stop.callbacks is not None
            stop.callbacks.append(StopSimulation.callback)
        aio = self.aio
        try:
            with aio.running():
                stopped = aio.spin(until_idle=True)
        except StopSimulation as end:
            return end.args[0]
        finally:
            # Left behind by an error or a stop(), the mark would end some later run.
            if stop is not None and stop.callbacks and StopSimulation.callback in stop.callbacks:
                stop.callbacks.remove(StopSimulation.callback)
        if stop is not None and not stopped:
            raise aio.deadlock()
        return None

    def step(self) -> None:
        """Run what is ready, then the next entry of the heap and what it makes ready.

        Raises SimPy's `EmptySchedule` when there is none.
        """
        aio = self.aio
        with aio.running():
            aio.drain()
            if not aio.run_next():
                raise EmptySchedule
            aio.drain()

    def process_event(self, event: Event) -> None:
        """Call back everybody who waits for an event that has just come off the heap."""
        callbacks = event.callbacks
        event.callbacks = None  # type: ignore[assignment]
        try:
            for callback in callbacks:
                callback(event)
        except StopSimulation:
            # The rest of the waiters get their turn when the run is resumed.
            event.callbacks = callbacks[callbacks.index(callback) + 1 :]
            self.schedule(event, _AHEAD_OF_URGENT)
            raise
        if not event._ok and not event.defused:
            raise event._value

    def close(self) -> None:
        """End the world: cancel the tasks that are left, in the order of their creation, and close the loop."""
        self.aio.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # -- pace ---------------------------------------------------------------------------------------------

    def wall_time(self) -> AbstractContextManager[None]:
        """Make the asyncio timers of this block, and of tasks started in it, count real seconds.

        For network code in a paced run: at 3,600 times a server's keep-alive of 5 seconds would be over after
        1.4 milliseconds. In virtual time there is only one clock, and the block changes nothing.
        """
        return in_wall_time()

    def virtual_time(self) -> AbstractContextManager[None]:
        """Make the asyncio timers of this block count virtual seconds again, inside `wall_time`."""
        return in_virtual_time()

    def lag(self) -> Lag:
        """Return how late, in real seconds, a paced run was; all zero in virtual time, which cannot be late."""
        return self.aio.lag() if isinstance(self.aio, PacedLoop) else Lag(0, 0.0, 0.0)


def _raise_if_unclaimed(task: Task[Any]) -> None:
    if not task._log_traceback:
        return
    error = task.exception()
    assert error is not None
    error.add_note(f"in background task {task.get_name()}, which nobody awaits")
    raise error

"""What an asyncio loop needs to live on SimPy's clock and SimPy's heap, whatever drives it.

asyncio's timers are pushed on the environment's heap between SimPy's own events, so that there is one clock,
one heap and one total order: by tick, then priority, then the sequence in which things were scheduled. Between
two entries of the heap everything that is ready runs, in first-in-first-out order.

`SimPyLoop` drives this as fast as it can, `PacedLoop` keeps step with the wall clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import threading
from asyncio import events
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextvars import Context, copy_context
from heapq import heapify, heappop, heappush
from types import coroutine
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVarTuple
from weakref import WeakKeyDictionary

from simpy.events import NORMAL, Process

from o2c_twin.twin.time.caller import waiting_place
from o2c_twin.twin.time.errors import Deadlock, Livelock
from o2c_twin.twin.time.handles import TICKS_PER_SECOND, TIMERS, Ready, Sleep, Timer
from o2c_twin.twin.time.tasks import FirstStep, SimTask

if TYPE_CHECKING:
    from o2c_twin.twin.time.environment import TwinEnvironment

DEFAULT_LIVELOCK_LIMIT: Final = 1_000_000
_LIVELOCK_SAMPLE: Final = 1_000
_FEW_DEAD_TIMERS: Final = 256
_FEW_TASKS: Final = 256

_Ts = TypeVarTuple("_Ts")


class TickLoop(asyncio.BaseEventLoop):
    """An asyncio loop on the clock and the heap of a `TwinEnvironment`; see the module for the order of things.

    `order_seed` shuffles, reproducibly, the tasks that are ready at the same moment. No program may rely on
    their order, so a nightly run under a few seeds finds the one that does.
    `livelock_limit` is the number of steps at one tick after which a run is taken to be stuck.
    """

    # What asyncio keeps for itself and the type stubs leave out.
    _ready: deque[Any]  # of Ready, and of the handles that a selector or another thread puts there
    _stopping: bool
    _closed: bool
    _thread_id: int | None
    _task_factory: Any
    _asyncgens_shutdown_called: bool

    #: Virtual seconds that pass in one second of the wall clock: the factor for the timeouts of network clients.
    speed: float = 1.0

    def __init__(
        self,
        env: TwinEnvironment,
        *,
        order_seed: int | None = None,
        livelock_limit: int = DEFAULT_LIVELOCK_LIMIT,
    ) -> None:
        super().__init__()
        self.env = env
        self.livelock_limit = livelock_limit
        self._clock_resolution = 1 / TICKS_PER_SECOND
        self._queue: list[tuple[int, int, int, Any]] = env._queue
        self._next_sequence = env._eid.__next__
        self._dead_timers = 0
        self._order = None if order_seed is None else random.Random(order_seed)  # noqa: S311
        self._created = 0
        # Strong references: a waiting task that only the garbage collector knows of would vanish at a moment
        # that differs from run to run. The finished ones are dropped when the list has doubled.
        self._tasks: list[SimTask] = []
        self._task_room = _FEW_TASKS
        # asyncio's own registry is a WeakSet, closed in the order of addresses; this one keeps creation order.
        self._open_generators: WeakKeyDictionary[Any, None] = WeakKeyDictionary()
        self._owner_thread = threading.get_ident()
        self._closing = False

    # -- the clock and the heap ---------------------------------------------------------------------------

    def time(self) -> float:
        """Return the virtual time in seconds; exact to the microsecond for 285 years."""
        return self.env._now / TICKS_PER_SECOND

    def call_soon(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Run a callback at this tick, after everything that is ready already."""
        handle = Ready(callback, args, copy_context() if context is None else context)
        self._ready.append(handle)
        # No subclass of asyncio's, whose making is what is saved; it answers all that a handle may be asked.
        return handle  # type: ignore[return-value]

    def call_later(
        self, delay: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run a callback after `delay` virtual seconds, rounded to the microsecond; a negative delay counts as 0."""
        try:
            ticks = round(delay * 1_000_000)
        except (OverflowError, ValueError):
            raise ValueError(f"cannot wait for {delay} seconds; give a finite delay") from None
        tick = self.env._now + ticks if ticks > 0 else self.env._now
        timer = Timer(tick, callback, args, self, context)
        heappush(self._queue, (tick, NORMAL, self._next_sequence(), timer))
        return timer

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run a callback at `when` seconds of `time()`; a time that has passed counts as now."""
        try:
            tick = max(self.env._now, round(when * 1_000_000))
        except (OverflowError, ValueError):
            raise ValueError(f"cannot wait until {when}; give a finite time") from None
        timer = Timer(tick, callback, args, self, context)
        heappush(self._queue, (tick, NORMAL, self._next_sequence(), timer))
        return timer

    @coroutine
    def sleep(self, seconds: float) -> Generator[Any, Any, None]:
        """Do what `asyncio.sleep` does, in virtual time only, at half the cost: simulated calls do little else."""
        if seconds <= 0:
            yield
            return
        try:
            ticks = round(seconds * 1_000_000)
        except (OverflowError, ValueError):
            raise ValueError(f"cannot wait for {seconds} seconds; give a finite delay") from None
        sleep = Sleep(self, self.env._now + ticks)
        try:
            yield sleep
        except BaseException:
            sleep.forget()
            raise

    def _timer_died(self) -> None:
        """Count a cancelled timer; sweep the heap when the dead outnumber the living."""
        self._dead_timers += 1
        if self._dead_timers > _FEW_DEAD_TIMERS and self._dead_timers * 2 > len(self._queue):
            self._queue[:] = [entry for entry in self._queue if type(entry[3]) not in TIMERS or entry[3]._pending]
            heapify(self._queue)
            self._dead_timers = 0

    def drop_dead_timers(self) -> None:
        """Take cancelled timers off the top of the heap, so that they never move the clock."""
        queue = self._queue
        while queue and type(queue[0][3]) in TIMERS and not queue[0][3]._pending:
            heappop(queue)
            self._dead_timers -= 1

    # -- tasks --------------------------------------------------------------------------------------------

    def create_task(
        self,
        coro: Any,
        *,
        name: object = None,
        context: Context | None = None,
        **options: Any,
    ) -> asyncio.Task[Any]:
        """Start a task; without a name it is called `t<number>` by the order of creation."""
        if self._task_factory is not None:
            return super().create_task(coro, name=name, context=context, **options)
        if self._closed:
            raise RuntimeError("Event loop is closed")
        number = self._created
        self._created = number + 1
        task = SimTask(coro, loop=self, number=number, name=name, context=context, **options)
        tasks = self._tasks
        tasks.append(task)
        if len(tasks) > self._task_room:
            tasks[:] = [kept for kept in tasks if not kept.done()]
            self._task_room = max(_FEW_TASKS, 2 * len(tasks))
        return task

    def waiting_tasks(self) -> list[SimTask]:
        """Return the unfinished tasks in the order of their creation."""
        return [task for task in self._tasks if not task.done()]

    def _check_closed(self) -> None:
        if self.is_closed():
            raise RuntimeError("Event loop is closed")

    # -- running ------------------------------------------------------------------------------------------

    def run_forever(self) -> None:
        """Run until `stop()` is called."""
        with self.running():
            self.spin(until_idle=False)

    def spin(self, *, until_idle: bool) -> bool:
        """Run everything as it falls due. Return True when `stop()` ended it.

        Return False, if `until_idle`, when nothing is left to happen.
        """
        raise NotImplementedError

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Be the running loop of this thread."""
        self._check_closed()
        if self._thread_id is not None:
            raise RuntimeError("this environment is already running; inside a run, await or yield instead")
        outer = self._outer_loop()
        hooks = sys.get_asyncgen_hooks()
        self._thread_id = threading.get_ident()
        sys.set_asyncgen_hooks(firstiter=self._asyncgen_firstiter_hook, finalizer=self._asyncgen_finalizer_hook)
        events._set_running_loop(self)
        try:
            yield
        finally:
            events._set_running_loop(outer)
            sys.set_asyncgen_hooks(*hooks)
            self._thread_id = None
            self._stopping = False

    def _outer_loop(self) -> asyncio.AbstractEventLoop | None:
        """Return the loop that this one interrupts; refuse when there must be none."""
        if events._get_running_loop() is not None:
            raise RuntimeError("Cannot run the event loop while another loop is running")
        return None

    def drain(self) -> None:
        """Run what is ready, and what becomes ready by it, without the clock moving."""
        work = 0
        while self._ready and not self._stopping:
            work += self.run_ready()
            if work > self.livelock_limit:
                self.report_livelock()

    def run_ready(self) -> int:
        """Run the callbacks that are ready now, not those they make ready; return how many there were."""
        ready = self._ready
        batch = len(ready)
        if self._order is not None and batch > 1:
            self.shuffle_ready(self._order)
        for _ in range(batch):
            self._run_handle(ready.popleft())
        return batch

    def _run_handle(self, handle: Ready | Timer | Sleep) -> None:
        if handle._cancelled:
            return
        assert handle._callback is not None and handle._context is not None
        try:
            handle._context.run(handle._callback, *handle._args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self.callback_failed(handle, error)

    def run_next(self) -> bool:
        """Take the next living entry off the heap, move the clock to it and run it; False when there is none."""
        self.drop_dead_timers()
        if not self._queue:
            return False
        tick, _, _, event = heappop(self._queue)
        self.env._now = tick
        if type(event) is Timer:
            event._pending = False
        if type(event) in TIMERS:
            self._run_handle(event)
        else:
            self.env.process_event(event)
        return True

    def callback_failed(self, handle: object, error: BaseException) -> None:
        """Deal with the error of a bare callback: a simulation stops, unless an exception handler is set."""
        if self._closing or self.get_exception_handler() is not None:
            self.call_exception_handler(
                {"message": f"Exception in callback {handle!r}", "exception": error, "handle": handle}
            )
        else:
            raise error

    def shuffle_ready(self, order: random.Random) -> None:
        """Permute the tasks among the ready callbacks; everything else keeps its place, as asyncio promises."""
        ready = self._ready
        places = [at for at, handle in enumerate(ready) if _task_of(handle) is not None]
        handles = [ready[at] for at in places]
        order.shuffle(handles)
        for at, handle in zip(places, handles, strict=True):
            ready[at] = handle

    # -- what is wrong ------------------------------------------------------------------------------------

    def deadlock(self) -> Deadlock:
        """Return the error that names who waits for ever."""
        waiting = self.waiting_tasks()
        return Deadlock(
            tuple(task.get_name() for task in waiting), tuple(waiting_place(task.get_coro()) for task in waiting)
        )

    def report_livelock(self) -> NoReturn:
        """Watch the next steps to learn who is busy, then raise."""
        tick = self.env._now
        names: dict[str, None] = {}
        for _ in range(_LIVELOCK_SAMPLE):
            if self._ready:
                handle = self._ready.popleft()
                names.update(dict.fromkeys(_names_of(handle)))
                self._run_handle(handle)
                continue
            self.drop_dead_timers()
            if not self._queue or self._queue[0][0] != tick:
                break
            names.update(dict.fromkeys(_names_of(self._queue[0][3])))
            self.run_next()
        raise Livelock(tuple(names), tick, self.livelock_limit)

    # -- the end ------------------------------------------------------------------------------------------

    def _asyncgen_firstiter_hook(self, agen: AsyncGenerator[Any, Any]) -> None:
        self._open_generators[agen] = None

    def _asyncgen_finalizer_hook(self, agen: AsyncGenerator[Any, Any]) -> None:
        self._open_generators.pop(agen, None)
        if not self.is_closed():
            self.call_soon_threadsafe(self.create_task, agen.aclose())

    async def shutdown_asyncgens(self) -> None:
        """Close the open asynchronous generators in the order of their first use."""
        self._asyncgens_shutdown_called = True
        for agen in list(self._open_generators):
            try:
                await agen.aclose()
            except Exception as error:
                self.call_exception_handler(
                    {"message": f"an error occurred during closing of {agen!r}", "exception": error, "asyncgen": agen}
                )
        self._open_generators.clear()

    def close(self) -> None:
        """Cancel what is left in the order of its creation, let it clean up at this tick, and close.

        The clock does not move any more: a task whose clean-up waits for time to pass is given up.
        """
        if self.is_closed():
            return
        self._closing = True
        for handle in self._ready:
            if isinstance(handle._callback, FirstStep):
                handle._callback.give_up()
                handle.cancel()
        with self.running():
            for _ in range(3):  # a task may start another, or wait again, while it is being cancelled
                for task in self.waiting_tasks():
                    task.cancel()
                self.drain()
            self.create_task(self.shutdown_asyncgens())
            self.drain()
        self._tasks.clear()
        super().close()


def _task_of(handle: Ready) -> SimTask | FirstStep | None:
    owner = getattr(handle._callback, "__self__", handle._callback)
    return owner if isinstance(owner, (SimTask, FirstStep)) else None


def _names_of(entry: Any) -> Iterator[str]:
    """Yield the names of the tasks and processes that a ready callback or an entry of the heap will wake."""
    if isinstance(entry, (asyncio.Handle, Ready, Sleep)):
        callbacks: list[Any] = [entry._callback]  # type: ignore[union-attr]
        for argument in entry._args:  # a timer of asyncio.sleep holds the future that the sleeper awaits
            if asyncio.isfuture(argument):
                callbacks += [callback for callback, _ in getattr(argument, "_callbacks", None) or ()]
    else:
        callbacks = list(entry.callbacks or ())
    for callback in callbacks:
        owner = getattr(callback, "__self__", None)
        if isinstance(callback, FirstStep):
            yield callback.name
        elif isinstance(owner, asyncio.Task):
            yield owner.get_name()
        elif isinstance(owner, Process):
            yield owner.name

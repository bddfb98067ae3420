"""The things that wait in a loop: callbacks for this tick, callbacks for a later one, and tasks that sleep.

They stand in for asyncio's own handles, without the bookkeeping of its debug mode: a simulation makes millions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from heapq import heappush
from typing import TYPE_CHECKING, Any, Final

import msgspec
from simpy.events import NORMAL

if TYPE_CHECKING:
    from o2c_twin.twin.time.tick_loop import TickLoop

TICKS_PER_SECOND: Final = 1_000_000


class Ready(msgspec.Struct, eq=False):
    """A callback that waits for its turn at this tick.

    It has what asyncio's own handle has, made in a third of its time.
    """

    _callback: Callable[..., Any] | None
    _args: Any
    _context: Context
    _cancelled: bool = False

    def cancel(self) -> None:
        """Never run it."""
        self._cancelled = True
        self._callback = None
        self._args = ()

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self._cancelled

    def get_context(self) -> Context:
        """The context it runs in."""
        return self._context

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'cancelled' if self._cancelled else self._callback!r}>"


class Timer(asyncio.TimerHandle):
    """An entry of the heap that asyncio made: a callback for a tick."""

    __slots__ = ("_pending", "_tick")
    _callback: Callable[..., Any] | None
    _context: Context
    _loop: TickLoop

    def __init__(
        self, tick: int, callback: Callable[..., Any], args: Any, loop: TickLoop, context: Context | None
    ) -> None:
        self._tick = tick
        self._callback = callback
        self._args = args
        self._loop = loop
        self._context = copy_context() if context is None else context
        self._cancelled = False
        self._pending = True

    def cancel(self) -> None:
        self._cancelled = True
        if self._pending:
            self._pending = False
            self._callback = None
            self._args = ()
            self._loop._timer_died()

    def when(self) -> float:
        """Return the due time in seconds of `loop.time()`."""
        return self._tick / TICKS_PER_SECOND

    def __repr__(self) -> str:
        return f"<Timer tick={self._tick} {'cancelled' if self._cancelled else self._callback!r}>"

    __hash__ = object.__hash__
    __eq__ = object.__eq__


class Sleep(msgspec.Struct, eq=False):
    """An entry of the heap that a task awaits by itself: when its tick comes, the task goes on.

    It is to asyncio's tasks what a future is to them (`_asyncio_future_blocking` is how they know one), without
    the future, the timer and the second callback that `asyncio.sleep` makes for each wait: half its cost.
    """

    _loop: TickLoop
    _tick: int
    _callback: Callable[[Any], None] | None = None
    """What wakes the task; None before it waits and after it was woken."""
    _context: Context | None = None
    _cancelled: bool = False
    _message: object = None
    _asyncio_future_blocking: bool = True

    def add_done_callback(self, wake: Callable[[Any], None], *, context: Context) -> None:
        """The task has heard what it waits for; from here on it does."""
        self._callback = wake
        self._context = context
        loop = self._loop
        heappush(loop._queue, (self._tick, NORMAL, loop._next_sequence(), self))

    @property
    def _args(self) -> tuple[Sleep]:
        return (self,)

    @property
    def _pending(self) -> bool:
        return self._callback is not None

    def result(self) -> None:
        """What the sleep gave the task: nothing, or its cancellation."""
        # The ring of task, sleep and task is broken here, so that the garbage collector has nothing to find.
        self._callback = None
        if self._cancelled:
            raise asyncio.CancelledError() if self._message is None else asyncio.CancelledError(self._message)

    def cancel(self, msg: object = None) -> bool:
        """Wake the task with its cancellation; False when it is awake already."""
        wake = self._callback
        if wake is None:
            return False
        self.forget()
        self._cancelled, self._message = True, msg
        self._loop.call_soon(wake, self, context=self._context)
        return True

    def forget(self) -> None:
        """Wake nobody any more."""
        if self._callback is not None:
            self._callback = None
            self._loop._timer_died()

    def __repr__(self) -> str:
        return f"<Sleep tick={self._tick} {'cancelled' if self._cancelled else ''}>"


TIMERS: Final = (Timer, Sleep)
"""The entries of the heap that asyncio's side made."""

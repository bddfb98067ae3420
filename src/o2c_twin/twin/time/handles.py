"""The things that wait in a loop: callbacks for this tick, callbacks for a later one, and tasks that sleep.

They stand in for asyncio's own handles, without the bookkeeping of its debug mode: a simulation makes millions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from heapq import heappush
from typing import TYPE_CHECKING, Any, Final

from simpy.events import NORMAL

if TYPE_CHECKING:
    from o2c_twin.twin.time.tick_loop import TickLoop

TICKS_PER_SECOND: Final = 1_000_000


class Ready(asyncio.Handle):
    """A callback that waits for its turn at this tick. Leaner than asyncio's own: no debug bookkeeping."""

    __slots__ = ()
    _callback: Callable[..., Any] | None
    _context: Context
    _loop: TickLoop

    def __init__(self, callback: Callable[..., Any], args: Any, loop: TickLoop, context: Context | None) -> None:
        self._callback = callback
        self._args = args
        self._loop = loop
        self._context = copy_context() if context is None else context
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True
        self._callback = None
        self._args = ()

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


class Sleep:
    """An entry of the heap that a task awaits by itself: when its tick comes, the task goes on.

    It is to asyncio's tasks what a future is to them (`_asyncio_future_blocking` is how they know one), without
    the future, the timer and the second callback that `asyncio.sleep` makes for each wait: half its cost.
    """

    __slots__ = (
        "_args",
        "_asyncio_future_blocking",
        "_callback",
        "_cancelled",
        "_context",
        "_loop",
        "_message",
        "_pending",
        "_tick",
    )

    def __init__(self, loop: TickLoop, tick: int) -> None:
        self._loop = loop
        self._tick = tick
        self._pending = self._cancelled = False
        self._asyncio_future_blocking = True

    def add_done_callback(self, wake: Callable[[Any], None], *, context: Context) -> None:
        """The task has heard what it waits for; from here on it does."""
        self._callback: Callable[[Any], None] | None = wake
        self._args: tuple[Any, ...] = (self,)
        self._context = context
        self._pending = True
        loop = self._loop
        heappush(loop._queue, (self._tick, NORMAL, loop._next_sequence(), self))

    def result(self) -> None:
        """What the sleep gave the task: nothing, or its cancellation."""
        # The ring of task, sleep and task is broken here, so that the garbage collector has nothing to find.
        self._callback = None
        self._args = ()
        if self._cancelled:
            raise asyncio.CancelledError() if self._message is None else asyncio.CancelledError(self._message)

    def cancel(self, msg: object = None) -> bool:
        """Wake the task with its cancellation; False when it is awake already."""
        if not self._pending:
            return False
        wake, context = self._callback, self._context
        assert wake is not None
        self.forget()
        self._cancelled, self._message = True, msg
        self._loop.call_soon(wake, self, context=context)
        return True

    def forget(self) -> None:
        """Wake nobody any more."""
        if self._pending:
            self._pending = False
            self._callback = None
            self._loop._timer_died()

    def __repr__(self) -> str:
        return f"<Sleep tick={self._tick} {'cancelled' if self._cancelled else ''}>"


TIMERS: Final = (Timer, Sleep)
"""The entries of the heap that asyncio's side made."""

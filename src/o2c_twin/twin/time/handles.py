"""The two things that wait in a loop: callbacks for this tick, and callbacks for a later one.

They stand in for asyncio's own handles, without the bookkeeping of its debug mode: a simulation makes millions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Final

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

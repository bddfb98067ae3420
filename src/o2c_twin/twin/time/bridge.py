"""Where coroutines meet SimPy: a coroutine awaits an event, a process waits for a coroutine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from heapq import heappush
from typing import TYPE_CHECKING, Any

from simpy.events import Event, Process
from simpy.resources.base import Get, Put
from simpy.resources.container import ContainerGet
from simpy.resources.resource import PreemptiveResource, PriorityRequest, Request
from simpy.resources.store import PriorityStore, StoreGet

from o2c_twin.twin.time.errors import CoroFailed

if TYPE_CHECKING:
    from o2c_twin.twin.time.environment import TwinEnvironment


async def wait(env: TwinEnvironment, event: Event) -> Any:
    """Wait for a SimPy event and return its value; raise its exception, as it is, if it fails.

    The failure counts as handled (defused). A waiter that is cancelled leaves nothing behind: a request still
    in the queue of its resource is withdrawn, one already granted is given back (a resource is released, an
    item goes back to the front of its store, an amount to its container). An event that somebody else
    waits for too is left alone.
    """
    if event.env is not env:
        raise ValueError(f"{event!r} belongs to another environment; wait for it there")
    if type(event) is PriorityRequest and event.proc is None and isinstance(event.resource, PreemptiveResource):
        raise TypeError(
            "SimPy can take a preemptive resource away from a process only, not from a coroutine; "
            "use a PriorityResource, or hold it from a process"
        )
    callbacks: list[Any] | None = event.callbacks
    if callbacks is None:
        if event._ok:
            return event._value
        event.defused = True
        raise event._value
    future = env.aio.create_future()
    deliver = partial(_deliver, future)
    callbacks.append(deliver)
    try:
        return await future
    except (asyncio.CancelledError, GeneratorExit):
        _abandon(event, deliver)
        raise


def _deliver(future: asyncio.Future[Any], event: Event) -> None:
    if future.done():
        return
    if event._ok:
        future.set_result(event._value)
    else:
        event.defused = True
        future.set_exception(event._value)


def _abandon(event: Event, deliver: Any) -> None:
    if event.callbacks is not None:
        if deliver in event.callbacks:
            event.callbacks.remove(deliver)
        own = 1 if isinstance(event, (Put, Get)) else 0  # SimPy's own: put wakes get, get wakes put
        if len(event.callbacks) > own:
            return
    if not isinstance(event, (Put, Get)):
        return
    if not event.triggered:
        event.cancel()
    elif event._ok:
        _give_back(event)


def _give_back(event: Put[Any] | Get[Any]) -> None:
    """Undo what was granted to a waiter that is gone."""
    resource: Any = event.resource
    if isinstance(event, Request):
        resource.release(event)
    elif isinstance(event, StoreGet):
        if isinstance(resource, PriorityStore):
            heappush(resource.items, event._value)
        else:
            resource.items.insert(0, event._value)
        resource._trigger_get(None)
    elif isinstance(event, ContainerGet):
        resource.put(event.amount)


class CoroEvent(Event):
    """The event of a coroutine's end: its value, or `CoroFailed` around its exception.

    When the one process that waits for it is interrupted, the task is cancelled, unless it is shielded.
    """

    callbacks: Any

    def __init__(self, env: TwinEnvironment, task: asyncio.Task[Any], *, shield: bool) -> None:
        super().__init__(env)
        self.task = task
        self.shield = shield
        self.interrupted = False
        self.callbacks = _Waiters(self)
        task.add_done_callback(self._finish)

    def waiter_interrupted(self) -> None:
        """Stop the task that nobody waits for any longer."""
        if not self.shield and not self.callbacks:
            self.interrupted = True
            self.task.cancel()

    def _finish(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            failure: BaseException | None = asyncio.CancelledError(f"task {task.get_name()} was cancelled")
        else:
            failure = task.exception()
        if failure is None:
            self.succeed(task.result())
            return
        if isinstance(failure, Exception | asyncio.CancelledError):
            wrapped = CoroFailed(failure, task.get_name())
            wrapped.__cause__ = failure
            failure = wrapped
        self.fail(failure)  # type: ignore[arg-type]  # an Escape passes through unwrapped
        if self.interrupted:
            self.defused = True


class _Waiters(list[Any]):
    """The callbacks of a `CoroEvent`. SimPy takes a process off this list only to interrupt it."""

    def __init__(self, event: CoroEvent, callbacks: Iterable[Any] = ()) -> None:
        super().__init__(callbacks)
        self._event = event

    def remove(self, callback: Any) -> None:
        super().remove(callback)
        if isinstance(getattr(callback, "__self__", None), Process):
            self._event.waiter_interrupted()

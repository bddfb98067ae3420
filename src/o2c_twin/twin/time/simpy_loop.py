"""The asyncio loop of a simulation: as fast as the machine allows, and sealed from the real world.

Deterministic: nothing it does depends on the wall clock, on addresses or on threads. Whatever would need
them (threads, sockets, name look-ups, subprocesses, signals) raises `Escape` and names the caller.
"""

from __future__ import annotations

import asyncio
import threading
from asyncio import events
from collections.abc import Callable
from contextvars import Context
from heapq import heappop, heappush
from typing import Any, Final, NoReturn, TypeVarTuple

from o2c_twin.twin.time.caller import place_of
from o2c_twin.twin.time.errors import Escape
from o2c_twin.twin.time.handles import Sleep, Timer
from o2c_twin.twin.time.tick_loop import TickLoop

_REMEDY_BY_METHOD: Final = {
    **dict.fromkeys(
        ("run_in_executor", "set_default_executor"),
        "call the function directly: a simulation has one thread",
    ),
    **dict.fromkeys(
        [
            "create_connection",
            "create_server",
            "create_datagram_endpoint",
            "create_unix_connection",
            "create_unix_server",
            "connect_accepted_socket",
            "sendfile",
            "start_tls",
            "sock_recv",
            "sock_recv_into",
            "sock_recvfrom",
            "sock_recvfrom_into",
            "sock_sendall",
            "sock_sendto",
            "sock_connect",
            "sock_accept",
            "sock_sendfile",
            "add_reader",
            "remove_reader",
            "add_writer",
            "remove_writer",
            "connect_read_pipe",
            "connect_write_pipe",
        ],
        "call the application in process, or run on TwinEnvironment.paced(...)",
    ),
    **dict.fromkeys(
        ("getaddrinfo", "getnameinfo"), "a simulation has no network; run on TwinEnvironment.paced(...) to reach one"
    ),
    **dict.fromkeys(("subprocess_shell", "subprocess_exec"), "do it before or after the run"),
    **dict.fromkeys(("add_signal_handler", "remove_signal_handler"), "handle signals outside the run"),
}


_Ts = TypeVarTuple("_Ts")


class SimPyLoop(TickLoop):
    """The loop of a `TwinEnvironment` in virtual time.

    Raises `Deadlock` when a coroutine is to be run to its end and nothing is left to happen, `Livelock` when
    the clock stands still, `Escape` for anything that leaves virtual time.
    """

    def spin(self, *, until_idle: bool) -> bool:
        # The hot loop of every simulation. It does what `run_ready` and `run_next` do, written out in one
        # place because the calls cost a tenth of the speed.
        env = self.env
        queue = self._queue
        ready = self._ready
        take = ready.popleft
        process_event = env.process_event
        limit = self.livelock_limit
        order = self._order
        now = env._now
        work = 0
        while True:
            while ready:
                batch = len(ready)
                work += batch
                if work > limit:
                    self.report_livelock()
                if order is not None and batch > 1:
                    self.shuffle_ready(order)
                for _ in range(batch):
                    handle = take()
                    if not handle._cancelled:
                        try:
                            handle._context.run(handle._callback, *handle._args)
                        except (SystemExit, KeyboardInterrupt):
                            raise
                        except BaseException as error:
                            self.callback_failed(handle, error)
                if self._stopping:
                    return True
            if self._stopping:
                return True
            try:
                tick, priority, sequence, event = heappop(queue)
            except IndexError:
                if until_idle:
                    return False
                raise self.deadlock() from None
            kind = type(event)
            if kind is Sleep:
                wake = event._callback
                if wake is None:
                    self._dead_timers -= 1
                    continue
            elif kind is Timer and not event._pending:
                self._dead_timers -= 1
                continue
            if tick != now:
                env._now = now = tick
                work = 0
            else:
                work += 1
                if work > limit:
                    heappush(queue, (tick, priority, sequence, event))
                    self.report_livelock()
            if kind is Sleep:
                # Nothing but a task waits for one, and a task's own steps raise only what ends the run.
                event._context.run(wake, event)
            elif kind is Timer:
                event._pending = False
                self._run_handle(event)
            else:
                process_event(event)

    def _outer_loop(self) -> asyncio.AbstractEventLoop | None:
        # A notebook runs its cells inside its own loop. This loop needs nothing from the outside, so it may
        # simply interrupt that one; but a simulation inside a simulation is a mistake.
        outer = events._get_running_loop()
        if isinstance(outer, TickLoop):
            raise RuntimeError("a simulation is already running in this thread; await or yield instead")
        return outer

    def call_soon_threadsafe(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Do what `call_soon` does; from another thread, raise `Escape`."""
        owner = self._owner_thread if self._thread_id is None else self._thread_id
        if threading.get_ident() != owner:
            raise Escape(
                f"call_soon_threadsafe was called from another thread at {place_of()}; a simulation has one thread"
            )
        return self.call_soon(callback, *args, context=context)

    def __del__(self) -> None:
        """Hold nothing that needs closing, so do not warn about it."""


def _refusal(method: str, remedy: str) -> Callable[..., NoReturn]:
    def refuse(self: SimPyLoop, *args: Any, **options: Any) -> NoReturn:
        raise Escape(f"{method} was called at {place_of()}; {remedy}")

    refuse.__name__ = method
    refuse.__qualname__ = f"SimPyLoop.{method}"
    refuse.__doc__ = f"Raise `Escape`: {remedy}."
    return refuse


for _method, _remedy in _REMEDY_BY_METHOD.items():
    setattr(SimPyLoop, _method, _refusal(_method, _remedy))

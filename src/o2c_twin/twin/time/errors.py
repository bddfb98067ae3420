"""What can go wrong with virtual time, as one small tree of errors.

`Deadlock`, `Livelock` and `CoroFailed` are ordinary errors raised to whoever drives the run.
`Escape` stands apart on purpose: it is a `BaseException`, because the code under simulation retries and
logs behind `except Exception`, and an escape swallowed there would make a run that only looks deterministic.
"""

from __future__ import annotations

from collections.abc import Sequence

SHOWN_NAMES = 20


class VirtualTimeError(RuntimeError):
    """A run on virtual time that cannot go on."""


class Deadlock(VirtualTimeError):
    """Nothing is left to happen, and somebody is still waiting.

    `names` are the names of the waiting tasks in the order of their creation; `places` says, task by task,
    where each one waits ("file:line in function", empty when it is unknown).
    """

    def __init__(self, names: Sequence[str], places: Sequence[str] = ()) -> None:
        super().__init__(names, places)
        self.names = tuple(names)
        self.places = tuple(places)

    def __str__(self) -> str:
        if not self.names:
            return "nothing is scheduled and no task is waiting, so the end that was asked for can never come"
        padded = (*self.places, *("" for _ in self.names[len(self.places) :]))
        lines = [f"{name} at {place}" if place else name for name, place in zip(self.names, padded, strict=True)]
        return f"nothing is scheduled, but {len(lines)} task(s) still wait: {_shown(lines)}"


class Livelock(VirtualTimeError):
    """Work goes on and on at one tick, so that the clock can never move.

    `names` are the tasks and processes that were busy when the limit was reached, in the order of their work;
    `tick` is the virtual time in microseconds.
    """

    def __init__(self, names: Sequence[str], tick: int, limit: int) -> None:
        super().__init__(names, tick, limit)
        self.names = tuple(names)
        self.tick = tick
        self.limit = limit

    def __str__(self) -> str:
        return (
            f"more than {self.limit} steps at tick {self.tick} without the clock moving; "
            f"busy: {_shown(self.names) or 'nobody by name'}. Look for a loop that sleeps for zero seconds"
        )


class CoroFailed(VirtualTimeError):
    """A coroutine that a SimPy process waited for has failed.

    `exception` is the coroutine's own exception, untouched. SimPy re-creates an exception as
    `type(e)(*e.args)` when it throws it into a process, which many exceptions do not survive; this one does.
    """

    def __init__(self, exception: BaseException, name: str) -> None:
        super().__init__(exception, name)
        self.exception = exception
        self.name = name

    def __str__(self) -> str:
        return f"task {self.name} failed with {type(self.exception).__name__}: {self.exception}"


class Escape(BaseException):
    """Simulated code reached for the real world: the wall clock, chance, a thread, a socket.

    The message names the file and line of the caller and the remedy.
    """


def _shown(names: Sequence[str]) -> str:
    more = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")

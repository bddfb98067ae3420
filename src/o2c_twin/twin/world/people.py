"""Desks: people with office hours who take tasks in the order they arrive."""

from collections.abc import Callable, Generator
from heapq import heapify, heapreplace
from math import ceil
from typing import Any

import simpy

from o2c_twin.twin.time import TwinClock, TwinEnvironment
from o2c_twin.twin.world.calendar import OfficeHours

WorkLog = Callable[[str, str, str, int, int, int, int], None]
"""role, task, object, queued, started, finished (epoch microseconds), touch in seconds"""

_MINUTE_US = 60_000_000


class Desk:
    """``staff`` people of one role; a task is begun by whoever is free first and not interrupted.

    It is a first-come queue with several servers, so a task's end is known when it arrives: one
    event a task, however long the queue.
    """

    def __init__(
        self, role: str, staff: int, hours: OfficeHours, env: TwinEnvironment, clock: TwinClock, log: WorkLog
    ) -> None:
        self.role = role
        self.staff = staff
        self._hours = hours
        self._env = env
        self._clock = clock
        self._log = log
        self._free = [0] * staff
        heapify(self._free)

    def free_at(self) -> int:
        """The instant from which somebody of the desk has nothing to do, in office hours; not before now."""
        now = self._clock.now()
        return self._hours.opening(max(now, self._hours.instant(max(self._free[0], self._hours.worked(now)))))

    def work(self, task: str, object_id: str, minutes: float) -> Generator[simpy.Event, Any, None]:
        """A SimPy process step: wait in the queue, then for the work itself, within office hours."""
        now = self._clock.now()
        began = max(self._hours.worked(now), self._free[0])
        ended = began + int(minutes * _MINUTE_US)
        heapreplace(self._free, ended)
        finish = self._hours.instant(ended)
        yield self._env.sleep_ticks(max(finish - now, 0))
        started = self._hours.opening(max(now, self._hours.instant(began)))
        self._log(self.role, task, object_id, now, started, finish, int(minutes * 60))


def staff_for(tasks_per_day: float, minutes: float, hours: OfficeHours, load: float = 0.8) -> int:
    """People needed so that a desk is busy ``load`` of its time."""
    return max(1, ceil(tasks_per_day * minutes * _MINUTE_US / (hours.day_us * load)))

"""Gathering: writes of one kind wait for each other a while and leave in one call, each with an outcome of its own.

A write that is gathered is on record as any other, and its flow awaits it as any other; only the call is shared.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from o2c_twin.integration.capability import Sheet
from o2c_twin.integration.connectors.writes import WRITES
from o2c_twin.integration.ports import Clock, Spawn
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.integration.runtime.line import Line, worth_of_work
from o2c_twin.integration.runtime.quota import Worth
from o2c_twin.integration.store import Journal
from o2c_twin.integration.store.records import Effect

_MICRO = 1_000_000

Outcome = str | None | CallFailed
"""What became of one write: what it gave, or why it failed."""
_Many = Callable[[Sequence[tuple[Any, ...]], str], Awaitable[Sequence[Outcome]]]


# --- the rule --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GatherRule:
    """Up to ``most`` writes leave together, the first of them after ``wait_s`` seconds at the latest."""

    most: int
    wait_s: float

    def wait_us(self, waiting: int, since: int, now: int) -> int:
        """Microseconds until ``waiting`` writes leave, the first of which came at ``since``; 0 when they do now."""
        if waiting >= self.most:
            return 0
        return max(0, since + int(self.wait_s * _MICRO) - now)


RULES: Mapping[str, GatherRule] = {"small": GatherRule(25, 2.0), "large": GatherRule(200, 60.0)}
"""By value of the axis ``batching``; ``off`` has none."""


@dataclass(slots=True, eq=False)
class Waiting:
    """One write that waits: ``alone`` makes it in a call of its own; ``since`` when it came, in microseconds.

    ``again`` when it failed before.
    """

    key: str
    arguments: tuple[Any, ...]
    correlation: str
    alone: Callable[[], Awaitable[str | None]]
    worth: Worth
    again: bool
    since: int
    outcome: "asyncio.Future[Outcome | _Alone]"


def load(waiting: Sequence[Waiting], most: int) -> tuple[list[Waiting], list[Waiting]]:
    """Who leaves and who stays, each in the order they came: the most valuable leave, one for each record.

    Vendors refuse a call that names a record twice, and say nothing of which of the two would hold.
    """
    records: set[str] = set()
    chosen: set[int] = set()
    for n in sorted(range(len(waiting)), key=lambda n: waiting[n].worth):
        record = waiting[n].arguments[0]
        if len(chosen) < most and record not in records:
            records.add(record)
            chosen.add(n)
    leaving = [each for n, each in enumerate(waiting) if n in chosen]
    return leaving, [each for n, each in enumerate(waiting) if n not in chosen]


# --- the calls -------------------------------------------------------------------------------------


class _Alone:
    """The outcome of a write whose call was refused as a whole: it is made in a call of its own."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a call waits for its turn as: with the worth of its most valuable item, a repeat when all its items are."""

    worth: Worth
    again: bool

    def serves(self, other: "_Turn") -> bool:
        """Whether it comes no later than another that stands beside it."""
        return self.worth <= other.worth and self.again <= other.again


class _Nobody(Exception):
    """A call's turn came when another had taken all that waited."""


class BulkTarget(Protocol):
    """A connector, as gathering sees it."""

    system: str
    sheet: Sheet


class Pool:
    """The writes of one kind that wait for one system."""

    def __init__(
        self,
        target: BulkTarget,
        write: str,
        rule: GatherRule,
        line: Line,
        journal: Journal,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        spawn: Spawn,
    ) -> None:
        self._many: _Many = getattr(target, WRITES[write].many or write)
        self._rule = rule
        self._line = line
        self._journal = journal
        self._clock = clock
        self._sleep = sleep
        self._spawn = spawn
        self._name = f"gather.{target.system}.{write}"
        self._waiting: list[Waiting] = []
        self._at_line: list[_Turn] = []
        self._looks_at = 0

    async def send(
        self, effect: Effect, arguments: tuple[Any, ...], alone: Callable[[], Awaitable[str | None]], again: bool
    ) -> str | None:
        """Make a write together with others; gives what it gave. Raises its own `CallFailed`.

        ``alone`` makes it in a call of its own; ``again`` when it failed before.
        """
        outcome_of: asyncio.Future[Outcome | _Alone] = asyncio.get_running_loop().create_future()
        worth, now = worth_of_work.get(), self._clock.now()
        mine = Waiting(effect.key, arguments, effect.correlation, alone, worth, again, now, outcome_of)
        self._waiting.append(mine)
        self._look()
        outcome = await outcome_of
        if isinstance(outcome, _Alone):
            self._journal.resend(effect.key, self._clock.now())
            return await self._line.call(alone, effect.key, again)
        if isinstance(outcome, CallFailed):
            raise outcome
        return outcome

    def _look(self) -> None:
        """Send off what is due, or come back when it is."""
        if not self._waiting:
            return
        now = self._clock.now()
        due = now + self._rule.wait_us(len(self._waiting), self._waiting[0].since, now)
        if due > now:
            if not now < self._looks_at <= due:
                self._looks_at = due
                self._spawn(self._look_again(due), self._name)
            return
        # Whoever comes while a call waits for its turn goes with it, unless the turn could be an earlier one.
        turn = _Turn(min(each.worth for each in self._waiting), all(each.again for each in self._waiting))
        if not any(other.serves(turn) for other in self._at_line):
            self._at_line.append(turn)
            self._spawn(self._leave(turn, self._waiting[0].key), self._name)

    async def _look_again(self, due: int) -> None:
        await self._sleep((due - self._clock.now()) / _MICRO)
        self._look()

    async def _leave(self, turn: _Turn, key: str) -> None:
        worth_of_work.set(turn.worth)
        leaving: list[Waiting] = []
        try:
            outcomes = await self._line.call(lambda: self._call(leaving, turn), key, turn.again)
        except _Nobody:
            return
        except CallFailed as failure:
            # Refused as a whole, nothing was done; and it may be for one item's sake.
            refused = len(leaving) > 1 and failure.cause in ("rejected", "missing")
            _settle(leaving, [_Alone() if refused else _same(failure) for _ in leaving])
        except Exception as broken:
            for each in leaving:
                if not each.outcome.done():
                    each.outcome.set_exception(broken)
            raise
        else:
            _settle(leaving, outcomes)

    async def _call(self, leaving: list[Waiting], turn: _Turn) -> Sequence[Outcome]:
        self._at_line.remove(turn)
        present = [each for each in self._waiting if not each.outcome.done()]
        off, self._waiting = load(present, self._rule.most)
        leaving += off
        self._look()
        if not leaving:
            raise _Nobody
        now = self._clock.now()
        with self._journal.together():
            for each in leaving:
                self._journal.resend(each.key, now)
        if len(leaving) == 1:
            return [await leaving[0].alone()]
        correlation = f"{leaving[0].correlation}+{len(leaving) - 1}"
        return await self._many([each.arguments for each in leaving], correlation)


def _settle(items: Sequence[Waiting], outcomes: Sequence[Outcome | _Alone]) -> None:
    for item, outcome in zip(items, outcomes, strict=True):
        if not item.outcome.done():
            item.outcome.set_result(outcome)


def _same(failure: CallFailed) -> CallFailed:
    """The failure once more: each write raises its own."""
    return CallFailed(failure.system, failure.operation, failure.cause, failure.detail, failure.retry_after_s)


class Gatherer:
    """What gathers the writes of an engine, by a rule, where the system's connector can send many at once."""

    def __init__(
        self,
        rule: GatherRule,
        lines: Mapping[str, Line],
        journal: Journal,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        spawn: Spawn,
    ) -> None:
        self._rule = rule
        self._lines = lines
        self._parts = (journal, clock, sleep, spawn)
        self._pools: dict[tuple[str, str], Pool | None] = {}

    def pool(self, target: BulkTarget, write: str) -> Pool | None:
        """Where a write waits for others; None when it goes by itself."""
        name = (target.system, write)
        if name not in self._pools:
            self._pools[name] = self._opened(target, write)
        return self._pools[name]

    def _opened(self, target: BulkTarget, write: str) -> Pool | None:
        many = WRITES[write].many
        bulk = next((each for each in target.sheet if each.write == many), None)
        if bulk is None:
            return None
        rule = GatherRule(min(self._rule.most, bulk.bulk_limit), self._rule.wait_s)
        return Pool(target, write, rule, self._lines[target.system], *self._parts)

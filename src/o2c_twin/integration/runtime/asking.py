"""Asking: the rounds in which the engine asks systems what is new, one round a system, as the design's triggers say."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from o2c_twin.integration.connectors.ports import Crm, Erp, Payments
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.errors import DeadLetter, Dropped
from o2c_twin.integration.runtime.hearing import telling
from o2c_twin.integration.runtime.line import worth_of_work
from o2c_twin.integration.runtime.quota import Worth

if TYPE_CHECKING:
    from o2c_twin.integration.runtime.engine import Engine

_MICRO = 1_000_000
_ASKED = "asked:"
_DAY = 86_400 * _MICRO
_OVERLAP = 300 * _MICRO
_FIRST_DAY = "1970-01-01"
# A statement may be issued days late, and a day may get a second one.
_LATE_STATEMENT_DAYS = 7


class Asking:
    """One engine's rounds. ``feeds`` are the systems asked by instant; the bank is asked by date."""

    def __init__(self, engine: "Engine", feeds: dict[str, Crm | Erp | Payments], sweep_s: float | None) -> None:
        self._engine = engine
        self._feeds = feeds
        self._sweep_s = sweep_s

    def asked_at(self, system: str) -> int | None:
        """When a system last answered what it has changed, whichever worker asked; None before it was asked at all."""
        known = self._engine.journal.cursor(f"{_ASKED}{system}", "")
        return int(known) if known else None

    def begin(self, system: str, trigger: str, careful: bool) -> None:
        """Start the round of a system; with pushes it is a sweep, for what was never pushed."""
        engine = self._engine
        if trigger == "nightly":
            engine.spawn(self._nightly(system), f"engine.nightly.{system}")
        elif trigger in ("poll", "hybrid"):
            engine.spawn(self._every(engine.rhythm.poll_s, system), f"engine.poll.{system}")
        elif careful and self._sweep_s is not None:
            engine.spawn(self._every(self._sweep_s, system), f"engine.sweep.{system}")

    async def _every(self, seconds: float, system: str) -> None:
        # An engine that is restarted more often than it sweeps would never sweep: the round is counted
        # from the last one on record, not from the start.
        engine = self._engine
        last = int(engine.journal.cursor(f"{_ASKED}{system}", "-1"))
        if last < 0:
            last = engine.clock.now()
            engine.journal.move(f"{_ASKED}{system}", str(last))
        while not engine.stopped:
            await engine.sleep(max(0.0, seconds - (engine.clock.now() - last) / _MICRO))
            last = engine.clock.now()
            await self.ask(system)

    async def _nightly(self, system: str) -> None:
        engine = self._engine
        while not engine.stopped:
            now = engine.clock.now()
            await engine.sleep((engine.rhythm.next_night(now) - now) / _MICRO)
            await self.ask(system)

    async def ask(self, system: str) -> None:
        """Ask a system once for what it has changed since it was last asked."""
        engine = self._engine
        if not engine.on_duty(f"ask:{system}"):
            return
        worth_of_work.set(Worth.CASH if system == engine.bank.system else Worth.SWEEP)
        if engine.stopped:
            return
        now = engine.clock.now()
        try:
            if system == engine.bank.system:
                await self._ask_bank()
            else:
                await self._ask_changes(self._feeds[system], now)
        except DeadLetter as letter:
            # The cursor has not moved: the next round asks for the same again, and it is the same case.
            stuck_at = engine.journal.cursor(system, "0")
            engine.open_case(Inbound(f"ask:{system}:{stuck_at}", "ask", system, f"ask:{system}", now), letter)
        except Dropped as lost:
            engine.observer.dropped(Inbound(f"ask:{system}:{now}", "ask", system, "", now), str(lost), now)
        else:
            engine.journal.move(f"{_ASKED}{system}", str(now))

    async def _ask_changes(self, source: Crm | Erp | Payments, now: int) -> None:
        engine = self._engine
        since = int(engine.journal.cursor(source.system, "0"))
        events, until = await engine.delivery.read(source.system, f"ask:{source.system}", lambda: source.changes(since))
        if source is engine.erp and engine.profile.hears_customers:
            customers, key = telling(engine.erp), f"ask:{source.system}:customers"
            changed, _ = await engine.delivery.read(source.system, key, lambda: customers.customer_changes(since))
            events = [*events, *changed]
            until = max((until, *(event.source_at for event in changed)))
        # The careful engine asks again for the last minutes each time: clocks differ, changes commit
        # late, and more may happen within the second of the last one. What it is told twice, the
        # inbox drops. A naive one takes the answer for complete.
        engine.take(events, source.system, str(max(since, now - _OVERLAP) if engine.careful else max(until, now)))

    async def _ask_bank(self) -> None:
        engine = self._engine
        system = engine.bank.system
        since = engine.journal.cursor(system, _FIRST_DAY)
        asked = _days_before(since, _LATE_STATEMENT_DAYS) if engine.careful else since
        events, until = await engine.delivery.read(system, f"ask:{system}", lambda: engine.bank.statements(asked))
        engine.take(events, system, max(since, until))


def next_night(now: int, hour_utc: int) -> int:
    """The next instant after ``now`` of that hour (UTC); microseconds since the epoch."""
    hour = hour_utc * 3_600 * _MICRO
    return (now - hour) // _DAY * _DAY + _DAY + hour


def _days_before(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days)).isoformat()

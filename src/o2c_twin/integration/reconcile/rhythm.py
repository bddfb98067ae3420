"""When a sweep is due: by its rhythm, counted from the last one on record, and by one worker of several."""

from collections.abc import Awaitable, Callable

from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.store import SharedJournal

_MICRO = 1_000_000
_BUSY_S = 60.0
_DUTY_US = 1_800 * _MICRO
"""A worker that dies in a sweep holds up the next one so long."""


async def by_rhythm(engine: Engine, duty: str, every_s: float, turn: Callable[[], Awaitable[object]]) -> None:
    """Take a turn every ``every_s`` seconds until the engine stops; ``duty`` names it in the journal.

    The journal is asked again after each wait: another worker may have taken the turn meanwhile.
    """
    journal, cursor = engine.journal, f"asked:{duty}"
    if int(journal.cursor(cursor, "-1")) < 0:
        journal.move(cursor, str(engine.clock.now()))
    while not engine.stopped:
        now = engine.clock.now()
        wait_s = every_s - (now - int(journal.cursor(cursor, "-1"))) / _MICRO
        if wait_s > 0:
            await engine.sleep(wait_s)
        elif isinstance(journal, SharedJournal) and not journal.lease(duty, now, _DUTY_US):
            await engine.sleep(_BUSY_S)
        else:
            await turn()
            journal.move(cursor, str(now))

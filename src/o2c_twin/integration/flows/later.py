"""Work put off to an instant: it waits in the inbox, so that a restart forgets nothing, and in a lane of its own."""

import msgspec

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.engine import WAITING, Engine

_LANE = "later:"
_EVENT = msgspec.json.Decoder(Inbound)
_MICRO = 1_000_000


def put_off(engine: Engine, event: Inbound, due: int) -> None:
    """Have an event worked at ``due`` (microseconds since the epoch) instead of now; the same event only once."""
    told = msgspec.json.encode(event).decode()
    # All that is due at one instant waits in one lane: a month's billing run is one wait, however long its list.
    engine.receive(Inbound(f"{event.event_id}@{due}", WAITING, told, f"{_LANE}{due}", event.source_at))


async def later(engine: Engine, event: Inbound) -> None:
    """The instant of the lane is awaited, and the event that was put off is taken in."""
    due = int(event.lane.removeprefix(_LANE))
    await engine.sleep(max(0.0, (due - engine.clock.now()) / _MICRO))
    engine.receive(_EVENT.decode(event.object_id))

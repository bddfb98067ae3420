"""A broker between the systems' notices and the engine: what is published is delivered at least once, in any order."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.ports import Draw, Spawn


class Broker(Protocol):
    """Takes events in and gives each to its consumer, once or more."""

    def publish(self, event: Inbound) -> None:
        """Take an event in; whoever published it need not wait."""
        ...


class InProcessBroker:
    """A queue in memory, with a broker's manners: messages overtake each other, and a lost ack brings one again.

    It forgets what is in it when the process ends; a sweep finds that again. Where brokers are durable, one of
    them stands behind the same port.
    """

    def __init__(
        self,
        consume: Callable[[Inbound], object],
        sleep: Callable[[float], Awaitable[None]],
        spawn: Spawn,
        draw: Draw,
        *,
        transit_s: float = 0.5,
        ack_lost: float = 0.01,
        redeliver_s: float = 30.0,
    ) -> None:
        self._consume = consume
        self._sleep = sleep
        self._spawn = spawn
        self._draw = draw
        self._transit_s = transit_s
        self._ack_lost = ack_lost
        self._redeliver_s = redeliver_s
        self.redelivered = 0

    def publish(self, event: Inbound) -> None:
        """Deliver an event after its transit, and again for as long as its ack gets lost."""
        self._spawn(self._deliver(event), f"broker.{event.lane}")

    async def _deliver(self, event: Inbound) -> None:
        attempt = 1
        while True:
            await self._sleep(self._transit_s * self._draw("broker.transit", event.event_id, attempt))
            self._consume(event)
            if self._draw("broker.ack", event.event_id, attempt) >= self._ack_lost:
                return
            self.redelivered += 1
            attempt += 1
            await self._sleep(self._redeliver_s)

"""Pushes through a RabbitMQ: acknowledged when the broker has confirmed them, taken into the inbox from there."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from o2c_twin.integration.edges.broker import BrokerAway, Message, PutAside
from o2c_twin.integration.edges.intake import Intake, as_message, why_dead
from o2c_twin.integration.edges.live_rabbit import RabbitBroker
from o2c_twin.integration.edges.queueing_endpoint import Reception, Source
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.service.config import RabbitConfig

_AGAIN_S = 1.0
_AWAY = b'{"error":"the queue is away; push again later"}'


class RabbitQueue:
    """The queue of one engine between these connectors. ``tell`` is told when the broker comes and goes."""

    def __init__(
        self, config: RabbitConfig, engine: Engine, sources: Iterable[Source], tell: Callable[[bool], None]
    ) -> None:
        self._broker = RabbitBroker(config.url, config.prefix, config.lanes)
        pushing = ("webhook", "hybrid")
        self._sources = {each.system: each for each in sources if engine.triggers.get(each.system) in pushing}
        self._flows = frozenset(engine._known_flows())
        self._intake = Intake(engine.receive, self._flows)
        self._tell = tell
        engine.fed_by_queue()

    @property
    def there(self) -> bool:
        """Whether the broker is there and gives this worker messages."""
        return self._broker.consuming

    async def run(self) -> None:
        """Consume for as long as the engine works; a broker that is away is tried again and again."""
        begun, known = False, None
        while True:
            if not begun:
                try:
                    await self._broker.consume(self._intake)
                    # From here on the connection is kept up by the broker's own watch.
                    begun = True
                except BrokerAway:
                    pass
            if self.there != known:
                known = self.there
                self._tell(known)
            await asyncio.sleep(_AGAIN_S)

    async def pushed(self, system: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """A system's push: acknowledged only when the broker has confirmed all its events, in their order."""
        if system not in self._sources:
            return 200, b""
        reception = Reception(self._sources)
        status, answer = reception.pushed(system, body, headers)
        try:
            for event in reception.events:
                await self._broker.publish(as_message(event))
        except BrokerAway:
            return 503, _AWAY
        return status, answer

    # --- dead letters: as `dead_letters.Aside` has them ------------------------------------------

    async def dead(self, most: int) -> list[PutAside]:
        """The oldest dead letters. Raises `BrokerAway`."""
        return await self._broker.dead(most)

    async def revive(self, ids: Collection[str]) -> int:
        """Send dead letters on again. Raises `BrokerAway`."""
        return await self._broker.revive(ids)

    async def discard(self, ids: Collection[str]) -> int:
        """End dead letters. Raises `BrokerAway`."""
        return await self._broker.discard(ids)

    def why(self, message: Message) -> str:
        """Why a message is a dead letter, and the remedy."""
        return why_dead(message, self._flows)

    def figures(self) -> dict[str, Any]:
        """Whether the broker is there, and what this worker took from it: new to the inbox, known, put aside."""
        intake = self._intake
        return {"there": self.there, "accepted": intake.accepted, "known": intake.known, "dead": intake.dead}

    async def standing(self) -> dict[str, Any]:
        """`figures`, what waits in the lanes, and the dead letters: how many, and since when the oldest is one (µs)."""
        told: dict[str, Any] = {"kind": "broker", **self.figures()}
        try:
            waiting, dead = await self._broker.figures()
            oldest = await self._broker.dead(1) if dead else []
        except BrokerAway as away:
            return {**told, "there": False, "away": str(away)}
        return {**told, "waiting": waiting, "dead_letters": dead, "oldest_dead": oldest[0].since if oldest else None}

    async def close(self) -> None:
        """Consume no more; what is not settled comes again to another worker."""
        await self._broker.close()

"""The broker in memory, for virtual time: deterministic, with a broker's delays and lost acknowledgements.

It forgets what is in it with the process; the durable one is `live_rabbit`.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Collection

import msgspec

from o2c_twin.integration.edges.broker import Broker, BrokerAway, Message, PutAside, Received, Work, lane_of
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.ports import Draw, Spawn


class Habits(msgspec.Struct, frozen=True):
    """How it behaves: seconds on the way (up to), share of acknowledgements lost, seconds until it comes again."""

    transit_s: float = 0.5
    ack_lost: float = 0.0
    redeliver_s: float = 5.0


class MemoryBroker:
    """Lanes in memory. ``draw`` is chance by message id and delivery, so two designs meet the same mishaps."""

    def __init__(
        self,
        sleep: Callable[[float], Awaitable[None]],
        spawn: Spawn,
        draw: Draw,
        *,
        lanes: int = 8,
        habits: Habits | None = None,
    ) -> None:
        self._sleep = sleep
        self._spawn = spawn
        self._draw = draw
        self._habits = habits or Habits()
        self._lanes: list[deque[Message]] = [deque() for _ in range(lanes)]
        self._busy = [False] * lanes
        self._dead: deque[Message] = deque()
        self._work: Work | None = None
        self._closed = False
        self._delivered: dict[str, int] = {}
        self.away = False
        """Set to have it refuse, as a broker that is down."""
        self.redelivered = 0

    async def publish(self, message: Message) -> None:
        """Put a message at the end of its lane. Raises `BrokerAway` while it is away."""
        if self.away:
            raise BrokerAway("the broker is away")
        lane = lane_of(message.key, len(self._lanes))
        self._lanes[lane].append(message)
        self._go_on(lane)

    async def consume(self, work: Work) -> None:
        """Deliver to ``work`` from now on; one consumer at a time."""
        self._work = work
        self._closed = False
        for lane in range(len(self._lanes)):
            self._go_on(lane)

    async def dead(self, most: int = 100) -> list[PutAside]:
        """The oldest messages put aside."""
        return [PutAside(message) for message in list(self._dead)[:most]]

    async def revive(self, ids: Collection[str]) -> int:
        """Send messages put aside on again."""
        wanted = self._aside(ids)
        for message in wanted:
            await self.publish(message)
            self._dead.remove(message)
        return len(wanted)

    async def discard(self, ids: Collection[str]) -> int:
        """End messages put aside."""
        wanted = self._aside(ids)
        for message in wanted:
            self._dead.remove(message)
        return len(wanted)

    def _aside(self, ids: Collection[str]) -> list[Message]:
        return [message for message in self._dead if PutAside(message).id in ids]

    async def close(self) -> None:
        """Deliver no more; what is being worked is not settled any more, and comes again to the next consumer."""
        self._closed = True
        self._work = None

    def _go_on(self, lane: int) -> None:
        if self._work is not None and not self._busy[lane] and self._lanes[lane]:
            self._busy[lane] = True
            self._spawn(self._deliver(lane), f"broker.lane.{lane}")

    async def _deliver(self, lane: int) -> None:
        queue = self._lanes[lane]
        try:
            while queue and (work := self._work) is not None:
                message = queue[0]
                attempt = self._delivered[message.message_id] = self._delivered.get(message.message_id, 0) + 1
                await self._sleep(self._habits.transit_s * self._draw("broker.transit", message.message_id, attempt))
                verdict = await work(Received(message, attempt > 1))
                if self._work is not work:
                    return
                lost = self._draw("broker.ack", message.message_id, attempt) < self._habits.ack_lost
                if lost or verdict == "again":
                    self.redelivered += 1
                    await self._sleep(self._habits.redeliver_s)
                    continue
                queue.popleft()
                del self._delivered[message.message_id]
                if verdict == "dead":
                    self._dead.append(message)
        finally:
            self._busy[lane] = False
            if not self._closed:
                self._go_on(lane)


class EventBroker:
    """Offers a broker as the port of the engine's event-driven topology (`runtime.broker.Broker`).

    That port does not wait: an event is published in the background, and again until the broker has it. Where an
    event must not be lost with the process, publish before the sender is answered: `queueing_endpoint`.
    """

    def __init__(
        self,
        broker: Broker,
        as_message: Callable[[Inbound], Message],
        sleep: Callable[[float], Awaitable[None]],
        spawn: Spawn,
        again_s: float = 5.0,
    ) -> None:
        self._broker = broker
        self._as_message = as_message
        self._sleep = sleep
        self._spawn = spawn
        self._again_s = again_s

    def publish(self, event: Inbound) -> None:
        """Take an event in."""
        self._spawn(self._publish(self._as_message(event)), f"publish.{event.lane}")

    async def _publish(self, message: Message) -> None:
        while True:
            try:
                await self._broker.publish(message)
            except BrokerAway:
                await self._sleep(self._again_s)
            else:
                return

"""RabbitMQ as the broker (AMQP 0-9-1 through aio-pika): durable lanes, publisher confirms, dead letters.

Each lane is a durable queue with one active consumer; the broker makes another worker's consumer active when
that one is gone, and gives it what was not acknowledged first. ``prefix`` keeps several engines apart at one broker.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPError

from o2c_twin.integration.edges.broker import BrokerAway, Message, PutAside, Received, Settlement, Work, lane_of

_KEY = "o2c-key"
_CONFIRM_S = 10.0
_PAUSE_S = 0.5
MOST_DEAD = 10_000
"""So many dead letters are looked through for some of them."""


class RabbitBroker:
    """One process's connection: publishes, and consumes when asked to. The number of lanes is for good."""

    def __init__(self, url: str, prefix: str = "o2c.", lanes: int = 8) -> None:
        self._url = url
        self._prefix = prefix
        self._lanes = lanes
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._consuming: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._looking = asyncio.Lock()
        self._keeping: asyncio.Task[None] | None = None

    @property
    def queues(self) -> list[str]:
        """The names of all queues: the lanes, and last the dead letters."""
        return [*(f"{self._prefix}lane.{lane}" for lane in range(self._lanes)), f"{self._prefix}dead"]

    @property
    def consuming(self) -> bool:
        """Whether the broker is there and gives this process messages."""
        return self._works(self._consuming)

    async def _open(self) -> AbstractChannel:
        async with self._opening:
            if not self._works(self._channel):
                connection = await self._connected()
                # A message nobody would get is an error, not a message that is gone.
                channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
                await self._declare(channel)
                self._channel = channel
            assert self._channel is not None
            return self._channel

    def _works(self, channel: AbstractChannel | None) -> bool:
        # A connection that broke is not "closed": nobody has closed it.
        connected = self._connection is not None and self._connection.connected.is_set()
        return connected and channel is not None and not channel.is_closed

    async def _connected(self) -> AbstractConnection:
        if self._connection is None or not self._connection.connected.is_set():
            self._connection = await aio_pika.connect(self._url, timeout=_CONFIRM_S)
        return self._connection

    async def _declare(self, channel: AbstractChannel) -> list[AbstractQueue]:
        *lanes, dead = self.queues
        await channel.declare_queue(dead, durable=True)
        arguments: dict[str, Any] = {
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead,
            "x-single-active-consumer": True,
        }
        return [await channel.declare_queue(lane, durable=True, arguments=arguments) for lane in lanes]

    async def publish(self, message: Message) -> None:
        """Put a message on disk at the broker. Raises `BrokerAway`."""
        with _told():
            async with asyncio.timeout(_CONFIRM_S):
                channel = await self._open()
                lane = self.queues[lane_of(message.key, self._lanes)]
                await channel.default_exchange.publish(_to_wire(message), lane, mandatory=True)

    async def consume(self, work: Work) -> None:
        """Consume all lanes that no other worker does, and take over when it goes. Raises `BrokerAway`.

        Later, when the connection breaks, it is made again for as long as this is not closed.
        """
        await self._begin(work)
        self._keeping = asyncio.create_task(self._keep(work), name="rabbit.keep")

    async def _begin(self, work: Work) -> None:
        with _told():
            async with asyncio.timeout(_CONFIRM_S), self._opening:
                channel = self._consuming = await (await self._connected()).channel()
                # One at a time of each lane: a second one under way could overtake the first.
                await channel.set_qos(prefetch_count=1)
                for queue in await self._declare(channel):
                    await queue.consume(self._settling(work))

    async def _keep(self, work: Work) -> None:
        while True:
            await asyncio.sleep(_PAUSE_S)
            if not self._works(self._consuming):
                try:
                    await self._begin(work)
                except BrokerAway:
                    continue

    def _settling(self, work: Work) -> Any:
        async def settle(delivered: AbstractIncomingMessage) -> None:
            verdict: Settlement
            try:
                verdict = await work(Received(_from_wire(delivered), bool(delivered.redelivered)))
            except Exception:  # nobody would settle it, and its lane would stand still
                verdict = "again"
            if verdict == "again":
                await asyncio.sleep(_PAUSE_S)
            try:
                if verdict == "done":
                    await delivered.ack()
                else:
                    await delivered.reject(requeue=verdict == "again")
            except (AMQPError, ConnectionError, RuntimeError):
                # The connection went in between: the broker gives the message again, and the inbox knows it.
                return

        return settle

    async def dead(self, most: int = 100) -> list[PutAside]:
        """The oldest dead letters; they stay. Raises `BrokerAway`."""
        async with self._taken(most) as found:
            return [_aside(delivered) for delivered in found]

    async def revive(self, ids: Collection[str]) -> int:
        """Publish dead letters again; each leaves the dead letters after it is confirmed. Raises `BrokerAway`."""
        return await self._settle_dead(ids, self.publish)

    async def discard(self, ids: Collection[str]) -> int:
        """End dead letters. Raises `BrokerAway`."""

        async def nothing(message: Message) -> None:
            pass

        return await self._settle_dead(ids, nothing)

    async def _settle_dead(self, ids: Collection[str], first: Callable[[Message], Awaitable[None]]) -> int:
        settled = 0
        async with self._taken(MOST_DEAD) as found:
            for delivered in found:
                aside = _aside(delivered)
                if aside.id in ids:
                    await first(aside.message)
                    await delivered.ack()
                    settled += 1
        return settled

    async def figures(self) -> tuple[int, int]:
        """How many messages wait in the lanes, and how many dead letters there are. Raises `BrokerAway`."""
        with _told():
            async with asyncio.timeout(_CONFIRM_S):
                channel = await self._open()
                counts = []
                for name in self.queues:
                    queue = await channel.declare_queue(name, passive=True)
                    counts.append(queue.declaration_result.message_count or 0)
        return sum(counts[:-1]), counts[-1]

    @asynccontextmanager
    async def _taken(self, most: int) -> AsyncIterator[list[AbstractIncomingMessage]]:
        """The oldest dead letters, by a channel of their own: what is not acknowledged goes back when it is closed."""
        with _told():
            await self._open()
            async with self._looking, (await self._connected()).channel() as channel:
                queue = await channel.get_queue(self.queues[-1], ensure=False)
                found: list[AbstractIncomingMessage] = []
                while len(found) < most and (delivered := await queue.get(fail=False)) is not None:
                    found.append(delivered)
                yield found

    async def close(self) -> None:
        """Close the connection; the broker gives what was not acknowledged to the next consumer."""
        if self._keeping is not None:
            self._keeping.cancel()
            self._keeping = None
        if self._connection is not None:
            await self._connection.close()
            self._connection = self._channel = self._consuming = None


def _to_wire(message: Message) -> aio_pika.Message:
    return aio_pika.Message(
        message.body,
        headers={_KEY: message.key},
        message_id=message.message_id,
        type=message.kind,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


def _from_wire(delivered: AbstractIncomingMessage) -> Message:
    key = delivered.headers.get(_KEY, "")
    return Message(str(key), delivered.message_id or "", delivered.type or "", delivered.body)


def _aside(delivered: AbstractIncomingMessage) -> PutAside:
    # The broker notes each death of a message, the last one first (RabbitMQ, "Dead Letter Exchanges", x-death).
    deaths: Any = delivered.headers.get("x-death")
    at = deaths[0].get("time") if isinstance(deaths, list) and deaths else None
    since = int(at.timestamp() * 1_000_000) if isinstance(at, datetime) else None
    return PutAside(_from_wire(delivered), since)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (AMQPError, ConnectionError, TimeoutError, RuntimeError) as bad:
        raise BrokerAway(f"broker: {type(bad).__name__}: {bad}") from bad

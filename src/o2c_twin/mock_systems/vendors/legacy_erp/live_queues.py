"""A real broker, through aio-pika: AMQP 0-9-1 as RabbitMQ speaks it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import aio_pika
from aio_pika.exceptions import AMQPError

from o2c_twin.mock_systems.vendors.legacy_erp.media import DEAD, INBOX, OUTBOX, Message, Settlement


class LiveQueues:
    """The queues of one broker, durable, with ``prefix`` before their names.

    What is rejected from the inbox goes to the dead-letter queue by the broker's own routing. Publishing waits
    for the broker's confirmation. ``real_seconds`` gives a context in which waits and heart-beats are of real time:
    a loop whose clock runs ahead would give the broker up after a millisecond.
    """

    def __init__(
        self, url: str, prefix: str = "", real_seconds: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> None:
        self._url = url
        self._prefix = prefix
        self._real = real_seconds
        self._connection: aio_pika.abc.AbstractConnection | None = None
        self._channel: aio_pika.abc.AbstractChannel | None = None
        self._queues: dict[str, aio_pika.abc.AbstractQueue] = {}

    async def connect(self) -> "LiveQueues":
        """Connect and declare the queues. Raises ConnectionRefusedError."""
        with self._real(), _told(before=True):
            self._connection = await aio_pika.connect(self._url)
            self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
            dead: dict[str, Any] = {
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": self._prefix + DEAD,
            }
            for queue in (DEAD, INBOX, OUTBOX):
                arguments = dead if queue == INBOX else None
                declared = await self._channel.declare_queue(self._prefix + queue, durable=True, arguments=arguments)
                self._queues[queue] = declared
        return self

    async def _open(self) -> aio_pika.abc.AbstractChannel:
        if self._channel is None or self._channel.is_closed:
            await self.close()
            await self.connect()
        if self._channel is None:
            raise ConnectionRefusedError("broker not reached")
        return self._channel

    async def publish(self, queue: str, body: bytes, message_id: str, kind: str) -> None:
        """Put a message in and wait until the broker has it."""
        channel = await self._open()
        message = aio_pika.Message(
            body,
            message_id=message_id or None,
            type=kind or None,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        with self._real(), _told():
            await channel.default_exchange.publish(message, self._prefix + queue, mandatory=True)

    async def take(self, queue: str) -> Message | None:
        """The next message, None when there is none."""
        await self._open()
        with self._real(), _told():
            taken = await self._queues[queue].get(fail=False, no_ack=False)
        if taken is None:
            return None
        return Message(queue, taken.body, taken.message_id or "", taken.type or "", bool(taken.redelivered), taken)

    async def settle(self, message: Message, how: Settlement) -> None:
        """Acknowledge, give back, or reject to the dead letters."""
        taken: aio_pika.abc.AbstractIncomingMessage = message.handle
        with self._real(), _told():
            if how == "done":
                await taken.ack()
            else:
                await taken.reject(requeue=how == "again")

    def dump(self) -> bytes:
        """Nothing: a broker's messages cannot be read without being taken."""
        return b""

    def load(self, content: bytes) -> None:
        """Nothing: what is in the broker stays there."""

    async def delete(self) -> None:
        """Remove the queues and what is in them."""
        await self._open()
        with self._real():
            for queue in list(self._queues.values()):
                await queue.delete(if_unused=False, if_empty=False)
        self._queues.clear()

    async def close(self) -> None:
        """Close the connection; what was taken and not settled comes again."""
        if self._connection is not None:
            with self._real():
                await self._connection.close()
            self._connection = self._channel = None


@contextmanager
def _told(before: bool = False) -> Iterator[None]:
    """Turn the client's errors into plain ones; ``before``: nothing was sent yet."""
    try:
        yield
    except (AMQPError, ConnectionError, RuntimeError) as bad:
        error: type[OSError] = ConnectionRefusedError if before else ConnectionResetError
        raise error(f"broker: {type(bad).__name__}: {bad}") from bad

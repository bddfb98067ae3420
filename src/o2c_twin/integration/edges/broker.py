"""A message broker as the engine needs it: confirmed publishing, acknowledged consuming, dead letters, order by key.

The promises, of every implementation:

* what `publish` has returned for is in the broker, and is delivered at least once;
* a message is gone when its consumer's work said ``done``; a consumer that dies first makes it come again;
* messages of one key are delivered in the order they were published, one at a time (they share a lane, and a
  lane has one consumer); a message that comes again comes before its successors;
* ``dead`` puts a message aside, where `dead` shows it, `revive` sends it on again and `discard` ends it.
"""

from collections.abc import Awaitable, Callable, Collection
from hashlib import blake2b
from typing import Literal, Protocol

import msgspec

Settlement = Literal["done", "again", "dead"]
"""What becomes of a message: it is gone, it comes again, it is put aside."""


class Message(msgspec.Struct, frozen=True):
    """What is published: ``key`` is what its order is kept within, ``message_id`` its name, ``kind`` what it is."""

    key: str
    message_id: str
    kind: str
    body: bytes


class Received(msgspec.Struct, frozen=True):
    """What is delivered; ``redelivered`` when the broker may have delivered it before."""

    message: Message
    redelivered: bool


class PutAside(msgspec.Struct, frozen=True):
    """A dead letter, and since when it is one: microseconds since the epoch, None where the broker does not say."""

    message: Message
    since: int | None = None

    @property
    def id(self) -> str:
        """What people call it by: made of name and body, so that it tells nothing of either."""
        told = self.message.message_id.encode() + b"\0" + self.message.body
        return blake2b(told, digest_size=6).hexdigest()


Work = Callable[[Received], Awaitable[Settlement]]


class BrokerAway(ConnectionError):
    """The broker was not reached or did not confirm: the message may or may not be in it. Publish it again."""


class Broker(Protocol):
    """Publishes and consumes."""

    async def publish(self, message: Message) -> None:
        """Put a message in; it is there when this returns. Raises `BrokerAway`."""
        ...

    async def consume(self, work: Work) -> None:
        """Begin to give this consumer messages, one of a lane at a time, lanes side by side."""
        ...

    async def dead(self, most: int = 100) -> list[PutAside]:
        """The oldest messages put aside; they stay there."""
        ...

    async def revive(self, ids: Collection[str]) -> int:
        """Send messages put aside on again, by their ids; gives how many were there."""
        ...

    async def discard(self, ids: Collection[str]) -> int:
        """End messages put aside, by their ids; gives how many were there."""
        ...

    async def close(self) -> None:
        """Consume no more; what was delivered and not settled comes again to another."""
        ...


def lane_of(key: str, lanes: int) -> int:
    """The lane of a key, the same in every process."""
    return int.from_bytes(blake2b(key.encode(), digest_size=4).digest()) % lanes

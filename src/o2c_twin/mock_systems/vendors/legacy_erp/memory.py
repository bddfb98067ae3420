"""The media of virtual time: a folder and a broker in memory. (The tables are in `memory_tables`.)"""

from collections.abc import Mapping

import msgspec

from o2c_twin.mock_systems.vendors.legacy_erp.media import DEAD, INBOX, PLACES, Message, Settlement


class MemoryFolder:
    """A shared folder in memory."""

    def __init__(self) -> None:
        self._places: dict[str, dict[str, bytes]] = {place: {} for place in PLACES}

    def _at(self, path: str) -> tuple[dict[str, bytes], str]:
        place, _, name = path.rpartition("/")
        if place not in self._places:
            raise FileNotFoundError(f"no folder {place!r}; there are: {', '.join(self._places)}")
        return self._places[place], name

    async def names(self, place: str) -> list[str]:
        """The files directly in a place, sorted by name."""
        return sorted(self._at(f"{place}/")[0])

    async def read(self, path: str) -> bytes:
        """A file's bytes."""
        files, name = self._at(path)
        if name not in files:
            raise FileNotFoundError(path)
        return files[name]

    async def write(self, path: str, data: bytes) -> None:
        """Put a file there."""
        files, name = self._at(path)
        files[name] = data

    async def move(self, path: str, to: str) -> None:
        """Give a file another place."""
        data = await self.read(path)
        files, name = self._at(to)
        files[name] = data
        await self.remove(path)

    async def remove(self, path: str) -> None:
        """Take a file away."""
        files, name = self._at(path)
        files.pop(name, None)

    def dump(self) -> bytes:
        """All files."""
        return msgspec.msgpack.encode(self._places)

    def load(self, content: bytes) -> None:
        """Back to these files."""
        self._places = msgspec.msgpack.decode(content, type=dict[str, dict[str, bytes]])


class _Kept(msgspec.Struct):
    body: bytes
    message_id: str
    kind: str
    redelivered: bool = False


class MemoryQueues:
    """A broker in memory. A dead letter goes to the queue ``dead_letters`` names for its queue."""

    def __init__(self, dead_letters: Mapping[str, str] | None = None) -> None:
        self._dead_letters = dict(dead_letters or {INBOX: DEAD})
        self._waiting: dict[str, list[_Kept]] = {}
        self._taken: dict[int, tuple[str, _Kept]] = {}
        self._last = 0

    async def publish(self, queue: str, body: bytes, message_id: str, kind: str) -> None:
        """Put a message in."""
        self._waiting.setdefault(queue, []).append(_Kept(body, message_id, kind))

    async def take(self, queue: str) -> Message | None:
        """The next message, oldest first."""
        waiting = self._waiting.get(queue)
        if not waiting:
            return None
        kept = waiting.pop(0)
        self._last += 1
        self._taken[self._last] = (queue, kept)
        return Message(queue, kept.body, kept.message_id, kept.kind, kept.redelivered, self._last)

    async def settle(self, message: Message, how: Settlement) -> None:
        """Acknowledge, give back to the head of its queue, or send to the dead letters."""
        queue, kept = self._taken.pop(message.handle)
        if how == "again":
            kept.redelivered = True
            self._waiting.setdefault(queue, []).insert(0, kept)
        elif how == "dead" and queue in self._dead_letters:
            self._waiting.setdefault(self._dead_letters[queue], []).append(kept)

    def drop_consumers(self) -> None:
        """Every consumer's connection is gone: what was taken and not settled comes again, in its old order."""
        for number in sorted(self._taken, reverse=True):
            queue, kept = self._taken.pop(number)
            kept.redelivered = True
            self._waiting.setdefault(queue, []).insert(0, kept)

    def waiting(self, queue: str) -> int:
        """Messages that wait in a queue."""
        return len(self._waiting.get(queue, ()))

    def dump(self) -> bytes:
        """All messages; those in somebody's hands are waiting again in a snapshot."""
        waiting = {queue: list(kept) for queue, kept in self._waiting.items()}
        for number in sorted(self._taken, reverse=True):
            queue, kept = self._taken[number]
            waiting.setdefault(queue, []).insert(0, msgspec.structs.replace(kept, redelivered=True))
        return msgspec.msgpack.encode(waiting)

    def load(self, content: bytes) -> None:
        """Back to these messages."""
        self._waiting = msgspec.msgpack.decode(content, type=dict[str, list[_Kept]])
        self._taken.clear()

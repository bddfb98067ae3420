"""The partner's side of the media in virtual time: the same ports, with the faults of the way and the journal.

A live partner meets a real share, database or broker; in virtual time these stand between. What is lost on the
way there raises ConnectionRefusedError, a lost answer TimeoutError or ConnectionResetError.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from o2c_twin.mock_systems.vendors.legacy_erp.media import Folder, Message, Queues, Row, Settlement, Tables
from o2c_twin.mock_systems.vendors.legacy_erp.passage import Passage, Step, Unreachable

_PARTNER = "partner"
_encode = msgspec.json.Encoder().encode


class _Door:
    def __init__(self, passage: Passage) -> None:
        self._passage = passage

    async def _enter(self, operation: str, method: str, path: str, request: bytes = b"") -> Step:
        try:
            return await self._passage.step(f"partner.{operation}", method, path, request, _PARTNER)
        except Unreachable as away:
            raise ConnectionRefusedError(f"{operation}: not reached: {away}") from away


class FolderDoor(_Door):
    """The shared folder as the partner reaches it."""

    def __init__(self, passage: Passage, folder: Folder) -> None:
        super().__init__(passage)
        self._folder = folder

    async def names(self, place: str) -> list[str]:
        """The files directly in a place."""
        step = await self._enter("file.list", "GET", f"/{place}")
        found = await self._folder.names(place)
        await self._passage.answer(step, "\n".join(found).encode())
        return found

    async def read(self, path: str) -> bytes:
        """A file's bytes."""
        step = await self._enter("file.read", "GET", f"/{path}")
        try:
            data = await self._folder.read(path)
        except FileNotFoundError:
            self._passage.done(step, 404)
            raise
        return await self._passage.answer(step, data)

    async def write(self, path: str, data: bytes) -> None:
        """Put a file there."""
        step = await self._enter("file.write", "PUT", f"/{path}", data)
        await self._folder.write(path, data)
        await self._passage.answer(step)

    async def move(self, path: str, to: str) -> None:
        """Give a file another place."""
        step = await self._enter("file.move", "PUT", f"/{path}", to.encode())
        try:
            await self._folder.move(path, to)
        except FileNotFoundError:
            self._passage.done(step, 404)
            raise
        await self._passage.answer(step)


class TablesDoor(_Door):
    """The staging tables as the partner reaches them."""

    def __init__(self, passage: Passage, tables: Tables) -> None:
        super().__init__(passage)
        self._tables = tables

    async def insert(self, rows: Sequence[tuple[str, Row]]) -> None:
        """Insert rows in one transaction."""
        step = await self._enter("table.insert", "POST", f"/{rows[0][0]}", _encode(rows))
        try:
            await self._tables.insert(rows)
        except ValueError:
            self._passage.done(step, 400)
            raise
        await self._passage.answer(step)

    async def rows(self, table: str, where: Mapping[str, str | int], most: int | None = None) -> list[Row]:
        """Rows with these values."""
        step = await self._enter("table.select", "GET", f"/{table}", _encode(where))
        found = await self._tables.rows(table, where, most)
        await self._passage.answer(step, _encode(found))
        return found

    async def change(self, table: str, ids: Sequence[int], columns: Row) -> None:
        """Change columns of rows."""
        step = await self._enter("table.update", "PUT", f"/{table}", _encode([list(ids), columns]))
        await self._tables.change(table, ids, columns)
        await self._passage.answer(step)


class QueuesDoor(_Door):
    """The broker as the partner reaches it."""

    def __init__(self, passage: Passage, queues: Queues) -> None:
        super().__init__(passage)
        self._queues = queues

    async def publish(self, queue: str, body: bytes, message_id: str, kind: str) -> None:
        """Put a message in."""
        step = await self._enter("queue.publish", "POST", f"/{queue}/{message_id}", body)
        await self._queues.publish(queue, body, message_id, kind)
        await self._passage.answer(step)

    async def take(self, queue: str) -> Any:
        """The next message."""
        step = await self._enter("queue.get", "GET", f"/{queue}")
        message = await self._queues.take(queue)
        if message is None:
            self._passage.done(step, 204)
            return None
        try:
            await self._passage.answer(step, message.body)
        except OSError:
            # The broker gave it and nobody got it: it comes again.
            await self._queues.settle(message, "again")
            raise
        return message

    async def settle(self, message: Message, how: Settlement) -> None:
        """Say what becomes of a message."""
        step = await self._enter("queue.settle", "POST", f"/{message.queue}/{message.message_id}", how.encode())
        await self._queues.settle(message, how)
        await self._passage.answer(step)


@dataclass(frozen=True, slots=True)
class Doors:
    """What a partner in the same process is given; None for an edge the installation does not have."""

    folder: FolderDoor | None = None
    tables: TablesDoor | None = None
    queues: QueuesDoor | None = None

"""What the ERP exchanges data through: a shared folder, a database, a message broker, each behind a small port.

Each port has an implementation in memory, for virtual time, and a live one in a module of its own
(`live_folder`, `live_tables`, `live_queues`), which nothing simulated imports.

All raise plain system errors: ConnectionRefusedError when the medium was not reached (nothing changed),
another OSError when it is not known what changed, BlockingIOError when somebody holds a lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import msgspec

Row = dict[str, Any]
"""Column to value: text, whole numbers, None, and amounts as decimal text."""
Settlement = Literal["done", "again", "dead"]
"""What becomes of a message: it is gone, it comes again, or it goes to the dead-letter queue."""

IN, ARCHIVE, ERROR = "in", "in/archive", "in/error"
OUT, OUT_ARCHIVE = "out", "out/archive"
PLACES = (IN, ARCHIVE, ERROR, OUT, OUT_ARCHIVE)
INBOX, OUTBOX, DEAD = "erp.in", "erp.out", "erp.in.dead"


class Folder(Protocol):
    """A folder two parties share; paths are relative, with ``/``."""

    async def names(self, place: str) -> list[str]:
        """The files directly in a place, sorted by name."""
        ...

    async def read(self, path: str) -> bytes:
        """A file's bytes. Raises FileNotFoundError."""
        ...

    async def write(self, path: str, data: bytes) -> None:
        """Put a file there, whole from the first moment it is seen; one of that name is replaced."""
        ...

    async def move(self, path: str, to: str) -> None:
        """Give a file another place; one that is there is replaced. Raises FileNotFoundError."""
        ...

    async def remove(self, path: str) -> None:
        """Take a file away; nothing happens when it is not there."""
        ...

    def dump(self) -> bytes:
        """The whole content, for a snapshot."""
        ...

    def load(self, content: bytes) -> None:
        """Back to a dumped content."""
        ...


class Tables(Protocol):
    """The staging tables (schema in `schema`). Every row has an ``ID`` that grows."""

    async def insert(self, rows: Sequence[tuple[str, Row]]) -> None:
        """Insert rows (table, columns) in one transaction. Raises ValueError on an unknown column."""
        ...

    async def claim(self, table: str, most: int, batch: str, stamp: str) -> list[Row]:
        """Set the oldest new rows to picked, under a batch id, and give them; no two callers get the same row."""
        ...

    async def rows(self, table: str, where: Mapping[str, str | int], most: int | None = None) -> list[Row]:
        """Rows with these values, in order of ``ID``."""
        ...

    async def change(self, table: str, ids: Sequence[int], columns: Row) -> None:
        """Change columns of rows."""
        ...

    def dump(self) -> bytes:
        """The whole content, for a snapshot."""
        ...

    def load(self, content: bytes) -> None:
        """Back to a dumped content."""
        ...


class Message(msgspec.Struct):
    """One delivery of a message; ``handle`` is the broker's own."""

    queue: str
    body: bytes
    message_id: str
    kind: str
    redelivered: bool = False
    handle: Any = None


class Queues(Protocol):
    """Queues with at-least-once delivery."""

    async def publish(self, queue: str, body: bytes, message_id: str, kind: str) -> None:
        """Put a message in; it is there when this returns."""
        ...

    async def take(self, queue: str) -> Message | None:
        """The next message, None when there is none; it comes again unless it is settled."""
        ...

    async def settle(self, message: Message, how: Settlement) -> None:
        """Say what becomes of a message that was taken."""
        ...

    def dump(self) -> bytes:
        """The whole content, for a snapshot; empty where the medium cannot be read without taking from it."""
        ...

    def load(self, content: bytes) -> None:
        """Back to a dumped content."""
        ...


@dataclass(slots=True)
class Media:
    """The media of one installation; None for an edge it does not have."""

    folder: Folder | None = None
    tables: Tables | None = None
    queues: Queues | None = None

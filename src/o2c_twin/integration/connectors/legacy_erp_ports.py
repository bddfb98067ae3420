"""What the connector of an old ERP works through: a shared folder, staging tables, queues.

In virtual time the estate hands in what the ERP's mock offers; live they are those of `legacy_erp_live`. All
raise plain system errors: ConnectionRefusedError when the medium was not reached (nothing changed),
BlockingIOError when it is locked (nothing changed), another OSError when it is not known what changed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

Row = dict[str, Any]


class FolderPort(Protocol):
    """A folder two parties share; paths are relative, with ``/``."""

    async def names(self, place: str) -> list[str]:
        """The files directly in a place, sorted by name."""
        ...

    async def read(self, path: str) -> bytes:
        """A file's bytes. Raises FileNotFoundError."""
        ...

    async def write(self, path: str, data: bytes) -> None:
        """Put a file there, whole from the first moment it is seen."""
        ...

    async def move(self, path: str, to: str) -> None:
        """Give a file another place. Raises FileNotFoundError."""
        ...


class TablesPort(Protocol):
    """The ERP's staging tables; column names in capitals, amounts as decimal text."""

    async def insert(self, rows: Sequence[tuple[str, Row]]) -> None:
        """Insert rows (table, columns) in one transaction. Raises ValueError when the database refuses them."""
        ...

    async def rows(self, table: str, where: Mapping[str, str | int], most: int | None = None) -> list[Row]:
        """Rows with these values, in order of ``ID``."""
        ...

    async def change(self, table: str, ids: Sequence[int], columns: Row) -> None:
        """Change columns of rows."""
        ...


class MessagePort(Protocol):
    """One delivery of a message."""

    @property
    def body(self) -> bytes:
        """What is in it."""
        ...


class QueuesPort(Protocol):
    """Queues with at-least-once delivery."""

    async def publish(self, queue: str, body: bytes, message_id: str, kind: str) -> None:
        """Put a message in; it is there when this returns."""
        ...

    async def take(self, queue: str) -> Any:
        """The next message (`MessagePort`), None when there is none."""
        ...

    async def settle(self, message: Any, how: Literal["done", "again", "dead"]) -> None:
        """Say what becomes of a message that was taken."""
        ...

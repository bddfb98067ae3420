"""A real directory, a real database and a real broker for the connector of an old ERP: for live use."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal, TypeVar

import aio_pika
import sqlalchemy as sa
from aio_pika.exceptions import AMQPError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from o2c_twin.integration.connectors.legacy_erp_ports import Row

_T = TypeVar("_T")
_LOCK_WAIT_S = 5
# Lock wait time-out and deadlock: MariaDB 1205 and 1213; PostgreSQL 55P03 and 40P01; SQLite's own words.
_LOCKED = ("1205", "1213", "55P03", "40P01", "lock timeout", "is locked")


class DirectoryFolder:
    """The shared folder at ``root``, as it is mounted here."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def names(self, place: str) -> list[str]:
        """The files directly in a place, sorted by name."""
        with os.scandir(self._root / place) as entries:
            return sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))

    async def read(self, path: str) -> bytes:
        """A file's bytes."""
        return (self._root / path).read_bytes()

    async def write(self, path: str, data: bytes) -> None:
        """Put a file there: written under another name and renamed."""
        target = self._root / path
        unfinished = target.with_name(target.name + ".tmp")
        unfinished.write_bytes(data)
        unfinished.replace(target)

    async def move(self, path: str, to: str) -> None:
        """Give a file another place."""
        (self._root / path).replace(self._root / to)


class DatabaseTables:
    """The staging tables in the database at ``url`` (SQLAlchemy's form). Statements run in threads."""

    def __init__(self, url: str) -> None:
        arguments: dict[str, Any] = {"timeout": _LOCK_WAIT_S} if url.startswith("sqlite") else {}
        self._engine = sa.create_engine(url, connect_args=arguments, pool_pre_ping=True)
        self._known = sa.MetaData()

    def _table(self, connection: sa.Connection, name: str) -> sa.Table:
        known = self._known.tables.get(name.lower())
        return known if known is not None else sa.Table(name.lower(), self._known, autoload_with=connection)

    async def _run(self, work: Callable[[sa.Connection], _T]) -> _T:
        def in_thread() -> _T:
            with _database(), self._engine.begin() as connection:
                return work(connection)

        return await asyncio.to_thread(in_thread)  # noqa: TID251 - a live adapter: the driver waits for locks

    async def insert(self, rows: Sequence[tuple[str, Row]]) -> None:
        """Insert rows in one transaction."""

        def work(connection: sa.Connection) -> None:
            for table, row in rows:
                connection.execute(sa.insert(self._table(connection, table)).values(_lower(row)))

        await self._run(work)

    async def rows(self, table: str, where: Mapping[str, str | int], most: int | None = None) -> list[Row]:
        """Rows with these values, in order of ``ID``."""

        def work(connection: sa.Connection) -> list[Row]:
            target = self._table(connection, table)
            wanted = sa.select(target).order_by(target.c.id).limit(most)
            for name, value in where.items():
                wanted = wanted.where(target.c[name.lower()] == value)
            return [_upper(row) for row in connection.execute(wanted).mappings()]

        return await self._run(work)

    async def change(self, table: str, ids: Sequence[int], columns: Row) -> None:
        """Change columns of rows."""

        def work(connection: sa.Connection) -> None:
            target = self._table(connection, table)
            connection.execute(sa.update(target).where(target.c.id.in_(list(ids))).values(_lower(columns)))

        await self._run(work)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


@contextmanager
def _database() -> Iterator[None]:
    try:
        yield
    except DBAPIError as bad:
        # Drivers disagree about the classes of errors (pg8000 has one for all): the server's words decide first.
        text = str(bad.orig)
        if any(mark in text for mark in _LOCKED):
            raise BlockingIOError(f"locked: {text}") from bad
        if isinstance(bad, OperationalError | InterfaceError) or bad.connection_invalidated:
            # The connection broke: whether the last commit was made, nobody said.
            raise ConnectionResetError(f"database: {text}") from bad
        raise ValueError(f"rows refused by the database: {text}") from bad


def _lower(row: Row) -> dict[str, Any]:
    return {name.lower(): value for name, value in row.items()}


def _upper(row: Mapping[Any, Any]) -> Row:
    return {
        str(name).upper(): value if value is None or isinstance(value, str | int) else str(value)
        for name, value in row.items()
    }


class BrokerQueues:
    """The ERP's queues at the broker at ``url`` (AMQP 0-9-1). The ERP declares them, with ``prefix`` in their names.

    ``real_seconds`` gives a context in which waits and heart-beats are of real time, for a loop whose clock runs ahead.
    """

    def __init__(
        self, url: str, prefix: str = "", real_seconds: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> None:
        self._url = url
        self._prefix = prefix
        self._real = real_seconds
        self._connection: aio_pika.abc.AbstractConnection | None = None
        self._channel: aio_pika.abc.AbstractChannel | None = None

    async def _open(self) -> aio_pika.abc.AbstractChannel:
        if self._channel is None or self._channel.is_closed:
            await self.close()
            with self._real(), _broker(before=True):
                self._connection = await aio_pika.connect(self._url)
                self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        return self._channel

    async def publish(self, queue: str, body: bytes, message_id: str, kind: str) -> None:
        """Put a message in and wait until the broker has it."""
        channel = await self._open()
        persistent = aio_pika.DeliveryMode.PERSISTENT
        message = aio_pika.Message(body, message_id=message_id, type=kind, delivery_mode=persistent)
        with self._real(), _broker():
            await channel.default_exchange.publish(message, self._prefix + queue, mandatory=True)

    async def take(self, queue: str) -> aio_pika.abc.AbstractIncomingMessage | None:
        """The next message, None when there is none."""
        channel = await self._open()
        with self._real(), _broker():
            source = await channel.get_queue(self._prefix + queue, ensure=False)
            return await source.get(fail=False, no_ack=False)

    async def settle(self, message: Any, how: Literal["done", "again", "dead"]) -> None:
        """Acknowledge, give back, or reject."""
        with self._real(), _broker():
            if how == "done":
                await message.ack()
            else:
                await message.reject(requeue=how == "again")

    async def close(self) -> None:
        """Close the connection; what was taken and not settled comes again."""
        if self._connection is not None:
            with self._real():
                await self._connection.close()
            self._connection = self._channel = None


@contextmanager
def _broker(before: bool = False) -> Iterator[None]:
    try:
        yield
    except (AMQPError, ConnectionError, RuntimeError) as bad:
        error: type[OSError] = ConnectionRefusedError if before else ConnectionResetError
        raise error(f"broker: {type(bad).__name__}: {bad}") from bad

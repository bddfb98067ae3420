"""The staging tables in a real database, through SQLAlchemy Core: PostgreSQL, MariaDB or SQLite.

Statements run in threads, so that one that waits for a partner's lock does not stop the loop.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from o2c_twin.mock_systems.vendors.legacy_erp.media import Row
from o2c_twin.mock_systems.vendors.legacy_erp.schema import SCHEMA, Column, checked

_T = TypeVar("_T")
# Lock wait time-out and deadlock: MariaDB 1205 and 1213; PostgreSQL's states 55P03, 40P01; SQLite's own words.
_LOCKED = ("1205", "1213", "55P03", "40P01", "lock timeout", "database is locked", "table is locked")


def metadata() -> sa.MetaData:
    """The staging tables as SQLAlchemy knows them. Table and column names are lower case in PostgreSQL."""
    known = sa.MetaData()
    for table, columns in SCHEMA.items():
        made = sa.Table(
            table.lower(),
            known,
            # SQLite grows only an INTEGER key by itself.
            sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
            *(_column(column) for column in columns),
        )
        names = {column.name for column in columns}
        for suffix, indexed in (("new", ("STATUS_FLG",)), ("ref", ("REF",)), ("key", ("BATCH_ID", "SEQ"))):
            if names.issuperset(indexed):
                sa.Index(f"{table}_{suffix}".lower(), *(made.c[name.lower()] for name in indexed))
    return known


def _column(column: Column) -> sa.Column[Any]:
    kinds: dict[str, sa.types.TypeEngine[Any]] = {
        "text": sa.String(column.width),
        "number": sa.BigInteger(),
        # As text in SQLite, which would make a float of it.
        "amount": sa.Numeric(15, 2).with_variant(sa.String(20), "sqlite"),
    }
    return sa.Column(column.name.lower(), kinds[column.kind], server_default=column.default)


class LiveTables:
    """The tables in the database at ``url`` (SQLAlchemy's form), created when they are missing.

    A lock of somebody else is waited for ``lock_wait_s``. Raises ConnectionRefusedError when there is no database.
    """

    def __init__(self, url: str, lock_wait_s: int = 5) -> None:
        self._metadata = metadata()
        self._lock_wait_s = lock_wait_s
        arguments: dict[str, Any] = {"timeout": lock_wait_s} if url.startswith("sqlite") else {}
        self.engine = sa.create_engine(url, connect_args=arguments, pool_pre_ping=True)
        with _told():
            self._metadata.create_all(self.engine)

    def _table(self, name: str) -> sa.Table:
        return self._metadata.tables[name.lower()]

    async def _run(self, work: Callable[[sa.Connection], _T]) -> _T:
        def in_thread() -> _T:
            with _told(), self.engine.begin() as connection:
                kind = connection.dialect.name
                if kind == "postgresql":
                    connection.execute(sa.text(f"SET LOCAL lock_timeout = '{self._lock_wait_s}s'"))
                elif kind in ("mysql", "mariadb"):
                    wait = self._lock_wait_s
                    connection.execute(sa.text(f"SET innodb_lock_wait_timeout = {wait}, lock_wait_timeout = {wait}"))
                return work(connection)

        return await asyncio.to_thread(in_thread)

    async def insert(self, rows: Sequence[tuple[str, Row]]) -> None:
        """Insert rows in one transaction."""
        for table, row in rows:
            checked(table, row)

        def work(connection: sa.Connection) -> None:
            for table, row in rows:
                connection.execute(sa.insert(self._table(table)).values(_lower(row)))

        await self._run(work)

    async def claim(self, table: str, most: int, batch: str, stamp: str) -> list[Row]:
        """Set the oldest new rows to picked and give them; rows others hold are passed over."""
        target = self._table(table)

        def work(connection: sa.Connection) -> list[Row]:
            if connection.dialect.name == "sqlite":
                # The write lock first: SQLite has no row locks, and two readers could pick the same.
                connection.execute(sa.update(target).where(target.c.id < 0).values(erp_batch=batch))
            new = sa.select(target.c.id).where(target.c.status_flg == "N").order_by(target.c.id).limit(most)
            ids = list(connection.scalars(new.with_for_update(skip_locked=True)))
            if not ids:
                return []
            picked = {"status_flg": "P", "erp_batch": batch, "prc_ts": stamp}
            connection.execute(sa.update(target).where(target.c.id.in_(ids)).values(picked))
            rows = connection.execute(sa.select(target).where(target.c.id.in_(ids)).order_by(target.c.id))
            return [_upper(row) for row in rows.mappings()]

        return await self._run(work)

    async def rows(self, table: str, where: Mapping[str, str | int], most: int | None = None) -> list[Row]:
        """Rows with these values, in order of ``ID``."""
        target = self._table(table)
        wanted = sa.select(target).order_by(target.c.id).limit(most)
        for name, value in where.items():
            wanted = wanted.where(target.c[name.lower()] == value)

        def work(connection: sa.Connection) -> list[Row]:
            return [_upper(row) for row in connection.execute(wanted).mappings()]

        return await self._run(work)

    async def change(self, table: str, ids: Sequence[int], columns: Row) -> None:
        """Change columns of rows."""
        checked(table, columns)
        target = self._table(table)

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.update(target).where(target.c.id.in_(list(ids))).values(_lower(columns)))

        if ids:
            await self._run(work)

    def dump(self) -> bytes:
        """All rows."""
        with _told(), self.engine.begin() as connection:
            tables = {
                table.name: [
                    _upper(row) for row in connection.execute(sa.select(table).order_by(table.c.id)).mappings()
                ]
                for table in self._metadata.sorted_tables
            }
        return msgspec.msgpack.encode(tables)

    def load(self, content: bytes) -> None:
        """Back to these rows; others are deleted."""
        tables = msgspec.msgpack.decode(content, type=dict[str, list[Row]])
        with _told(), self.engine.begin() as connection:
            for table in self._metadata.sorted_tables:
                connection.execute(sa.delete(table))
                rows = [_lower(row) for row in tables.get(table.name, [])]
                if rows:
                    connection.execute(sa.insert(table), rows)
                if connection.dialect.name == "postgresql":
                    # Rows put back with their ids do not move the sequence that gives new ones.
                    last = max((row["id"] for row in rows), default=0) + 1
                    connection.execute(
                        sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(table.name, "id"), last, False))
                    )

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


@contextmanager
def _told() -> Iterator[None]:
    """Turn the driver's errors into plain ones."""
    try:
        yield
    except DBAPIError as bad:
        # Drivers disagree about the classes of errors (pg8000 has one for all): the server's words decide first.
        text = str(bad.orig)
        if any(mark in text for mark in _LOCKED):
            raise BlockingIOError(f"locked: {text}") from bad
        if isinstance(bad, OperationalError | InterfaceError) or bad.connection_invalidated:
            raise ConnectionRefusedError(f"database not reached: {text}") from bad
        raise ValueError(f"rows refused by the database: {text}") from bad


def _lower(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in row.items()}


def _upper(row: Mapping[Any, Any]) -> Row:
    # Decimals leave as text: as exact, and the same from every database.
    return {
        str(name).upper(): value if value is None or isinstance(value, str | int) else str(value)
        for name, value in row.items()
    }

"""An ERP in a world whose clock moves only when told, with an installation's words: a night passes, a file arrives."""

import asyncio
import hashlib
import os
import socket
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import msgspec
import pg8000.dbapi
import pymysql
import pytest
import sqlalchemy

from o2c_twin.mock_systems.vendors.legacy_erp import LegacyErpConfig, LegacyErpDialect, Media, make
from o2c_twin.mock_systems.vendors.legacy_erp.live_tables import LiveTables
from o2c_twin.mock_systems.vendors.legacy_erp.rhythm import next_round
from o2c_twin.mock_systems.wire.faults import Fault
from o2c_twin.mock_systems.wire.journal import Entry
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

START_US = 1_767_600_000_000_000  # Monday 2026-01-05, 08:00 UTC
_T = TypeVar("_T")


class Clock:
    def __init__(self) -> None:
        self.us = START_US

    def now(self) -> int:
        return self.us


def keyed_draw(stream: str, *key: str | int) -> float:
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


class Installation:
    """One ERP with two customers' worth of goods; what is spawned runs when the clock gets there."""

    def __init__(self, config: LegacyErpConfig, media: Media | None = None) -> None:
        self.clock = Clock()
        self.spawned: list[Coroutine[Any, Any, None]] = []
        self.world = World(self.clock, keyed_draw, self._sleep, self._spawn, self._post)
        self.erp: LegacyErpDialect = make(self.world, config, media)
        self.server = MockServer("erp", self.erp, self.world)
        self.core = self.erp.core
        self.core.add_item("WIDGET", "Widget", 2_000, 1_200, "EUR", 1_000)
        self.core.add_item("GADGET", "Gadget", 5_000, 3_000, "EUR", 10)
        self.core.add_customer("Müller & Söhne GmbH", "EUR", number="K-1", credit_limit_minor=1_000_000)
        self.erp.bind(self.server)
        self.server.seal()

    async def _sleep(self, seconds: float) -> None:
        self.clock.us += round(seconds * 1e6)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self.spawned.append(work)

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        raise AssertionError("this ERP pushes nothing")

    def do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run(work)

    def later(self) -> None:
        """Let what was begun in the background come to its end."""
        while self.spawned:
            asyncio.run(self.spawned.pop(0))

    def until(self, instant: int) -> None:
        """Let all rounds up to an instant happen."""
        while (due := next_round(self.clock.us, self.erp.config.batch)).at <= instant:
            self.clock.us = due.at
            asyncio.run(self.erp.round(due))
        self.clock.us = max(self.clock.us, instant)

    def night(self) -> None:
        """The next window, from its first round to its closing."""
        while True:
            due = next_round(self.clock.us, self.erp.config.batch)
            self.clock.us = due.at
            asyncio.run(self.erp.round(due))
            if due.closing:
                return

    def arm(self, fault: Fault) -> int:
        return self.server.faults.add(fault)

    def journal(self, operation: str) -> list[Entry]:
        return [entry for entry in self.server.journal.entries if entry.operation == operation]

    # --- the folder, as a person with a file manager sees it --------------------------------------

    def put(self, name: str, data: bytes | str, place: str = "in") -> None:
        assert self.erp.media.folder is not None
        raw = data.encode("cp1252") if isinstance(data, str) else data
        self.do(self.erp.media.folder.write(f"{place}/{name}", raw))

    def order_file(self, ref: str, number: int, quantity: int = 3) -> str:
        """An order for 3 widgets at 19.99, as a partner's script writes it, with its totals."""
        return (
            f"HDR|ORD|{number}|SHOP|20260105120000\r\nH|{ref}|K-1|PO-7|20260105|EUR|1\r\n"
            f"L|1|WIDGET|{quantity}|EA|19.99\r\nTRL|2|{2 + quantity}|19.99\r\n"
        )

    def files(self, place: str) -> list[str]:
        assert self.erp.media.folder is not None
        return self.do(self.erp.media.folder.names(place))

    def file(self, path: str) -> str:
        assert self.erp.media.folder is not None
        return self.do(self.erp.media.folder.read(path)).decode("cp1252")

    def written(self, file_type: str) -> list[list[str]]:
        """The cells of all records in outbound files of a type, without headers and trailers."""
        rows = []
        for name in self.files("out"):
            if name.startswith(f"{file_type}_"):
                rows += [line.split("|") for line in self.file(f"out/{name}").splitlines()[1:-1]]
        return rows


@pytest.fixture
def install() -> Callable[..., Installation]:
    """``install(**config)`` gives an installation."""
    return lambda media=None, **config: Installation(LegacyErpConfig(**config), media)


@pytest.fixture
def erp(install: Callable[..., Installation]) -> Installation:
    return install()


# --- services ---------------------------------------------------------------------------------------


def _reachable(port: int, url: str) -> Callable[[], str]:
    def start() -> str:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
        return url

    return start


class Database:
    """A database of its own, the staging tables in it, and a plain client of it."""

    def __init__(self, url: str, connect: Callable[[], Any], mark: str) -> None:
        self.url = url
        self.tables = LiveTables(url, lock_wait_s=0 if url.startswith("sqlite") else 1)
        self.connect = connect
        self.mark = mark
        self._own = connect()

    def sql(self, statement: str, *values: Any, on: Any = None) -> list[tuple[Any, ...]]:
        """One statement with ``?`` for values, committed unless on a connection of the test's own."""
        cursor = (on or self._own).cursor()
        cursor.execute(statement.replace("?", self.mark), values)
        rows = list(cursor.fetchall()) if cursor.description else []
        if on is None:
            self._own.commit()
        return rows

    def close(self) -> None:
        self._own.close()
        self.tables.close()


def _sqlite(path: Any) -> Iterator[Database]:
    file = path / "staging.db"
    database = Database(f"sqlite:///{file}", lambda: sqlite3.connect(file, timeout=1), "?")
    yield database
    database.close()


def _server(require_service: Any, service: str) -> Iterator[Database]:
    if service == "postgres":
        ready = _reachable(5432, "postgresql://postgres@127.0.0.1:5432/test")
        driver = "postgresql+pg8000"
    else:
        ready, driver = _reachable(3306, "mysql://root@127.0.0.1:3306/test"), "mysql+pymysql"
    url = sqlalchemy.make_url(require_service(service, ready)).set(drivername=driver)
    # Beside other tests at the same server.
    name = f"o2c_legacy_{os.getpid()}"
    admin = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sqlalchemy.text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))

    def connect() -> Any:
        if service == "postgres":
            return pg8000.dbapi.connect(
                user=url.username, password=url.password, host=url.host, port=url.port or 5432, database=name
            )
        return pymysql.connect(
            user=url.username, password=url.password or "", host=url.host, port=url.port or 3306, database=name
        )

    database = Database(url.set(database=name).render_as_string(hide_password=False), connect, "%s")
    yield database
    database.close()
    with admin.connect() as connection:
        connection.execute(sqlalchemy.text(f"DROP DATABASE {name}"))
    admin.dispose()


@pytest.fixture(scope="session")
def _databases(require_service: Any, tmp_path_factory: Any) -> Iterator[Callable[[str], Database]]:
    # Making thirty tables takes a server seconds: once a session, and emptied for each test.
    made: dict[str, Database] = {}
    ends: list[Iterator[Database]] = []

    def of(name: str) -> Database:
        if name not in made:
            way = _sqlite(tmp_path_factory.mktemp("sqlite")) if name == "sqlite" else _server(require_service, name)
            made[name] = next(way)
            ends.append(way)
        return made[name]

    yield of
    for way in ends:
        next(way, None)


@pytest.fixture
def database_of(_databases: Callable[[str], Database]) -> Callable[[str], Database]:
    """``database_of("postgres")``: a real database, empty."""

    def empty(name: str) -> Database:
        database = _databases(name)
        database.tables.load(msgspec.msgpack.encode({}))
        return database

    return empty


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def database(request: Any, database_of: Callable[[str], Database]) -> Database:
    """A real database: a file of SQLite, PostgreSQL, MariaDB."""
    return database_of(request.param)


@pytest.fixture
def broker(require_service: Any) -> str:
    """The address of a real broker."""
    address: str = require_service("rabbitmq", _reachable(5672, "amqp://guest:guest@127.0.0.1:5672/"))
    return address

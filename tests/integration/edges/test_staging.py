"""A staging table in real databases: new rows into the inbox once, marked when they are there."""

import asyncio
import os
import socket
from dataclasses import astuple

import pytest
import sqlalchemy

from o2c_twin.integration.connectors.legacy_erp_live import DatabaseTables
from o2c_twin.integration.edges import live_staging
from o2c_twin.integration.edges.staging import StagingTable

FLOWS = frozenset({"order", "invoice"})


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def url(request, require_service, tmp_path):
    """A database of this test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'staging.db'}"
        return
    port, address, driver = {
        "postgres": (5432, "postgresql://postgres@127.0.0.1:5432/test", "postgresql+pg8000"),
        "mariadb": (3306, "mysql://root@127.0.0.1:3306/test", "mysql+pymysql"),
    }[request.param]

    def reachable():
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
        return address

    server = sqlalchemy.make_url(require_service(request.param, reachable)).set(drivername=driver)
    name = f"o2c_edges_{os.getpid()}"
    admin = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")

    def run(*statements):
        with admin.connect() as connection:
            for statement in statements:
                connection.execute(sqlalchemy.text(statement))

    run(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    yield server.set(database=name).render_as_string(hide_password=False)
    run(f"DROP DATABASE {name}")
    admin.dispose()


class Shop:
    """Another system, which inserts rows with plain SQL."""

    def __init__(self, url):
        self.database = sqlalchemy.create_engine(url)

    def inserts(self, *rows):
        with self.database.begin() as connection:
            for row in rows:
                columns = {"flow": "order", "lane": "party:A1", "source_at": 1_767_650_400_000_000, **row}
                names = ", ".join(columns)
                values = ", ".join(f":{name}" for name in columns)
                connection.execute(sqlalchemy.text(f"INSERT INTO o2c_inbound ({names}) VALUES ({values})"), columns)

    def rows(self):
        with self.database.connect() as connection:
            found = connection.execute(
                sqlalchemy.text("SELECT object_id, status_flg, note FROM o2c_inbound ORDER BY id")
            )
            return [tuple(row) for row in found]


@pytest.fixture
def sides(url):
    live_staging.create(url)
    live_staging.create(url)  # a second start finds it
    shop, tables = Shop(url), DatabaseTables(url)
    yield shop, tables
    tables.close()
    shop.database.dispose()


def rounds(edge):
    return astuple(asyncio.run(edge.round()))


def test_new_rows_are_taken_in_order_once_and_bad_ones_are_named(sides, bench):
    shop, tables = sides
    edge = StagingTable(tables, lambda event: bench.journal.accept(event, 0), FLOWS)
    shop.inserts(
        {"event_id": "shop:1", "object_id": "D1"},
        {"event_id": "shop:2", "object_id": "D2", "flow": "nonsense"},
        {"event_id": "shop:3", "object_id": "D3", "lane": ""},
        {"event_id": "shop:1", "object_id": "D1"},
        {"event_id": "shop:5", "object_id": "D5", "flow": "invoice"},
    )
    assert rounds(edge) == (2, 1, 2)
    assert rounds(edge) == (0, 0, 0)
    pending = bench.journal.pending()
    assert [(e.event_id, e.flow, e.object_id) for e in pending] == [
        ("shop:1", "order", "D1"),
        ("shop:5", "invoice", "D5"),
    ]
    assert pending[0].source_at == 1_767_650_400_000_000
    (_, first, _), (_, second, why), (_, third, empty), (_, fourth, _), (_, fifth, _) = shop.rows()
    assert (first, second, third, fourth, fifth) == ("C", "E", "E", "C", "C")
    assert "nonsense" in why
    assert "invoice, order" in why
    assert "LANE is empty" in empty


def test_a_crash_before_the_mark_takes_nothing_twice(sides, bench):
    shop, tables = sides

    class Crashes(DatabaseTables):
        async def change(self, table, ids, columns):
            raise ConnectionResetError("gone")

    shop.inserts(*({"event_id": f"shop:{n}", "object_id": f"D{n}"} for n in range(3)))
    edge = StagingTable(tables, lambda event: bench.journal.accept(event, 0), FLOWS, most=2)
    crashing = StagingTable(tables, lambda event: bench.journal.accept(event, 0), FLOWS, most=2)
    crashing._tables = Crashes(tables._engine.url.render_as_string(hide_password=False))
    with pytest.raises(ConnectionResetError):
        rounds(crashing)
    crashing._tables.close()
    assert [rounds(edge), rounds(edge), rounds(edge)] == [(0, 2, 0), (1, 0, 0), (0, 0, 0)]
    assert len(bench.journal.pending()) == 3
    assert {status for _, status, _ in shop.rows()} == {"C"}

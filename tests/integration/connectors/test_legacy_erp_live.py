"""The connector over a real directory, real databases and a real broker, against the ERP over its live media."""

import asyncio
import hashlib
import os
import socket

import pytest
import sqlalchemy

from o2c_twin.integration.connectors.legacy_erp import LegacyErp
from o2c_twin.integration.connectors.legacy_erp_live import BrokerQueues, DatabaseTables, DirectoryFolder
from o2c_twin.integration.model import Deal, DealLine, Party
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.mock_systems.vendors.legacy_erp import LegacyErpConfig, Media, make
from o2c_twin.mock_systems.vendors.legacy_erp.live_folder import LiveFolder
from o2c_twin.mock_systems.vendors.legacy_erp.live_queues import LiveQueues
from o2c_twin.mock_systems.vendors.legacy_erp.live_tables import LiveTables
from o2c_twin.mock_systems.vendors.legacy_erp.rhythm import Round
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

PARTY = Party("A1", "Müller & Söhne", "K-7")


class Clock:
    us = 1_767_650_400_000_000

    def now(self):
        self.us += 1_000
        return self.us


def keyed_draw(stream, *key):
    return (hashlib.blake2b(repr((stream, *key)).encode(), digest_size=1).digest()[0] + 0.5) / 256


def _reachable(port, url):
    def start():
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
        return url

    return start


def _database(require_service, service):
    """A database of this process at a server; gives its address and what removes it."""
    if service == "postgres":
        ready, driver = _reachable(5432, "postgresql://postgres@127.0.0.1:5432/test"), "postgresql+pg8000"
    else:
        ready, driver = _reachable(3306, "mysql://root@127.0.0.1:3306/test"), "mysql+pymysql"
    url = sqlalchemy.make_url(require_service(service, ready)).set(drivername=driver)
    name = f"o2c_legacy_c{os.getpid()}"
    admin = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")

    def run(*statements):
        with admin.connect() as connection:
            for statement in statements:
                connection.execute(sqlalchemy.text(statement))

    run(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")

    def drop():
        run(f"DROP DATABASE {name}")
        admin.dispose()

    return url.set(database=name).render_as_string(hide_password=False), drop


@pytest.fixture(params=["directory", "sqlite", "postgres", "mariadb", "rabbitmq"])
def sides(request, require_service, tmp_path):
    """Edge, the ERP's media, the partner's medium, and what closes both."""
    if request.param == "directory":
        erp = LiveFolder(tmp_path)
        yield "file", Media(folder=erp), DirectoryFolder(tmp_path), None
    elif request.param == "rabbitmq":
        address = require_service("rabbitmq", _reachable(5672, "amqp://guest:guest@127.0.0.1:5672/"))
        prefix = f"o2c.connector.{os.getpid()}."
        broker, queues = LiveQueues(address, prefix), BrokerQueues(address, prefix)

        async def close():
            await broker.delete()
            await broker.close()
            await queues.close()

        yield "queue", Media(queues=broker), queues, close
    else:
        url, drop = f"sqlite:///{tmp_path / 'staging.db'}", lambda: None
        if request.param != "sqlite":
            url, drop = _database(require_service, request.param)
        tables, partner = LiveTables(url), DatabaseTables(url)
        yield "table", Media(tables=tables), partner, None
        tables.close()
        partner.close()
        drop()


def test_an_order_there_and_its_answer_back(sides):
    edge, media, medium, close = sides
    clock = Clock()

    async def night(erp):
        await erp.round(Round(clock.now(), True, True))

    async def settled(call):
        """The call, with a night after the first time it is not settled."""
        for _ in range(2):
            try:
                return await call()
            except CallFailed as failure:
                assert failure.cause == "pending"
                await night(erp)
        return await call()

    async def work():
        nonlocal erp
        world = World(clock, keyed_draw, asyncio.sleep, asyncio.create_task, None)
        erp = make(world, LegacyErpConfig(edges=(edge,)), media)
        erp.bind(MockServer("erp", erp, world))
        erp.core.add_item("WIDGET", "Widget", 2_000, 1_200, "EUR", 1_000)
        try:
            await erp.load()
            partner = LegacyErp("erp", edge, medium, clock, asyncio.sleep)
            items = await partner.item_ids()
            customer = await settled(lambda: partner.put_customer(PARTY, "customer:A1", "c"))
            deal = Deal("D1", "R-1", "PO-1", PARTY, (DealLine("WIDGET", 3, 1_999),), "EUR", clock.now())
            order_id = await settled(lambda: partner.put_order(deal, customer, items, "order:D1", "c"))
            if edge != "queue":
                again = LegacyErp("erp", edge, medium, clock, asyncio.sleep)
                assert await again.find("put_order", "order:D1") == order_id
                assert await again.find("put_order", "order:D2") is None
            erp.core.deliver(order_id)
            await night(erp)
            invoice_id = await settled(lambda: partner.bill(order_id, "bill:1", "c"))
            events, _ = await partner.changes(0)
            return (
                [c.name for c in erp.core.state.customers.values()],
                await partner.order(order_id),
                await partner.invoice(invoice_id),
                {e.flow for e in events},
            )
        finally:
            if close is not None:
                await close()

    erp = None
    names, status, bill, flows = asyncio.run(work())
    assert names == ["Müller & Söhne"]
    assert (status.external_id, status.fulfilment, status.number) == ("order:D1", "shipped", "SO1001")
    assert (bill.total_minor, bill.open_minor, bill.order_erp_id) == (5_997, 5_997, status.erp_id)
    assert flows == {"order-status", "delivery", "invoice"}
    assert len(erp.core.state.orders) == 1


def test_what_is_away_is_told_as_such(tmp_path):
    broker = BrokerQueues("amqp://guest:guest@127.0.0.1:1/")
    partner = LegacyErp("erp", "queue", broker, Clock(), asyncio.sleep)
    with pytest.raises(CallFailed) as caught:
        asyncio.run(partner.changes(0))
    assert caught.value.cause == "unavailable"
    tables = DatabaseTables(f"sqlite:///{tmp_path}/no/such/place.db")
    with pytest.raises(CallFailed) as caught:
        asyncio.run(LegacyErp("erp", "table", tables, Clock(), asyncio.sleep).changes(0))
    assert caught.value.cause == "unavailable"
    folder = DirectoryFolder(tmp_path / "not mounted")
    with pytest.raises(CallFailed) as caught:
        asyncio.run(LegacyErp("erp", "file", folder, Clock(), asyncio.sleep).changes(0))
    assert caught.value.cause == "unavailable"

"""An old ERP that works at night, and a connector that resolves a write as the engine does."""

import asyncio
import hashlib
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from o2c_twin.integration.capability import guard_of
from o2c_twin.integration.connectors.legacy_erp import LegacyErp
from o2c_twin.integration.model import Deal, DealLine, Party
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.mock_systems.vendors.legacy_erp import LegacyErpConfig, LegacyErpDialect, make
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch

START = epoch(datetime(2026, 1, 5, 8, tzinfo=UTC))
HOUR = 3_600.0
DAY = 24 * HOUR
PARTY = Party("A1", "Müller & Söhne", "K-7", "a@b.example", 45, 500_000)
EDGES = ("file", "fixed", "markers", "table", "queue")
_WAYS = {
    "file": ("file", {}, {}),
    "fixed": ("file", {"file_format": "fixed"}, {"spelling": "fixed"}),
    "markers": ("file", {"completion": "done-marker"}, {"markers": True}),
    "table": ("table", {}, {}),
    "queue": ("queue", {}, {}),
}
_SEND = {"file": "partner.file.write", "table": "partner.table.insert", "queue": "partner.queue.publish"}


def sending(way):
    """The step by which the connector sends its work that way, as the mock's journal names it."""
    return _SEND[_WAYS[way][0]]


def keyed_draw(stream, *key):
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


class Rig:
    """An ERP that works at night, and a connector that resolves a write as the engine does."""

    def __init__(self, way, config, connector):
        self.edge, on_erp, on_connector = _WAYS[way]
        self.env = TwinEnvironment()
        self.clock = TwinClock(self.env, START)
        world = World(self.clock, keyed_draw, asyncio.sleep, self.env.spawn, None)
        self.dialect: LegacyErpDialect = make(world, LegacyErpConfig(edges=(self.edge,), **on_erp, **config))
        self.server = MockServer("erp", self.dialect, world)
        self.core = self.dialect.core
        self.core.add_item("WIDGET", "Widget", 2_000, 1_200, "EUR", 1_000)
        self.old = self.core.add_customer("Altkunde AG", "EUR", number="K-1")
        self.dialect.served(self.server)
        doors = self.dialect.doors
        self.medium = {"file": doors.folder, "table": doors.tables, "queue": doors.queues}[self.edge]
        self._options = {**on_connector, **connector}
        self.erp = self.connect()

    def connect(self):
        """A connector as after a start: nothing is known to it."""
        return LegacyErp("erp", self.edge, self.medium, self.clock, asyncio.sleep, **self._options)

    def do(self, work):
        return self.env.aio.run_until_complete(work)

    def sleep(self, seconds):
        self.do(asyncio.sleep(seconds))

    def until(self, hour, day=5):
        self.env.run(until=epoch(datetime(2026, 1, day, hour, tzinfo=UTC)) - START)

    def arm(self, fault):
        return self.server.faults.add(fault)

    async def settled(self, write, key, *arguments, restarts=False):
        """A write as the engine delivers it: sent, looked for, sent again when it is nowhere. Gives its result."""
        guard = guard_of(self.erp.sheet, write).guard
        tail = (key, "c") if write != "update_customer" else ("c",)
        for _ in range(400):
            try:
                return await getattr(self.erp, write)(*arguments, *tail)
            except CallFailed as failure:
                assert failure.retryable, failure
                unknown = failure.cause in ("unknown-outcome", "pending")
            while unknown and guard == "query":
                assert self.clock.now() < START + 10 * DAY * 1_000_000, "never settled"
                await asyncio.sleep(900)
                if restarts:
                    self.erp = self.connect()
                try:
                    found = await self.erp.find(write, key)
                except CallFailed as failure:
                    assert failure.retryable, failure
                    continue
                if found is not None:
                    return found
                break
            else:
                await asyncio.sleep(900)
        raise AssertionError("never settled")

    def write(self, write, key, *arguments, **how):
        return self.do(self.settled(write, key, *arguments, **how))

    def deal(self, id_="D1", quantity=3):
        line = DealLine("WIDGET", quantity, 1_999)
        return Deal(id_, f"R-{id_}", f"PO-{id_}", PARTY, (line,), "EUR", self.clock.now())

    def order(self, id_="D1", **how):
        return self.write("put_order", f"order:{id_}", self.deal(id_), self.old.id, {"WIDGET": "101"}, **how)

    def journal(self, operation):
        return [entry for entry in self.server.journal.entries if entry.operation == operation]


def failure_of(rig, call):
    with pytest.raises(CallFailed) as caught:
        rig.do(call)
    return caught.value


@contextmanager
def rigs():
    """A function that builds a `Rig`; all are stopped at the end."""
    made = []

    def build(way="file", connector=None, **config):
        made.append(Rig(way, config, connector or {}))
        return made[-1]

    yield build
    for one in made:
        one.dialect.stop()
        one.env.close()

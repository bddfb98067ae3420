"""The engine over an old ERP: a won deal becomes an order by night, whatever happens on the way."""

import asyncio
import hashlib

import pytest

from o2c_twin.integration.connectors.legacy_erp import LegacyErp
from o2c_twin.mock_systems.vendors.legacy_erp import LegacyErpConfig, make
from o2c_twin.mock_systems.wire.faults import (
    ConnectionRefused,
    DuplicatedFile,
    HalfWrittenFile,
    LockedTable,
    LostFile,
    LostReply,
    RedeliveredMessage,
    TimeoutBefore,
)
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

DAY = 86_400


def keyed_draw(stream, *key):
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


class Night:
    """The bench's ERP replaced by one that works at night."""

    def __init__(self, bench, edge):
        self.bench, self.edge = bench, edge
        world = World(bench.clock, keyed_draw, asyncio.sleep, bench.env.spawn, None)
        self.dialect = make(world, LegacyErpConfig(edges=(edge,)))
        self.server = MockServer("erp", self.dialect, world)
        self.core = self.dialect.core
        self.core.add_item("WIDGET", "Widget", 2_000, 1_200, "EUR", 1_000)
        self.dialect.served(self.server)
        self.connect()
        bench.pass_time(6 * 3_600)  # the bench begins at midnight, in the middle of a window

    def connect(self):
        doors = self.dialect.doors
        medium = {"file": doors.folder, "table": doors.tables, "queue": doors.queues}[self.edge]
        self.bench.erp = LegacyErp("erp", self.edge, medium, self.bench.clock, asyncio.sleep)

    def arm(self, *faults):
        for fault in faults:
            self.server.faults.add(fault)


@pytest.fixture
def night(bench):
    made = []

    def build(edge):
        made.append(Night(bench, edge))
        return made[-1]

    yield build
    for one in made:
        one.dialect.stop()


@pytest.mark.parametrize("edge", ["file", "table", "queue"])
def test_a_deal_is_an_order_by_the_next_morning_and_is_billed_and_paid_in_the_nights_after(bench, night, edge):
    erp = night(edge)
    engine = bench.engine(trigger="poll")
    engine.start()
    engine.receive(bench.won(number="K-1"))
    bench.pass_time(15 * 3_600)
    assert erp.core.state.orders == {} and bench.crm.notes["D1"] == {}
    bench.pass_time(12 * 3_600)
    (order,) = erp.core.state.orders.values()
    (customer,) = erp.core.state.customers.values()
    assert bench.crm.notes["D1"]["order_number"] == order.number
    assert bench.crm.erp_ids == {"A1": customer.id}
    erp.core.deliver(order.id)
    bench.pass_time(2 * DAY)
    (invoice,) = erp.core.state.invoices.values()
    assert bench.crm.notes["D1"]["fulfilment"] == "shipped"
    assert bench.crm.notes["D1"]["invoice_number"] == invoice.number
    engine.receive(bench.bank.closes("2026-01-08", bench.credit("B1", invoice.total_minor, invoice.number)))
    bench.pass_time(2 * DAY)
    assert invoice.open_minor == 0 and bench.crm.notes["D1"]["payment"] == "Paid"
    assert bench.seen.cases == []


def test_what_the_erp_refuses_at_night_is_a_case_in_the_morning(bench, night):
    erp = night("file")
    erp.core.add_customer("Old", "EUR", number="K-1", inactive=True)
    engine = bench.engine(trigger="poll")
    engine.start()
    bench.pass_time(DAY)
    engine.receive(bench.won(number="K-1"))
    bench.pass_time(2 * DAY)
    (case,) = bench.seen.cases
    assert case[:2] == ("order", "D1") and "CUSTOMER-INACTIVE" in case[2]


def test_a_customer_somebody_entered_by_day_is_found_when_the_night_refuses_a_second_one(bench, night):
    erp = night("file")
    engine = bench.engine(trigger="poll", matching="exact-key")
    engine.start()
    bench.pass_time(600)
    known = erp.core.add_customer("By hand", "EUR", number="K-1")  # the next extract will tell of it
    engine.receive(bench.won(number="K-1"))
    bench.pass_time(2 * DAY)
    (order,) = erp.core.state.orders.values()
    assert order.customer_id == known.id and len(erp.core.state.customers) == 1
    assert bench.seen.cases == []


_TROUBLE = {
    "file": (
        LostReply(operations=("partner.file.write", "partner.file.move"), probability=0.3),
        TimeoutBefore(operations=("partner.*",), probability=0.02),
        ConnectionRefused(operations=("partner.*",), probability=0.05),
        LostFile(operations=("file.take",), probability=0.1),
        HalfWrittenFile(operations=("file.take",), probability=0.1),
        HalfWrittenFile(operations=("file.write",), probability=0.2, whole_after_s=3_600),
        DuplicatedFile(probability=0.1),
    ),
    "table": (
        LostReply(operations=("partner.table.insert", "partner.table.update"), probability=0.3),
        TimeoutBefore(operations=("partner.*",), probability=0.02),
        ConnectionRefused(operations=("partner.*",), probability=0.05),
        LockedTable(probability=0.2),
    ),
    "queue": (
        LostReply(operations=("partner.queue.publish",), probability=0.3),
        TimeoutBefore(operations=("partner.*",), probability=0.02),
        ConnectionRefused(operations=("partner.*",), probability=0.05),
        RedeliveredMessage(probability=0.2),
    ),
}


@pytest.mark.parametrize("edge", ["file", "table", "queue"])
def test_through_all_trouble_every_deal_is_one_order_and_every_delivery_one_bill(bench, night, edge):
    erp = night(edge)
    erp.arm(*_TROUBLE[edge])
    engine = bench.engine(trigger="poll")
    engine.start()
    for n in range(15):
        engine.receive(bench.won(f"D{n}", f"A{n % 6}", number=f"K-{n % 6}"))
        bench.pass_time(1_800)
    bench.pass_time(3 * DAY)
    orders = list(erp.core.state.orders.values())
    assert sorted(o.po_number for o in orders) == sorted(f"PO-D{n}" for n in range(15))
    assert len(erp.core.state.customers) == 6
    for order in orders:
        erp.core.deliver(order.id)
    bench.pass_time(3 * DAY)
    assert sorted(i.order_id for i in erp.core.state.invoices.values()) == sorted(o.id for o in orders)
    assert bench.seen.cases == []
    struck = {name for e in erp.server.journal.entries if e.fault for name in e.fault.split(",")}
    assert {fault.name for fault in _TROUBLE[edge]} >= struck and len(struck) >= 3


@pytest.mark.parametrize("edge", ["file", "table", "queue"])
def test_a_process_killed_by_day_carries_on_at_night_and_doubles_nothing(bench, night, edge):
    erp = night(edge)
    engine = bench.engine(trigger="poll")
    engine.start()
    engine.receive(bench.won("D1", number="K-1"))
    bench.pass_time(3_600)
    bench.kill()
    erp.connect()
    bench.engine(trigger="poll").start()
    bench.pass_time(3 * DAY)
    assert len(erp.core.state.orders) == len(erp.core.state.customers) == 1
    assert "order_number" in bench.crm.notes["D1"]


def test_a_naive_design_waits_in_the_call_and_doubles_what_takes_too_long(bench, night):
    erp = night("file")
    # Two nights without acknowledgements: longer than the script waits.
    erp.arm(LostFile(operations=("file.write",), from_s=3_600, until_s=2 * DAY))
    engine = bench.engine(trigger="poll", delivery="naive-retry", matching="off")
    engine.start()
    bench.pass_time(600)
    engine.receive(bench.won("D1"))
    bench.pass_time(6 * DAY)
    assert len(erp.core.state.customers) > 1

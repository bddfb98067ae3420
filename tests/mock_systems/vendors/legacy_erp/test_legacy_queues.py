"""The message queue: redelivery, memory of ids, dead letters; in memory, and in RabbitMQ by pika, unmodified."""

import asyncio
import json
import os
from datetime import UTC, datetime

import pika
import pytest

from o2c_twin.mock_systems.vendors.legacy_erp import LegacyErpConfig, Media, make
from o2c_twin.mock_systems.vendors.legacy_erp.live_folder import LiveFolder
from o2c_twin.mock_systems.vendors.legacy_erp.live_queues import LiveQueues
from o2c_twin.mock_systems.vendors.legacy_erp.live_tables import LiveTables
from o2c_twin.mock_systems.vendors.legacy_erp.memory import MemoryQueues
from o2c_twin.mock_systems.vendors.legacy_erp.rhythm import Round
from o2c_twin.mock_systems.wire.faults import RedeliveredMessage
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch

DAY_US = 86_400_000_000


def order(ref, customer="K-1", price="19.99", **head):
    return json.dumps(
        {
            "type": "ORD",
            "head": {"REF": ref, "CUST_NO": customer, "PO_NO": "PO-7", "CURR": "EUR", **head},
            "lines": [{"LINE_NO": 1, "SKU": "WIDGET", "QTY": 3, "UOM": "EA", "PRICE": price}],
        }
    ).encode()


# --- in virtual time --------------------------------------------------------------------------------


@pytest.fixture
def erp(install):
    return install(edges=("queue",))


def _send(erp, body, message_id="m1"):
    erp.do(erp.erp.media.queues.publish("erp.in", body, message_id, "ORD"))


def _came(erp):
    """All messages of the ERP, taken and settled."""

    async def work():
        found = []
        while (message := await erp.erp.media.queues.take("erp.out")) is not None:
            found.append(json.loads(message.body))
            await erp.erp.media.queues.settle(message, "done")
        return found

    return erp.do(work())


def test_a_message_waits_for_the_night_and_is_acknowledged_by_another(erp):
    _send(erp, order("order:D1"))
    assert erp.erp.media.queues.waiting("erp.in") == 1
    erp.night()
    (made,) = erp.core.state.orders.values()
    assert (made.external_id, made.channel, made.lines[0].unit_price_minor) == ("order:D1", "queue", 1_999)
    (ack,) = [m["head"] for m in _came(erp) if m["type"] == "ACK"]
    assert (ack["REF"], ack["STATUS"], ack["ERP_NO"]) == ("order:D1", "A", made.number)


def test_amounts_may_come_as_json_numbers_and_are_read_exactly(erp):
    body = order("order:D1").replace(b'"19.99"', b"1234567.89")
    _send(erp, body)
    erp.night()
    (made,) = erp.core.state.orders.values()
    assert made.lines[0].unit_price_minor == 123_456_789


@pytest.mark.parametrize(("odd", "orders"), [(False, 1), (True, 2)])
def test_a_redelivered_message_is_worked_again_only_with_the_oddity(install, odd, orders):
    erp = install(edges=("queue",), forgets_messages=odd)
    erp.arm(RedeliveredMessage(operations=("queue.take",)))
    _send(erp, order("order:D1"))
    erp.night()
    assert len(erp.core.state.orders) == orders
    assert [e.fault for e in erp.journal("queue.take")] == ["redelivered-message"] * 2


def test_an_id_is_forgotten_after_its_week(install):
    erp = install(edges=("queue",), message_memory_days=7)
    for wait, orders in ((0, 1), (6, 1), (2, 2)):
        erp.clock.us += wait * DAY_US
        _send(erp, order("order:D1"))
        erp.night()
        assert len(erp.core.state.orders) == orders


def test_a_message_without_an_id_is_known_by_nothing(erp):
    for _ in range(2):
        _send(erp, order("order:D1"), "")
    erp.night()
    assert len(erp.core.state.orders) == 2


@pytest.mark.parametrize(
    "poison",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"type":"XYZ","head":{}}',
        b'{"type":"ACK","head":{}}',
        b'{"type":"ORD","head":{}}',
        order("x" * 41),
        order("r", price="1e400"),
        order("r", price="1.999"),
        order("r", LINE_COUNT=True),
    ],
)
def test_poison_goes_to_the_dead_letters_and_holds_nothing_up(erp, poison):
    _send(erp, poison, "poison")
    _send(erp, order("order:GOOD"), "good")
    erp.night()
    assert [o.external_id for o in erp.core.state.orders.values()] == ["order:GOOD"]
    queues = erp.erp.media.queues
    assert (queues.waiting("erp.in"), queues.waiting("erp.in.dead")) == (0, 1)
    assert [e.status for e in erp.journal("queue.take")] == [422, 422, 422, 200]


def test_a_business_refusal_is_no_poison(erp):
    _send(erp, order("order:D1", customer="K-9"))
    erp.night()
    assert erp.erp.media.queues.waiting("erp.in.dead") == 0
    (ack,) = [m["head"] for m in _came(erp) if m["type"] == "ACK"]
    assert (ack["STATUS"], ack["ERR_CD"]) == ("R", "UNKNOWN-CUSTOMER")


def test_an_outbound_message_may_come_twice_under_one_id(erp):
    erp.arm(RedeliveredMessage(operations=("queue.publish",), next=1))
    erp.do(erp.erp.load())
    queues = erp.erp.media.queues
    first, second = erp.do(queues.take("erp.out")), erp.do(queues.take("erp.out"))
    assert (first.message_id, first.body) == (second.message_id, second.body)


# --- one port, two implementations -------------------------------------------------------------------


class Broker:
    """RabbitMQ, and pika as its client; queues with a prefix of this process."""

    def __init__(self, address):
        self.address = address
        self.prefix = f"o2c.{os.getpid()}."
        self.connection = pika.BlockingConnection(pika.URLParameters(address))
        self.channel = self.connection.channel()

    def put(self, body, message_id, queue="erp.in"):
        self.channel.basic_publish(
            "", self.prefix + queue, body, pika.BasicProperties(message_id=message_id, type="ORD", delivery_mode=2)
        )

    def get(self, queue):
        found = []
        while True:
            method, properties, body = self.channel.basic_get(self.prefix + queue, auto_ack=True)
            if method is None:
                return found
            found.append((properties.message_id, properties.type, body))

    def close(self):
        for queue in ("erp.in", "erp.in.dead", "erp.out"):
            self.channel.queue_delete(self.prefix + queue)
        self.connection.close()


@pytest.fixture
def rabbit(broker):
    client = Broker(broker)
    yield client
    client.close()


@pytest.fixture(params=["memory", "live"])
def queues(request):
    return None if request.param == "memory" else request.getfixturevalue("rabbit")


def test_what_is_taken_and_not_settled_comes_again_and_the_dead_are_put_aside(queues):
    async def work():
        medium = MemoryQueues() if queues is None else await LiveQueues(queues.address, queues.prefix).connect()
        for n in range(3):
            await medium.publish("erp.in", b"%d" % n, f"m{n}", "ORD")
        first = await medium.take("erp.in")
        await medium.settle(first, "again")
        again = await medium.take("erp.in")
        seen = [(first.body, first.redelivered), (again.body, again.redelivered, again.message_id, again.kind)]
        await medium.settle(again, "dead")
        await medium.settle(await medium.take("erp.in"), "done")
        held = await medium.take("erp.in")
        # The consumer dies with a message in its hands.
        if queues is None:
            medium.drop_consumers()
        else:
            await medium.close()
        back = await medium.take("erp.in")
        seen.append((held.body, held.redelivered, back.body, back.redelivered))
        await medium.settle(back, "done")
        assert await medium.take("erp.in") is None
        dead = await medium.take("erp.in.dead")
        await medium.settle(dead, "done")
        seen.append((dead.body, dead.message_id))
        if queues is not None:
            await medium.close()
        return seen

    assert asyncio.run(work()) == [
        (b"0", False),
        (b"0", True, "m0", "ORD"),
        (b"2", False, b"2", True),
        (b"0", "m0"),
    ]


# --- RabbitMQ ---------------------------------------------------------------------------------------


def test_a_plain_amqp_client_talks_to_the_erp(install, rabbit):
    async def night(erp, queues):
        await queues.connect()
        rabbit.put(order("order:D1"), "m1")
        rabbit.put(order("order:D1"), "m1")
        rabbit.put(b"{", "poison")
        rabbit.put(order("order:D2", customer="K-9"), "m2")
        while queues_hold(rabbit, 4):
            await asyncio.sleep(0.01)
        erp.clock.us += 14 * 3_600_000_000
        await erp.erp.round(Round(erp.clock.us, True, False))
        await queues.close()

    queues = LiveQueues(rabbit.address, rabbit.prefix)
    erp = install(edges=("queue",), media=Media(queues=queues))
    asyncio.run(night(erp, queues))
    (made,) = erp.core.state.orders.values()
    acks = [json.loads(body)["head"] for _, kind, body in rabbit.get("erp.out") if kind == "ACK"]
    assert [(a["REF"], a["STATUS"], a["ERP_ID"]) for a in acks] == [
        ("order:D1", "A", made.id),
        ("order:D2", "R", None),
    ]
    assert rabbit.get("erp.in") == []
    assert [(id_, body) for id_, _, body in rabbit.get("erp.in.dead")] == [("poison", b"{")]
    assert sorted(e.status for e in erp.journal("queue.take")) == [200, 200, 200, 422, 422, 422]


def queues_hold(rabbit, count):
    """Whether fewer than ``count`` messages have arrived: publishing without confirmation takes its time."""
    declared = rabbit.channel.queue_declare(rabbit.prefix + "erp.in", passive=True)
    return declared.method.message_count < count


def test_on_a_clock_that_runs_ahead_the_rounds_come_by_themselves_over_real_media(rabbit, tmp_path):
    env = TwinEnvironment.paced(speed=1_800.0)
    clock = TwinClock(env, epoch(datetime(2026, 1, 5, 21, 50, tzinfo=UTC)))
    queues = LiveQueues(rabbit.address, rabbit.prefix, env.wall_time)
    tables = LiveTables(f"sqlite:///{tmp_path / 'staging.db'}")
    world = World(clock, lambda *key: 0.5, asyncio.sleep, env.spawn, None)
    media = Media(LiveFolder(tmp_path / "share"), tables, queues)
    erp = make(world, LegacyErpConfig(edges=("file", "table", "queue")), media)
    erp.core.add_item("WIDGET", "Widget", 2_000, 1_200, "EUR", 100)
    erp.core.add_customer("Acme", "EUR", number="K-1")

    async def evening():
        await queues.publish("erp.in", order("order:D1"), "m1", "ORD")
        erp.served(MockServer("erp", erp, world))
        while not erp.core.state.orders:
            await asyncio.sleep(60)
        at = clock.now()
        erp.stop()
        while not list((tmp_path / "share" / "out").glob("OST_*")):
            await asyncio.sleep(60)
        rows = await tables.rows("IF_OUT_ORDER", {})
        await queues.close()
        return at, rows

    try:
        at, rows = env.aio.run_until_complete(asyncio.wait_for(evening(), 3 * 3_600))
    finally:
        env.close()
        tables.close()
    assert datetime.fromtimestamp(at / 1e6, UTC).hour == 22
    assert [row["REF"] for row in rows] == ["order:D1"]


def test_a_broker_that_is_away_is_told_as_such():
    queues = LiveQueues("amqp://guest:guest@127.0.0.1:1/")
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(queues.publish("erp.in", b"", "m", "ORD"))

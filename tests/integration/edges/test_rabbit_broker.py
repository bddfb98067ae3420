"""A real RabbitMQ: confirmed, acknowledged after the inbox, given again after a death, in order by key."""

import asyncio
import signal
import subprocess
import sys
import time
from collections import defaultdict

import aio_pika
import pytest
from tests.integration.broker_wire import Wire

from o2c_twin.integration.edges.broker import BrokerAway, Message
from o2c_twin.integration.edges.intake import Intake, as_message
from o2c_twin.integration.edges.live_rabbit import RabbitBroker
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.store import SqliteJournal

FLOWS = frozenset({"order"})


def event(name, lane="party:A1"):
    return Inbound(f"crm:{name}", "order", name, lane, 0)


async def until(true, seconds=15.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        await asyncio.sleep(0.01)


class WallClock:
    def now(self):
        return time.time_ns() // 1_000


def engine_on(bench, journal, handled):
    async def order(engine, taken):
        handled.append(taken.object_id)

    return Engine(
        DesignProfile(),
        bench.crm,
        bench.erp,
        bench.bank,
        journal,
        {"order": order},
        clock=WallClock(),
        sleep=asyncio.sleep,
        spawn=lambda work, name: asyncio.get_running_loop().create_task(work),
        draw=lambda *key: 0.5,
    )


DIES = """
import asyncio, os, signal, sys
from o2c_twin.integration.edges.intake import Intake
from o2c_twin.integration.edges.live_rabbit import RabbitBroker
from o2c_twin.integration.store import SqliteJournal

url, prefix, path, when = sys.argv[1:]

async def main():
    journal = SqliteJournal(path)
    intake = Intake(lambda event: journal.accept(event, 0), frozenset({"order"}))

    async def work(received):
        if when == "after the commit":
            assert await intake(received) == "done"
        os.kill(os.getpid(), signal.SIGKILL)

    await RabbitBroker(url, prefix).consume(work)
    await asyncio.sleep(30)

asyncio.run(main())
"""


@pytest.mark.parametrize("when", ["before the commit", "after the commit"])
def test_a_worker_killed_between_delivery_and_acknowledgement_costs_nothing_and_doubles_nothing(
    rabbit_url, rabbit_prefix, when, bench, tmp_path
):
    path = str(tmp_path / "inbox.db")

    async def publish():
        broker = RabbitBroker(rabbit_url, rabbit_prefix)
        await broker.publish(as_message(event("D1")))
        await broker.close()

    asyncio.run(publish())
    died = subprocess.run([sys.executable, "-c", DIES, rabbit_url, rabbit_prefix, path, when], timeout=30, check=False)
    assert died.returncode == -signal.SIGKILL

    async def next_life():
        handled = []
        journal = SqliteJournal(path)
        engine = engine_on(bench, journal, handled)
        engine.start()
        intake, broker, redelivered = Intake(engine.receive, FLOWS), RabbitBroker(rabbit_url, rabbit_prefix), []

        async def work(received):
            redelivered.append(received.redelivered)
            return await intake(received)

        await broker.consume(work)
        await until(lambda: redelivered and engine.idle and handled)
        await asyncio.sleep(0.2)
        await broker.close()
        engine.stop()
        states = [journal.event("crm:D1")[1]]
        journal.close()
        return handled, (intake.accepted, intake.known), redelivered, states

    handled, counts, redelivered, states = asyncio.run(next_life())
    assert handled == ["D1"]
    assert counts == ((0, 1) if when == "after the commit" else (1, 0))
    assert redelivered == [True]
    assert states == ["done"]


def test_a_thousand_messages_keep_the_order_of_their_keys_over_two_workers_one_of_which_goes(rabbit_url, rabbit_prefix):
    keys, each = 20, 50
    seen = defaultdict(list)
    inbox = set()
    again = set()

    def receive(taken):
        if taken.event_id in inbox:
            return False
        number = int(taken.object_id)
        if number % 100 == 99 and number not in again:
            again.add(number)
            raise OSError("the inbox is locked")
        inbox.add(taken.event_id)
        seen[taken.lane].append(number)
        return True

    async def publish_key(broker, key):
        for n in range(each):
            number = n * keys + key
            await broker.publish(as_message(event(str(number), f"party:{key}")))

    async def work():
        publisher, one, two = (RabbitBroker(rabbit_url, rabbit_prefix) for _ in range(3))
        await one.consume(Intake(receive, FLOWS))
        await two.consume(Intake(receive, FLOWS))
        publishing = asyncio.gather(*(publish_key(publisher, key) for key in range(keys)))
        await until(lambda: len(inbox) > 300)
        await one.close()
        await publishing
        await until(lambda: len(inbox) == keys * each)
        dead = await publisher.dead()
        for broker in (publisher, two):
            await broker.close()
        return dead

    dead = asyncio.run(work())
    assert dead == []
    assert len(again) == 10
    assert seen == {f"party:{key}": list(range(key, keys * each, keys)) for key in range(keys)}


def test_poison_is_put_aside_with_what_follows_it_going_on_and_comes_back_when_revived(rabbit_url, rabbit_prefix):
    inbox, broken = [], [True]

    def receive(taken):
        if taken.object_id == "D1" and broken[0]:
            raise OSError("cannot")
        inbox.append(taken.object_id)
        return True

    async def work():
        broker = RabbitBroker(rabbit_url, rabbit_prefix)
        intake = Intake(receive, FLOWS, most_attempts=2)
        await broker.consume(intake)
        await broker.publish(as_message(event("D1")))
        await broker.publish(Message("party:A1", "garbage", "order", b"\xff"))
        await broker.publish(as_message(event("D2")))
        await until(lambda: inbox == ["D2"])
        await asyncio.sleep(0.1)
        dead = await broker.dead()
        seen_again = await broker.dead()
        broken[0] = False
        revived = await broker.revive([each.id for each in dead])
        await until(lambda: inbox == ["D2", "D1"])
        await until(lambda: intake.dead == 3)
        await asyncio.sleep(0.1)
        left = await broker.dead()
        discarded = await broker.discard([left[0].id]), await broker.figures(), await broker.discard(["none"])
        await broker.close()
        return dead, seen_again, revived, left, discarded

    began = time.time()
    dead, seen_again, revived, left, discarded = asyncio.run(work())
    assert all(abs(each.since / 1e6 - began) < 60 for each in dead)
    assert [(m.message.key, m.message.message_id, m.message.kind) for m in dead] == [
        ("party:A1", "crm:D1", "order"),
        ("party:A1", "garbage", "order"),
    ]
    assert seen_again == dead
    assert revived == 2
    assert [m.message.message_id for m in left] == ["garbage"]
    assert discarded == (1, (0, 0), 0)


def test_queues_are_durable_and_messages_on_disk(rabbit_url, rabbit_prefix):
    async def work():
        broker = RabbitBroker(rabbit_url, rabbit_prefix, lanes=1)
        await broker.publish(as_message(event("D1")))
        await broker.close()
        connection = await aio_pika.connect(rabbit_url)
        channel = await connection.channel()
        with pytest.raises(aio_pika.exceptions.ChannelPreconditionFailed):
            await channel.declare_queue(broker.queues[0], durable=False)
        channel = await connection.channel()
        queue = await channel.get_queue(broker.queues[0])
        message = await queue.get(no_ack=True)
        await connection.close()
        return message.delivery_mode

    assert asyncio.run(work()) == aio_pika.DeliveryMode.PERSISTENT


def test_when_the_wire_is_cut_the_message_comes_again_and_work_goes_on(rabbit_url, rabbit_prefix):
    async def work():
        wire = Wire(rabbit_url)
        url = await wire.back()
        broker, deliveries, gate = RabbitBroker(url, rabbit_prefix), [], asyncio.Event()

        async def slow(received):
            deliveries.append((received.message.message_id, received.redelivered))
            if len(deliveries) == 1:
                await gate.wait()
            return "done"

        await broker.consume(slow)
        await broker.publish(as_message(event("D1")))
        await until(lambda: deliveries)
        wire.cut()
        gate.set()
        await until(lambda: len(deliveries) == 2)
        for _ in range(50):
            try:
                await broker.publish(as_message(event("D2")))
                break
            except BrokerAway:
                await asyncio.sleep(0.1)
        await until(lambda: len(deliveries) >= 3)
        await broker.close()
        await wire.away()
        return deliveries

    deliveries = asyncio.run(work())
    assert deliveries[:2] == [("crm:D1", False), ("crm:D1", True)]
    assert deliveries[2][0] == "crm:D2"


def test_a_broker_that_is_not_there_and_a_lane_that_is_gone_confirm_nothing(rabbit_url, rabbit_prefix):
    async def work():
        nowhere = RabbitBroker("amqp://guest:guest@127.0.0.1:1/", rabbit_prefix)
        with pytest.raises(BrokerAway, match="broker: "):
            await nowhere.publish(as_message(event("D1")))
        broker = RabbitBroker(rabbit_url, rabbit_prefix, lanes=1)
        await broker.publish(as_message(event("D1")))
        connection = await aio_pika.connect(rabbit_url)
        await (await connection.channel()).queue_delete(broker.queues[0])
        await connection.close()
        with pytest.raises(BrokerAway):
            await broker.publish(as_message(event("D2")))
        await broker.close()

    asyncio.run(work())

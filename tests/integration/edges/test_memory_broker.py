"""The broker in memory, in virtual time: what every broker promises, and the webhook endpoint in front of it."""

import asyncio
import json

import pytest

from o2c_twin.integration.edges.broker import BrokerAway, Message, lane_of
from o2c_twin.integration.edges.intake import Intake, as_message
from o2c_twin.integration.edges.memory_broker import EventBroker, Habits, MemoryBroker
from o2c_twin.integration.edges.queueing_endpoint import QueueingEndpoint
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.errors import NotAuthentic


def event(name, lane="party:A1", flow="order"):
    return Inbound(f"crm:{name}", flow, name, lane, 0)


@pytest.fixture
def broker_of(bench):
    def make(draw=lambda *key: 0.5, **habits):
        return MemoryBroker(asyncio.sleep, bench._spawn, draw, habits=Habits(**habits))

    return make


def test_each_message_reaches_the_inbox_once_in_the_order_of_its_key_though_acks_are_lost(bench, broker_of):
    def draw(stream, name, attempt):
        lost = stream == "broker.ack" and attempt == 1 and name.endswith(("3", "7"))
        return 0.0 if lost else 0.9

    broker = broker_of(draw, ack_lost=0.1)
    seen = []

    def receive(taken):
        new = bench.journal.accept(taken, 0)
        if new:
            seen.append((taken.lane, taken.object_id))
        return new

    intake = Intake(receive, frozenset({"order"}))

    async def work():
        for n in range(100):
            await broker.publish(as_message(event(f"D{n:03d}", f"party:{n % 7}")))
        await broker.consume(intake)

    bench.do(work())
    bench.pass_time(2_000)
    assert len(seen) == 100
    for key in range(7):
        assert [d for lane, d in seen if lane == f"party:{key}"] == [f"D{n:03d}" for n in range(key, 100, 7)]
    assert intake.known == broker.redelivered == 20


def test_what_no_inbox_can_take_is_put_aside_and_goes_on_when_it_is_revived(bench, broker_of):
    broker = broker_of()
    full = [True]

    def receive(taken):
        if full[0] and taken.object_id == "D1":
            raise OSError("disk full")
        return bench.journal.accept(taken, 0)

    intake = Intake(receive, frozenset({"order"}), most_attempts=3)

    async def work():
        await broker.consume(intake)
        await broker.publish(as_message(event("D1")))
        await broker.publish(Message("party:A1", "garbage", "order", b"{"))
        await broker.publish(as_message(event("X", flow="no such flow")))
        await broker.publish(as_message(event("D2")))

    bench.do(work())
    bench.pass_time(60)
    assert [taken.object_id for taken in bench.journal.pending()] == ["D2"], "the lane is not blocked"
    assert [m.message.message_id for m in bench.do(broker.dead())] == ["crm:D1", "garbage", "crm:X"]
    full[0] = False
    assert bench.do(broker.revive([bench.do(broker.dead())[0].id])) == 1
    bench.pass_time(60)
    assert [taken.object_id for taken in bench.journal.pending()] == ["D2", "D1"]
    assert len(bench.do(broker.dead())) == 2


def test_a_consumer_that_goes_before_it_settles_leaves_the_message_to_the_next(bench, broker_of):
    broker = broker_of()
    deliveries = []

    async def slow(received):
        deliveries.append(received)
        await asyncio.sleep(10)
        return "done"

    async def quick(received):
        deliveries.append(received)
        return "done"

    bench.do(broker.consume(slow))
    bench.do(broker.publish(as_message(event("D1"))))
    bench.pass_time(5)
    bench.do(broker.close())
    bench.do(broker.consume(quick))
    bench.pass_time(60)
    assert [(d.message.message_id, d.redelivered) for d in deliveries] == [("crm:D1", False), ("crm:D1", True)]


def test_the_same_chance_gives_the_same_deliveries(bench, broker_of):
    def played():
        broker, order = broker_of(lambda *key: lane_of(repr(key), 1_000) / 1_000, ack_lost=0.3), []

        async def work(received):
            order.append((bench.env.now, received.message.message_id))
            return "done"

        async def publish():
            await broker.consume(work)
            for n in range(30):
                await broker.publish(as_message(event(f"D{n}", f"party:{n % 5}")))

        start = bench.env.now
        bench.do(publish())
        bench.pass_time(3_600)
        return [(at - start, name) for at, name in order]

    first = played()
    assert first == played()
    assert len(first) > 30


def test_it_stands_behind_the_port_of_the_event_driven_topology(bench, broker_of):
    broker = broker_of()
    engine = bench.engine({"order": nothing})
    bench.do(broker.consume(Intake(engine.receive, frozenset({"order"}))))
    broker.away = True
    EventBroker(broker, as_message, asyncio.sleep, bench._spawn).publish(event("D1"))
    bench.pass_time(30)
    assert engine.handled == 0
    broker.away = False
    bench.pass_time(30)
    assert engine.handled == 1


async def nothing(engine, taken):
    """A flow."""


# --- the endpoint in front -----------------------------------------------------------------------


@pytest.fixture
def push(bench, broker_of):
    """`push(body)` posts to the endpoint; gives status and body."""
    broker = broker_of()

    def post(body, path="/webhooks/crm", method="POST"):
        sent = []

        async def receive():
            return {"type": "http.request", "body": body}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": method, "path": path, "headers": []}
        bench.do(QueueingEndpoint([bench.crm], broker)(scope, receive, send))
        start, end = sent
        assert dict(start["headers"])[b"content-length"] == str(len(end["body"])).encode()
        return start["status"], end["body"]

    post.broker = broker
    return post


def told(*names):
    return json.dumps(
        [{"event_id": n, "flow": "order", "object_id": n, "lane": "party:A1", "source_at": 0} for n in names]
    ).encode()


def test_a_push_is_acknowledged_in_its_systems_words_when_the_queue_has_it(bench, push):
    assert push(told("e1", "e2")) == (200, b"taken")
    bench.do(push.broker.consume(Intake(bench.engine({"order": nothing}).receive, frozenset({"order"}))))
    assert bench.now_running.handled == 0
    bench.pass_time(30)
    assert bench.now_running.handled == 2


def test_a_push_is_refused_while_the_queue_is_away_and_taken_when_it_is_told_again(bench, push):
    push.broker.away = True
    status, body = push(told("e1"))
    assert (status, b"push again" in body) == (503, True)
    push.broker.away = False
    assert push(told("e1"))[0] == 200


def test_what_is_no_push_never_reaches_the_queue(bench, push):
    class Forged(type(bench.crm)):
        def pushed(self, body, headers):
            raise NotAuthentic("signature")

    push.broker.away = True  # publishing would be a 503
    assert push(b"not json")[0] == 400
    assert push(told("e1"), path="/webhooks/shop")[0] == 404
    assert push(told("e1"), method="PUT")[0] == 405
    assert push(b"", path="/health", method="GET") == (200, b'{"status":"up"}')
    bench.crm.__class__ = Forged
    assert push(told("e1"))[0] == 401


def test_a_broker_that_is_away_says_so(bench, broker_of):
    broker = broker_of()
    broker.away = True
    with pytest.raises(BrokerAway):
        bench.do(broker.publish(as_message(event("D1"))))

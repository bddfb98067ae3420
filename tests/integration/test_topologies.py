"""What a topology changes in the engine, on a bench of three systems; whole businesses are in tests/twin."""

import asyncio
import json

import msgspec
import pytest

from o2c_twin.integration.flows import FLOWS
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.engine import Engine, Rhythm
from o2c_twin.integration.store import SqliteJournal

SECOND = 1_000_000
HOUR = 3_600


class Taken:
    def __init__(self):
        self.ids = []

    async def __call__(self, engine, event):
        self.ids.append(event.object_id)


def _push(engine, system, *events):
    return engine.pushed(system, json.dumps([msgspec.to_builtins(event) for event in events]).encode(), {})


# --- event-driven --------------------------------------------------------------------------------


@pytest.mark.parametrize(("delivery", "twice"), [("effectively-once", False), ("naive-retry", True)])
def test_a_broker_delivers_out_of_order_and_now_and_then_twice_and_the_inbox_takes_each_once(bench, delivery, twice):
    taken = Taken()
    engine = bench.engine({"delivery": taken}, topology="event-driven", delivery=delivery)
    events = [Inbound(f"e{n}", "delivery", f"S{n:03d}", "order:1", bench.clock.now()) for n in range(400)]
    assert _push(engine, "erp", *events)[0] == 200
    bench.pass_time(300)
    assert set(taken.ids) == {event.object_id for event in events}
    assert taken.ids[:50] != sorted(taken.ids)[:50]
    assert (len(taken.ids) > len(events)) is twice
    assert engine._broker.redelivered > 0


# --- api-first -----------------------------------------------------------------------------------


def test_who_calls_gets_the_order_while_waiting_and_nobody_else_makes_one(bench):
    engine = bench.engine(topology="api-first")
    won = bench.won()
    _push(engine, "crm", won)
    bench.pass_time(60)
    assert bench.erp.orders == {}
    assert bench.do(engine.call(won)) is True
    assert len(bench.erp.orders) == 1
    assert "order_id" in bench.crm.notes["D1"]


@pytest.mark.parametrize(("delivery", "orders"), [("effectively-once", 1), ("naive-retry", 2)])
def test_a_call_that_failed_is_not_tried_again_until_somebody_presses_again(bench, delivery, orders):
    engine = bench.engine(topology="api-first", delivery=delivery)
    bench.erp.trouble["put_order"] = [bench.failed(), bench.LOST]
    won = bench.won()
    for _ in range(2):
        assert bench.do(engine.call(won)) is False
        bench.pass_time(HOUR)
    assert bench.erp.calls.count("put_order") == 2
    assert bench.seen.cases == []
    assert bench.do(engine.call(won)) is True
    assert len(bench.erp.orders) == orders


# --- native connector ----------------------------------------------------------------------------


def test_a_vendors_connector_polls_two_systems_matches_by_number_and_applies_no_cash(bench):
    taken = Taken()
    engine = bench.engine(
        {**FLOWS, "cash": taken}, Rhythm(poll_s=600), topology="native-connector", trigger="webhook", matching="off"
    )
    engine.start()
    for n in (1, 2):
        deal = bench.won(f"D{n}", f"A{n}", number="K1")
        bench.crm.changed.append(deal)
        _push(engine, "crm", deal)
    bench.bank.closes("2026-01-05", bench.credit("B1", 4_000))
    bench.pass_time(500)
    assert bench.erp.orders == {}
    bench.pass_time(500)
    assert (len(bench.erp.orders), len(bench.erp.customers)) == (2, 1)
    bench.pass_time(24 * HOUR)
    assert (bench.bank.calls, taken.ids) == ([], [])


# --- point to point ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delivery", "told"),
    [("effectively-once", "part shipped"), ("naive-retry", "open")],
)
def test_without_shared_links_the_deal_of_an_order_is_known_by_the_key_it_carries_or_not_at_all(
    bench, delivery, told, tmp_path
):
    crm_side = bench.engine(topology="point-to-point", delivery=delivery)
    crm_side.receive(bench.won())
    bench.pass_time(60)
    ((order_id, order),) = bench.erp.orders.items()
    assert order.external_id == ("order:D1" if delivery == "effectively-once" else None)
    other = SqliteJournal(str(tmp_path / "other.db"), "OFF")
    erp_side = Engine(
        DesignProfile(topology="point-to-point", delivery=delivery),
        bench.crm,
        bench.erp,
        bench.bank,
        other,
        FLOWS,
        clock=bench.clock,
        sleep=asyncio.sleep,
        spawn=bench._spawn,
        draw=crm_side.delivery.draw,
        hears=frozenset({"erp"}),
    )
    assert erp_side.systems == {"erp"}
    assert _push(erp_side, "crm", bench.won("D2"))[0] == 200
    _push(erp_side, "erp", bench.erp.moves_on(order_id, fulfilment="part shipped"))
    bench.pass_time(60)
    assert (bench.crm.notes["D1"]["fulfilment"], len(bench.erp.orders)) == (told, 1)
    other.close()

"""What status tells of each source: what waits, since when, and when the source was last asked."""

import asyncio

import pytest
from tests.integration.service.conftest import Desk

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.service.standing import edges_of

SECOND = 1_000_000


def test_an_edge_that_does_not_answer_keeps_nobody_from_knowing_of_the_others(bench):
    async def hangs():
        await asyncio.sleep(3_600)

    async def there():
        return {"kind": "folder", "there": True}

    told = bench.do(edges_of({"a": hangs, "b": there, "c": hangs}))
    away = {"kind": "edge", "there": False, "away": "no answer within 10 s"}
    assert told == {"a": away, "b": {"kind": "folder", "there": True}, "c": away}
    assert bench.env.now == 10 * SECOND


@pytest.fixture
def desk(either_bench):
    return Desk(either_bench, sweep="hourly")


def test_a_source_tells_what_waits_since_when_and_when_it_was_asked(desk):
    bench, began = desk.bench, desk.bench.clock.now()
    bench.pass_time(3_700)
    desk.engine.pause("order")
    desk.engine.receive(bench.won("D1"))
    bench.pass_time(40)
    desk.engine.receive(bench.won("D2", "A2"))
    desk.engine.receive(Inbound("erp:shipped:9", "delivery", "9", "order:9", bench.clock.now()))
    bench.erp.shipments.clear()
    bench.erp.trouble["shipment"] = [bench.failed("missing")]
    bench.pass_time(20)
    told = desk.get("/api/status", "auditor").json()
    now, sources = told["now"], told["sources"]
    assert (sources["crm"]["open"], sources["crm"]["oldest_open"]) == (2, now - 60 * SECOND)
    assert (sources["crm"]["trigger"], sources["crm"]["asked_at"]) == ("webhook", began + 3_600 * SECOND)
    assert sources["crm"]["asked_ago_s"] == 160.0
    assert (sources["erp"]["open"], sources["erp"]["dead"], sources["erp"]["oldest_open"]) == (0, 1, None)
    assert sources["bank"]["open"] == sources["engine"]["open"] == 0
    assert "trigger" not in sources["engine"]
    assert told["edges"] == {}
    assert desk.trail()[-1] == ("auditor", "status", "", "done")


def test_what_people_have_undone_is_the_engines_own(desk):
    desk.engine.receive(desk.bench.won())
    desk.bench.pass_time(60)
    desk.engine.pause("undo")
    desk.engine.undo(["order:D1"])
    desk.bench.pass_time(5)
    assert desk.get("/api/status").json()["sources"]["engine"]["open"] == 1

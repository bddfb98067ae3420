"""What a choice of the design profile changes in how the engine hears and tries again, on a bench of three systems."""

import json

import msgspec
import pytest

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.engine import Rhythm

SECOND = 1_000_000
HOUR = 3_600
DAY = 24 * HOUR


class Taken:
    """A flow that writes down what came, and when."""

    def __init__(self):
        self.ids = []

    async def __call__(self, engine, event):
        self.ids.append(event.object_id)


@pytest.fixture
def taken():
    return Taken()


def _listening(bench, taken, **choices):
    engine = bench.engine(dict.fromkeys(("order", "delivery", "cash"), taken), Rhythm(poll_s=300), **choices)
    engine.start()
    return engine


def _shipped(bench, name):
    event = Inbound(f"erp:delivery:{name}", "delivery", name, "order:1", bench.clock.now() // SECOND * SECOND)
    bench.erp.changed.append(event)
    return event


def _push(engine, event):
    return engine.pushed("erp", json.dumps([msgspec.to_builtins(event)]).encode(), {})


def _rounds(bench, system):
    return sum(call in ("changes", "statements") for call in getattr(bench, system).calls)


# --- trigger, sweep ------------------------------------------------------------------------------


def test_each_system_may_be_heard_in_its_own_way(bench, taken):
    engine = _listening(bench, taken, trigger="poll", trigger_crm="nightly", trigger_erp="webhook")
    _push(engine, _shipped(bench, "S1"))
    bench.pass_time(3 * HOUR)
    assert taken.ids == ["S1"]
    assert (_rounds(bench, "crm"), _rounds(bench, "erp")) == (1, 0)
    assert _rounds(bench, "bank") >= 30


def test_who_polls_does_not_listen(bench, taken):
    _push(_listening(bench, taken, trigger_erp="poll"), _shipped(bench, "S1"))
    bench.pass_time(200)
    assert taken.ids == []
    bench.pass_time(200)
    assert taken.ids == ["S1"]


def test_hybrid_hears_the_push_at_once_and_finds_the_lost_one_with_the_next_poll(bench, taken):
    engine = _listening(bench, taken, trigger="hybrid")
    _push(engine, _shipped(bench, "S1"))
    bench.pass_time(10)
    assert taken.ids == ["S1"]
    _shipped(bench, "S2")
    bench.pass_time(400)
    assert taken.ids == ["S1", "S2"]


@pytest.mark.parametrize(
    ("sweep", "found_after"), [("off", None), ("daily", DAY), ("six-hourly", 6 * HOUR), ("hourly", HOUR)]
)
def test_a_lost_push_is_found_by_the_next_sweep(bench, taken, sweep, found_after):
    _listening(bench, taken, sweep=sweep)
    _shipped(bench, "S1")
    if found_after is None:
        bench.pass_time(3 * DAY)
        assert taken.ids == []
    else:
        bench.pass_time(found_after - 5)
        assert taken.ids == []
        bench.pass_time(10)
        assert taken.ids == ["S1"]


# --- retry, breaker ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retry", "delivery", "tries", "given_up_within_s"),
    [
        ("none", "effectively-once", 1, 10),
        ("fixed", "effectively-once", 6, 60),
        ("ladder", "effectively-once", 7, 18 * HOUR),
        ("by-delivery", "naive-retry", 3, 60),
        ("fixed", "naive-retry", 6, 60),
    ],
)
def test_how_often_a_call_is_tried_is_the_choice_of_retry(bench, retry, delivery, tries, given_up_within_s):
    engine = bench.engine(retry=retry, delivery=delivery)
    bench.erp.trouble["put_order"] = [bench.failed()] * 100
    engine.receive(bench.won())
    bench.pass_time(given_up_within_s)
    assert bench.erp.calls.count("put_order") == tries
    assert len(bench.seen.cases) + len(bench.seen.lost) == 1
    bench.pass_time(3 * DAY)
    assert bench.erp.calls.count("put_order") == tries


def test_full_waits_longer_than_a_ladder_has_rungs(bench):
    engine = bench.engine(retry="full", delivery="naive-retry")
    bench.erp.trouble["put_order"] = [bench.failed()] * 40
    engine.receive(bench.won())
    bench.pass_time(2 * DAY)
    assert bench.erp.calls.count("put_order") == 41
    assert len(bench.erp.orders) == 1


def test_a_ladder_gives_a_refusal_up_at_once_and_fixed_does_not(bench):
    for retry, tries in (("ladder", 1), ("fixed", 6)):
        bench.erp.trouble["put_order"] = [bench.failed("rejected")] * 6
        bench.erp.calls.clear()
        bench.engine(retry=retry).receive(bench.won(f"D-{retry}", account=f"A-{retry}"))
        bench.pass_time(60)
        assert bench.erp.calls.count("put_order") == tries


def test_without_a_breaker_an_outage_is_hammered(bench):
    asked = {}
    for breaker in ("on", "off"):
        engine = bench.engine(breaker=breaker)
        bench.erp.calls.clear()
        bench.erp.trouble["customer_by_number"] = [bench.failed()] * 10_000
        for n in range(40):
            engine.receive(bench.won(f"{breaker}{n}", account=f"A-{breaker}{n}", number=f"{breaker}{n}"))
        bench.pass_time(HOUR)
        asked[breaker] = len(bench.erp.calls)
        engine.stop()
        bench.kill()
    assert asked["off"] > 5 * asked["on"] > 0

"""A thousand schedules: notices come late, doubled and in any order, and each key still hears its news in order."""

import random

from tests.integration.conftest import START, Bench

from o2c_twin.integration.model import Inbound, OrderStatus
from o2c_twin.integration.runtime.engine import Rhythm

STATES = ("open", "part shipped", "shipped", "billed")
SCHEDULES = 1_000


def _play(seed, poisoned=False):
    """The states sales was told by key, in the order and at the time it was told them."""
    dice = random.Random(seed)
    bench = Bench(":memory:")
    told, crm_note = {}, bench.crm.note_deal

    async def note_deal(deal_id, notes, correlation):
        await crm_note(deal_id, notes, correlation)
        told.setdefault(deal_id, []).append((bench.clock.now(), notes["fulfilment"]))

    bench.crm.note_deal = note_deal
    engine = bench.engine(rhythm=Rhythm(in_flight=50, sweep_s=10**9))
    keys = [f"O{n}" for n in range(4)]
    for key in keys:
        bench.erp.orders[key] = OrderStatus(key, f"S{key}", f"order:{key}", None, "1", "passed", "new", START)
        bench.journal.link("crm", "noted", key, "passed|new")
    if poisoned:
        bench.erp.orders["bad"] = OrderStatus("bad", "S", "order:bad", None, "1", "passed", "new", START)
        bench.journal.link("crm", "noted", "bad", "passed|nothing")
        bench.crm.trouble["note_deal"] = []
        good = bench.crm.note_deal

        async def refuses(deal_id, notes, correlation):
            if deal_id == "bad":
                raise bench.failed("unavailable")
            await good(deal_id, notes, correlation)

        bench.crm.note_deal = refuses
        engine.receive(Inbound("erp:bad", "order-status", "bad", "order:bad", START))

    def moves(key, state):
        notice = bench.erp.moves_on(key, fulfilment=state)
        for _ in range(dice.choice((1, 1, 2, 3))):
            at = dice.choice((0.0, 0.5, 3.0, 40.0, 400.0)) * dice.random()
            bench._spawn(_later(bench, engine, notice, at), "vendor")

    for key in keys:
        at = 0.0
        for state in STATES:
            at += dice.random() * 60
            bench._spawn(_at(bench, at, lambda key=key, state=state: moves(key, state)), "people")
    bench.pass_time(3_600)
    last = {key: bench.erp.orders[key].fulfilment for key in keys}
    bench.close()
    return {key: told.get(key, []) for key in keys}, last


async def _at(bench, seconds, act):
    await bench.env.aio.sleep(seconds)
    act()


async def _later(bench, engine, notice, seconds):
    await bench.env.aio.sleep(seconds)
    engine.receive(notice)


def test_in_a_thousand_schedules_no_key_hears_its_news_in_the_wrong_order():
    rank = {state: n for n, state in enumerate(STATES)}
    inversions, stale = [], []
    for seed in range(SCHEDULES):
        told, last = _play(seed)
        for key, news in told.items():
            ranks = [rank[state] for _, state in news]
            if ranks != sorted(ranks):
                inversions.append((seed, key, news))
            if news[-1][1] != last[key]:
                stale.append((seed, key, news))
    assert inversions == []
    assert stale == []


def test_a_key_that_fails_for_ever_delays_no_other_by_a_microsecond():
    for seed in range(50):
        assert _play(seed, poisoned=True) == _play(seed)

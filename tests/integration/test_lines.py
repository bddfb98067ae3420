"""How much is asked of a system: quotas used up and not run into, outages sat out, value first."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.breaker import NEVER_OPENS, Breaker, BreakerRules
from o2c_twin.integration.runtime.budget import BudgetRules
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.integration.runtime.line import Line, LineRules, worth_of_work
from o2c_twin.integration.runtime.quota import Allowance, Quota, Worth
from o2c_twin.integration.runtime.retry import RetryPolicy
from o2c_twin.integration.runtime.steps import Delivery

SECOND = 1_000_000


class Metered:
    """A system that takes a tenth of a second a call and refuses more than ``most`` in a window; or is down."""

    def __init__(self, bench, most=10**9, window_s=60.0, down=(0, 0)):
        self.bench, self.most, self.window, self.down = bench, most, int(window_s * SECOND), down
        self.arrivals, self.served, self.refused, self.failed = [], [], 0, 0

    async def __call__(self):
        now = self.bench.clock.now()
        self.arrivals.append(now)
        await asyncio.sleep(0.1)
        if self.down[0] <= now < self.down[1]:
            self.failed += 1
            raise CallFailed("erp", "x", "unavailable", "down")
        recent = sum(1 for at in reversed(self.served[-self.most :]) if at > now - self.window)
        if recent >= self.most:
            self.refused += 1
            raise CallFailed("erp", "x", "throttled", "too many", 1.0)
        self.served.append(now)
        return "done"


def _delivery(bench, rules):
    line = Line(rules, bench.clock, asyncio.sleep, bench._spawn, "erp")
    draw = bench.engine().delivery.draw
    return Delivery(DesignProfile(), RetryPolicy(), bench.journal, bench.clock, asyncio.sleep, draw, {"erp": line})


def _ask(bench, delivery, remote, calls):
    for n in range(calls):
        bench._spawn(delivery.read("erp", f"read {n}", remote), f"read {n}")


def test_a_backlog_uses_the_quota_up_and_is_hardly_ever_refused(bench):
    remote = Metered(bench, most=100, window_s=60)
    began = bench.clock.now()
    _ask(bench, _delivery(bench, LineRules(8, (Allowance(100, 60.0),))), remote, 1_500)
    bench.pass_time(14 * 60)
    minutes = (bench.clock.now() - began) / 60 / SECOND
    used = len(remote.served) / (100 * minutes)
    print(f"{used:.1%} of the quota used, {remote.refused / len(remote.arrivals):.2%} refused")
    assert used >= 0.95
    assert remote.refused <= 0.01 * len(remote.arrivals)


def test_where_the_quota_is_unknown_the_number_in_flight_finds_it(bench):
    remote = Metered(bench, most=100, window_s=10)
    _ask(bench, _delivery(bench, LineRules(8)), remote, 3_000)
    bench.pass_time(300)
    naive = 300 / 0.1 * 8
    assert len(remote.served) >= 0.8 * 300 / 10 * 100
    assert len(remote.arrivals) < naive / 4


def _outage(bench, calls, breaker, budget):
    """Half an hour of it, seen by the system: what arrived for each call, and in each second afterwards."""
    began = bench.clock.now()
    remote = Metered(bench, down=(began, began + 1_800 * SECOND))
    _ask(bench, _delivery(bench, LineRules(4, (Allowance(20, 1.0),), breaker, budget)), remote, calls)
    bench.pass_time(3 * 3_600)
    assert len(remote.served) == calls
    return len(remote.arrivals) / calls, Counter(at // SECOND for at in remote.arrivals if at >= remote.down[1])


@pytest.mark.parametrize("budget", [None, BudgetRules()], ids=["no budget", "budget"])
@pytest.mark.parametrize("calls", [150, 1_000])
def test_an_outage_of_half_an_hour_is_sat_out(bench, calls, budget):
    amplification, after = _outage(bench, calls, BreakerRules(), budget)
    print(f"{calls} calls: amplification {amplification:.2f}, at most {max(after.values())} a second afterwards")
    assert amplification <= 1.2
    assert max(after.values()) <= 1.1 * 20


def test_where_no_breaker_keeps_an_outage_from_being_asked_the_budget_does(bench):
    free, _ = _outage(bench, 1_000, NEVER_OPENS, None)
    held, after = _outage(bench, 1_000, NEVER_OPENS, BudgetRules())
    print(f"without a breaker: amplification {free:.1f} without a budget, {held:.1f} with it")
    # A fifth of the first tries, a minute's reserve, and one a second for the half hour and the backlog after it.
    assert held <= 1 + (200 + 60 + 1_800 + 1_000) / 1_000
    assert free > 3 * held
    assert max(after.values()) <= 1.1 * 20


def test_cash_goes_before_sweeps_however_late_it_comes(bench):
    order = []
    line = Line(LineRules(1), bench.clock, asyncio.sleep, bench._spawn, "erp")

    async def work(name, worth):
        worth_of_work.set(worth)

        async def call():
            await asyncio.sleep(1)
            order.append(name)

        await line.call(call, name)

    for n in range(3):
        bench._spawn(work(f"sweep {n}", Worth.SWEEP), "sweep")
    bench.pass_time(0.5)
    bench._spawn(work("order", Worth.ORDER), "order")
    bench._spawn(work("cash", Worth.CASH), "cash")
    bench.pass_time(60)
    assert order == ["sweep 0", "cash", "order", "sweep 1", "sweep 2"]


def test_a_call_that_is_called_off_gives_its_place_back(bench):
    line = Line(LineRules(1), bench.clock, asyncio.sleep, bench._spawn, "erp")
    done = []

    async def call():
        await asyncio.sleep(10)
        done.append(1)

    first, second, third = (bench._spawn(line.call(call, name), name) for name in "abc")
    bench.pass_time(1)
    second.cancel()
    first.cancel()
    bench.pass_time(20)
    assert done == [1]
    assert third.done()


@given(
    st.integers(1, 6),
    st.integers(1, 50),
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from(Worth)), max_size=80),
)
def test_no_window_ever_holds_more_than_its_allowance(calls, window_s, asked):
    quota, now, made = Quota((Allowance(calls, window_s),)), 0, []
    for pause, worth in asked:
        now += pause * SECOND
        wait = quota.wait_us(now, worth)
        assert wait >= 0
        if wait == 0:
            quota.spend(now)
            made.append(now)
        assert sum(1 for at in made if at > now - window_s * SECOND) <= calls


def test_low_value_work_gets_no_further_through_the_daily_quota_than_the_day_has():
    quota = Quota((Allowance(1_000, 86_400.0),))
    noon = 12 * 3_600 * SECOND
    spent = 0
    while quota.wait_us(noon, Worth.SWEEP) == 0:
        quota.spend(noon)
        spent += 1
    assert 480 <= spent <= 530
    assert quota.wait_us(noon, Worth.CASH) == 0


def test_an_open_breaker_lets_one_probe_through_and_doubles_its_patience():
    breaker = Breaker(BreakerRules(2, 30.0, 100.0))
    assert breaker.admits(0)
    breaker.failed(0, "a")
    breaker.failed(0, "a")
    assert breaker.closed, "one poisoned record is not an outage"
    breaker.failed(0, "b")
    assert not breaker.closed
    waits, now = [], 0
    for _ in range(4):
        assert not breaker.admits(breaker.next_probe_at - 1)
        waits.append((breaker.next_probe_at - now) // SECOND)
        now = breaker.next_probe_at
        assert breaker.admits(now)
        assert not breaker.admits(now), "a second probe"
        breaker.failed(now, "a")
    assert waits == [30, 60, 100, 100]
    assert breaker.admits(breaker.next_probe_at)
    breaker.answered()
    assert breaker.closed
    assert breaker.admits(now)

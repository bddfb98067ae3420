"""How much of what fails is asked again: a share of the first tries and a small reserve, and nothing is given up."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.breaker import NEVER_OPENS
from o2c_twin.integration.runtime.budget import Budget, BudgetRules
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.integration.runtime.line import Line, LineRules, worth_of_work
from o2c_twin.integration.runtime.quota import Worth
from o2c_twin.integration.runtime.retry import RetryPolicy
from o2c_twin.integration.runtime.steps import Delivery

SECOND = 1_000_000
rules = st.builds(BudgetRules, st.integers(0, 100), st.integers(1, 5), st.integers(1, 20))


def _overspent(made, rules):
    """Windows, from one call to another, that hold more retries than first tries and reserve allow."""
    wrong = []
    for first in range(len(made)):
        retries = tries = 0
        for at, again in made[first:]:
            retries, tries = retries + again, tries + (not again)
            reserve = rules.most + rules.a_second * (at - made[first][0]) / SECOND
            if retries > rules.percent / 100 * tries + reserve + 1e-6:
                wrong.append((made[first][0], at, retries, tries))
    return wrong


@given(rules, st.lists(st.tuples(st.integers(0, 3 * SECOND), st.booleans()), max_size=80))
def test_no_window_holds_more_retries_than_its_first_tries_and_the_reserve_allow(rules, asked):
    budget, now, made = Budget(rules, 0), 0, []
    for pause, again in asked:
        now += pause
        if not again:
            budget.held += budget.deposit
        elif budget.wait_us(now):
            continue
        else:
            budget.spend()
        made.append((now, again))
    assert _overspent(made, rules) == []


@given(rules, st.integers(0, 100))
def test_what_waits_as_long_as_it_was_told_may_leave_and_not_before(rules, spent):
    budget, now = Budget(rules, 0), 0
    for _ in range(spent):
        wait = budget.wait_us(now)
        if wait:
            assert budget.wait_us(now + wait - 1) == 1
        now += wait
        assert budget.wait_us(now) == 0
        budget.spend()
    assert now <= max(0, spent - rules.most) * SECOND / rules.a_second + spent


class Brownout:
    """A system that answers one call in five for a while, and then all."""

    def __init__(self, bench, until):
        self.bench, self.until, self.made, self.served = bench, until, [], set()

    async def ask(self, name, attempts):
        attempts.append(self.bench.clock.now())
        self.made.append((self.bench.clock.now(), len(attempts) > 1))
        await asyncio.sleep(0.05)
        if self.bench.clock.now() < self.until and len(self.made) % 5:
            raise CallFailed("erp", "x", "unavailable", "overloaded")
        self.served.add(name)
        return "done"


def _delivery(bench, budget):
    line = Line(LineRules(8, breaker=NEVER_OPENS, budget=budget), bench.clock, asyncio.sleep, bench._spawn, "erp")
    draw = bench.engine().delivery.draw
    return Delivery(DesignProfile(), RetryPolicy(), bench.journal, bench.clock, asyncio.sleep, draw, {"erp": line})


def _brownout(bench, budget, calls=2_400, seconds=600):
    remote = Brownout(bench, bench.clock.now() + seconds * SECOND)
    delivery = _delivery(bench, budget)

    async def arrive():
        for n in range(calls):
            attempts = []
            bench._spawn(delivery.read("erp", f"read {n}", lambda n=n, a=attempts: remote.ask(n, a)), f"read {n}")
            await asyncio.sleep(seconds / calls)

    bench._spawn(arrive(), "arrivals")
    bench.pass_time(2 * 3_600)
    assert remote.served == set(range(calls)), "given up for the budget's sake"
    during = [again for at, again in remote.made if at < remote.until]
    return len(during) / calls, remote.made


def test_a_system_that_answers_some_is_asked_again_by_few_and_all_are_served_in_the_end(bench):
    free, _ = _brownout(bench, None)
    held, made = _brownout(bench, BudgetRules())
    print(f"amplification in the brownout: {free:.2f} without a budget, {held:.2f} with it")
    assert _overspent(made, BudgetRules())[:3] == []
    assert held <= 1.2 + 660 / 2_400
    assert free > 2 * held


def _fail_once_each(bench, worths):
    """Work that fails at its first try, with a retry a second for all; gives what was done, as it is done."""
    delivery, done = _delivery(bench, BudgetRules(percent=0, most=1)), []

    async def work(number, worth):
        worth_of_work.set(worth)
        tries = []

        async def call():
            tries.append(1)
            if len(tries) == 1:
                raise CallFailed("erp", "x", "unavailable", "no")
            done.append((number, worth))
            return "done"

        await delivery.read("erp", f"read {number}", call)

    for number, worth in enumerate(worths):
        bench._spawn(work(number, worth), f"work {number}")
    return delivery, done


def test_first_tries_go_past_retries_that_wait(bench):
    delivery, done = _fail_once_each(bench, [Worth.ORDER] * 30)
    bench.pass_time(10)
    assert 8 <= len(done) <= 12

    async def other():
        done.append("other")
        return "done"

    bench._spawn(delivery.read("erp", "other", other), "other")
    bench.pass_time(0.1)
    assert "other" in done[-2:]
    bench.pass_time(25)
    assert len(done) == 31


def test_of_the_retries_that_wait_the_most_valuable_leaves_first(bench):
    _, done = _fail_once_each(bench, [Worth.SWEEP] * 10 + [Worth.ORDER] * 10 + [Worth.CASH] * 10)
    # All are due within the two seconds of the first wait.
    bench.pass_time(2)
    begun = len(done)
    bench.pass_time(60)
    worths = [worth for _, worth in done[begun:]]
    assert worths == sorted(worths)
    assert len(done) == 30


def test_a_retry_that_is_called_off_while_it_waits_holds_up_nobody(bench):
    delivery = _delivery(bench, BudgetRules(percent=0, most=1))
    served = []

    async def call(name, tries):
        tries.append(1)
        if len(tries) == 1:
            raise CallFailed("erp", "x", "unavailable", "no")
        served.append(name)
        return "done"

    tasks = [
        bench._spawn(delivery.read("erp", f"{n}", lambda n=n, t=tries: call(n, t)), f"{n}")
        for n, tries in enumerate([] for _ in range(20))
    ]
    bench.pass_time(3)
    off = [n for n in range(20) if n not in served][:10]
    for n in off:
        tasks[n].cancel()
    bench.pass_time(9)
    assert sorted([*served, *off]) == list(range(20))


@pytest.mark.parametrize("budget", ["on", "off"])
def test_the_profile_chooses_whether_retries_are_counted(bench, budget):
    engine = bench.engine(budget=budget, breaker="off")
    bench.erp.trouble["customer_by_number"] = [bench.failed()] * 10_000
    for n in range(300):
        engine.receive(bench.won(f"D{n}", account=f"A{n}", number=f"N{n}"))
    bench.pass_time(600)
    retries = bench.erp.calls.count("customer_by_number") - 300
    allowed = 300 * 0.2 + 60 + 600
    assert (retries <= allowed) == (budget == "on")

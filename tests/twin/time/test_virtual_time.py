"""One clock of whole microseconds, one heap and one order for SimPy and asyncio."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch

DAY = 86_400_000_000
ticks = st.integers(min_value=1, max_value=2**48)


# -- the clock ------------------------------------------------------------------------------------------------


def test_a_day_of_tenths_of_a_second_is_exactly_a_day_for_a_process(env: TwinEnvironment) -> None:
    def ticking() -> Any:
        for _ in range(864_000 // 100):
            yield env.sleep(0.1)

    env.process(ticking())
    env.run()
    assert env.now == DAY // 100


def test_a_day_of_tenths_of_a_second_is_exactly_a_day_for_a_coroutine(env: TwinEnvironment) -> None:
    async def ticking() -> None:
        for _ in range(864_000 // 100):
            await asyncio.sleep(0.1)

    env.aio.run_until_complete(ticking())
    assert env.now == DAY // 100


@given(st.lists(ticks, min_size=1, max_size=30))
def test_any_number_of_ticks_survives_the_way_through_seconds(delays: list[int]) -> None:
    env = TwinEnvironment()

    async def sleeper() -> None:
        for delay in delays:
            await asyncio.sleep(delay / 1_000_000)

    env.aio.run_until_complete(sleeper())
    assert env.now == sum(delays)


def test_call_at_meets_its_deadline_to_the_tick_after_years(env: TwinEnvironment) -> None:
    env.run(until=10 * 365 * DAY + 1)
    met: list[int] = []
    env.aio.call_at(env.aio.time() + 0.000_003, lambda: met.append(env.now))
    env.run()
    assert met == [10 * 365 * DAY + 4]


@pytest.mark.parametrize("delay", [0.5, 1.0, float("nan")])
def test_a_raw_timeout_takes_whole_ticks_only(env: TwinEnvironment, delay: float) -> None:
    with pytest.raises(TypeError, match=r"whole microseconds.*env\.sleep"):
        env.timeout(delay)


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), -1])
def test_a_sleep_is_finite_and_not_negative(env: TwinEnvironment, seconds: float) -> None:
    with pytest.raises(ValueError):
        env.sleep(seconds)


def test_sleep_until_a_tick_that_has_passed_is_refused(env: TwinEnvironment) -> None:
    env.run(until=5)
    with pytest.raises(ValueError, match="already 5"):
        env.sleep_until(4)
    env.process(event for event in [env.sleep_until(7)])
    env.run()
    assert env.now == 7


def test_an_endless_asyncio_delay_is_refused_with_a_reason(env: TwinEnvironment) -> None:
    with pytest.raises(ValueError, match="finite"):
        env.aio.call_later(float("inf"), print)
    with pytest.raises(ValueError, match="finite"):
        env.aio.call_at(float("nan"), print)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1)), st.integers(0, 2**50))
def test_the_calendar_is_the_epoch_plus_the_ticks(start: datetime, now: int) -> None:
    env = TwinEnvironment()
    start = start.replace(tzinfo=UTC)
    clock = TwinClock(env, epoch(start))
    if now:
        env.run(until=now)
    assert clock.now() == epoch(start) + now
    assert clock.datetime() == start + timedelta(microseconds=now)
    assert epoch(clock.datetime()) == clock.now()


def test_an_epoch_needs_a_time_zone_and_honours_it() -> None:
    assert epoch(datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == 0
    with pytest.raises(ValueError, match="time zone"):
        epoch(datetime(2026, 1, 1))


# -- one order ------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=40))
def test_timers_and_events_come_in_the_order_of_tick_then_creation(plan: list[tuple[bool, int]]) -> None:
    env = TwinEnvironment()
    seen: list[tuple[int, int]] = []
    for creation, (by_asyncio, delay) in enumerate(plan):
        if by_asyncio:
            env.aio.call_later(delay / 1_000_000, lambda creation=creation: seen.append((env.now, creation)))
        else:
            timeout = env.sleep_ticks(delay)
            timeout.callbacks.append(lambda _, creation=creation: seen.append((env.now, creation)))
    env.run()
    assert seen == sorted((delay, creation) for creation, (_, delay) in enumerate(plan))


@given(st.lists(st.integers(1, 8), max_size=40))
def test_sleeping_tasks_wake_in_the_order_of_tick_then_creation(delays: list[int]) -> None:
    env = TwinEnvironment()
    woken: list[tuple[int, int]] = []

    async def sleeper(creation: int, delay: int) -> None:
        await asyncio.sleep(delay / 1_000_000)
        woken.append((env.now, creation))

    for creation, delay in enumerate(delays):
        env.spawn(sleeper(creation, delay))
    env.run()
    assert woken == sorted((delay, creation) for creation, delay in enumerate(delays))


def test_whatever_is_ready_runs_before_the_next_entry_of_the_heap(env: TwinEnvironment) -> None:
    seen: list[str] = []

    def process() -> Any:
        seen.append("process")
        yield env.sleep(0)

    async def task() -> None:
        seen.append("task")
        await asyncio.sleep(0)
        seen.append("task again")

    env.process(process())
    env.spawn(task())
    env.run()
    assert seen == ["task", "task again", "process"]


def test_both_ways_to_drive_a_run_give_the_same_story() -> None:
    def story(drive: Any) -> list[tuple[int, str]]:
        with TwinEnvironment() as env:
            seen: list[tuple[int, str]] = []

            def process() -> Any:
                for _ in range(3):
                    yield env.sleep(2)
                    seen.append((env.now, "process"))

            async def task() -> None:
                for _ in range(2):
                    await asyncio.sleep(3)
                    seen.append((env.now, "task"))

            env.process(process())
            drive(env, task())
            return seen

    def by_simpy(env: TwinEnvironment, work: Any) -> None:
        env.spawn(work)
        env.run(until=6_000_001)

    def by_asyncio(env: TwinEnvironment, work: Any) -> None:
        env.spawn(work)
        env.aio.run_until_complete(asyncio.sleep(6.000_001))

    assert (
        story(by_simpy)
        == story(by_asyncio)
        == [
            (2_000_000, "process"),
            (3_000_000, "task"),
            (4_000_000, "process"),
            (6_000_000, "task"),
            (6_000_000, "process"),
        ]
    )


def test_a_seeded_shuffle_permutes_the_ready_tasks_and_nothing_else() -> None:
    def order(seed: int | None) -> list[int]:
        env = TwinEnvironment(order_seed=seed)
        seen: list[int] = []

        async def note(number: int) -> None:
            seen.append(number)

        for number in range(8):
            env.spawn(note(number))
        env.run()
        return seen

    assert order(None) == list(range(8))
    assert order(3) == order(3)
    assert len({tuple(order(seed)) for seed in range(5)}) > 1
    assert all(sorted(order(seed)) == list(range(8)) for seed in range(5))

    env = TwinEnvironment(order_seed=1)
    plain: list[int] = []
    for number in range(8):
        env.aio.call_soon(plain.append, number)
    env.run()
    assert plain == list(range(8))


# -- timers that nobody needs any more ------------------------------------------------------------------------


def test_cancelled_timers_never_move_the_clock(env: TwinEnvironment) -> None:
    env.aio.call_later(3600, print).cancel()

    async def quick() -> None:
        async with asyncio.timeout(3600):
            await asyncio.sleep(1)

    env.spawn(quick())
    assert env.run() is None
    assert env.now == 1_000_000
    assert env.peek() == float("inf")


def test_step_passes_over_cancelled_timers(env: TwinEnvironment) -> None:
    env.aio.call_later(1, print).cancel()
    env.sleep(2)
    env.step()
    assert env.now == 2_000_000


def test_a_year_of_met_deadlines_does_not_fill_the_heap(env: TwinEnvironment) -> None:
    longest = 0

    async def caller() -> None:
        nonlocal longest
        for _ in range(5_000):
            async with asyncio.timeout(100_000):
                await asyncio.sleep(1)
            longest = max(longest, len(env._queue))

    env.aio.run_until_complete(caller())
    assert longest < 1_000


def test_a_swept_heap_keeps_its_order(env: TwinEnvironment) -> None:
    seen: list[int] = []
    for number in range(2_000):
        timer = env.aio.call_later((number * 7919) % 1000 + 1, seen.append, (number * 7919) % 1000 + 1)
        if number % 4:
            timer.cancel()
    env.run()
    assert len(seen) == 500
    assert seen == sorted(seen)


def test_a_timer_that_was_cancelled_twice_or_after_it_fired_counts_once(env: TwinEnvironment) -> None:
    timer = env.aio.call_later(1, lambda: None)
    env.run()
    timer.cancel()
    timer.cancel()
    assert timer.cancelled()
    env.aio.call_later(1, lambda: None)
    env.run()
    assert env.now == 2_000_000


def test_timeouts_strike_on_the_tick(env: TwinEnvironment) -> None:
    async def slow() -> int:
        try:
            async with asyncio.timeout(2.5):
                await asyncio.sleep(100)
        except TimeoutError:
            return env.now
        return -1

    assert env.aio.run_until_complete(slow()) == 2_500_000

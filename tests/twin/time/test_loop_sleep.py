"""The loop's own sleep is asyncio's, but for its cost: the same story, the same clean-up, the same errors."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.twin.time import Livelock, TwinEnvironment

SleepFor = Callable[[float], Awaitable[None]]


seconds = st.sampled_from([-1.0, 0.0, 1e-7, 0.000_001, 0.5, 1.0, 1.0, 2.0, 2.000_000_4])
steps = st.one_of(
    seconds.map(lambda s: ("sleep", s)),
    st.integers(0, 4).map(lambda n: ("cancel", n)),
    st.tuples(seconds, seconds).map(lambda pair: ("at most", *pair)),
)
stories = st.lists(st.lists(steps, max_size=5), min_size=1, max_size=5)


def told(story: list[list[tuple]], order_seed: int | None, own: bool) -> list[object]:
    """What happened, tick by tick, when each task of a story took its steps."""
    log: list[object] = []
    with TwinEnvironment(order_seed=order_seed) as env:
        sleep: SleepFor = env.aio.sleep if own else asyncio.sleep
        tasks: list[asyncio.Task[None]] = []

        async def act(number: int) -> None:
            for step in story[number]:
                try:
                    match step:
                        case ("sleep", length):
                            await sleep(length)
                        case ("cancel", other) if other < len(tasks):
                            log.append(tasks[other].cancel("enough"))
                        case ("at most", limit, length):
                            async with asyncio.timeout(limit):
                                await sleep(length)
                except asyncio.CancelledError as cancelled:
                    log.append((env.now, number, "cancelled", cancelled.args))
                except TimeoutError:
                    log.append((env.now, number, "timed out"))
                log.append((env.now, number, step))

        tasks += [env.spawn(act(number), f"actor {number}") for number in range(len(story))]
        env.run()
        log += [env.now, [task.done() for task in tasks]]
    return log


@given(stories, st.none() | st.integers(0, 9))
def test_a_story_told_with_either_sleep_is_the_same_story(story: list[list[tuple]], order_seed: int | None) -> None:
    assert told(story, order_seed, own=True) == told(story, order_seed, own=False)


@pytest.mark.parametrize("endless", [math.inf, math.nan])
def test_an_endless_sleep_is_refused(env: TwinEnvironment, endless: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        env.aio.run_until_complete(env.aio.create_task(_await(env.aio.sleep(endless))))


async def _await(awaitable: Awaitable[None]) -> None:
    await awaitable


def test_sleepers_that_were_cancelled_leave_the_heap(env: TwinEnvironment) -> None:
    async def brief() -> None:
        for _ in range(2_000):
            task = asyncio.ensure_future(_await(env.aio.sleep(1e9)))
            await env.aio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert len(env._queue) < 600

    env.aio.run_until_complete(brief())
    env.run()
    assert env.now == 0


def test_a_sleeper_stands_aside_when_the_world_ends() -> None:
    ended = []

    async def sleeper(env: TwinEnvironment) -> None:
        try:
            await env.aio.sleep(5)
        finally:
            ended.append(env.now)

    with TwinEnvironment() as env:
        env.spawn(sleeper(env))
        env.run(until=1_000_000)
    assert ended == [1_000_000]


def test_a_single_step_wakes_a_single_sleeper(env: TwinEnvironment) -> None:
    woken = []

    async def sleeper(length: float) -> None:
        await env.aio.sleep(length)
        woken.append(length)

    for length in (2, 1):
        env.spawn(sleeper(length))
    env.step()
    assert woken == [1]
    assert env.peek() == 2_000_000


def test_sleepers_that_hold_up_the_clock_are_named() -> None:
    env = TwinEnvironment(livelock_limit=1_000)

    async def restless() -> None:
        while True:
            await env.aio.sleep(1e-9)

    env.spawn(restless(), "restless")
    with env, pytest.raises(Livelock, match="restless"):
        env.run(until=1)


def test_a_paced_loop_sleeps_on_the_same_clock() -> None:
    with TwinEnvironment.paced(speed=10_000) as env:

        async def sleeper() -> int:
            await env.aio.sleep(60)
            return env.now

        assert env.aio.run_until_complete(sleeper()) >= 60_000_000

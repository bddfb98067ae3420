"""Background work that becomes a task only when it has to wait."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest

from o2c_twin.twin.time import TwinEnvironment
from o2c_twin.twin.time.errors import Livelock

_PLACE: ContextVar[str] = ContextVar("place", default="outside")


def test_work_that_never_waits_is_done_without_a_task(env: TwinEnvironment) -> None:
    seen: list[object] = []

    async def work() -> None:
        seen.append(asyncio.tasks.current_task())

    env.start(work(), "push")
    assert seen == []  # not before the loop's turn, as with a task
    env.run(until=1)
    assert seen == [None]


def test_work_that_waits_goes_on_as_a_task_of_its_name(env: TwinEnvironment) -> None:
    seen: list[tuple[str, int]] = []

    async def work() -> None:
        seen.append(("begun", env.now))
        await env.aio.sleep(2)
        task = asyncio.current_task()
        seen.append(("none" if task is None else task.get_name(), env.now))
        await asyncio.sleep(3)
        seen.append(("done", env.now))

    env.start(work(), "push")
    env.run()
    assert seen == [("begun", 0), ("push", 2_000_000), ("done", 5_000_000)]


@pytest.mark.parametrize("started", [True, False])
def test_it_begins_where_a_task_would(env: TwinEnvironment, started: bool) -> None:
    seen: list[str] = []

    async def note(name: str, waits: bool) -> None:
        seen.append(f"{name} begins")
        if waits:
            await env.aio.sleep(1)
            seen.append(f"{name} ends")

    env.spawn(note("first", True))
    if started:
        env.start(note("second", True), "second")
    else:
        env.spawn(note("second", True))
    env.spawn(note("third", False))
    env.run()
    assert seen == ["first begins", "second begins", "third begins", "first ends", "second ends"]


@pytest.mark.parametrize("later", [False, True])
def test_a_failure_stops_the_run_and_is_named(env: TwinEnvironment, later: bool) -> None:
    async def work() -> None:
        if later:
            await env.aio.sleep(1)
        raise ValueError("no such address")

    env.start(work(), "push")
    with pytest.raises(ValueError, match="no such address") as caught:
        env.run()
    assert any("push" in note for note in caught.value.__notes__)


def test_what_it_awaits_may_fail_and_be_caught(env: TwinEnvironment) -> None:
    seen: list[str] = []

    async def work() -> None:
        answer: asyncio.Future[None] = env.aio.create_future()
        env.aio.call_later(1, answer.set_exception, OSError("away"))
        try:
            await answer
        except OSError as error:
            seen.append(str(error))
        await env.aio.sleep(1)
        seen.append("went on")

    env.start(work(), "push")
    env.run()
    assert seen == ["away", "went on"]


def test_its_context_is_its_own(env: TwinEnvironment) -> None:
    seen: list[str] = []

    async def work() -> None:
        _PLACE.set("inside")
        await env.aio.sleep(1)
        seen.append(_PLACE.get())

    env.start(work(), "push")
    env.run()
    assert (seen, _PLACE.get()) == (["inside"], "outside")


def test_it_is_named_when_the_clock_stands_still() -> None:
    with TwinEnvironment(livelock_limit=100) as env:

        async def again() -> None:
            env.start(again(), "echo")

        env.start(again(), "echo")
        with pytest.raises(Livelock) as caught:
            env.run()
        assert "echo" in str(caught.value)


def test_shuffled_with_the_tasks_that_are_ready() -> None:
    def order(seed: int) -> list[int]:
        seen: list[int] = []

        async def note(number: int) -> None:
            seen.append(number)

        with TwinEnvironment(order_seed=seed) as env:
            for number in range(6):
                env.start(note(number), str(number))
            env.run()
        return seen

    orders = [order(seed) for seed in range(5)]
    assert all(sorted(each) == list(range(6)) for each in orders)
    assert len({tuple(each) for each in orders}) > 1


def test_work_left_at_the_end_is_cancelled_and_cleans_up() -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            seen.append("cleaned up")

    with TwinEnvironment() as env:
        env.start(work(), "push")
        env.run(until=1)
    assert seen == ["cleaned up"]

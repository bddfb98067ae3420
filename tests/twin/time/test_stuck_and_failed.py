"""A run that cannot go on says who waits; a failure stops it with its own exception."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from o2c_twin.twin.time import Deadlock, Livelock, TwinEnvironment

DAY = 86_400_000_000


# -- stuck ----------------------------------------------------------------------------------------------------


def test_a_deadlock_names_the_waiting_tasks_in_the_order_of_their_creation(env: TwinEnvironment) -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for name in ("warehouse", "billing", "bank"):
                group.create_task(asyncio.Event().wait(), name=name)
            group.create_task(asyncio.sleep(1), name="done by then")

    with pytest.raises(Deadlock) as caught:
        env.aio.run_until_complete(main())
    assert caught.value.names == ("t0", "warehouse", "billing", "bank")
    assert "test_stuck_and_failed.py" in caught.value.places[0]
    assert "3 task(s)" not in str(caught.value)
    assert "4 task(s) still wait" in str(caught.value)
    assert env.now == 1_000_000


def test_an_event_that_can_never_come_is_a_deadlock_too(env: TwinEnvironment) -> None:
    env.spawn(env.wait(env.event()), name="collector")
    with pytest.raises(Deadlock) as caught:
        env.run(until=env.event())
    assert caught.value.names == ("collector",)


def test_servers_that_wait_for_ever_do_not_spoil_a_run_to_the_end(env: TwinEnvironment) -> None:
    env.spawn(env.wait(env.event()), name="server")
    env.sleep(1)
    env.run()
    assert env.now == 1_000_000


def test_a_waiting_task_that_only_the_collector_knows_is_still_named(env: TwinEnvironment) -> None:
    async def forgotten() -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        asyncio.create_task(forgotten(), name="forgotten")  # noqa: RUF006
        await asyncio.sleep(1)
        gc.collect()
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock) as caught:
        env.aio.run_until_complete(main())
    assert caught.value.names == ("t0", "forgotten")


def test_finished_tasks_are_not_kept_for_the_whole_run(env: TwinEnvironment) -> None:
    async def main() -> None:
        for _ in range(3_000):
            await asyncio.create_task(asyncio.sleep(0))

    env.aio.run_until_complete(main())
    assert len(env.aio._tasks) < 600


@pytest.mark.parametrize("delay", [0, 0.000_000_1])
def test_tasks_that_never_let_the_clock_move_are_a_livelock(delay: float) -> None:
    env = TwinEnvironment(livelock_limit=1_000)

    async def ping() -> None:
        while True:
            await asyncio.sleep(delay)

    async def main() -> None:
        await asyncio.sleep(2)
        env.spawn(ping(), name="ping")
        env.spawn(ping(), name="pong")

    env.spawn(main())
    with pytest.raises(Livelock) as caught:
        env.run(until=DAY)
    assert caught.value.names == ("ping", "pong")
    assert caught.value.tick == 2_000_000


def test_processes_that_never_let_the_clock_move_are_a_livelock() -> None:
    env = TwinEnvironment(livelock_limit=1_000)

    def polling() -> Any:
        while True:
            yield env.sleep(0)

    env.process(polling())
    with pytest.raises(Livelock, match="polling"):
        env.run()


def test_a_busy_tick_below_the_limit_is_no_livelock() -> None:
    env = TwinEnvironment(livelock_limit=1_000)

    async def busy() -> None:
        for _ in range(5):
            for _ in range(900):
                await asyncio.sleep(0)
            await asyncio.sleep(1)

    env.aio.run_until_complete(busy())
    assert env.now == 5_000_000


# -- failures -------------------------------------------------------------------------------------------------


class Unrebuildable(Exception):
    """Like many clients' errors: SimPy's `type(e)(*e.args)` cannot make it again."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


def test_the_failure_of_a_process_stops_the_run_with_its_own_exception(env: TwinEnvironment) -> None:
    failure = Unrebuildable("refused", status=402)

    def process() -> Any:
        yield env.sleep(1)
        raise failure

    env.process(process())
    with pytest.raises(Unrebuildable) as caught:
        env.run()
    assert caught.value is failure


def test_run_until_an_event_that_fails_raises_its_own_exception(env: TwinEnvironment) -> None:
    failure = Unrebuildable("refused", status=402)

    def process() -> Any:
        yield env.sleep(1)
        raise failure

    with pytest.raises(Unrebuildable) as caught:
        env.run(until=env.process(process()))
    assert caught.value is failure


def test_the_failure_of_a_background_task_stops_the_run_and_names_the_task(env: TwinEnvironment) -> None:
    async def posting() -> None:
        await asyncio.sleep(1)
        raise Unrebuildable("refused", status=402)

    env.spawn(posting(), name="posting")
    with pytest.raises(Unrebuildable) as caught:
        env.run(until=DAY)
    assert env.now == 1_000_000
    assert any("posting" in note for note in caught.value.__notes__)


def test_a_background_task_whose_failure_is_taken_does_not_stop_the_run(env: TwinEnvironment) -> None:
    async def failing() -> None:
        await asyncio.sleep(1)
        raise LookupError

    async def patient() -> str:
        task = env.spawn(failing())
        try:
            await task
        except LookupError:
            await asyncio.sleep(1)
            return "handled"
        return "missed"

    assert env.aio.run_until_complete(patient()) == "handled"
    assert env.now == 2_000_000


def test_a_cancelled_background_task_is_no_failure(env: TwinEnvironment) -> None:
    task = env.spawn(asyncio.sleep(10))
    env.aio.call_later(1, task.cancel)
    env.run()
    assert task.cancelled()


def test_the_failure_of_a_bare_callback_stops_the_run(env: TwinEnvironment) -> None:
    env.aio.call_later(1, [].pop)
    with pytest.raises(IndexError):
        env.run()
    env.aio.call_soon([].pop)
    with pytest.raises(IndexError):
        env.run()


def test_an_exception_handler_takes_the_failures_of_callbacks(env: TwinEnvironment) -> None:
    taken: list[Any] = []
    env.aio.set_exception_handler(lambda _, context: taken.append(context["exception"]))
    env.aio.call_soon([].pop)
    env.run()
    assert [type(error) for error in taken] == [IndexError]

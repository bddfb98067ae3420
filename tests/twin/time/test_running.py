"""How a run is begun, stopped, gone on with and closed, and what its tasks carry."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest
import simpy

from o2c_twin.twin.time import SimTask, TwinEnvironment

# -- SimPy's ways of running ----------------------------------------------------------------------------------


def test_run_until_a_tick_stops_before_anything_else_at_that_tick(env: TwinEnvironment) -> None:
    seen: list[int] = []
    env.aio.call_later(5, seen.append, 5)
    env.run(until=5_000_000)
    assert (env.now, seen) == (5_000_000, [])
    env.run()
    assert seen == [5]


def test_run_until_an_event_returns_its_value(env: TwinEnvironment) -> None:
    done = env.sleep(3, value="paid")
    assert env.run(until=done) == "paid"
    assert env.run(until=done) == "paid"
    assert env.now == 3_000_000


def test_run_until_refuses_the_past_and_fractions(env: TwinEnvironment) -> None:
    env.run(until=10)
    with pytest.raises(ValueError, match="must be greater"):
        env.run(until=10)
    with pytest.raises(TypeError, match="whole number"):
        env.run(until=11.5)


def test_a_failed_run_leaves_no_mark_that_would_end_a_later_one(env: TwinEnvironment) -> None:
    def process() -> Any:
        yield env.sleep(1)
        raise LookupError

    env.process(process())
    with pytest.raises(LookupError):
        env.run(until=2_000_000)
    env.run(until=5_000_000)
    assert env.now == 5_000_000


def test_step_runs_one_entry_and_what_it_makes_ready(env: TwinEnvironment) -> None:
    seen: list[str] = []

    async def task() -> None:
        await asyncio.sleep(1)
        seen.append("a")
        await asyncio.sleep(0)
        seen.append("b")

    env.spawn(task())
    env.step()
    assert (env.now, seen) == (1_000_000, ["a", "b"])
    with pytest.raises(simpy.core.EmptySchedule):
        env.step()


def test_a_stopped_run_can_be_resumed(env: TwinEnvironment) -> None:
    env.aio.call_later(1, env.aio.stop)
    env.aio.call_later(2, lambda: None)
    env.run(until=10_000_000)
    assert env.now == 1_000_000
    env.run()
    assert env.now == 10_000_000


def test_an_environment_is_not_run_from_inside_its_own_run(env: TwinEnvironment) -> None:
    def process() -> Any:
        yield env.sleep(1)
        env.run()

    env.process(process())
    with pytest.raises(RuntimeError, match="already running"):
        env.run()


def test_one_simulation_is_not_run_inside_another(env: TwinEnvironment) -> None:
    async def nested() -> None:
        TwinEnvironment().run(until=1)

    with pytest.raises(RuntimeError, match="already running in this thread"):
        env.aio.run_until_complete(nested())


def test_a_simulation_runs_in_a_notebook_cell_where_another_loop_is_running() -> None:
    async def cell() -> int:
        env = TwinEnvironment()
        env.spawn(asyncio.sleep(60))
        env.run()
        await asyncio.sleep(0)
        return env.now

    assert asyncio.run(cell()) == 60_000_000


def test_asyncio_runner_can_own_the_loop() -> None:
    env = TwinEnvironment()
    with asyncio.Runner(loop_factory=lambda: env.aio) as runner:
        runner.run(asyncio.sleep(5))
    assert env.now == 5_000_000
    assert env.aio.is_closed()


# -- tasks, contexts, the end ---------------------------------------------------------------------------------


def test_tasks_are_named_and_hashed_by_the_order_of_their_creation(env: TwinEnvironment) -> None:
    async def main() -> list[tuple[str, int]]:
        tasks = [asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(asyncio.sleep(0), name="given")]
        tasks += [env.aio.create_task(asyncio.sleep(0), name=None)]
        assert all(isinstance(task, SimTask) for task in tasks)
        await asyncio.gather(*tasks)
        return [(task.get_name(), hash(task)) for task in tasks]

    assert env.aio.run_until_complete(main()) == [("t1", 1), ("given", 2), ("t3", 3)]


def test_a_context_travels_with_its_task(env: TwinEnvironment) -> None:
    order: ContextVar[str] = ContextVar("order", default="none")
    seen: list[str] = []

    async def handle(number: str) -> None:
        order.set(number)
        await asyncio.sleep(1)
        await env.wait(env.sleep(1))
        seen.append(order.get())

    env.spawn(handle("SO-1"))
    env.spawn(handle("SO-2"))
    env.run()
    assert seen == ["SO-1", "SO-2"]
    assert order.get() == "none"


def test_closing_cancels_in_the_order_of_creation_without_moving_the_clock() -> None:
    ended: list[str] = []

    async def open_ended(name: str) -> None:
        try:
            await asyncio.sleep(1_000)
        finally:
            ended.append(name)

    with TwinEnvironment() as env:
        for name in ("c", "a", "b"):
            env.spawn(open_ended(name))
        env.run(until=10)
    assert ended == ["c", "a", "b"]
    assert env.now == 10
    env.close()


def test_closing_ends_asynchronous_generators_in_the_order_of_their_first_use() -> None:
    ended: list[str] = []

    async def rows(name: str) -> Any:
        try:
            yield name
        finally:
            ended.append(name)

    with TwinEnvironment() as env:
        generators = {name: rows(name) for name in ("a", "b", "c")}

        async def read() -> None:
            for name in ("b", "c", "a"):
                await anext(generators[name])

        env.aio.run_until_complete(read())
    assert ended == ["b", "c", "a"]


def test_a_task_that_will_not_end_is_given_up_at_the_close() -> None:
    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                continue

    with TwinEnvironment() as env:
        task = env.spawn(stubborn())
        env.run(until=10)
    assert not task.done()
    with pytest.raises(RuntimeError, match="closed"):
        env.run()

"""One clock of whole microseconds, one heap and one order for SimPy and asyncio."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.twin.time import Deadlock, Escape, Livelock, SimTask, TwinClock, TwinEnvironment, epoch

DAY = 86_400_000_000
ticks = st.integers(min_value=1, max_value=2**48)


@pytest.fixture
def env() -> Iterator[TwinEnvironment]:
    with TwinEnvironment() as environment:
        yield environment


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


def test_run_until_an_event_that_fails_raises_its_own_exception(env: TwinEnvironment) -> None:
    failure = Unrebuildable("refused", status=402)

    def process() -> Any:
        yield env.sleep(1)
        raise failure

    with pytest.raises(Unrebuildable) as caught:
        env.run(until=env.process(process()))
    assert caught.value is failure


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
    assert "test_virtual_time.py" in caught.value.places[0]
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


# -- the sealed loop ------------------------------------------------------------------------------------------


async def to_thread() -> None:
    await asyncio.to_thread(print)


async def connect() -> None:
    await asyncio.open_connection("localhost", 80)


async def serve() -> None:
    await asyncio.start_server(lambda *_: None, "localhost", 0)


async def resolve() -> None:
    await asyncio.get_running_loop().getaddrinfo("localhost", 80)


async def run_program() -> None:
    await asyncio.create_subprocess_exec("true")


async def handle_signal() -> None:
    asyncio.get_running_loop().add_signal_handler(2, print)


async def read_file() -> None:
    asyncio.get_running_loop().add_reader(0, print)


@pytest.mark.parametrize("escape", [to_thread, connect, serve, resolve, run_program, handle_signal, read_file])
def test_the_loop_refuses_the_real_world_and_names_the_caller(env: TwinEnvironment, escape: Any) -> None:
    with pytest.raises(Escape) as caught:
        env.aio.run_until_complete(escape())
    assert f"test_virtual_time.py:{escape.__code__.co_firstlineno + 1} in {escape.__name__}" in str(caught.value)


def test_another_thread_cannot_reach_into_the_loop(env: TwinEnvironment) -> None:
    caught: list[BaseException] = []

    def intrude() -> None:
        try:
            env.aio.call_soon_threadsafe(print)
        except Escape as error:
            caught.append(error)

    thread = threading.Thread(target=intrude)
    thread.start()
    thread.join()
    assert "another thread" in str(caught[0])
    assert "test_virtual_time.py" in str(caught[0])
    seen: list[int] = []
    env.aio.call_soon_threadsafe(seen.append, 1)
    env.run()
    assert seen == [1]


def test_an_escape_is_not_swallowed_by_code_that_catches_exceptions(env: TwinEnvironment) -> None:
    async def retrying() -> None:
        for _ in range(3):
            try:
                await asyncio.to_thread(print)
            except Exception:
                await asyncio.sleep(1)

    env.spawn(retrying())
    with pytest.raises(Escape):
        env.run()
    assert env.now == 0

"""Coroutines await SimPy's events; processes wait for coroutines; neither loses what the other holds."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import simpy

from o2c_twin.twin.time import CoroFailed, Escape, TwinEnvironment

# -- a coroutine awaits an event ------------------------------------------------------------------------------


def test_a_coroutine_gets_the_value_of_an_event(env: TwinEnvironment) -> None:
    async def clerk() -> tuple[str, int]:
        return await env.wait(env.sleep(3, value="invoice")), env.now

    assert env.aio.run_until_complete(clerk()) == ("invoice", 3_000_000)


def test_an_event_that_is_over_answers_at_once(env: TwinEnvironment) -> None:
    over = env.event().succeed("paid")
    env.run()

    async def clerk() -> Any:
        return await env.wait(over)

    assert env.aio.run_until_complete(clerk()) == "paid"


def test_every_waiter_hears_of_an_event_processes_before_coroutines(env: TwinEnvironment) -> None:
    shipped = env.event()
    heard: list[str] = []

    async def waiter(name: str) -> None:
        heard.append(f"{name} {await env.wait(shipped)}")

    def process() -> Any:
        heard.append(f"process {(yield shipped)}")

    for name in ("billing", "customer"):
        env.spawn(waiter(name))
    env.process(process())
    env.aio.call_later(1, shipped.succeed, "parcel")
    env.run()
    # The event resumes the process itself; the coroutines become ready, and run before the heap's next entry.
    assert heard == ["process parcel", "billing parcel", "customer parcel"]


@pytest.mark.parametrize("already_over", [False, True])
def test_the_failure_of_an_awaited_event_is_the_waiters_to_handle(env: TwinEnvironment, already_over: bool) -> None:
    failure = LookupError("no such order")
    event = env.event()

    async def waiter() -> BaseException:
        if already_over:
            await asyncio.sleep(1)
        with pytest.raises(LookupError) as caught:
            await env.wait(event)
        return caught.value

    task = env.spawn(waiter())
    event.fail(failure)
    if already_over:
        event.defused = True
    env.run()
    assert task.result() is failure


def test_a_process_is_an_event_to_await(env: TwinEnvironment) -> None:
    def picking() -> Any:
        yield env.sleep(60)
        return 12

    async def dispatcher() -> int:
        return int(await env.wait(env.process(picking())))

    assert env.aio.run_until_complete(dispatcher()) == 12


def test_conditions_work_from_coroutines(env: TwinEnvironment) -> None:
    async def clerk() -> tuple[list[str], int, int]:
        letter, deadline = env.sleep(2, value="letter"), env.sleep(5, value="deadline")
        first = await env.wait(letter | deadline)
        at_first = env.now
        await env.wait(letter & deadline)
        return list(first.values()), at_first, env.now

    assert env.aio.run_until_complete(clerk()) == (["letter"], 2_000_000, 5_000_000)


def test_an_event_of_another_environment_is_refused(env: TwinEnvironment) -> None:
    with pytest.raises(ValueError, match="another environment"):
        env.aio.run_until_complete(env.wait(TwinEnvironment().event()))


# -- resources ------------------------------------------------------------------------------------------------


def test_coroutines_and_processes_queue_for_the_same_resource(env: TwinEnvironment) -> None:
    dock = simpy.Resource(env, capacity=1)
    served: list[tuple[int, str]] = []

    async def lorry(name: str) -> None:
        with dock.request() as turn:
            await env.wait(turn)
            await asyncio.sleep(10)
            served.append((env.now // 1_000_000, name))

    def van() -> Any:
        with dock.request() as turn:
            yield turn
            yield env.sleep(5)
            served.append((env.now // 1_000_000, "van"))

    env.spawn(lorry("lorry 1"))
    env.process(van())
    env.aio.call_later(1, lambda: env.spawn(lorry("lorry 2")))
    env.run()
    assert served == [(10, "lorry 1"), (15, "van"), (25, "lorry 2")]
    assert dock.count == 0


def test_priorities_hold_between_coroutines_and_processes(env: TwinEnvironment) -> None:
    desk = simpy.PriorityResource(env, capacity=1)
    served: list[str] = []

    async def ask(name: str, priority: int) -> None:
        with desk.request(priority=priority) as turn:
            await env.wait(turn)
            await asyncio.sleep(1)
            served.append(name)

    for name, priority in (("first come", 5), ("patient", 5), ("urgent", 1)):
        env.spawn(ask(name, priority))
    env.run()
    assert served == ["first come", "urgent", "patient"]


def test_a_preemptive_resource_cannot_be_taken_from_a_coroutine_so_it_is_refused(env: TwinEnvironment) -> None:
    press = simpy.PreemptiveResource(env)
    with pytest.raises(TypeError, match="PriorityResource"):
        env.aio.run_until_complete(env.wait(press.request()))


def test_a_cancelled_waiter_leaves_the_queue_of_its_resource(env: TwinEnvironment) -> None:
    dock = simpy.Resource(env, capacity=1)
    dock.request()
    waiter = env.spawn(env.wait(dock.request()))
    env.aio.call_later(1, waiter.cancel)
    env.run()
    assert waiter.cancelled()
    assert (len(dock.queue), dock.count) == (0, 1)


def test_a_waiter_that_times_out_leaves_the_queue_of_its_resource(env: TwinEnvironment) -> None:
    dock = simpy.Resource(env, capacity=1)
    dock.request()

    async def impatient() -> str:
        try:
            async with asyncio.timeout(5):
                await env.wait(dock.request())
        except TimeoutError:
            return f"gave up at {env.now}"
        return "served"

    assert env.aio.run_until_complete(impatient()) == "gave up at 5000000"
    assert len(dock.queue) == 0


def test_a_grant_to_a_waiter_that_is_cancelled_at_the_same_moment_is_released(env: TwinEnvironment) -> None:
    dock = simpy.Resource(env, capacity=1)
    held = dock.request()
    waiter = env.spawn(env.wait(dock.request()))
    behind = env.spawn(env.wait(dock.request()))

    def release_and_cancel() -> None:
        dock.release(held)  # grants the waiter's request, whose event is on the heap now
        waiter.cancel()

    env.aio.call_later(1, release_and_cancel)
    env.run()
    assert waiter.cancelled()
    assert behind.done()
    assert dock.count == 1


def test_a_grant_that_was_delivered_but_not_yet_taken_is_released(env: TwinEnvironment) -> None:
    dock = simpy.Resource(env, capacity=1)
    request = dock.request()
    waiter = env.spawn(env.wait(request))

    async def watch() -> None:
        await asyncio.sleep(0)
        assert request.callbacks is not None
        request.callbacks.append(lambda _: waiter.cancel())  # runs right after the delivery to the waiter

    env.spawn(watch())
    env.run()
    assert waiter.cancelled()
    assert dock.count == 0


def test_a_request_that_another_task_awaits_too_is_left_alone(env: TwinEnvironment) -> None:
    dock = simpy.Resource(env, capacity=1)
    held = dock.request()
    shared = dock.request()
    leaver, stayer = env.spawn(env.wait(shared)), env.spawn(env.wait(shared))
    env.aio.call_later(1, leaver.cancel)
    env.aio.call_later(2, dock.release, held)
    env.run()
    assert stayer.done()
    assert not stayer.cancelled()
    assert dock.users == [shared]


@pytest.mark.parametrize("store_class", [simpy.Store, simpy.FilterStore, simpy.PriorityStore])
def test_an_item_got_by_a_cancelled_waiter_goes_back_to_the_next(env: TwinEnvironment, store_class: Any) -> None:
    store = store_class(env)
    lost = env.spawn(env.wait(store.get()))
    next_in_line = env.spawn(env.wait(store.get()))

    def put_and_cancel() -> None:
        store.put(1)
        lost.cancel()

    env.aio.call_later(1, put_and_cancel)
    env.run()
    assert lost.cancelled()
    assert next_in_line.result() == 1
    assert store.items == []


def test_an_amount_got_by_a_cancelled_waiter_goes_back_to_its_container(env: TwinEnvironment) -> None:
    stock = simpy.Container(env, capacity=10)
    waiter = env.spawn(env.wait(stock.get(4)))

    def put_and_cancel() -> None:
        stock.put(5)
        waiter.cancel()

    env.aio.call_later(1, put_and_cancel)
    env.run()
    assert waiter.cancelled()
    assert stock.level == 5


# -- a process waits for a coroutine --------------------------------------------------------------------------


def test_a_process_gets_the_value_of_a_coroutine(env: TwinEnvironment) -> None:
    async def call() -> str:
        await asyncio.sleep(0.25)
        return "201 Created"

    def customer() -> Any:
        return (yield env.coro(call(), name="place order")), env.now

    assert env.run(until=env.process(customer())) == ("201 Created", 250_000)


def test_the_failure_of_a_coroutine_reaches_the_process_whole(env: TwinEnvironment) -> None:
    request = httpx.Request("GET", "http://erp.test/orders")
    failure = httpx.HTTPStatusError("500", request=request, response=httpx.Response(500, request=request))

    async def call() -> None:
        await asyncio.sleep(1)
        raise failure

    def customer() -> Any:
        try:
            yield env.coro(call(), name="place order")
        except CoroFailed as error:
            return error

    error = env.run(until=env.process(customer()))
    assert error.exception is failure
    assert error.name == "place order"
    assert "place order failed with HTTPStatusError: 500" in str(error)


def test_the_failure_of_a_coroutine_that_no_process_waits_for_stops_the_run(env: TwinEnvironment) -> None:
    async def call() -> None:
        raise LookupError

    env.coro(call())
    with pytest.raises(CoroFailed):
        env.run()


def test_an_escape_in_a_coroutine_is_not_wrapped_for_a_process_to_catch(env: TwinEnvironment) -> None:
    def customer() -> Any:
        try:
            yield env.coro(asyncio.to_thread(print))
        except Exception:
            return "swallowed"

    env.process(customer())
    with pytest.raises(Escape):
        env.run()


def test_an_interrupt_of_the_waiting_process_cancels_the_task(env: TwinEnvironment) -> None:
    ended: list[tuple[str, int]] = []

    async def call() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(("call", env.now))

    def customer() -> Any:
        try:
            yield env.coro(call())
        except simpy.Interrupt as interrupt:
            ended.append((interrupt.cause, env.now))
        yield env.sleep(1)

    process = env.process(customer())
    env.aio.call_later(2, process.interrupt, "order withdrawn")
    env.run()
    assert sorted(ended) == [("call", 2_000_000), ("order withdrawn", 2_000_000)]
    assert env.now == 3_000_000


def test_a_shielded_coroutine_survives_the_interrupt_and_can_be_awaited_again(env: TwinEnvironment) -> None:
    async def call() -> str:
        await asyncio.sleep(60)
        return "posted"

    def customer() -> Any:
        posting = env.coro(call(), shield=True)
        try:
            yield posting
        except simpy.Interrupt:
            return (yield posting)

    process = env.process(customer())
    env.aio.call_later(2, process.interrupt)
    assert env.run(until=process) == "posted"
    assert env.now == 60_000_000


def test_a_coroutine_that_loses_a_race_goes_on(env: TwinEnvironment) -> None:
    async def call() -> str:
        await asyncio.sleep(10)
        return "late"

    def customer() -> Any:
        answer, patience = env.coro(call()), env.sleep(3)
        first = yield answer | patience
        assert patience in first
        assert answer not in first
        return (yield answer)

    assert env.run(until=env.process(customer())) == "late"


def test_a_cancelled_task_fails_the_process_that_waits_for_it(env: TwinEnvironment) -> None:
    def customer() -> Any:
        call = env.coro(asyncio.sleep(60), name="call")
        env.aio.call_later(1, call.task.cancel)
        try:
            yield call
        except CoroFailed as error:
            return type(error.exception)

    assert env.run(until=env.process(customer())) is asyncio.CancelledError

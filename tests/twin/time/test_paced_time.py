"""A paced run keeps step with the wall clock and talks over real sockets.

Where the pace itself matters, a wall clock made of cardboard takes the place of the real one: it moves only
when the loop rests in its selector, or when a test says that work takes time.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.twin.time import Lag, PacedLoop, TwinEnvironment, virtual_time_app
from o2c_twin.twin.time.lag import LagRecorder

SECOND = 1_000_000
HOUR = 3_600 * SECOND


class CardboardWall:
    """A wall clock that moves by itself only while the loop rests."""

    def __init__(self) -> None:
        self.ns = 5_000_000_000
        self.rests: list[float | None] = []

    def monotonic_ns(self) -> int:
        return self.ns

    def monotonic(self) -> float:
        return self.ns / 1e9

    def pass_by(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)

    def furnish(self, env: TwinEnvironment) -> TwinEnvironment:
        assert isinstance(env.aio, PacedLoop)
        real_select = env.aio._selector.select

        def select(timeout: float | None) -> Any:
            self.rests.append(timeout)
            assert timeout is not None, "the loop would sleep for ever"
            self.pass_by(timeout)
            return real_select(0)

        env.aio._selector.select = select
        return env


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> CardboardWall:
    clock = CardboardWall()
    monkeypatch.setattr("o2c_twin.twin.time.paced_loop.time", clock)
    return clock


@pytest.fixture(params=[1, 60, 3600])
def speed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


# -- the pace -------------------------------------------------------------------------------------------------


def test_virtual_time_is_wall_time_multiplied_by_the_speed(wall: CardboardWall, speed: int) -> None:
    with wall.furnish(TwinEnvironment.paced(speed)) as env:
        seen: list[tuple[int, float]] = []
        start = wall.monotonic()

        def process() -> Any:
            for _ in range(3):
                yield env.sleep(3600)
                seen.append((env.now, round(wall.monotonic() - start, 6)))

        env.run(until=env.process(process()))
        assert seen == [(hours * HOUR, hours * 3600 / speed) for hours in (1, 2, 3)]
        assert env.aio.speed == speed
        assert env.lag() == Lag(steps=5, max_seconds=0.0, p99_seconds=0.0)


def test_coroutines_sleep_in_virtual_seconds(wall: CardboardWall) -> None:
    with wall.furnish(TwinEnvironment.paced(60)) as env:
        start = wall.monotonic()

        async def service() -> str:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(90):
                    await asyncio.sleep(1000)
            return f"{env.now} {wall.monotonic() - start:.6f}"

        assert env.aio.run_until_complete(service()) == f"{90 * SECOND} 1.500000"


def test_an_idle_loop_rests_until_the_next_thing_is_due(wall: CardboardWall) -> None:
    with wall.furnish(TwinEnvironment.paced(1)) as env:
        env.run(until=600 * SECOND)
        assert [rest for rest in wall.rests if rest] == [600]
        assert len(wall.rests) <= 2


def test_it_wakes_for_no_timer_that_was_cancelled(wall: CardboardWall) -> None:
    with wall.furnish(TwinEnvironment.paced(1)) as env:
        for seconds in range(1, 50):
            env.aio.call_later(seconds, print).cancel()
            with env.wall_time():
                env.aio.call_later(seconds, print).cancel()
        env.run(until=600 * SECOND)
        assert [rest for rest in wall.rests if rest] == [600]


def test_virtual_time_stands_still_while_the_loop_does_not_run(wall: CardboardWall) -> None:
    with wall.furnish(TwinEnvironment.paced(60)) as env:
        env.run(until=HOUR)
        wall.pass_by(1_000)
        assert env.now == HOUR
        env.run(until=HOUR + SECOND)
        assert env.now == HOUR + SECOND
        assert env.lag().max_seconds == 0


def test_work_that_takes_real_time_shows_as_lag(wall: CardboardWall) -> None:
    with wall.furnish(TwinEnvironment.paced(60)) as env:
        env.aio.call_later(60, wall.pass_by, 2.5)  # at wall second 1, busy until 3.5
        late: list[int] = []
        env.aio.call_later(90, lambda: late.append(env.now))  # due at wall second 1.5
        env.run(until=600 * SECOND)
        assert late == [90 * SECOND]
        assert env.lag().max_seconds == pytest.approx(2.0, abs=1e-6)


def test_a_late_run_does_every_step_at_its_own_tick_and_catches_up(wall: CardboardWall) -> None:
    with wall.furnish(TwinEnvironment.paced(3600)) as env:
        ticks: list[int] = []

        def process() -> Any:
            for _ in range(1_000):
                yield env.sleep(60)
                ticks.append(env.now)

        env.process(process())
        wall_busy = env.sleep(30)
        wall_busy.callbacks.append(lambda _: wall.pass_by(10))
        env.run(until=60_001 * SECOND)
        assert ticks == [number * 60 * SECOND for number in range(1, 1_001)]


def test_sockets_are_looked_at_between_bounded_batches_of_due_steps(wall: CardboardWall) -> None:
    with wall.furnish(TwinEnvironment.paced(1)) as env:
        for _ in range(5_000):
            env.sleep(1)
        env.run()
        assert len(wall.rests) > 10


def test_a_run_without_an_end_ends_when_nothing_is_left(wall: CardboardWall) -> None:
    with wall.furnish(TwinEnvironment.paced(60)) as env:
        env.spawn(asyncio.sleep(60))
        env.run()
        assert env.now == 60 * SECOND


def test_the_clock_moves_with_the_wall_while_nothing_is_due(wall: CardboardWall) -> None:
    with wall.furnish(TwinEnvironment.paced(60)) as env:
        seen: list[int] = []
        with env.wall_time():
            env.aio.call_later(1.25, lambda: seen.append(env.now))
        env.run(until=HOUR)
        assert seen == [75 * SECOND]


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_a_speed_is_a_positive_number(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        TwinEnvironment.paced(speed)


# -- whose seconds --------------------------------------------------------------------------------------------


def test_timers_in_wall_time_count_real_seconds_and_tasks_inherit_it(wall: CardboardWall) -> None:
    with wall.furnish(TwinEnvironment.paced(3600)) as env:
        start = wall.monotonic()
        ended: dict[str, float] = {}

        async def work(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            ended[name] = round(wall.monotonic() - start, 3)

        async def mixed() -> None:
            async with asyncio.timeout(5):
                await work("real", 2)
                with env.virtual_time():
                    await work("virtual inside real", 3600)

        with env.wall_time():
            env.spawn(mixed())
        env.spawn(work("virtual", 3600))
        env.run(until=4 * HOUR)
        assert ended == {"virtual": 1.0, "real": 2.0, "virtual inside real": 3.0}


def test_loop_time_and_deadlines_agree_in_either_clock(wall: CardboardWall) -> None:
    with wall.furnish(TwinEnvironment.paced(60)) as env:
        met: list[tuple[str, float]] = []
        start = wall.monotonic()

        def meet(name: str) -> None:
            met.append((name, round(wall.monotonic() - start, 6)))

        env.aio.call_at(env.aio.time() + 60, meet, "virtual")
        with env.wall_time():
            assert env.aio.time() == wall.monotonic()
            env.aio.call_at(env.aio.time() + 2, meet, "real")
        env.run(until=180 * SECOND + 1)
        assert met == [("virtual", 1.0), ("real", 2.0)]


def test_many_met_deadlines_of_the_network_do_not_pile_up(wall: CardboardWall) -> None:
    with wall.furnish(TwinEnvironment.paced(60)) as env, env.wall_time():
        for _ in range(5_000):
            env.aio.call_later(300, print).cancel()
        assert len(env.aio._scheduled) < 1_000  # type: ignore[attr-defined]


def test_in_virtual_time_there_is_only_one_clock() -> None:
    with TwinEnvironment() as env:
        with env.wall_time():
            env.spawn(asyncio.sleep(5))
        env.run()
        assert env.now == 5 * SECOND
        assert env.aio.speed == 1
        assert env.lag() == Lag(0, 0.0, 0.0)


# -- the real thing -------------------------------------------------------------------------------------------


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
    finally:
        writer.close()


def test_a_socket_echoes_while_processes_run(speed: int) -> None:
    with TwinEnvironment.paced(speed) as env:
        beats: list[int] = []

        def heart() -> Any:
            while True:
                yield env.sleep(0.01 * speed)
                beats.append(env.now)

        async def talk() -> list[bytes]:
            server = await asyncio.start_server(_echo, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            answers = []
            for word in (b"order\n", b"invoice\n"):
                writer.write(word)
                answers.append(await reader.readline())
                await env.wait(env.sleep(0.05 * speed))
            writer.close()
            await writer.wait_closed()
            server.close()
            await server.wait_closed()
            return answers

        env.process(heart())
        assert env.aio.run_until_complete(talk()) == [b"ORDER\n", b"INVOICE\n"]
        assert env.now >= 0.1 * speed * SECOND
        assert beats == [round(0.01 * speed * SECOND) * beat for beat in range(1, len(beats) + 1)]
        assert len(beats) >= 8
        assert env.lag().steps > 0


def test_another_thread_may_wake_a_paced_loop() -> None:
    with TwinEnvironment.paced(1) as env:

        async def main() -> str:
            answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            thread = threading.Thread(target=env.aio.call_soon_threadsafe, args=(answer.set_result, "woken"))
            thread.start()
            try:
                return await answer
            finally:
                thread.join()

        assert env.aio.run_until_complete(main()) == "woken"
        assert env.aio.run_until_complete(asyncio.to_thread(lambda: 7)) == 7
        env.aio.run_until_complete(env.aio.shutdown_default_executor())


def test_the_failure_of_a_process_ends_a_paced_run_too() -> None:
    with TwinEnvironment.paced(3600) as env:

        def process() -> Any:
            yield env.sleep(1)
            raise LookupError("no stock")

        env.process(process())
        with pytest.raises(LookupError, match="no stock"):
            env.run(until=HOUR)


def test_the_failure_of_a_connection_does_not_end_a_paced_run() -> None:
    with TwinEnvironment.paced(3600) as env:
        reported: list[Any] = []
        env.aio.set_exception_handler(lambda _, context: reported.append(context["exception"]))
        env.aio.call_soon([].pop)
        env.run(until=SECOND)
        assert [type(error) for error in reported] == [IndexError]


def test_a_served_application_is_in_virtual_time_and_its_connections_are_not() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await asyncio.sleep(600)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
        ports.append(scope["client"][1])

    ports: list[int] = []
    with TwinEnvironment.paced(3600) as env, _listening() as listener:
        config = uvicorn.Config(virtual_time_app(app), lifespan="off", log_level="error", timeout_keep_alive=60)
        server = uvicorn.Server(config)

        async def client() -> list[str]:
            bodies = []
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            async with aiohttp.ClientSession() as session:
                for _ in range(2):
                    with env.wall_time():  # a client's timeouts are real seconds too
                        async with session.get(url) as response:
                            bodies.append(await response.text())
                    await asyncio.sleep(300)  # far longer than the keep-alive, if that were virtual
            server.should_exit = True
            return bodies

        with env.wall_time():
            serving = env.spawn(server.serve(sockets=[listener]), name="server")
        assert env.aio.run_until_complete(client()) == ["ok", "ok"]
        env.aio.run_until_complete(serving)
        assert env.now >= 1_800 * SECOND
        assert len(set(ports)) == 1, "the connection was kept alive"


@contextlib.contextmanager
def _listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


# -- the report -----------------------------------------------------------------------------------------------


@given(st.lists(st.integers(-5, 10**10), min_size=1, max_size=300))
def test_the_lag_report_is_right_to_within_a_sixteenth(lags: list[int]) -> None:
    recorder = LagRecorder()
    for lag in lags:
        recorder.record(lag)
    report = recorder.report()
    ranked = sorted(max(0, lag) for lag in lags)
    exact = ranked[-(-len(ranked) * 99 // 100) - 1] / 1e6
    assert report.steps == len(lags)
    assert report.max_seconds == ranked[-1] / 1e6
    assert exact <= report.p99_seconds <= min(report.max_seconds, exact * (1 + 1 / 16))

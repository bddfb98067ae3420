"""The loop refuses threads, sockets and programs, and says where they were asked for."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from o2c_twin.twin.time import Escape, TwinEnvironment


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
    assert f"test_sealed_loop.py:{escape.__code__.co_firstlineno + 1} in {escape.__name__}" in str(caught.value)


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
    assert "test_sealed_loop.py" in str(caught[0])
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

"""Inside a guard, code that reaches for the real world is stopped and told where it did so."""

from __future__ import annotations

import asyncio
import datetime as datetime_module
import io
import json
import logging
import os
import random
import secrets
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import uuid
from datetime import UTC, date, datetime
from pathlib import Path
from random import choice as kept_choice
from time import monotonic as kept_monotonic
from time import perf_counter as kept_perf_counter
from typing import Any
from uuid import uuid4 as kept_uuid4

import httpx
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from o2c_twin.twin.time import Escape, TwinEnvironment, guard, lifted

# ruff: noqa: PLW0108  (the lambda is the caller that the message must name)
ESCAPES = {
    "time": lambda: time.time(),
    "monotonic": lambda: time.monotonic(),
    "perf_counter_ns": lambda: time.perf_counter_ns(),
    "a kept monotonic": lambda: kept_monotonic(),
    "a kept perf_counter": lambda: kept_perf_counter(),
    "sleep": lambda: time.sleep(0),
    "localtime of now": lambda: time.localtime(),
    "strftime of now": lambda: time.strftime("%Y"),
    "datetime.now": lambda: datetime.now(UTC),
    "datetime.now by its module": lambda: datetime_module.datetime.now(),
    "datetime.utcnow": lambda: datetime.utcnow(),
    "date.today": lambda: date.today(),
    "datetime.today": lambda: datetime.today(),
    "random": lambda: random.random(),
    "a kept choice": lambda: kept_choice([1]),
    "shuffle": lambda: random.shuffle([1, 2]),
    "a generator without a seed": lambda: random.Random(),
    "SystemRandom": lambda: random.SystemRandom().random(),
    "secrets": lambda: secrets.token_hex(),
    "urandom": lambda: os.urandom(1),
    "uuid1": lambda: uuid.uuid1(),
    "uuid4": lambda: uuid.uuid4(),
    "a kept uuid4": lambda: kept_uuid4(),
    "thread": lambda: threading.Thread(target=print).start(),
    "socket": lambda: socket.socket(),
    "connection": lambda: socket.create_connection(("localhost", 9)),
    "another loop": lambda: asyncio.new_event_loop(),
    "subprocess": lambda: subprocess.run(["true"], check=False),
    "system": lambda: os.system("true"),
}


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES.keys())
@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_an_escape_is_stopped_and_named_with_its_place(escape: Any) -> None:
    with guard(), pytest.raises(Escape) as caught:
        escape()
    assert f"test_time_guard.py:{escape.__code__.co_firstlineno} in <lambda>; " in str(caught.value)


HARMLESS = {
    "a seeded generator": lambda: random.Random(3).random(),
    "a generator seeded by name": lambda: random.Random(1).seed(a=3),
    "a given moment": lambda: (time.localtime(0), time.strftime("%Y", time.gmtime(0))),
    "a datetime that is handed in": lambda: datetime.fromtimestamp(0, UTC).isoformat(),
    "a log record": lambda: logging.getLogger("o2c.test").warning("hello"),
    "a scratch file": lambda: tempfile.TemporaryDirectory().cleanup(),
    "json and msgspec": lambda: (json.dumps({}), msgspec.json.decode(msgspec.json.encode({"a": datetime(2026, 1, 1)}))),
    "a name-based uuid": lambda: uuid.uuid5(uuid.NAMESPACE_URL, "SO-1"),
    "sqlite": lambda: sqlite3.connect(":memory:").close(),
    "Parquet": lambda: pq.write_table(pa.table({"amount": [1, 2]}), io.BytesIO()),
}


@pytest.mark.parametrize("work", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_a_run_needs_goes_on_under_guard(work: Any) -> None:
    with guard():
        work()


def test_an_http_client_calls_an_application_in_process_under_guard() -> None:
    app = FastAPI()

    @app.post("/orders")
    async def place(order: dict[str, int]) -> dict[str, int]:
        await asyncio.sleep(0.2)
        return order

    @app.get("/in-a-thread")
    def in_a_thread() -> None: ...

    async def client() -> Any:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://erp.test") as erp:
            answer = await erp.post("/orders", json={"lines": 2})
            with pytest.raises(Escape):  # a plain `def` endpoint would run in a thread
                await erp.get("/in-a-thread")
            return answer.json()

    with guard(), TwinEnvironment() as env:
        assert env.aio.run_until_complete(client()) == {"lines": 2}
        assert env.now == 200_000


def test_a_simulation_runs_under_guard() -> None:
    with guard(), TwinEnvironment() as env:

        def process() -> Any:
            yield env.coro(asyncio.sleep(1))
            yield env.sleep(1)

        async def service() -> None:
            async with asyncio.timeout(10), asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(3))

        env.process(process())
        env.spawn(service())
        env.run()
        assert env.now == 3_000_000


def test_an_escape_inside_a_simulation_stops_the_run() -> None:
    with guard(), TwinEnvironment() as env:

        async def service() -> None:
            await asyncio.sleep(1)
            try:
                time.time()
            except Exception:
                return

        env.spawn(service())
        with pytest.raises(Escape, match=r"test_time_guard\.py:\d+ in service"):
            env.run()


def _real_things() -> list[Any]:
    return [
        *(getattr(time, name) for name in ("time", "sleep", "localtime", "perf_counter_ns")),
        *(random.random, random._urandom, random.Random.seed, os.urandom, uuid.uuid4),  # type: ignore[attr-defined]
        *(threading.Thread.start, socket.socket.__init__, subprocess.Popen.__init__, asyncio.new_event_loop),
        *(datetime.__dict__["now"], datetime.__dict__["utcnow"], kept_monotonic, kept_choice, kept_uuid4),
    ]


def test_everything_is_put_back() -> None:
    before = _real_things()
    with pytest.raises(LookupError), guard():
        during = _real_things()
        raise LookupError
    assert all(now is then for now, then in zip(_real_things(), before, strict=True))
    assert all(now is not then for now, then in zip(during, before, strict=True))
    assert datetime.now(UTC).year >= 2024


def test_guards_nest_and_the_outer_one_still_holds() -> None:
    with guard():
        with guard(), pytest.raises(Escape):
            time.time()
        with pytest.raises(Escape):
            time.time()
    assert time.time() > 0


def test_an_inner_guard_may_allow_more_for_its_block_only() -> None:
    own_package = __name__.partition(".")[0]
    with guard():
        with guard(allow=[own_package]):
            assert time.time() > 0
            assert uuid.uuid4()
        with pytest.raises(Escape):
            time.time()


def test_a_guard_leaves_other_threads_alone() -> None:
    results: list[Any] = []
    go, done = threading.Event(), threading.Event()

    def other() -> None:
        go.wait()
        results.extend([time.time() > 0, datetime.now(UTC).year > 2000, uuid.uuid4().version])
        done.set()

    threading.Thread(target=other).start()
    with guard():
        go.set()
        done.wait(10)
    assert results == [True, True, 4]


def test_a_reference_taken_under_guard_is_the_real_thing_afterwards() -> None:
    with guard():
        taken = time.time
        with pytest.raises(Escape):
            taken()
    assert taken() > 0


def test_a_module_may_do_what_it_likes_while_it_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "import random, time\nloaded = time.time()\nrng = random.Random()\ndef later():\n    return time.time()\n"
    (tmp_path / "o2c_guard_probe.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with guard():
        import o2c_guard_probe  # type: ignore[import-not-found]

        assert o2c_guard_probe.loaded > 0
        with pytest.raises(Escape, match=r"o2c_guard_probe\.py:5 in later"):
            o2c_guard_probe.later()


def test_a_library_is_not_blamed_when_the_standard_library_asks_for_it() -> None:
    def stamp() -> Any:
        from email.utils import formatdate

        return formatdate()

    with guard(), pytest.raises(Escape, match=r"test_time_guard\.py:\d+ in stamp"):
        stamp()


def test_lifted_for_a_moment_the_real_world_is_there() -> None:
    with guard():
        with lifted():
            assert time.time() > 0
            with guard(), pytest.raises(Escape):
                time.time()
            assert time.time() > 0
        with pytest.raises(Escape):
            time.time()
    assert time.time() > 0


def test_lifted_outside_every_guard_changes_nothing() -> None:
    with lifted():
        assert time.time() > 0
    with guard(), pytest.raises(Escape):
        time.time()

"""The load generator of the live benchmark counts what a server really answers, and never waits for ever."""

import asyncio
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "bench_live.py"


@pytest.fixture(scope="module")
def bench():
    spec = spec_from_file_location("bench_live", SCRIPT)
    module = module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def _after(bench, answer, calls=3, timeout=5.0):
    """The target after so many calls of one client to a server that answers so, and what each call came to."""

    served: list[asyncio.Task[None]] = []

    async def serve(reader, writer):
        served.append(asyncio.current_task())
        try:
            if answer is None:
                await reader.read()
            while answer is not None and await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
                if b"1.0" in answer or b"close" in answer:
                    break
        except asyncio.IncompleteReadError:
            pass  # the client has gone
        writer.close()
        await writer.wait_closed()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        ask = ("GET", "/", {}, "")
        target = bench.Target("it", None, port, ask, lambda _: ask, lambda body, _: "/")
        connection, came = bench.Connection(target, timeout), []
        for _ in range(calls):
            try:
                came.append(await connection.call(ask))
            except bench.Failed as failed:
                came.append(str(failed))
        connection.close()
        server.close()
        await asyncio.gather(*served, return_exceptions=True)
        return target, came

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "yes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\n\r\n", "yes"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "no"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "no"),
        (b"HTTP/1.0 200 OK\r\n\r\nok", "no"),
    ],
)
def test_answers_are_read_whether_or_not_the_connection_is_kept(bench, answer, kept):
    target, came = _after(bench, answer)
    assert came == [b"ok"] * 3
    assert (target.answered, sum(target.failed.values()), bench._kept(target)) == (3, 0, kept)


def test_a_server_that_says_nothing_is_given_up(bench):
    target, came = _after(bench, None, calls=2, timeout=0.05)
    assert came == ["no answer in 0.05 s"] * 2
    assert (target.answered, dict(target.failed)) == (0, {"no answer in 0.05 s": 2})


def test_a_refusal_and_a_broken_answer_are_counted_and_the_next_call_goes_on(bench):
    target, came = _after(bench, b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", calls=2)
    assert came == ["GET answered http/1.1 500 no"] * 2
    assert target.answered == 0
    target, came = _after(bench, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nok", calls=2)
    assert [text.partition(":")[0] for text in came] == ["broken answer"] * 2
    assert sum(target.failed.values()) == 2

"""A mock on a real socket: where it listens, how it fails, how it stops, and that a fault is real on the wire."""

import asyncio
import logging
import selectors
import signal
import socket
import ssl

import pytest
import trustme

from o2c_twin.mock_systems.wire.live import AbortableH11, AbortableHttpTools, CannotListen, LiveServer, run_live


async def echo(scope, receive, send):
    """Answers with scheme and path, aborts on /abort, never answers on /hang."""
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/abort":
        scope["extensions"]["o2c.abort"]()
    if scope["path"] in ("/abort", "/hang"):
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    if scope["path"] == "/sleep":
        await asyncio.sleep(3600)
    body = f"{scope['scheme']} {scope['path']}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


class Connection:
    """One connection that stays open between calls."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, server, **tls):
        return cls(*await asyncio.open_connection(server.host, server.port, **tls))

    async def ask(self, path):
        self.writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())

    async def get(self, path):
        await self.ask(path)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return (await self.reader.readexactly(length)).decode()

    async def close(self):
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except (ConnectionError, ssl.SSLError):
            pass


async def fetch(server, path, **tls):
    connection = await Connection.to(server, **tls)
    try:
        return await connection.get(path)
    finally:
        await connection.close()


@pytest.fixture(params=[asyncio.new_event_loop, "uvloop"], ids=["asyncio", "uvloop"])
def run(request):
    """Runs a coroutine on the loop of the standard library and on uvloop."""
    factory = pytest.importorskip("uvloop").new_event_loop if request.param == "uvloop" else request.param

    def run_in(main):
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(main)

    return run_in


protocols = pytest.mark.parametrize("protocol", [AbortableH11, AbortableHttpTools])


@protocols
def test_port_0_becomes_the_port_that_was_free(run, protocol):
    async def main():
        async with LiveServer(echo, protocol=protocol) as server:
            assert server.port != 0
            assert server.url == f"http://127.0.0.1:{server.port}"
            return await fetch(server, "/a/b")

    assert run(main()) == "http /a/b"


def test_many_servers_share_one_running_loop(run):
    async def main():
        servers = [LiveServer(echo) for _ in range(5)]
        for server in servers:
            await server.start()
        answers = await asyncio.gather(*(fetch(s, f"/{i}") for i, s in enumerate(servers)))
        for server in servers:
            await server.stop()
        return answers

    assert run(main()) == [f"http /{i}" for i in range(5)]


@protocols
def test_a_connection_carries_many_calls(run, protocol):
    async def main():
        async with LiveServer(echo, protocol=protocol) as server:
            connection = await Connection.to(server)
            answers = [await connection.get(f"/{i}") for i in range(3)]
            await connection.close()
            return answers

    assert run(main()) == ["http /0", "http /1", "http /2"]


class HastySelector(selectors.DefaultSelector):
    """Waits a thousandth of the time."""

    def select(self, timeout=None):
        return super().select(None if timeout is None else timeout / 1000)


class HastyLoop(asyncio.SelectorEventLoop):
    """A loop whose clock goes at a thousand times the speed of real time."""

    def __init__(self):
        super().__init__(HastySelector())

    def time(self):
        return super().time() * 1000


def test_an_idle_connection_stays_open_on_a_loop_that_goes_faster_than_time():
    async def main():
        async with LiveServer(echo) as server:
            connection = await Connection.to(server)
            await connection.get("/before")
            await asyncio.sleep(60)
            answer = await connection.get("/after")
            await connection.close()
            return answer

    with asyncio.Runner(loop_factory=HastyLoop) as runner:
        assert runner.run(main()) == "http /after"


# ------------------------------------------------------------------------------------- how it fails


def test_a_port_in_use_raises_one_error_that_names_host_and_port(run, capfd):
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(CannotListen) as refused:
                await LiveServer(echo, port=port).start()
        return port, refused.value

    port, error = run(main())
    assert (error.host, error.port) == ("127.0.0.1", port)
    assert str(error) == (
        f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another port, or 0 for a free one"
    )
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("host", "port"), [("203.0.113.7", 0), ("127.0.0.1", 70_000)], ids=["not ours", "no port"])
def test_an_address_that_cannot_be_had_raises_the_same_error(run, host, port):
    with pytest.raises(CannotListen, match=rf"cannot listen on {host}:{port}: .*choose another port"):
        run(LiveServer(echo, host, port).start())


def test_the_port_is_free_again_after_stop(run):
    async def main():
        first = LiveServer(echo)
        await first.start()
        assert await fetch(first, "/") == "http /"
        await first.stop()
        async with LiveServer(echo, port=first.port) as second:
            return await fetch(second, "/again")

    assert run(main()) == "http /again"


def test_stop_before_start_and_stop_twice_do_nothing(run):
    async def main():
        server = LiveServer(echo)
        await server.stop()
        await server.start()
        await server.stop()
        await server.stop()

    run(main())


@protocols
@pytest.mark.parametrize("path", ["/hang", "/sleep"])
def test_stop_drops_calls_that_still_run_and_logs_nothing(run, protocol, path, caplog):
    caplog.set_level(logging.DEBUG)

    async def main():
        server = LiveServer(echo, protocol=protocol)
        await server.start()
        idle, busy = await Connection.to(server), await Connection.to(server)
        assert await idle.get("/") == "http /"
        await busy.ask(path)
        await asyncio.sleep(0.05)
        await server.stop()
        rest = [await connection.reader.read() for connection in (idle, busy)]
        await idle.close()
        await busy.close()
        return rest

    assert run(main()) == [b"", b""]
    assert [r for r in caplog.records if r.name.startswith("uvicorn") or r.levelno >= logging.WARNING] == []


def test_calls_leave_no_access_log(run, caplog, capfd):
    caplog.set_level(logging.INFO)

    async def main():
        async with LiveServer(echo) as server:
            await fetch(server, "/")

    run(main())
    assert [r for r in caplog.records if r.name.startswith("uvicorn")] == []
    assert capfd.readouterr() == ("", "")


def test_signal_handlers_stay_as_they_were(run):
    async def main():
        before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
        async with LiveServer(echo):
            return before, [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]

    before, during = run(main())
    assert before == during


# ---------------------------------------------------------------------------------- real on the wire


@protocols
def test_an_abort_is_a_reset_of_this_connection_and_of_no_other(run, protocol, caplog):
    async def main():
        async with LiveServer(echo, protocol=protocol) as server:
            struck, other = await Connection.to(server), await Connection.to(server)
            await struck.ask("/abort")
            with pytest.raises(ConnectionResetError):
                await struck.reader.read()
            answer = await other.get("/still/here")
            await struck.close()
            await other.close()
            return answer

    assert run(main()) == "http /still/here"
    assert caplog.records == [], "neither a complaint nor a 500 for a reply that was dropped on purpose"


# --------------------------------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    issued = authority.issue_cert("127.0.0.1", "localhost")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    return str(folder / "cert.pem"), str(folder / "key.pem")


@protocols
def test_with_a_certificate_it_speaks_tls(run, protocol, authority, certificate):
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def main():
        async with LiveServer(echo, cert=certificate[0], key=certificate[1], protocol=protocol) as server:
            assert server.url.startswith("https://")
            return await fetch(server, "/safe", ssl=trusting)

    assert run(main()) == "https /safe"


def test_an_abort_under_tls_drops_the_connection(run, authority, certificate):
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def main():
        async with LiveServer(echo, cert=certificate[0], key=certificate[1]) as server:
            connection = await Connection.to(server, ssl=trusting)
            await connection.ask("/abort")
            with pytest.raises(ConnectionResetError):
                await connection.reader.read()
            await connection.close()

    run(main())


def test_a_certificate_that_cannot_be_used_is_named_with_the_remedy(run, certificate, tmp_path):
    (tmp_path / "empty.pem").write_text("")
    missing = str(tmp_path / "missing.pem")
    for cert in (missing, str(tmp_path / "empty.pem")):
        with pytest.raises(CannotListen, match="PEM certificate") as refused:
            run(LiveServer(echo, cert=cert, key=certificate[1]).start())
        assert cert in str(refused.value)


@pytest.mark.parametrize("which", ["cert", "key"])
def test_a_certificate_without_its_key_is_refused(run, certificate, which):
    with pytest.raises(CannotListen, match="both a certificate and a key"):
        run(LiveServer(echo, **{which: certificate[0]}).start())


# ------------------------------------------------------------------------------------ its own loop


def test_run_live_takes_the_fastest_loop_there_is():
    uvloop = pytest.importorskip("uvloop")

    async def main():
        return asyncio.get_running_loop()

    assert isinstance(run_live(main()), uvloop.Loop)

"""The engine's wire over real sockets: every failure told apart by what it may have changed."""

import asyncio
import gzip
import re
import socket
import ssl
import struct
from contextlib import asynccontextmanager

import pytest
import trustme

from o2c_twin.integration.live_http import LiveHttp
from o2c_twin.integration.ports import HttpRequest, NoAnswer, NotSent

SILENCE, RESET, HANGS_UP = "silence", "reset", b""
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Peer:
    """A server of raw bytes: notes what arrives, says what it is told to, and hangs up."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.url = ""

    @asynccontextmanager
    async def listening(self, tls=None):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://localhost:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                self.requests.append((head, await reader.readexactly(int(length[1]) if length else 0)))
                answer = self.answers.pop(0)
                if answer == SILENCE:
                    await reader.read()
                    break
                if answer == RESET:
                    # Closed with nothing lingering: the other side gets a reset, not an end.
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    break
                writer.write(answer)
                await writer.drain()
                if answer == HANGS_UP or b"content-length: 99" in answer or b"chunked" in answer:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


def call(*answers, method="POST", path="/a", query=None, headers=None, body=b"", timeout_s=5.0, times=1):
    """What the wire makes of the peer's answers, and what the peer saw."""
    peer = Peer(*answers)

    async def run():
        http = LiveHttp()
        try:
            async with peer.listening():
                request = HttpRequest("erp", peer.url, method, path, query or {}, headers or {}, body, timeout_s)
                return [await http.send(request) for _ in range(times)]
        finally:
            await http.close()

    return asyncio.run(run()), peer


def test_a_call_arrives_as_it_was_made_and_the_answer_as_it_was_given():
    answer = b"HTTP/1.1 204 No Content\r\nLocation: https://x/7\r\nRetry-After: 5\r\n\r\n"
    query = {"q": "SELECT 'ä' + 1&2"}
    (given,), peer = call(answer, path="/v1/eid:a@b~2F", query=query, headers={"x-a": "1"}, body=b"{}")
    assert (given.status, given.body) == (204, b"")
    assert (given.headers["location"], given.headers["retry-after"]) == ("https://x/7", "5")
    ((head, body),) = peer.requests
    assert head.startswith(b"POST /v1/eid:a@b~2F?q=SELECT+'%C3%A4'+%2B+1%262 HTTP/1.1\r\n")
    assert b"x-a: 1\r\n" in head
    assert body == b"{}"


def test_a_path_is_encoded_once():
    _, peer = call(OK, path="/a b/100%/ä")
    assert peer.requests[0][0].startswith(b"POST /a%20b/100%25/%C3%A4 HTTP/1.1")


def test_an_answer_in_chunks_is_read_whole():
    body = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    (answer,), _ = call(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + body)
    assert answer.body == b"hello world"


def test_a_compressed_answer_is_unpacked():
    packed = gzip.compress(b"hello" * 100)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
    (answer,), _ = call(head + packed)
    assert answer.body == b"hello" * 100


def test_a_connection_is_used_again():
    answers, peer = call(OK, OK, OK, times=3)
    assert [answer.body for answer in answers] == [b"ok"] * 3
    assert len(peer.requests) == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status):
    # Followed, a POST becomes a GET, whose 200 would pass for the POST's.
    moved = b"HTTP/1.1 %d Moved\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n" % status
    (answer,), peer = call(moved, OK, body=b"{}")
    assert answer.status == status
    assert len(peer.requests) == 1


def test_nobody_listening_means_nothing_was_sent():
    async def run():
        server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        server.close()
        await server.wait_closed()
        http = LiveHttp()
        try:
            await http.send(HttpRequest("erp", url, "POST", "/a"))
        finally:
            await http.close()

    with pytest.raises(NotSent):
        asyncio.run(run())


def test_a_name_nobody_has_means_nothing_was_sent():
    async def run():
        http = LiveHttp()
        try:
            await http.send(HttpRequest("erp", "http://nobody.invalid", "POST", "/a"))
        finally:
            await http.close()

    with pytest.raises(NotSent):
        asyncio.run(run())


@pytest.mark.parametrize(
    "answer",
    [
        HANGS_UP,
        RESET,
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
        b"this is not HTTP, content-length: 99\r\n\r\n",
    ],
    ids=["hangs up", "reset", "half a body", "half a chunk", "not HTTP"],
)
def test_a_connection_that_breaks_after_the_call_leaves_its_outcome_unknown(answer):
    with pytest.raises(NoAnswer):
        call(answer)


def test_a_packed_answer_that_cannot_be_unpacked_leaves_the_outcome_unknown():
    with pytest.raises(NoAnswer):
        call(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello")


def test_a_system_that_stays_silent_leaves_the_outcome_unknown_and_says_so():
    with pytest.raises(NoAnswer, match=r".+"):
        call(SILENCE, timeout_s=0.2)


def test_a_call_that_changes_something_is_made_once_though_its_connection_breaks():
    # Clients like to repeat a call on a connection that was kept alive and turns out to be dead.
    peer = Peer(OK, HANGS_UP, OK)

    async def run():
        http = LiveHttp()
        try:
            async with peer.listening():
                request = HttpRequest("erp", peer.url, "POST", "/a", body=b"{}")
                await http.send(request)
                await http.send(request)
        finally:
            await http.close()

    with pytest.raises(NoAnswer):
        asyncio.run(run())
    assert len(peer.requests) == 2


def _tls():
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


@pytest.mark.parametrize("trusted", [True, False])
def test_a_system_whose_certificate_is_not_trusted_is_not_spoken_to(trusted):
    server, client = _tls()
    peer = Peer(OK)

    async def run():
        http = LiveHttp(client if trusted else None)
        try:
            async with peer.listening(server):
                return await http.send(HttpRequest("erp", peer.url, "POST", "/a", body=b"secret"))
        finally:
            await http.close()

    if trusted:
        assert asyncio.run(run()).body == b"ok"
    else:
        with pytest.raises(NotSent):
            asyncio.run(run())
        assert peer.requests == []


def test_closing_twice_is_no_harm_and_it_can_be_used_again():
    peer = Peer(OK, OK)

    async def run():
        http = LiveHttp()
        await http.close()
        async with peer.listening():
            request = HttpRequest("erp", peer.url, "GET", "/a")
            await http.send(request)
            await http.close()
            await http.close()
            answer = await http.send(request)
            await http.close()
            return answer

    assert asyncio.run(run()).status == 200

"""Calls with a bearer token: fetched once, renewed once when it is refused, and shared by calls side by side."""

import asyncio

import pytest

from o2c_twin.integration.connectors.bearer import Bearer, refused_login, token_for
from o2c_twin.integration.connectors.wire import Wire
from o2c_twin.integration.ports import HttpAnswer, NoAnswer
from o2c_twin.integration.runtime.errors import CallFailed


class Server:
    """Gives tokens T1, T2, ...; takes those in ``good``. ``login`` is what it answers to who asks for a token."""

    def __init__(self, *good, login=None):
        self.good, self.logins, self.seen, self.login = set(good), 0, [], login
        self.slow = 0
        """The call whose answer is late, counted from one."""

    async def send(self, request):
        await asyncio.sleep(0)
        if request.path == "/token":
            self.logins += 1
            if isinstance(self.login, Exception):
                raise self.login
            return self.login or HttpAnswer(200, {}, b'{"access_token":"T%d"}' % self.logins)
        self.seen.append(request.headers)
        for _ in range(20 if len(self.seen) == self.slow else 0):
            await asyncio.sleep(0)
        return HttpAnswer(200 if request.headers["authorization"][7:] in self.good else 401, {}, b"{}")


def bearer(server, token=None):
    wire = Wire("crm", "http://crm.test", server)
    fetch = None if token else lambda: token_for(wire, "/token", "grant_type=x", lambda a: refused_login("crm", a))
    return Bearer(wire, fetch, token)


def call(of):
    return of.send("read", "GET", "/thing", None, {"x-correlation-id": "c"})


def test_a_token_is_fetched_once_and_used_by_all_calls():
    server = Server("T1")
    mine = bearer(server)
    assert [asyncio.run(call(mine)).status for _ in range(3)] == [200] * 3
    assert server.logins == 1
    assert server.seen[0] == {"authorization": "Bearer T1", "x-correlation-id": "c"}


def test_a_refused_token_is_renewed_once_and_the_call_made_again():
    server = Server("T2")
    assert asyncio.run(call(bearer(server))).status == 200
    assert (server.logins, len(server.seen)) == (2, 2)
    hopeless = Server()
    assert asyncio.run(call(bearer(hopeless))).status == 401
    assert (hopeless.logins, len(hopeless.seen)) == (2, 2)


def test_calls_side_by_side_that_are_refused_together_renew_it_for_each_other():
    server = Server("T1")
    mine = bearer(server)

    async def work():
        await call(mine)
        server.good = {"T2"}
        # The answer to the second of the two comes when the first has its new token.
        server.slow = 3
        return await asyncio.gather(call(mine), call(mine))

    assert [answer.status for answer in asyncio.run(work())] == [200, 200]
    assert server.logins == 2


def test_a_token_for_good_is_never_renewed():
    server = Server()
    assert asyncio.run(call(bearer(server, "K"))).status == 401
    assert (server.logins, len(server.seen)) == (0, 1)


@pytest.mark.parametrize(
    ("login", "cause"),
    [
        (HttpAnswer(400, {}, b"invalid_client"), "login"),
        (HttpAnswer(429, {"retry-after": "7"}, b""), "throttled"),
        (HttpAnswer(502, {}, b""), "unavailable"),
        (HttpAnswer(200, {}, b"{}"), "rejected"),
        (NoAnswer("cut"), "unavailable"),
    ],
)
def test_a_login_that_fails_sends_nothing_and_says_why(login, cause):
    server = Server(login=login)
    with pytest.raises(CallFailed) as failed:
        asyncio.run(call(bearer(server)))
    assert (failed.value.cause, failed.value.operation, server.seen) == (cause, "login", [])
    assert failed.value.retry_after_s == (7.0 if cause == "throttled" else 0.0)

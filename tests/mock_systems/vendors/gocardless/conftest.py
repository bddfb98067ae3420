"""A GoCardless account in a world whose clock moves when told, reached directly, through ASGI, and over a socket."""

import asyncio
import hashlib
import heapq
import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from o2c_twin.mock_systems.vendors.gocardless import GoCardlessConfig, make
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.asgi_driver import call_asgi
from o2c_twin.mock_systems.wire.live import LiveServer
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

START_US = 1_772_445_600_000_000  # Monday 2026-03-02, 10:00 UTC
DAY_US = 86_400_000_000
WIRES = ("direct", "asgi", "socket")


class Clock:
    """Stands still; `pass_time` moves it through everything that sleeps."""

    def __init__(self) -> None:
        self.us = START_US
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> int:
        return self.us

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        waking = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.us + round(seconds * 1e6), self._count, waking))
        await waking

    async def pass_time(self, seconds: float) -> None:
        end = self.us + round(seconds * 1e6)
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self.us, _, waking = heapq.heappop(self._sleepers)
            if not waking.done():
                waking.set_result(None)
            await settle()
        self.us = end


async def settle() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


def keyed_draw(stream: str, *key: str | int) -> float:
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**64


class Endpoint:
    """Somebody's webhook endpoint: keeps what came, answers with ``statuses`` in turn, then 200."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.statuses: list[int] = []
        self.got: list[tuple[int, str, dict[str, str], bytes]] = []

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.got.append((self._clock.now(), url, headers, body))
        return (self.statuses.pop(0) if self.statuses else 200), b"thanks"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for _, _, _, body in self.got for event in json.loads(body)["events"]]


class Answer:
    """A response, read."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.json: Any = json.loads(body)

    @property
    def reason(self) -> tuple[int, str, str]:
        """Status, type, and reason of an error; for validation errors the first pointer and message."""
        error = self.json["error"]
        assert error["code"] == self.status
        assert error["request_id"] and error["documentation_url"].startswith("https://")
        first = error["errors"][0]
        if error["type"] == "validation_failed":
            return self.status, first["request_pointer"], first["message"]
        return self.status, error["type"], first["reason"]


async def over_socket(live: LiveServer, request: Request) -> Response:
    """One call over a connection of its own, its request in one piece."""
    reader, writer = await asyncio.open_connection(live.host, live.port)
    target = quote(request.path) + (f"?{urlencode(request.query)}" if request.query else "")
    headers = {"host": f"{live.host}:{live.port}", "content-length": str(len(request.body)), **request.headers}
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode("latin-1") + request.body)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    answer = dict(line.split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(answer.get("content-length", "0")))
    writer.close()
    return Response(int(head[0].split(" ")[1]), body, answer)


class Account:
    """One account behind its server, and a client with its token."""

    def __init__(self, runner: asyncio.Runner, wire: str, config: GoCardlessConfig) -> None:
        self._runner = runner
        self.wire = wire
        self.clock = Clock()
        self.endpoint = Endpoint(self.clock)
        self._tasks: list[asyncio.Task[None]] = []
        self.world = World(self.clock, keyed_draw, self.clock.sleep, self._spawn, self.endpoint.post)
        self.dialect = make(self.world, config)
        self.core = self.dialect.core
        self.server = MockServer("payments", self.dialect, self.world)
        self.app = MockApp(self.server, "control")
        self.headers = {"authorization": f"Bearer {config.access_token}", "gocardless-version": "2015-07-06"}
        self._live: LiveServer | None = None

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> object:
        try:
            task = asyncio.get_running_loop().create_task(work, name=name)
        except RuntimeError:  # people act on the core between calls: what they set off starts with the next
            task = self._runner.get_loop().create_task(work, name=name)
        self._tasks.append(task)
        return task

    async def close(self) -> None:
        if self._live is not None:
            await self._live.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def days(self, days: float) -> None:
        self.run(self.clock.pass_time(days * 86_400))

    def seconds(self, seconds: float) -> None:
        self.run(self.clock.pass_time(seconds))

    async def _send(self, request: Request) -> Answer:
        if self.wire == "direct":
            response: Response = await self.server.call(request)
        elif self.wire == "asgi":
            response = await call_asgi(self.app, request)
        else:
            if self._live is None:
                self._live = LiveServer(self.app)
                await self._live.start()
            response = await over_socket(self._live, request)
        await settle()
        return Answer(response.status, response.headers, response.body)

    def raw(
        self, method: str, path: str, body: bytes = b"", query: dict[str, str] | None = None, **headers: str
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.run(self._send(Request(method, path, query or {}, sent, body)))

    def call(
        self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None, **more: str
    ) -> Answer:
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in more.items()}}
        data = b"" if method == "GET" else json.dumps(body).encode()
        return self.run(self._send(Request(method, path, query or {}, sent, data)))

    def get(self, path: str, **query: str) -> Any:
        answer = self.call("GET", path, query=query)
        assert answer.status == 200, answer.json
        return answer.json

    def one(self, kind: str, id_: str) -> dict[str, Any]:
        return dict(self.get(f"/{kind}/{id_}")[kind])

    def make(self, kind: str, key: str = "", **fields: Any) -> dict[str, Any]:
        more = {"idempotency_key": key} if key else {}
        answer = self.call("POST", f"/{kind}", {kind: fields}, **more)
        assert answer.status == 201, answer.json
        assert answer.headers["location"] == f"/{kind}/{answer.json[kind]['id']}"
        return dict(answer.json[kind])

    def act(self, kind: str, id_: str, action: str, body: Any = None) -> dict[str, Any]:
        answer = self.call("POST", f"/{kind}/{id_}/actions/{action}", body)
        assert answer.status == 200, answer.json
        return dict(answer.json[kind])

    def simulate(self, name: str, resource: str) -> None:
        body = {"data": {"links": {"resource": resource}}}
        answer = self.call("POST", f"/scenario_simulators/{name}/actions/run", body)
        assert answer.status == 200, answer.json

    def mandate(self, number: str = "55779911", active: bool = True, currency: str = "GBP") -> str:
        """A customer with a bank account and a mandate on it."""
        customer = self.make("customers", company_name="Payer Ltd", email="ap@payer.example")["id"]
        links = {"customer": customer}
        if currency == "GBP":
            fields = {"account_number": number, "branch_code": "20-00-00", "country_code": "GB"}
        else:
            fields = {"iban": "DE89370400440532013000"}
        account = self.make("customer_bank_accounts", account_holder_name="Payer Ltd", links=links, **fields)["id"]
        mandate = str(self.make("mandates", links={"customer_bank_account": account})["id"])
        if active and currency == "GBP":
            self.simulate("mandate_activated", mandate)
        return mandate

    def payment(self, mandate: str = "", amount: int = 10_000, **fields: Any) -> dict[str, Any]:
        mandate = mandate or self.mandate()
        fields.setdefault("currency", "GBP")
        return self.make("payments", amount=amount, links={"mandate": mandate}, **fields)

    def actions(self, **about: str) -> list[str]:
        """The actions of events about a record, oldest first."""
        return [event["action"] for event in reversed(self.get("/events", **about)["events"])]


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


OpenAccount = Callable[..., Account]


@pytest.fixture
def open_account(runner: asyncio.Runner) -> Iterator[OpenAccount]:
    """``open_account(wire, **config)`` opens an account with these settings."""
    opened: list[Account] = []

    def found(wire: str = "direct", **settings: Any) -> Account:
        opened.append(Account(runner, wire, GoCardlessConfig(**settings)))
        return opened[-1]

    yield found
    for account in opened:
        runner.run(account.close())


@pytest.fixture(params=WIRES)
def account(request: pytest.FixtureRequest, open_account: OpenAccount) -> Account:
    """An account with the usual settings, over each wire."""
    return open_account(str(request.param))


@pytest.fixture
def direct(open_account: OpenAccount) -> Account:
    """An account with the usual settings, called as a function."""
    return open_account()

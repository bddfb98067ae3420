"""A portal in a world of its own, called directly, as an ASGI application, or over a socket."""

import asyncio
import hashlib
import heapq
import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from o2c_twin.mock_systems.vendors.hubspot import HubSpotConfig, HubSpotDialect, make
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.asgi_driver import call_asgi
from o2c_twin.mock_systems.wire.live import LiveServer
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

START_US = 1_767_225_600_000_000  # 2026-01-01
TOKEN = "pat-eu1-o2c-twin"


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
            waking.set_result(None)
            await settle()
        self.us = end


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def keyed_draw(stream: str, *key: str | int) -> float:
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**64


class Listener:
    """Catches webhooks; answers with ``status``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.status = 200
        self.got: list[tuple[int, str, dict[str, str], bytes]] = []

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.got.append((self._clock.now(), url, headers, body))
        return self.status, b""

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for _, _, _, body in self.got for event in json.loads(body)]


class Answer:
    """A response, read; header names in lower case."""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self.text = response.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> tuple[int, str]:
        """Status and category of the error answered."""
        body = self.json
        assert body["status"] == "error"
        assert body["correlationId"]
        return self.status, body["category"]

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Property and code of each value that was not valid, from the list inside the message."""
        message = self.json["message"]
        assert message.startswith("Property values were not valid: ")
        return [(p["name"], p["error"]) for p in json.loads(message.partition(": ")[2])]


class PortalUnderTest:
    """One portal behind its server, and a client with its token."""

    def __init__(self, runner: asyncio.Runner, transport: str, config: HubSpotConfig) -> None:
        self.run: Callable[[Coroutine[Any, Any, Any]], Any] = runner.run
        self.transport = transport
        self.clock = Clock()
        self.listener = Listener(self.clock)
        self._tasks: list[asyncio.Task[None]] = []
        self.world = World(self.clock, keyed_draw, self.clock.sleep, self._spawn, self.listener.post)
        self.dialect: HubSpotDialect = make(self.world, config)
        self.core = self.dialect.core
        self.server = MockServer("crm", self.dialect, self.world)
        self.app = MockApp(self.server, "control")
        self.live = LiveServer(self.app)
        if transport == "socket":
            self.run(self.live.start())
        self.token = TOKEN

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> object:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.append(task)
        return task

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.live.stop()
        await settle()

    def later(self, seconds: float) -> None:
        self.run(self.clock.pass_time(seconds))

    def act(self, change: Callable[[], Any]) -> Any:
        """Something people do on the system's screens."""

        async def done() -> Any:
            result = change()
            await settle()
            return result

        return self.run(done())

    async def _send(self, request: Request) -> Response:
        if self.transport == "direct":
            response = await self.server.call(request)
        elif self.transport == "asgi":
            response = await call_asgi(self.app, request)
        else:
            response = await _call_socket(self.live, request)
        await settle()
        return response

    def raw(
        self, method: str, path: str, body: bytes = b"", query: dict[str, str] | None = None, **headers: str
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return Answer(self.run(self._send(Request(method, path, query or {}, sent, body, "https://api.example"))))

    def call(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None) -> Answer:
        """One call with the token; a path without a leading slash is under ``/crm/v3/objects/``."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        path = path if path.startswith("/") else f"/crm/v3/objects/{path}"
        return self.raw(method, path, raw, query, authorization=f"Bearer {self.token}")

    def create(self, kind: str, *associations: tuple[int, str], **properties: Any) -> str:
        body: dict[str, Any] = {"properties": properties}
        if associations:
            body["associations"] = [
                {"to": {"id": to}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_}]}
                for type_, to in associations
            ]
        answer = self.call("POST", kind, body)
        assert answer.status == 201, answer.text
        return str(answer.json["id"])

    def deal(self, *associations: tuple[int, str], **properties: Any) -> str:
        return self.create("deals", *associations, **{"dealname": "Deal", "dealstage": "contractsent", **properties})

    def read(self, kind: str, id_: str, *names: str) -> dict[str, Any]:
        query = {"properties": ",".join(names)} if names else None
        answer = self.call("GET", f"{kind}/{id_}", query=query)
        assert answer.status == 200, answer.text
        return dict(answer.json["properties"])

    def search(self, kind: str, *filters: tuple[Any, ...], **body: Any) -> Answer:
        groups = [{"filters": [_filter(*each) for each in filters]}] if filters else []
        return self.call("POST", f"{kind}/search", {"filterGroups": groups, **body})

    def found(self, kind: str, *filters: tuple[Any, ...], **body: Any) -> list[str]:
        answer = self.search(kind, *filters, **body)
        assert answer.status == 200, answer.text
        return [each["id"] for each in answer.json["results"]]

    def linked(self, source: str, id_: str, target: str) -> list[tuple[str, list[int]]]:
        answer = self.call("GET", f"/crm/v4/objects/{source}/{id_}/associations/{target}")
        assert answer.status == 200, answer.text
        return [(str(r["toObjectId"]), [t["typeId"] for t in r["associationTypes"]]) for r in answer.json["results"]]


def _filter(name: str, operator: str, value: Any = None, high: Any = None) -> dict[str, Any]:
    found: dict[str, Any] = {"propertyName": name, "operator": operator}
    if isinstance(value, list):
        found["values"] = value
    elif value is not None:
        found["value"] = value
    if high is not None:
        found["highValue"] = high
    return found


async def _call_socket(live: LiveServer, request: Request) -> Response:
    reader, writer = await asyncio.open_connection(live.host, live.port)
    target = quote(request.path) + (f"?{urlencode(request.query)}" if request.query else "")
    headers = {"host": f"{live.host}:{live.port}", "content-length": str(len(request.body)), **request.headers}
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode("latin-1") + request.body)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    answer = dict(line.split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(answer.get("content-length", "0")))
    writer.close()
    return Response(int(head[0].split(" ")[1]), body, answer)


OpenPortal = Callable[..., PortalUnderTest]


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def open_portal(runner: asyncio.Runner) -> Iterator[OpenPortal]:
    """``open_portal(tier=…)`` opens a portal that is called directly; ``transport`` chooses another way."""
    opened: list[PortalUnderTest] = []

    def found(transport: str = "direct", **settings: Any) -> PortalUnderTest:
        opened.append(PortalUnderTest(runner, transport, HubSpotConfig(**settings)))
        return opened[-1]

    yield found
    for portal in opened:
        runner.run(portal.close())


@pytest.fixture(params=["direct", "asgi", "socket"])
def portal(request: pytest.FixtureRequest, open_portal: OpenPortal) -> PortalUnderTest:
    """A professional portal; the same test runs over all three transports."""
    return open_portal(request.param)


@pytest.fixture
def quick(open_portal: OpenPortal) -> PortalUnderTest:
    """A portal called directly, whose search knows everything at once."""
    return open_portal(search_lag_s=0.0)

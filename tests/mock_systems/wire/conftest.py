"""A small vendor of our own, and three ways to call it: directly, as an ASGI application, over a socket."""

import asyncio
import hashlib
import heapq
import hmac
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest

from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.asgi_driver import call_asgi
from o2c_twin.mock_systems.wire.dialect import Dialect
from o2c_twin.mock_systems.wire.faults import FaultPlan, Latency
from o2c_twin.mock_systems.wire.journal import Journal
from o2c_twin.mock_systems.wire.limits import Limiter, LimitPolicy, Verdict
from o2c_twin.mock_systems.wire.live import LiveServer
from o2c_twin.mock_systems.wire.message import Refused, Request, Response, TransportFault, json_response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.route import Call, Operation, Principal
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.mock_systems.wire.webhooks import DeliveryRules, WebhookSender

START_US = 1_767_225_600_000_000  # 2026-01-01, a multiple of every window used here
CONTROL_TOKEN = "control-secret"
HOOK_SECRET = b"hook-secret"

# --------------------------------------------------------------------------------------- the world


class ManualClock:
    """Stands still but for sleepers: each sleep moves it on at once, or, while ``holding``, waits for `advance`."""

    def __init__(self) -> None:
        self.us = START_US
        self.holding = False
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> int:
        return self.us

    @property
    def sleeping(self) -> int:
        return len(self._sleepers)

    async def sleep(self, seconds: float) -> None:
        until = self.us + round(seconds * 1e6)
        if not self.holding:
            self.us = until
            return
        self._count += 1
        waking = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (until, self._count, waking))
        await waking

    async def advance(self, seconds: float) -> None:
        end = self.us + round(seconds * 1e6)
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self.us, _, waking = heapq.heappop(self._sleepers)
            if not waking.done():
                waking.set_result(None)
            await settle()
        self.us = end


async def settle() -> None:
    """Let everything run that can run, sockets included."""
    for _ in range(50):
        await asyncio.sleep(0)


def keyed_draw(stream: str, *key: str | int) -> float:
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


class Subscriber:
    """Receives webhooks: what came when, answered with the statuses it was told to give, then with 200."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.statuses: list[int] = []
        self.received: list[tuple[int, dict[str, str], bytes]] = []

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.received.append((self.clock.us, headers, body))
        return (self.statuses.pop(0) if self.statuses else 200), b""

    @property
    def texts(self) -> list[str]:
        return [json.loads(body)["text"] for _, _, body in self.received]


# --------------------------------------------------------------------------------------- the vendor


class NewNote(msgspec.Struct):
    """What a client sends to create a note."""

    text: str
    weight: Any = None


class Note(msgspec.Struct):
    """A note."""

    id: str
    text: str
    weight: Any = None


def _open_session(dialect: "NotesDialect", call: Call) -> Response:
    return json_response(200, {"token": "acme/sync/ann"})


def _read(dialect: "NotesDialect", call: Call) -> Response:
    note = dialect.notes.get(call.params["id"])
    if note is None:
        raise Refused(json_response(404, {"error": f"no note {call.params['id']}"}))
    return json_response(200, note)


def _search(dialect: "NotesDialect", call: Call) -> Response:
    wanted = call.request.query.get("text", "")
    return json_response(200, [n for n in dialect.notes.values() if wanted in n.text])


def _create(dialect: "NotesDialect", call: Call) -> Response:
    if not call.body.text:
        raise Refused(json_response(422, {"error": "text is empty"}))
    note = Note(str(len(dialect.notes) + 1), call.body.text, call.body.weight)
    dialect.notes[note.id] = note
    answer = json_response(201, note)
    if dialect.sender is not None:
        dialect.sender.send("note.created", note.text, answer.body)
    return answer


def _delete(dialect: "NotesDialect", call: Call) -> Response:
    dialect.notes.pop(call.params["id"], None)
    return Response(204)


def _report(dialect: "NotesDialect", call: Call) -> Response:
    return json_response(200, {"rows": len(dialect.notes)})


class NotesDialect(Dialect):
    """Keeps notes. A token is spelled tenant/app/user."""

    vendor = "notes"
    family = "test"
    routes = (
        Operation("session.open", "POST", "/v1/session", _open_session, "Log in", open=True),
        Operation("note.search", "GET", "/v1/notes", _search, "Find notes", answer=list[Note]),
        Operation("note.create", "POST", "/v1/notes", _create, "Create a note", body=NewNote, answer=Note, success=201),
        Operation("note.latest", "GET", "/v1/notes/latest", _report, "Static path beside a parameter"),
        Operation("note.read", "GET", "/v1/notes/{id}", _read, "Read a note", answer=Note, source="house manual 1.2"),
        Operation("note.delete", "DELETE", "/v1/notes/{id}", _delete, "Delete a note", success=204),
        Operation("report.slow", "GET", "/v1/report", _report, "A dear call", cost=5),
    )

    def __init__(self, policy: LimitPolicy) -> None:
        self.policy = policy
        self.limiter = Limiter(policy)
        self.notes: dict[str, Note] = {}
        self.sender: WebhookSender | None = None

    def authenticate(self, request: Request, now: int) -> Principal:
        token = request.headers.get("authorization", "").removeprefix("Bearer ").split("/")
        if len(token) != 3:
            raise Refused(json_response(401, {"error": "token not known"}))
        return Principal(*token)

    def not_modelled(self, request: Request, allowed: set[str] | None) -> Response:
        if allowed is not None:
            return json_response(405, {"error": "method"}, {"Allow": ", ".join(sorted(allowed))})
        return json_response(404, {"error": "path"})

    def malformed(self, request: Request, detail: str) -> Response:
        return json_response(400, {"error": detail})

    def throttled(self, verdict: Verdict | None, now: int) -> Response:
        # 403 on purpose: some vendors throttle with it, and the journal must know all the same.
        if verdict is None:
            return json_response(403, {"error": "slow down"})
        seconds = -(-verdict.retry_after_us // 1_000_000)
        return json_response(403, {"error": verdict.limit, "used": verdict.used}, {"Retry-After": str(seconds)})

    def failed(self, status: int) -> Response:
        return json_response(status, {"error": "our fault"})

    def decorate(self, response: Response, principal: Principal, now: int) -> None:
        response.headers["X-Tenant"] = principal.tenant

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(self.notes)

    def restore(self, snapshot: bytes) -> None:
        self.notes = msgspec.msgpack.decode(snapshot, type=dict[str, Note])


# --------------------------------------------------------------------------------------- the transports

Send = Callable[[Request], Awaitable[Response]]


async def call_socket(live: LiveServer, journal: Journal, request: Request) -> Response:
    """One HTTP/1.1 call on a connection of its own, with nothing between us and the socket.

    The server counts as silent when it has journalled the call and some time later has not answered.
    """
    reader, writer = await asyncio.open_connection(live.host, live.port)
    before = journal.count

    async def patience() -> None:
        while journal.count == before:
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.1)

    async def exchange() -> Response:
        target = request.raw_path or quote(request.path)
        target += f"?{urlencode(request.query)}" if request.query else ""
        headers = {"host": f"{live.host}:{live.port}", "content-length": str(len(request.body)), **request.headers}
        lines = [f"{request.method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
        writer.write("\r\n".join(lines).encode("latin-1") + request.body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        answer = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(answer.get("content-length", "0")))
        return Response(int(head[0].split(" ")[1]), body, answer)

    answering, waiting = asyncio.ensure_future(exchange()), asyncio.ensure_future(patience())
    try:
        await asyncio.wait({answering, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise TransportFault("silent", applied=False)
        return answering.result()
    except (ConnectionError, asyncio.IncompleteReadError):
        raise TransportFault("reset", applied=False) from None
    finally:
        answering.cancel()
        waiting.cancel()
        writer.close()


@dataclass
class Caller:
    """One transport: how a vendor call and a control call travel."""

    name: str
    runner: asyncio.Runner
    open_servers: list[LiveServer]

    def connect(self, server: MockServer, app: MockApp) -> tuple[Send, Send]:
        if self.name == "direct":
            return server.call, lambda request: call_asgi(app, request)
        if self.name == "asgi":
            return (lambda request: call_asgi(app, request),) * 2
        live = LiveServer(app)
        self.runner.run(live.start())
        self.open_servers.append(live)
        return (lambda request: call_socket(live, server.journal, request),) * 2


@pytest.fixture(params=["direct", "asgi", "socket"])
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    """The same test runs over all three transports."""
    with asyncio.Runner() as runner:
        found = Caller(request.param, runner, [])
        yield found
        for live in found.open_servers:
            runner.run(live.stop())
        runner.run(settle())


class Notes:
    """The vendor at work in a world, called over one transport."""

    def __init__(
        self, caller: Caller, policy: LimitPolicy, latency: Latency | None, journal: Journal | None, hooks: bool
    ) -> None:
        self.transport = caller.name
        self.run: Callable[[Coroutine[Any, Any, Any]], Any] = caller.runner.run
        self.clock = ManualClock()
        self.subscriber = Subscriber(self.clock)
        self._tasks: list[asyncio.Task[None]] = []
        self.world = World(self.clock, keyed_draw, self.clock.sleep, self._spawn, self.subscriber.post)
        self.dialect = NotesDialect(policy)
        self.faults = FaultPlan("notes", keyed_draw, START_US)
        self.server = MockServer("notes", self.dialect, self.world, journal, self.faults, latency)
        self.app = MockApp(self.server, CONTROL_TOKEN)
        if hooks:
            rules = DeliveryRules((0.0, 60.0, 300.0), self._sign)
            self.dialect.sender = WebhookSender("notes", "https://sub", rules, self.world, self.faults)
        self._send, self._send_control = caller.connect(self.server, self.app)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> object:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.append(task)
        return task

    def _sign(self, body: bytes, now: int) -> dict[str, str]:
        return {"X-Time": str(now), "X-Signature": signature(body, now)}

    def request(
        self, method: str, path: str, body: Any = None, *, who: str | None = "acme/sync/ann", **headers: str
    ) -> Request:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who is not None:
            sent["authorization"] = f"Bearer {who}"
        path, _, query = path.partition("?")
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return Request(method, path, dict(pair.split("=") for pair in query.split("&")) if query else {}, sent, raw)

    async def send(self, *args: Any, **kwargs: Any) -> Response:
        return lowered(await self._send(self.request(*args, **kwargs)))

    def call(self, *args: Any, **kwargs: Any) -> Response:
        """One vendor call; raises `TransportFault` when there is no answer."""
        return self.run(self.send(*args, **kwargs))

    def create(self, text: str, **kwargs: Any) -> Response:
        return self.call("POST", "/v1/notes", {"text": text}, **kwargs)

    def texts(self) -> list[str]:
        """The notes there are, as the vendor's own search shows them to somebody else."""
        return [n["text"] for n in json.loads(self.call("GET", "/v1/notes", who="acme/other/eve").body)]

    def control(self, method: str, path: str, body: Any = None, token: str = CONTROL_TOKEN) -> Response:
        """One call of the control plane."""
        request = self.request(method, f"/_o2c{path}", body, who=None, authorization=f"Bearer {token}")
        return lowered(self.run(self._send_control(request)))

    def later(self, seconds: float) -> None:
        """Let that much of the world's time pass."""
        self.run(self.clock.advance(seconds))

    def arm(self, fault: str, **fields: Any) -> int:
        """Inject a fault as an operator does; gives its number."""
        answer = self.control("POST", "/faults", {"fault": fault, **fields})
        assert answer.status == 201, answer.body
        return int(json.loads(answer.body)["number"])

    def journal(self, **filters: Any) -> list[dict[str, Any]]:
        query = "&".join(f"{k}={v}" for k, v in filters.items())
        found = json.loads(self.control("GET", "/journal" + (f"?{query}" if query else "")).body)
        return list(found["entries"])


def lowered(response: Response) -> Response:
    return Response(response.status, response.body, {k.lower(): v for k, v in response.headers.items()})


def signature(body: bytes, now: int) -> str:
    return hmac.new(HOOK_SECRET, b"%d." % now + body, "sha256").hexdigest()


OpenNotes = Callable[..., Notes]


@pytest.fixture
def open_notes(caller: Caller) -> OpenNotes:
    """``open_notes(policy=…, latency=…, journal=…, hooks=…)`` starts the vendor behind this test's transport."""

    def start(
        policy: LimitPolicy | None = None,
        latency: Latency | None = None,
        journal: Journal | None = None,
        hooks: bool = False,
    ) -> Notes:
        return Notes(caller, policy or LimitPolicy("free"), latency, journal, hooks)

    return start


@pytest.fixture(scope="session")
def draw() -> Callable[..., float]:
    """Keyed chance."""
    return keyed_draw


@pytest.fixture
def notes(open_notes: OpenNotes) -> Notes:
    """The vendor without limits, latency or webhooks."""
    return open_notes()

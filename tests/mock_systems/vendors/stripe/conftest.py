"""A Stripe account in a world whose clock moves only when told; the same tests over all three ways in."""

import asyncio
import hashlib
import heapq
import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from o2c_twin.mock_systems.vendors.stripe import StripeConfig, StripeDialect, make
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.asgi_driver import call_asgi
from o2c_twin.mock_systems.wire.live import LiveServer
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

START_US = 1_772_442_000_000_000  # Monday 2026-03-02, 09:00 UTC
DAY_S = 86_400
WAYS = ("direct", "asgi", "socket")


def keyed_draw(stream: str, *key: str | int) -> float:
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


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


def form(params: dict[str, Any]) -> list[tuple[str, str]]:
    """Nested parameters as Stripe's clients spell them."""

    def spelled(key: str, value: Any) -> Iterator[tuple[str, str]]:
        if isinstance(value, dict):
            for name, below in value.items():
                yield from spelled(f"{key}[{name}]", below)
        elif isinstance(value, list):
            for number, below in enumerate(value):
                yield from spelled(f"{key}[{number}]", below)
        else:
            yield key, str(value).lower() if isinstance(value, bool) else str(value)

    return [pair for key, value in params.items() for pair in spelled(key, value)]


class Account:
    """One account, and what a test does with it."""

    def __init__(self, way: str = "direct", config: StripeConfig | None = None, **server: Any) -> None:
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.got: list[tuple[int, str, dict[str, str], bytes]] = []
        self.reply = (200, b"")
        self._tasks: list[asyncio.Task[None]] = []
        world = World(self.clock, keyed_draw, self.clock.sleep, self._spawn, self._post)
        self.dialect: StripeDialect = make(world, config)
        self.server = MockServer("payments", self.dialect, world, **server)
        self.core = self.dialect.core
        self._live: LiveServer | None = None
        self._send: Callable[[Request], Coroutine[Any, Any, Response]] = self.server.call
        if way != "direct":
            app = MockApp(self.server, "control")
            self._send = lambda request: call_asgi(app, request)
            if way == "socket":
                self._live = LiveServer(app)
                self._send = self._over_the_socket

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        # Outside of a call there is no running loop yet: core methods are called by people, not by tasks.
        self._tasks.append(self.runner.get_loop().create_task(work))

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.got.append((self.clock.us, url, headers, body))
        return self.reply

    async def _over_the_socket(self, request: Request) -> Response:
        live = self._live
        assert live is not None
        if live.port == 0:
            await live.start()
            self._client = httpx.AsyncClient(verify=False)
        query = f"?{urlencode(request.query)}" if request.query else ""
        url = f"{live.url}{request.path}{query}"
        answer = await self._client.request(request.method, url, headers=request.headers, content=request.body)
        return Response(answer.status_code, answer.content, {k.title(): v for k, v in answer.headers.items()})

    def close(self) -> None:
        if self._live is not None and self._live.port:
            self.runner.run(self._client.aclose())
            self.runner.run(self._live.stop())
        for task in self._tasks:
            task.cancel()
        self.runner.run(settle())
        self.runner.close()

    # --- calls -------------------------------------------------------------------------------------

    def request(self, method: str, path: str, params: dict[str, Any] | None = None, **headers: str) -> Request:
        """A request with the account's key; header names with underscores for hyphens."""
        sent = {"authorization": f"Bearer {self.dialect.config.secret_key}"}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        pairs = form(params or {})
        if method == "POST":
            sent["content-type"] = sent.get("content-type", "application/x-www-form-urlencoded")
            return Request(method, f"/v1/{path}", {}, sent, urlencode(pairs).encode())
        return Request(method, f"/v1/{path}", dict(pairs), sent)

    def send(self, request: Request) -> Response:
        response = self.runner.run(self._send(request))
        response.headers = {name.title(): value for name, value in response.headers.items()}
        return response

    def call(self, method: str, path: str, params: dict[str, Any] | None = None, **headers: str) -> Response:
        return self.send(self.request(method, path, params, **headers))

    def together(self, *requests: Request) -> list[Response]:
        """Several calls at one time, while the clock goes on."""

        async def main() -> list[Response]:
            calls = [asyncio.ensure_future(self.server.call(request)) for request in requests]
            await self.clock.pass_time(60)
            return [await call for call in calls]

        return self.runner.run(main())

    def post(self, path: str, params: dict[str, Any] | None = None, **headers: str) -> Any:
        answer = self.call("POST", path, params, **headers)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def get(self, path: str, params: dict[str, Any] | None = None, **headers: str) -> Any:
        answer = self.call("GET", path, params, **headers)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def refusal(
        self, method: str, path: str, params: dict[str, Any] | None = None, **headers: str
    ) -> tuple[int, str | None, str | None]:
        """A call that must fail: status, code, param."""
        answer = self.call(method, path, params, **headers)
        assert answer.status >= 400, answer.body
        error = json.loads(answer.body)["error"]
        assert error["message"]
        assert error["type"] in ("invalid_request_error", "card_error", "idempotency_error", "api_error")
        return answer.status, error.get("code"), error.get("param")

    def wait(self, seconds: float = 0, days: float = 0) -> None:
        self.runner.run(self.clock.pass_time(seconds + days * DAY_S))

    # --- a business to work with -------------------------------------------------------------------

    def customer(self, card: str | None = None, **fields: Any) -> str:
        made = {"name": "Acme", "email": "ap@acme.example", **fields}
        if card is not None:
            made["payment_method"] = card
        return str(self.post("customers", made)["id"])

    def invoice(self, customer: str, amount: int = 10_000, finalise: bool = True, **fields: Any) -> Any:
        params = {"customer": customer, "collection_method": "send_invoice", "days_until_due": 30, **fields}
        if params["collection_method"] == "charge_automatically":
            del params["days_until_due"]
        draft = self.post("invoices", params)
        self.post("invoiceitems", {"customer": customer, "invoice": draft["id"], "amount": amount, "currency": "eur"})
        return self.post(f"invoices/{draft['id']}/finalize") if finalise else draft

    def payment(self, customer: str | None = None, amount: int = 10_000, **fields: Any) -> Any:
        """A payment intent paid by card at once."""
        params = {"amount": amount, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True, **fields}
        if customer is not None:
            params["customer"] = customer
        return self.post("payment_intents", params)

    def events(self) -> list[dict[str, Any]]:
        """What the webhook endpoints got, in the order it came."""
        return [json.loads(body) for _, _, _, body in self.got]


def _account(way: str) -> Iterator[Account]:
    account = Account(way)
    account.dialect.limiter.admit = lambda principal, cost, now: None  # type: ignore[method-assign]
    yield account
    account.close()


@pytest.fixture
def account() -> Iterator[Account]:
    """An account without rate limits in the way, called directly."""
    yield from _account("direct")


@pytest.fixture(params=WAYS)
def anywhere(request: pytest.FixtureRequest) -> Iterator[Account]:
    """The same over each way in."""
    yield from _account(request.param)


@pytest.fixture
def new_account() -> Iterator[Callable[..., Account]]:
    """For accounts that are set up in another way: ``new_account(StripeConfig(...))``; called directly."""
    made: list[Account] = []

    def new(config: StripeConfig | None = None, **server: Any) -> Account:
        made.append(Account("direct", config, **server))
        return made[-1]

    yield new
    for account in made:
        account.close()

"""A Business Central company in a world whose clock moves only when told, reached directly, over ASGI or a socket."""

import asyncio
import hashlib
import json
from collections.abc import Coroutine, Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import httpx
import pytest

from o2c_twin.mock_systems.vendors.business_central import BusinessCentralConfig, BusinessCentralDialect, make
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.asgi_driver import call_asgi
from o2c_twin.mock_systems.wire.live import LiveServer
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

START_US = 1_767_571_200_000_000  # Monday 2026-01-05
DAY_US = 86_400_000_000
SCOPE = "https://api.businesscentral.dynamics.com/.default"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.us = START_US

    def now(self) -> int:
        return self.us


def keyed_draw(stream: str, *key: str | int) -> float:
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


_OUTBOXES: list["Posted"] = []


@pytest.fixture(autouse=True)
def _nothing_left_to_send() -> Iterator[None]:
    """What a test never let go out is closed with it: found later, it would be another test's warning."""
    yield
    while _OUTBOXES:
        _OUTBOXES.pop().close()


class Posted:
    """The outbox of the world: what was posted where. Handshakes are confirmed unless told otherwise."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.handshakes: list[str] = []
        self.statuses: list[int] = []
        self.confirms = True
        self._waiting: list[Coroutine[Any, Any, None]] = []
        _OUTBOXES.append(self)

    def close(self) -> None:
        """Nothing goes out any more."""
        while self._waiting:
            self._waiting.pop().close()

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        token = dict(parse_qsl(urlsplit(url).query)).get("validationToken")
        if token is not None:
            self.handshakes.append(url)
            return 200, token.encode() if self.confirms else b"no"
        self.sent.append(json.loads(body))
        return (self.statuses.pop(0) if self.statuses else 200), b""

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._waiting.append(work)

    def deliver(self) -> list[dict[str, Any]]:
        """Let everything go out; the notices, in order."""
        while self._waiting:
            asyncio.run(self._waiting.pop(0))
        return [notice for body in self.sent for notice in body["value"]]


def _cased(response: Response) -> Response:
    """Header names as a direct call has them."""
    names = {"etag": "ETag", "location": "Location", "retry-after": "Retry-After", "content-type": "Content-Type"}
    headers = {names.get(name.lower(), name): value for name, value in response.headers.items()}
    return Response(response.status, response.body, headers)


class Company:
    """One company, and what a test does with it."""

    def __init__(self, config: BusinessCentralConfig | None = None, transport: str = "direct") -> None:
        self.transport = transport
        self.clock = Clock()
        self.posted = Posted()
        self.slept: list[float] = []

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            self.clock.us += round(seconds * 1e6)

        self.world = World(self.clock, keyed_draw, sleep, self.posted.spawn, self.posted.post)
        self.dialect: BusinessCentralDialect = make(self.world, config)
        self.server = MockServer("erp", self.dialect, self.world)
        self.app = MockApp(self.server, "control")
        self.core = self.dialect.core
        self.root = self.dialect.config.root
        self.cid = self.dialect.company_id
        self.token = self.dialect.login.issue(self.dialect.config.apps[0], self.clock.us)

    def send(self, request: Request) -> Response:
        if self.transport == "direct":
            return asyncio.run(self.server.call(request))
        if self.transport == "asgi":
            return _cased(asyncio.run(call_asgi(self.app, request)))
        return _cased(asyncio.run(self._over_socket(request)))

    async def _over_socket(self, request: Request) -> Response:
        async with LiveServer(self.app) as listening, httpx.AsyncClient(verify=False, trust_env=False) as client:
            url = f"{listening.url}{quote(request.path, safe='/$()')}"
            url += f"?{urlencode(request.query)}" if request.query else ""
            answer = await client.request(request.method, url, headers=request.headers, content=request.body)
            return Response(answer.status_code, answer.content, dict(answer.headers))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """One call below the company, or at an absolute path; header names with underscores for hyphens."""
        split = urlsplit(path)
        target = unquote(split.path)
        if not target.startswith("/"):
            target = f"{self.root}/companies({self.cid})/{target}"
        sent = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        return self.send(Request(method, target, query, sent, data))

    def get(self, path: str, **headers: str) -> Any:
        answer = self.call("GET", path, **headers)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def rows(self, path: str) -> list[dict[str, Any]]:
        return list(self.get(path)["value"])

    def post(self, path: str, body: Any) -> dict[str, Any]:
        answer = self.call("POST", path, body)
        assert answer.status == 201, answer.body
        return dict(json.loads(answer.body))

    def patch(self, path: str, body: Any, etag: str = "*") -> dict[str, Any]:
        answer = self.call("PATCH", path, body, if_match=etag)
        assert answer.status == 200, answer.body
        return dict(json.loads(answer.body))

    def act(self, path: str) -> None:
        answer = self.call("POST", path)
        assert (answer.status, answer.body) == (204, b""), answer.body

    def refusal(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str, str]:
        """A call that must fail: status, code, message without its correlation id."""
        answer = self.call(method, path, {} if body is None and method != "GET" else body, **headers)
        assert answer.status >= 400, answer
        error = json.loads(answer.body)["error"]
        message, mark, _ = error["message"].partition("  CorrelationId:  ")
        assert mark
        return answer.status, error["code"], message

    # --- a business to work with -----------------------------------------------------------------

    def item(self, sku: str = "WIDGET", on_hand: int = 100, price_minor: int = 2500) -> str:
        return self.core.add_item(sku, sku.title(), price_minor, 1000, "USD", on_hand).sku

    def customer(self, number: str = "C100", **fields: Any) -> dict[str, Any]:
        return self.post("customers", {"number": number, "displayName": "Acme", **fields})

    def order(self, *lines: tuple[str, int], customer: str = "C100", **fields: Any) -> dict[str, Any]:
        rows = [{"lineType": "Item", "lineObjectNumber": sku, "quantity": quantity} for sku, quantity in lines]
        return self.post("salesOrders", {"customerNumber": customer, "salesOrderLines": rows, **fields})

    def lines(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        return self.rows(f"salesOrders({order['id']})/salesOrderLines")

    def invoice(self, sku: str, quantity: int = 1, customer: str = "C100", **fields: Any) -> dict[str, Any]:
        """An order shipped and invoiced at once; its invoice."""
        order = self.order((sku, quantity), customer=customer, **fields)
        self.act(f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice")
        (invoice,) = self.rows(f"salesInvoices?$filter=orderNumber eq '{order['number']}'")
        return invoice

    def journal(self, code: str = "PAYMENT") -> str:
        (journal,) = self.rows(f"customerPaymentJournals?$filter=code eq '{code}'")
        return str(journal["id"])


@pytest.fixture(params=["direct", "asgi", "socket"])
def company(request: pytest.FixtureRequest) -> Company:
    """An online environment with one app, reached in each way there is."""
    made = Company(transport=request.param)
    made.item()
    made.customer()
    return made


@pytest.fixture(scope="session")
def new_company() -> type[Company]:
    """For companies that are set up in another way: ``new_company(BusinessCentralConfig(...))``."""
    return Company

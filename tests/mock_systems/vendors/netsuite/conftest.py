"""A NetSuite account in a world whose clock moves only when told, and a client that signs as RFC 5849 says."""

import asyncio
import hashlib
import json
from collections.abc import Coroutine
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client

from o2c_twin.mock_systems.vendors.netsuite import NetSuiteConfig, NetSuiteDialect, make
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

START_US = 1_767_571_200_000_000  # Monday 2026-01-05
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
RECORDS = "/services/rest/record/v1"
SUITEQL = "/services/rest/query/v1/suiteql"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.us = START_US

    def now(self) -> int:
        return self.us


def keyed_draw(stream: str, *key: str | int) -> float:
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


class Posted:
    """The outbox of the world: what was posted where; the answers are 200 unless told otherwise."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.status = 200
        self._waiting: list[Coroutine[Any, Any, None]] = []

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.sent.append((url, headers, json.loads(body)))
        return self.status, b""

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._waiting.append(work)

    def deliver(self) -> list[dict[str, Any]]:
        """Let everything go out; the notices, in order."""
        while self._waiting:
            asyncio.run(self._waiting.pop(0))
        return [body for _, _, body in self.sent]


class Account:
    """One account, and what a test does with it. ``call`` signs; the rest are the words of the trade."""

    def __init__(self, config: NetSuiteConfig | None = None) -> None:
        self.clock = Clock()
        self.posted = Posted()

        async def sleep(seconds: float) -> None:
            self.clock.us += round(seconds * 1e6)

        self.world = World(self.clock, keyed_draw, sleep, self.posted.spawn, self.posted.post)
        self.dialect: NetSuiteDialect = make(self.world, config)
        self.server = MockServer("erp", self.dialect, self.world)
        self.core = self.dialect.core
        self._nonces = 0

    def authorization(self, method: str, path: str, query: dict[str, str] | None = None, **client: Any) -> str:
        """The Authorization header, made by oauthlib; ``client`` replaces arguments of its Client."""
        self._nonces += 1
        ours = self.dialect.config.integrations[0]
        arguments = {
            "client_key": ours.consumer_key,
            "client_secret": ours.consumer_secret,
            "resource_owner_key": ours.token_id,
            "resource_owner_secret": ours.token_secret,
            "signature_method": SIGNATURE_HMAC_SHA256,
            "realm": self.dialect.config.account,
            "timestamp": str(self.clock.us // 1_000_000),
            "nonce": f"nonce{self._nonces}",
            **client,
        }
        url = "http://localhost" + quote(path, safe="/:!") + (f"?{urlencode(query)}" if query else "")
        _, headers, _ = Client(**arguments).sign(url, method)
        return str(headers["Authorization"])

    def send(self, request: Request) -> Response:
        return asyncio.run(self.server.call(request))

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: dict[str, str] | None = None,
        **headers: str,
    ) -> Response:
        """One signed call; header names with underscores for hyphens. ``path`` is below the record service or whole."""
        path = path if path.startswith("/services") else f"{RECORDS}/{path}"
        signed = {"authorization": self.authorization(method, path, query)}
        signed.update({name.replace("_", "-"): value for name, value in headers.items()})
        data = b"" if body is None else json.dumps(body).encode()
        return self.send(Request(method, path, query or {}, signed, data))

    def get(self, path: str, **query: str) -> Any:
        answer = self.call("GET", path, None, query)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def write(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None) -> str:
        """A write that must succeed; the id in its Location."""
        answer = self.call(method, path, {} if body is None else body, query)
        assert (answer.status, answer.body) == (204, b""), answer.body
        return answer.headers["Location"].rpartition("/")[2]

    def refusal(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str, str]:
        """A call that must fail: status, error code and detail."""
        answer = self.call(method, path, {} if body is None else body, **headers)
        assert answer.status >= 400, answer
        error = json.loads(answer.body)
        assert error["status"] == answer.status
        assert answer.headers["Content-Type"] == "application/vnd.oracle.resource+json; type=error"
        detail = error["o:errorDetails"][0]
        return answer.status, detail["o:errorCode"], detail["detail"]

    def select(self, q: str, limit: int = 1000, offset: int = 0) -> list[dict[str, Any]]:
        answer = self.call("POST", SUITEQL, {"q": q}, {"limit": str(limit), "offset": str(offset)}, prefer="transient")
        assert answer.status == 200, answer.body
        return list(json.loads(answer.body)["items"])

    # --- a business to work with -----------------------------------------------------------------

    def item(self, sku: str = "WIDGET", on_hand: int = 100, price_minor: int = 2500) -> str:
        return self.core.add_item(sku, sku.title(), price_minor, 1000, "USD", on_hand).id

    def customer(self, name: str = "Acme", **fields: Any) -> str:
        return self.write("POST", "customer", {"companyName": name, **fields})

    def order(self, customer: str, *lines: tuple[str, int, float], **fields: Any) -> str:
        rows = [{"item": {"id": item}, "quantity": quantity, "rate": rate} for item, quantity, rate in lines]
        return self.write("POST", "salesOrder", {"entity": {"id": customer}, "item": {"items": rows}, **fields})

    def invoice(self, customer: str, item: str, amount: float, **fields: Any) -> str:
        """An order of one piece at that price, shipped and billed."""
        order = self.order(customer, (item, 1, amount))
        self.write("POST", f"salesOrder/{order}/!transform/itemFulfillment")
        return self.write("POST", f"salesOrder/{order}/!transform/invoice", fields)


@pytest.fixture
def account() -> Account:
    """A standard account with one integration."""
    return Account()


@pytest.fixture(scope="session")
def new_account() -> type[Account]:
    """For accounts that are set up in another way: ``new_account(NetSuiteConfig(...))``."""
    return Account

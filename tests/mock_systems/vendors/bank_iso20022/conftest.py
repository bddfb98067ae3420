"""A bank with one account, its clock in our hands, called without a transport."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from o2c_twin.mock_systems.roles.bank import Entry, Statement
from o2c_twin.mock_systems.vendors.bank_iso20022 import BankConfig, make
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

MONDAY = date(2026, 3, 2)
IBAN = "DE02500105170000000042"


def us(day: date, hour: int = 12) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp()) * 1_000_000


class Bank:
    """The bank's server, its account, and what a subscriber received."""

    def __init__(self, config: BankConfig) -> None:
        self.now_us = us(MONDAY)
        self.tasks: list[asyncio.Task[None]] = []
        self.received: list[tuple[int, dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.world = World(self, lambda *key: 0.5, self.sleep, self._spawn, self._post)
        self.dialect = make(self.world, config)
        self.account = self.dialect.core.open_account(IBAN, "EUR", "Nordwind Handel & Söhne GmbH")
        self.server = MockServer("bank", self.dialect, self.world)
        self.token = ""

    def now(self) -> int:
        return self.now_us

    async def sleep(self, seconds: float) -> None:
        self.now_us += round(seconds * 1e6)

    def _spawn(self, work: Any, name: str) -> object:
        asyncio.run(work)
        return None

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.received.append((self.now_us, headers, body))
        return (self.statuses.pop(0) if self.statuses else 200), b""

    def credit(self, amount_minor: int, text: str = "INV1001", **fields: Any) -> Entry:
        details = {"end_to_end_id": "INV1001", "counterparty": "Kunde AG", "counterparty_iban": None, **fields}
        return self.dialect.core.credit(self.account.id, amount_minor, remittance=(text,), **details)

    def close(self, day: date) -> Statement:
        self.now_us = us(day, 20)
        (statement,) = self.dialect.core.close_day(day)
        self.log_in()  # the token of the morning has run out
        return statement

    def call(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, login: bool = True
    ) -> Response:
        path, _, query = path.partition("?")
        sent = {"authorization": f"Bearer {self.token}"} if login else {}
        request = Request(method, path, dict(parse_qsl(query)), {**sent, **(headers or {})}, body)
        return asyncio.run(self.server.call(request))

    def log_in(self) -> "Bank":
        config = self.dialect.config
        form = urlencode(
            {
                "grant_type": "client_credentials",
                "client_id": config.client_id,
                "client_secret": config.client_secret,
            }
        )
        self.token = json.loads(self.call("POST", "/oauth2/token", form.encode(), login=False).body)["access_token"]
        return self

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    @property
    def statements(self) -> str:
        return f"/v1/accounts/{self.account.id}/statements"


@pytest.fixture
def open_bank() -> Callable[..., Bank]:
    """``open_bank(**config)`` gives a bank to which a client has logged in."""
    return lambda **config: Bank(BankConfig(**config)).log_in()


@pytest.fixture
def bank(open_bank: Callable[..., Bank]) -> Bank:
    return open_bank()

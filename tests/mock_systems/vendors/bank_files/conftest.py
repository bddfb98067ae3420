"""A bank that delivers files, its clock in our hands, called without a transport."""

import asyncio
import base64
import importlib.util
import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from o2c_twin.mock_systems.roles.bank import Entry, Statement
from o2c_twin.mock_systems.vendors.bank_files import BankFilesConfig, make
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

MONDAY = date(2026, 3, 2)
IBAN = "DE02500105170000000042"


def us(day: date, hour: int = 12) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp()) * 1_000_000


class Bank:
    """The bank's server, its account, and what a subscriber received."""

    def __init__(self, config: BankFilesConfig) -> None:
        self.now_us = us(MONDAY)
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.world = World(self, lambda *key: 0.5, self.sleep, self._spawn, self._post)
        self.dialect = make(self.world, config)
        self.account = self.dialect.core.open_account(IBAN, "EUR", "Nordwind Handel & Söhne GmbH")
        self.server = MockServer("files", self.dialect, self.world)
        self.login = f"{config.login}:{config.password}"

    def now(self) -> int:
        return self.now_us

    async def sleep(self, seconds: float) -> None:
        self.now_us += round(seconds * 1e6)

    def _spawn(self, work: Any, name: str) -> object:
        asyncio.run(work)
        return None

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.received.append((headers, body))
        return 200, b""

    def credit(self, amount_minor: int, text: str = "INV1001", **fields: Any) -> Entry:
        details = {"end_to_end_id": "INV1001", "counterparty": "Kunde AG", "counterparty_iban": None, **fields}
        return self.dialect.core.credit(self.account.id, amount_minor, remittance=(text,), **details)

    def close(self, day: date) -> Statement:
        self.now_us = max(self.now_us, us(day, 20))
        (statement,) = self.dialect.core.close_day(day)
        return statement

    def call(self, method: str, path: str, body: Any = None, login: str | None = None) -> Response:
        path, _, query = path.partition("?")
        credentials = base64.b64encode((login or self.login).encode()).decode()
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Basic {credentials}"}
        return asyncio.run(self.server.call(Request(method, path, dict(parse_qsl(query)), headers, raw)))

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def files(self, query: str = "") -> list[dict[str, Any]]:
        return self.get(f"/v1/files?{query}")["files"]


@pytest.fixture
def open_bank() -> Callable[..., Bank]:
    return lambda **config: Bank(BankFilesConfig(**config))


@pytest.fixture
def bank(open_bank: Callable[..., Bank]) -> Bank:
    return open_bank()


# The strategies are needed where tests are collected, before any fixture.
_spec = importlib.util.spec_from_file_location("bank_statements", Path(__file__).with_name("statements.py"))
assert _spec is not None and _spec.loader is not None
sys.modules["bank_statements"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules["bank_statements"])

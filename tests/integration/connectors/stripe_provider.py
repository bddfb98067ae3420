"""A Stripe account in a virtual world, and the engine's connector to it."""

import asyncio
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from o2c_twin.integration.connectors.stripe import StripePayments
from o2c_twin.integration.model import Party, PaymentClaim
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.mock_systems.vendors.stripe import StripeConfig, make
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch
from o2c_twin.twin.transport import direct

START = epoch(datetime(2026, 3, 2, 10, tzinfo=UTC))
DAY = 86_400
ACME = Party("A1", "Acme", "K-1", "ap@acme.example")
LIVE = StripeConfig(livemode=True)


class Provider:
    """A Stripe account in a virtual world, and the engine's connector to it."""

    def __init__(self, way="page", config=LIVE, latency=None):
        self.env = TwinEnvironment()
        self.clock = TwinClock(self.env, START)
        self.posted = []
        self.pushed = []
        self.answer = 200
        world = World(self.clock, lambda *key: 0.5, asyncio.sleep, self.env.spawn, self._post)
        self.dialect = make(world, config)
        self.core = self.dialect.core
        self.server = MockServer("payments", self.dialect, world, latency=latency)
        self.http = direct({"payments": self.server}, asyncio.sleep)
        self.connector = self.connect(way)

    def connect(self, way="page", key=None):
        config = self.dialect.config
        return StripePayments(
            "payments",
            "https://api.stripe.example",
            self.http,
            self.clock,
            key or config.secret_key,
            config.webhook_secret,
            way,
        )

    async def _post(self, url, headers, body):
        low = {name.lower(): value for name, value in headers.items()}
        self.posted.append((low, body))
        self.pushed += self.connector.pushed(body, low)[0]
        return self.answer, b""

    def do(self, work):
        return self.env.aio.run_until_complete(work)

    def wait(self, seconds=0.0, days=0.0):
        self.env.run(until=self.env.now + round((seconds + days * DAY) * 1_000_000))

    def failure(self, work):
        with pytest.raises(CallFailed) as caught:
            self.do(work)
        return caught.value

    def payer(self, party=ACME, key="payer:A1"):
        return self.do(self.connector.put_payer(party, key, "payer:A1"))

    def claim(self, payer, number="INV1", amount=10_000, currency="EUR"):
        return PaymentClaim(number, payer, amount, currency, "2026-04-01")

    def collect(self, payer, number="INV1", amount=10_000, currency="EUR"):
        claim = self.claim(payer, number, amount, currency)
        return self.do(self.connector.collect(claim, f"collect:{number}", f"collect:{number}"))

    def payment(self, id_):
        return self.do(self.connector.payment(id_))

    def charge_of(self, payment_id):
        return self.core.state.payments[payment_id].charge_ids[-1]


@contextmanager
def providers():
    """A function that founds a `Provider`; all are closed at the end."""
    made = []

    def found(*args, **fields):
        made.append(Provider(*args, **fields))
        return made[-1]

    yield found
    for each in made:
        each.env.close()

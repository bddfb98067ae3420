"""A HubSpot portal in virtual time, people who work on it, and the engine's connector."""

import hashlib
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from o2c_twin.integration.connectors.hubspot import HubSpotCrm
from o2c_twin.integration.connectors.hubspot_login import PrivateApp, PublicApp
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.mock_systems.vendors.hubspot import HubSpotConfig, Subscription, make
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch
from o2c_twin.twin.transport import direct

START = epoch(datetime(2026, 1, 5, tzinfo=UTC))
SECOND = 1_000_000
PUSH_URL = "https://engine.example/webhooks/crm"
SUBSCRIPTIONS = (
    Subscription("deal.associationChange"),
    Subscription("deal.propertyChange", "dealstage"),
    Subscription("company.creation"),
    Subscription("company.propertyChange", "name"),
    Subscription("company.propertyChange", "credit_limit"),
)


def keyed_draw(stream, *key):
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


class Portal:
    """A portal in virtual time, people who work on it, and a connector."""

    def __init__(self, **settings):
        self.env = TwinEnvironment()
        self.clock = TwinClock(self.env, START)
        self.pushes = []
        self._tasks = []
        world = World(self.clock, keyed_draw, self.env.aio.sleep, self._spawn, self._post)
        self.config = HubSpotConfig(**settings)
        self.dialect = make(world, self.config)
        self.core = self.dialect.core
        self.server = MockServer("crm", self.dialect, world)
        self.http = direct({"crm": self.server}, self.env.aio.sleep)
        public = PublicApp(self.config.client_id, self.config.client_secret, self.config.refresh_token)
        self.crm = self.connect(public if self.config.app == "public" else PrivateApp(self.config.access_token))
        self.product = self.core.create("product", {"code": "WIDGET", "name": "Widget", "price_minor": 1_999})

    def connect(self, app, http=None):
        secret = self.config.client_secret
        return HubSpotCrm("crm", "https://crm.test", http or self.http, self.clock, app, secret, lambda: PUSH_URL)

    def _spawn(self, work, name):
        self._tasks.append(self.env.spawn(work, name))
        return self._tasks[-1]

    async def _post(self, url, headers, body):
        self.pushes.append((body, headers))
        return 200, b""

    def do(self, work):
        """Run one coroutine to its end; its result."""
        return self.env.aio.run_until_complete(work)

    def later(self, seconds):
        self.env.run(until=self.env.now + round(seconds * SECOND))

    def failure(self, work):
        with pytest.raises(CallFailed) as caught:
            self.do(work)
        return caught.value

    # --- people -------------------------------------------------------------------------------------

    def company(self, name="Acme", **custom):
        values = {"customer_number": f"K-{name}", "payment_terms_days": 45, "credit_limit": 5_000, **custom}
        return self.core.create("account", {"name": name}, values).id

    def open_deal(self, company, lines=1, **custom):
        custom = {"po_number": "PO-1", "deal_ref": f"D-{self.core.state.numbers.last.get('opportunity', 0)}", **custom}
        values = {"name": "Deal", "stage": "Negotiation/Review", "close_date": "2026-01-05", "account_id": company}
        deal = self.core.create("opportunity", values, custom).id
        for n in range(lines):
            line = {"opportunity_id": deal, "product_id": self.product.id, "quantity": n + 1, "unit_price_minor": 1_950}
            self.core.create("line", line)
        return deal

    def win(self, company, lines=1, **custom):
        deal = self.open_deal(company, lines, **custom)
        self.core.update("opportunity", deal, {"stage": "Closed Won"})
        return deal

    def close(self):
        for task in self._tasks:
            task.cancel()
        self.env.close()


@contextmanager
def portals():
    """A function that opens a `Portal`; all are closed at the end."""
    opened = []

    def found(**settings):
        opened.append(Portal(**settings))
        return opened[-1]

    yield found
    for portal in opened:
        portal.close()

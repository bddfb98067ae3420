"""Webhooks: events gathered for some seconds, signed as a whole, retried eight times at growing gaps.

Signature: hex HMAC-SHA256 of the raw body in ``Webhook-Signature`` (vendor's client libraries). Retries: support
page "Webhook retries / failures": up to 8, after 1, 2, 10 minutes "etc."; the later gaps are assumed.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import msgspec

from o2c_twin.mock_systems.roles.direct_debit import Happening
from o2c_twin.mock_systems.vendors.gocardless import shapes
from o2c_twin.mock_systems.vendors.gocardless.config import WebhookEndpoint
from o2c_twin.mock_systems.vendors.gocardless.values import stamp
from o2c_twin.mock_systems.wire.faults import FaultPlan
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.webhooks import DeliveryRules, Outcome, WebhookSender

ATTEMPTS_S = (0.0, 60.0, 120.0, 600.0, 1_800.0, 3_600.0, 10_800.0, 21_600.0, 43_200.0)
MOST_EVENTS = 250
_KEPT = 2_000
_ORIGINS = {"sandbox": "https://api-sandbox.gocardless.com", "live": "https://api.gocardless.com"}
_ENCODE = msgspec.json.Encoder().encode


class Webhook(msgspec.Struct):
    """One webhook: what was sent, and the answer to its last attempt."""

    id: str
    created_at: int
    url: str
    body: bytes
    signature: str
    about: str
    successful: bool = False
    response_code: int | None = None
    response_body: str | None = None

    def shape(self) -> dict[str, Any]:
        """As ``GET /webhooks`` shows it."""
        return {
            "id": self.id,
            "created_at": stamp(self.created_at),
            "is_test": False,
            "url": self.url,
            "request_headers": {"Content-Type": "application/json", "Webhook-Signature": self.signature},
            "request_body": self.body.decode(),
            "response_code": self.response_code,
            "response_headers": {},
            "response_headers_content_truncated": False,
            "response_headers_count_truncated": False,
            "response_body": self.response_body,
            "response_body_truncated": False,
            "successful": self.successful,
        }


class Pushes:
    """The webhook endpoints of one account.

    ``faults`` gives the fault plan of the server that serves the account; until there is one, nothing is sent.
    """

    def __init__(
        self,
        world: World,
        names: Callable[[str, int], str],
        environment: str,
        delay_s: float,
        faults: Callable[[], FaultPlan | None],
    ) -> None:
        self._world = world
        self._names = names
        self._origin = _ORIGINS[environment]
        self._delay_s = delay_s
        self._faults = faults
        self._gathered: list[tuple[str, Happening]] = []
        self._flushing = False
        self.endpoints: list[tuple[WebhookEndpoint, Outcome]] = []
        self.webhooks: dict[str, Webhook] = {}
        self.count = 0

    def subscribe(self, endpoint: WebhookEndpoint) -> Outcome:
        """Send events to an endpoint from now on; gives the counts of its deliveries."""
        for known, outcome in self.endpoints:
            if known == endpoint:
                return outcome
        self.endpoints.append((endpoint, Outcome()))
        return self.endpoints[-1][1]

    def heed(self, event_id: str, happening: Happening) -> None:
        """Gather one event; what is gathered is sent a few seconds after the first."""
        if not self.endpoints or self._faults() is None:
            return
        self._gathered.append((event_id, happening))
        if not self._flushing:
            self._flushing = True
            self._world.spawn(self._flush(), f"gocardless.webhooks.{event_id}")

    async def _flush(self) -> None:
        if self._delay_s:
            await self._world.sleep(self._delay_s)
        self._flushing = False
        gathered, self._gathered = self._gathered, []
        for start in range(0, len(gathered), MOST_EVENTS):
            part = gathered[start : start + MOST_EVENTS]
            for endpoint, outcome in self.endpoints:
                self._send_new(endpoint, outcome, part)

    def _send_new(self, endpoint: WebhookEndpoint, outcome: Outcome, events: list[tuple[str, Happening]]) -> None:
        self.count += 1
        id_ = self._names("webhook", self.count)
        rows = [shapes.event(event_id, happening) for event_id, happening in events]
        body = _ENCODE({"events": rows, "meta": {"webhook_id": id_}})
        signature = hmac.new(endpoint.secret.encode(), body, hashlib.sha256).hexdigest()
        first = events[0][1]
        about = first.about.get("invoice_number") or first.id
        webhook = Webhook(id_, self._world.clock.now(), endpoint.url, body, signature, f"{about}/{first.action}")
        self.webhooks[id_] = webhook
        while len(self.webhooks) > _KEPT:
            del self.webhooks[next(iter(self.webhooks))]
        self._send(webhook, outcome, ATTEMPTS_S)

    def send_again(self, webhook: Webhook) -> None:
        """Send a webhook once more, at once."""
        outcome = next((known for endpoint, known in self.endpoints if endpoint.url == webhook.url), Outcome())
        self._send(webhook, outcome, ATTEMPTS_S)

    def _send(self, webhook: Webhook, outcome: Outcome, attempts: tuple[float, ...]) -> None:
        faults = self._faults()
        if faults is None:
            return

        def noted(status: int, body: bytes) -> bool:
            webhook.response_code = status or None
            webhook.response_body = body[:1_000].decode("utf-8", "replace")
            webhook.successful = 200 <= status < 300
            return webhook.successful

        headers = {
            "content-type": "application/json",
            "origin": self._origin,
            "user-agent": "gocardless-webhook-service/1.1",
            "webhook-signature": webhook.signature,
        }
        rules = DeliveryRules(attempts, lambda body, now: headers, noted, "support page; later gaps assumed")
        sender = WebhookSender("gocardless", webhook.url, rules, self._world, faults, outcome)
        sender.send("events", webhook.about, webhook.body)

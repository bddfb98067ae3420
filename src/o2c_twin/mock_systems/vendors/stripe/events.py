"""Events: what happened as a snapshot at that moment, kept for 30 days, and sent to webhook endpoints.

Names and fields: API reference, "Events"; delivery: docs.stripe.com/webhooks.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from o2c_twin.mock_systems.roles.billing import BillingCore, Happening
from o2c_twin.mock_systems.vendors.stripe.config import StripeConfig
from o2c_twin.mock_systems.vendors.stripe.finding import Finder
from o2c_twin.mock_systems.vendors.stripe.ids import Ids
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape
from o2c_twin.mock_systems.vendors.stripe.versions import Version, version
from o2c_twin.mock_systems.wire.faults import FaultPlan
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.webhooks import DeliveryRules, Outcome, WebhookSender

KEPT_S = 30 * 86_400
_SWEEP_US = 86_400_000_000
LIVE_ATTEMPTS_S = (0.0, 60.0, 180.0, 540.0, 1_620.0, 4_860.0, 14_580.0, 43_740.0, 131_220.0)
"""Nine attempts, each wait three times the last, 54 hours in all. Documented: exponential back-off for up to three
days; the single waits are assumed, Stripe publishes none."""
SANDBOX_ATTEMPTS_S = (0.0, 300.0, 3_600.0, 10_800.0)
"""Documented: three retries over a few hours; the single waits are assumed."""
TYPES = {
    ("customer", "created"): "customer.created",
    ("customer", "updated"): "customer.updated",
    ("customer", "deleted"): "customer.deleted",
    ("instrument", "attached"): "payment_method.attached",
    ("instrument", "detached"): "payment_method.detached",
    ("line", "created"): "invoiceitem.created",
    ("line", "deleted"): "invoiceitem.deleted",
    ("invoice", "created"): "invoice.created",
    ("invoice", "updated"): "invoice.updated",
    ("invoice", "deleted"): "invoice.deleted",
    ("invoice", "finalised"): "invoice.finalized",
    ("invoice", "sent"): "invoice.sent",
    ("invoice", "paid"): "invoice.paid",
    ("invoice", "payment-succeeded"): "invoice.payment_succeeded",
    ("invoice", "payment-failed"): "invoice.payment_failed",
    ("invoice", "action-needed"): "invoice.payment_action_required",
    ("invoice", "overdue"): "invoice.overdue",
    ("invoice", "overpaid"): "invoice.overpaid",
    ("invoice", "voided"): "invoice.voided",
    ("invoice", "written-off"): "invoice.marked_uncollectible",
    ("invoice-payment", "paid"): "invoice_payment.paid",
    ("payment", "created"): "payment_intent.created",
    ("payment", "processing"): "payment_intent.processing",
    ("payment", "needs-action"): "payment_intent.requires_action",
    ("payment", "partly-funded"): "payment_intent.partially_funded",
    ("payment", "capturable"): "payment_intent.amount_capturable_updated",
    ("payment", "succeeded"): "payment_intent.succeeded",
    ("payment", "failed"): "payment_intent.payment_failed",
    ("payment", "cancelled"): "payment_intent.canceled",
    ("charge", "pending"): "charge.pending",
    ("charge", "succeeded"): "charge.succeeded",
    ("charge", "failed"): "charge.failed",
    ("charge", "captured"): "charge.captured",
    ("charge", "refunded"): "charge.refunded",
    ("charge", "updated"): "charge.updated",
    ("dispute", "created"): "charge.dispute.created",
    ("dispute", "updated"): "charge.dispute.updated",
    ("dispute", "closed"): "charge.dispute.closed",
    ("dispute", "withdrawn"): "charge.dispute.funds_withdrawn",
    ("dispute", "reinstated"): "charge.dispute.funds_reinstated",
    ("refund", "created"): "refund.created",
    ("refund", "updated"): "refund.updated",
    ("refund", "failed"): "refund.failed",
    ("credit-note", "created"): "credit_note.created",
    ("credit-note", "updated"): "credit_note.updated",
    ("credit-note", "voided"): "credit_note.voided",
    ("payout", "created"): "payout.created",
    ("payout", "updated"): "payout.updated",
    ("payout", "paid"): "payout.paid",
    ("payout", "failed"): "payout.failed",
    ("payout", "cancelled"): "payout.canceled",
    ("payout", "reconciled"): "payout.reconciliation_completed",
    ("cash", "funds-available"): "cash_balance.funds_available",
    ("cash-entry", "created"): "customer_cash_balance_transaction.created",
    ("clock", "created"): "test_helpers.test_clock.created",
    ("clock", "advancing"): "test_helpers.test_clock.advancing",
    ("clock", "ready"): "test_helpers.test_clock.ready",
    ("clock", "deleted"): "test_helpers.test_clock.deleted",
}
"""Our names of happenings, by kind of record, and Stripe's types of events."""
KNOWN_TYPES = frozenset(TYPES.values())
_JSON = msgspec.json.Encoder()


class Event(msgspec.Struct, gc=False):
    """One event, rendered in the account's API version; ``data`` is JSON."""

    id: str
    type: str
    created_at: int
    object_id: str
    request_id: str | None
    key: str | None
    endpoints: int
    data: bytes


class Endpoint(msgspec.Struct, gc=False):
    """A webhook endpoint. While a secret is being rolled, the old one signs as well until ``old_until``."""

    id: str
    created_at: int
    url: str
    events: tuple[str, ...]
    secret: str
    api_version: str | None = None
    description: str | None = None
    metadata: dict[str, str] = {}
    enabled: bool = True
    old_secret: str | None = None
    old_until: int = 0

    def wants(self, type_: str) -> bool:
        """Whether it listens to that type."""
        return self.enabled and ("*" in self.events or type_ in self.events)


class EventState(msgspec.Struct):
    """What a snapshot keeps of the feed."""

    number: int = 0
    endpoint_number: int = 0
    events: dict[str, Event] = {}
    last: dict[str, str] = {}
    endpoints: dict[str, Endpoint] = {}


class Events:
    """The feed of one account. ``faults`` gives the plan of the server, once there is one."""

    def __init__(
        self,
        world: World,
        config: StripeConfig,
        core: BillingCore,
        finder: Finder,
        ids: Ids,
        faults: Callable[[], FaultPlan | None],
    ) -> None:
        self._world = world
        self._config = config
        self._core = core
        self._finder = finder
        self._ids = ids
        self._faults = faults
        self._version = version(config.api_version)
        self.state = EventState()
        self._swept_at = 0
        self.request_id: str | None = None
        self.key: str | None = None
        self._senders: dict[str, WebhookSender] = {}
        core.listeners.append(self.heed)

    # --- what happens ------------------------------------------------------------------------------

    def heed(self, happening: Happening) -> None:
        """Make the event of a happening, keep it, and send it."""
        type_ = TYPES.get((happening.kind, happening.name))
        shown = self._shown(happening, self._version)
        if type_ is None or shown is None:
            return
        state = self.state
        state.number += 1
        data: Shape = {"object": shown}
        object_id = happening.id
        if happening.what == "updated":
            data["previous_attributes"] = self._previous(object_id, shown)
        listening = [endpoint for endpoint in state.endpoints.values() if endpoint.wants(type_)]
        event = Event(
            self._ids.spell("event", state.number),
            type_,
            happening.at,
            object_id,
            self.request_id,
            self.key,
            len(listening),
            _JSON.encode(data),
        )
        state.events[event.id] = event
        state.last[object_id] = event.id
        self._forget(happening.at)
        for endpoint in listening:
            self._send(endpoint, event, happening, _business_key(shown, object_id))

    def _shown(self, happening: Happening, as_of: Version) -> Shape | None:
        if happening.kind == "cash":
            return self._finder.shapes.cash_balance(self._core.state.customers[happening.id])
        return self._finder.show(happening.id, as_of)

    def _previous(self, object_id: str, shown: Shape) -> Shape:
        last = self.state.events.get(self.state.last.get(object_id, ""))
        if last is None:
            return {}
        before = msgspec.json.decode(last.data)["object"]
        now = msgspec.json.decode(_JSON.encode(shown))
        return {name: value for name, value in before.items() if name in now and now[name] != value}

    def _forget(self, now: int) -> None:
        # All at once and seldom: a dict whose head is taken away key by key is slow to find its next.
        if now < self._swept_at + _SWEEP_US:
            return
        self._swept_at = now
        oldest = now - KEPT_S * 1_000_000
        state = self.state
        state.events = {id_: event for id_, event in state.events.items() if event.created_at >= oldest}
        state.last = {object_id: id_ for object_id, id_ in state.last.items() if id_ in state.events}

    def kept(self, now: int) -> Iterator[Event]:
        """The events of the last 30 days, newest first."""
        return (event for event in reversed(self.state.events.values()) if not self.is_old(event, now))

    def is_old(self, event: Event, now: int) -> bool:
        """Whether it is no longer shown."""
        return event.created_at < now - KEPT_S * 1_000_000

    def show(self, event: Event) -> Shape:
        """An event as the API shows it."""
        return {
            "id": event.id,
            "object": "event",
            "api_version": self._config.api_version,
            "created": event.created_at // 1_000_000,
            "data": msgspec.Raw(event.data),
            "livemode": self._config.livemode,
            "pending_webhooks": event.endpoints,
            "request": {"id": event.request_id, "idempotency_key": event.key},
            "type": event.type,
        }

    # --- endpoints ---------------------------------------------------------------------------------

    def add_endpoint(self, url: str, events: tuple[str, ...], secret: str = "", **fields: Any) -> Endpoint:
        """Begin to send; without a secret one is made."""
        self.state.endpoint_number += 1
        id_ = self._ids.spell("endpoint", self.state.endpoint_number)
        made = secret or f"whsec_{hashlib.sha256(f'{self._config.webhook_secret}/{id_}'.encode()).hexdigest()[:32]}"
        endpoint = Endpoint(id_, self._world.clock.now(), url, events, made, **fields)
        self.state.endpoints[id_] = endpoint
        return endpoint

    def sender(self, endpoint: Endpoint) -> WebhookSender:
        """The sender of an endpoint, with its outcome."""
        sender = self._senders.get(endpoint.id)
        if sender is None:
            id_ = endpoint.id
            attempts = LIVE_ATTEMPTS_S if self._config.livemode else SANDBOX_ATTEMPTS_S
            world = self._world

            async def post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
                known = self.state.endpoints.get(id_)
                # Documented: nothing more is sent to an endpoint that was deleted or disabled meanwhile.
                if known is None or not known.enabled:
                    return 200, b""
                return await world.post(known.url, headers, body)

            mine = World(world.clock, world.draw, world.sleep, world.spawn, post)
            rules = DeliveryRules(attempts, lambda body, now: self._sign(id_, body, now), source="docs: webhooks")
            plan = self._faults() or FaultPlan("stripe", world.draw, world.clock.now())
            sender = self._senders[id_] = WebhookSender("stripe", endpoint.url, rules, mine, plan)
        sender.faults = self._faults() or sender.faults
        return sender

    def outcome(self, endpoint: Endpoint) -> Outcome:
        """The counts of an endpoint's deliveries."""
        return self.sender(endpoint).outcome

    def _sign(self, endpoint_id: str, body: bytes, now: int) -> dict[str, str]:
        endpoint = self.state.endpoints.get(endpoint_id)
        if endpoint is None:
            return {}
        stamp = str(now // 1_000_000)
        secrets = [endpoint.secret]
        if endpoint.old_secret is not None and now < endpoint.old_until:
            secrets.append(endpoint.old_secret)
        return {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": ",".join([f"t={stamp}", *(f"v1={signature(s, stamp, body)}" for s in secrets)]),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }

    def _send(self, endpoint: Endpoint, event: Event, happening: Happening, key: str) -> None:
        shown = self.show(event)
        own = endpoint.api_version
        if own is not None and own != self._config.api_version:
            data = msgspec.json.decode(event.data)
            data["object"] = self._shown(happening, version(own))
            shown["api_version"], shown["data"] = own, data
        body = _JSON.encode(shown)
        sender = self.sender(endpoint)
        spread = self._config.webhook_spread_s
        if not spread:
            sender.send(event.type, key, body)
            return
        held = spread * self._world.draw("stripe.webhook", event.type, key)

        async def later() -> None:
            await self._world.sleep(held)
            sender.send(event.type, key, body)

        self._world.spawn(later(), f"stripe.hold.{event.id}")


def _business_key(shown: Shape, object_id: str) -> str:
    """What an event is about, in words that are the same in every run: metadata hold keys of other systems."""
    metadata = shown.get("metadata")
    return "/".join(f"{name}={metadata[name]}" for name in sorted(metadata)) if metadata else object_id


def signature(secret: str, stamp: str, body: bytes) -> str:
    """The v1 signature: HMAC-SHA256 over the time, a dot and the body."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()

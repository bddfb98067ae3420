"""Webhooks v3: events gathered into signed deliveries of up to 100, repeated until they are taken.

Sources: HubSpot developer documentation, "Webhooks" and "Validating requests" (signature v3, event fields,
association changes); ten retries within 24 hours, their waits and the fields of creations from memory.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.mock_systems.vendors.hubspot import errors
from o2c_twin.mock_systems.vendors.hubspot.config import Subscription
from o2c_twin.mock_systems.vendors.hubspot.portal import Portal
from o2c_twin.mock_systems.vendors.hubspot.records import Shape
from o2c_twin.mock_systems.vendors.hubspot.schema import TYPES, Pair
from o2c_twin.mock_systems.vendors.hubspot.values import read_millis
from o2c_twin.mock_systems.wire.faults import FaultPlan
from o2c_twin.mock_systems.wire.webhooks import DeliveryRules, Outcome, WebhookSender

MOST_EVENTS = 100
RETRIES_S = (60.0, 300.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 18_000.0, 19_800.0, 20_340.0)
"""Ten more attempts that end 24 hours after the first; how they are spread is assumed."""
_ENCODE = msgspec.json.Encoder().encode
_EVENTS = ("creation", "deletion", "propertyChange", "associationChange")
_REFERENCES = {"opportunity": "account_id", "contact": "account_id", "line": "opportunity_id"}
Json = dict[str, Any]


class Subscribed(msgspec.Struct, frozen=True):
    """One subscription of the app."""

    id: int
    event_type: str
    property_name: str
    active: bool
    created_at: int
    updated_at: int


class WebhookState(msgspec.Struct):
    """What a snapshot keeps; deliveries under way are no part of it."""

    target_url: str = ""
    most_requests: int = 10
    settings_at: int = 0
    subscriptions: dict[int, Subscribed] = {}
    last_subscription: int = 0
    last_event: int = 0


class Webhooks:
    """The app's webhooks. ``faults`` gives the plan of the server, once there is one."""

    def __init__(self, portal: Portal, faults: Callable[[], FaultPlan | None]) -> None:
        self._portal = portal
        self._faults = faults
        self._secret = portal.config.client_secret.encode()
        self._by_type: dict[str, list[Subscribed]] = {}
        self._buffer: list[Json] = []
        self._sender: WebhookSender | None = None
        self._source = ("CRM_UI", "userId:1")
        self.outcome = Outcome()
        self.state = WebhookState(settings_at=portal.born)
        if portal.config.webhook_url:
            self.aim(portal.config.webhook_url, 10)
        for each in portal.config.subscriptions:
            self.subscribe(each)

    # --- settings --------------------------------------------------------------------------------

    def aim(self, url: str, most_requests: int) -> None:
        """Send to ``url`` from now on; empty stops it."""
        self.state.target_url, self.state.most_requests = url, most_requests
        self.state.settings_at = self._portal.world.clock.now()
        self._sender = None

    def subscribe(self, wanted: Subscription, active: bool = True) -> Subscribed:
        """Begin to tell of something. Raises `ApiError` for what cannot be told."""
        singular, _, event = wanted.event_type.partition(".")
        shape = next((s for s in self._portal.shapes.values() if s.type.singular == singular), None)
        if shape is None or event not in _EVENTS or (event == "associationChange" and singular == "product"):
            known = ", ".join(f"{t.singular}.{{{'|'.join(_EVENTS)}}}" for t in TYPES)
            raise errors.bad_request(f"eventType {wanted.event_type[:60]!r} is not supported; there are: {known}")
        if (event == "propertyChange") != bool(wanted.property_name):
            raise errors.bad_request(f"{wanted.event_type}: propertyName belongs to propertyChange, and only there")
        if wanted.property_name and wanted.property_name not in shape.properties:
            raise errors.bad_request(f"{wanted.event_type}: no property {wanted.property_name}")
        state, now = self.state, self._portal.world.clock.now()
        state.last_subscription += 1
        made = Subscribed(1_000 + state.last_subscription, wanted.event_type, wanted.property_name, active, now, now)
        state.subscriptions[made.id] = made
        self.index()
        return made

    def replace(self, changed: Subscribed | None, id_: int) -> None:
        """Change a subscription, or with None drop it."""
        if changed is None:
            del self.state.subscriptions[id_]
        else:
            self.state.subscriptions[id_] = changed
        self.index()

    def index(self) -> None:
        """Find subscriptions by what they are about, after they or the state have changed."""
        self._by_type = {}
        for each in self.state.subscriptions.values():
            if each.active:
                self._by_type.setdefault(each.event_type, []).append(each)

    # --- events ----------------------------------------------------------------------------------

    @contextmanager
    def by_app(self) -> Iterator[None]:
        """Changes made inside are the app's own, and events say so."""
        self._source = ("INTEGRATION", str(self._portal.config.app_id))
        try:
            yield
        finally:
            self._source = ("CRM_UI", "userId:1")

    def heard(self, change: Change, before: Any, after: Any) -> None:
        """A record changed."""
        if not self._by_type or not self.state.target_url:
            return
        shape = self._portal.by_kind[change.kind]
        singular, id_ = shape.type.singular, int(change.id)
        if before is None and after is not None:
            for each in self._by_type.get(f"{singular}.creation", ()):
                self._tell(each, change.at, objectId=id_, changeFlag="CREATED")
        if after is None:
            for each in self._by_type.get(f"{singular}.deletion", ()):
                self._tell(each, change.at, objectId=id_, changeFlag="DELETED")
            return
        for each in self._by_type.get(f"{singular}.propertyChange", ()):
            value = self._news(shape, each.property_name, before, after)
            if value is not None:
                self._tell(each, change.at, objectId=id_, propertyName=each.property_name, propertyValue=value)
        field = _REFERENCES.get(change.kind)
        if field is not None:
            self._referred(shape, change, field, before, after)

    def _news(self, shape: Shape, name: str, before: Any, after: Any) -> str | None:
        """The new value of a property that changed; None when it did not."""
        if name not in shape.properties:
            return None
        now = shape.value(after, name)
        if now == (None if before is None else shape.value(before, name)):
            return None
        if now is not None and shape.properties[name].type == "datetime":
            return str(read_millis(now))
        return now or ""

    def _referred(self, shape: Shape, change: Change, field: str, before: Any, after: Any) -> None:
        was = None if before is None else getattr(before, field) or None
        now = getattr(after, field) or None
        if was == now:
            return
        target = "deals" if field == "opportunity_id" else "companies"
        for other, removed in ((was, True), (now, False)):
            if other is not None:
                self.linked(shape.type.name, target, change.id, other, removed, target == "companies")

    def associated(self, pair: Pair, from_id: str, to_id: str, removed: bool, primary: bool) -> None:
        """Two records were associated, or no longer are, beside the core."""
        self.linked(pair.source, pair.target, from_id, to_id, removed, primary)

    def linked(self, source: str, target: str, from_id: str, to_id: str, removed: bool, primary: bool) -> None:
        """Tell of an association in both directions, to those who asked for either."""
        if not self._by_type or not self.state.target_url:
            return
        now = self._portal.world.clock.now()
        for one, two, first, second in ((source, target, from_id, to_id), (target, source, to_id, from_id)):
            here, there = self._portal.shapes[one].type.singular, self._portal.shapes[two].type.singular
            for each in self._by_type.get(f"{here}.associationChange", ()):
                self._tell(
                    each,
                    now,
                    associationType=f"{here}_to_{there}".upper(),
                    fromObjectId=int(first),
                    toObjectId=int(second),
                    associationRemoved=removed,
                    isPrimaryAssociation=primary,
                )

    def _tell(self, subscription: Subscribed, at: int, **fields: Any) -> None:
        state, config = self.state, self._portal.config
        state.last_event += 1
        change_source, source_id = self._source
        event: Json = {
            "eventId": 100_000_000 + state.last_event,
            "subscriptionId": subscription.id,
            "portalId": config.portal_id,
            "appId": config.app_id,
            "occurredAt": at // 1_000,
            "subscriptionType": subscription.event_type,
            "attemptNumber": 0,
            **fields,
            "changeSource": change_source,
            "sourceId": source_id,
        }
        self._buffer.append(event)
        if len(self._buffer) == 1:
            self._portal.world.spawn(self._flush(), f"hubspot.webhooks.{event['eventId']}")

    # --- delivery --------------------------------------------------------------------------------

    async def _flush(self) -> None:
        await self._portal.world.sleep(self._portal.config.webhook_delay_s)
        events, self._buffer = self._buffer, []
        url = self.state.target_url
        if not url:
            return
        sender = self._sender
        plan = self._faults()
        if sender is None:
            world = self._portal.world
            rules = DeliveryRules((0.0, *RETRIES_S), lambda body, now: self.sign(url, body, now), source="see module")
            plan = plan or FaultPlan("hubspot", world.draw, world.clock.now())
            sender = self._sender = WebhookSender("hubspot", url, rules, world, plan, self.outcome)
        sender.faults = plan or sender.faults
        for start in range(0, len(events), MOST_EVENTS):
            batch = events[start : start + MOST_EVENTS]
            key = str(batch[0].get("objectId", batch[0].get("fromObjectId", "")))
            sender.send("events", key, _attempts(batch))

    def sign(self, url: str, body: bytes, now: int) -> dict[str, str]:
        """Headers of a delivery: signature v3 with its time, and v1, which the vendor still sends."""
        at = str(now // 1_000)
        mac = hmac.new(self._secret, b"POST" + url.encode() + body + at.encode(), hashlib.sha256).digest()
        return {
            "content-type": "application/json",
            "user-agent": "HubSpot Connect 2.0 (http://dev.hubspot.com/) - WebHooks",
            "x-hubspot-signature": hashlib.sha256(self._secret + body).hexdigest(),
            "x-hubspot-signature-version": "v1",
            "x-hubspot-signature-v3": base64.b64encode(mac).decode(),
            "x-hubspot-request-timestamp": at,
        }


def _attempts(batch: list[Json]) -> Callable[[], bytes]:
    """The body of a delivery; each time it is asked for is one attempt more."""
    made = 0

    def body() -> bytes:
        nonlocal made
        for event in batch:
            event["attemptNumber"] = made
        made += 1
        return _ENCODE(batch)

    return body

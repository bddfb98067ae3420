"""Business events: CloudEvents an event broker posts to a webhook. The data holds the key and nothing else.

Event types and the shape of the data are from memory of the business event catalogue; attempts are assumed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from o2c_twin.mock_systems.roles.erp import ErpCore
from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.mock_systems.vendors.s4hana.config import S4HanaConfig, Subscription
from o2c_twin.mock_systems.vendors.s4hana.values import moment
from o2c_twin.mock_systems.wire.faults import FaultPlan
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.webhooks import DeliveryRules, WebhookSender

ATTEMPTS_S = (0.0, 60.0, 300.0, 900.0, 3_600.0)
"""Seconds before each attempt. Assumed: at least once, until the broker gives up."""
_OBJECTS = {
    "customer": ("businesspartner", "BusinessPartner", "BusinessPartner"),
    "order": ("salesorder", "SalesOrder", "SalesOrder"),
    "delivery": ("outbounddelivery", "OutboundDelivery", "OutboundDelivery"),
    "invoice": ("billingdocument", "BillingDocument", "BillingDocument"),
    "credit_memo": ("billingdocument", "BillingDocument", "BillingDocument"),
}
_TASKS = {"created": "Created", "updated": "Changed", "deleted": "Deleted"}


def event_type(kind: str, what: str) -> str:
    """The type of the event: ``sap.s4.beh.salesorder.v1.SalesOrder.Created.v1``."""
    topic, name, _ = _OBJECTS[kind]
    return f"sap.s4.beh.{topic}.v1.{name}.{_TASKS[what]}.v1"


class Pushes:
    """Tells the subscribers of committed changes."""

    def __init__(
        self, config: S4HanaConfig, core: ErpCore, world: World, faults: Callable[[], FaultPlan | None]
    ) -> None:
        self._config = config
        self._core = core
        self._world = world
        self._faults = faults
        self._subscribers: list[tuple[Subscription, WebhookSender | None]] = []
        self._held: list[Change] | None = None
        self._count = 0
        core.listeners.append(self.heed)

    def subscribe(self, subscription: Subscription) -> None:
        """Post events to it from now on."""
        self._subscribers.append((subscription, None))

    def senders(self) -> list[WebhookSender]:
        """Those that have sent something, with their outcomes."""
        return [sender for _, sender in self._subscribers if sender is not None]

    @contextmanager
    def held(self) -> Iterator[list[Change]]:
        """Events raised inside leave at the end; the list may be cleared when nothing came of them."""
        self._held = []
        try:
            yield self._held
        finally:
            changes, self._held = self._held, None
            for change in changes:
                self.heed(change)

    def heed(self, change: Change) -> None:
        """Tell of one change."""
        if not self._subscribers or change.kind not in _OBJECTS:
            return
        if self._held is not None:
            self._held.append(change)
            return
        faults = self._faults()
        if faults is None:
            return
        kind = event_type(change.kind, change.what)
        self._count += 1
        body = self._event(kind, change)
        for place, (subscription, sender) in enumerate(self._subscribers):
            if subscription.topics and kind not in subscription.topics:
                continue
            if sender is None:
                sender = self._sender(subscription, faults)
                self._subscribers[place] = (subscription, sender)
            headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
            sender.send(_OBJECTS[change.kind][1], f"{self._business_key(change)}/{change.what}", body, headers)

    def _business_key(self, change: Change) -> str:
        order = self._core.state.orders.get(change.id) if change.kind == "order" else None
        return f"{change.kind}/{order.po_number if order is not None and order.po_number else change.id}"

    def _event(self, kind: str, change: Change) -> bytes:
        return msgspec.json.encode(
            {
                "specversion": "1.0",
                "type": kind,
                "source": f"/default/sap.s4.beh/{self._config.system_id}CLNT{self._config.client}",
                "id": f"{self._config.client}-{change.at:x}-{self._count:x}",
                "time": moment(change.at).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "datacontenttype": "application/json",
                "data": {_OBJECTS[change.kind][2]: change.id},
            }
        )

    def _sender(self, subscription: Subscription, faults: FaultPlan) -> WebhookSender:
        signed = {"Authorization": subscription.authorization} if subscription.authorization else {}
        rules = DeliveryRules(ATTEMPTS_S, lambda body, now: signed, source="assumed")
        return WebhookSender("s4hana", subscription.url, rules, self._world, faults)

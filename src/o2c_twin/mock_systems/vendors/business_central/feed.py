"""Webhooks: changes gathered for half a minute, then told in one request to each address.

Source: Microsoft Learn, "Working with webhooks in Dynamics 365 Business Central". There is no signature; what the
subscriber gave as clientState is its secret.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.mock_systems.vendors.business_central.state import Draft, Subscription
from o2c_twin.mock_systems.vendors.business_central.values import instant_of
from o2c_twin.mock_systems.wire.webhooks import DeliveryRules, WebhookSender

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.business_central.dialect import BusinessCentralDialect

ATTEMPTS_S = (0.0, 60.0, 300.0, 900.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0, 43_200.0)
"""Seconds before each attempt. "Several retries over the next 36 hours" is documented, these steps are assumed."""
RESOURCES = {
    "customer": "customers",
    "item": "items",
    "order": "salesOrders",
    "delivery": "salesShipments",
    "invoice": "salesInvoices",
}
"""The set that tells of each kind of record of the core."""
_GUID_KIND = {"delivery": "shipment"}


class _Told(msgspec.Struct):
    """One change that waits to be told: its first and last kind, and the last instant."""

    what: str
    at: int


class Pushes:
    """The webhooks of one environment."""

    def __init__(self, dialect: "BusinessCentralDialect") -> None:
        self._dialect = dialect
        self._waiting: dict[str, dict[tuple[str, str], _Told]] = {}
        """By address: what is to be told of each (set, record)."""
        self._senders: dict[str, WebhookSender] = {}
        self._count = 0
        self._life = 0
        dialect.core.listeners.append(self.heed)

    def forget(self) -> None:
        """Drop what is gathered, as after a restore."""
        self._waiting.clear()
        self._life += 1

    def senders(self) -> list[WebhookSender]:
        """Those that have sent something, with their outcomes."""
        return list(self._senders.values())

    def heed(self, change: Change) -> None:
        """Take note of one change of the core."""
        if self._dialect.state.subscriptions and change.kind in RESOURCES:
            self.touched(change.kind, change.id, change.what, None)

    def touched(self, kind: str, id_: str, what: str, record: Any) -> None:
        """A record was changed; drafts are told here, the core's records by `heed`."""
        dialect = self._dialect
        if dialect.behind_invoice and kind in ("order", "delivery", "invoice"):
            return
        if not dialect.state.subscriptions or dialect.faults is None:
            return
        set_ = RESOURCES[kind]
        if kind == "order" and what != "deleted" and dialect.order_is_gone(id_):
            what = "deleted"
        if isinstance(record, Draft):
            guid = dialect.guids.of("draft", id_)
        elif kind == "invoice":
            guid = dialect.shapes.invoice_id(id_)
        else:
            guid = dialect.guids.of(_GUID_KIND.get(kind, kind), id_)
        now = dialect.now()
        told: dict[str, None] = {}
        for subscription in list(dialect.state.subscriptions.values()):
            if subscription.expires_at <= now and not subscription.renewed:
                del dialect.state.subscriptions[subscription.id]
            elif subscription.resource == set_ and subscription.url not in told:
                told[subscription.url] = None
                self._gather(subscription.url, set_, guid, what, now)

    def _gather(self, url: str, set_: str, guid: str, what: str, now: int) -> None:
        waiting = self._waiting.get(url)
        if waiting is None:
            waiting = self._waiting[url] = {}
            self._count += 1
            self._dialect.world.spawn(self._flush(url, self._life), f"webhook.gather.{self._count}")
        known = waiting.get((set_, guid))
        if known is None:
            waiting[set_, guid] = _Told(what, now)
            return
        # A record made and changed within the time is told as made; one made and deleted as deleted.
        known.what = what if what == "deleted" or known.what != "created" else known.what
        known.at = now

    async def _flush(self, url: str, life: int) -> None:
        await self._dialect.world.sleep(self._dialect.config.webhook_delay_s)
        if life == self._life:
            waiting = self._waiting.pop(url, {})
            if waiting:
                self._send(url, waiting)

    def _send(self, url: str, waiting: dict[tuple[str, str], _Told]) -> None:
        dialect = self._dialect
        value: list[dict[str, str]] = []
        for subscription in dialect.state.subscriptions.values():
            if subscription.url != url:
                continue
            mine = [(guid, told) for (set_, guid), told in waiting.items() if set_ == subscription.resource]
            value += self._notices(subscription, mine)
        faults = dialect.faults
        if not value or faults is None:
            return
        sender = self._senders.get(url)
        if sender is None:
            rules = DeliveryRules(ATTEMPTS_S, lambda body, now: {}, self._taken(url), "Working with webhooks")
            sender = self._senders[url] = WebhookSender("business central", url, rules, dialect.world, faults)
        body = msgspec.json.encode({"value": value})
        sender.send("notification", value[0]["resource"], body, {"Content-Type": "application/json"})

    def _notices(self, subscription: Subscription, mine: list[tuple[str, _Told]]) -> list[dict[str, str]]:
        root = f"api/v2.0/{self._dialect.company_segment}/{subscription.resource}"
        head = {
            "subscriptionId": subscription.id,
            "clientState": subscription.client_state,
            "expirationDateTime": instant_of(subscription.expires_at),
        }
        if len(mine) > self._dialect.config.webhook_batch:
            since = instant_of(min(told.at for _, told in mine) - 1_000)
            resource = f"{root}?$filter=lastModifiedDateTime%20gt%20{since}"
            last = instant_of(max(told.at for _, told in mine))
            return [{**head, "resource": resource, "changeType": "collection", "lastModifiedDateTime": last}]
        return [
            {
                **head,
                "resource": f"{root}({guid})",
                "changeType": told.what,
                "lastModifiedDateTime": instant_of(told.at),
            }
            for guid, told in mine
        ]

    def _taken(self, url: str) -> Callable[[int, bytes], bool]:
        def taken(status: int, body: bytes) -> bool:
            if status == 0 or status in (408, 429) or status >= 500:
                return False
            if not 200 <= status < 300:
                # Whoever answers anything else loses the subscription, and is not told.
                subscriptions = self._dialect.state.subscriptions
                for id_ in [s.id for s in subscriptions.values() if s.url == url]:
                    del subscriptions[id_]
            return True

        return taken

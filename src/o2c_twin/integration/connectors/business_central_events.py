"""What Business Central tells of itself: rows changed since an instant, and the notices of its webhooks."""

import hmac
import re

import msgspec

from o2c_twin.integration.connectors.business_central_client import BusinessCentralClient
from o2c_twin.integration.connectors.instants import from_iso, to_iso
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.errors import NotAuthentic

_RECORD = re.compile(r"companies\([0-9a-fA-F-]{36}\)/(\w+)\(([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\)\Z")
_REMEMBERED = 50_000
_FLOW = {
    "salesOrders": "order-status",
    "salesShipments": "delivery",
    "salesInvoices": "invoice",
    "customers": "customer-master",
}
_FIELDS = {
    "salesOrders": "id,number,lastModifiedDateTime",
    "salesShipments": "id,orderNumber,lastModifiedDateTime",
    "salesInvoices": "id,orderId,orderNumber,status,lastModifiedDateTime",
}


class _Notice(msgspec.Struct):
    resource: str
    changeType: str
    lastModifiedDateTime: str
    clientState: str = ""


class _Notices(msgspec.Struct):
    value: list[_Notice]


_NOTICES = msgspec.json.Decoder(_Notices)


class BusinessCentralEvents:
    """The feed of one company. ``client_state`` is the secret of its webhooks."""

    def __init__(self, client: BusinessCentralClient, client_state: str) -> None:
        self._client = client
        self._state = client_state
        self._number_of: dict[str, str] = {}
        """Order numbers by the ids of orders, shipments and invoices seen: a notice tells an id only."""

    def remember(self, id_: str, number: str) -> None:
        """The number of the order a record belongs to."""
        if len(self._number_of) >= _REMEMBERED:
            del self._number_of[next(iter(self._number_of))]
        self._number_of[id_] = number

    async def changes(self, since: int) -> tuple[list[Inbound], int]:
        """Changed orders, shipments and invoices; stamps have milliseconds, so the last one is asked again.

        An invoice is news of its order too, which may be gone with it.
        """
        stamp = to_iso(since // 1_000 * 1_000)
        events: dict[str, Inbound] = {}
        for set_, fields in _FIELDS.items():
            condition = {"$filter": f"lastModifiedDateTime ge {stamp}", "$orderby": "lastModifiedDateTime"}
            for row in await self._client.rows("changes", set_, {**condition, "$select": fields}):
                with self._client.wire.reading("changes"):
                    if row.get("status") == "Draft" and set_ == "salesInvoices":
                        continue
                    at = from_iso(row["lastModifiedDateTime"])
                    number = row.get("orderNumber", row.get("number"))
                    self.remember(row["id"], number or "")
                    found = [self._event(_FLOW[set_], row["id"], at)]
                    if set_ == "salesInvoices" and number:
                        self.remember(row["orderId"], number)
                        found.append(self._event("order-status", row["orderId"], at))
                    for event in found:
                        events[event.event_id] = event
        found_all = list(events.values())
        return found_all, max((e.source_at for e in found_all), default=since)

    async def customer_changes(self, since: int) -> tuple[list[Inbound], int]:
        """Changed customers, by the same stamps."""
        stamp = to_iso(since // 1_000 * 1_000)
        query = {"$filter": f"lastModifiedDateTime ge {stamp}", "$orderby": "lastModifiedDateTime"}
        rows = await self._client.rows("changes", "customers", {**query, "$select": "id,lastModifiedDateTime"})
        with self._client.wire.reading("changes"):
            events = [self._event("customer-master", row["id"], from_iso(row["lastModifiedDateTime"])) for row in rows]
        return events, max((event.source_at for event in events), default=since)

    def pushed(self, body: bytes) -> list[Inbound]:
        """Read the notices of a webhook. Raises `NotAuthentic` where one lacks the secret; ValueError for nonsense.

        A ``collection`` notice names no records: the next sweep finds them.
        """
        notices = _NOTICES.decode(body).value
        if not all(hmac.compare_digest(n.clientState.encode(), self._state.encode()) for n in notices):
            raise NotAuthentic("a notice does not bring the client state of the subscription")
        events = []
        for notice in notices:
            if notice.changeType == "collection":
                continue
            match = _RECORD.search(notice.resource)
            if match is None:
                raise ValueError(f"not a record: {notice.resource[:100]!r}")
            flow = _FLOW.get(match[1])
            # An order is deleted with its last invoice, and that is news of it.
            if flow is None or (notice.changeType == "deleted" and flow != "order-status"):
                continue
            events.append(self._event(flow, match[2].lower(), from_iso(notice.lastModifiedDateTime)))
        return events

    def _event(self, flow: str, id_: str, at: int) -> Inbound:
        # A shipment happens once; orders and invoices change, and each change is an event.
        stamp = "" if flow == "delivery" else f":{at}"
        if flow == "customer-master":
            return Inbound(f"{self._client.system}:{flow}:{id_}{stamp}", flow, id_, f"customer:{id_}", at)
        number = self._number_of.get(id_)
        # What is not known to belong to an order waits in one lane of its kind, so that no two go side by side.
        lane = f"order:{number}" if number else f"{self._client.system}:{flow}"
        return Inbound(f"{self._client.system}:{flow}:{id_}{stamp}", flow, id_, lane, at)

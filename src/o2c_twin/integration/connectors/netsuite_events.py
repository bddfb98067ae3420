"""What a NetSuite account tells of changes: asked by SuiteQL, and pushed by user-event scripts."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from o2c_twin.integration.connectors.instants import from_iso, to_iso
from o2c_twin.integration.connectors.netsuite_client import STAMP, NetSuiteClient
from o2c_twin.integration.model import Inbound

_CHANGES = (
    f"SELECT id, type, createdfrom, TO_CHAR(lastmodifieddate,'{STAMP}') AS modified FROM transaction"
    " WHERE type IN ('SalesOrd','ItemShip','CustInvc') AND lastmodifieddate >= TO_DATE('{}','" + STAMP + "')"
    " ORDER BY lastmodifieddate, id"
)
_CHANGED_CUSTOMERS = (
    f"SELECT id, TO_CHAR(lastmodifieddate,'{STAMP}') AS modified FROM customer"
    " WHERE lastmodifieddate >= TO_DATE('{}','" + STAMP + "') ORDER BY lastmodifieddate, id"
)
_FLOW = {"SalesOrd": "order-status", "ItemShip": "delivery", "CustInvc": "invoice"}
_PUSHED = {
    "salesOrder": "order-status",
    "itemFulfillment": "delivery",
    "invoice": "invoice",
    "customer": "customer-master",
}


class _Notice(msgspec.Struct):
    type: str
    id: str
    lastModifiedDate: str
    event: str = "edit"
    createdFrom: str | None = None


_NOTICE = msgspec.json.Decoder(_Notice)


class NetSuiteEvents:
    """The events of an account, asked for through its client."""

    def __init__(self, client: NetSuiteClient) -> None:
        self._client = client
        self._system = client.system

    async def changes(self, since: int) -> tuple[list[Inbound], int]:
        """Changed orders, shipments and invoices; the clock of SuiteQL has seconds, so the last one is asked again."""
        return await self._changed(_CHANGES, since, self._changed_document)

    def _changed_document(self, row: Mapping[str, Any]) -> Inbound:
        order = str(row["id"]) if row["type"] == "SalesOrd" else str(row.get("createdfrom") or row["id"])
        return self.event(_FLOW[row["type"]], str(row["id"]), order, from_iso(row["modified"]))

    async def customer_changes(self, since: int) -> tuple[list[Inbound], int]:
        """Changed customers, by the same clock."""
        return await self._changed(_CHANGED_CUSTOMERS, since, self._changed_customer)

    def _changed_customer(self, row: Mapping[str, Any]) -> Inbound:
        return self._customer_event(str(row["id"]), from_iso(row["modified"]))

    async def _changed(
        self, query: str, since: int, event_of: Callable[[Mapping[str, Any]], Inbound]
    ) -> tuple[list[Inbound], int]:
        events: dict[str, Inbound] = {}
        stamp, offset, more = to_iso(since, "seconds")[:-1].replace("T", " "), 0, True
        while more:
            rows, more = await self._client.page("changes", query.format(stamp), offset)
            with self._client.wire.reading("changes"):
                for row in rows:
                    event = event_of(row)
                    events[event.event_id] = event
            # Records move to the end while they are listed, and the others close up: the next page
            # begins at the last stamp, not at a count that no longer fits.
            last = rows[-1]["modified"] if rows else stamp
            stamp, offset = (stamp, offset + len(rows)) if last == stamp else (last, 0)
        found = list(events.values())
        return found, max((e.source_at for e in found), default=since)

    def pushed(self, body: bytes) -> list[Inbound]:
        """What the notice of a user-event script tells. Raises ValueError for nonsense."""
        notice = _NOTICE.decode(body)
        for id_ in (notice.id, notice.createdFrom or "0"):
            if not (id_.isascii() and id_.isdecimal()):
                # It goes into addresses, and anybody may post here.
                raise ValueError(f"not an internal id: {id_[:40]!r}")
        flow = _PUSHED.get(notice.type)
        if flow is None or notice.event == "delete":
            return []
        if flow == "customer-master":
            return [self._customer_event(notice.id, from_iso(notice.lastModifiedDate))]
        order = notice.id if flow == "order-status" else (notice.createdFrom or notice.id)
        return [self.event(flow, notice.id, order, from_iso(notice.lastModifiedDate))]

    def event(self, flow: str, id_: str, order_id: str, at: int) -> Inbound:
        """What tells of a document of an order as it is since that instant."""
        # A shipment happens once; orders and invoices change, and each change is an event.
        stamp = "" if flow == "delivery" else f":{at}"
        return Inbound(f"{self._system}:{flow}:{id_}{stamp}", flow, id_, f"order:{order_id}", at)

    def _customer_event(self, id_: str, at: int) -> Inbound:
        return Inbound(f"{self._system}:customer-master:{id_}:{at}", "customer-master", id_, f"customer:{id_}", at)

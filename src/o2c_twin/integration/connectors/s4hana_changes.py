"""What changed in S/4HANA since an instant: orders and invoices by their time stamps, goods issues by day and time."""

from typing import Any

from o2c_twin.integration.connectors.s4hana_maps import changed_at, issued_at, order_of_delivery, order_of_invoice
from o2c_twin.integration.connectors.s4hana_wire import (
    PAGE,
    ROOT,
    Session,
    day_literal,
    instant,
    literal,
    offset_literal,
)
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.ports import Clock

_ORDERS, _DELIVERIES = f"{ROOT}/API_SALES_ORDER_SRV", f"{ROOT}/API_OUTBOUND_DELIVERY_SRV"
_BILLING, _PARTNERS = f"{ROOT}/API_BILLING_DOCUMENT_SRV", f"{ROOT}/API_BUSINESS_PARTNER"
_ACCOUNTS = f"{ROOT}/API_CRDTMBUSINESSPARTNER/CreditManagementAccount"
_SHIPMENT = (
    "DeliveryDocument,ActualGoodsMovementDate,ActualGoodsMovementTime,to_DeliveryDocumentItem/ReferenceSDDocument"
)
_DAY_US = 86_400_000_000
_SECOND = 1_000_000


def event_of(system: str, flow: str, id_: str, order_id: str, at: int) -> Inbound:
    """The event of a record's change, in the lane of its order."""
    # A goods issue happens once; orders and invoices change, and each change is an event.
    stamp = "" if flow == "delivery" else f":{at}"
    return Inbound(f"{system}:{flow}:{id_}{stamp}", flow, id_, f"order:{order_id}", at)


def customer_event(system: str, id_: str, at: int) -> Inbound:
    """The event of a business partner's change, in a lane of its own."""
    return Inbound(f"{system}:customer-master:{id_}:{at}", "customer-master", id_, f"customer:{id_}", at)


class Changes:
    """The changes of one system."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def since(self, since: int) -> tuple[list[Inbound], int]:
        """Changed orders, goods issues and changed invoices since an instant.

        The three lists are asked one after the other, so that the next poll begins no later than this one began.
        """
        began = self._clock.now()
        events: dict[str, Inbound] = {}
        for event in [*await self._orders(since), *await self._shipments(since), *await self._invoices(since)]:
            events[event.event_id] = event
        found = list(events.values())
        latest = max((event.source_at for event in found), default=since)
        return found, max(since, min(latest, began))

    async def customers(self, since: int, segment: str) -> tuple[list[Inbound], int]:
        """Customers changed since an instant, and those whose limit in a credit segment was.

        A limit is dated by its day alone: of that day it may have been changed just now.
        """
        began, day = self._clock.now(), day_literal(since)
        condition = f"Customer ne '' and (LastChangeDate ge {day} or CreationDate ge {day})"
        query = {"$filter": condition, "$orderby": "BusinessPartner"}
        query["$select"] = "BusinessPartner,CreationDate,CreationTime,LastChangeDate,LastChangeTime"
        partners = await self._session.rows("changes", f"{_PARTNERS}/A_BusinessPartner", query)
        condition = f"CreditSegment eq {literal(segment)} and CreditLimitLastChangeDate ge {day}"
        query = {"$filter": condition, "$orderby": "BusinessPartner", "$select": "BusinessPartner"}
        limits = await self._session.rows("changes", _ACCOUNTS, query)
        with self._session.wire.reading("changes"):
            at = {row["BusinessPartner"]: changed_at(row) for row in partners}
            found = {id_: stamp for id_, stamp in at.items() if stamp >= since // _SECOND * _SECOND}
            found |= {row["BusinessPartner"]: began for row in limits}
        events = [customer_event(self._session.system, id_, stamp) for id_, stamp in found.items()]
        return events, max((min(event.source_at, began) for event in events), default=since)

    async def _since(
        self, path: str, since: int, key: str, query: dict[str, str], more: str = ""
    ) -> list[dict[str, Any]]:
        """Rows by time of change: after a full page it goes on from the last stamp, for rows move to the end."""
        found: list[dict[str, Any]] = []
        stamp, skip = since, 0
        while True:
            asked = {
                **query,
                "$filter": f"LastChangeDateTime ge {offset_literal(stamp)}{more}",
                "$orderby": f"LastChangeDateTime,{key}",
                "$top": str(PAGE),
                "$skip": str(skip),
            }
            rows, has_more = await self._session.page("changes", path, asked)
            found.extend(rows)
            if not rows or not (has_more or len(rows) == PAGE):
                return found
            with self._session.wire.reading("changes"):
                last = instant(rows[-1]["LastChangeDateTime"])
            stamp, skip = (stamp, skip + len(rows)) if last <= stamp else (last, 0)

    async def _orders(self, since: int) -> list[Inbound]:
        rows = await self._since(
            f"{_ORDERS}/A_SalesOrder", since, "SalesOrder", {"$select": "SalesOrder,LastChangeDateTime"}
        )
        with self._session.wire.reading("changes"):
            return [
                event_of(
                    self._session.system,
                    "order-status",
                    row["SalesOrder"],
                    row["SalesOrder"],
                    instant(row["LastChangeDateTime"]),
                )
                for row in rows
            ]

    async def _shipments(self, since: int) -> list[Inbound]:
        day, clock = since // _DAY_US * _DAY_US, since % _DAY_US // _SECOND
        date = day_literal(day)
        time = f"time'PT{clock // 3600:02d}H{clock // 60 % 60:02d}M{clock % 60:02d}S'"
        condition = (
            f"OverallGoodsMovementStatus eq 'C' and ActualGoodsMovementDate ge {date}"
            f" and (ActualGoodsMovementDate gt {date} or ActualGoodsMovementTime ge {time})"
        )
        query = {"$filter": condition, "$orderby": "DeliveryDocument"}
        query |= {"$select": _SHIPMENT, "$expand": "to_DeliveryDocumentItem"}
        rows = await self._session.rows("changes", f"{_DELIVERIES}/A_OutbDeliveryHeader", query)
        with self._session.wire.reading("changes"):
            return [
                event_of(
                    self._session.system,
                    "delivery",
                    row["DeliveryDocument"],
                    order_of_delivery(row),
                    issued_at(row),
                )
                for row in rows
            ]

    async def _invoices(self, since: int) -> list[Inbound]:
        query = {"$select": "BillingDocument,LastChangeDateTime,to_Item/SalesDocument", "$expand": "to_Item"}
        path = f"{_BILLING}/A_BillingDocument"
        rows = await self._since(path, since, "BillingDocument", query, " and BillingDocumentType eq 'F2'")
        events = []
        with self._session.wire.reading("changes"):
            for row in rows:
                order = order_of_invoice(row) or row["BillingDocument"]
                at = instant(row["LastChangeDateTime"])
                events.append(event_of(self._session.system, "invoice", row["BillingDocument"], order, at))
        return events

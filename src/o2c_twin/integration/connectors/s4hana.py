"""The S/4HANA connector: canonical words to and from OData V2 services, the billing action and journal entries.

There is no idempotency key in S/4HANA: what a write is to be known by is put on its record (ExternalDocumentID,
BusinessPartnerIDByExtSystem, the header text of a receipt) and looked for before it is sent again.
"""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any

import msgspec

from o2c_twin.integration.capability import Capability, Sheet
from o2c_twin.integration.connectors.books import check_currency
from o2c_twin.integration.connectors.instants import from_iso
from o2c_twin.integration.connectors.s4hana_changes import Changes, customer_event, event_of
from o2c_twin.integration.connectors.s4hana_corrections import BILL, Corrections
from o2c_twin.integration.connectors.s4hana_ledger import RECEIPT, WRITE_OFF, Ledger
from o2c_twin.integration.connectors.s4hana_maps import S4HanaMaps, order_item
from o2c_twin.integration.connectors.s4hana_partners import Organisation, Partners
from o2c_twin.integration.connectors.s4hana_wire import (
    ROOT,
    Session,
    any_of,
    as_texts,
    fitted,
    literal,
)
from o2c_twin.integration.mappings.documents import CustomerMaster, PartyChange, Receipt
from o2c_twin.integration.model import (
    Allocation,
    BankEntry,
    Deal,
    Discount,
    Inbound,
    InvoiceStatus,
    OpenItem,
    OrderStatus,
    Party,
    Shipment,
    WriteOff,
)
from o2c_twin.integration.ports import Clock, HttpPort
from o2c_twin.integration.runtime.errors import CallFailed, NotAuthentic

_ORDERS, _DELIVERIES = f"{ROOT}/API_SALES_ORDER_SRV", f"{ROOT}/API_OUTBOUND_DELIVERY_SRV"
_BILLING, _PRODUCTS = f"{ROOT}/API_BILLING_DOCUMENT_SRV", f"{ROOT}/API_PRODUCT_SRV"

# The guards are those of facts.md of the mock, "Promises". None of them is a key the vendor would check.
SHEET: Sheet = (
    Capability("put_customer", "businessPartner.create", "query"),
    Capability("update_customer", "businessPartner.update", "external-id", version_guard="etag"),
    Capability("change_customer", "businessPartner.update", "external-id", version_guard="etag"),
    Capability("put_order", "salesOrder.create", "query"),
    Capability("bill", "billingDocument.createFromSdDocument", "external-id"),
    Capability("put_payment", "journalEntry.post", "query", bulk_limit=1_000, partial=True),
    Capability("release_order", "creditBlock.releaseCreditBlock", "external-id"),
    Capability("cancel_order", "salesOrder.update", "external-id", version_guard="etag"),
    Capability("credit_invoice", "creditMemoRequest.create", "query"),
    Capability("write_off", "journalEntry.post", "query", bulk_limit=1_000, partial=True),
    Capability("grant_discount", "journalEntry.post", "query", bulk_limit=1_000, partial=True),
)


class _Event(msgspec.Struct):
    type: str
    time: str
    data: dict[str, str]


_EVENT = msgspec.json.Decoder(_Event)
_PUSHED = {
    "SalesOrder": "sap.s4.beh.salesorder.v1.SalesOrder.",
    "BusinessPartner": "sap.s4.beh.businesspartner.v1.BusinessPartner.",
}
__all__ = ["SHEET", "Organisation", "S4HanaErp"]


class S4HanaErp:
    """An ERP that is an S/4HANA client, logged in as one communication user.

    ``push_authorization`` is what the event broker sends in ``Authorization``; empty: anybody may post. ``currency`` is
    that of the books; ``maps`` say what its fields mean, the shipped ones unless others are given.
    """

    def __init__(
        self,
        system: str,
        url: str,
        http: HttpPort,
        clock: Clock,
        user: str,
        password: str,
        currency: str = "EUR",
        organisation: Organisation | None = None,
        push_authorization: str = "",
        maps: S4HanaMaps | None = None,
    ) -> None:
        self.system = system
        self.sheet = SHEET
        self._session = Session(system, url, http, user, password)
        self._currency = currency
        self._at = organisation or Organisation()
        self._push_authorization = push_authorization
        self.maps = S4HanaMaps.shipped() if maps is None else maps
        self._given = self.maps.given(currency)
        self._partners = Partners(self._session, currency, self._at, self.maps)
        self._changes = Changes(self._session, clock)
        self._corrections = Corrections(self._session, currency, self._at)
        self._ledger = Ledger(self._session, clock, currency, self._at, self.maps, self._partners.company_of)

    # --- masters ---------------------------------------------------------------------------------

    async def item_ids(self) -> dict[str, str]:
        """SKU to product number, which is the SKU itself."""
        query = {"$select": "Product", "$orderby": "Product", "$filter": "IsMarkedForDeletion eq false"}
        rows = await self._session.rows("item_ids", f"{_PRODUCTS}/A_Product", query)
        with self._session.wire.reading("item_ids"):
            return {row["Product"]: row["Product"] for row in rows}

    async def put_customer(self, party: Party, key: str | None, correlation: str) -> str:
        """Create the customer with all its views; with a key that is known already, change it."""
        return await self._partners.put(party, key, correlation)

    async def customer_by_number(self, number: str, entity: str | None = None) -> str | None:
        """The partner with that number, where and as the map of customers writes it in that entity."""
        return await self._partners.by_number(number, entity)

    async def update_customer(self, erp_id: str, party: Party, correlation: str) -> None:
        """Change name, terms, e-mail and limit: one record after the other, each the same when sent again."""
        await self._partners.update(erp_id, party, correlation)

    @property
    def customer_fields(self) -> frozenset[str]:
        """The fields of a change that a business partner keeps."""
        return self.maps.customer_fields

    async def customer(self, erp_id: str) -> CustomerMaster:
        """The business partner as it stands."""
        return await self._partners.read(erp_id)

    async def customer_changes(self, since: int) -> tuple[list[Inbound], int]:
        """Changed business partners after an instant, and where to ask from next."""
        return await self._changes.customers(since, self._at.credit_segment)

    async def change_customer(self, erp_id: str, change: PartyChange, correlation: str) -> None:
        """Change what is given: one record after the other, each the same when sent again."""
        await self._partners.change(erp_id, change, correlation)

    # --- orders, shipments, invoices -------------------------------------------------------------

    async def put_order(
        self, deal: Deal, customer_id: str, items: dict[str, str], key: str | None, correlation: str
    ) -> str:
        """Create the sales order; with a key that is known already, find it."""
        mapped = self.maps.within(deal.party.entity).deal_to_sales_order
        given = {**self._given, "customer": customer_id, "items": items}
        check_currency(self.system, "put_order", mapped.written_currency(deal, given), self._currency)
        order = self._session.wire.body("put_order", mapped, deal, given)
        known = None if key is None else await self._order_by("put_order", key)
        if known is not None:
            return known
        at = self._at
        order["to_Item"] = [order_item(line, at.price_condition, self._currency) for line in order["to_Item"]]
        body: dict[str, Any] = as_texts(
            {
                "SalesOrderType": at.order_type,
                "SalesOrganization": at.sales_organization,
                "DistributionChannel": at.distribution_channel,
                "OrganizationDivision": at.division,
                **order,
            }
        )
        if key is not None:
            body["ExternalDocumentID"] = fitted(key, 40)
        path = f"{_ORDERS}/A_SalesOrder"
        row = self._session.body("put_order", await self._session.write("put_order", "POST", path, body, correlation))
        with self._session.wire.reading("put_order"):
            made: str = row["SalesOrder"]
            return made

    async def _order_by(self, operation: str, key: str) -> str | None:
        query = {"$filter": f"ExternalDocumentID eq {literal(fitted(key, 40))}", "$select": "SalesOrder"}
        query |= {"$orderby": "SalesOrder", "$top": "1"}
        rows, _ = await self._session.page(operation, f"{_ORDERS}/A_SalesOrder", query)
        with self._session.wire.reading(operation):
            return rows[0]["SalesOrder"] if rows else None

    async def order(self, order_id: str) -> OrderStatus:
        """The order as it stands."""
        path = f"{_ORDERS}/A_SalesOrder({literal(order_id)})"
        record = await self._session.get("order", path, {"$select": self.maps.order_fields})
        with self._session.wire.reading("order"):
            status: OrderStatus = self.maps.sales_order_to_status.run(self.maps.order_of(record), self._given)
            return status

    async def shipment(self, shipment_id: str) -> Shipment:
        """A goods issue: an outbound delivery that has left."""
        path = f"{_DELIVERIES}/A_OutbDeliveryHeader({literal(shipment_id)})"
        query = {"$select": self.maps.delivery_fields, "$expand": "to_DeliveryDocumentItem"}
        record = await self._session.get("shipment", path, query)
        with self._session.wire.reading("shipment"):
            issue: Shipment = self.maps.delivery_to_shipment.run(self.maps.delivery_of(record), self._given)
            return issue

    async def bill(self, order_id: str, key: str | None, correlation: str) -> str:
        """Bill a delivery, the one the key is of; without a key all of the order's that are due.

        A delivery can be billed once, whoever asks: that is what keeps a repetition from making a second one.
        """
        if key is None:
            due = await self._due(order_id)
            return await self._create_bill(due, correlation) if due else ""
        delivery = _delivery_of(key)
        try:
            return await self._create_bill([delivery], correlation)
        except CallFailed as failure:
            if failure.cause != "rejected":
                raise
            made = await self._bill_of(delivery)
            if made is None:
                raise
            # One that a person made is the end of it too, but none of ours.
            return made[0] if made[1] == self._session.user else ""

    async def _create_bill(self, deliveries: list[str], correlation: str) -> str:
        body = {"_Reference": [{"SDDocument": id_, "SDDocumentCategory": "J"} for id_ in deliveries]}
        answer = self._session.wire.json("bill", await self._session.write("bill", "POST", BILL, body, correlation))
        with self._session.wire.reading("bill"):
            made: str = answer["value"][0]["BillingDocument"]
            return made

    async def _due(self, order_id: str) -> list[str]:
        condition = f"ReferenceSDDocument eq {literal(order_id)} and DeliveryRelatedBillingStatus eq 'A'"
        condition += " and GoodsMovementStatus eq 'C'"
        query = {
            "$filter": condition,
            "$select": "DeliveryDocument",
            "$orderby": "DeliveryDocument,DeliveryDocumentItem",
        }
        rows = await self._session.rows("bill", f"{_DELIVERIES}/A_OutbDeliveryItem", query)
        with self._session.wire.reading("bill"):
            return list(dict.fromkeys(row["DeliveryDocument"] for row in rows))

    async def _bill_of(self, delivery_id: str) -> tuple[str, str] | None:
        """The invoice of a delivery, and who made it."""
        condition = f"ReferenceSDDocument eq {literal(delivery_id)} and ReferenceSDDocumentCategory eq 'J'"
        query = {"$filter": condition, "$select": "BillingDocument,CreatedByUser", "$top": "1"}
        rows, _ = await self._session.page("bill", f"{_BILLING}/A_BillingDocumentItem", query)
        with self._session.wire.reading("bill"):
            return (rows[0]["BillingDocument"], rows[0]["CreatedByUser"]) if rows else None

    async def invoice(self, invoice_id: str) -> InvoiceStatus:
        """The invoice as it stands; what is open of one paid in part is in the ledger."""
        path = f"{_BILLING}/A_BillingDocument({literal(invoice_id)})"
        query = {"$select": self.maps.invoice_fields, "$expand": "to_Item"}
        record = await self._session.get("invoice", path, query)
        rest = None
        if record.get("InvoiceClearingStatus") == "B":
            rest = await self._ledger.open_amount("invoice", invoice_id)
        with self._session.wire.reading("invoice"):
            status: InvoiceStatus = self.maps.invoice_to_status.run(self.maps.invoice_of(record, rest), self._given)
            return status

    async def invoice_by_key(self, key: str) -> str | None:
        """The invoice of the delivery the key is of."""
        made = await self._bill_of(_delivery_of(key))
        return None if made is None else made[0]

    # --- receivables -----------------------------------------------------------------------------

    async def open_items(self, customer_id: str) -> list[OpenItem]:
        """All open invoices of a customer."""
        return await self._ledger.open_items("open_items", f"Customer eq {literal(customer_id)}")

    async def items_named(self, numbers: list[str]) -> list[OpenItem]:
        """Open invoices with these numbers."""
        if not numbers:
            return []
        return await self._ledger.open_items("items_named", any_of("DocumentReferenceID", numbers))

    async def put_payment(
        self, entry: BankEntry, customer_id: str, allocations: list[Allocation], key: str | None, correlation: str
    ) -> str:
        """Post a receipt, then clear it against invoices: two messages; a repetition does what is missing."""
        receipt = Receipt(entry, customer_id, tuple(allocations) or None)
        currency = self.maps.receipt_to_journal_entry.written_currency(receipt, self._given)
        check_currency(self.system, "put_payment", currency, self._currency)
        return await self._ledger.receive(receipt, key, correlation)

    # --- what people decide ----------------------------------------------------------------------

    async def release_order(self, order_id: str, correlation: str) -> None:
        """Release an order from its credit block."""
        await self._corrections.release_order(order_id, correlation)

    async def write_off(self, what: WriteOff, key: str | None, correlation: str) -> str:
        """Post what an invoice has open against the account of write-offs, then clear it: a repetition does what is
        missing. Gives the accounting document."""
        check_currency(self.system, "write_off", what.currency, self._currency)
        return await self._ledger.write_off(what, key, correlation)

    async def grant_discount(self, what: Discount, key: str | None, correlation: str) -> str:
        """Post a discount earned by paying early, in the same way, against the account of cash discounts."""
        check_currency(self.system, "grant_discount", what.currency, self._currency)
        return await self._ledger.grant_discount(what, key, correlation)

    async def cancel_order(self, order_id: str, correlation: str) -> None:
        """Reject all items of an order of which nothing has shipped; one that is rejected stays so."""
        await self._corrections.cancel_order(order_id, correlation)

    async def credit_invoice(self, invoice_id: str, key: str | None, correlation: str) -> str:
        """Credit all that is left of an invoice; gives the credit memo's number."""
        return await self._corrections.credit_invoice(invoice_id, key, correlation)

    async def find(self, write: str, key: str) -> str | None:
        """What was made with that key; None when it is to be sent again, which makes no second one.

        A customer whose limit, or a receipt whose clearing, may be missing counts as not there: sent again, the
        write looks for it by the same key and does the rest.
        """
        if write == "put_order":
            return await self._order_by("put_order", key)
        if write == "bill":
            return await self.invoice_by_key(key)
        if write == "put_payment":
            return await self._ledger.cleared(key, RECEIPT)
        if write in ("write_off", "grant_discount"):
            return await self._ledger.cleared(key, WRITE_OFF)
        if write == "credit_invoice":
            return await self._corrections.credited(key)
        return None

    # --- changes ---------------------------------------------------------------------------------

    async def changes(self, since: int) -> tuple[list[Inbound], int]:
        """Changed orders, goods issues and changed invoices since an instant."""
        return await self._changes.since(since)

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """Read a business event.

        Those of deliveries and billing documents name no order, and without it no lane: they are left to the poll.
        """
        sent = headers.get("authorization", "").encode()
        if self._push_authorization and not compare_digest(sent, self._push_authorization.encode()):
            raise NotAuthentic(f"{self.system}: the event broker did not log in")
        event = _EVENT.decode(body)
        kind = next((name for name, type_ in _PUSHED.items() if event.type.startswith(type_)), "")
        if not kind or ".Deleted." in event.type:
            return [], b""
        id_ = event.data.get(kind, "")
        if not (id_.isascii() and id_.isdecimal() and len(id_) <= 10):
            # It goes into addresses, and anybody may post here.
            raise ValueError(f"no {kind} has this number: {id_[:40]!r}")
        id_, at = id_.lstrip("0"), from_iso(event.time)
        if kind == "BusinessPartner":
            return [customer_event(self.system, id_, at)], b""
        return [event_of(self.system, "order-status", id_, id_, at)], b""


def _delivery_of(key: str) -> str:
    """The delivery a billing key is of (``bill:80000001``)."""
    return key.rpartition(":")[2]

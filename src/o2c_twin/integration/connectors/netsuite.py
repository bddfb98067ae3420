"""The NetSuite connector: canonical words to and from the record API, transforms and SuiteQL."""

from collections.abc import Collection, Mapping
from typing import Any

from o2c_twin.integration.capability import Capability, Sheet
from o2c_twin.integration.connectors.netsuite_client import RECORD, NetSuiteClient, external_id
from o2c_twin.integration.connectors.netsuite_credits import Credits
from o2c_twin.integration.connectors.netsuite_currencies import ALL, NetSuiteCurrencies
from o2c_twin.integration.connectors.netsuite_events import NetSuiteEvents
from o2c_twin.integration.connectors.netsuite_maps import NetSuiteMaps
from o2c_twin.integration.connectors.oauth1 import TokenSigner
from o2c_twin.integration.mappings.documents import CustomerMaster, PartyChange, Receipt
from o2c_twin.integration.model import (
    Allocation,
    BankEntry,
    Charge,
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
from o2c_twin.integration.ports import Clock, HttpAnswer, HttpPort
from o2c_twin.integration.runtime.errors import CallFailed

TO_BILL = ("Pending Billing", "Pending Billing/Partially Fulfilled")
"""The statuses of orders of which something is to be billed."""
# The order status "Pending Fulfillment": what an order over the limit is when somebody has approved it.
_APPROVED = "B"
_CANCELLED = "C"


# An external id is unique per record type for as long as the record lives (facts.md of the mock, "Idempotency").
SHEET: Sheet = (
    Capability("put_customer", "customer.upsert", "external-id"),
    Capability("update_customer", "customer.update", "external-id"),
    Capability("change_customer", "customer.update", "external-id"),
    Capability("put_order", "salesOrder.upsert", "external-id"),
    Capability("bill", "salesOrder.transform.invoice", "external-id"),
    Capability("put_payment", "customerPayment.upsert", "external-id"),
    Capability("put_charge", "advIntercompanyJournalEntry.upsert", "external-id"),
    Capability("cancel_order", "salesOrder.update", "external-id"),
    Capability("credit_invoice", "invoice.transform.creditMemo", "external-id"),
    Capability("release_order", "salesOrder.update", "external-id"),
    Capability("write_off", "invoice.transform.creditMemo", "external-id"),
    Capability("grant_discount", "invoice.transform.creditMemo", "external-id"),
)


class NetSuiteErp:
    """An ERP that is a NetSuite account, signed in with one integration's token.

    ``currency`` is that of the books, ``foreign`` the others the account has (by its feature Multiple Currencies): maps
    are given the currency of the document at hand. ``maps`` say what the account's fields mean, the shipped ones unless
    others are given; ``write_offs`` is the name of the item whose account what is written off is booked against,
    ``discounts`` that of the item for early payment discounts: without one no invoice is asked what its terms grant.
    """

    def __init__(
        self,
        system: str,
        url: str,
        http: HttpPort,
        clock: Clock,
        signer: TokenSigner,
        currency: str = "EUR",
        maps: NetSuiteMaps | None = None,
        write_offs: str = "WRITE-OFF",
        foreign: Collection[str] = (),
        discounts: str = "",
    ) -> None:
        self.system = system
        self.sheet = SHEET
        self._client = NetSuiteClient(system, url, http, clock, signer)
        self._wire = self._client.wire
        self._events = NetSuiteEvents(self._client)
        self._currency = currency
        self.currencies = NetSuiteCurrencies(system, currency, foreign)
        self.maps = NetSuiteMaps.shipped() if maps is None else maps
        self._given = self.maps.given(currency)
        self._write_offs = write_offs
        self._discounts = discounts
        self._credits = Credits(self._client)
        self._given_of = {code: self.maps.given(code) for code in (currency, *foreign)}
        asked = self.maps.open_items_and_terms_query if discounts else self.maps.open_items_query
        self._open_items = self.currencies.with_column(asked)

    # --- masters ---------------------------------------------------------------------------------

    async def item_ids(self) -> dict[str, str]:
        """SKU to item id, of all items."""
        return {
            row["itemid"]: row["id"] for row in await self._client.select("item_ids", "SELECT id, itemid FROM item")
        }

    async def learn_currencies(self) -> None:
        """Ask the account once what it calls its currencies, where it has several."""
        if self.currencies.untold:
            rows = await self._client.select("currencies", ALL)
            with self._wire.reading("currencies"):
                self.currencies.told(rows)

    async def _named(self, operation: str, currency: str) -> dict[str, Any]:
        await self.learn_currencies()
        return self.currencies.named(operation, currency)

    async def _customer_body(self, operation: str, party: Party) -> dict[str, Any]:
        made = self.maps.within(party.entity).party_to_customer
        body: dict[str, Any] = self._wire.body(operation, made, party, self._given)
        if self.currencies.several:
            body |= await self._named(operation, made.written_currency(party, self._given))
        return body

    async def put_customer(self, party: Party, key: str | None, correlation: str) -> str:
        """Create the customer, or with a known key update it."""
        body = await self._customer_body("put_customer", party)
        return await self._client.write("put_customer", "customer", body, key, correlation)

    async def customer_by_number(self, number: str, entity: str | None = None) -> str | None:
        """The customer with that number, where and as the map of customers writes it in that entity."""
        maps = self.maps.within(entity)
        column = maps.number_column
        if column is None:
            return None
        with self._wire.reading("customer_by_number"):
            literal = str(maps.number_held(number)).replace("'", "''")
        query = f"SELECT id FROM customer WHERE {column} = '{literal}'"
        rows = await self._client.select("customer_by_number", query)
        return str(rows[0]["id"]) if rows else None

    async def update_customer(self, erp_id: str, party: Party, correlation: str) -> None:
        """Change name, terms, limit and e-mail."""
        body = await self._customer_body("update_customer", party)
        await self._client.call("update_customer", "PATCH", f"{RECORD}/customer/{erp_id}", None, body, correlation)

    @property
    def customer_fields(self) -> frozenset[str]:
        """The fields of a change that a customer keeps."""
        return self.maps.customer_fields

    async def customer(self, erp_id: str) -> CustomerMaster:
        """The customer as it stands."""
        answer = await self._client.call("customer", "GET", f"{RECORD}/customer/{erp_id}")
        master: CustomerMaster = self._wire.record("customer", answer, self.maps.customer_to_master, self._given)
        return master

    async def change_customer(self, erp_id: str, change: PartyChange, correlation: str) -> None:
        """Change what is given, and nothing else."""
        body = self._wire.body("change_customer", self.maps.change_to_customer, change, self._given)
        await self._client.call("change_customer", "PATCH", f"{RECORD}/customer/{erp_id}", None, body, correlation)

    # --- orders, shipments, invoices -------------------------------------------------------------

    async def put_order(
        self, deal: Deal, customer_id: str, items: dict[str, str], key: str | None, correlation: str
    ) -> str:
        """Create the sales order; with a key that is known already, find it."""
        order = self.maps.within(deal.party.entity).deal_to_sales_order
        given = {**self._given, "customer": customer_id, "items": items}
        currency = await self._named("put_order", order.written_currency(deal, given))
        body = self._wire.body("put_order", order, deal, given) | currency
        return await self._client.write("put_order", "salesOrder", body, key, correlation)

    async def _order(self, order_id: str) -> HttpAnswer:
        return await self._client.call("order", "GET", f"{RECORD}/salesOrder/{order_id}")

    async def order(self, order_id: str) -> OrderStatus:
        """The order as it stands."""
        answer = await self._order(order_id)
        status: OrderStatus = self._wire.record("order", answer, self.maps.sales_order_to_status, self._given)
        return status

    async def shipment(self, shipment_id: str) -> Shipment:
        """A goods issue (item fulfillment)."""
        answer = await self._client.call("shipment", "GET", f"{RECORD}/itemFulfillment/{shipment_id}")
        issue: Shipment = self._wire.record("shipment", answer, self.maps.fulfillment_to_shipment, self._given)
        return issue

    async def bill(self, order_id: str, key: str | None, correlation: str) -> str:
        """Transform the order into an invoice of what has shipped; the key becomes its external id."""
        path = f"{RECORD}/salesOrder/{order_id}/!transform/invoice"
        body = {} if key is None else {"externalId": external_id(key)}
        try:
            return self._client.id_of("bill", await self._client.call("bill", "POST", path, None, body, correlation))
        except CallFailed as failure:
            if key is None or failure.cause != "rejected":
                raise
            # A transform cannot be upserted: when an earlier one was made and its answer lost, the
            # invoice is found by the key it carries.
            made = await self.invoice_by_key(key)
            if made is None and await self._awaits_billing(order_id):
                raise
            # One bill takes all that has shipped: that of the delivery before, or a person's, took this along.
            return made or ""

    async def _awaits_billing(self, order_id: str) -> bool:
        row = self._wire.json("order", await self._order(order_id))
        with self._wire.reading("order"):
            return row["status"]["refName"] in TO_BILL

    async def invoice(self, invoice_id: str) -> InvoiceStatus:
        """The invoice as it stands."""
        answer = await self._client.call("invoice", "GET", f"{RECORD}/invoice/{invoice_id}")
        given = self._given
        if self.currencies.several:
            await self.learn_currencies()
            shown = self._wire.json("invoice", answer)
            with self._wire.reading("invoice"):
                given = self._given_of[self.currencies.code(shown)]
        status: InvoiceStatus = self._wire.record("invoice", answer, self.maps.invoice_to_status, given)
        return status

    async def invoice_by_key(self, key: str) -> str | None:
        """The invoice with that external id."""
        query = f"SELECT id FROM transaction WHERE type = 'CustInvc' AND externalid = '{external_id(key)}'"
        rows = await self._client.select("invoice_by_key", query)
        return str(rows[0]["id"]) if rows else None

    # --- receivables -----------------------------------------------------------------------------

    async def open_items(self, customer_id: str) -> list[OpenItem]:
        """All open invoices of a customer."""
        return await self._open("open_items", f"entity = '{customer_id}'")

    async def items_named(self, numbers: list[str]) -> list[OpenItem]:
        """Open invoices with these numbers."""
        names = ", ".join("'" + n.replace("'", "''") + "'" for n in numbers)
        return await self._open("items_named", f"tranid IN ({names})")

    async def _open(self, operation: str, where: str) -> list[OpenItem]:
        item, made = self.maps.transaction_to_open_item.run, self._wire.made
        found = await self._client.select(operation, self._open_items.format(where))
        await self.learn_currencies()
        with self._wire.reading(operation):
            codes = [self.currencies.code(row) for row in found]
            rows = [
                self.maps.open_item_of(row, code, bool(self._discounts)) for row, code in zip(found, codes, strict=True)
            ]
        return [made(operation, item, row, self._given_of[code]) for row, code in zip(rows, codes, strict=True)]

    async def put_payment(
        self, entry: BankEntry, customer_id: str, allocations: list[Allocation], key: str | None, correlation: str
    ) -> str:
        """Post a receipt as a customer payment and apply it."""
        payment, receipt = self.maps.receipt_to_payment, Receipt(entry, customer_id, tuple(allocations) or None)
        currency = await self._named("put_payment", payment.written_currency(receipt, self._given))
        body = self._wire.body("put_payment", payment, receipt, self._given) | currency
        return await self._client.write("put_payment", "customerPayment", body, key, correlation)

    async def put_charge(self, charge: Charge, key: str | None, correlation: str) -> str:
        """Post what one entity charges another, in the books of both."""
        mapped = self.maps.charge_to_journal
        currency = await self._named("put_charge", mapped.written_currency(charge, self._given))
        made = self._wire.body("put_charge", mapped, charge, self._given)
        amount, rows = made["amount"], []
        for side, debit, credit in (("seller", "receivable", "revenue"), ("buyer", "cost", "payable")):
            own = {"lineSubsidiary": made[side], "eliminate": True}
            rows += [
                {**own, "account": made[debit], "debit": amount},
                {**own, "account": made[credit], "credit": amount},
            ]
        body = {"subsidiary": made["seller"], "line": {"items": rows}, **currency}
        if "memo" in made:
            body["memo"] = made["memo"]
        return await self._client.write("put_charge", "advIntercompanyJournalEntry", body, key, correlation)

    # --- what people decide ----------------------------------------------------------------------

    async def release_order(self, order_id: str, correlation: str) -> None:
        """Approve an order that waits for credit: it goes from pending approval to pending fulfillment."""
        body = {"orderStatus": {"id": _APPROVED}}
        await self._client.call("release_order", "PATCH", f"{RECORD}/salesOrder/{order_id}", None, body, correlation)

    async def write_off(self, what: WriteOff, key: str | None, correlation: str) -> str:
        """Credit what an invoice has open, with a credit memo of the item for it; the key becomes its external id.

        The item's account is a cost: revenue stays as it was.
        """
        return await self._charge("write_off", self._write_offs, what, key, correlation)

    async def grant_discount(self, what: Discount, key: str | None, correlation: str) -> str:
        """Credit a discount earned by paying early, in the same way, with the item for that."""
        if not self._discounts:
            detail = "no item is named to grant discounts with; set the option 'discounts'"
            raise CallFailed(self.system, "grant_discount", "rejected", detail)
        bill = await self.invoice(what.invoice_erp_id)
        if bill.open_minor < what.amount_minor:
            # Granted already, by an earlier try or by a person: a credit memo beyond what is open would be owed anew.
            made = await self._credits.by_key("grant_discount", key) if key is not None else None
            if made is None:
                detail = f"{bill.open_minor} is open of {bill.number}, less than the discount of {what.amount_minor}"
                raise CallFailed(self.system, "grant_discount", "rejected", detail)
            return made
        return await self._charge("grant_discount", self._discounts, what, key, correlation)

    async def _charge(self, write: str, item: str, what: WriteOff | Discount, key: str | None, correlation: str) -> str:
        await self._named(write, what.currency)
        invoice, minor = what.invoice_erp_id, what.amount_minor
        return await self._credits.charge(write, item, invoice, minor, what.currency, what.reason, key, correlation)

    async def cancel_order(self, order_id: str, correlation: str) -> None:
        """Cancel an order of which nothing has shipped; one that is cancelled stays so."""
        body = {"orderStatus": {"id": _CANCELLED}}
        try:
            await self._client.call("cancel_order", "PATCH", f"{RECORD}/salesOrder/{order_id}", None, body, correlation)
        except CallFailed as failure:
            if failure.cause != "rejected" or (await self.order(order_id)).fulfilment != "cancelled":
                raise

    async def credit_invoice(self, invoice_id: str, key: str | None, correlation: str) -> str:
        """Credit all that is left of an invoice; gives the credit memo's id. The key becomes its external id."""
        return await self._credits.rest("credit_invoice", invoice_id, key, correlation)

    # --- changes ---------------------------------------------------------------------------------

    async def changes(self, since: int) -> tuple[list[Inbound], int]:
        """Changed orders, shipments and invoices after an instant, and where to ask from next."""
        return await self._events.changes(since)

    async def customer_changes(self, since: int) -> tuple[list[Inbound], int]:
        """Changed customers after an instant, and where to ask from next."""
        return await self._events.customer_changes(since)

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """Read the notice of a user-event script. Raises ValueError for nonsense."""
        return self._events.pushed(body), b""

"""The Business Central connector: canonical words to and from API v2.0.

The service has no idempotency key and its orders vanish with their last invoice. So each write leaves a mark that
can be asked for, and what became of an order is read from its posted invoices.
"""

from collections.abc import Mapping

from o2c_twin.integration.capability import Capability, Sheet
from o2c_twin.integration.connectors.books import check_currency
from o2c_twin.integration.connectors.business_central_client import BusinessCentralClient, Rows, code_of, literal
from o2c_twin.integration.connectors.business_central_corrections import Corrections
from o2c_twin.integration.connectors.business_central_customers import Customers
from o2c_twin.integration.connectors.business_central_events import BusinessCentralEvents
from o2c_twin.integration.connectors.business_central_journals import Journals
from o2c_twin.integration.connectors.business_central_maps import MARK, BusinessCentralMaps, payment_lines
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
from o2c_twin.integration.runtime.errors import CallFailed

_NAMED_AT_ONCE = 20

SHEET: Sheet = (
    # The number is the key of the customer table: a second create is refused, and the first is found by it.
    Capability("put_customer", "customers.create", "external-id"),
    Capability("update_customer", "record.update", "query", version_guard="etag"),
    Capability("change_customer", "record.update", "query", version_guard="etag"),
    # The key stands in a comment line, which the posted invoices carry on.
    Capability("put_order", "salesOrders.create", "query"),
    # What is shipped and not invoiced can be read: a second bill finds nothing left.
    Capability("bill", "batch", "query", bulk_limit=100, partial=True),
    # The document number is made from the key, and the ledger can be asked for it.
    Capability("put_payment", "batch", "query", bulk_limit=100, partial=True),
    Capability("write_off", "batch", "query", bulk_limit=100, partial=True),
    Capability("grant_discount", "batch", "query", bulk_limit=100, partial=True),
    # An order that is gone and an invoice that is cancelled say so; a credit memo has the key.
    Capability("cancel_order", "record.delete", "query", version_guard="etag"),
    Capability("credit_invoice", "salesInvoices.cancel", "query"),
)


class BusinessCentralErp:
    """An ERP that is a Business Central company. ``client_state`` is what its webhooks must bring along.

    ``journal`` is the code of the payment journal receipts are posted in, ``write_offs`` that of one that balances on
    a cost account; ``credit_account`` is the number of the G/L account that what is left of an invoice is credited
    against. ``discounts`` is the code of a payment journal that balances on the account of payment discounts: without
    one no invoice is asked for what its terms grant. ``currency`` is that of the books; ``maps`` say what its fields
    mean, the shipped ones unless others are given.
    """

    def __init__(
        self,
        client: BusinessCentralClient,
        currency: str = "EUR",
        client_state: str = "",
        journal: str = "PAYMENT",
        write_offs: str = "WRITEOFF",
        credit_account: str = "40100",
        maps: BusinessCentralMaps | None = None,
        discounts: str = "",
    ) -> None:
        self.system = client.system
        self.sheet = SHEET
        self._client = client
        self._reading = client.wire.reading
        self._currency = currency
        self.maps = BusinessCentralMaps.shipped() if maps is None else maps
        self._given = self.maps.given(currency)
        self._events = BusinessCentralEvents(client, client_state)
        self._journal_code = journal
        self._write_offs = write_offs
        self._discounts = discounts
        self._customers = Customers(client, currency, self.maps)
        self._journals = Journals(client)
        self._corrections = Corrections(client, credit_account, currency)
        self._sent: dict[str, str] = {}
        """Where to look for a write that is under way: the customer's number of an order, the order of a bill."""

    # --- masters ---------------------------------------------------------------------------------

    async def item_ids(self) -> dict[str, str]:
        """SKU to item id, of all items."""
        rows = await self._client.rows("item_ids", "items", {"$select": "id,number"})
        with self._reading("item_ids"):
            return {row["number"]: row["id"] for row in rows}

    async def put_customer(self, party: Party, key: str | None, correlation: str) -> str:
        """Create the customer; with a key, one that is there already under its number is updated."""
        return await self._customers.put(party, key, correlation)

    async def customer_by_number(self, number: str, entity: str | None = None) -> str | None:
        """The customer with that number, where and as the map of customers writes it."""
        return await self._customers.by_number(number)

    async def update_customer(self, erp_id: str, party: Party, correlation: str) -> None:
        """Change name, terms, limit and e-mail; its number is its key and stays."""
        await self._customers.update(erp_id, party, correlation)

    @property
    def customer_fields(self) -> frozenset[str]:
        """The fields of a change that a customer keeps; its number is its key and stays."""
        return self.maps.customer_fields

    async def customer(self, erp_id: str) -> CustomerMaster:
        """The customer as it stands, with the days of its payment terms."""
        return await self._customers.read(erp_id)

    async def customer_changes(self, since: int) -> tuple[list[Inbound], int]:
        """Changed customers after an instant, and where to ask from next."""
        return await self._events.customer_changes(since)

    async def change_customer(self, erp_id: str, change: PartyChange, correlation: str) -> None:
        """Change what is given, and nothing else."""
        await self._customers.change(erp_id, change, correlation)

    # --- orders and shipments --------------------------------------------------------------------

    async def put_order(
        self, deal: Deal, customer_id: str, items: dict[str, str], key: str | None, correlation: str
    ) -> str:
        """Create the sales order with its lines; the key stands in a comment line of it."""
        order, given = self.maps.deal_to_sales_order, {**self._given, "customer": customer_id, "items": items}
        check_currency(self.system, "put_order", order.written_currency(deal, given), self._currency)
        body = self._client.wire.body("put_order", order, deal, given)
        if key is not None:
            body["salesOrderLines"].append({"lineType": "Comment", "description": MARK + key})
            self._sent[key] = body.get("externalDocumentNumber", "")
        answer = await self._client.call("put_order", "POST", "salesOrders", None, body, correlation)
        row = self._client.wire.json("put_order", answer)
        with self._reading("put_order"):
            self._events.remember(row["id"], row["number"])
            if key is not None:
                self._sent.pop(key, None)
            return str(row["id"])

    async def _order_by_key(self, key: str) -> str | None:
        """The order whose comment has the key, be it gone into its invoices: by its reference when that is known."""
        reference = self._sent.get(key)
        for set_, lines, id_ in (
            ("salesOrders", "salesOrderLines", "id"),
            ("salesInvoices", "salesInvoiceLines", "orderId"),
        ):
            query = {"$select": id_, "$expand": f"{lines}($filter=description eq {literal(MARK + key)})"}
            if reference:
                query["$filter"] = f"externalDocumentNumber eq {literal(reference)}"
            for row in await self._client.rows("find", set_, query):
                with self._reading("find"):
                    if row[lines]:
                        return str(row[id_])
        return None

    async def order(self, order_id: str) -> OrderStatus:
        """The order as it stands; one that is gone is told from its posted invoices."""
        try:
            query = {"$expand": "salesOrderLines"}
            answer = await self._client.call("order", "GET", f"salesOrders({order_id})", query)
        except CallFailed as failure:
            if failure.cause != "missing":
                raise
            return await self._gone(order_id, failure)
        row = self._client.wire.page("order", answer, self.maps.order)
        self._events.remember(row.id, row.number)
        self.maps.complete_order(row)
        status: OrderStatus = self._client.wire.made("order", self.maps.sales_order_to_status.read, row, self._given)
        return status

    async def _gone(self, order_id: str, failure: CallFailed) -> OrderStatus:
        invoices = await self._invoices(order_id, "$expand", "salesInvoiceLines($filter=lineType eq 'Comment')")
        if not invoices:
            raise failure
        with self._reading("order"):
            told = self.maps.gone_order_of(invoices[-1])
        status: OrderStatus = self._client.wire.made("order", self.maps.invoiced_order_to_status.run, told, self._given)
        return status

    async def _invoices(self, order_id: str, *more: str) -> Rows:
        """The posted invoices of an order, oldest first."""
        query = {"$filter": f"orderId eq {order_id}", **({more[0]: more[1]} if more else {})}
        rows = await self._client.rows("invoices", "salesInvoices", query)
        with self._reading("invoices"):
            return sorted(rows, key=lambda row: (len(row["number"]), row["number"]))

    async def shipment(self, shipment_id: str) -> Shipment:
        """A posted shipment; it tells the number of its order, and the order's id is looked up."""
        answer = await self._client.call("shipment", "GET", f"salesShipments({shipment_id})")
        row = self._client.wire.page("shipment", answer, self.maps.shipment)
        number = row.orderNumber
        self._events.remember(row.id, number)
        wanted = f"Number eq {literal(number)}"
        rows = await self._client.rows("shipment", "salesOrders", {"$filter": f"n{wanted[1:]}", "$select": "id"})
        name = "id"
        if not rows:
            name = "orderId"
            query = {"$filter": f"order{wanted}", "$select": "orderId"}
            rows = await self._client.rows("shipment", "salesInvoices", query)
        if not rows:
            raise CallFailed(self.system, "shipment", "missing", f"no order {number}")
        with self._reading("shipment"):
            self.maps.complete_shipment(row, rows[0][name])
        issue: Shipment = self._client.wire.made("shipment", self.maps.shipment_to_shipment.read, row, self._given)
        return issue

    # --- invoices --------------------------------------------------------------------------------

    async def bill(self, order_id: str, key: str | None, correlation: str) -> str:
        """Post an invoice of what has shipped and is not invoiced, and ship nothing by it: in one transaction."""
        try:
            row = await self._client.get("bill", f"salesOrders({order_id})", {"$expand": "salesOrderLines"})
        except CallFailed as failure:
            if failure.cause != "missing":
                raise
            return await self._billed_before(order_id, key)
        requests = []
        due = 0
        with self._reading("bill"):
            for line in row["salesOrderLines"]:
                if line["lineType"] == "Comment":
                    continue
                open_quantity = int(line["shippedQuantity"]) - int(line["invoicedQuantity"])
                due += open_quantity
                requests.append(
                    {
                        "method": "PATCH",
                        "url": f"salesOrderLines({line['id']})",
                        "headers": {"If-Match": line["@odata.etag"]},
                        "body": {"shipQuantity": 0, "invoiceQuantity": open_quantity},
                    }
                )
        if not due:
            return await self._billed_before(order_id, key)
        requests.append({"method": "POST", "url": f"salesOrders({order_id})/Microsoft.NAV.shipAndInvoice"})
        if key is not None:
            self._sent[key] = order_id
        try:
            await self._client.together("bill", requests, correlation)
        except CallFailed as failure:
            if failure.cause != "unknown-outcome":
                self._sent.pop(key or "", None)
            raise
        made = await self._billed_before(order_id, key) if key is not None else await self._newest(order_id)
        if not made:
            raise CallFailed(self.system, "bill", "unknown-outcome", f"posted, and no invoice of {order_id} is there")
        return made

    async def _billed_before(self, order_id: str, key: str | None) -> str:
        """The invoice an earlier try of this bill made; empty when it was somebody else's."""
        return await self._newest(order_id) if key is not None and self._sent.pop(key, None) == order_id else ""

    async def _newest(self, order_id: str) -> str:
        rows = await self._invoices(order_id, "$select", "id,number,orderNumber")
        if not rows:
            return ""
        with self._reading("bill"):
            self._events.remember(rows[-1]["id"], rows[-1]["orderNumber"])
            return str(rows[-1]["id"])

    async def find(self, write: str, key: str) -> str | None:
        """What was made with that key, and None when it is to be sent again.

        A bill has nothing to be found by: sent again, it bills what is left, which may be nothing. Sent again, a
        cancellation or a credit looks for what it did before.
        """
        if write == "put_order":
            return await self._order_by_key(key)
        if write in ("put_payment", "write_off", "grant_discount"):
            return await self._journals.posted(code_of(key))
        return None

    async def invoice(self, invoice_id: str) -> InvoiceStatus:
        """The invoice as it stands."""
        answer = await self._client.call("invoice", "GET", f"salesInvoices({invoice_id})")
        row = self._client.wire.page("invoice", answer, self.maps.invoice)
        if row.orderNumber:
            self._events.remember(row.id, row.orderNumber)
        self.maps.complete_invoice(row)
        status: InvoiceStatus = self._client.wire.made("invoice", self.maps.invoice_to_status.read, row, self._given)
        return status

    async def invoice_by_key(self, key: str) -> str | None:
        """The invoice of a bill whose answer never came; the service keeps no key on it."""
        order_id = self._sent.get(key)
        return (await self._newest(order_id) or None) if order_id else None

    # --- receivables -----------------------------------------------------------------------------

    async def open_items(self, customer_id: str) -> list[OpenItem]:
        """All open invoices of a customer."""
        return self._open(await self._open_rows("open_items", f"customerId eq {customer_id}"))

    async def items_named(self, numbers: list[str]) -> list[OpenItem]:
        """Open invoices with these numbers."""
        found: Rows = []
        for start in range(0, len(numbers), _NAMED_AT_ONCE):
            names = numbers[start : start + _NAMED_AT_ONCE]
            condition = " or ".join(f"number eq {literal(name)}" for name in names)
            found += await self._open_rows("items_named", f"({condition})")
        return self._open(found)

    async def _open_rows(self, operation: str, condition: str) -> Rows:
        query = {"$filter": f"{condition} and status eq 'Open'", "$select": self.maps.open_item_fields}
        if self._discounts:
            query["$select"] = ",".join(dict.fromkeys((*query["$select"].split(","), "invoiceDate", "remainingAmount")))
            query["$expand"] = "paymentTerm($select=discountDateCalculation,discountPercent)"
        return await self._client.rows(operation, "salesInvoices", query)

    def _open(self, rows: Rows) -> list[OpenItem]:
        item, made = self.maps.invoice_to_open_item.run, self._client.wire.made
        with self._reading("open items"):
            found = [self.maps.open_item_of(row, self._currency) for row in rows]
        return [made("open items", item, row, self._given) for row in found]

    async def put_payment(
        self, entry: BankEntry, customer_id: str, allocations: list[Allocation], key: str | None, correlation: str
    ) -> str:
        """Enter a receipt, a line for each invoice it pays, and post it: in one transaction. Gives the document."""
        document = code_of(key if key is not None else f"bank:{entry.reference}")
        payment, given = self.maps.receipt_to_payment, {**self._given, "document": document}
        receipt = Receipt(entry, customer_id, tuple(allocations) or None)
        check_currency(self.system, "put_payment", payment.written_currency(receipt, given), self._currency)
        body = self._client.wire.body("put_payment", payment, receipt, given)
        if body["documentNumber"] != document:
            detail = f"document {body['documentNumber']} would not be found again; write the one given, {document}"
            raise CallFailed(self.system, "put_payment", "rejected", detail)
        await self._journals.post("put_payment", self._journal_code, payment_lines(body), correlation)
        return document

    # --- what people decide ----------------------------------------------------------------------

    async def write_off(self, what: WriteOff, key: str | None, correlation: str) -> str:
        """Post what an invoice has open against the account of the journal of write-offs. Gives the document."""
        check_currency(self.system, "write_off", what.currency, self._currency)
        return await self._journals.charge("write_off", self._write_offs, what, key, correlation)

    async def grant_discount(self, what: Discount, key: str | None, correlation: str) -> str:
        """Post a discount earned by paying early against the account of the journal for it. Gives the document.

        Posting a payment that came in time grants what it lacks by itself (from memory of the application: facts.md of
        the mock): then nothing of the invoice is open any more, and there is no document of its own; gives "".
        """
        check_currency(self.system, "grant_discount", what.currency, self._currency)
        if not self._discounts:
            detail = "no payment journal is named to grant discounts in; set the option 'discounts'"
            raise CallFailed(self.system, "grant_discount", "rejected", detail)
        return await self._journals.charge("grant_discount", self._discounts, what, key, correlation)

    async def cancel_order(self, order_id: str, correlation: str) -> None:
        """Delete an order of which nothing has shipped; one that is gone stays so."""
        await self._corrections.cancel_order(order_id, correlation)

    async def credit_invoice(self, invoice_id: str, key: str | None, correlation: str) -> str:
        """Credit all that is left of an invoice; gives the credit memo's id. The goods of one that is credited in
        whole are in stock again, as the service has it."""
        return await self._corrections.credit_invoice(invoice_id, key, correlation)

    # --- changes ---------------------------------------------------------------------------------

    async def changes(self, since: int) -> tuple[list[Inbound], int]:
        """Changed orders, shipments and invoices, and where to ask from next."""
        return await self._events.changes(since)

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """Read the notices of a webhook. Raises `NotAuthentic` where one lacks the secret; ValueError for nonsense."""
        return self._events.pushed(body), b""

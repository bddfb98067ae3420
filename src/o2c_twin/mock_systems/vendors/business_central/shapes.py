"""Orders, shipments and invoices as the API shows them, without their ETags."""

from collections.abc import Iterator
from typing import Any

from o2c_twin.mock_systems.roles.erp import Delivery, Invoice, OrderLine, SalesOrder
from o2c_twin.mock_systems.roles.erp.records import DeliveryLine
from o2c_twin.mock_systems.vendors.business_central.shapes_ledger import LedgerShapes
from o2c_twin.mock_systems.vendors.business_central.shapes_masters import Shape
from o2c_twin.mock_systems.vendors.business_central.state import Draft
from o2c_twin.mock_systems.vendors.business_central.values import DAY_US, NO_DAY, NO_GUID, day_of, instant_of, money

COMMENT_PART = 0x8000
"""Comment lines are counted from here, so that their ids are not those of item lines."""


def is_gone(order: SalesOrder, deleted_when_invoiced: bool) -> bool:
    """Whether the order is no more in the service: cancelled, or invoiced to the last piece."""
    if order.cancelled:
        return True
    if not deleted_when_invoiced:
        return False
    return all(line.billed >= (line.shipped if line.closed else line.quantity) for line in order.lines) and any(
        line.billed for line in order.lines
    )


def comments_of(memo: str | None) -> list[str]:
    """The comment lines of an order."""
    return memo.split("\n") if memo else []


class Shapes(LedgerShapes):
    """Writes the records of one environment."""

    def order(self, order: SalesOrder, now: int) -> Shape:
        """A sales order."""
        total = sum(line.quantity * line.unit_price_minor for line in order.lines)
        kept = self.state.kept.get(f"order/{order.id}", {})
        day = day_of(order.entered_at)
        shape = self._head("order", order, total, kept, day)
        shape["orderDate"] = kept.get("orderDate", day)
        shape["partialShipping"] = not order.ship_complete
        shape["requestedDeliveryDate"] = kept.get("requestedDeliveryDate", NO_DAY)
        shape["fullyShipped"] = all(line.closed or line.shipped >= line.quantity for line in order.lines)
        held = order.credit in ("hold", "rejected")
        shape["status"] = "In Review" if held else "Open" if any(line.shipped for line in order.lines) else "Draft"
        return shape

    def _head(self, kind: str, record: SalesOrder | Invoice, total: int, kept: Shape, day: str) -> Shape:
        customer = self._core.state.customers[record.customer_id]
        id_ = self._guids.of("customer", customer.id)
        shape: Shape = {
            "id": self.invoice_id(record.id) if kind == "invoice" else self._guids.of(kind, record.id),
            "number": record.number,
            "externalDocumentNumber": record.po_number or "",
            "postingDate": kept.get("postingDate", day),
            "customerId": id_,
            "customerNumber": customer.number,
            "customerName": customer.name,
            "billToName": customer.name,
            "billToCustomerId": id_,
            "billToCustomerNumber": customer.number,
        }
        shape.update(_NO_TEXTS)
        for name, value in kept.items():
            if name in _NO_TEXTS:
                shape[name] = value
        shape["shipToName"] = kept.get("shipToName", customer.name)
        shape["currencyId"] = NO_GUID
        shape["currencyCode"] = record.currency
        shape["pricesIncludeTax"] = False
        shape["paymentTermsId"] = self.term_id(customer.terms_days)
        shape["shipmentMethodId"] = kept.get("shipmentMethodId", NO_GUID)
        shape["discountAmount"] = shape["totalTaxAmount"] = 0
        shape["totalAmountExcludingTax"] = shape["totalAmountIncludingTax"] = money(total)
        shape["lastModifiedDateTime"] = instant_of(record.modified_at)
        return shape

    def order_lines(self, order: SalesOrder) -> Iterator[Shape]:
        """The lines of an order: items, then comments."""
        document = self._guids.of("order", order.id)
        for line in order.lines:
            yield self.order_line(order, line, document)
        for n, text in enumerate(comments_of(order.memo)):
            id_ = self._guids.of("orderline", order.id, COMMENT_PART + n)
            yield self._comment(id_, document, (len(order.lines) + 1 + n) * 10_000, text)

    def order_line(self, order: SalesOrder, line: OrderLine, document: str) -> Shape:
        """One item line, with what a posting would ship and invoice."""
        ship, bill = self.to_post(order, line)
        quantity = line.shipped if line.closed else line.quantity
        id_ = self._guids.of("orderline", order.id, line.line)
        shape = self._line(id_, document, line.line * 10_000, line, quantity, day_of(order.entered_at))
        shape["shippedQuantity"] = line.shipped
        shape["invoicedQuantity"] = line.billed
        shape["invoiceQuantity"] = bill
        shape["shipQuantity"] = ship
        return shape

    def to_post(self, order: SalesOrder, line: OrderLine) -> tuple[int, int]:
        """Quantities to ship and to invoice: as set, or all that is outstanding."""
        chosen = self.state.to_post.get(order.id)
        if chosen is not None and line.line in chosen:
            return chosen[line.line]
        open_quantity = 0 if line.closed else line.quantity - line.shipped
        return open_quantity, open_quantity + line.shipped - line.billed

    def _line(self, id_: str, document: str, sequence: int, line: Any, quantity: int, day: str) -> Shape:
        item = self._core.state.items[line.item_id]
        amount = money(quantity * line.unit_price_minor)
        return {
            "id": id_,
            "documentId": document,
            "sequence": sequence,
            "itemId": self._guids.of("item", item.id),
            "accountId": NO_GUID,
            "lineType": "Item",
            "lineObjectNumber": item.sku,
            "description": item.name,
            "unitOfMeasureCode": "PCS",
            "quantity": quantity,
            "unitPrice": money(line.unit_price_minor),
            "discountAmount": 0,
            "discountPercent": 0,
            "amountExcludingTax": amount,
            "taxCode": "",
            "taxPercent": 0,
            "totalTaxAmount": 0,
            "amountIncludingTax": amount,
            "netAmount": amount,
            "shipmentDate": day,
        }

    def _comment(self, id_: str, document: str, sequence: int, text: str) -> Shape:
        return {
            "id": id_,
            "documentId": document,
            "sequence": sequence,
            "itemId": NO_GUID,
            "accountId": NO_GUID,
            "lineType": "Comment",
            "lineObjectNumber": "",
            "description": text,
            "quantity": 0,
            "unitPrice": 0,
        }

    # --- posted documents ------------------------------------------------------------------------

    def shipment(self, delivery: Delivery, now: int) -> Shape:
        """A posted shipment."""
        customer = self._core.state.customers[delivery.customer_id]
        order = self._core.state.orders[delivery.order_id]
        id_, day = self._guids.of("customer", customer.id), day_of(delivery.issued_at)
        return {
            "id": self._guids.of("shipment", delivery.id),
            "number": delivery.number,
            "externalDocumentNumber": order.po_number or "",
            "invoiceDate": day,
            "postingDate": day,
            "dueDate": day_of(delivery.issued_at + customer.terms_days * DAY_US),
            "customerPurchaseOrderReference": "",
            "customerId": id_,
            "customerNumber": customer.number,
            "customerName": customer.name,
            "billToCustomerId": id_,
            "billToName": customer.name,
            "billToCustomerNumber": customer.number,
            "currencyCode": delivery.currency,
            "orderNumber": order.number,
            "paymentTermsCode": f"{customer.terms_days} DAYS",
            "shipmentMethodCode": "",
            "salesperson": "",
            "pricesIncludeTax": False,
            "lastModifiedDateTime": instant_of(delivery.modified_at),
            "phoneNumber": "",
            "email": customer.email or "",
        }

    def shipment_lines(self, delivery: Delivery) -> Iterator[Shape]:
        """The lines of a shipment."""
        document, day = self._guids.of("shipment", delivery.id), day_of(delivery.issued_at)
        for line in delivery.lines:
            item = self._core.state.items[line.item_id]
            yield {
                "id": self._guids.of("shipmentline", delivery.id, line.line),
                "documentId": document,
                "documentNo": delivery.number,
                "sequence": line.line * 10_000,
                "lineType": "Item",
                "lineObjectNumber": item.sku,
                "description": item.name,
                "unitOfMeasureCode": "PCS",
                "unitPrice": money(line.unit_price_minor),
                "quantity": line.quantity,
                "discountPercent": 0,
                "taxPercent": 0,
                "shipmentDate": day,
            }

    def invoice(self, invoice: Invoice | Draft, now: int) -> Shape:
        """A sales invoice, posted or draft."""
        if isinstance(invoice, Draft):
            return self._draft(invoice)
        kept = self.state.kept.get(f"invoice/{invoice.id}", {})
        day = day_of(invoice.issued_at)
        shape = self._head("invoice", invoice, invoice.total_minor, kept, day)
        order = self._core.state.orders[invoice.order_id]
        drafted = invoice.id in self.state.origin
        shape["invoiceDate"] = day
        shape["dueDate"] = day_of(invoice.due_at)
        shape["promisedPayDate"] = kept.get("promisedPayDate", NO_DAY)
        shape["customerPurchaseOrderReference"] = kept.get("customerPurchaseOrderReference", "")
        shape["orderId"] = NO_GUID if drafted else self._guids.of("order", order.id)
        shape["orderNumber"] = "" if drafted else order.number
        shape["disputeStatusId"] = NO_GUID
        shape["disputeStatus"] = kept.get("disputeStatus", "")
        shape["remainingAmount"] = money(invoice.open_minor)
        shape["discountAppliedBeforeTax"] = False
        cancelled = invoice.id in self.state.cancelled
        shape["status"] = "Canceled" if cancelled else "Open" if invoice.open_minor else "Paid"
        return shape

    def _draft(self, draft: Draft) -> Shape:
        customer = self._core.state.customers[draft.customer_id]
        day = day_of(draft.made_at)
        total = sum(line.quantity * line.price_minor for line in draft.lines)
        # An invoice that is not posted has a head like one that is.
        as_if = Invoice(
            draft.id,
            draft.number,
            "",
            customer.id,
            customer.currency,
            [],
            total,
            0,
            draft.made_at,
            draft.made_at + customer.terms_days * DAY_US,
            draft.modified_at,
            po_number=draft.fields.get("externalDocumentNumber"),
        )
        shape = self._head("draft", as_if, total, draft.fields, day)
        shape["invoiceDate"] = draft.fields.get("invoiceDate", day)
        shape["dueDate"] = draft.fields.get("dueDate", day_of(as_if.due_at))
        shape["promisedPayDate"] = draft.fields.get("promisedPayDate", NO_DAY)
        shape["customerPurchaseOrderReference"] = draft.fields.get("customerPurchaseOrderReference", "")
        shape["orderId"] = shape["disputeStatusId"] = NO_GUID
        shape["orderNumber"] = shape["disputeStatus"] = ""
        shape["remainingAmount"] = 0
        shape["discountAppliedBeforeTax"] = False
        shape["status"] = "Draft"
        return shape

    def invoice_lines(self, invoice: Invoice | Draft) -> Iterator[Shape]:
        """The lines of an invoice; comments of the order are carried over to every invoice made of it."""
        if isinstance(invoice, Draft):
            document, day = self._guids.of("draft", invoice.id), day_of(invoice.made_at)
            for line in invoice.lines:
                id_ = self._guids.of("draftline", invoice.id, line.sequence // 10_000)
                if line.item_id is None:
                    yield self._comment(id_, document, line.sequence, line.description or "")
                    continue
                row = DeliveryLine(0, line.item_id, line.quantity, line.price_minor)
                yield self._line(id_, document, line.sequence, row, line.quantity, day)
            return
        document, day = self.invoice_id(invoice.id), day_of(invoice.issued_at)
        for posted in invoice.lines:
            id_ = self._guids.of("invoiceline", invoice.id, posted.line)
            yield self._line(id_, document, posted.line * 10_000, posted, posted.quantity, day)
        order = self._core.state.orders[invoice.order_id]
        for n, text in enumerate(comments_of(order.memo)):
            id_ = self._guids.of("invoiceline", invoice.id, COMMENT_PART + n)
            yield self._comment(id_, document, (len(order.lines) + 1 + n) * 10_000, text)


_KEPT_TEXTS = (
    "sellToAddressLine1",
    "sellToAddressLine2",
    "sellToCity",
    "sellToCountry",
    "sellToState",
    "sellToPostCode",
    "shipToContact",
    "shipToAddressLine1",
    "shipToAddressLine2",
    "shipToCity",
    "shipToCountry",
    "shipToState",
    "shipToPostCode",
    "salesperson",
    "phoneNumber",
    "email",
)
_NO_TEXTS = dict.fromkeys(_KEPT_TEXTS, "")

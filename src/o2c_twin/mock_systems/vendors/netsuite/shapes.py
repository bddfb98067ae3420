"""Records as the record API shows them. Every function gives a new dict; amounts are Decimal with two decimals."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from o2c_twin.mock_systems.roles.erp import CreditMemo, Customer, Delivery, ErpCore, Invoice, Item, Payment, SalesOrder
from o2c_twin.mock_systems.vendors.netsuite.config import NetSuiteConfig
from o2c_twin.mock_systems.vendors.netsuite.index import Index
from o2c_twin.mock_systems.vendors.netsuite.kept import Kept
from o2c_twin.mock_systems.vendors.netsuite.record_types import BY_CLASS, Record
from o2c_twin.mock_systems.vendors.netsuite.statuses import status_of
from o2c_twin.mock_systems.vendors.netsuite.subsidiaries import Subsidiaries
from o2c_twin.mock_systems.vendors.netsuite.terms import terms_id, terms_name
from o2c_twin.mock_systems.vendors.netsuite.values import DAY_US, iso_day, iso_instant, money

Shape = dict[str, Any]
_HOLD_NAMES = {"AUTO": "Auto", "ON": "On", "OFF": "Off"}
_NO_MONEY = money(0)


class Shapes:
    """Shows the records of one account. ``root`` in its methods is the address of the record service."""

    def __init__(
        self, config: NetSuiteConfig, core: ErpCore, index: Index, kept: Kept, subsidiaries: Subsidiaries
    ) -> None:
        self._core = core
        self._kept = kept
        self._index = index
        self._subsidiaries = subsidiaries
        self._currencies = {
            code: {"id": str(number), "refName": code} for number, code in enumerate(config.all_currencies, 1)
        }
        self._location = {"id": "1", "refName": config.locations[0]} if config.locations else None
        self._views: dict[type, Callable[[Any, str, int], Shape]] = {
            Customer: self._customer,
            Item: self._item,
            SalesOrder: self._order,
            Delivery: self._delivery,
            Invoice: self._invoice,
            Payment: self._payment,
            CreditMemo: self._credit_memo,
        }

    def record(self, record: Record, root: str, now: int, expand: bool = False) -> Shape:
        """One record; with ``expand`` its sublists have their lines in them."""
        kind = type(record)
        shape = self._views[kind](record, root, now)
        if expand:
            for name in SUBLISTS.get(BY_CLASS[kind].name, ()):
                shape[name] = self.sublist(record, name, root, True)
        return shape

    def currency(self, code: str) -> Shape:
        """The currency as a reference."""
        return self._currencies.get(code) or {"refName": code}

    def sublist(self, record: Record, name: str, root: str, expand: bool) -> Shape:
        """A sublist: its lines whole, or as links only."""
        address = f"{root}/{BY_CLASS[type(record)].name}/{record.id}/{name}"
        lines = self.lines(record, name, root)
        items = lines if expand else [{"links": line["links"]} for line in lines]
        return {"links": _self(address), "items": items, "totalResults": len(items)}

    def lines(self, record: Record, name: str, root: str) -> list[Shape]:
        """The lines of a sublist."""
        address = f"{root}/{BY_CLASS[type(record)].name}/{record.id}/{name}"
        if name == "apply" and isinstance(record, Payment | CreditMemo):
            return self._applied(record, address, root)
        if name == "package":
            if not isinstance(record, Delivery) or record.tracking is None:
                return []
            return [{"links": _self(f"{address}/1"), "packageTrackingNumber": record.tracking}]
        if isinstance(record, SalesOrder):
            return self._order_lines(record, address, root)
        if isinstance(record, Delivery | Invoice):
            return [self._document_line(line, record, address, root) for line in record.lines]
        return []

    # --- masters ---------------------------------------------------------------------------------

    def _customer(self, customer: Customer, root: str, now: int) -> Shape:
        overdue = oldest = 0
        for invoice in self._core.open_invoices.get(customer.id, {}).values():
            if invoice.due_at < now:
                overdue += invoice.open_minor
                oldest = max(oldest, now - invoice.due_at)
        shape = {
            "links": _self(f"{root}/customer/{customer.id}"),
            "id": customer.id,
            "entityId": customer.number,
            "companyName": customer.name,
            "isPerson": False,
            "subsidiary": self._subsidiaries.shown(customer.entity),
            "currency": self.currency(customer.currency),
            "terms": {"id": terms_id(customer.terms_days), "refName": terms_name(customer.terms_days)},
            "creditHoldOverride": {"id": customer.hold, "refName": _HOLD_NAMES[customer.hold]},
            "balance": money(customer.balance_minor - customer.unapplied_minor),
            "overdueBalance": money(overdue),
            "daysOverdue": oldest // DAY_US,
            "unbilledOrders": money(customer.open_orders_minor + customer.unbilled_minor),
            "depositBalance": _NO_MONEY,
            "shipComplete": customer.ship_complete,
            "isInactive": customer.inactive,
            "dateCreated": iso_instant(customer.created_at),
            "lastModifiedDate": iso_instant(customer.modified_at),
        }
        if customer.credit_limit_minor is not None:
            shape["creditLimit"] = money(customer.credit_limit_minor)
        if customer.email is not None:
            shape["email"] = customer.email
        if customer.external_id is not None:
            shape["externalId"] = customer.external_id
        return shape

    def _item(self, item: Item, root: str, now: int) -> Shape:
        return {
            "links": _self(f"{root}/inventoryItem/{item.id}"),
            "id": item.id,
            "itemId": item.sku,
            "displayName": item.name,
            "itemType": {"id": "InvtPart", "refName": "Inventory Item"},
            "basePrice": money(item.price_minor),
            "averageCost": money(item.cost_minor),
            "totalQuantityOnHand": item.on_hand,
            "quantityAvailable": item.on_hand - item.committed,
            "isInactive": False,
            "lastModifiedDate": iso_instant(item.modified_at),
        }

    # --- transactions ----------------------------------------------------------------------------

    def _head(self, record: Any, root: str, entered_at: int, entity: str = "entity") -> Shape:
        kind = BY_CLASS[type(record)]
        _, status = status_of(record)
        customer = self._core.state.customers[record.customer_id]
        head = {
            "links": _self(f"{root}/{kind.name}/{record.id}"),
            "id": record.id,
            "tranId": record.number,
            "tranDate": iso_day(entered_at),
            entity: _reference(root, "customer", customer.id, customer.name),
            "status": {"id": status, "refName": status},
            "subsidiary": self._subsidiaries.shown(record.entity),
            "currency": self.currency(record.currency),
            "exchangeRate": self._rate(record, entered_at),
            "createdDate": iso_instant(entered_at),
            "lastModifiedDate": iso_instant(record.modified_at),
        }
        if record.external_id is not None:
            head["externalId"] = record.external_id
        return head

    def _rate(self, record: Any, entered_at: int) -> Decimal | int:
        """Units of the account's base currency for one of a transaction's."""
        if isinstance(record, SalesOrder | Delivery):
            rate = self._core.exchange(record.currency, entered_at)
        else:
            rate = record.exchange_rate
        return 1 if rate is None else rate

    def _order(self, order: SalesOrder, root: str, now: int) -> Shape:
        shape = self._head(order, root, order.entered_at)
        letter, status = status_of(order)
        customer = self._core.state.customers[order.customer_id]
        total = money(sum(line.quantity * line.unit_price_minor for line in order.lines))
        shape["orderStatus"] = {"id": letter, "refName": status}
        shape["subtotal"] = shape["total"] = total
        shape["discountTotal"] = shape["taxTotal"] = _NO_MONEY
        shape["shipComplete"] = order.ship_complete
        shape["balance"] = money(customer.balance_minor - customer.unapplied_minor)
        shape["unbilledOrders"] = money(customer.open_orders_minor + customer.unbilled_minor)
        if order.po_number is not None:
            shape["otherRefNum"] = order.po_number
        if order.memo is not None:
            shape["memo"] = order.memo
        shape["item"] = {"links": _self(f"{root}/salesOrder/{order.id}/item")}
        return shape | self._kept.of(order.id)

    def _delivery(self, delivery: Delivery, root: str, now: int) -> Shape:
        shape = self._head(delivery, root, delivery.issued_at)
        shape["createdFrom"] = self._order_reference(root, delivery.order_id)
        shape["shipStatus"] = {"id": "C", "refName": "Shipped"}
        shape["item"] = {"links": _self(f"{root}/itemFulfillment/{delivery.id}/item")}
        shape["package"] = {"links": _self(f"{root}/itemFulfillment/{delivery.id}/package")}
        return shape

    def _invoice(self, invoice: Invoice, root: str, now: int) -> Shape:
        shape = self._head(invoice, root, invoice.issued_at)
        shape["createdFrom"] = self._order_reference(root, invoice.order_id)
        shape["dueDate"] = iso_day(invoice.due_at)
        shape["subtotal"] = shape["total"] = money(invoice.total_minor)
        shape["discountTotal"] = shape["taxTotal"] = _NO_MONEY
        shape["amountPaid"] = money(invoice.total_minor - invoice.open_minor)
        shape["amountRemaining"] = money(invoice.open_minor)
        if invoice.po_number is not None:
            shape["otherRefNum"] = invoice.po_number
        shape["item"] = {"links": _self(f"{root}/invoice/{invoice.id}/item")}
        return shape

    def _payment(self, payment: Payment, root: str, now: int) -> Shape:
        shape = self._head(payment, root, payment.received_at, "customer")
        shape["payment"] = shape["total"] = money(payment.amount_minor)
        shape["applied"] = money(payment.amount_minor - payment.unapplied_minor)
        shape["unapplied"] = money(payment.unapplied_minor)
        if payment.reference is not None:
            shape["checkNum"] = payment.reference
        shape["apply"] = {"links": _self(f"{root}/customerPayment/{payment.id}/apply")}
        return shape

    def _credit_memo(self, memo: CreditMemo, root: str, now: int) -> Shape:
        shape = self._head(memo, root, memo.issued_at)
        number = self._core.state.invoices[memo.invoice_id].number
        shape["createdFrom"] = _reference(root, "invoice", memo.invoice_id, f"Invoice #{number}")
        shape["memo"] = memo.reason
        shape["total"] = money(memo.amount_minor)
        shape["applied"] = money(memo.amount_minor - memo.unapplied_minor)
        shape["unapplied"] = shape["amountRemaining"] = money(memo.unapplied_minor)
        shape["apply"] = {"links": _self(f"{root}/creditMemo/{memo.id}/apply")}
        return shape

    def _order_reference(self, root: str, order_id: str) -> Shape:
        number = self._core.state.orders[order_id].number
        return _reference(root, "salesOrder", order_id, f"Sales Order #{number}")

    # --- sublists --------------------------------------------------------------------------------

    def _order_lines(self, order: SalesOrder, address: str, root: str) -> list[Shape]:
        shapes = []
        for place, line in enumerate(order.lines):
            item = self._core.state.items[line.item_id]
            open_quantity = 0 if line.closed else line.quantity - line.shipped
            shapes.append(
                {
                    "links": _self(f"{address}/{line.line}"),
                    "line": line.line,
                    "item": _reference(root, "inventoryItem", item.id, item.sku),
                    "description": item.name,
                    "quantity": line.quantity,
                    "rate": money(line.unit_price_minor),
                    "amount": money(line.quantity * line.unit_price_minor),
                    "isClosed": line.closed,
                    "quantityAvailable": item.on_hand - item.committed,
                    "quantityCommitted": line.committed,
                    "quantityBackOrdered": open_quantity - line.committed,
                    "quantityFulfilled": line.shipped,
                    "quantityBilled": line.billed,
                    "location": self._location,
                }
                | self._kept.of_line(order.id, place)
            )
        return shapes

    def _document_line(self, line: Any, record: Delivery | Invoice, address: str, root: str) -> Shape:
        item = self._core.state.items[line.item_id]
        shape = {
            "links": _self(f"{address}/{line.line}"),
            "line": line.line,
            "orderLine": line.line,
            "item": _reference(root, "inventoryItem", item.id, item.sku),
            "description": item.name,
            "quantity": line.quantity,
            "location": self._location,
        }
        if isinstance(record, Invoice):
            shape["rate"] = money(line.unit_price_minor)
            shape["amount"] = money(line.quantity * line.unit_price_minor)
        return shape

    def _applied(self, record: Payment | CreditMemo, address: str, root: str) -> list[Shape]:
        shapes = []
        for number, (invoice_id, amount) in enumerate(self._index.applied_by(record.id).items()):
            invoice = self._core.state.invoices[invoice_id]
            shapes.append(
                {
                    "links": _self(f"{address}/{number}"),
                    "line": number,
                    "doc": _reference(root, "invoice", invoice_id, f"Invoice #{invoice.number}"),
                    "apply": True,
                    "amount": money(amount),
                    "due": money(invoice.open_minor + amount),
                    "total": money(invoice.total_minor),
                    "refNum": invoice.number,
                    "type": "Invoice",
                }
            )
        return shapes


SUBLISTS: dict[str, tuple[str, ...]] = {
    "salesOrder": ("item",),
    "itemFulfillment": ("item", "package"),
    "invoice": ("item",),
    "customerPayment": ("apply",),
    "creditMemo": ("apply",),
}
"""The sublists that can be read, by record type."""


def _self(address: str) -> list[dict[str, str]]:
    return [{"rel": "self", "href": address}]


def _reference(root: str, record_type: str, id_: str, name: str) -> Shape:
    return {"links": _self(f"{root}/{record_type}/{id_}"), "id": id_, "refName": name}

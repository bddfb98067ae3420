"""What an ERP's core keeps, and how it is found again: numbered, indexed, told to listeners, written out as a whole."""

from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from o2c_twin.mock_systems.roles.erp.entities import Entities
from o2c_twin.mock_systems.roles.erp.numbering import Numbering
from o2c_twin.mock_systems.roles.erp.records import (
    Customer,
    EarlyPayment,
    ErpState,
    Invoice,
    Item,
    OrderLine,
    SalesOrder,
)
from o2c_twin.mock_systems.roles.records import Change, ChangeKind, Listener, RuleError

Waiting = dict[str, tuple[SalesOrder, dict[int, OrderLine]]]
"""By order id, orders that wait for an item, and their lines that do, by number."""


def _one_currency(currency: str, at: int) -> Decimal | None:
    """No rates: all documents are taken for ones in the books' currency."""
    return None


class Register:
    """The part of an ERP core that keeps its records; `ErpCore` completes it.

    ``exchange`` gives what one unit of a currency is worth in the books' at an instant; None for the books' own.
    ``early_payment`` is what the company's payment terms grant who pays early; None for nothing.
    """

    exchange: Callable[[str, int], Decimal | None]

    def __init__(self, now: Callable[[], int], numbering: Numbering, entities: Entities) -> None:
        self._now = now
        self.numbering = numbering
        self.exchange = _one_currency
        self.early_payment: EarlyPayment | None = None
        self.entities = entities
        self.listeners: list[Listener] = []
        self._load(ErpState())

    def _load(self, state: ErpState) -> None:
        self.state = state
        self._ext: dict[tuple[str, str], str] = {}
        self._waiting: dict[str, Waiting] = {}
        self._held: dict[str, dict[str, None]] = {}
        self._unbilled: dict[str, list[str]] = {}
        self.items_by_sku = {item.sku: item for item in state.items.values()}
        self.open_invoices: dict[str, dict[str, Invoice]] = {}
        self.orders_by_po: dict[str, list[str]] = {}
        self.orders_of: dict[str, list[str]] = {}
        self.invoices_of: dict[str, list[str]] = {}
        self.payments_by_reference: dict[str, str] = {}
        self.by_number: dict[str, str] = {}
        tables: tuple[tuple[str, Mapping[str, object]], ...] = (
            ("customer", state.customers),
            ("order", state.orders),
            ("delivery", state.deliveries),
            ("invoice", state.invoices),
            ("credit_memo", state.credit_memos),
            ("payment", state.payments),
            ("intercompany", state.intercompany),
        )
        for kind, table in tables:
            for id_, record in table.items():
                external = getattr(record, "external_id", None)
                if external is not None:
                    self._ext[kind, external] = id_
        for order in state.orders.values():
            self._index_order(order)
        for payment in state.payments.values():
            if payment.reference is not None:
                self.payments_by_reference.setdefault(payment.reference, payment.id)
        for delivery in state.deliveries.values():
            if delivery.invoice_id is None:
                self._unbilled.setdefault(delivery.order_id, []).append(delivery.id)
        for invoice in state.invoices.values():
            self.by_number[invoice.number] = invoice.id
            self.invoices_of.setdefault(invoice.order_id, []).append(invoice.id)
            if invoice.open_minor:
                self.open_invoices.setdefault(invoice.customer_id, {})[invoice.id] = invoice

    def snapshot(self) -> bytes:
        """The whole state as bytes."""
        return msgspec.msgpack.encode(self.state)

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot; listeners stay."""
        self._load(msgspec.msgpack.decode(snapshot, type=ErpState))

    def _changed(self, kind: str, id_: str, what: ChangeKind, at: int) -> None:
        change = Change(at, kind, id_, what)
        self.state.feed.by_kind.setdefault(kind, []).append(change)
        for listener in self.listeners:
            listener(change)

    def by_external_id(self, kind: str, external_id: str) -> str | None:
        """The id of the record of ``kind`` with that external id."""
        return self._ext.get((kind, external_id))

    def _claim_external_id(self, kind: str, external_id: str | None, id_: str) -> None:
        if external_id is not None:
            self._ext[kind, external_id] = id_

    def _refuse_known_external_id(self, kind: str, external_id: str | None) -> None:
        if external_id is not None and (kind, external_id) in self._ext:
            raise RuleError("duplicate-external-id", "This entity already exists.", "externalId")

    def reserve_id(self, kind: str) -> str:
        """The next id of a kind, for a record that is planned before it is posted."""
        return self._new_id(kind)

    def _new_id(self, kind: str) -> str:
        first = self.numbering.ranges.get(kind)
        numbers = self.state.numbers
        return str(numbers.next("id", 101) if first is None else numbers.next(f"id {kind}", first))

    def _new_number(self, kind: str, prefix: str, id_: str, entity: str | None = None) -> str:
        if kind in self.numbering.plain:
            return id_
        if entity is None:
            return f"{prefix}{self.state.numbers.next(kind, 1001)}"
        own, first = self.entities.numbered_from(entity, 1001)
        return f"{prefix}{self.state.numbers.next(kind + own, first)}"

    def _index_order(self, order: SalesOrder) -> None:
        self.by_number[order.number] = order.id
        self.orders_of.setdefault(order.customer_id, []).append(order.id)
        if order.po_number is not None:
            self.orders_by_po.setdefault(order.po_number, []).append(order.id)
        if order.credit == "hold" and not order.cancelled:
            self._held.setdefault(order.customer_id, {})[order.id] = None
        for line in order.lines:
            if line.committed + line.shipped < line.quantity and not (line.closed or order.cancelled):
                self._wait(order, line)

    def _wait(self, order: SalesOrder, line: OrderLine) -> None:
        """A line lacks goods; who waited longer is served first."""
        self._waiting.setdefault(line.item_id, {}).setdefault(order.id, (order, {}))[1][line.line] = line

    def _touch_order(self, order: SalesOrder) -> None:
        order.modified_at = self._now()
        self._changed("order", order.id, "updated", order.modified_at)

    def early_payment_of(self, terms_days: int) -> EarlyPayment | None:
        """What terms of so many days net grant who pays early: nothing where they are due no later than that."""
        early = self.early_payment
        return early if early is not None and terms_days > early.days else None

    # --- found, or refused -----------------------------------------------------------------------

    def _customer(self, customer_id: str) -> Customer:
        customer = self.state.customers.get(customer_id)
        if customer is None:
            raise RuleError("unknown-customer", f"no customer {customer_id}", "entity")
        return customer

    def _invoice(self, invoice_id: str) -> Invoice:
        invoice = self.state.invoices.get(invoice_id)
        if invoice is None:
            raise RuleError("unknown-invoice", f"no invoice {invoice_id}", "doc")
        return invoice

    def _order(self, order_id: str) -> SalesOrder:
        order = self.state.orders.get(order_id)
        if order is None:
            raise RuleError("unknown-order", f"no sales order {order_id}", "id")
        return order

    def _item(self, item_id: str) -> Item:
        item = self.state.items.get(item_id)
        if item is None:
            raise RuleError("unknown-item", f"no item {item_id}", "item")
        return item

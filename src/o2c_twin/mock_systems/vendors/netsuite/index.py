"""What NetSuite finds without a scan and the core keeps no order of: numbers, references, sources, open items."""

from collections.abc import Iterator, Mapping

from o2c_twin.mock_systems.roles.erp import CreditMemo, Delivery, ErpCore, Invoice, Payment, SalesOrder
from o2c_twin.mock_systems.roles.erp.records import Application, Customer
from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.mock_systems.vendors.netsuite.record_types import Transaction
from o2c_twin.mock_systems.vendors.netsuite.statuses import LIVE_ORDER, order_letter

_NOTHING: tuple[str, ...] = ()


class Index:
    """Follows the core's changes. A lookup may name a record that has changed since: check what it gives.

    ``numbers``: transaction id by document number. ``live_orders``: ids of orders still to ship or bill,
    by customer; ``open_credits`` the same of credit memos.
    """

    def __init__(self, core: ErpCore) -> None:
        self._core = core
        core.listeners.append(self.heed)
        self.rebuild()

    def rebuild(self) -> None:
        """Read everything anew, after the core went back to a snapshot."""
        self._kinds: dict[str, str] = {}
        self.numbers: dict[str, str] = {}
        self._references: dict[str, list[str]] = {}
        self._of_entity: dict[str, list[str]] = {}
        self._made_from: dict[str, list[str]] = {}
        self.live_orders: dict[str, dict[str, None]] = {}
        self.open_credits: dict[str, dict[str, None]] = {}
        self.customers: dict[str, dict[str, list[str]]] = {"entityid": {}, "companyname": {}, "email": {}}
        self._applications = 0
        self._by_source: dict[str, list[Application]] = {}
        self._by_invoice: dict[str, list[Application]] = {}
        state = self._core.state
        self._tables: Mapping[str, Mapping[str, Transaction]] = {
            "order": state.orders,
            "delivery": state.deliveries,
            "invoice": state.invoices,
            "payment": state.payments,
            "credit_memo": state.credit_memos,
        }
        for customer_id in state.customers:
            self._note_customer(customer_id)
        for kind, table in self._tables.items():
            for id_ in table:
                self._add(kind, id_)

    def heed(self, change: Change) -> None:
        """Take in one change of the core."""
        kind, id_ = change.kind, change.id
        if kind == "customer":
            if change.what != "deleted":
                self._note_customer(id_)
        elif kind == "item":
            return
        elif change.what == "created":
            self._add(kind, id_)
        elif change.what == "deleted":
            self._kinds.pop(id_, None)
            for live in self.live_orders.values():
                live.pop(id_, None)
        elif kind in ("order", "invoice"):
            record = self._core.state.orders[id_] if kind == "order" else self._core.state.invoices[id_]
            if record.po_number is not None:
                self._note(self._references, record.po_number, id_)
            if type(record) is SalesOrder:
                self._note_life(record)
        elif kind == "credit_memo":
            self._note_credit(self._core.state.credit_memos[id_])

    def _add(self, kind: str, id_: str) -> None:
        record = self._tables[kind][id_]
        self._kinds[id_] = kind
        self.numbers[record.number] = id_
        self._of_entity.setdefault(record.customer_id, []).append(id_)
        reference = reference_of(record)
        if reference is not None:
            self._references.setdefault(reference, []).append(id_)
        source = source_of(record)
        if source is not None:
            self._made_from.setdefault(source, []).append(id_)
        if type(record) is SalesOrder:
            self._note_life(record)
        elif type(record) is CreditMemo:
            self._note_credit(record)

    def _note_life(self, order: SalesOrder) -> None:
        live = self.live_orders.get(order.customer_id)
        if live is None:
            live = self.live_orders[order.customer_id] = {}
        if order_letter(order) in LIVE_ORDER:
            live[order.id] = None
        else:
            live.pop(order.id, None)

    def _note_credit(self, memo: CreditMemo) -> None:
        live = self.open_credits.setdefault(memo.customer_id, {})
        if memo.unapplied_minor:
            live[memo.id] = None
        else:
            live.pop(memo.id, None)

    def _note_customer(self, customer_id: str) -> None:
        customer: Customer = self._core.state.customers[customer_id]
        values = (customer.number, customer.name, customer.email)
        for names, value in zip(self.customers.values(), values, strict=True):
            if value is not None:
                self._note(names, value, customer_id)

    @staticmethod
    def _note(names: dict[str, list[str]], value: str, id_: str) -> None:
        known = names.setdefault(value, [])
        if id_ not in known:
            known.append(id_)

    # --- lookups ---------------------------------------------------------------------------------

    def transaction(self, id_: str) -> Transaction | None:
        """The transaction of that internal id, of whatever type."""
        kind = self._kinds.get(id_)
        return None if kind is None else self._tables[kind].get(id_)

    def all(self, kinds: tuple[str, ...]) -> Iterator[Transaction]:
        """Every transaction of these kinds of the core, type by type in the order they were entered."""
        for kind in kinds:
            yield from self._tables[kind].values()

    def referring(self, reference: str) -> list[str] | tuple[str, ...]:
        """Ids of transactions with that purchase order or check number."""
        return self._references.get(reference, _NOTHING)

    def of_entity(self, customer_id: str) -> list[str] | tuple[str, ...]:
        """Ids of all transactions of a customer, oldest first."""
        return self._of_entity.get(customer_id, _NOTHING)

    def made_from(self, source_id: str) -> list[str] | tuple[str, ...]:
        """Ids of transactions created from that one."""
        return self._made_from.get(source_id, _NOTHING)

    def named(self, column: str, value: str) -> list[str] | tuple[str, ...]:
        """Ids of customers whose ``entityid``, ``companyname`` or ``email`` is, or was, that."""
        return self.customers[column].get(value, _NOTHING)

    def _read_applications(self) -> None:
        # The core only ever adds to this list.
        applications = self._core.state.applications
        for number in range(self._applications, len(applications)):
            each = applications[number]
            self._by_source.setdefault(each.source_id, []).append(each)
            self._by_invoice.setdefault(each.invoice_id, []).append(each)
        self._applications = len(applications)

    def applied_by(self, source_id: str) -> dict[str, int]:
        """Net minor units a payment or credit memo has on each invoice; invoices without any are left out."""
        self._read_applications()
        totals: dict[str, int] = {}
        for each in self._by_source.get(source_id, ()):
            totals[each.invoice_id] = totals.get(each.invoice_id, 0) + each.amount_minor
        return {invoice_id: total for invoice_id, total in totals.items() if total}

    def applications(self, source_id: str | None, invoice_id: str | None) -> list[Application]:
        """Applications of one payment or credit memo, or to one invoice, or all of them."""
        self._read_applications()
        if source_id is not None:
            return self._by_source.get(source_id, [])
        if invoice_id is not None:
            return self._by_invoice.get(invoice_id, [])
        return self._core.state.applications


def reference_of(record: Transaction) -> str | None:
    """The purchase order number of an order or invoice, the check number of a payment."""
    if type(record) is SalesOrder or type(record) is Invoice:
        return record.po_number
    return record.reference if type(record) is Payment else None


def source_of(record: Transaction) -> str | None:
    """Id of the transaction this one was created from."""
    if type(record) is Delivery or type(record) is Invoice:
        return record.order_id
    return record.invoice_id if type(record) is CreditMemo else None

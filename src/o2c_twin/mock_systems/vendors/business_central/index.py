"""What the core has no index for: customers by number, invoices by customer and order, ledger entries by document."""

from collections.abc import Iterable

from o2c_twin.mock_systems.roles.erp import Customer, ErpCore, Invoice, SalesOrder
from o2c_twin.mock_systems.roles.records import Change


class Index:
    """Follows the core's changes."""

    def __init__(self, core: ErpCore) -> None:
        self._core = core
        self.rebuild()
        core.listeners.append(self.heed)

    def rebuild(self) -> None:
        """Read the whole core again, as after a restore."""
        state = self._core.state
        self._number_of: dict[str, str] = {}
        self._by_number: dict[str, dict[str, None]] = {}
        self._invoices: dict[str, list[str]] = {}
        self._entries: dict[str, list[int]] = {}
        self._read_to = 0
        for customer in state.customers.values():
            self._name(customer)
        for invoice in state.invoices.values():
            self._invoices.setdefault(invoice.customer_id, []).append(invoice.id)

    def heed(self, change: Change) -> None:
        """Take note of one change."""
        if change.kind == "customer":
            old = self._number_of.pop(change.id, None)
            if old is not None:
                self._by_number[old].pop(change.id)
            customer = self._core.state.customers.get(change.id)
            if customer is not None:
                self._name(customer)
        elif change.kind == "invoice" and change.what == "created":
            invoice = self._core.state.invoices[change.id]
            self._invoices.setdefault(invoice.customer_id, []).append(change.id)

    def _name(self, customer: Customer) -> None:
        self._number_of[customer.id] = customer.number
        self._by_number.setdefault(customer.number, {})[customer.id] = None

    def customers_numbered(self, number: str) -> list[Customer]:
        """Customers with that number: one, if the core was filled by this service alone."""
        return [self._core.state.customers[id_] for id_ in self._by_number.get(number, ())]

    def invoices_of_customer(self, customer_id: str) -> list[Invoice]:
        """All posted invoices of a customer, oldest first."""
        return [self._core.state.invoices[id_] for id_ in self._invoices.get(customer_id, ())]

    def invoices_of(self, orders: Iterable[SalesOrder]) -> list[Invoice]:
        """All posted invoices of some orders."""
        invoices = self._core.state.invoices
        return [invoices[id_] for order in orders for id_ in self._core.invoices_of.get(order.id, ())]

    def orders_with(self, external_number: str) -> list[SalesOrder]:
        """Orders with that external document number."""
        orders = self._core.state.orders
        return [orders[id_] for id_ in self._core.orders_by_po.get(external_number, ())]

    def entries_of(self, document: str) -> list[int]:
        """Positions of the core's postings for a document."""
        postings = self._core.state.postings
        for position in range(self._read_to, len(postings)):
            self._entries.setdefault(postings[position][1], []).append(position)
        self._read_to = len(postings)
        return self._entries.get(document, [])

"""What the core has no index for: deliveries of an order, payments of a customer, what was applied to what."""

from o2c_twin.mock_systems.roles.erp import ErpCore

Source = tuple[str, str]
"""kind (payment or credit_memo) and id"""


class Index:
    """Catches up with the core's lists, which only grow, whenever it is asked."""

    def __init__(self, core: ErpCore) -> None:
        self._core = core
        self.rebuild()

    def rebuild(self) -> None:
        """Forget everything: the core has gone back to another state."""
        self._deliveries: dict[str, list[str]] = {}
        self._payments: dict[str, list[str]] = {}
        self._memos: dict[str, list[str]] = {}
        self._memos_on: dict[str, list[str]] = {}
        self._by_source: dict[Source, dict[str, int]] = {}
        self._by_invoice: dict[str, list[Source]] = {}
        self._seen = {"delivery": 0, "payment": 0, "credit_memo": 0}
        self._applied = 0

    def _news(self, kind: str) -> list[str]:
        changes = self._core.state.feed.by_kind.get(kind, [])
        start, self._seen[kind] = self._seen[kind], len(changes)
        return [change.id for change in changes[start:] if change.what == "created"]

    def deliveries_of(self, order_id: str) -> list[str]:
        """Goods issues of an order."""
        for id_ in self._news("delivery"):
            self._deliveries.setdefault(self._core.state.deliveries[id_].order_id, []).append(id_)
        return self._deliveries.get(order_id, [])

    def payments_of(self, customer_id: str) -> list[str]:
        """Payments of a customer."""
        for id_ in self._news("payment"):
            self._payments.setdefault(self._core.state.payments[id_].customer_id, []).append(id_)
        return self._payments.get(customer_id, [])

    def memos_of(self, customer_id: str) -> list[str]:
        """Credit memos of a customer."""
        self._note_memos()
        return self._memos.get(customer_id, [])

    def memos_on(self, invoice_id: str) -> list[str]:
        """Credit memos of an invoice."""
        self._note_memos()
        return self._memos_on.get(invoice_id, [])

    def _note_memos(self) -> None:
        for id_ in self._news("credit_memo"):
            memo = self._core.state.credit_memos[id_]
            self._memos.setdefault(memo.customer_id, []).append(id_)
            self._memos_on.setdefault(memo.invoice_id, []).append(id_)

    def _catch_up(self) -> None:
        applications = self._core.state.applications
        for each in applications[self._applied :]:
            source: Source = (each.source_kind, each.source_id)
            amounts = self._by_source.setdefault(source, {})
            if each.invoice_id not in amounts:
                self._by_invoice.setdefault(each.invoice_id, []).append(source)
            amounts[each.invoice_id] = amounts.get(each.invoice_id, 0) + each.amount_minor
        self._applied = len(applications)

    def applied_by(self, source: Source) -> dict[str, int]:
        """Amounts by invoice that a payment or credit memo was applied with, in the order it was."""
        self._catch_up()
        return {id_: amount for id_, amount in self._by_source.get(source, {}).items() if amount}

    def applied_to(self, invoice_id: str) -> list[Source]:
        """Payments and credit memos applied to an invoice, in the order they were."""
        self._catch_up()
        return [s for s in self._by_invoice.get(invoice_id, ()) if self._by_source[s].get(invoice_id)]

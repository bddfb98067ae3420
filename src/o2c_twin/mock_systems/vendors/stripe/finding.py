"""Records by id, whatever their kind, and what ``expand[]`` puts in the place of ids."""

from collections.abc import Callable
from typing import Any

from o2c_twin.mock_systems.vendors.stripe.money_shapes import MoneyShapes
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape
from o2c_twin.mock_systems.vendors.stripe.versions import Version


class Finder:
    """Shows any record of an account by its id."""

    def __init__(self, shapes: MoneyShapes) -> None:
        self.shapes = shapes
        state = shapes.core.books
        show: dict[str, tuple[Callable[[], dict[str, Any]], Callable[[Any, Version], Shape]]] = {
            "cus": (lambda: state.state.customers, shapes.customer),
            "pm": (lambda: state.state.instruments, shapes.instrument),
            "ii": (lambda: state.state.waiting_lines, shapes.item),
            "in": (lambda: state.state.invoices, shapes.invoice),
            "inpay": (lambda: state.state.invoice_payments, shapes.invoice_payment),
            "pi": (lambda: state.state.payments, shapes.payment),
            "ch": (lambda: state.state.charges, shapes.charge),
            "py": (lambda: state.state.charges, shapes.charge),
            "re": (lambda: state.state.refunds, shapes.refund),
            "pyr": (lambda: state.state.refunds, shapes.refund),
            "du": (lambda: state.state.disputes, shapes.dispute),
            "cn": (lambda: state.state.credit_notes, shapes.credit_note),
            "txn": (lambda: state.state.entries, shapes.entry),
            "po": (lambda: state.state.payouts, shapes.payout),
            "ccsbtxn": (lambda: state.state.cash_entries, shapes.cash_entry),
            "clock": (lambda: state.state.clocks, shapes.clock),
        }
        self._show = show

    def show(self, id_: str, version: Version) -> Shape | None:
        """The record of that id; None when there is none."""
        known = self._show.get(id_.partition("_")[0])
        record = None if known is None else known[0]().get(id_)
        return None if known is None or record is None else known[1](record, version)

    def _include(self, shown: Shape, name: str, version: Version) -> bool:
        """Members that are there only when asked for."""
        state = self.shapes.core.state
        match (shown.get("object"), name):
            case ("invoice", "payments") if version.invoice_payments:
                shown[name] = self.shapes.invoice_payments(state.invoices[shown["id"]], version)
            case ("invoice", "confirmation_secret") if version.invoice_payments:
                payment = state.payments.get(state.invoices[shown["id"]].payment_id or "")
                secret = None if payment is None else f"{payment.id}_secret_{payment.id[-12:]}"
                shown[name] = {"client_secret": secret, "type": "payment_intent"} if secret else None
            case ("charge", "refunds"):
                shown[name] = self.shapes.refunds_of(state.charges[shown["id"]], version)
            case ("customer", "cash_balance"):
                shown[name] = self.shapes.cash_balance(state.customers[shown["id"]])
            case ("search_result", "total_count"):
                shown[name] = shown.pop("_total")
            case _:
                return False
        return True

    def expand(self, shown: Shape, paths: list[str], version: Version) -> Shape:
        """Put records in the place of their ids, along paths that `expansion.check` let through."""
        for path in paths:
            self._walk(shown, path.split("."), version)
        return shown

    def _walk(self, node: Any, steps: list[str], version: Version) -> None:
        if isinstance(node, list):
            for row in node:
                self._walk(row, steps, version)
            return
        name, rest = steps[0], steps[1:]
        # One of several kinds of record, or a deleted one: what only the others have is no mistake.
        if not isinstance(node, dict) or not (self._include(node, name, version) or name in node):
            return
        if isinstance(node[name], str):
            # What has been deleted since stays an id.
            node[name] = self.show(node[name], version) or node[name]
        if rest:
            self._walk(node[name], rest, version)

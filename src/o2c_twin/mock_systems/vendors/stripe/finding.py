"""Records by id, whatever their kind, and what ``expand[]`` puts in the place of ids."""

from collections.abc import Callable
from typing import Any

from o2c_twin.mock_systems.vendors.stripe.errors import refuse
from o2c_twin.mock_systems.vendors.stripe.money_shapes import MoneyShapes
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape
from o2c_twin.mock_systems.vendors.stripe.versions import Version

_MOST_LEVELS = 4


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

    def check_depth(self, paths: list[str]) -> None:
        """Raises `Refused` for a path that is too long, whatever it leads through: before anything is done."""
        for path in paths:
            steps = path.split(".")
            if len(steps) - (steps[0] == "data") > _MOST_LEVELS:
                refuse(400, f"You cannot expand more than {_MOST_LEVELS} levels of a property: {path}", param="expand")

    def expand(self, shown: Shape, paths: list[str], version: Version) -> Shape:
        """Put records in the place of their ids. Raises `Refused` for a path that leads nowhere."""
        for path in paths:
            if not self._walk(shown, path.split("."), version):
                refuse(400, f"This property cannot be expanded ({path[:100]}).", param="expand")
        return shown

    def _walk(self, node: Any, steps: list[str], version: Version) -> bool:
        if isinstance(node, list):
            walked = [self._walk(row, steps, version) for row in node]
            return all(walked)
        if not isinstance(node, dict):
            return node is None
        name, rest = steps[0], steps[1:]
        if not self._include(node, name, version):
            if name not in node:
                # One of several kinds of record: what only the others have is no mistake.
                return "deleted" in node or node.get("object") is None
            value = node[name]
            if isinstance(value, str):
                record = self.show(value, version)
                if record is None:
                    return False
                node[name] = record
            elif not isinstance(value, dict | list) and value is not None:
                return False
        return not rest or self._walk(node[name], rest, version)

"""Credit control in the ERP: orders held over the limit, released by hand or when they fit again."""

from o2c_twin.mock_systems.roles.erp import rules
from o2c_twin.mock_systems.roles.erp.receivables import Receivables
from o2c_twin.mock_systems.roles.erp.records import SalesOrder
from o2c_twin.mock_systems.roles.records import RuleError


class CreditControl(Receivables):
    """The part of an ERP core that holds and releases orders; `ErpCore` completes it."""

    def release_credit(self, order_id: str) -> SalesOrder:
        """A credit controller releases a held order by hand. Raises `RuleError` when it is not on hold."""
        order = self._order(order_id)
        if order.cancelled:
            raise RuleError("order-cancelled", f"order {order.number} is cancelled")
        if order.credit != "hold":
            raise RuleError("not-on-hold", f"order {order.number} is not on hold")
        order.credit, order.hold_reason, order.released_at = "released", None, self._now()
        self._held[order.customer_id].pop(order.id, None)
        self._touch_order(order)
        return order

    def recheck_credit(self, customer_id: str) -> list[SalesOrder]:
        """Release held orders, oldest first, that fit the limit now; gives those released.

        An order fits when exposure without the other held orders is within the limit: they block
        nobody while they cannot ship, or two orders too large together would hold each other for ever.
        """
        held = self._held.get(customer_id)
        if not held:
            return []
        customer = self._customer(customer_id)
        others = self._held_value_minor(customer_id)
        released = []
        for order_id in sorted(held, key=int):
            order = self.state.orders[order_id]
            value = rules.unshipped_value_minor(order)
            if rules.credit_reason(customer, value - others) is None:
                del held[order_id]
                others -= value
                order.credit, order.hold_reason = "passed", None
                self._touch_order(order)
                released.append(order)
        return released

    def recheck_order(self, order_id: str, release_days: int) -> SalesOrder:
        """Check credit again before goods leave: a passed order may be held again.

        A manual release holds for ``release_days`` (date-capped, domain sheet 3.2).
        """
        order = self._order(order_id)
        fresh = order.released_at is not None and self._now() - order.released_at <= release_days * rules.DAY_US
        if order.cancelled or order.credit in ("hold", "rejected") or fresh:
            return order
        held_minor = self._held_value_minor(order.customer_id)
        reason = rules.credit_reason(self._customer(order.customer_id), -held_minor)
        if reason is not None:
            order.credit, order.hold_reason = "hold", reason
            self._held.setdefault(order.customer_id, {})[order.id] = None
            self._touch_order(order)
        return order

    def _held_value_minor(self, customer_id: str) -> int:
        orders = self.state.orders
        return sum(rules.unshipped_value_minor(orders[order_id]) for order_id in self._held.get(customer_id, ()))

"""The ERP's business rules as pure functions."""

from collections.abc import Sequence

from o2c_twin.mock_systems.roles.erp.records import Customer, OrderLine, SalesOrder
from o2c_twin.mock_systems.roles.records import RuleError

DAY_US = 86_400_000_000


def exposure_minor(customer: Customer) -> int:
    """Credit exposure: open receivables + open orders + shipped not billed - unapplied cash.

    Source: domain sheet 3.3 (secured parts and special items are not modelled).
    """
    return customer.balance_minor + customer.open_orders_minor + customer.unbilled_minor - customer.unapplied_minor


def credit_reason(customer: Customer, new_value_minor: int) -> str | None:
    """Why a further order of ``new_value_minor`` must be held; None when it passes.

    ``hold`` ON holds everything, OFF nothing; AUTO compares exposure with the limit.
    """
    if customer.hold == "OFF":
        return None
    if customer.hold == "ON":
        return "customer is on credit hold"
    limit = customer.credit_limit_minor
    if limit is None:
        return None
    exposure = exposure_minor(customer) + new_value_minor
    return f"exposure {exposure} over limit {limit}" if exposure > limit else None


def order_value_minor(order: SalesOrder) -> int:
    """Value of all lines as ordered."""
    return sum(line.quantity * line.unit_price_minor for line in order.lines)


def unshipped_value_minor(order: SalesOrder) -> int:
    """Value of what is still to ship: the order's part of the customer's open orders."""
    return sum((line.quantity - line.shipped) * line.unit_price_minor for line in order.lines if not line.closed)


def fulfilment_status(order: SalesOrder) -> str:
    """open, part shipped, shipped, or cancelled: derived from the lines."""
    if order.cancelled:
        return "cancelled"
    shipped = sum(line.shipped for line in order.lines)
    if shipped == 0:
        return "open"
    return "shipped" if all(line.closed or line.shipped >= line.quantity for line in order.lines) else "part shipped"


def billing_status(order: SalesOrder) -> str:
    """open, part billed or billed: derived from the lines."""
    billed = sum(line.billed for line in order.lines)
    if billed == 0:
        return "open"
    return "billed" if all(line.closed or line.billed >= line.quantity for line in order.lines) else "part billed"


def may_ship(order: SalesOrder) -> None:
    """Raise `RuleError` while a blocking hold is active or the order is not live (domain sheet 3.2)."""
    if order.cancelled:
        raise RuleError("order-cancelled", f"order {order.number} is cancelled")
    if order.credit in ("hold", "rejected"):
        raise RuleError("credit-hold", f"order {order.number} is on credit hold: {order.hold_reason}")


def shippable(order: SalesOrder) -> list[tuple[OrderLine, int]]:
    """Lines with the quantity that may leave now; empty while a ship-complete order waits for stock."""
    open_lines = [line for line in order.lines if not line.closed and line.shipped < line.quantity]
    if order.ship_complete and any(line.committed < line.quantity - line.shipped for line in open_lines):
        return []
    return [(line, line.committed) for line in open_lines if line.committed > 0]


def due_at(issued_at: int, terms_days: int) -> int:
    """Due date: invoice date plus agreed days net."""
    return issued_at + terms_days * DAY_US


def check_applications(open_minor: Sequence[int], amounts: Sequence[int], available_minor: int) -> None:
    """Raise `RuleError` when more is applied than an item has open, or than there is to apply."""
    for open_amount, amount in zip(open_minor, amounts, strict=True):
        if amount <= 0:
            raise RuleError("bad-amount", f"amount to apply must be positive, not {amount}", "amount")
        if amount > open_amount:
            raise RuleError("over-application", f"amount {amount} is more than the {open_amount} open", "amount")
    if sum(amounts) > available_minor:
        raise RuleError("over-application", f"{sum(amounts)} to apply, {available_minor} available", "payment")

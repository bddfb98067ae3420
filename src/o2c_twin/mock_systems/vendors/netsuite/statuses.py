"""Transaction statuses: NetSuite's letters and names, derived from the core's records.

Letters and names: Oracle's list of transaction status codes, as reprinted by
blog.prolecto.com (2013/08/30) and thenetsuitepro.com.
"""

from o2c_twin.mock_systems.roles.erp import CreditMemo, Delivery, Invoice, SalesOrder
from o2c_twin.mock_systems.vendors.netsuite.record_types import Transaction

ORDER_STATUS = {
    "A": "Pending Approval",
    "B": "Pending Fulfillment",
    "C": "Cancelled",
    "D": "Partially Fulfilled",
    "E": "Pending Billing/Partially Fulfilled",
    "F": "Pending Billing",
    "G": "Billed",
    "H": "Closed",
}
LIVE_ORDER = ("A", "B", "D", "E", "F")
"""Statuses of an order something is still to happen with."""

_OPEN = ("A", "Open")
_INVOICE_PAID = ("B", "Paid In Full")
_CREDIT_USED = ("B", "Fully Applied")
_DEPOSITED = ("C", "Deposited")
_SHIPPED = ("C", "Shipped")


def order_letter(order: SalesOrder) -> str:
    """The letter of an order's status, from its lines, its credit state and whether it is cancelled."""
    if order.cancelled:
        return "C"
    shipped = billed = 0
    left = False
    for line in order.lines:
        shipped += line.shipped
        billed += line.billed
        if line.shipped < line.quantity and not line.closed:
            left = True
    if not shipped:
        if not left:
            return "H"
        return "A" if order.credit in ("hold", "rejected") else "B"
    if left:
        return "D" if billed == shipped else "E"
    return "G" if billed == shipped else "F"


def status_of(record: Transaction) -> tuple[str, str]:
    """Letter and name of any transaction's status."""
    if type(record) is SalesOrder:
        letter = order_letter(record)
        return letter, ORDER_STATUS[letter]
    if type(record) is Invoice:
        return _OPEN if record.open_minor else _INVOICE_PAID
    if type(record) is CreditMemo:
        return _OPEN if record.unapplied_minor else _CREDIT_USED
    # A payment goes straight to the bank account, a fulfillment is shipped at once: see facts.md.
    return _SHIPPED if type(record) is Delivery else _DEPOSITED

"""The business flows: one module each; `FLOWS` names them as events do."""

from o2c_twin.integration.flows.cash import cash
from o2c_twin.integration.flows.collection import payment, payout
from o2c_twin.integration.flows.credit_status import credit
from o2c_twin.integration.flows.customer import customer
from o2c_twin.integration.flows.decided import RELEASE, WRITE_OFF, release_hold, write_off
from o2c_twin.integration.flows.delivery import billing, delivery
from o2c_twin.integration.flows.invoice import invoice
from o2c_twin.integration.flows.later import later
from o2c_twin.integration.flows.masters import customer_master
from o2c_twin.integration.flows.order import order
from o2c_twin.integration.flows.order_status import order_status
from o2c_twin.integration.flows.undo import undo
from o2c_twin.integration.runtime.engine import Flow
from o2c_twin.integration.runtime.saga import UNDO

FLOWS: dict[str, Flow] = {
    "order": order,
    "customer": customer,
    "customer-master": customer_master,
    "order-status": order_status,
    "credit": credit,
    "delivery": delivery,
    "billing": billing,
    "later": later,
    "invoice": invoice,
    "cash": cash,
    "payment": payment,
    "payout": payout,
    UNDO: undo,
    RELEASE: release_hold,
    WRITE_OFF: write_off,
}

TOLD_BY: dict[str, frozenset[str]] = {
    "crm": frozenset({"order", "customer"}),
    "erp": frozenset({"order-status", "delivery", "invoice"}),
    "bank": frozenset({"cash"}),
    "payments": frozenset({"payment", "payout"}),
}
"""By role the flows of what its system tells; the others are the engine's own, and people's."""

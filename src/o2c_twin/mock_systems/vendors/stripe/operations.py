"""All operations of the mock, and what each write promises."""

from o2c_twin.mock_systems.vendors.stripe import (
    operations_cash,
    operations_credit_notes,
    operations_customers,
    operations_feed,
    operations_invoices,
    operations_items,
    operations_money,
    operations_payment_methods,
    operations_payments,
)
from o2c_twin.mock_systems.wire.capability import Promise
from o2c_twin.mock_systems.wire.route import Operation

ROUTES: tuple[Operation, ...] = (
    *operations_customers.ROUTES,
    *operations_cash.ROUTES,
    *operations_payment_methods.ROUTES,
    *operations_invoices.ROUTES,
    *operations_items.ROUTES,
    *operations_credit_notes.ROUTES,
    *operations_payments.ROUTES,
    *operations_money.ROUTES,
    *operations_feed.ROUTES,
)
KEY_KEPT_S = 86_400.0
SEARCH_LAG_S = 60.0
_SEARCHED = ("customers.", "invoices.", "payment_intents.")
_KEYS = "docs.stripe.com/api/idempotent_requests"


def _promise(operation: Operation) -> Promise:
    if operation.method == "DELETE":
        # A key on a DELETE has no effect (same source); what was deleted is found to be gone.
        return Promise(operation.name, "query", deletes_visible=True, source=_KEYS)
    lag = SEARCH_LAG_S if operation.name.startswith(_SEARCHED) else 0.0
    return Promise(operation.name, "key", KEY_KEPT_S, lag, source=_KEYS)


PROMISES: tuple[Promise, ...] = tuple(_promise(operation) for operation in ROUTES if operation.method != "GET")

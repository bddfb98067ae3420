"""The table of operations: each declared once, with the source of its behaviour."""

from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.gocardless import operations_events as events
from o2c_twin.mock_systems.vendors.gocardless import operations_payers as payers
from o2c_twin.mock_systems.vendors.gocardless import operations_payments as payments
from o2c_twin.mock_systems.vendors.gocardless import operations_payouts as payouts
from o2c_twin.mock_systems.wire.message import Response
from o2c_twin.mock_systems.wire.route import Call, Handler, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.gocardless.dialect import GoCardlessDialect

Body = dict[str, Any] | None
"""Actions may be sent without anything, which clients write as ``null``."""
_REFERENCE = "GoCardless API reference, core endpoints"


def _ruled(envelope: str, handler: Handler) -> Handler:
    def ruled(gc: "GoCardlessDialect", call: Call) -> Response:
        try:
            return handler(gc, call)
        except RuleError as rule:
            gc.errors.ruled(rule, envelope)

    return ruled


def _once(name: str, handler: Handler) -> Handler:
    """A create that is done once for an idempotency key; the key is looked at before the body."""

    def once(gc: "GoCardlessDialect", call: Call) -> Response:
        key = call.request.headers.get("idempotency-key")
        if not key:
            return handler(gc, call)
        gc.keys.check(name, key, call.now)
        response = handler(gc, call)
        gc.keys.remember(name, key, response.headers["Location"].rpartition("/")[2], call.now)
        return response

    return once


def _read(resource: str, listing: Handler, getting: Handler | None) -> list[Operation]:
    found = [
        Operation(
            f"{resource}.list",
            "GET",
            f"/{resource}",
            _ruled(resource, listing),
            f"Pages of {resource}, newest first",
            answer=dict[str, Any],
            source=_REFERENCE,
            tags=(resource,),
        )
    ]
    if getting is not None:
        found.append(
            Operation(
                f"{resource}.get",
                "GET",
                f"/{resource}/{{id}}",
                _ruled(resource, getting),
                f"One of {resource}",
                answer=dict[str, Any],
                source=_REFERENCE,
                tags=(resource,),
            )
        )
    return found


def _create(resource: str, handler: Handler) -> Operation:
    name = f"{resource}.create"
    return Operation(
        name,
        "POST",
        f"/{resource}",
        _once(name, _ruled(resource, handler)),
        f"Make one of {resource}",
        body=Body,
        answer=dict[str, Any],
        success=201,
        source=_REFERENCE,
        tags=(resource,),
    )


def _update(resource: str, handler: Handler) -> Operation:
    return Operation(
        f"{resource}.update",
        "PUT",
        f"/{resource}/{{id}}",
        _ruled(resource, handler),
        f"Change one of {resource}",
        body=Body,
        answer=dict[str, Any],
        source=_REFERENCE,
        tags=(resource,),
    )


def _act(resource: str, action: str, handler: Handler, summary: str, parameter: str = "id") -> Operation:
    return Operation(
        f"{resource}.{action}",
        "POST",
        f"/{resource}/{{{parameter}}}/actions/{action}",
        _ruled(resource, handler),
        summary,
        body=Body,
        answer=dict[str, Any],
        source=_REFERENCE,
        tags=(resource,),
    )


ROUTES: tuple[Operation, ...] = (
    *_read("creditors", payouts.list_creditors, payouts.get_creditor),
    *_read("balances", payouts.list_balances, None),
    *_read("customers", payers.list_customers, payers.get_customer),
    _create("customers", payers.create_customer),
    _update("customers", payers.update_customer),
    *_read("customer_bank_accounts", payers.list_accounts, payers.get_account),
    _create("customer_bank_accounts", payers.create_account),
    _update("customer_bank_accounts", payers.update_account),
    _act("customer_bank_accounts", "disable", payers.disable_account, "Disable a bank account"),
    *_read("mandates", payers.list_mandates, payers.get_mandate),
    _create("mandates", payers.create_mandate),
    _update("mandates", payers.update_mandate),
    _act("mandates", "cancel", payers.act_on_mandate("cancel"), "Cancel a mandate and its pending payments"),
    _act("mandates", "reinstate", payers.act_on_mandate("reinstate"), "Submit a dead mandate again"),
    *_read("payments", payments.list_payments, payments.get_payment),
    _create("payments", payments.create_payment),
    _update("payments", payments.update_payment),
    _act("payments", "cancel", payments.act_on_payment("cancel"), "Cancel a payment before it is submitted"),
    _act("payments", "retry", payments.act_on_payment("retry"), "Collect a failed payment again"),
    *_read("refunds", payments.list_refunds, payments.get_refund),
    _create("refunds", payments.create_refund),
    _update("refunds", payments.update_refund),
    *_read("payouts", payouts.list_payouts, payouts.get_payout),
    _update("payouts", payouts.update_payout),
    *_read("payout_items", payouts.list_payout_items, None),
    *_read("events", events.list_events, events.get_event),
    *_read("webhooks", events.list_webhooks, events.get_webhook),
    _act("webhooks", "retry", events.retry_webhook, "Send a webhook again"),
    _act("scenario_simulators", "run", events.run_scenario, "Bring forward what takes days (sandbox)", "name"),
)

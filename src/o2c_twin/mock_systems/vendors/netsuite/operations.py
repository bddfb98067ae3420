"""The table of operations: each declared once, with the source of its behaviour."""

from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.netsuite import operations_intercompany as intercompany
from o2c_twin.mock_systems.vendors.netsuite import operations_masters as masters
from o2c_twin.mock_systems.vendors.netsuite import operations_orders as orders
from o2c_twin.mock_systems.vendors.netsuite import operations_reading as reading
from o2c_twin.mock_systems.vendors.netsuite import operations_receivables as receivables
from o2c_twin.mock_systems.vendors.netsuite import operations_services as services
from o2c_twin.mock_systems.vendors.netsuite.answers import ASYNC, QUERY, RECORDS, SYSTEM
from o2c_twin.mock_systems.vendors.netsuite.errors import refuse, ruled
from o2c_twin.mock_systems.vendors.netsuite.record_types import (
    CREDIT_MEMO,
    CUSTOMER,
    FULFILLMENT,
    INTERCOMPANY,
    INVOICE,
    ITEM,
    PAYMENT,
    RECORD_TYPES,
    SALES_ORDER,
    RecordType,
)
from o2c_twin.mock_systems.vendors.netsuite.shapes import SUBLISTS
from o2c_twin.mock_systems.wire.message import Refused, Response
from o2c_twin.mock_systems.wire.route import Call, Handler, Operation, Standing

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.netsuite.dialect import NetSuiteDialect

Fields = dict[str, Any]
_HELP = "Oracle help, "
_RECORD_SERVICE = _HELP + "REST Web Services Supported Records"
_TRANSFORMS = _HELP + "Transforming Records"


def _guarded(record_type: RecordType, handler: Handler, deferrable: bool) -> Handler:
    """The handler with what all record operations share: permission, rule errors, asynchronous execution."""
    name = record_type.name

    def guarded(dialect: "NetSuiteDialect", call: Call) -> Response:
        denied = dialect.by_name[call.principal.app].denied
        if denied and name in denied:
            text = f"You do not have permission to access the {record_type.label} record."
            refuse(403, "INSUFFICIENT_PERMISSION", text)
        try:
            return handler(dialect, call)
        except RuleError as rule:
            ruled(rule)

    if not deferrable:
        return guarded

    def deferred(dialect: "NetSuiteDialect", call: Call) -> Response:
        # The idempotency key counts for asynchronous requests only, as NetSuite says of itself.
        if call.request.headers.get("prefer", "").lower() != "respond-async":
            return guarded(dialect, call)
        key = call.request.headers.get("x-netsuite-idempotency-key")
        dialect.jobs.refuse_known(key)
        try:
            result = guarded(dialect, call)
        except Refused as refusal:
            result = refusal.response
        return dialect.jobs.submit(result, key, call.now)

    return deferred


def _reads(record_type: RecordType) -> list[Operation]:
    name = record_type.name
    path = f"{RECORDS}/{name}"
    made = [
        _declare(record_type, "list", "GET", path, reading.list_records(record_type), f"Ids of {name} records"),
        _declare(record_type, "get", "GET", f"{path}/{{id}}", reading.read(record_type), f"One {name} record"),
    ]
    for sublist in SUBLISTS.get(name, ()):
        whole, line = reading.read_sublist(record_type, sublist), reading.read_line(record_type, sublist)
        at = f"{path}/{{id}}/{sublist}"
        made.append(_declare(record_type, f"{sublist}.list", "GET", at, whole, f"The {sublist} sublist"))
        made.append(_declare(record_type, f"{sublist}.get", "GET", f"{at}/{{line}}", line, f"A line of {sublist}"))
    return made


def _declare(
    record_type: RecordType,
    action: str,
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    source: str = _RECORD_SERVICE,
    standing: Standing = "documented",
) -> Operation:
    name, writes = f"{record_type.name}.{action}", method != "GET"
    return Operation(
        name,
        method,
        path,
        _guarded(record_type, handler, writes),
        summary,
        body=Fields if method in ("POST", "PUT", "PATCH") else None,
        answer=None if writes else Fields,
        success=204 if writes else 200,
        standing=standing,
        source=source,
        tags=(record_type.name,),
    )


def _write(record_type: RecordType, action: str, method: str, handler: Handler, summary: str) -> Operation:
    path = f"{RECORDS}/{record_type.name}" + ("" if method == "POST" else "/{id}")
    return _declare(record_type, action, method, path, handler, summary)


def _transform(source: RecordType, target: RecordType, handler: Handler, summary: str) -> Operation:
    path = f"{RECORDS}/{source.name}/{{id}}/!transform/{target.name}"
    return _declare(source, f"transform.{target.name}", "POST", path, handler, summary, _TRANSFORMS)


def _service(name: str, path: str, handler: Handler, summary: str, source: str) -> Operation:
    return Operation(name, "GET", path, handler, summary, answer=Fields, source=_HELP + source, tags=("services",))


_WRITES = (
    _write(CUSTOMER, "create", "POST", masters.create_customer, "Create a customer"),
    _write(CUSTOMER, "update", "PATCH", masters.update_customer, "Change a customer"),
    _write(CUSTOMER, "upsert", "PUT", masters.upsert_customer, "Create or change a customer by external id"),
    _write(CUSTOMER, "delete", "DELETE", masters.delete_customer, "Delete a customer without transactions"),
    _write(ITEM, "create", "POST", masters.create_item, "Create a stock item"),
    _write(SALES_ORDER, "create", "POST", orders.create_order, "Enter a sales order"),
    _write(SALES_ORDER, "update", "PATCH", orders.update_order, "Change, approve, cancel an order or close its lines"),
    _write(SALES_ORDER, "upsert", "PUT", orders.upsert_order, "Enter an order, or change its header, by external id"),
    _write(SALES_ORDER, "delete", "DELETE", orders.delete_order, "Delete an order nothing was made from"),
    _transform(SALES_ORDER, FULFILLMENT, orders.fulfill, "Ship an order, in whole or part"),
    _transform(SALES_ORDER, INVOICE, orders.bill, "Bill what was fulfilled"),
    _write(FULFILLMENT, "update", "PATCH", orders.update_fulfillment, "Tracking number and external id"),
    _write(INVOICE, "update", "PATCH", receivables.update_invoice, "Order reference and external id"),
    _write(INVOICE, "upsert", "PUT", receivables.update_invoice, "The same, by external id"),
    _write(INVOICE, "delete", "DELETE", receivables.delete_invoice, "Delete an invoice nothing was set against"),
    _transform(INVOICE, CREDIT_MEMO, receivables.credit_invoice, "Credit an invoice, in whole or part"),
    _transform(INVOICE, PAYMENT, receivables.pay_invoice, "Receive payment of an invoice"),
    _write(CREDIT_MEMO, "create", "POST", receivables.create_credit_memo, "Credit one invoice"),
    _write(INTERCOMPANY, "create", "POST", intercompany.create_entry, "Charge between subsidiaries"),
    _write(
        INTERCOMPANY, "upsert", "PUT", intercompany.upsert_entry, "Charge between subsidiaries once, by external id"
    ),
    _write(PAYMENT, "create", "POST", receivables.create_payment, "Receive and apply a payment"),
    _write(PAYMENT, "update", "PATCH", receivables.update_payment, "Apply or unapply a payment"),
    _write(PAYMENT, "delete", "DELETE", receivables.delete_payment, "Delete a payment"),
    _write(PAYMENT, "upsert", "PUT", receivables.upsert_payment, "Receive a payment once, by external id"),
)

_JOB = f"{ASYNC}/job/{{job}}"
_SERVICES = (
    Operation(
        "suiteql.query",
        "POST",
        f"{QUERY}/suiteql",
        services.run_suiteql,
        "Run a SuiteQL query, one page of it",
        body=services.QueryBody,
        answer=Fields,
        source=_HELP + "Executing SuiteQL Queries Through REST Web Services",
        tags=("suiteql",),
    ),
    _service(
        "metadata.list",
        f"{RECORDS}/metadata-catalog",
        services.list_metadata,
        "Record types covered",
        "Working with Resource Metadata",
    ),
    _service(
        "metadata.get",
        f"{RECORDS}/metadata-catalog/{{type}}",
        services.read_metadata,
        "Schema of a record type",
        "Working with Resource Metadata",
    ),
    _service(
        "governanceLimits.get",
        f"{SYSTEM}/governanceLimits",
        services.read_governance_limits,
        "Concurrency limits of the account",
        "GovernanceLimits Operation",
    ),
    _service("job.get", _JOB, services.read_job, "An asynchronous request", "Sending an Asynchronous Request"),
    _service("job.task", f"{_JOB}/task", services.read_task, "Its task", "Sending an Asynchronous Request"),
    _service(
        "job.task.get", f"{_JOB}/task/{{task}}", services.read_task, "Its task", "Sending an Asynchronous Request"
    ),
    _service(
        "job.task.result",
        f"{_JOB}/task/{{task}}/result",
        services.read_task_result,
        "Its answer",
        "Sending an Asynchronous Request",
    ),
)

ROUTES: tuple[Operation, ...] = (
    *(operation for record_type in RECORD_TYPES for operation in _reads(record_type)),
    *_WRITES,
    *_SERVICES,
)
"""Every operation covered."""

"""The table of operations: each declared once, with the source of its behaviour."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.s4hana import (
    errors,
    operations_billing,
    operations_credit,
    operations_deliveries,
    operations_finance,
    operations_orders,
    operations_partners,
    reading,
    services,
)
from o2c_twin.mock_systems.vendors.s4hana.edm import Service
from o2c_twin.mock_systems.vendors.s4hana.operations_batch import batch
from o2c_twin.mock_systems.wire.message import Refused, Response
from o2c_twin.mock_systems.wire.odata import ODataError
from o2c_twin.mock_systems.wire.route import Call, Handler, Operation, Standing

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.s4hana.dialect import S4HanaDialect

Fields = dict[str, Any]
_HUB = "SAP Business Accelerator Hub, "
_TAGS = {
    services.PARTNERS.name: "businessPartner",
    services.CREDIT.name: "creditAccount",
    services.PRODUCTS.name: "product",
    services.ORDERS.name: "salesOrder",
    services.DELIVERIES.name: "delivery",
    services.BILLING.name: "billingDocument",
    services.CREDIT_BLOCKS.name: "creditBlock",
    services.CREDIT_MEMO_REQUESTS.name: "creditMemoRequest",
    services.OPEN_ITEMS.name: "openItem",
}


def _guarded(service: str, handler: Handler, writes: bool, v4: bool = False) -> Handler:
    """The handler with what all services share: authorisation, CSRF token, errors in SAP's words."""

    def guarded(dialect: "S4HanaDialect", call: Call) -> Response:
        request = call.request
        try:
            dialect.login.require(call.principal.user, service)
            if writes:
                dialect.login.confirm(request, call.principal, call.now)
            response = handler(dialect, call)
        except Refused as refusal:
            response = refusal.response
        except RuleError as rule:
            code, text = errors.rule_text(rule)
            response = errors.problem_v4(400, code, text) if v4 else errors.problem(400, code, text, service)
        except ODataError as bad:
            code = errors.UNKNOWN_PROPERTY if bad.name is not None else "005056A509B11EE1B9A8FEA8DE87F78D"
            response = errors.problem(
                400, code, f"Invalid {bad.option}: {bad.message} (position {bad.position})", service
            )
        if request.headers.get("x-csrf-token", "").lower() == "fetch":
            token = dialect.login.fetch(request, call.principal, call.now)
            response = Response(response.status, response.body, {**response.headers, **token})
        return response

    return guarded


def _declare(
    service: Service,
    action: str,
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    body: Any = None,
    success: int = 200,
    standing: Standing = "documented",
    root: str | None = None,
) -> Operation:
    tag = _TAGS[service.name]
    writes = method not in ("GET", "HEAD")
    return Operation(
        f"{tag}.{action}",
        method,
        (root or service.root) + path,
        _guarded(service.name, handler, writes),
        summary,
        body=body,
        answer=None if writes else Fields,
        success=success,
        standing=standing,
        source=_HUB + service.name,
        tags=(tag,),
    )


def _reads(service: Service) -> Iterator[Operation]:
    document = reading.service_document(service)
    yield _declare(service, "service", "GET", "", document, "The service document")
    yield _declare(service, "head", "HEAD", "", document, "Where a CSRF token is fetched")
    yield _declare(service, "metadata", "GET", "/$metadata", reading.metadata(service), "The EDMX")
    yield _declare(service, "read", "GET", "/{entity}", reading.read(service), "A collection or a record")
    further = reading.read_beside(service)
    yield _declare(service, "readBeside", "GET", "/{entity}/{further}", further, "A navigation, or a count")


def _changes(service: Service, update: Handler, delete: Handler | None = None) -> Iterator[Operation]:
    yield _declare(service, "update", "PATCH", "/{entity}", update, "Change a record", Fields, 204)
    yield _declare(service, "merge", "MERGE", "/{entity}", update, "Change a record, the V2 verb", Fields, 204)
    tunnel = _tunnelled(update)
    yield _declare(
        service, "tunnel", "POST", "/{entity}", tunnel, "Change a record, X-HTTP-Method: MERGE", Fields, 204, "assumed"
    )
    if delete is not None:
        yield _declare(service, "delete", "DELETE", "/{entity}", delete, "Delete a record", None, 204)


def _tunnelled(update: Handler) -> Handler:
    def handle(dialect: "S4HanaDialect", call: Call) -> Response:
        if call.request.headers.get("x-http-method", "").upper() not in ("MERGE", "PATCH"):
            errors.refuse(405, errors.NOT_IMPLEMENTED, "Method 'POST' not implemented for this resource")
        return update(dialect, call)

    return handle


def _batch(service: Service) -> Operation:
    return _declare(service, "batch", "POST", "/$batch", batch(service), "Reads and change sets", None, 202)


def _create(service: Service, entity: str, handler: Handler, summary: str, **more: Any) -> Operation:
    return _declare(service, "create", "POST", f"/{entity}", handler, summary, Fields, 201, **more)


def _function(
    service: Service, name: str, handler: Handler, summary: str, standing: Standing = "documented"
) -> Operation:
    action = name[0].lower() + name[1:]
    return _declare(service, action, "POST", f"/{name}", handler, summary, None, 200, standing)


def _soap(name: str, path: str, handler: Handler, summary: str, success: int) -> Operation:
    def guarded(dialect: "S4HanaDialect", call: Call) -> Response:
        dialect.login.require(call.principal.user, name)
        return handler(dialect, call)

    source = "SAP help, " + summary
    return Operation(name, "POST", path, guarded, summary, success=success, source=source, tags=("journalEntry",))


def _v4() -> Operation:
    create = operations_billing.create_from_sd_document
    return Operation(
        "billingDocument.createFromSdDocument",
        "POST",
        f"{operations_billing.ROOT_V4}/BillingDocument/SAP__self.CreateFromSDDocument",
        _guarded("API_BILLINGDOCUMENT", create, writes=True, v4=True),
        "Bill deliveries",
        body=operations_billing.Billable,
        answer=Fields,
        source=_HUB + "Billing Document (A2X), OData V4",
        tags=("billingDocument",),
    )


def _v4_token() -> Operation:
    def handle(dialect: "S4HanaDialect", call: Call) -> Response:
        body = b'{"@odata.context":"$metadata","value":[{"name":"BillingDocument","url":"BillingDocument"}]}'
        return Response(200, body, {"Content-Type": errors.JSON, "odata-version": "4.0"})

    return Operation(
        "billingDocument.serviceV4",
        "GET",
        operations_billing.ROOT_V4,
        _guarded("API_BILLINGDOCUMENT", handle, writes=False, v4=True),
        "The service document of the V4 service, where its CSRF token is fetched",
        answer=Fields,
        source=_HUB + "Billing Document (A2X), OData V4",
        tags=("billingDocument",),
    )


_V0002 = services.DELIVERIES.root + ";v=0002"
"""Newer revisions of the delivery service are addressed with their version; they answer the same here."""


def _newer(operation: Operation) -> Operation:
    path = operation.path.replace(services.DELIVERIES.root, _V0002)
    return Operation(
        operation.name.replace("delivery.", "delivery.v0002."),
        operation.method,
        path,
        operation.handler,
        operation.summary,
        body=operation.body,
        answer=operation.answer,
        success=operation.success,
        standing=operation.standing,
        source=operation.source,
        tags=operation.tags,
    )


_ORDERS, _DELIVERIES = operations_orders, operations_deliveries
_DELIVERY_OPERATIONS = (
    *_reads(services.DELIVERIES),
    _create(
        services.DELIVERIES,
        "A_OutbDeliveryHeader",
        _DELIVERIES.create,
        "Plan a delivery of order items",
        standing="recorded",
    ),
    _function(services.DELIVERIES, "PickAllItems", _DELIVERIES.pick, "Pick all items"),
    _function(services.DELIVERIES, "ConfirmPickingAllItems", _DELIVERIES.pick, "Confirm the picking of all items"),
    _function(services.DELIVERIES, "PostGoodsIssue", _DELIVERIES.post_goods_issue, "Post goods issue"),
    _declare(services.DELIVERIES, "delete", "DELETE", "/{entity}", _DELIVERIES.delete, "Delete a delivery", None, 204),
    _batch(services.DELIVERIES),
)

ROUTES: tuple[Operation, ...] = (
    Operation(
        "oauth.token",
        "POST",
        "/sap/bc/sec/oauth2/token",
        lambda dialect, call: dialect.login.issue(call.request, call.now),
        "OAuth 2.0 client credentials",
        open=True,
        standing="assumed",
        source="SAP NetWeaver, OAuth 2.0 token endpoint",
        tags=("login",),
    ),
    *_reads(services.PARTNERS),
    _create(services.PARTNERS, "A_BusinessPartner", operations_partners.create, "Create a customer, all views nested"),
    _declare(
        services.PARTNERS,
        "createEmail",
        "POST",
        "/{entity}/{further}",
        operations_partners.create_email,
        "An e-mail address of an address",
        Fields,
        201,
    ),
    *_changes(services.PARTNERS, operations_partners.update(services.PARTNERS)),
    _batch(services.PARTNERS),
    *_reads(services.CREDIT),
    *_changes(services.CREDIT, operations_partners.update(services.CREDIT)),
    _batch(services.CREDIT),
    *_reads(services.PRODUCTS),
    *_reads(services.ORDERS),
    _create(services.ORDERS, "A_SalesOrder", _ORDERS.create, "Enter a sales order, items nested"),
    *_changes(services.ORDERS, _ORDERS.update, _ORDERS.delete),
    _function(
        services.ORDERS,
        "releaseApprovalRequest",
        _ORDERS.approval("releaseApprovalRequest"),
        "Release an approval request",
    ),
    _function(
        services.ORDERS,
        "rejectApprovalRequest",
        _ORDERS.approval("rejectApprovalRequest"),
        "Reject an approval request",
    ),
    _batch(services.ORDERS),
    *_reads(services.CREDIT_BLOCKS),
    _function(services.CREDIT_BLOCKS, "CheckCreditBlock", operations_credit.check, "Check credit anew"),
    _function(services.CREDIT_BLOCKS, "ReleaseCreditBlock", operations_credit.release, "Release from the credit block"),
    _function(services.CREDIT_BLOCKS, "RejectCreditBlock", operations_credit.reject, "Reject a blocked order"),
    *_reads(services.CREDIT_MEMO_REQUESTS),
    _create(
        services.CREDIT_MEMO_REQUESTS,
        "A_CreditMemoRequest",
        operations_credit.request_credit,
        "Ask for a credit memo, items nested",
    ),
    *_DELIVERY_OPERATIONS,
    *(_newer(operation) for operation in _DELIVERY_OPERATIONS if not operation.path.endswith("/$batch")),
    *_reads(services.BILLING),
    _function(services.BILLING, "Cancel", operations_billing.cancel, "Cancel a billing document"),
    _batch(services.BILLING),
    _v4_token(),
    _v4(),
    *_reads(services.OPEN_ITEMS),
    _soap(
        "journalEntry.post",
        operations_finance.POST_PATH,
        operations_finance.post,
        "Journal Entry - Post (Synchronous)",
        200,
    ),
    _soap(
        "journalEntry.clear",
        operations_finance.CLEAR_PATH,
        operations_finance.clear,
        "Journal Entry - Clearing (Asynchronous)",
        202,
    ),
)
"""Every operation covered."""

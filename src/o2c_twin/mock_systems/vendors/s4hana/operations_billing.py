"""Billing: create from deliveries (OData V4 action of api_billingdocument), cancel (V2 function import).

Source: SAP Business Accelerator Hub, Billing Document (A2X, OData V4), action CreateFromSDDocument; its request and
answer as recorded in published projects. The V2 service reads and cancels only.
"""

from typing import TYPE_CHECKING

import msgspec

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.s4hana import errors, services
from o2c_twin.mock_systems.vendors.s4hana.operations_orders import parameter
from o2c_twin.mock_systems.vendors.s4hana.reading import find
from o2c_twin.mock_systems.vendors.s4hana.tables import number
from o2c_twin.mock_systems.vendors.s4hana.writing import unlocked
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.roles.erp import Delivery
    from o2c_twin.mock_systems.vendors.s4hana.dialect import S4HanaDialect

ROOT_V4 = "/sap/opu/odata4/sap/api_billingdocument/srvd_a2x/sap/billingdocument/0001"
_SERVICE = services.BILLING


class Reference(msgspec.Struct):
    """An SD document to bill: a delivery (category J), or a credit memo request (K)."""

    document: str = msgspec.field(name="SDDocument")
    category: str = msgspec.field(name="SDDocumentCategory", default="J")
    kind: str | None = msgspec.field(name="BillingDocumentType", default=None)


class Control(msgspec.Struct):
    """How to bill."""

    kind: str = msgspec.field(name="DefaultBillingDocumentType", default="F2")
    unposted: bool = msgspec.field(name="AutomPostingToAcctgIsDisabled", default=False)


class Billable(msgspec.Struct):
    """The action's parameters; others are taken and not looked at."""

    references: list[Reference] = msgspec.field(name="_Reference")
    control: Control = msgspec.field(name="_Control", default_factory=Control)


def _refuse(code: str, text: str) -> Refused:
    return Refused(errors.problem_v4(400, code, text))


def create_from_sd_document(dialect: "S4HanaDialect", call: Call) -> Response:
    """One billing document for each order the deliveries are of, all or none. A billed delivery is refused."""
    body: Billable = call.body
    if not body.references:
        raise _refuse("VF/045", "No billing documents were generated.")
    if any(each.category == "K" for each in body.references):
        return _credit(dialect, body)
    if body.control.unposted or any(each.kind not in (None, "F2") for each in body.references):
        raise _refuse(errors.NOT_IMPLEMENTED, "Billing types other than F2 and unposted documents are not covered.")
    if body.control.kind != "F2":
        raise _refuse(errors.NOT_IMPLEMENTED, "Billing types other than F2 and unposted documents are not covered.")
    by_order: dict[str, list[str]] = {}
    for reference in body.references:
        delivery = _delivery(dialect, reference)
        if delivery.id in by_order.setdefault(delivery.order_id, []):
            raise _refuse("VF/044", f"Document {delivery.id} is named twice.")
        by_order[delivery.order_id].append(delivery.id)
    for order_id, ids in by_order.items():
        if dialect.books.extras.orders.get(order_id, {}).get("HeaderBillingBlockReason"):
            raise _refuse("VF/023", f"Sales document {order_id} is blocked for billing.")
        for id_ in ids:
            unlocked(dialect, "Delivery", id_)
        _billable(dialect, order_id, ids)
    made = [
        dialect.core.invoice_order(order_id, delivery_ids=ids, channel=call.principal.user)
        for order_id, ids in by_order.items()
    ]
    value = [
        {
            "BillingDocument": invoice.id,
            "SDDocumentCategory": "M",
            "BillingDocumentCategory": "L",
            "BillingDocumentType": "F2",
            "SalesOrganization": dialect.config.sales_organization_of(invoice.entity),
            "BillingDocumentIsTemporary": False,
            "SAP__Messages": [],
        }
        for invoice in made
    ]
    answer = {"@odata.context": "../$metadata#BillingDocument", "value": value}
    return json_response(200, answer, {"odata-version": "4.0"}, errors.JSON)


def _credit(dialect: "S4HanaDialect", body: Billable) -> Response:
    """The credit memo (G2) of one credit memo request. One that is billed is refused."""
    if len(body.references) != 1 or body.references[0].kind not in (None, "G2") or body.control.unposted:
        raise _refuse(errors.NOT_IMPLEMENTED, "One credit memo request, billed as G2 and posted, is covered.")
    id_ = number(body.references[0].document)
    request = dialect.books.extras.credit_requests.get(id_)
    if request is None:
        raise _refuse("VF/017", f"Document {id_[:20]} does not exist.")
    if request.memo_id is not None:
        raise _refuse("VF/044", f"Document {id_} is completely billed.")
    total = sum(quantity * price for _, quantity, price in request.lines)
    try:
        memo = dialect.core.issue_credit_memo(request.invoice_id, total, request.reason or "credit memo request")
    except RuleError as rule:
        raise _refuse(*errors.rule_text(rule)) from rule
    request.memo_id = memo.id
    dialect.books.extras.requested[memo.id] = id_
    value = {
        "BillingDocument": memo.id,
        "SDDocumentCategory": "O",
        "BillingDocumentCategory": "L",
        "BillingDocumentType": "G2",
        "SalesOrganization": dialect.config.sales_organization,
        "BillingDocumentIsTemporary": False,
        "SAP__Messages": [],
    }
    answer = {"@odata.context": "../$metadata#BillingDocument", "value": [value]}
    return json_response(200, answer, {"odata-version": "4.0"}, errors.JSON)


def _delivery(dialect: "S4HanaDialect", reference: Reference) -> "Delivery":
    id_ = number(reference.document)
    if reference.category != "J":
        raise _refuse("VF/016", f"Document {id_[:20]}: billing of category {reference.category[:4]} is not covered.")
    delivery = dialect.core.state.deliveries.get(id_)
    if delivery is None:
        if id_ in dialect.books.extras.drafts:
            raise _refuse("VF/063", f"Document {id_}: goods issue has not been posted.")
        raise _refuse("VF/017", f"Document {id_[:20]} does not exist.")
    if delivery.invoice_id is not None:
        raise _refuse("VF/044", f"Document {id_} is completely billed.")
    return delivery


def _billable(dialect: "S4HanaDialect", order_id: str, ids: list[str]) -> None:
    # A person may have billed by quantity: looked at before anything is made, for all documents or none.
    order = dialect.core.state.orders[order_id]
    rest = {line.line: line.shipped - line.billed for line in order.lines}
    for id_ in ids:
        for line in dialect.core.state.deliveries[id_].lines:
            rest[line.line] -= line.quantity
    if any(quantity < 0 for quantity in rest.values()):
        raise _refuse(*errors.RULES["over-billing"])


def cancel(dialect: "S4HanaDialect", call: Call) -> Response:
    """Cancel an invoice that nothing was paid or credited of. A refusal is a 200 with a message of type E."""
    id_ = number(parameter(call, "BillingDocument"))
    find(dialect.tables[_SERVICE.name]["A_BillingDocument"], {"BillingDocument": id_})
    unlocked(dialect, "Billing document", id_)
    invoice = dialect.core.state.invoices.get(id_)
    if invoice is None:
        return _refused(dialect, id_, "VF/161", "The document cannot be cancelled.")
    if invoice.open_minor != invoice.total_minor or invoice.credited_minor:
        return _refused(dialect, id_, "VF/162", "The accounting document has been cleared in part or whole.")
    try:
        memo = dialect.core.issue_credit_memo(id_, invoice.total_minor, "cancellation")
    except RuleError as rule:
        return _refused(dialect, id_, *errors.rule_text(rule))
    dialect.books.extras.cancelled[id_] = memo.id
    return _result(id_, memo.id, "S", "VF/311", "The document has been saved.")


def _refused(dialect: "S4HanaDialect", id_: str, code: str, text: str) -> Response:
    if not dialect.config.cancel_errors_in_200:
        errors.business(text, code)
    return _result(id_, "", "E", code, text)


def _result(id_: str, cancellation: str, kind: str, code: str, text: str) -> Response:
    message_class, _, message_number = code.partition("/")
    row = {
        "__metadata": {"type": f"{_SERVICE.name}.CancelResult"},
        "BillingDocument": id_,
        "CancellationBillingDocument": cancellation,
        "SystemMessageType": kind,
        "SystemMessageIdentification": message_class,
        "SystemMessageNumber": message_number,
        "SystemMessageText": text,
        **{f"SystemMessageVariable{n}": "" for n in range(1, 5)},
    }
    return json_response(200, {"d": {"results": [row]}}, {"dataserviceversion": "2.0"}, errors.JSON)

"""Credit blocks of orders (released, rejected, checked anew) and credit memo requests of invoices.

Source: SAP's generated entity packages (@sap/cloud-sdk-vdm-sales-doc-with-credit-block-service and
@sap/cloud-sdk-vdm-credit-memo-request-service 2.1.0), communication scenario SAP_COM_0325. That a function which finds
nothing to do says so in a 200 with a message of type E is assumed, as ``Cancel`` of billing documents does.
"""

from typing import TYPE_CHECKING

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.s4hana import errors, services
from o2c_twin.mock_systems.vendors.s4hana.operations_orders import parameter, priced
from o2c_twin.mock_systems.vendors.s4hana.reading import created, find
from o2c_twin.mock_systems.vendors.s4hana.state import CreditRequest, Fields
from o2c_twin.mock_systems.vendors.s4hana.tables import number
from o2c_twin.mock_systems.vendors.s4hana.writing import not_covered, read_fields, required, unlocked
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.odata import Expand, ODataQuery
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.roles.erp import SalesOrder
    from o2c_twin.mock_systems.vendors.s4hana.dialect import S4HanaDialect

_BLOCKS, _REQUESTS = services.CREDIT_BLOCKS, services.CREDIT_MEMO_REQUESTS
_REQUEST, _ITEM = _REQUESTS.entities["A_CreditMemoRequest"], _REQUESTS.entities["A_CreditMemoRequestItem"]
_PRICE = _REQUESTS.entities["A_CreditMemoReqItemPrcgElmnt"]
_WITH_ITEMS = ODataQuery(expand=(Expand("to_Item", ODataQuery()),))
_HEAD = (
    "CreditMemoRequestType",
    "SalesOrganization",
    "DistributionChannel",
    "OrganizationDivision",
    "SoldToParty",
    "PurchaseOrderByCustomer",
    "TransactionCurrency",
    "SDDocumentReason",
    "ReferenceSDDocument",
    "ReferenceSDDocumentCategory",
)
_OF_LINE = ("Material", "RequestedQuantity", "RequestedQuantityUnit")


# --- credit blocks -----------------------------------------------------------------------------------


def release(dialect: "S4HanaDialect", call: Call) -> Response:
    """A credit controller lets a blocked order go, whatever the check says."""
    order = _order(dialect, call)
    if order.cancelled or order.credit != "hold":
        return _told("ReleaseCreditBlock", "E", f"Sales document {order.id} is not blocked for credit reasons.")
    dialect.core.release_credit(order.id)
    return _told("ReleaseCreditBlock", "S", f"Sales document {order.id} was released.")


def reject(dialect: "S4HanaDialect", call: Call) -> Response:
    """A blocked order is turned down: all its items get the reason."""
    order, reason = _order(dialect, call), parameter(call, "SalesDocumentRjcnReason")
    if order.cancelled or order.credit != "hold":
        return _told("RejectCreditBlock", "E", f"Sales document {order.id} is not blocked for credit reasons.")
    try:
        dialect.core.cancel_order(order.id)
    except RuleError as rule:
        return _told("RejectCreditBlock", "E", errors.rule_text(rule)[1])
    for line in order.lines:
        own = dialect.books.extras.lines.setdefault(f"{order.id}/{line.line}", {})
        own["SalesDocumentRjcnReason"] = reason[:2]
    return _told("RejectCreditBlock", "S", f"Sales document {order.id} was rejected.")


def check(dialect: "S4HanaDialect", call: Call) -> Response:
    """The credit check runs anew: an order that fits the limit now is blocked no more."""
    order = _order(dialect, call)
    dialect.core.recheck_credit(order.customer_id)
    state = "still blocked" if order.credit == "hold" else "not blocked"
    return _told("CheckCreditBlock", "S", f"Sales document {order.id} is {state} for credit reasons.")


def _order(dialect: "S4HanaDialect", call: Call) -> "SalesOrder":
    id_ = number(parameter(call, "SalesDocument"))
    if parameter(call, "SDDocumentCategory") != "C":
        errors.business("Only sales orders (category C) are covered.", errors.NOT_IMPLEMENTED)
    find(dialect.tables[services.ORDERS.name]["A_SalesOrder"], {"SalesOrder": id_})
    unlocked(dialect, "Sales document", id_)
    return dialect.core.state.orders[id_]


def _told(function: str, kind: str, text: str) -> Response:
    row = {"__metadata": {"type": f"{_BLOCKS.name}.ReturnMessage"}, "MessageType": kind, "Message": text}
    return json_response(200, {"d": {function: row}}, {"dataserviceversion": "2.0"}, errors.JSON)


# --- credit memo requests ----------------------------------------------------------------------------


def request_credit(dialect: "S4HanaDialect", call: Call) -> Response:
    """Ask for a credit memo of an invoice, items with manual prices nested; billing makes the memo."""
    fields, nested = read_fields(_REQUEST, call.body)
    for name in fields:
        if name not in _HEAD:
            not_covered(name, _REQUEST)
    for name in nested:
        if name != "to_Item":
            not_covered(name, _REQUEST)
    required(fields, "CreditMemoRequestType", "SoldToParty", "ReferenceSDDocument")
    if fields["CreditMemoRequestType"] != "CR":
        errors.business(f"Sales document type {fields['CreditMemoRequestType']} is not defined.", "V1/304")
    invoice = dialect.core.state.invoices.get(number(fields["ReferenceSDDocument"]))
    if invoice is None:
        # A request that stands for itself is not modelled: see facts.md.
        errors.business(f"Document {fields['ReferenceSDDocument'][:10]} does not exist.", "V1/302")
    if invoice.customer_id != number(fields["SoldToParty"]):
        errors.business("The sold-to party is not that of the reference document.", "V1/303", "SoldToParty")
    lines = [_line(dialect, row, invoice.currency) for row in nested.get("to_Item", ())]
    if not lines:
        errors.business("Enter at least one item.", "V1/555")
    id_ = dialect.core.reserve_id("credit_request")
    reference, reason = fields.get("PurchaseOrderByCustomer", ""), fields.get("SDDocumentReason", "")
    user = call.principal.user
    request = CreditRequest(id_, invoice.id, invoice.customer_id, call.now, user, lines, reference, reason)
    dialect.books.ask_credit(request)
    table = dialect.tables[_REQUESTS.name]["A_CreditMemoRequest"]
    return created(dialect, call.request, _REQUESTS, table, find(table, {"CreditMemoRequest": id_}), _WITH_ITEMS)


def _line(dialect: "S4HanaDialect", row: Fields, currency: str) -> tuple[str, int, int]:
    fields, nested = read_fields(_ITEM, row)
    for name in fields:
        if name not in _OF_LINE:
            not_covered(name, _ITEM)
    item, quantity, price = priced(dialect, fields, nested, currency, _PRICE)
    return item.sku, quantity, price

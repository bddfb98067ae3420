"""The route table of API v2.0.

An address such as ``customers(<guid>)`` is one segment; what it names is found by the handler, so one operation reads
the records of all sets.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.vendors.business_central import (
    operations_credit_memos,
    operations_invoices,
    operations_masters,
    operations_orders,
    operations_payments,
    sources,
)
from o2c_twin.mock_systems.vendors.business_central import operations_subscriptions as subscriptions
from o2c_twin.mock_systems.vendors.business_central.batch import batch
from o2c_twin.mock_systems.vendors.business_central.entities import metadata
from o2c_twin.mock_systems.vendors.business_central.errors import JSON, bad_request, error, no_record, not_there
from o2c_twin.mock_systems.vendors.business_central.reading import list_page, options, page_of_parts, typed_rows
from o2c_twin.mock_systems.vendors.business_central.serving import (
    addressed,
    answer,
    enter,
    line_answer,
    not_allowed,
    segment_key,
)
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Handler, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.business_central.dialect import BusinessCentralDialect

_DOCS = "Microsoft Learn, API (v2.0): "
_AL = "source of the API pages (extension APIV2)"
_BASE = "/v2.0/{tenant}/{environment}/api/v2.0"
_COMPANY = _BASE + "/{company}"
_RECORD = _COMPANY + "/{record}"
_OBJECT = dict[str, Any]
_METADATA = metadata()
_LINES = {
    "salesOrderLines": "salesOrders",
    "salesInvoiceLines": "salesInvoices",
    "salesShipmentLines": "salesShipments",
    "salesCreditMemoLines": "salesCreditMemos",
}


def _token(dialect: "BusinessCentralDialect", call: Call) -> Response:
    return dialect.login.token(call.request, call.params["tenant"], call.now)


def _metadata(dialect: "BusinessCentralDialect", call: Call) -> Response:
    enter(dialect, call)
    return Response(200, _METADATA, {"Content-Type": "application/xml", "OData-Version": "4.0"})


def _companies(dialect: "BusinessCentralDialect", call: Call) -> Response:
    enter(dialect, call)
    context = f"{call.request.url}{dialect.config.root}/$metadata#companies"
    return json_response(200, {"@odata.context": context, "value": [_company(dialect)]}, {"OData-Version": "4.0"}, JSON)


def _company(dialect: "BusinessCentralDialect") -> dict[str, Any]:
    name = dialect.config.company
    return {
        "id": dialect.company_id,
        "systemVersion": "27.0.38460.0",
        "timestamp": 1,
        "name": name,
        "displayName": name,
        "businessProfileId": "",
    }


def _read_root(dialect: "BusinessCentralDialect", call: Call) -> Response:
    name, key = segment_key(call.params["record"])
    if name == "subscriptions":
        return subscriptions.read_subscription(dialect, call)
    if name != "companies" or not key:
        not_there(call.request.path)
    enter(dialect, call)
    if key != dialect.company_id:
        raise Refused(error(404, "Internal_CompanyNotFound", "The company could not be found."))
    context = f"{call.request.url}{dialect.config.root}/$metadata#companies/$entity"
    return json_response(200, {"@odata.context": context, **_company(dialect)}, {"OData-Version": "4.0"}, JSON)


def _list(source: sources.Source) -> Handler:
    def handler(dialect: "BusinessCentralDialect", call: Call) -> Response:
        enter(dialect, call, source.type.set)
        if source is sources.PAYMENTS and "journalId eq" not in call.request.query.get("$filter", ""):
            text = "You must specify a journal batch ID or a journal ID to get a journal line."
            bad_request(text, "Application_DialogException")
        return list_page(dialect, call, source)

    return handler


def _read(dialect: "BusinessCentralDialect", call: Call) -> Response:
    name, key = segment_key(call.params["record"])
    if name == "salesOrderLines" and key:
        enter(dialect, call, "salesOrders")
        return operations_orders.read_line(dialect, call, key)
    source, record = addressed(dialect, call)
    return answer(dialect, call, source, record)


_Changer = Callable[["BusinessCentralDialect", Call, Any], Response]
_UPDATES: dict[str, _Changer] = {
    "customers": operations_masters.update_customer,
    "salesOrders": operations_orders.update_order,
    "salesInvoices": operations_invoices.update_invoice,
    "customerPayments": operations_payments.update_payment,
}
_DELETES: dict[str, _Changer] = {
    "customers": operations_masters.delete_customer,
    "salesOrders": operations_orders.delete_order,
    "salesInvoices": operations_invoices.delete_invoice,
    "salesCreditMemos": operations_credit_memos.delete_credit_memo,
    "customerPayments": operations_payments.delete_payment,
    "customerPaymentJournals": operations_payments.delete_journal,
}


def _changing(table: dict[str, _Changer]) -> Handler:
    def handler(dialect: "BusinessCentralDialect", call: Call) -> Response:
        source, record = addressed(dialect, call)
        change = table.get(source.type.set)
        if change is None:
            raise Refused(not_allowed(call.request.method))
        return change(dialect, call, record)

    return handler


_change, _delete = _changing(_UPDATES), _changing(_DELETES)


def _update(dialect: "BusinessCentralDialect", call: Call) -> Response:
    name, key = segment_key(call.params["record"])
    if name == "salesOrderLines" and key:
        enter(dialect, call, "salesOrders")
        return operations_orders.update_line(dialect, call, key)
    return _change(dialect, call)


def _below(set_: str) -> Handler:
    """The lines of a document, or what else stands below a record."""

    def handler(dialect: "BusinessCentralDialect", call: Call) -> Response:
        source, record = addressed(dialect, call)
        if set_ == "customerPayments" and source is sources.PAYMENT_JOURNALS:
            lines = [x for x in dialect.state.lines.values() if x.journal_id == record.id]
            return list_page(dialect, call, sources.PAYMENTS, lines)
        if set_ == "customerFinancialDetails" and source is sources.CUSTOMERS:
            return list_page(dialect, call, sources.FINANCIALS, [record])
        if set_ not in source.parts:
            not_there(call.request.path)
        return _line_page(dialect, call, set_, source.parts[set_](dialect, record))

    return handler


def _line_page(dialect: "BusinessCentralDialect", call: Call, set_: str, shapes: Any) -> Response:
    entity = sources.PART_TYPES[set_]
    query = options(dialect, call, entity)
    value = page_of_parts(typed_rows(shapes, entity), query)
    context = f"{call.request.url}{dialect.config.root}/$metadata#{dialect.company_segment}/{set_}"
    return json_response(200, {"@odata.context": context, "value": value}, {"OData-Version": "4.0"}, JSON)


def _lines(set_: str) -> Handler:
    """Lines by themselves: only of a document the filter names."""
    source = sources.LISTED[_LINES[set_]]

    def handler(dialect: "BusinessCentralDialect", call: Call) -> Response:
        enter(dialect, call, source.type.set)
        query = options(dialect, call, sources.PART_TYPES[set_])
        ids = () if query.filter is None else query.filter.equals.get("documentId", ())
        if not ids:
            text = "You must specify an Id or a Document Id to get the lines."
            bad_request(text, "Application_DialogException")
        record = source.find(dialect, str(ids[0]))
        shapes = () if record is None else source.parts[set_](dialect, record)
        return _line_page(dialect, call, set_, shapes)

    return handler


def _read_line(dialect: "BusinessCentralDialect", call: Call) -> Response:
    source, record = addressed(dialect, call)
    set_, key = segment_key(call.params["line"])
    if set_ == "customerPayments":
        inner = sources.PAYMENTS.find(dialect, key)
        if inner is None or source is not sources.PAYMENT_JOURNALS or inner.journal_id != record.id:
            no_record()
        return answer(dialect, call, sources.PAYMENTS, inner)
    if set_ not in source.parts:
        not_there(call.request.path)
    for shape in source.parts[set_](dialect, record):
        if shape["id"] == key:
            return line_answer(dialect, call, set_, shape, 200)
    no_record()


def _change_line(table: dict[str, _Changer], orders: bool) -> Handler:
    def handler(dialect: "BusinessCentralDialect", call: Call) -> Response:
        source, record = addressed(dialect, call)
        set_, key = segment_key(call.params["line"])
        if set_ == "salesOrderLines" and orders and source is sources.ORDERS:
            if not any(shape["id"] == key for shape in dialect.shapes.order_lines(record)):
                no_record()
            return operations_orders.update_line(dialect, call, key)
        if set_ == "customerPayments" and source is sources.PAYMENT_JOURNALS:
            inner = sources.PAYMENTS.find(dialect, key)
            if inner is None or inner.journal_id != record.id:
                no_record()
            return table[set_](dialect, call, inner)
        if set_ in source.parts:
            raise Refused(not_allowed(call.request.method))
        not_there(call.request.path)

    return handler


def _action(name: str, handler: Handler, set_: str, summary: str) -> Operation:
    path = f"{_RECORD}/Microsoft.NAV.{name.rpartition('.')[2]}"
    return Operation(name, "POST", path, handler, summary, success=204, source=_DOCS + set_, tags=(set_,))


def _post(dialect: "BusinessCentralDialect", call: Call) -> Response:
    name, _ = segment_key(call.params["record"])
    if name == "salesInvoices":
        return operations_invoices.post(dialect, call)
    if name == "salesCreditMemos":
        return operations_credit_memos.post(dialect, call)
    if name == "journals":
        return operations_payments.post_journal(dialect, call)
    # customerPaymentJournals have no such action.
    not_there(call.request.path)


def _create(set_: str, handler: Handler, summary: str) -> Operation:
    return Operation(
        f"{set_}.create", "POST", f"{_COMPANY}/{set_}", handler, summary, body=_OBJECT, success=201, source=_DOCS + set_
    )


ROUTES: tuple[Operation, ...] = (
    Operation(
        "login.token",
        "POST",
        "/{tenant}/oauth2/v2.0/token",
        _token,
        "A token for client credentials",
        open=True,
        source="Microsoft identity platform, OAuth 2.0 client credentials flow",
    ),
    Operation("metadata", "GET", _BASE + "/$metadata", _metadata, "The metadata document", source=_DOCS + "metadata"),
    Operation("batch", "POST", _BASE + "/$batch", batch, "Several operations", source="OData transactional $batch"),
    Operation("companies.list", "GET", _BASE + "/companies", _companies, "All companies", source=_DOCS + "companies"),
    Operation("root.read", "GET", _BASE + "/{record}", _read_root, "A company or a subscription", source=_DOCS),
    Operation(
        "subscriptions.list", "GET", _BASE + "/subscriptions", subscriptions.list_subscriptions, "All", source=_DOCS
    ),
    Operation(
        "subscriptions.create",
        "POST",
        _BASE + "/subscriptions",
        subscriptions.create_subscription,
        "Ask for webhooks",
        body=_OBJECT,
        success=201,
        source=_DOCS + "Working with webhooks",
        asks=subscriptions.confirm_new,
    ),
    Operation(
        "subscriptions.renew",
        "PATCH",
        _BASE + "/{record}",
        subscriptions.renew_subscription,
        "Renew a subscription",
        body=_OBJECT,
        source=_DOCS + "Working with webhooks",
        asks=subscriptions.confirm_renewal,
    ),
    Operation(
        "subscriptions.delete",
        "DELETE",
        _BASE + "/{record}",
        subscriptions.delete_subscription,
        "End a subscription",
        success=204,
        source=_DOCS + "Working with webhooks",
    ),
    *(
        Operation(f"{set_}.list", "GET", f"{_COMPANY}/{set_}", _list(source), f"A page of {set_}", source=_DOCS + set_)
        for set_, source in sources.LISTED.items()
    ),
    *(
        Operation(f"{set_}.list", "GET", f"{_COMPANY}/{set_}", _lines(set_), f"{set_} of a document", source=_AL)
        for set_ in _LINES
    ),
    _create("customers", operations_masters.create_customer, "A new customer"),
    _create("items", operations_masters.create_item, "A new item"),
    _create("paymentTerms", operations_masters.create_term, "New payment terms"),
    _create("salesOrders", operations_orders.create_order, "A new sales order with its lines"),
    _create("salesInvoices", operations_invoices.create_invoice, "A draft invoice"),
    _create("salesCreditMemos", operations_credit_memos.create_credit_memo, "A draft credit memo"),
    _create("customerPaymentJournals", operations_payments.create_journal, "A payment journal"),
    _create("customerPayments", operations_payments.create_payment, "A line of a payment journal"),
    Operation("record.read", "GET", _RECORD, _read, "One record of a set", source=_DOCS),
    Operation("record.update", "PATCH", _RECORD, _update, "Change a record", body=_OBJECT, source=_DOCS),
    Operation("record.delete", "DELETE", _RECORD, _delete, "Delete a record", success=204, source=_DOCS),
    *(
        Operation(f"{set_}.below", "GET", f"{_RECORD}/{set_}", _below(set_), f"{set_} of a record", source=_DOCS + set_)
        for set_ in (*_LINES, "customerPayments", "customerFinancialDetails")
    ),
    Operation(
        "salesOrderLines.add",
        "POST",
        _RECORD + "/salesOrderLines",
        operations_orders.add_line,
        "A comment line of an order",
        body=_OBJECT,
        success=201,
        source=_DOCS + "salesOrderLine",
    ),
    Operation(
        "salesInvoiceLines.add",
        "POST",
        _RECORD + "/salesInvoiceLines",
        operations_invoices.add_line,
        "A line of a draft invoice",
        body=_OBJECT,
        success=201,
        source=_DOCS + "salesInvoiceLine",
    ),
    Operation(
        "salesCreditMemoLines.add",
        "POST",
        _RECORD + "/salesCreditMemoLines",
        operations_credit_memos.add_line,
        "A line of a draft credit memo",
        body=_OBJECT,
        success=201,
        source=_DOCS + "salesCreditMemoLine",
    ),
    Operation(
        "customerPayments.add",
        "POST",
        _RECORD + "/customerPayments",
        operations_payments.add_payment,
        "A line of this payment journal",
        body=_OBJECT,
        success=201,
        source=_DOCS + "customerPayment",
    ),
    Operation("line.read", "GET", _RECORD + "/{line}", _read_line, "One line", source=_DOCS),
    Operation(
        "line.update",
        "PATCH",
        _RECORD + "/{line}",
        _change_line(_UPDATES, True),
        "Change a line",
        body=_OBJECT,
        source=_DOCS,
    ),
    Operation(
        "line.delete",
        "DELETE",
        _RECORD + "/{line}",
        _change_line(_DELETES, False),
        "Delete a journal line",
        success=204,
        source=_DOCS,
    ),
    _action("salesOrders.shipAndInvoice", operations_orders.ship_and_invoice, "salesOrders", "Post an order"),
    _action("post", _post, "salesInvoices, salesCreditMemos, journals", "Post a draft, or a journal"),
    _action("salesInvoices.cancel", operations_invoices.cancel, "salesInvoices", "Cancel a posted invoice"),
)

"""From what a request names to the core's record: path tokens (``123``, ``eid:KEY``) and references in bodies."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from o2c_twin.mock_systems.roles.erp import Customer, Delivery, Invoice, Item, Payment, SalesOrder
from o2c_twin.mock_systems.vendors.netsuite.bodies import NAME_VALIDATION, Body, read_body
from o2c_twin.mock_systems.vendors.netsuite.errors import nonexistent, refuse
from o2c_twin.mock_systems.vendors.netsuite.record_types import Record, RecordType
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.netsuite.dialect import NetSuiteDialect

_R = TypeVar("_R")
EXTERNAL = "eid:"


def records_of(dialect: "NetSuiteDialect", kind: str) -> Mapping[str, Record]:
    """All records of a kind of the core, by internal id."""
    state = dialect.core.state
    tables: dict[str, Mapping[str, Record]] = {
        "customer": state.customers,
        "item": state.items,
        "order": state.orders,
        "delivery": state.deliveries,
        "invoice": state.invoices,
        "payment": state.payments,
        "credit_memo": state.credit_memos,
    }
    return tables[kind]


def _find(dialect: "NetSuiteDialect", kind: str, table: Mapping[str, _R], token: str) -> _R:
    id_ = dialect.core.by_external_id(kind, token[4:]) if token.startswith(EXTERNAL) else token
    record = table.get(id_) if id_ is not None else None
    if record is None:
        nonexistent()
    return record


def find(dialect: "NetSuiteDialect", kind: str, token: str) -> Record:
    """The record a path names. Raises `Refused` with 404, as all of these."""
    return _find(dialect, kind, records_of(dialect, kind), token)


def find_customer(dialect: "NetSuiteDialect", token: str) -> Customer:
    return _find(dialect, "customer", dialect.core.state.customers, token)


def find_order(dialect: "NetSuiteDialect", token: str) -> SalesOrder:
    return _find(dialect, "order", dialect.core.state.orders, token)


def find_delivery(dialect: "NetSuiteDialect", token: str) -> Delivery:
    return _find(dialect, "delivery", dialect.core.state.deliveries, token)


def find_invoice(dialect: "NetSuiteDialect", token: str) -> Invoice:
    return _find(dialect, "invoice", dialect.core.state.invoices, token)


def find_payment(dialect: "NetSuiteDialect", token: str) -> Payment:
    return _find(dialect, "payment", dialect.core.state.payments, token)


def body_of(dialect: "NetSuiteDialect", call: Call, record: RecordType) -> Body:
    """The request's body, its property names checked as the request asks for."""
    return read_body(record.name, call.body, call.request.headers.get(NAME_VALIDATION), dialect.config.custom_fields)


def upsert_key(call: Call) -> str:
    """The external id a PUT names. Raises `Refused`: only external ids can be upserted."""
    token = call.params["id"]
    if not token.startswith(EXTERNAL) or token == EXTERNAL:
        refuse(400, "INVALID_ID", "PUT needs an external ID in the address: eid:<external ID>.")
    return token[4:]


def replaces(call: Call, sublist: str) -> bool:
    """Whether the request replaces a whole sublist (``?replace=item``) and not just the lines it names."""
    return sublist in call.request.query.get("replace", "").split(",")


def referenced_customer(dialect: "NetSuiteDialect", body: Body, name: str) -> Customer | None:
    """The customer a property refers to, by id or external id; None when the property is absent."""
    reference = body.reference(name)
    if reference is None:
        return None
    id_ = reference.id
    if id_ is None and reference.external_id is not None:
        id_ = dialect.core.by_external_id("customer", reference.external_id)
    customer = dialect.core.state.customers.get(id_ or "")
    if customer is None:
        body.refuse(name, reference)
    return customer


def referenced_invoice(dialect: "NetSuiteDialect", body: Body, name: str) -> Invoice | None:
    """The invoice a property refers to, by id or external id; None when the property is absent."""
    reference = body.reference(name)
    if reference is None:
        return None
    id_ = reference.id
    if id_ is None and reference.external_id is not None:
        id_ = dialect.core.by_external_id("invoice", reference.external_id)
    invoice = dialect.core.state.invoices.get(id_ or "")
    if invoice is None:
        body.refuse(name, reference)
    return invoice


def referenced_currency(dialect: "NetSuiteDialect", body: Body) -> str | None:
    """The currency a body names, as ISO code, by id, or by code as ``refName``; None when it names none."""
    reference = body.reference("currency")
    if reference is None:
        return None
    codes = dialect.config.all_currencies
    if reference.id is not None and reference.id.isdecimal() and 1 <= int(reference.id) <= len(codes):
        return codes[int(reference.id) - 1]
    if reference.id is None and reference.name in codes:
        return reference.name
    body.refuse("currency", reference)


def referenced_item(dialect: "NetSuiteDialect", body: Body) -> Item | None:
    """The item of a line, by id, or by name as ``refName``; None when the line has none."""
    reference = body.reference("item")
    if reference is None:
        return None
    item = dialect.core.state.items.get(reference.id or "")
    if item is None and reference.id is None and reference.name is not None:
        item = dialect.core.items_by_sku.get(reference.name)
    if item is None:
        body.refuse("item", reference)
    return item

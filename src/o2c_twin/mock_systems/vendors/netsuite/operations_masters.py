"""Customers and items."""

from typing import TYPE_CHECKING

from o2c_twin.mock_systems.roles.erp import Customer
from o2c_twin.mock_systems.vendors.netsuite.answers import written
from o2c_twin.mock_systems.vendors.netsuite.bodies import Body
from o2c_twin.mock_systems.vendors.netsuite.errors import missing, user_error
from o2c_twin.mock_systems.vendors.netsuite.finding import body_of, find_customer, referenced_currency, upsert_key
from o2c_twin.mock_systems.vendors.netsuite.record_types import CUSTOMER, ITEM
from o2c_twin.mock_systems.vendors.netsuite.terms import terms_days
from o2c_twin.mock_systems.wire.message import Response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.netsuite.dialect import NetSuiteDialect

_HOLDS = ("AUTO", "ON", "OFF")


def create_customer(dialect: "NetSuiteDialect", call: Call) -> Response:
    """POST: a new customer."""
    body = body_of(dialect, call, CUSTOMER)
    return _create(dialect, call, body, body.text("externalId"))


def update_customer(dialect: "NetSuiteDialect", call: Call) -> Response:
    """PATCH by id or external id."""
    customer = find_customer(dialect, call.params["id"])
    return _update(dialect, call, body_of(dialect, call, CUSTOMER), customer)


def upsert_customer(dialect: "NetSuiteDialect", call: Call) -> Response:
    """PUT by external id: create when nobody has it, update otherwise."""
    key = upsert_key(call)
    body = body_of(dialect, call, CUSTOMER)
    known = dialect.core.by_external_id("customer", key)
    if known is None:
        return _create(dialect, call, body, key)
    body.fields.pop("externalId", None)
    return _update(dialect, call, body, dialect.core.state.customers[known])


def delete_customer(dialect: "NetSuiteDialect", call: Call) -> Response:
    """DELETE: only without transactions."""
    dialect.core.delete_customer(find_customer(dialect, call.params["id"]).id)
    return Response(204)


def _create(dialect: "NetSuiteDialect", call: Call, body: Body, external_id: str | None) -> Response:
    name = body.text("companyName")
    if name is None and body.flag("isPerson"):
        name = " ".join(part for part in (body.text("firstName"), body.text("lastName")) if part) or None
    if name is None:
        missing("Company Name")
    fields = _fields(dialect, body, None)
    fields.pop("name", None)
    if dialect.subsidiaries and "entity" not in fields:
        # Of a role that may use one subsidiary only, that is the one; of any other it must be said.
        fields["entity"] = dialect.by_name[call.principal.app].subsidiary or missing("Primary Subsidiary")
    if external_id is not None:
        fields["external_id"] = external_id
    currency = referenced_currency(dialect, body) or dialect.config.currency
    customer = dialect.core.add_customer(name, currency, **fields)
    return written(call.request, CUSTOMER.name, customer.id)


def _update(dialect: "NetSuiteDialect", call: Call, body: Body, customer: Customer) -> Response:
    fields = _fields(dialect, body, customer)
    currency = referenced_currency(dialect, body)
    if currency is not None and currency != customer.currency:
        user_error("The currency of a customer with transactions cannot be changed.")
    external_id = body.text("externalId")
    if external_id is not None:
        fields["external_id"] = external_id
    dialect.core.update_customer(customer.id, **fields)
    return written(call.request, CUSTOMER.name, customer.id)


def _fields(dialect: "NetSuiteDialect", body: Body, customer: Customer | None) -> dict[str, object]:
    """The core's fields a body sets; all are checked before any is used."""
    fields: dict[str, object] = {}
    entity = dialect.subsidiaries.asked(body)
    if entity is not None:
        fields["entity"] = entity
    if body.has("companyName"):
        name = body.text("companyName")
        if name is None and customer is not None:
            missing("Company Name")
        fields["name"] = name
    number = body.text("entityId")
    if number is not None:
        _refuse_known_number(dialect, number, customer)
        fields["number"] = number
    if body.has("email"):
        fields["email"] = body.text("email")
    if body.has("creditLimit"):
        fields["credit_limit_minor"] = body.money("creditLimit")
    hold = body.reference("creditHoldOverride")
    if hold is not None:
        code = (hold.id or hold.name or "").upper()
        if code not in _HOLDS:
            body.refuse("creditHoldOverride", hold)
        fields["hold"] = code
    terms = body.reference("terms")
    if terms is not None:
        days = terms_days(terms.id, terms.name)
        if days is None:
            body.refuse("terms", terms)
        fields["terms_days"] = days
    for name, field in (("isInactive", "inactive"), ("shipComplete", "ship_complete")):
        flag = body.flag(name)
        if flag is not None:
            fields[field] = flag
    return fields


def _refuse_known_number(dialect: "NetSuiteDialect", number: str, customer: Customer | None) -> None:
    customers = dialect.core.state.customers
    for id_ in dialect.index.named("entityid", number):
        other = customers.get(id_)
        if other is not None and other.number == number and (customer is None or other.id != customer.id):
            user_error(
                "A customer record with this ID already exists. "
                "You must enter a unique customer ID for each record you create."
            )


def create_item(dialect: "NetSuiteDialect", call: Call) -> Response:
    """POST: a new stock item, with nothing on hand."""
    body = body_of(dialect, call, ITEM)
    sku = body.text("itemId")
    if sku is None:
        missing("Item Name/Number")
    name = body.text("displayName") or sku
    price, cost = body.money("basePrice") or 0, body.money("cost") or 0
    item = dialect.core.add_item(sku, name, price, cost, dialect.config.currency, 0)
    return written(call.request, ITEM.name, item.id)

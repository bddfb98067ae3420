"""Customers, items and payment terms."""

from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.roles.erp import Customer
from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.business_central import entities, sources
from o2c_twin.mock_systems.vendors.business_central.bodies import Body
from o2c_twin.mock_systems.vendors.business_central.errors import bad_request, dialog, field_refused, ruled, same_key
from o2c_twin.mock_systems.vendors.business_central.serving import (
    answer,
    body_of,
    check_etag,
    done,
    enter,
)
from o2c_twin.mock_systems.wire.message import Response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.business_central.dialect import BusinessCentralDialect

_BLOCKED = (" ", "Ship", "Invoice", "All")
_KEPT = (
    "additionalName",
    "type",
    "addressLine1",
    "addressLine2",
    "city",
    "state",
    "country",
    "postalCode",
    "phoneNumber",
    "website",
    "salespersonCode",
    "taxLiable",
    "taxAreaId",
    "taxRegistrationNumber",
    "shipmentMethodId",
    "paymentMethodId",
    "blocked",
)


def create_customer(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST: a new customer; without a number it gets the next of the series."""
    enter(dialect, call, "customers")
    body = body_of(dialect, call, entities.CUSTOMER)
    fields = _fields(dialect, body, None)
    number = body.text("number")
    if number is not None and dialect.index.customers_numbered(number):
        same_key("Customer", number)
    if body.text("currencyCode") not in (None, dialect.config.currency):
        bad_request('The "currencyCode" does not match to a Currency.', "Application_DialogException")
    name = fields.pop("name", "")
    customer = dialect.core.add_customer(name, dialect.config.currency, **fields)
    _keep(dialect, customer.id, body)
    return answer(dialect, call, sources.CUSTOMERS, dialect.core.state.customers[customer.id], 201)


def update_customer(dialect: "BusinessCentralDialect", call: Call, customer: Customer) -> Response:
    """PATCH: what is there is changed; a customer can be renumbered."""
    check_etag(dialect, call, dialect.shapes.customer(customer, call.now), required=True)
    body = body_of(dialect, call, entities.CUSTOMER)
    fields = _fields(dialect, body, customer)
    number = body.text("number")
    if number is not None and any(other.id != customer.id for other in dialect.index.customers_numbered(number)):
        same_key("Customer", number)
    if body.text("currencyCode") not in (None, customer.currency):
        dialog("You cannot change Currency Code because there are one or more entries for this customer.")
    _keep(dialect, customer.id, body)
    dialect.core.update_customer(customer.id, **fields)
    return answer(dialect, call, sources.CUSTOMERS, dialect.core.state.customers[customer.id])


def delete_customer(dialect: "BusinessCentralDialect", call: Call, customer: Customer) -> Response:
    """DELETE: only without documents."""
    check_etag(dialect, call, dialect.shapes.customer(customer, call.now))
    if any(draft.customer_id == customer.id for draft in dialect.state.drafts.values()) or any(
        line.customer_id == customer.id for line in dialect.state.lines.values()
    ):
        ruled(RuleError("has-dependents", ""))
    try:
        dialect.core.delete_customer(customer.id)
    except RuleError as rule:
        ruled(rule)
    dialect.state.kept.pop(f"customer/{customer.id}", None)
    return done()


def _fields(dialect: "BusinessCentralDialect", body: Body, customer: Customer | None) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for theirs, ours in (("displayName", "name"), ("number", "number")):
        value = body.text(theirs)
        if value is not None:
            fields[ours] = value
    if body.has("email"):
        fields["email"] = body.text("email")
    limit = body.money("creditLimit")
    if limit is not None:
        if limit < 0:
            field_refused("creditLimit", body.fields["creditLimit"])
        fields["credit_limit_minor"] = limit or None
    terms = body.guid("paymentTermsId")
    if terms is not None:
        days = sources.TERMS.find(dialect, terms)
        if days is None:
            dialog('The "paymentTermsId" does not match to a Payment Terms.')
        fields["terms_days"] = days
    if body.has("type") and body.fields["type"] not in ("Company", "Person"):
        field_refused("type", body.fields["type"])
    blocked = body.fields.get("blocked")
    if blocked is not None:
        blocked = body.fields["blocked"] = blocked.replace("_x0020_", " ") or " "
        if blocked not in _BLOCKED:
            field_refused("blocked", blocked)
        fields["inactive"] = blocked == "All"
        fields["hold"] = "ON" if blocked == "Ship" else "AUTO"
    return fields


def _keep(dialect: "BusinessCentralDialect", id_: str, body: Body) -> None:
    kept = body.kept(_KEPT)
    if kept:
        key = f"customer/{id_}"
        dialect.state.kept[key] = {**dialect.state.kept.get(key, {}), **kept}


def create_item(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST: a new inventory item with nothing on hand."""
    enter(dialect, call, "items")
    body = body_of(dialect, call, entities.ITEM)
    if body.fields.get("type", "Inventory") != "Inventory":
        field_refused("type", body.fields["type"])
    number = body.text("number") or f"ITEM{dialect.state.numbers.next('item', 1001)}"
    price, cost = body.money("unitPrice") or 0, body.money("unitCost") or 0
    if number in dialect.core.items_by_sku:
        same_key("Item", number)
    if price < 0 or cost < 0:
        field_refused("unitPrice", body.fields.get("unitPrice"))
    item = dialect.core.add_item(number, body.text("displayName") or "", price, cost, dialect.config.currency, 0)
    kept = body.kept(("displayName2", "gtin"))
    if kept:
        dialect.state.kept[f"item/{item.id}"] = kept
    return answer(dialect, call, sources.ITEMS, item, 201)


def create_term(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST: payment terms of some days net, such as ``45D``."""
    enter(dialect, call, "paymentTerms")
    body = body_of(dialect, call, entities.TERM)
    rule, code = body.text("dueDateCalculation") or "0D", body.text("code")
    digits = rule.upper().removesuffix("D")
    if not (rule.upper().endswith("D") and digits.isascii() and digits.isdecimal() and len(digits) <= 3):
        field_refused("dueDateCalculation", rule)
    days = int(digits)
    if code is None:
        field_refused("code", "")
    if days in sources.TERMS.every(dialect):
        same_key("Payment Terms", code)
    dialect.state.terms[days] = (code, body.text("displayName") or "")
    return answer(dialect, call, sources.TERMS, days, 201)

"""Writes of API_SALES_ORDER_SRV: enter an order with its items, change it, reject items, delete it."""

from decimal import Decimal
from typing import TYPE_CHECKING

from o2c_twin.mock_systems.roles.erp import Item, SalesOrder
from o2c_twin.mock_systems.roles.erp.rules import credit_reason
from o2c_twin.mock_systems.vendors.s4hana import errors, services
from o2c_twin.mock_systems.vendors.s4hana.edm import Entity
from o2c_twin.mock_systems.vendors.s4hana.reading import created, find
from o2c_twin.mock_systems.vendors.s4hana.rows_orders import MANUAL_PRICE, UNIT
from o2c_twin.mock_systems.vendors.s4hana.state import Fields
from o2c_twin.mock_systems.vendors.s4hana.tables import item_number, number, text
from o2c_twin.mock_systems.vendors.s4hana.values import minor
from o2c_twin.mock_systems.vendors.s4hana.writing import (
    match_tag,
    not_covered,
    nothing,
    read_fields,
    required,
    strings,
    unlocked,
    warned,
)
from o2c_twin.mock_systems.wire.message import Response
from o2c_twin.mock_systems.wire.odata import Expand, ODataQuery, parse_key
from o2c_twin.mock_systems.wire.route import Call, Handler

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.s4hana.dialect import S4HanaDialect

_SERVICE = services.ORDERS
_ORDER, _ITEM = _SERVICE.entities["A_SalesOrder"], _SERVICE.entities["A_SalesOrderItem"]
_PRICE = _SERVICE.entities["A_SalesOrderItemPrElement"]
_WITH_ITEMS = ODataQuery(expand=(Expand("to_Item", ODataQuery()),))
_ORGANISATION = ("SalesOrganization", "DistributionChannel", "OrganizationDivision")
_KEPT = (
    "SalesOrderType",
    "ExternalDocumentID",
    "SenderBusinessSystemName",
    "CustomerPurchaseOrderType",
    "SDDocumentReason",
    "ShippingCondition",
    "HeaderBillingBlockReason",
    "DeliveryBlockReason",
    "IncotermsClassification",
    "CustomerPriceGroup",
    "PriceListType",
    "PaymentMethod",
    "AssignmentReference",
    "SalesGroup",
    "SalesOffice",
)
_KEPT_OF_LINE = (
    "ExternalItemID",
    "UnderlyingPurchaseOrderItem",
    "MaterialByCustomer",
    "DeliveryGroup",
    "StorageLocation",
)
# Sent by clients with a date the core does not keep: taken, and answered with the day of entry.
_TAKEN = ("SalesOrderDate", "PricingDate", "RequestedDeliveryDate", "CustomerPurchaseOrderDate")


_ENTERED = (
    *_ORGANISATION,
    "SoldToParty",
    "PurchaseOrderByCustomer",
    "TransactionCurrency",
    "CompleteDeliveryIsDefined",
)
# Category, text, plant and number of an item are what material and system make them, whatever was sent.
_ENTERED_OF_LINE = (
    "Material",
    "RequestedQuantity",
    "RequestedQuantityUnit",
    "SalesOrderItem",
    "SalesOrderItemCategory",
    "SalesOrderItemText",
    "ProductionPlant",
    "TransactionCurrency",
)


def _covered(entity: Entity, fields: Fields, names: tuple[str, ...]) -> None:
    for name in fields:
        if name not in names:
            not_covered(name, entity)


def create(dialect: "S4HanaDialect", call: Call) -> Response:
    """Enter a sales order, items nested. Over the credit limit it is saved and blocked."""
    fields, nested = read_fields(_ORDER, call.body)
    _covered(_ORDER, fields, (*_KEPT, *_TAKEN, *_ENTERED))
    for name in nested:
        if name not in ("to_Item", "to_Partner"):
            not_covered(name, _ORDER)
    sold_to = number(fields.get("SoldToParty", ""))
    if any(number(text(row.get("Customer", ""))) != sold_to for row in nested.get("to_Partner", ())):
        not_covered("to_Partner", _ORDER)
    required(fields, "SalesOrderType", *_ORGANISATION, "SoldToParty")
    config = dialect.config
    seller, *area = (fields[name] for name in _ORGANISATION)
    if seller not in config.sales_organizations or area != [config.distribution_channel, config.division]:
        errors.business("The sales area is not defined.", "V1/310", "SalesOrganization")
    customer = dialect.core.state.customers.get(number(fields["SoldToParty"]))
    if customer is None:
        code, told = errors.RULES["unknown-customer"]
        errors.business(told, code, "SoldToParty")
    if fields.get("TransactionCurrency", customer.currency) != customer.currency:
        errors.business(f"Currency {fields['TransactionCurrency']} has no exchange rate.", "SG/105")
    lines, own = [], []
    for row in nested.get("to_Item", ()):
        line, kept = _line(dialect, row, customer.currency)
        lines.append(line)
        own.append(kept)
    if config.credit_check_refuses:
        reason = credit_reason(customer, sum(quantity * price for _, quantity, price in lines))
        if reason is not None:
            errors.business("Static credit check: credit limit exceeded", "V1/150")
    po_number = fields.get("PurchaseOrderByCustomer") or None
    twice = po_number is not None and any(
        dialect.core.state.orders[id_].customer_id == customer.id
        for id_ in dialect.core.orders_by_po.get(po_number, ())
    )
    order = dialect.core.enter_order(
        customer.id,
        lines,
        po_number=po_number,
        ship_complete=fields.get("CompleteDeliveryIsDefined"),
        channel=call.principal.user,
        entity=seller if config.units else None,
    )
    dialect.books.set_order(order.id, strings(fields, *_KEPT))
    for at, kept in enumerate(own, 1):
        if kept:
            dialect.books.extras.lines[f"{order.id}/{at}"] = kept
    response = _answer(dialect, call, order)
    if twice and config.duplicate_po_warns:
        return warned(response, "V4/115", f"Customer reference {po_number} exists already.", "PurchaseOrderByCustomer")
    return response


def _answer(dialect: "S4HanaDialect", call: Call, order: SalesOrder) -> Response:
    table = dialect.tables[_SERVICE.name]["A_SalesOrder"]
    row = find(table, {"SalesOrder": order.id})
    return created(dialect, call.request, _SERVICE, table, row, _WITH_ITEMS)


def _line(dialect: "S4HanaDialect", row: Fields, currency: str) -> tuple[tuple[str, int, int], dict[str, str]]:
    fields, nested = read_fields(_ITEM, row)
    _covered(_ITEM, fields, (*_KEPT_OF_LINE, *_ENTERED_OF_LINE))
    item, quantity, price = priced(dialect, fields, nested, currency, _PRICE)
    return (item.id, quantity, price), strings(fields, *_KEPT_OF_LINE)


def priced(
    dialect: "S4HanaDialect", fields: Fields, nested: dict[str, list[Fields]], currency: str, element: Entity
) -> tuple[Item, int, int]:
    """Material, quantity and price in minor units of an item of a sales document; ``element`` is what its manual
    prices are. Raises `Refused`."""
    required(fields, "Material", "RequestedQuantity")
    item = dialect.core.items_by_sku.get(fields["Material"])
    if item is None:
        told = f"Material {fields['Material']} is not defined for sales org.{dialect.config.sales_organization}."
        errors.business(told, "V1/382", "Material")
    if fields.get("RequestedQuantityUnit") not in (None, "", UNIT):
        errors.business(f"Unit {fields['RequestedQuantityUnit']} is not defined for the material.", "V1/360")
    quantity: Decimal = fields["RequestedQuantity"]
    if quantity != int(quantity) or quantity <= 0:
        errors.business("Enter a whole quantity greater than zero.", "V1/450", "RequestedQuantity")
    price = item.price_minor
    for row in nested.get("to_PricingElement", ()):
        price = _price(element, row, currency, price)
    return item, int(quantity), price


def _price(element: Entity, row: Fields, currency: str, price: int) -> int:
    fields, _ = read_fields(element, row)
    required(fields, "ConditionType")
    if fields["ConditionType"] not in MANUAL_PRICE:
        errors.business(f"Condition {fields['ConditionType']} cannot be entered manually.", "VK/002", "ConditionType")
    if fields.get("ConditionCurrency") not in (None, "", currency):
        errors.business("The currency of the condition is not that of the document.", "VK/064", "ConditionCurrency")
    rate = fields.get("ConditionRateValue")
    if rate is None:
        return price
    per = fields.get("ConditionQuantity") or Decimal(1)
    try:
        found = minor(rate / per)
    except ValueError:
        errors.business("The rate has too many decimals for the currency.", "VK/070", "ConditionRateValue")
    if found < 0:
        errors.business("The rate must not be negative.", "VK/071", "ConditionRateValue")
    return found


def update(dialect: "S4HanaDialect", call: Call) -> Response:
    """Change an order's header, or reject an item (``SalesDocumentRjcnReason``)."""
    segment = parse_key(call.params["entity"], 2)
    table = dialect.tables[_SERVICE.name].get(segment.name)
    if table is None or segment.name not in ("A_SalesOrder", "A_SalesOrderItem"):
        errors.refuse(400, errors.NOT_IMPLEMENTED, f"Method 'UPDATE' not implemented for '{segment.name}'")
    row = find(table, segment.under(table.entity.keys))
    match_tag(call.request, row)
    unlocked(dialect, "Sales document", row["SalesOrder"])
    order = dialect.core.state.orders[row["SalesOrder"]]
    fields, nested = read_fields(table.entity, call.body)
    for name in nested:
        not_covered(name, table.entity)
    if segment.name == "A_SalesOrder":
        _header(dialect, order, fields)
    else:
        _item(dialect, order, item_number(row["SalesOrderItem"]) // 10, fields)
    after = table.one(segment.under(table.entity.keys))
    return nothing(None if after is None else after["@etag"])


def _header(dialect: "S4HanaDialect", order: SalesOrder, fields: Fields) -> None:
    for name in fields:
        if name not in (*_KEPT, *_TAKEN, "PurchaseOrderByCustomer", "SalesOrder"):
            not_covered(name, _ORDER)
    # Any change moves the time stamp, the customer reference or not.
    dialect.core.update_order(order.id, po_number=fields.get("PurchaseOrderByCustomer"))
    dialect.books.set_order(order.id, strings(fields, *_KEPT))


def _item(dialect: "S4HanaDialect", order: SalesOrder, at: int, fields: Fields) -> None:
    for name in fields:
        if name not in ("SalesDocumentRjcnReason", *_KEPT_OF_LINE, "SalesOrder", "SalesOrderItem"):
            not_covered(name, _ITEM)
    reason = fields.get("SalesDocumentRjcnReason")
    planned = dialect.books.planned(order.id)
    if reason:
        if planned.get(at):
            errors.business("Item is in a delivery and cannot be rejected.", "V1/492")
        others = [line for line in order.lines if line.line != at and not line.closed]
        if not others and not any(line.shipped for line in order.lines):
            dialect.core.cancel_order(order.id)
        else:
            dialect.core.close_lines(order.id, [at])
    elif "SalesDocumentRjcnReason" in fields and (order.cancelled or order.lines[at - 1].closed):
        not_covered("SalesDocumentRjcnReason", _ITEM)
    else:
        dialect.core.update_order(order.id)
    kept = strings(fields, "SalesDocumentRjcnReason", *_KEPT_OF_LINE)
    dialect.books.extras.lines.setdefault(f"{order.id}/{at}", {}).update(kept)


def delete(dialect: "S4HanaDialect", call: Call) -> Response:
    """Delete an order nothing was made from."""
    segment = parse_key(call.params["entity"], 2)
    if segment.name != "A_SalesOrder":
        errors.refuse(400, errors.NOT_IMPLEMENTED, f"Method 'DELETE' not implemented for '{segment.name}'")
    row = find(dialect.tables[_SERVICE.name]["A_SalesOrder"], segment.under(("SalesOrder",)))
    match_tag(call.request, row)
    unlocked(dialect, "Sales document", row["SalesOrder"])
    if dialect.books.drafts_of.get(row["SalesOrder"]):
        errors.business(*reversed(errors.RULES["has-dependents"]))
    dialect.core.delete_order(row["SalesOrder"])
    dialect.books.forget_order(row["SalesOrder"])
    return nothing()


def approval(name: str) -> Handler:
    """Release or reject an approval request: no order has one here, as no approval workflow is set up."""

    def handle(dialect: "S4HanaDialect", call: Call) -> Response:
        order = parameter(call, "SalesOrder")
        find(dialect.tables[_SERVICE.name]["A_SalesOrder"], {"SalesOrder": order})
        errors.business(f"{name}: sales order {number(order)} is not in approval.", "APPROVAL_SD/012")

    return handle


def parameter(call: Call, name: str) -> str:
    """A parameter of a function import, quoted as OData says. Raises `Refused`."""
    text = call.request.query.get(name, "")
    if len(text) < 3 or text[0] != "'" or text[-1] != "'":
        errors.refuse(400, errors.GENERIC, f"Invalid function import parameter '{name}'", name)
    return text[1:-1].replace("''", "'")

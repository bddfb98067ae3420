"""Sales orders: entered with their lines, changed, deleted, and posted by shipAndInvoice."""

from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.roles.erp import Customer, OrderLine, SalesOrder
from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.business_central import entities, sources
from o2c_twin.mock_systems.vendors.business_central.bodies import Body, read_body
from o2c_twin.mock_systems.vendors.business_central.errors import (
    bad_request,
    dialog,
    field_refused,
    no_record,
    refuse,
    ruled,
)
from o2c_twin.mock_systems.vendors.business_central.serving import (
    CHANNEL,
    answer,
    body_of,
    check_etag,
    done,
    enter,
    line_answer,
    of_set,
)
from o2c_twin.mock_systems.vendors.business_central.shapes import comments_of
from o2c_twin.mock_systems.wire.message import Response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.business_central.dialect import BusinessCentralDialect

_KEPT = tuple(
    name
    for name, field in entities.ORDER.fields.items()
    if field.editable and (field.type in "tD" or name in ("sellToPostCode", "shipToPostCode", "salesperson"))
)


def customer_of(dialect: "BusinessCentralDialect", body: Body) -> Customer | None:
    """The customer a document names, by id or number; None when it names none. Raises `Refused`."""
    guid, number = body.guid("customerId"), body.text("customerNumber")
    found: Customer | None = None
    if guid is not None:
        found = sources.CUSTOMERS.find(dialect, guid)
        if found is None:
            dialog("The sell-to customer cannot be found.")
    if number is not None:
        by_number = dialect.index.customers_numbered(number)
        if not by_number:
            dialog("The sell-to customer cannot be found.")
        if found is not None and found.id != by_number[0].id:
            dialog("The sell-to customer values do not match to a specific Customer.")
        found = by_number[0]
    return found


def required_customer(dialect: "BusinessCentralDialect", body: Body) -> Customer:
    """The customer a new document is for. Raises `Refused`, also when the document names none."""
    customer = customer_of(dialect, body)
    if customer is None:
        dialog('A "customerNumber" or a "customerId" must be provided.')
    return customer


def check_currency(dialect: "BusinessCentralDialect", body: Body, customer: Customer) -> None:
    """Raise `Refused` for another currency than the customer's."""
    if body.text("currencyCode") not in (None, customer.currency):
        dialog('The "currencyCode" does not match to a Currency.')


def read_lines(
    dialect: "BusinessCentralDialect", rows: list[dict[str, Any]], entity: entities.EntityType
) -> list[Body]:
    """The lines of a deep insert. Raises `Refused`."""
    return [read_body(entity, row, dialect.oddities.code_fields_uppercase) for row in rows]


def line_of(dialect: "BusinessCentralDialect", row: Body) -> tuple[str, int, int] | str:
    """Item, quantity and price of a line; the text of a comment line. Raises `Refused`."""
    kind = row.fields.get("lineType")
    guid, number = row.guid("itemId"), row.text("lineObjectNumber")
    if kind == "Comment" or (kind is None and guid is None and number is None):
        return (row.text("description") or "").replace("\n", " ")
    if kind not in (None, "Item"):
        # Accounts, resources and charges are not modelled, and dropping them in silence would be a lie.
        field_refused("lineType", kind)
    item = None
    if guid is not None:
        item = sources.ITEMS.find(dialect, guid)
    elif number is not None:
        item = dialect.core.items_by_sku.get(number)
    if item is None or (number is not None and item.sku != number):
        dialog("Item does not exist.")
    quantity = row.whole("quantity")
    if quantity is None:
        quantity = 0
    price = row.money("unitPrice")
    price = item.price_minor if price is None else price
    if quantity <= 0:
        field_refused("quantity", quantity)
    if price < 0:
        field_refused("unitPrice", row.fields.get("unitPrice"))
    return item.id, quantity, price


def create_order(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST: a sales order, with its lines in it or without."""
    enter(dialect, call, "salesOrders")
    body = body_of(dialect, call, entities.ORDER)
    customer = required_customer(dialect, body)
    if dialect.state.kept.get(f"customer/{customer.id}", {}).get("blocked") == "Ship" or customer.inactive:
        word = "All" if customer.inactive else "Ship"
        dialog(f"You cannot create this type of document when Customer {customer.number} is blocked with type {word}")
    check_currency(dialect, body, customer)
    read = [line_of(dialect, row) for row in read_lines(dialect, body.parts.get("salesOrderLines", []), _LINE)]
    items = [line for line in read if not isinstance(line, str)]
    if not items:
        # An order that is entered head first has no lines yet; the core's orders always have some.
        bad_request("An order without an item line is not supported: send its salesOrderLines with it.")
    partial = body.flag("partialShipping")
    try:
        order = dialect.core.enter_order(
            customer.id,
            items,
            po_number=body.text("externalDocumentNumber"),
            memo="\n".join(line for line in read if isinstance(line, str)) or None,
            ship_complete=None if partial is None else not partial,
            channel=CHANNEL,
        )
    except RuleError as rule:
        ruled(rule)
    kept = body.kept(_KEPT)
    if kept:
        dialect.state.kept[f"order/{order.id}"] = kept
    if order.credit == "hold" and not dialect.oddities.credit_approval:
        dialect.core.release_credit(order.id)
    return answer(dialect, call, sources.ORDERS, order, 201)


_LINE = entities.ORDER_LINE


def update_order(dialect: "BusinessCentralDialect", call: Call, order: SalesOrder) -> Response:
    """PATCH: header texts; customer and currency stay."""
    check_etag(dialect, call, dialect.shapes.order(order, call.now), required=True)
    body = body_of(dialect, call, entities.ORDER)
    customer = customer_of(dialect, body)
    if customer is not None and customer.id != order.customer_id:
        dialog("You cannot change the customer of an order here.")
    check_currency(dialect, body, dialect.core.state.customers[order.customer_id])
    partial = body.flag("partialShipping")
    if partial is not None and partial == order.ship_complete:
        field_refused("partialShipping", partial)
    kept = body.kept(_KEPT)
    if kept:
        key = f"order/{order.id}"
        dialect.state.kept[key] = {**dialect.state.kept.get(key, {}), **kept}
    dialect.core.update_order(order.id, po_number=body.fields.get("externalDocumentNumber"))
    return answer(dialect, call, sources.ORDERS, order)


def delete_order(dialect: "BusinessCentralDialect", call: Call, order: SalesOrder) -> Response:
    """DELETE: while nothing has shipped."""
    check_etag(dialect, call, dialect.shapes.order(order, call.now))
    try:
        dialect.core.delete_order(order.id)
    except RuleError as rule:
        if rule.code == "has-dependents":
            dialog("You cannot delete the order line because it is associated with a shipment.")
        ruled(rule)
    dialect.state.kept.pop(f"order/{order.id}", None)
    return done()


# --- lines ---------------------------------------------------------------------------------------


def add_line(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST of a line: comments only; item lines come with the order."""
    order: SalesOrder = of_set(dialect, call, "salesOrders")
    row = read_body(_LINE, call.body, dialect.oddities.code_fields_uppercase)
    text = line_of(dialect, row)
    if not isinstance(text, str):
        bad_request("Item lines cannot be added to an order here: send them with the order.")
    dialect.core.update_order(order.id, memo="\n".join([*comments_of(order.memo), text]))
    return line_answer(dialect, call, "salesOrderLines", list(dialect.shapes.order_lines(order))[-1], 201)


def update_line(dialect: "BusinessCentralDialect", call: Call, guid: str) -> Response:
    """PATCH of a line: the quantities the next posting shall ship and invoice."""
    order, line = _line(dialect, guid)
    shape = dialect.shapes.order_line(order, line, dialect.guids.of("order", order.id))
    check_etag(dialect, call, shape, required=True)
    body = body_of(dialect, call, _LINE)
    for name in body.fields:
        if name not in ("shipQuantity", "invoiceQuantity") and body.fields[name] != shape.get(name):
            # Quantity and price of a line that is entered are not modelled.
            field_refused(name, body.fields[name])
    ship, bill = dialect.shapes.to_post(order, line)
    asked = body.whole("shipQuantity")
    if asked is not None:
        outstanding = 0 if line.closed else line.quantity - line.shipped
        if asked < 0 or asked > outstanding:
            dialog(f"You cannot ship more than {outstanding} units.")
        # Whoever changes what is to be shipped has what is to be invoiced worked out anew.
        ship, bill = asked, line.shipped - line.billed + asked
    asked = body.whole("invoiceQuantity")
    if asked is not None:
        most = line.shipped - line.billed + ship
        if asked < 0 or asked > most:
            dialog(f"You cannot invoice more than {most} units.")
        bill = asked
    dialect.state.to_post.setdefault(order.id, {})[line.line] = (ship, bill)
    shape = dialect.shapes.order_line(order, line, dialect.guids.of("order", order.id))
    return line_answer(dialect, call, "salesOrderLines", shape, 200)


def read_line(dialect: "BusinessCentralDialect", call: Call, guid: str) -> Response:
    """GET of one line."""
    found = dialect.guids.read("orderline", guid)
    order = None if found is None else sources.order_of(dialect, found[0])
    if order is not None:
        for shape in dialect.shapes.order_lines(order):
            if shape["id"] == guid:
                return line_answer(dialect, call, "salesOrderLines", shape, 200)
    no_record()


def _line(dialect: "BusinessCentralDialect", guid: str) -> tuple[SalesOrder, OrderLine]:
    found = dialect.guids.read("orderline", guid)
    order = None if found is None else sources.order_of(dialect, found[0])
    if order is None or found is None:
        no_record()
    for line in order.lines:
        if line.line == found[1]:
            return order, line
    no_record()


# --- posting -------------------------------------------------------------------------------------


def ship_and_invoice(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """shipAndInvoice: ship and bill what the lines say, all of it or nothing."""
    order: SalesOrder = of_set(dialect, call, "salesOrders")
    check_etag(dialect, call, dialect.shapes.order(order, call.now))
    ship: dict[int, int] = {}
    bill: dict[int, int] = {}
    for line in order.lines:
        shipping, billing = dialect.shapes.to_post(order, line)
        if shipping:
            if shipping > line.committed:
                sku = dialect.core.state.items[line.item_id].sku
                dialog(f"You have insufficient quantity of Item {sku} on inventory.")
            ship[line.line] = shipping
        if billing:
            bill[line.line] = billing
    if not ship and not bill:
        dialog("There is nothing to post.")
    if ship and order.credit in ("hold", "rejected"):
        dialog("The document must be approved and released before you can perform this action.")
    blocked = dialect.state.kept.get(f"customer/{order.customer_id}", {}).get("blocked", " ")
    if dialect.core.state.customers[order.customer_id].inactive or (blocked == "Ship" and ship) or blocked == "Invoice":
        refuse(
            400, "Application_DialogException", "You cannot post this type of document when the customer is blocked."
        )
    short = any(not line.closed and ship.get(line.line, 0) < line.quantity - line.shipped for line in order.lines)
    if order.ship_complete and ship and short:
        dialog("This order must be shipped complete: Shipping Advice is Complete.")
    try:
        if ship:
            dialect.core.deliver(order.id, ship)
        billable = {line.line: line.shipped - line.billed for line in order.lines}
        bill = {number: min(asked, billable[number]) for number, asked in bill.items() if billable[number]}
        if bill:
            dialect.core.invoice_order(order.id, bill, channel=CHANNEL)
    except RuleError as rule:
        ruled(rule)
    return done()

"""Sales orders and what is made from them: fulfillments and invoices."""

from typing import TYPE_CHECKING, NoReturn

from o2c_twin.mock_systems.roles.erp import Customer, OrderLine, SalesOrder
from o2c_twin.mock_systems.roles.erp.rules import shippable
from o2c_twin.mock_systems.vendors.netsuite.answers import written
from o2c_twin.mock_systems.vendors.netsuite.bodies import Body
from o2c_twin.mock_systems.vendors.netsuite.errors import NO_LINES, already_exists, missing, problem, user_error
from o2c_twin.mock_systems.vendors.netsuite.finding import (
    body_of,
    find_delivery,
    find_order,
    referenced_customer,
    referenced_item,
    replaces,
    upsert_key,
)
from o2c_twin.mock_systems.vendors.netsuite.record_types import FULFILLMENT, INVOICE, SALES_ORDER
from o2c_twin.mock_systems.vendors.netsuite.statuses import order_letter
from o2c_twin.mock_systems.wire.message import Refused, Response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.netsuite.dialect import NetSuiteDialect

CHANNEL = "api"
_FIRST_STATUSES = ("A", "B")


def create_order(dialect: "NetSuiteDialect", call: Call) -> Response:
    """POST: a new sales order; over the credit limit it waits for approval."""
    body = body_of(dialect, call, SALES_ORDER)
    return _create(dialect, call, body, body.text("externalId"))


def upsert_order(dialect: "NetSuiteDialect", call: Call) -> Response:
    """PUT by external id: create when there is none, else change header fields; lines are then left alone."""
    key = upsert_key(call)
    body = body_of(dialect, call, SALES_ORDER)
    known = dialect.core.by_external_id("order", key)
    if known is None:
        return _create(dialect, call, body, key)
    order = dialect.core.state.orders[known]
    dialect.core.update_order(known, memo=body.text("memo"), po_number=body.text("otherRefNum"))
    dialect.kept.take(known, body)
    return written(call.request, SALES_ORDER.name, order.id)


def _create(dialect: "NetSuiteDialect", call: Call, body: Body, external_id: str | None) -> Response:
    customer = referenced_customer(dialect, body, "entity")
    if customer is None:
        missing("Customer")
    status = body.reference("orderStatus")
    if status is not None and status.id not in _FIRST_STATUSES:
        body.refuse("orderStatus", status)
    check_currency(dialect, body, customer)
    rows = body.lines("item")
    if not rows:
        user_error(NO_LINES)
    entity = dialect.subsidiaries.of_transaction(body, customer)
    lines = [_new_line(dialect, row) for row in rows]
    for row in rows:
        dialect.subsidiaries.check_tax(row, entity)
    order = dialect.core.enter_order(
        customer.id,
        lines,
        external_id=external_id,
        po_number=body.text("otherRefNum"),
        memo=body.text("memo"),
        ship_complete=body.flag("shipComplete"),
        channel=CHANNEL,
        entity=entity,
    )
    dialect.kept.take(order.id, body, rows)
    return written(call.request, SALES_ORDER.name, order.id)


def check_currency(dialect: "NetSuiteDialect", body: Body, customer: Customer) -> None:
    """Raise `Refused` for another currency than the customer's: one with several is not modelled."""
    currency = body.reference("currency")
    if currency is not None:
        own = dialect.shapes.currency(customer.currency)
        if str(currency) not in (own.get("id"), own["refName"]):
            body.refuse("currency", currency)


def _new_line(dialect: "NetSuiteDialect", row: Body) -> tuple[str, int, int]:
    item = referenced_item(dialect, row)
    if item is None:
        missing("Item")
    quantity = row.whole("quantity")
    quantity = 1 if quantity is None else quantity
    price = row.money("rate")
    if price is None:
        amount = row.money("amount")
        if amount is None:
            price = item.price_minor
        else:
            price = amount // quantity if quantity > 0 else amount
            if price * quantity != amount and quantity > 0:
                row.refuse("amount")
    _check_location(dialect, row)
    return item.id, quantity, price


def _check_location(dialect: "NetSuiteDialect", row: Body) -> bool:
    """Whether the line names a location. Raises `Refused` for one the account does not have."""
    location = row.reference("location")
    if location is None:
        return False
    names = dialect.config.locations
    known = str(location) in names or (str(location).isdecimal() and 1 <= int(str(location)) <= len(names))
    if not known:
        row.refuse("location", location)
    return True


def update_order(dialect: "NetSuiteDialect", call: Call) -> Response:
    """PATCH: header texts, external id, approval or cancellation by ``orderStatus``, closing of lines."""
    order = find_order(dialect, call.params["id"])
    body = body_of(dialect, call, SALES_ORDER)
    external_id = body.text("externalId")
    if external_id is not None and dialect.core.by_external_id("order", external_id) not in (None, order.id):
        already_exists()
    memo, reference = body.text("memo"), body.text("otherRefNum")
    status = _wanted_status(body, order)
    closing = _lines_to_close(dialect, body, order)
    if closing and (status == "C" or order.cancelled):
        user_error("A cancelled transaction can no longer be changed.")
    core = dialect.core
    if memo is not None or reference is not None or not (external_id or status or closing):
        core.update_order(order.id, memo=memo, po_number=reference)
    if external_id is not None:
        core.set_external_id("order", order.id, external_id)
    if status == "B":
        core.release_credit(order.id)
    elif status == "C":
        core.cancel_order(order.id)
    if closing:
        core.close_lines(order.id, closing)
    dialect.kept.take(order.id, body)
    return written(call.request, SALES_ORDER.name, order.id)


def _wanted_status(body: Body, order: SalesOrder) -> str | None:
    """The status to move to: B approves an order that waits, C cancels one that has not shipped."""
    reference = body.reference("orderStatus")
    now = order_letter(order)
    if reference is None or reference.id == now:
        return None
    if (reference.id == "B" and order.credit == "hold") or (reference.id == "C" and now in ("A", "B")):
        return reference.id
    body.refuse("orderStatus", reference)


def _lines_to_close(dialect: "NetSuiteDialect", body: Body, order: SalesOrder) -> list[int]:
    by_number = {line.line: line for line in order.lines}
    closing = []
    for row in body.lines("item") or ():
        line = by_number.get(row.whole("line") or row.whole("orderLine") or 0)
        if line is None:
            row.refuse("line", row.fields.get("line", "none"))
        item = referenced_item(dialect, row)
        if item is not None and item.id != line.item_id:
            row.refuse("item")
        for name, given, kept in (
            ("quantity", row.whole("quantity"), line.quantity),
            ("rate", row.money("rate"), line.unit_price_minor),
        ):
            if given is not None and given != kept:
                # Not modelled, and dropping it in silence would be a lie: see facts.md.
                row.refuse(name)
        if row.flag("isClosed"):
            closing.append(line.line)
    return closing


def delete_order(dialect: "NetSuiteDialect", call: Call) -> Response:
    """DELETE: only when nothing was made from the order."""
    dialect.core.delete_order(find_order(dialect, call.params["id"]).id)
    return Response(204)


# --- transforms ----------------------------------------------------------------------------------


def fulfill(dialect: "NetSuiteDialect", call: Call) -> Response:
    """Transform into an item fulfillment: the goods leave. Lines not named ship what is committed."""
    refuse_preview(call)
    order = find_order(dialect, call.params["id"])
    body = body_of(dialect, call, FULFILLMENT)
    _refuse_known(dialect, "delivery", body.text("externalId"))
    if order_letter(order) not in ("B", "D", "E"):
        _not_to_initialize(FULFILLMENT.name, order)
    ship_status = body.reference("shipStatus")
    if ship_status is not None and ship_status.id != "C":
        body.refuse("shipStatus", ship_status)
    able = {line.line: quantity for line, quantity in shippable(order)}
    quantities = _quantities(dialect, call, body, order, able)
    if len(dialect.config.locations) > 1:
        _need_locations(dialect, body, quantities or able)
    delivery = dialect.core.deliver(order.id, quantities, external_id=body.text("externalId"), tracking=_tracking(body))
    return written(call.request, FULFILLMENT.name, delivery.id)


def bill(dialect: "NetSuiteDialect", call: Call) -> Response:
    """Transform into an invoice: of what is fulfilled and not yet billed. Lines not named are billed in full."""
    refuse_preview(call)
    order = find_order(dialect, call.params["id"])
    body = body_of(dialect, call, INVOICE)
    _refuse_known(dialect, "invoice", body.text("externalId"))
    if order_letter(order) in ("A", "C", "G", "H"):
        _not_to_initialize(INVOICE.name, order)
    able = {line.line: line.shipped - line.billed for line in order.lines if line.shipped > line.billed}
    quantities = _quantities(dialect, call, body, order, able)
    invoice = dialect.core.invoice_order(order.id, quantities, external_id=body.text("externalId"), channel=CHANNEL)
    return written(call.request, INVOICE.name, invoice.id)


def refuse_preview(call: Call) -> None:
    """Raise `Refused` for a transform that is only to be shown: not modelled, and it must not be executed instead."""
    if "create-form" in call.request.headers.get("accept", ""):
        raise Refused(problem(400, "INVALID_HEADER", "A preview of a transform is not supported.", header="Accept"))


def _refuse_known(dialect: "NetSuiteDialect", kind: str, external_id: str | None) -> None:
    # Before anything else, so that a repeated transform is told that it was done, not that nothing is left.
    if external_id is not None and dialect.core.by_external_id(kind, external_id) is not None:
        already_exists()


def _not_to_initialize(record_type: str, order: SalesOrder) -> NoReturn:
    user_error(f"You can not initialize {record_type.lower()}: invalid reference {order.id}.")


def _quantities(
    dialect: "NetSuiteDialect", call: Call, body: Body, order: SalesOrder, able: dict[int, int]
) -> dict[int, int] | None:
    """Quantity by line of a transform; None when the body leaves the lines to NetSuite."""
    rows = body.lines("item")
    if rows is None:
        return None
    quantities = {} if replaces(call, "item") else dict(able)
    for row in rows:
        line = _line_named(dialect, row, order)
        quantity = row.whole("quantity")
        if row.flag("itemReceive") is False:
            quantity = 0
        elif quantity is None:
            quantity = able.get(line.line, 0)
        if quantity or line.line in able:
            quantities[line.line] = quantity
    return quantities


def _line_named(dialect: "NetSuiteDialect", row: Body, order: SalesOrder) -> OrderLine:
    number = row.whole("orderLine") or row.whole("line")
    if number is not None:
        for line in order.lines:
            if line.line == number:
                return line
        row.refuse("orderLine", number)
    item = referenced_item(dialect, row)
    for line in order.lines:
        if item is not None and line.item_id == item.id:
            return line
    row.refuse("orderLine", "none")


def _need_locations(dialect: "NetSuiteDialect", body: Body, quantities: dict[int, int]) -> None:
    named = {}
    for row in body.lines("item") or ():
        number = row.whole("orderLine") or row.whole("line") or 0
        named[number] = _check_location(dialect, row)
    if not all(named.get(line) for line, quantity in quantities.items() if quantity):
        missing("Location")


def _tracking(body: Body) -> str | None:
    packages = body.lines("package") or []
    return next((text for row in packages if (text := row.text("packageTrackingNumber")) is not None), None)


def update_fulfillment(dialect: "NetSuiteDialect", call: Call) -> Response:
    """PATCH: tracking number (``package`` sublist) and external id."""
    delivery = find_delivery(dialect, call.params["id"])
    body = body_of(dialect, call, FULFILLMENT)
    tracking, external_id = _tracking(body), body.text("externalId")
    if external_id is not None and dialect.core.by_external_id("delivery", external_id) not in (None, delivery.id):
        already_exists()
    if tracking is not None:
        dialect.core.record_tracking(delivery.id, tracking)
    if external_id is not None:
        dialect.core.set_external_id("delivery", delivery.id, external_id)
    return written(call.request, FULFILLMENT.name, delivery.id)

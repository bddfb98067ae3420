"""Writes of API_OUTBOUND_DELIVERY_SRV: plan a delivery from order items, pick it, post its goods issue."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from o2c_twin.mock_systems.roles.erp.rules import may_ship, shippable
from o2c_twin.mock_systems.vendors.s4hana import errors, services
from o2c_twin.mock_systems.vendors.s4hana.operations_orders import parameter
from o2c_twin.mock_systems.vendors.s4hana.reading import created, find
from o2c_twin.mock_systems.vendors.s4hana.rows_orders import UNIT
from o2c_twin.mock_systems.vendors.s4hana.state import Draft, Fields
from o2c_twin.mock_systems.vendors.s4hana.tables import Row, item_number, number
from o2c_twin.mock_systems.vendors.s4hana.writing import match_tag, nothing, read_fields, required, unlocked
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.odata import Expand, ODataQuery, parse_key
from o2c_twin.mock_systems.wire.route import Call, Handler

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.s4hana.dialect import S4HanaDialect

_SERVICE = services.DELIVERIES
_HEADER, _ITEM = _SERVICE.entities["A_OutbDeliveryHeader"], _SERVICE.entities["A_OutbDeliveryItem"]
_WITH_ITEMS = ODataQuery(expand=(Expand("to_DeliveryDocumentItem", ODataQuery()),))


def create(dialect: "S4HanaDialect", call: Call) -> Response:
    """A delivery of order items, with confirmed quantities unless others are sent; all items of one order."""
    _, nested = read_fields(_HEADER, call.body)
    rows = nested.get("to_DeliveryDocumentItem", [])
    if not rows:
        errors.business(*reversed(errors.RULES["nothing-to-ship"]))
    references = [_reference(row) for row in rows]
    orders = list(dict.fromkeys(order for order, _, _ in references))
    if len(orders) > 1:
        errors.business("Items of several orders in one delivery are not covered.", errors.NOT_IMPLEMENTED)
    order = dialect.core.state.orders.get(orders[0])
    if order is None:
        errors.business(f"Sales document {orders[0][:20]} does not exist.", "VL/302", "ReferenceSDDocument")
    unlocked(dialect, "Sales document", order.id)
    may_ship(order)
    if dialect.books.extras.orders.get(order.id, {}).get("DeliveryBlockReason"):
        errors.business(f"Sales document {order.id} is blocked for delivery.", "VL/012", "DeliveryBlockReason")
    planned = dialect.books.planned(order.id)
    due = {line.line: quantity - planned.get(line.line, 0) for line, quantity in shippable(order)}
    quantities: dict[int, int] = {}
    for _, line, quantity in references:
        asked = due.get(line, 0) if quantity is None else quantity
        if asked <= 0:
            errors.business(*reversed(errors.RULES["nothing-to-ship"]))
        quantities[line] = quantities.get(line, 0) + asked
        if quantities[line] > due.get(line, 0):
            errors.business(*reversed(errors.RULES["over-delivery"]))
    if order.ship_complete and any(quantities.get(line) != whole for line, whole in due.items()):
        errors.business(*reversed(errors.RULES["ship-complete"]))
    id_ = dialect.core.reserve_id("delivery")
    draft = Draft(id_, order.id, order.customer_id, quantities, call.now, call.now, call.principal.user)
    dialect.books.plan(draft)
    # The order's delivery status has changed with it.
    dialect.core.update_order(order.id)
    table = dialect.tables[_SERVICE.name]["A_OutbDeliveryHeader"]
    return created(dialect, call.request, _SERVICE, table, find(table, {"DeliveryDocument": id_}), _WITH_ITEMS)


def _reference(row: Fields) -> tuple[str, int, int | None]:
    fields, _ = read_fields(_ITEM, row)
    required(fields, "ReferenceSDDocument", "ReferenceSDDocumentItem")
    if fields.get("DeliveryQuantityUnit") not in (None, "", UNIT):
        errors.business(f"Unit {fields['DeliveryQuantityUnit']} is not defined for the material.", "VL/360")
    quantity = fields.get("ActualDeliveryQuantity")
    if quantity is not None and (quantity != int(quantity) or quantity <= 0):
        errors.business("Enter a whole quantity greater than zero.", "VL/361", "ActualDeliveryQuantity")
    line, rest = divmod(item_number(fields["ReferenceSDDocumentItem"]), 10)
    if rest or line <= 0:
        errors.business(f"Item {fields['ReferenceSDDocumentItem'][:10]} does not exist.", "VL/303")
    return number(fields["ReferenceSDDocument"]), line, None if quantity is None else int(quantity)


def _row(dialect: "S4HanaDialect", id_: str) -> Row:
    return find(dialect.tables[_SERVICE.name]["A_OutbDeliveryHeader"], {"DeliveryDocument": id_})


def _messages(id_: str, kind: str) -> Response:
    row = {"CollectiveProcessing": "", "DeliveryDocument": id_, "DeliveryDocumentItem": "", "ScheduleLine": ""}
    row |= {"CollectiveProcessingMsgCounter": "", "CollectiveProcessingType": "", "SystemMessageIdentification": ""}
    row |= {"SystemMessageNumber": "", "SystemMessageType": ""}
    row |= {f"SystemMessageVariable{n}": "" for n in range(1, 5)}
    meta = {"type": f"{_SERVICE.name}.{kind}"}
    body = {"d": {"results": [{"__metadata": meta, **row}]}}
    return json_response(200, body, {"dataserviceversion": "2.0"}, errors.JSON)


def _action(work: "Callable[[S4HanaDialect, Draft, Call], None]", kind: str) -> Handler:
    def handle(dialect: "S4HanaDialect", call: Call) -> Response:
        id_ = number(parameter(call, "DeliveryDocument"))
        match_tag(call.request, _row(dialect, id_))
        unlocked(dialect, "Delivery", id_)
        draft = dialect.books.extras.drafts.get(id_)
        if draft is None:
            errors.business("Goods issue was posted before.", "VL/609", "DeliveryDocument")
        work(dialect, draft, call)
        return _messages(id_, kind)

    return handle


def _pick(dialect: "S4HanaDialect", draft: Draft, call: Call) -> None:
    draft.picked = True
    draft.modified_at = call.now


def _issue(dialect: "S4HanaDialect", draft: Draft, call: Call) -> None:
    if not draft.picked:
        errors.business("The delivery is not picked completely.", "VL/602")
    dialect.core.deliver(draft.order_id, draft.quantities, id_=draft.id)
    dialect.books.unplan(draft.id)
    own = {"CreatedAt": str(draft.created_at), "CreatedByUser": draft.created_by}
    dialect.books.extras.deliveries[draft.id] = own


pick = _action(_pick, "PickingReport")
"""Pick all items in full; the confirmation of picking is the same here."""
post_goods_issue = _action(_issue, "Return")
"""Post goods issue: credit and stock are looked at again."""


def delete(dialect: "S4HanaDialect", call: Call) -> Response:
    """Delete a delivery that has not left."""
    segment = parse_key(call.params["entity"], 2)
    if segment.name != "A_OutbDeliveryHeader":
        errors.refuse(400, errors.NOT_IMPLEMENTED, f"Method 'DELETE' not implemented for '{segment.name}'")
    row = find(dialect.tables[_SERVICE.name][segment.name], segment.under(("DeliveryDocument",)))
    match_tag(call.request, row)
    unlocked(dialect, "Delivery", row["DeliveryDocument"])
    if row["DeliveryDocument"] not in dialect.books.extras.drafts:
        errors.business("Goods issue was posted; the delivery cannot be deleted.", "VL/609")
    draft = dialect.books.unplan(row["DeliveryDocument"])
    dialect.core.update_order(draft.order_id)
    return nothing()

"""Sales invoices: drafts that are entered and posted, and posted ones that are cancelled."""

from typing import TYPE_CHECKING

from o2c_twin.mock_systems.roles.erp import Customer, Invoice
from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.business_central import entities, sources
from o2c_twin.mock_systems.vendors.business_central.bodies import Body, read_body
from o2c_twin.mock_systems.vendors.business_central.errors import bad_request, dialog, ruled
from o2c_twin.mock_systems.vendors.business_central.operations_orders import (
    check_currency,
    customer_of,
    line_of,
    read_lines,
    required_customer,
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
from o2c_twin.mock_systems.vendors.business_central.state import Draft, DraftLine, next_place
from o2c_twin.mock_systems.wire.message import Response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.business_central.dialect import BusinessCentralDialect

_LINE = entities.INVOICE_LINE
_DRAFT_ONLY = "The action can be applied to a draft invoice only."
_KEPT = tuple(
    name
    for name, field in entities.INVOICE.fields.items()
    if field.editable
    and (field.type in "tD" or name in ("externalDocumentNumber", "sellToPostCode", "shipToPostCode", "salesperson"))
)
_POSTED_KEPT = ("promisedPayDate", "disputeStatus")


def create_invoice(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST: a draft; it has a number of the drafts' series until it is posted."""
    enter(dialect, call, "salesInvoices")
    body = body_of(dialect, call, entities.INVOICE)
    customer = required_customer(dialect, body)
    check_currency(dialect, body, customer)
    if body.text("invoiceDate") or body.text("dueDate"):
        body.fields = {name: value for name, value in body.fields.items() if value != ""}
    rows = read_lines(dialect, body.parts.get("salesInvoiceLines", []), _LINE)
    lines = [_draft_line(dialect, row, n) for n, row in enumerate(rows, 1)]
    numbers = dialect.state.numbers
    id_ = str(numbers.next("draft"))
    number = str(numbers.next("draft number", 101_001))
    draft = Draft(id_, number, customer.id, call.now, call.now, lines, body.kept(_KEPT))
    dialect.state.drafts[id_] = draft
    dialect.pushes.touched("invoice", id_, "created", draft)
    return answer(dialect, call, sources.INVOICES, draft, 201)


def _draft_line(dialect: "BusinessCentralDialect", row: Body, place: int) -> DraftLine:
    read = line_of(dialect, row)
    if isinstance(read, str):
        return DraftLine(place * 10_000, None, 0, 0, read)
    return DraftLine(place * 10_000, *read)


def update_invoice(dialect: "BusinessCentralDialect", call: Call, invoice: Invoice | Draft) -> Response:
    """PATCH: header texts of a draft; of a posted one only what collecting its money needs."""
    check_etag(dialect, call, dialect.shapes.invoice(invoice, call.now), required=True)
    body = body_of(dialect, call, entities.INVOICE)
    if isinstance(invoice, Invoice):
        for name in body.fields:
            if name not in _POSTED_KEPT:
                bad_request(f"Control '{name}' is read-only.")
        key = f"invoice/{invoice.id}"
        dialect.state.kept[key] = {**dialect.state.kept.get(key, {}), **body.kept(_POSTED_KEPT)}
        invoice.modified_at = call.now
        return answer(dialect, call, sources.INVOICES, invoice)
    customer = customer_of(dialect, body)
    if customer is not None:
        check_currency(dialect, body, customer)
        invoice.customer_id = customer.id
    invoice.fields.update(body.kept(_KEPT))
    _touch(dialect, invoice, call.now)
    return answer(dialect, call, sources.INVOICES, invoice)


def _touch(dialect: "BusinessCentralDialect", draft: Draft, now: int) -> None:
    draft.modified_at = now
    dialect.pushes.touched("invoice", draft.id, "updated", draft)


def delete_invoice(dialect: "BusinessCentralDialect", call: Call, invoice: Invoice | Draft) -> Response:
    """DELETE: drafts only."""
    check_etag(dialect, call, dialect.shapes.invoice(invoice, call.now))
    if isinstance(invoice, Invoice):
        dialog(_DRAFT_ONLY)
    del dialect.state.drafts[invoice.id]
    dialect.pushes.touched("invoice", invoice.id, "deleted", invoice)
    return done()


def add_line(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST of a line to a draft."""
    draft = of_set(dialect, call, "salesInvoices")
    if not isinstance(draft, Draft):
        dialog(_DRAFT_ONLY)
    row = read_body(_LINE, call.body, dialect.oddities.code_fields_uppercase)
    place = next_place(draft.lines)
    draft.lines.append(_draft_line(dialect, row, place))
    _touch(dialect, draft, call.now)
    return line_answer(dialect, call, "salesInvoiceLines", list(dialect.shapes.invoice_lines(draft))[-1], 201)


def post(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """post: the draft becomes a posted invoice with a number of its own; its GUID stays. Goods leave with it."""
    draft = of_set(dialect, call, "salesInvoices")
    if not isinstance(draft, Draft):
        dialog(_DRAFT_ONLY)
    check_etag(dialect, call, dialect.shapes.invoice(draft, call.now))
    _check_postable(dialect, draft)
    core = dialect.core
    items = [(line.item_id, line.quantity, line.price_minor) for line in draft.lines if line.item_id is not None]
    comments = [line.description or "" for line in draft.lines if line.item_id is None]
    try:
        dialect.behind_invoice = True
        order = core.enter_order(
            draft.customer_id,
            items,
            po_number=draft.fields.get("externalDocumentNumber"),
            memo="\n".join(comments) or None,
            ship_complete=False,
            channel=CHANNEL,
        )
        if order.credit == "hold":
            # An invoice of its own is not held: the limit warns people at the screen only.
            core.release_credit(order.id)
        core.deliver(order.id)
        invoice = core.invoice_order(order.id, channel=CHANNEL)
    except RuleError as rule:
        ruled(rule)
    finally:
        dialect.behind_invoice = False
    dialect.state.posted[draft.id] = invoice.id
    dialect.state.origin[invoice.id] = draft.id
    dialect.hidden[order.id] = None
    kept = {name: value for name, value in draft.fields.items() if name != "externalDocumentNumber"}
    if kept:
        dialect.state.kept[f"invoice/{invoice.id}"] = kept
    del dialect.state.drafts[draft.id]
    dialect.pushes.touched("invoice", invoice.id, "updated", invoice)
    return done()


def _check_postable(dialect: "BusinessCentralDialect", draft: Draft) -> None:
    """Raise `Refused` for what would stop the posting half way."""
    core = dialect.core
    customer: Customer = core.state.customers[draft.customer_id]
    if customer.inactive or dialect.state.kept.get(f"customer/{customer.id}", {}).get("blocked", " ") != " ":
        dialog(f"You cannot post this type of document when Customer {customer.number} is blocked.")
    wanted: dict[str, int] = {}
    for line in draft.lines:
        if line.item_id is not None:
            wanted[line.item_id] = wanted.get(line.item_id, 0) + line.quantity
    if not wanted:
        dialog("There is nothing to post.")
    for id_, quantity in wanted.items():
        item = core.state.items[id_]
        if item.on_hand - item.committed < quantity:
            dialog(f"You have insufficient quantity of Item {item.sku} on inventory.")


def cancel(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """cancel: a posted invoice nothing was paid on is credited in full, and its goods come back."""
    invoice = of_set(dialect, call, "salesInvoices")
    if isinstance(invoice, Draft):
        dialog("The action can be applied to a posted invoice only.")
    check_etag(dialect, call, dialect.shapes.invoice(invoice, call.now))
    if (
        invoice.credited_minor
        or invoice.returned
        or invoice.open_minor != invoice.total_minor
        or not invoice.total_minor
    ):
        dialog("You cannot cancel this posted sales invoice because it is fully or partially paid or corrected.")
    dialect.state.cancelled[invoice.id] = None
    dialect.core.return_goods(invoice.id)
    dialect.core.issue_credit_memo(invoice.id, invoice.total_minor, "Cancellation")
    return done()

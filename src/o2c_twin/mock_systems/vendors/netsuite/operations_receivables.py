"""Invoices, credit memos and customer payments."""

from typing import TYPE_CHECKING

from o2c_twin.mock_systems.roles.erp import DISCOUNTS, WRITE_OFFS, Customer, Invoice, Payment
from o2c_twin.mock_systems.vendors.netsuite.answers import written
from o2c_twin.mock_systems.vendors.netsuite.bodies import Body
from o2c_twin.mock_systems.vendors.netsuite.errors import already_exists, missing, refuse, user_error
from o2c_twin.mock_systems.vendors.netsuite.finding import (
    body_of,
    find_invoice,
    find_payment,
    referenced_customer,
    referenced_invoice,
    replaces,
    upsert_key,
)
from o2c_twin.mock_systems.vendors.netsuite.operations_orders import CHANNEL, check_currency, refuse_preview
from o2c_twin.mock_systems.vendors.netsuite.record_types import (
    CREDIT_MEMO,
    DISCOUNT_ITEM_ID,
    INVOICE,
    PAYMENT,
    WRITE_OFF_ITEM_ID,
)
from o2c_twin.mock_systems.wire.message import Response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.netsuite.dialect import NetSuiteDialect


def update_invoice(dialect: "NetSuiteDialect", call: Call) -> Response:
    """PATCH, or PUT by the external id of an invoice that is there: order reference and external id."""
    token = call.params["id"]
    if call.request.method == "PUT":
        key = upsert_key(call)
        if dialect.core.by_external_id("invoice", key) is None:
            # Invoices come from orders here; one without an order is not modelled: see facts.md.
            missing("Created From")
    invoice = find_invoice(dialect, token)
    body = body_of(dialect, call, INVOICE)
    reference, external_id = body.text("otherRefNum"), body.text("externalId")
    if external_id is not None and dialect.core.by_external_id("invoice", external_id) not in (None, invoice.id):
        already_exists()
    if reference is not None:
        dialect.core.set_invoice_po(invoice.id, reference)
    if external_id is not None:
        dialect.core.set_external_id("invoice", invoice.id, external_id)
    return written(call.request, INVOICE.name, invoice.id)


# --- credit memos --------------------------------------------------------------------------------


def credit_invoice(dialect: "NetSuiteDialect", call: Call) -> Response:
    """Transform an invoice into a credit memo: of the lines named, or of all that is left of it."""
    refuse_preview(call)
    invoice = find_invoice(dialect, call.params["id"])
    return _credit(dialect, call, body_of(dialect, call, CREDIT_MEMO), invoice)


def create_credit_memo(dialect: "NetSuiteDialect", call: Call) -> Response:
    """POST: a credit memo for the one invoice it is applied to."""
    body = body_of(dialect, call, CREDIT_MEMO)
    customer = referenced_customer(dialect, body, "entity")
    if customer is None:
        missing("Customer")
    invoice = referenced_invoice(dialect, body, "createdFrom")
    for row in body.lines("apply") or ():
        named = _document(dialect, row)
        if invoice is not None and named.id != invoice.id:
            # One credit against several invoices is not modelled: see facts.md.
            row.refuse("doc", named.id)
        invoice = named
    if invoice is None:
        missing("Created From")
    if invoice.customer_id != customer.id:
        body.refuse("entity")
    return _credit(dialect, call, body, invoice)


def _credit(dialect: "NetSuiteDialect", call: Call, body: Body, invoice: Invoice) -> Response:
    external_id = body.text("externalId")
    if external_id is not None and dialect.core.by_external_id("credit_memo", external_id) is not None:
        already_exists()
    rows = body.lines("item")
    account = "revenue"
    if rows is None:
        amount = invoice.total_minor - invoice.credited_minor
        if amount == 0:
            user_error(f"You can not initialize creditmemo: invalid reference {invoice.id}.")
    elif charges := [(row, charged) for row in rows if (charged := _charged_against(dialect, row)) is not None]:
        account = charges[0][1]
        if len(charges) < len(rows) or any(charged != account for _, charged in charges):
            # One posting of the core is booked against one account: see facts.md.
            charges[0][0].refuse("item")
        amount = sum(_charge(row) for row in rows)
    else:
        amount = sum(_line_credit(row, invoice) for row in rows)
    reason = body.text("memo") or f"Credit for invoice {invoice.number}"
    memo = dialect.core.issue_credit_memo(invoice.id, amount, reason, external_id=external_id, account=account)
    return written(call.request, CREDIT_MEMO.name, memo.id)


def _charged_against(dialect: "NetSuiteDialect", row: Body) -> str | None:
    """The account of the other charge item a line names; None for goods."""
    item, config = row.reference("item"), dialect.config
    if item is None:
        return None
    for id_, name, account in (
        (WRITE_OFF_ITEM_ID, config.write_off_item, WRITE_OFFS),
        (DISCOUNT_ITEM_ID, config.discount_item, DISCOUNTS),
    ):
        if item.id == id_ or (item.id is None and item.name == name):
            return account
    return None


def _charge(row: Body) -> int:
    """Minor units of a line of a charge: its amount, or its rate times its quantity, which is one if it is not said."""
    amount, rate, quantity = row.money("amount"), row.money("rate"), row.whole("quantity")
    if amount is not None:
        return amount
    if rate is None:
        row.refuse("rate", "none")
    return rate * (1 if quantity is None else quantity)


def _line_credit(row: Body, invoice: Invoice) -> int:
    """Minor units to credit for one line: its amount, or quantity times the rate given or billed."""
    amount = row.money("amount")
    if amount is not None:
        return amount
    number = row.whole("orderLine") or row.whole("line")
    item = row.reference("item")
    for line in invoice.lines:
        if line.line == number or (number is None and item is not None and line.item_id == item.id):
            quantity, rate = row.whole("quantity"), row.money("rate")
            count = line.quantity if quantity is None else quantity
            return count * (line.unit_price_minor if rate is None else rate)
    row.refuse("orderLine", number if number is not None else "none")


# --- customer payments ---------------------------------------------------------------------------


def create_payment(dialect: "NetSuiteDialect", call: Call) -> Response:
    """POST: a receipt, applied as its ``apply`` sublist says; the rest stays on account."""
    body = body_of(dialect, call, PAYMENT)
    return _receive(dialect, call, body, body.text("externalId"), None)


def upsert_payment(dialect: "NetSuiteDialect", call: Call) -> Response:
    """PUT by external id: create when there is none; a payment that is there is left as it is."""
    key = upsert_key(call)
    body = body_of(dialect, call, PAYMENT)
    known = dialect.core.by_external_id("payment", key)
    if known is None:
        return _receive(dialect, call, body, key, None)
    return written(call.request, PAYMENT.name, known)


def pay_invoice(dialect: "NetSuiteDialect", call: Call) -> Response:
    """Transform an invoice into a payment: of all it has open, or of the amount given."""
    refuse_preview(call)
    invoice = find_invoice(dialect, call.params["id"])
    body = body_of(dialect, call, PAYMENT)
    external_id = body.text("externalId")
    if external_id is not None and dialect.core.by_external_id("payment", external_id) is not None:
        already_exists()
    if not invoice.open_minor:
        user_error(f"You can not initialize customerpayment: invalid reference {invoice.id}.")
    return _receive(dialect, call, body, external_id, invoice)


def _receive(
    dialect: "NetSuiteDialect", call: Call, body: Body, external_id: str | None, source: Invoice | None
) -> Response:
    customer = referenced_customer(dialect, body, "customer")
    if source is not None:
        if customer is not None and customer.id != source.customer_id:
            body.refuse("customer")
        customer = dialect.core.state.customers[source.customer_id]
    if customer is None:
        missing("Customer")
    check_currency(dialect, body, customer)
    entity = dialect.subsidiaries.of_transaction(body, customer)
    amount = body.money("payment")
    rows = body.lines("apply")
    if rows is not None:
        applied = _applications(dialect, rows)
    elif source is not None:
        applied = {source.id: source.open_minor if amount is None else min(amount, source.open_minor)}
    else:
        applied = _oldest_first(dialect, customer, amount or 0) if body.flag("autoApply") else {}
    if amount is None:
        amount = sum(applied.values())
    payment = dialect.core.receive_payment(
        customer.id,
        amount,
        [(id_, part) for id_, part in applied.items() if part],
        external_id=external_id,
        reference=body.text("checkNum") or body.text("memo"),
        channel=CHANNEL,
        entity=entity,
    )
    return written(call.request, PAYMENT.name, payment.id)


def _document(dialect: "NetSuiteDialect", row: Body) -> Invoice:
    invoice = referenced_invoice(dialect, row, "doc")
    if invoice is None:
        row.refuse("doc", "none")
    return invoice


def _applications(dialect: "NetSuiteDialect", rows: list[Body]) -> dict[str, int]:
    """Minor units by invoice. Both shapes are read: ``apply`` and ``amount`` beside ``doc``, or inside it."""
    wanted: dict[str, int] = {}
    for row in rows:
        invoice = _document(dialect, row)
        if invoice.id in wanted:
            row.refuse("doc", invoice.id)
        amount, apply = _apply_values(row)
        if amount is not None and amount < 0:
            row.refuse("amount")
        wanted[invoice.id] = 0 if apply is False else invoice.open_minor if amount is None else amount
    return wanted


def _apply_values(row: Body) -> tuple[int | None, bool | None]:
    inner = row.fields.get("doc")
    nested = Body(inner, row.path("doc")) if isinstance(inner, dict) else row
    amount = row.money("amount") if row.has("amount") else nested.money("amount")
    apply = row.flag("apply") if row.has("apply") else nested.flag("apply")
    return amount, apply


def _oldest_first(dialect: "NetSuiteDialect", customer: Customer, available: int) -> dict[str, int]:
    applied = {}
    invoices = dialect.core.open_invoices.get(customer.id, {}).values()
    for invoice in sorted(invoices, key=lambda i: (i.due_at, int(i.id))):
        part = min(available, invoice.open_minor)
        if part:
            applied[invoice.id] = part
            available -= part
    return applied


def update_payment(dialect: "NetSuiteDialect", call: Call) -> Response:
    """PATCH: the ``apply`` sublist says how much each invoice it names has of the payment from now on."""
    payment = find_payment(dialect, call.params["id"])
    body = body_of(dialect, call, PAYMENT)
    external_id = body.text("externalId")
    if external_id is not None and dialect.core.by_external_id("payment", external_id) not in (None, payment.id):
        already_exists()
    amount = body.money("payment")
    if amount is not None and amount != payment.amount_minor:
        body.refuse("payment")
    more, less = _changes(dialect, call, body, payment)
    for id_, part in less:
        dialect.core.unapply_payment(payment.id, id_, part, channel=CHANNEL)
    if more:
        dialect.core.apply_payment(payment.id, more, channel=CHANNEL)
    if external_id is not None:
        dialect.core.set_external_id("payment", payment.id, external_id)
    return written(call.request, PAYMENT.name, payment.id)


def _changes(
    dialect: "NetSuiteDialect", call: Call, body: Body, payment: Payment
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """What to apply more and what to take back, by invoice; refused as a whole if the payment does not suffice."""
    now = dialect.index.applied_by(payment.id)
    more: list[tuple[str, int]] = []
    less: list[tuple[str, int]] = []
    rows = body.lines("apply") or []
    if replaces(call, "apply"):
        named = {_document(dialect, row).id for row in rows}
        less += [(id_, has) for id_, has in now.items() if id_ not in named]
    for row in rows:
        invoice = _document(dialect, row)
        amount, apply = _apply_values(row)
        has = now.get(invoice.id, 0)
        wanted = 0 if apply is False else has + invoice.open_minor if amount is None else amount
        if invoice.customer_id != payment.customer_id or wanted < 0 or wanted > has + invoice.open_minor:
            row.refuse("doc" if wanted >= 0 and invoice.customer_id != payment.customer_id else "amount", wanted)
        if any(invoice.id == id_ for id_, _ in (*more, *less)):
            row.refuse("doc", invoice.id)
        if wanted > has:
            more.append((invoice.id, wanted - has))
        elif wanted < has:
            less.append((invoice.id, has - wanted))
    if sum(part for _, part in more) > payment.unapplied_minor + sum(part for _, part in less):
        refuse(400, "USER_ERROR", "The amount to apply exceeds the amount of the payment.", path="apply")
    return more, less


def delete_invoice(dialect: "NetSuiteDialect", call: Call) -> Response:
    """DELETE: only when nothing was set against the invoice."""
    dialect.core.delete_invoice(find_invoice(dialect, call.params["id"]).id)
    return Response(204)


def delete_payment(dialect: "NetSuiteDialect", call: Call) -> Response:
    """DELETE: what the payment was applied to is open again."""
    dialect.core.delete_payment(find_payment(dialect, call.params["id"]).id)
    return Response(204)

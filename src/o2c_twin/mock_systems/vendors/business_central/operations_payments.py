"""Customer payments: lines of a payment journal, and the posting of the journal.

A payment journal has no post action in API v2.0; ``journals({id})/Microsoft.NAV.post`` takes the id of any batch, a
payment journal's too (source of the pages "APIV2 - Journals" and "APIV2 - Cust. Paym. Journals").
"""

from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.roles.erp import DISCOUNTS, Invoice
from o2c_twin.mock_systems.vendors.business_central import entities, sources
from o2c_twin.mock_systems.vendors.business_central.bodies import Body, read_body
from o2c_twin.mock_systems.vendors.business_central.errors import dialog, field_refused, no_record, same_key
from o2c_twin.mock_systems.vendors.business_central.serving import (
    CHANNEL,
    answer,
    body_of,
    check_etag,
    done,
    enter,
    of_set,
)
from o2c_twin.mock_systems.vendors.business_central.state import PaymentJournal, PaymentLine
from o2c_twin.mock_systems.vendors.business_central.values import NO_GUID, day_of
from o2c_twin.mock_systems.wire.message import Response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.business_central.dialect import BusinessCentralDialect


def create_journal(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST: a payment journal, with lines in it or without."""
    enter(dialect, call, "customerPaymentJournals")
    body = body_of(dialect, call, entities.PAYMENT_JOURNAL)
    code = body.text("code")
    if code is None:
        field_refused("code", "")
    if any(journal.code == code for journal in dialect.state.journals.values()):
        same_key("Gen. Journal Batch", code)
    account = _balancing(dialect, body.guid("balancingAccountId"))
    id_ = str(dialect.state.numbers.next("journal"))
    journal = PaymentJournal(id_, code, body.text("displayName") or code, call.now, account)
    rows = body.parts.get("customerPayments", [])
    dialect.state.journals[id_] = journal
    try:
        lines = _new_lines(dialect, call, journal, rows)
    except BaseException:
        del dialect.state.journals[id_]
        raise
    for line in lines:
        dialect.state.lines[line.id] = line
    return answer(dialect, call, sources.PAYMENT_JOURNALS, journal, 201)


def _balancing(dialect: "BusinessCentralDialect", guid: str | None) -> str:
    """The core's name of the account a journal balances on: the bank, where none is named."""
    if guid is None:
        return "bank"
    account = sources.G_L_ACCOUNTS.find(dialect, guid)
    if account is None:
        dialog('The "balancingAccountId" does not match to an Account.')
    return str(account)


def _new_lines(
    dialect: "BusinessCentralDialect", call: Call, journal: PaymentJournal, rows: list[dict[str, Any]]
) -> list[PaymentLine]:
    capitals = dialect.oddities.code_fields_uppercase
    bodies = [read_body(entities.PAYMENT, row, capitals) for row in rows]
    return [_new_line(dialect, call, journal, body, n) for n, body in enumerate(bodies)]


def delete_journal(dialect: "BusinessCentralDialect", call: Call, journal: PaymentJournal) -> Response:
    """DELETE: the batch with its lines."""
    check_etag(dialect, call, dialect.shapes.journal(journal, call.now))
    for id_ in [line.id for line in dialect.state.lines.values() if line.journal_id == journal.id]:
        del dialect.state.lines[id_]
    del dialect.state.journals[journal.id]
    return done()


def add_payment(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST of a line below its journal."""
    journal: PaymentJournal = of_set(dialect, call, "customerPaymentJournals")
    return _add(dialect, call, body_of(dialect, call, entities.PAYMENT), journal)


def create_payment(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST of a line that names its journal itself."""
    enter(dialect, call, "customerPayments")
    body = body_of(dialect, call, entities.PAYMENT)
    guid = body.guid("journalId")
    if guid is None:
        dialog("You must specify a journal batch ID or a journal ID to get a journal line.")
    journal = sources.PAYMENT_JOURNALS.find(dialect, guid)
    if journal is None:
        no_record()
    return _add(dialect, call, body, journal)


def _add(dialect: "BusinessCentralDialect", call: Call, body: Body, journal: PaymentJournal) -> Response:
    line = _new_line(dialect, call, journal, body, 0)
    dialect.state.lines[line.id] = line
    return answer(dialect, call, sources.PAYMENTS, line, 201)


def _new_line(
    dialect: "BusinessCentralDialect", call: Call, journal: PaymentJournal, body: Body, place: int
) -> PaymentLine:
    guid = body.guid("journalId")
    if guid is not None and dialect.guids.read("journal", guid) != (journal.id, 0):
        dialog("The Journal Id and Journal Display Name do not match.")
    amount = body.money("amount") or 0
    if amount > 0:
        dialog('The "amount" should be a negative number.')
    invoice = _applied(dialect, body)
    customer_id = _customer_id(dialect, body, invoice)
    taken = [line.line_number for line in dialect.state.lines.values() if line.journal_id == journal.id]
    number = body.whole("lineNumber") or max(taken, default=0) + 10_000 * (place + 1)
    if number in taken:
        same_key("Gen. Journal Line", str(number))
    numbers = dialect.state.numbers
    return PaymentLine(
        str(numbers.next("payment")),
        journal.id,
        number,
        customer_id,
        body.text("postingDate") or day_of(call.now),
        body.text("documentNumber") or f"G{numbers.next('payment document', 1001):05d}",
        body.text("externalDocumentNumber") or "",
        amount,
        None if invoice is None else invoice.id,
        body.text("description") or dialect.core.state.customers[customer_id].name,
        body.text("comment") or "",
        call.now,
    )


def _applied(dialect: "BusinessCentralDialect", body: Body) -> Invoice | None:
    guid, number = body.guid("appliesToInvoiceId"), body.text("appliesToInvoiceNumber")
    by_guid: Invoice | None = None
    if guid is not None:
        found = sources.invoice_of(dialect, guid)
        if not isinstance(found, Invoice):
            dialog('The "appliesToInvoiceId" should be the ID of an Open, Paid, Corrective, or Canceled Invoice.')
        by_guid = found
    if number is None:
        return by_guid
    by_number = dialect.core.state.invoices.get(dialect.core.by_number.get(number, ""))
    if by_number is None:
        dialog("The Applies To Invoice values do not match to the same Invoice.")
    if by_guid is not None and by_guid.id != by_number.id:
        dialog("The Applies To Invoice values do not match to the same Invoice.")
    return by_number


def _customer_id(dialect: "BusinessCentralDialect", body: Body, invoice: Invoice | None) -> str:
    guid, number = body.guid("customerId"), body.text("customerNumber")
    found = None
    if guid is not None:
        found = sources.CUSTOMERS.find(dialect, guid)
        if found is None:
            dialog('The "customerId" does not match to a Customer.')
    if number is not None:
        by_number = dialect.index.customers_numbered(number)
        if not by_number:
            dialog('The "customerNumber" does not match to a Customer.')
        if found is not None and found.id != by_number[0].id:
            dialog("The customer values do not match to a specific Customer.")
        found = by_number[0]
    if found is None:
        if invoice is None:
            dialog('The "customerNumber" does not match to a Customer.')
        return invoice.customer_id
    return str(found.id)


def update_payment(dialect: "BusinessCentralDialect", call: Call, line: PaymentLine) -> Response:
    """PATCH of a line that is not posted."""
    check_etag(dialect, call, dialect.shapes.payment(line, call.now), required=True)
    body = body_of(dialect, call, entities.PAYMENT)
    guid = body.guid("journalId")
    if guid is not None and dialect.guids.read("journal", guid) != (line.journal_id, 0):
        dialog("The Journal Id cannot be changed.")
    for name in ("lineNumber", "customerId", "customerNumber"):
        if name in body.fields and body.fields[name] != dialect.shapes.payment(line, call.now)[name]:
            field_refused(name, body.fields[name])
    amount = body.money("amount")
    if amount is not None and amount > 0:
        dialog('The "amount" should be a negative number.')
    cleared = body.fields.get("appliesToInvoiceId") == NO_GUID or body.fields.get("appliesToInvoiceNumber") == ""
    invoice = _applied(dialect, body)
    line.amount_minor = line.amount_minor if amount is None else amount
    line.applies_to = invoice.id if invoice is not None else None if cleared else line.applies_to
    line.posting_date = body.text("postingDate") or line.posting_date
    line.document_number = body.text("documentNumber") or line.document_number
    line.external_number = body.fields.get("externalDocumentNumber", line.external_number)
    line.description = body.fields.get("description", line.description)
    line.comment = body.fields.get("comment", line.comment)
    line.modified_at = call.now
    return answer(dialect, call, sources.PAYMENTS, line)


def delete_payment(dialect: "BusinessCentralDialect", call: Call, line: PaymentLine) -> Response:
    """DELETE of a line that is not posted."""
    check_etag(dialect, call, dialect.shapes.payment(line, call.now))
    del dialect.state.lines[line.id]
    return done()


def _discount(dialect: "BusinessCentralDialect", number: str, lines: list[PaymentLine]) -> None:
    """What a payment in time leaves open of an invoice is granted with its posting, where that is just the discount."""
    for line in lines:
        invoice = dialect.core.state.invoices[line.applies_to] if line.applies_to is not None else None
        if invoice is None or invoice.early is None or invoice.discount_until is None or not invoice.open_minor:
            continue
        before = invoice.open_minor - line.amount_minor
        granted = (before * invoice.early.share_bp + 5_000) // 10_000
        if invoice.open_minor == granted and line.posting_date <= day_of(invoice.discount_until):
            made = dialect.core.receive_payment(
                line.customer_id, granted, [(invoice.id, granted)], channel=CHANNEL, account=DISCOUNTS
            )
            dialect.note_document(made.number, number)


def post_journal(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """post: every line of the batch, whoever entered it, or none. Lines of one document are one payment."""
    journal: PaymentJournal = of_set(dialect, call, "journals")
    lines = sorted(
        (line for line in dialect.state.lines.values() if line.journal_id == journal.id), key=lambda x: x.line_number
    )
    if not lines:
        dialog("There is nothing to post.")
    documents: dict[tuple[str, str], list[PaymentLine]] = {}
    left: dict[str, int] = {}
    for line in lines:
        if not line.amount_minor:
            dialog(f"Amount must have a value in Gen. Journal Line: Line No.={line.line_number}.")
        if line.applies_to is not None:
            invoice = dialect.core.state.invoices[line.applies_to]
            if invoice.customer_id != line.customer_id:
                dialog(f"The invoice {invoice.number} belongs to another customer.")
            open_minor = left.setdefault(invoice.id, invoice.open_minor)
            if -line.amount_minor > open_minor:
                dialog(f"The amount to apply must not be larger than the remaining amount of {invoice.number}.")
            left[invoice.id] = open_minor + line.amount_minor
        documents.setdefault((line.document_number, line.customer_id), []).append(line)
    for (number, customer_id), part in documents.items():
        applied: dict[str, int] = {}
        for line in part:
            if line.applies_to is not None:
                applied[line.applies_to] = applied.get(line.applies_to, 0) - line.amount_minor
        payment = dialect.core.receive_payment(
            customer_id,
            -sum(line.amount_minor for line in part),
            list(applied.items()),
            reference=part[0].external_number or number,
            channel=CHANNEL,
            account=journal.account,
        )
        dialect.note_document(payment.number, number)
        if journal.account == "bank":
            _discount(dialect, number, part)
    for line in lines:
        del dialect.state.lines[line.id]
    journal.modified_at = call.now
    return done()

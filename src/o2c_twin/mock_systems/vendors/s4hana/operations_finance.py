"""Journal entries over SOAP: post a receipt (synchronous), clear it against invoices (asynchronous).

There is no single call that posts an incoming payment and clears what it pays. Source: SAP help, Journal Entry -
Post (Synchronous) and Journal Entry - Clearing (Asynchronous), communication scenario SAP_COM_0002; payloads and
confirmation as recorded in published projects.
"""

import re
from decimal import Decimal
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from o2c_twin.mock_systems.roles.erp import DISCOUNTS, WRITE_OFFS
from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.s4hana import errors
from o2c_twin.mock_systems.vendors.s4hana.rows_finance import billing_document
from o2c_twin.mock_systems.vendors.s4hana.soap import NAMESPACE, body_of, envelope, fault, said
from o2c_twin.mock_systems.vendors.s4hana.state import Receipt
from o2c_twin.mock_systems.vendors.s4hana.tables import number
from o2c_twin.mock_systems.vendors.s4hana.values import minor, moment
from o2c_twin.mock_systems.wire.message import Refused, Response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.s4hana.dialect import S4HanaDialect

POST_PATH = "/sap/bc/srt/scs_ext/sap/journalentrycreaterequestconfi"
CLEAR_PATH = "/sap/bc/srt/scs_ext/sap/journalentrybulkclearingreques"
_AMOUNT = re.compile(r"-?\d{1,15}(?:\.\d{1,5})?")
_AGAINST = {"DZ": "bank", "DA": WRITE_OFFS}
"""What the core books a customer's credit against, by document type."""
_LENGTHS = {"DocumentReferenceID": 16, "DocumentHeaderText": 25}
NO_DOCUMENT = "0000000000"


class Rejected(Exception):
    """The entry is not posted; ``code`` is message class and number."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


# --- post ------------------------------------------------------------------------------------------


def post(dialect: "S4HanaDialect", call: Call) -> Response:
    """Post journal entries; each succeeds or fails alone, and a failure is a 200 with a log."""
    message = body_of(call.request.body, "JournalEntryBulkCreateRequest")
    requests = message.findall("JournalEntryCreateRequest")
    if not requests:
        raise Refused(fault("no JournalEntryCreateRequest"))
    answers = []
    for request in requests:
        entry = request.find("JournalEntry")
        try:
            if entry is None:
                raise Rejected("RW/610", "JournalEntry is missing.")
            id_ = _receipt(dialect, call, entry)
            answers.append(_confirmed(dialect, request, id_, call.now))
        except Rejected as rejected:
            answers.append(_logged(request, NO_DOCUMENT, "", "0000", "3", rejected.code, rejected.text))
    content = f'<n0:JournalEntryBulkCreateConfirmation xmlns:n0="{NAMESPACE}"><MessageHeader><ReferenceID>'
    content += f"{escape(said(message, 'MessageHeader/ID'))}</ReferenceID></MessageHeader>{''.join(answers)}<Log/>"
    return envelope(content + "</n0:JournalEntryBulkCreateConfirmation>")


def _receipt(dialect: "S4HanaDialect", call: Call, entry: Element) -> str:
    for name, longest in _LENGTHS.items():
        if len(said(entry, name)) > longest:
            raise Rejected("RW/613", f"{name} is longer than {longest} characters.")
    company = said(entry, "CompanyCode")
    if company not in dialect.config.company_codes:
        raise Rejected("F5/165", f"Company code {company[:10]} is not defined.")
    account = _AGAINST.get(said(entry, "AccountingDocumentType"))
    if account is None or said(entry, "BusinessTransactionType") not in ("RFBU", ""):
        raise Rejected("RW/611", "Only customer payments (DZ) and customer documents (DA) of RFBU are covered.")
    for name in ("DocumentDate", "PostingDate"):
        if re.fullmatch(r"\d{4}-\d\d-\d\d", said(entry, name)) is None:
            raise Rejected("RW/612", f"{name} is not a date.")
    ledger, debtors = entry.findall("Item"), entry.findall("DebtorItem")
    if len(debtors) != 1 or not ledger or entry.findall("CreditorItem"):
        raise Rejected("RW/611", "One customer item against G/L items is covered.")
    if account == WRITE_OFFS and all(said(item, "GLAccount") == dialect.config.discount_account for item in ledger):
        account = DISCOUNTS
    paid = -_amount(dialect, debtors[0])
    if sum(_amount(dialect, item) for item in ledger) != paid:
        raise Rejected("F5/702", "Balance in transaction currency.")
    if paid <= 0:
        raise Rejected("F5/808", "A receipt credits the customer.")
    customer = number(said(debtors[0], "Debtor"))
    if customer not in dialect.core.state.customers:
        raise Rejected("F5/102", f"Customer {customer[:10]} is not defined in company code.")
    reference = said(entry, "DocumentReferenceID") or None
    try:
        payment = dialect.core.receive_payment(
            customer,
            paid,
            reference=reference,
            channel=call.principal.user,
            account=account,
            entity=company if dialect.config.units else None,
        )
    except RuleError as rule:
        raise Rejected(*errors.rule_text(rule)) from rule
    receipt = Receipt(reference or "", said(entry, "DocumentHeaderText"), call.principal.user)
    dialect.books.extras.receipts[payment.id] = receipt
    return payment.id


def _amount(dialect: "S4HanaDialect", item: Element, name: str = "AmountInTransactionCurrency") -> int:
    element = item.find(name)
    text = said(item, name)
    if element is None or _AMOUNT.fullmatch(text) is None:
        raise Rejected("RW/614", f"{name} is no amount.")
    if element.get("currencyCode") != dialect.config.currency:
        raise Rejected("F5/163", f"Currency {element.get('currencyCode')} is not covered.")
    try:
        return minor(Decimal(text))
    except ValueError:
        raise Rejected("RW/614", f"{name} has too many decimals.") from None


def _confirmed(dialect: "S4HanaDialect", request: Element, id_: str, now: int) -> str:
    year = str(moment(now).year)
    company = dialect.config.company_of(dialect.core.state.payments[id_].entity)
    text = f"Document posted successfully: BKPFF {id_}{company}{year} {dialect.config.system_id}"
    return _logged(request, id_, company, year, "1", "RW/605", text)


def _logged(request: Element, id_: str, company: str, year: str, severity: str, code: str, text: str) -> str:
    group, _, message_number = code.partition("/")
    return (
        "<JournalEntryCreateConfirmation><MessageHeader><ReferenceID>"
        f"{escape(said(request, 'MessageHeader/ID'))}</ReferenceID></MessageHeader><JournalEntryCreateConfirmation>"
        f"<AccountingDocument>{id_}</AccountingDocument><CompanyCode>{company}</CompanyCode>"
        f"<FiscalYear>{year}</FiscalYear></JournalEntryCreateConfirmation><Log><MaximumLogItemSeverityCode>{severity}"
        f"</MaximumLogItemSeverityCode><Item><TypeID>{message_number}({group})</TypeID><SeverityCode>{severity}"
        f"</SeverityCode><Note>{escape(text)}</Note></Item></Log></JournalEntryCreateConfirmation>"
    )


# --- clear -----------------------------------------------------------------------------------------


def clear(dialect: "S4HanaDialect", call: Call) -> Response:
    """Take a clearing message: 202 without a word on what comes of it; a known message id is dropped."""
    message = body_of(call.request.body, "JournalEntryBulkClearingRequest")
    trial = said(message, "MessageHeader/TestDataIndicator") == "true"
    messages = dialect.books.extras.messages
    for request in message.findall("JournalEntryClearingRequest"):
        id_ = said(request, "MessageHeader/ID")[:35]
        if id_ in messages:
            continue
        entry = request.find("JournalEntry")
        try:
            if entry is None:
                raise Rejected("F5/610", "JournalEntry is missing.")
            _clear(dialect, call, entry, trial)
            outcome = "cleared"
        except Rejected as rejected:
            outcome = f"{rejected.code} {rejected.text}"
        if id_:
            messages[id_] = outcome
    return Response(202, b"", {"Content-Type": "text/xml; charset=utf-8"})


def _clear(dialect: "S4HanaDialect", call: Call, entry: Element, trial: bool) -> None:
    core = dialect.core
    paid: list[tuple[str, int]] = []
    owed: list[tuple[str, int]] = []
    for item in entry.findall("APARItems"):
        document = number(said(item, "AccountingDocument"))
        if not (document.isascii() and document.isdecimal()) or said(item, "AccountType") != "D":
            raise Rejected("F5/117", "Only items of customers are covered.")
        part = None
        if item.find("PartialPaymentAmtInDspCrcy") is not None:
            part = abs(_amount(dialect, item, "PartialPaymentAmtInDspCrcy"))
        payment = core.state.payments.get(document)
        if payment is not None:
            paid.append((payment.id, payment.unapplied_minor if part is None else part))
            continue
        invoice = core.state.invoices.get(billing_document(document))
        if invoice is None:
            raise Rejected("F5/117", f"Item {document[:10]} is not an open customer item.")
        owed.append((invoice.id, invoice.open_minor if part is None else part))
    if len(paid) != 1 or not owed:
        raise Rejected("F5/060", "One receipt against invoices is covered.")
    if paid[0][1] != sum(amount for _, amount in owed):
        raise Rejected("F5/060", "The difference is too large for clearing.")
    if trial:
        return
    try:
        core.apply_payment(paid[0][0], owed, channel=call.principal.user)
    except RuleError as rule:
        raise Rejected(*errors.rule_text(rule)) from rule

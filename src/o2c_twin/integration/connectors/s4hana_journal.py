"""Journal entry messages: post a customer's receipt, clear it against invoices; and what came of the first.

Source: SAP help, Journal Entry - Post (Synchronous) and Journal Entry - Clearing (Asynchronous), SAP_COM_0002.
"""

from dataclasses import dataclass
from decimal import Decimal
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from o2c_twin.integration.connectors.amounts import to_decimal

POST_PATH = "/sap/bc/srt/scs_ext/sap/journalentrycreaterequestconfi"
CLEAR_PATH = "/sap/bc/srt/scs_ext/sap/journalentrybulkclearingreques"
_SPACE = "http://sap.com/xi/SAPSCORE/SFIN"
POST_ACTION = f"{_SPACE}/JournalEntryCreateRequestConfirmation_In/JournalEntryCreateRequestConfirmation_InRequest"
CLEAR_ACTION = f"{_SPACE}/JournalEntryBulkClearingRequest_In/JournalEntryBulkClearingRequest_InRequest"
_ENVELOPE = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sfin="' + _SPACE + '">'
    "<soapenv:Header/><soapenv:Body>{}</soapenv:Body></soapenv:Envelope>"
)
_NO_DOCUMENT = "0000000000"


@dataclass(frozen=True, slots=True)
class Document:
    """An item of the ledger: accounting document, fiscal year, item; ``part_minor`` when not in full."""

    number: str
    year: str
    item: str
    part_minor: int | None = None


class NotPosted(Exception):
    """The entry was refused; the log says why."""


def _amount(name: str, minor: int, currency: str) -> str:
    value = format(Decimal(to_decimal(minor, currency)), "f")
    return f"<{name} currencyCode={quoteattr(currency)}>{value}</{name}>"


def credit_of_customer(
    kind: str, company: str, customer: str, account: str, minor: int, currency: str, documented: str, posted_on: str,
    reference: str, text: str, told: str, created: str, user: str,
) -> str:  # fmt: skip
    """The message that credits a customer against a G/L account: a receipt (``DZ``), or a customer document (``DA``).

    Days are ISO, ``created`` is an instant; ``told`` is the text of the customer's item.
    """
    header = f"<MessageHeader><ID>{escape(text or reference)}</ID><CreationDateTime>{created}</CreationDateTime>"
    header += "</MessageHeader>"
    line = f"<DocumentItemText>{escape(told)}</DocumentItemText>" if told else ""
    return _ENVELOPE.format(
        f"<sfin:JournalEntryBulkCreateRequest>{header}<JournalEntryCreateRequest>{header}<JournalEntry>"
        "<OriginalReferenceDocumentType>BKPFF</OriginalReferenceDocumentType>"
        "<BusinessTransactionType>RFBU</BusinessTransactionType>"
        f"<AccountingDocumentType>{escape(kind)}</AccountingDocumentType>"
        f"<DocumentReferenceID>{escape(reference)}</DocumentReferenceID>"
        f"<DocumentHeaderText>{escape(text)}</DocumentHeaderText><CreatedByUser>{escape(user)}</CreatedByUser>"
        f"<CompanyCode>{escape(company)}</CompanyCode><DocumentDate>{documented}</DocumentDate>"
        f"<PostingDate>{posted_on}</PostingDate><Item><ReferenceDocumentItem>1</ReferenceDocumentItem>"
        f"<GLAccount>{escape(account)}</GLAccount>{_amount('AmountInTransactionCurrency', minor, currency)}"
        "<DebitCreditCode>S</DebitCreditCode></Item><DebtorItem><ReferenceDocumentItem>2</ReferenceDocumentItem>"
        f"<Debtor>{escape(customer)}</Debtor>{_amount('AmountInTransactionCurrency', -minor, currency)}"
        f"<DebitCreditCode>H</DebitCreditCode>{line}</DebtorItem></JournalEntry></JournalEntryCreateRequest>"
        "</sfin:JournalEntryBulkCreateRequest>"
    )


def posted(body: bytes) -> tuple[str, str]:
    """Number and fiscal year of the document a confirmation tells of.

    Raises `NotPosted` with the log's words, ValueError for what is no confirmation.
    """
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise ValueError("a confirmation has no document type")
    try:
        tree = ElementTree.fromstring(body)
    except ElementTree.ParseError as bad:
        raise ValueError(f"not XML: {bad}") from bad
    inner = next(iter(tree.iter("AccountingDocument")), None)
    if inner is None:
        raise ValueError("no JournalEntryCreateConfirmation")
    document = (inner.text or "").strip()
    if document in ("", _NO_DOCUMENT):
        raise NotPosted("; ".join([note.text or "" for note in tree.iter("Note")])[:300])
    year = next(iter(tree.iter("FiscalYear")), None)
    return document.lstrip("0"), "" if year is None else (year.text or "").strip()


def clearing(
    message: str, company: str, customer: str, payment: Document, invoices: list[Document], currency: str, day: str,
    created: str, user: str,
) -> str:  # fmt: skip
    """The message that clears a payment's item against invoices."""
    items = []
    for at, each in enumerate([payment, *invoices], 1):
        part = ""
        if each.part_minor is not None:
            part = _amount("PartialPaymentAmtInDspCrcy", each.part_minor, currency)
        items.append(
            f"<APARItems><ReferenceDocumentItem>{at}</ReferenceDocumentItem><CompanyCode>{escape(company)}</CompanyCode>"
            f"<AccountType>D</AccountType><APARAccount>{escape(customer)}</APARAccount>"
            f"<FiscalYear>{escape(each.year)}</FiscalYear><AccountingDocument>{escape(each.number)}</AccountingDocument>"
            f"<AccountingDocumentItem>{escape(each.item)}</AccountingDocumentItem>{part}</APARItems>"
        )
    stamp = f"<CreationDateTime>{created}</CreationDateTime>"
    return _ENVELOPE.format(
        f"<sfin:JournalEntryBulkClearingRequest><MessageHeader><ID>{escape(message)}</ID>{stamp}</MessageHeader>"
        f"<JournalEntryClearingRequest><MessageHeader><ID>{escape(message)}</ID>{stamp}</MessageHeader><JournalEntry>"
        f"<CompanyCode>{escape(company)}</CompanyCode><AccountingDocumentType>AB</AccountingDocumentType>"
        f"<DocumentDate>{day}</DocumentDate><PostingDate>{day}</PostingDate><CurrencyCode>{escape(currency)}</CurrencyCode>"
        f"<CreatedByUser>{escape(user)}</CreatedByUser>{''.join(items)}</JournalEntry></JournalEntryClearingRequest>"
        "</sfin:JournalEntryBulkClearingRequest>"
    )

"""Payment journals, ledger entries and credit memos as the API shows them, without their ETags."""

from o2c_twin.mock_systems.roles.erp import CreditMemo
from o2c_twin.mock_systems.vendors.business_central.shapes_masters import MasterShapes, Shape
from o2c_twin.mock_systems.vendors.business_central.state import PaymentJournal, PaymentLine
from o2c_twin.mock_systems.vendors.business_central.values import NO_GUID, day_of, instant_of, money

BALANCING_ACCOUNT = "10100"


class LedgerShapes(MasterShapes):
    """Writes what the ledger knows."""

    def invoice_id(self, id_: str) -> str:
        """The id of a posted invoice: that of the draft it was posted from, if any."""
        draft = self.state.origin.get(id_)
        return self._guids.of("invoice", id_) if draft is None else self._guids.of("draft", draft)

    def credit_memo(self, memo: CreditMemo, now: int) -> Shape:
        """A posted credit memo."""
        customer = self._core.state.customers[memo.customer_id]
        invoice = self._core.state.invoices[memo.invoice_id]
        day = day_of(memo.issued_at)
        return {
            "id": self._guids.of("creditmemo", memo.id),
            "number": memo.number,
            "externalDocumentNumber": invoice.po_number or "",
            "creditMemoDate": day,
            "postingDate": day,
            "dueDate": day,
            "customerId": self._guids.of("customer", customer.id),
            "customerNumber": customer.number,
            "customerName": customer.name,
            "currencyCode": memo.currency,
            "discountAmount": 0,
            "totalAmountExcludingTax": money(memo.amount_minor),
            "totalTaxAmount": 0,
            "totalAmountIncludingTax": money(memo.amount_minor),
            "invoiceId": self.invoice_id(invoice.id),
            "invoiceNumber": invoice.number,
            "customerReturnReasonId": NO_GUID,
            "status": "Open" if memo.unapplied_minor else "Paid",
            "lastModifiedDateTime": instant_of(memo.modified_at),
        }

    # --- journals --------------------------------------------------------------------------------

    def journal(self, journal: PaymentJournal, now: int) -> Shape:
        """A payment journal."""
        return {
            "id": self._guids.of("journal", journal.id),
            "code": journal.code,
            "displayName": journal.name,
            "lastModifiedDateTime": instant_of(journal.modified_at),
            "balancingAccountId": self._guids.of("account", "1"),
            "balancingAccountNumber": BALANCING_ACCOUNT,
        }

    def payment(self, line: PaymentLine, now: int) -> Shape:
        """A line of a payment journal."""
        customer = self._core.state.customers[line.customer_id]
        invoice = None if line.applies_to is None else self._core.state.invoices[line.applies_to]
        return {
            "id": self._guids.of("payment", line.id),
            "journalId": self._guids.of("journal", line.journal_id),
            "journalDisplayName": self.state.journals[line.journal_id].code,
            "lineNumber": line.line_number,
            "customerId": self._guids.of("customer", customer.id),
            "customerNumber": customer.number,
            "postingDate": line.posting_date,
            "documentNumber": line.document_number,
            "externalDocumentNumber": line.external_number,
            "amount": money(line.amount_minor),
            "appliesToInvoiceId": NO_GUID if invoice is None else self.invoice_id(invoice.id),
            "appliesToInvoiceNumber": "" if invoice is None else invoice.number,
            "description": line.description,
            "comment": line.comment,
            "lastModifiedDateTime": instant_of(line.modified_at),
        }

    def entry(self, position: int, now: int) -> Shape:
        """A general ledger entry: the core's posting of that number."""
        at, document, account, amount = self._core.state.postings[position]
        number, name = _ACCOUNTS.get(account, ("99999", account))
        shown = self.state.documents.get(document, document)
        return {
            "id": self._guids.of("entry", str(position + 1)),
            "entryNumber": position + 1,
            "postingDate": day_of(at),
            "documentNumber": shown,
            "documentType": _document_type(document),
            "accountId": self._guids.of("account", number),
            "accountNumber": number,
            "description": name,
            "debitAmount": money(max(amount, 0)),
            "creditAmount": money(max(-amount, 0)),
            "lastModifiedDateTime": instant_of(at),
        }


_ACCOUNTS = {
    "receivables": ("15110", "Customers, domestic"),
    "revenue": ("40100", "Sales of goods"),
    "bank": (BALANCING_ACCOUNT, "Checking account"),
    "unapplied cash": ("15120", "Customers, unapplied"),
    "inventory": ("14100", "Inventory"),
    "cost of sales": ("50100", "Cost of goods sold"),
    "payables": ("22100", "Vendors, domestic"),
    "equity": ("30100", "Capital"),
}
_TYPES = (("INV", "Invoice"), ("PYMT", "Payment"), ("CM", "Credit Memo"))


def _document_type(number: str) -> str:
    return next((name for prefix, name in _TYPES if number.startswith(prefix)), " ")

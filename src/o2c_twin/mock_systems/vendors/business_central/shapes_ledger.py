"""Payment journals, ledger entries and credit memos as the API shows them, without their ETags."""

from collections.abc import Iterator

from o2c_twin.mock_systems.roles.erp import DISCOUNTS, WRITE_OFFS, CreditMemo
from o2c_twin.mock_systems.vendors.business_central.shapes_masters import MasterShapes, Shape
from o2c_twin.mock_systems.vendors.business_central.state import CreditDraft, PaymentJournal, PaymentLine
from o2c_twin.mock_systems.vendors.business_central.values import NO_DAY, NO_GUID, day_of, instant_of, money

ACCOUNTS = {
    "bank": ("10100", "Checking account", "Assets"),
    "inventory": ("14100", "Inventory", "Assets"),
    "receivables": ("15110", "Customers, domestic", "Assets"),
    "unapplied cash": ("15120", "Customers, unapplied", "Assets"),
    "payables": ("22100", "Vendors, domestic", "Liabilities"),
    "equity": ("30100", "Capital", "Equity"),
    "revenue": ("40100", "Sales of goods", "Income"),
    "cost of sales": ("50100", "Cost of goods sold", "Cost of Goods Sold"),
    DISCOUNTS: ("40900", "Payment discounts granted", "Income"),
    WRITE_OFFS: ("67200", "Bank charges and write-offs", "Expense"),
}
"""The chart of accounts: number, name and category by the core's name of an account (all assumed)."""
ACCOUNT_OF = {number: account for account, (number, _, _) in ACCOUNTS.items()}
"""The core's name of an account, by number."""


class LedgerShapes(MasterShapes):
    """Writes what the ledger knows."""

    def invoice_id(self, id_: str) -> str:
        """The id of a posted invoice: that of the draft it was posted from, if any."""
        draft = self.state.origin.get(id_)
        return self._guids.of("invoice", id_) if draft is None else self._guids.of("draft", draft)

    def account(self, name: str, now: int) -> Shape:
        """A G/L account, by the core's name of it."""
        number, shown, category = ACCOUNTS[name]
        return {
            "id": self._guids.of("account", number),
            "number": number,
            "displayName": shown,
            "category": category,
            "subCategory": "",
            "blocked": False,
            "accountType": "Posting",
            "directPosting": name not in ("receivables", "unapplied cash", "payables", "inventory"),
            "netChange": money(self._core.trial_balance().get(name, 0)),
            "lastModifiedDateTime": instant_of(0),
        }

    # --- credit memos ----------------------------------------------------------------------------

    def credit_id(self, id_: str) -> str:
        """The id of a posted credit memo: that of the draft it was posted from, if any."""
        draft = self.state.credit_origin.get(id_)
        return self._guids.of("creditmemo", id_) if draft is None else self._guids.of("creditdraft", draft)

    def credit_memo(self, memo: CreditMemo | CreditDraft, now: int) -> Shape:
        """A credit memo, posted or draft."""
        invoice = self._core.state.invoices[memo.invoice_id]
        if isinstance(memo, CreditDraft):
            id_, external, at, status = (
                self._guids.of("creditdraft", memo.id),
                memo.external_number,
                memo.made_at,
                "Draft",
            )
            amount = sum(line.quantity * line.price_minor for line in memo.lines)
        else:
            id_, at, amount = self.credit_id(memo.id), memo.issued_at, memo.amount_minor
            external = self.state.kept.get(f"creditmemo/{memo.id}", {}).get("externalDocumentNumber", "")
            external = external or invoice.po_number or ""
            status = "Open" if memo.unapplied_minor else "Paid"
        customer = self._core.state.customers[memo.customer_id]
        day = day_of(at)
        return {
            "id": id_,
            "number": memo.number,
            "externalDocumentNumber": external,
            "creditMemoDate": day,
            "postingDate": day,
            "dueDate": day,
            "customerId": self._guids.of("customer", customer.id),
            "customerNumber": customer.number,
            "customerName": customer.name,
            "currencyCode": customer.currency,
            "discountAmount": 0,
            "totalAmountExcludingTax": money(amount),
            "totalTaxAmount": 0,
            "totalAmountIncludingTax": money(amount),
            "invoiceId": self.invoice_id(invoice.id),
            "invoiceNumber": invoice.number,
            "customerReturnReasonId": NO_GUID,
            "status": status,
            "lastModifiedDateTime": instant_of(memo.modified_at),
        }

    def credit_lines(self, memo: CreditMemo | CreditDraft) -> Iterator[Shape]:
        """The lines of a credit memo; a posted one shows its sum on the account it is booked against."""
        if isinstance(memo, CreditDraft):
            kind, document = "creditdraftline", self._guids.of("creditdraft", memo.id)
            rows = [(x.sequence, x.account, x.quantity, x.price_minor, x.description) for x in memo.lines]
        else:
            kind, document = "creditline", self.credit_id(memo.id)
            rows = [(10_000, ACCOUNTS[memo.account][0], 1, memo.amount_minor, memo.reason[:100])]
        for sequence, account, quantity, price, text in rows:
            yield {
                "id": self._guids.of(kind, memo.id, sequence // 10_000),
                "documentId": document,
                "sequence": sequence,
                "itemId": NO_GUID,
                "accountId": NO_GUID if account is None else self._guids.of("account", account),
                "lineType": "Comment" if account is None else "Account",
                "lineObjectNumber": account or "",
                "description": text,
                "unitOfMeasureCode": "",
                "quantity": quantity,
                "unitPrice": money(price),
                "discountAmount": 0,
                "discountPercent": 0,
                "amountExcludingTax": money(quantity * price),
                "taxCode": "",
                "taxPercent": 0,
                "totalTaxAmount": 0,
                "amountIncludingTax": money(quantity * price),
                "netAmount": money(quantity * price),
                "shipmentDate": NO_DAY,
            }

    # --- journals --------------------------------------------------------------------------------

    def journal(self, journal: PaymentJournal, now: int) -> Shape:
        """A payment journal."""
        number = ACCOUNTS[journal.account][0]
        return {
            "id": self._guids.of("journal", journal.id),
            "code": journal.code,
            "displayName": journal.name,
            "lastModifiedDateTime": instant_of(journal.modified_at),
            "balancingAccountId": self._guids.of("account", number),
            "balancingAccountNumber": number,
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
        number, name, _ = ACCOUNTS.get(account, ("99999", account, ""))
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


_TYPES = (("INV", "Invoice"), ("PYMT", "Payment"), ("CM", "Credit Memo"))


def _document_type(number: str) -> str:
    return next((name for prefix, name in _TYPES if number.startswith(prefix)), " ")

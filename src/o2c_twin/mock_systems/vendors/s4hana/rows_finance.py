"""Billing documents and the items of the receivables ledger, as rows.

A partial payment leaves the invoice open in full, beside an item of its own that refers to it; what is open of an
invoice is the sum of both. Source: SAP help, "Partial and Residual Payments".
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from o2c_twin.mock_systems.roles.erp import CreditMemo, Invoice, Payment
from o2c_twin.mock_systems.vendors.s4hana import services
from o2c_twin.mock_systems.vendors.s4hana.index import Index
from o2c_twin.mock_systems.vendors.s4hana.rows_orders import UNIT
from o2c_twin.mock_systems.vendors.s4hana.tables import (
    DIALOG_USER,
    ETAG,
    Company,
    Key,
    Row,
    Table,
    changed_since,
    filler,
    item_number,
    number,
    stamped,
    user_of,
    wanted,
)
from o2c_twin.mock_systems.vendors.s4hana.values import amount, clock, day, moment, terms_key
from o2c_twin.mock_systems.wire.odata import Predicate

_BILLING, _CUBE = services.BILLING.entities, services.OPEN_ITEMS.entities["A_OperationalAcctgDocItemCube"]
_FIRST_BILLING, _FIRST_ACCOUNTING = 90_000_000, 9_400_000_000
Billed = Invoice | CreditMemo


def accounting_document(billing_id: str) -> str:
    """The accounting document of a billing document."""
    return str(_FIRST_ACCOUNTING + int(billing_id) - _FIRST_BILLING)


def billing_document(accounting_id: str) -> str:
    """The billing document of an accounting document; not one's own when that was posted otherwise."""
    return str(int(accounting_id) - _FIRST_ACCOUNTING + _FIRST_BILLING)


class FinanceRows:
    """Rows of API_BILLING_DOCUMENT_SRV and API_OPLACCTGDOCITEMCUBE_SRV."""

    def __init__(self, company: Company, index: Index) -> None:
        self._core, self._config, self._books = company.core, company.config, company.books
        self._index = index
        self._fill = {name: filler(each) for name, each in (*_BILLING.items(), (_CUBE.name, _CUBE))}

    def tables(self) -> list[Table]:
        """All sets of the two services."""
        heads = {"to_Item": lambda row: self._items_of(row["BillingDocument"])}
        items = {"to_BillingDocument": lambda row: [self.document(self._find(row["BillingDocument"]))]}
        return [
            Table(_BILLING["A_BillingDocument"], self._one, self._scan, heads),
            Table(_BILLING["A_BillingDocumentItem"], self._one_item, self._scan_items, items),
            Table(_CUBE, self._one_posting, self._postings),
        ]

    # --- billing documents -----------------------------------------------------------------------

    def _find(self, id_: str) -> Billed | None:
        state = self._core.state
        return state.invoices.get(id_) or state.credit_memos.get(id_)

    def _one(self, key: Key) -> Row | None:
        found = self._find(number(key["BillingDocument"]))
        return None if found is None else self.document(found)

    def _documents(self, predicate: Predicate | None) -> Iterable[Billed]:
        core = self._core
        ids: Iterable[str] | None = wanted(predicate, "BillingDocument")
        if ids is None and (found := wanted(predicate, "DocumentReferenceID")) is not None:
            ids = [core.by_number[name] for name in found if name in core.by_number]
            ids = [*ids, *[memo.id for memo in core.state.credit_memos.values() if memo.number in found]]
        if ids is None and (found := wanted(predicate, "ReferenceSDDocument")) is not None:
            deliveries = [core.state.deliveries[id_] for id_ in found if id_ in core.state.deliveries]
            ids = [delivery.invoice_id for delivery in deliveries if delivery.invoice_id is not None]
            requests = self._books.extras.credit_requests
            asked = [requests[id_].memo_id for id_ in found if id_ in requests]
            ids = [*ids, *(id_ for id_ in asked if id_ is not None)]
            ids = [*ids, *(id_ for invoice in found for id_ in self._index.memos_on(invoice))]
        if ids is None and (found := wanted(predicate, "SalesDocument")) is not None:
            ids = [id_ for order in found for id_ in core.invoices_of.get(order, ())]
        if ids is None:
            changed = changed_since(core, "invoice", predicate, "LastChangeDateTime")
            if changed is not None:
                memos = changed_since(core, "credit_memo", predicate, "LastChangeDateTime")
                ids = [*changed, *(memos or ())]
        if ids is not None:
            return [each for id_ in ids if (each := self._find(id_)) is not None]
        return [*core.state.invoices.values(), *core.state.credit_memos.values()]

    def _scan(self, predicate: Predicate | None) -> Iterator[Row]:
        return map(self.document, self._documents(predicate))

    def document(self, found: Billed | None) -> Row:
        """A_BillingDocument: an invoice (F2), a credit memo (G2) or a cancellation (S1)."""
        if found is None:
            raise LookupError("no billing document")
        invoice = isinstance(found, Invoice)
        original = "" if isinstance(found, Invoice) else found.invoice_id
        cancels = bool(original) and self._books.extras.cancelled.get(original) == found.id
        total = found.total_minor if isinstance(found, Invoice) else found.amount_minor
        rest = found.open_minor if isinstance(found, Invoice) else found.unapplied_minor
        customer = self._core.state.customers.get(found.customer_id)
        config = self._config
        year = str(moment(found.issued_at).year)
        return self._fill["A_BillingDocument"](
            {
                "BillingDocument": found.id,
                "SDDocumentCategory": "M" if invoice else "N" if cancels else "O",
                "BillingDocumentCategory": "L",
                "BillingDocumentType": "F2" if invoice else "S1" if cancels else "G2",
                "CreationDate": day(found.issued_at),
                "CreationTime": clock(found.issued_at),
                "LastChangeDate": day(found.modified_at),
                "LastChangeDateTime": moment(found.modified_at),
                "SalesOrganization": config.sales_organization_of(found.entity),
                "DistributionChannel": config.distribution_channel,
                "Division": config.division,
                "BillingDocumentDate": day(found.issued_at),
                "BillingDocumentIsCancelled": found.id in self._books.extras.cancelled,
                "CancelledBillingDocument": original if cancels else "",
                "TotalNetAmount": amount(total),
                "TransactionCurrency": found.currency,
                "TaxAmount": amount(0),
                "TotalGrossAmount": amount(total),
                "PayerParty": found.customer_id,
                "SoldToParty": found.customer_id,
                "CustomerPaymentTerms": terms_key(customer.terms_days if customer else 30),
                "CompanyCode": config.company_of(found.entity),
                "FiscalYear": year,
                "AccountingDocument": accounting_document(found.id),
                "DocumentReferenceID": found.number,
                "PurchaseOrderByCustomer": (found.po_number or "") if isinstance(found, Invoice) else "",
                "OverallSDProcessStatus": "C",
                "OverallBillingStatus": "C",
                "AccountingPostingStatus": "C",
                "AccountingTransferStatus": "C",
                "InvoiceClearingStatus": "C" if rest == 0 else "A" if rest == total else "B",
                ETAG: stamped(found.modified_at),
            }
        )

    def _items_of(self, id_: str) -> list[Row]:
        found = self._find(id_)
        return [] if found is None else list(self._items(found))

    def _scan_items(self, predicate: Predicate | None) -> Iterator[Row]:
        return (row for found in self._documents(predicate) for row in self._items(found))

    def _one_item(self, key: Key) -> Row | None:
        at = item_number(key["BillingDocumentItem"])
        rows = self._items_of(number(key["BillingDocument"]))
        return next((row for row in rows if int(row["BillingDocumentItem"]) == at), None)

    def _items(self, found: Billed) -> Iterator[Row]:
        """Items of an invoice refer to the delivery they bill; a credit has one item, of its amount."""
        fill = self._fill["A_BillingDocumentItem"]
        common = {
            "BillingDocument": found.id,
            "CreationDate": day(found.issued_at),
            "TransactionCurrency": found.currency,
            "TaxAmount": amount(0),
            "Plant": self._config.plant,
            "BillingQuantityUnit": UNIT,
        }
        if isinstance(found, CreditMemo):
            invoice = self._core.state.invoices[found.invoice_id]
            request = self._books.extras.requested.get(found.id)
            yield fill(
                {
                    **common,
                    "BillingDocumentItem": "10",
                    "CreatedByUser": DIALOG_USER,
                    "BillingDocumentItemText": found.reason[:40],
                    "BillingQuantity": Decimal(1),
                    "NetAmount": amount(found.amount_minor),
                    "GrossAmount": amount(found.amount_minor),
                    "ReferenceSDDocument": request or invoice.id,
                    "ReferenceSDDocumentItem": "000010",
                    "ReferenceSDDocumentCategory": "K" if request else "M",
                    "SalesDocument": request or invoice.order_id,
                }
            )
            return
        for at, (line, item_id, quantity, price, delivery) in enumerate(self._billed_lines(found), 1):
            item = self._core.state.items[item_id]
            yield fill(
                {
                    **common,
                    "BillingDocumentItem": str(at * 10),
                    "CreatedByUser": user_of(found.channel),
                    "Material": item.sku,
                    "BillingDocumentItemText": item.name,
                    "BillingQuantity": Decimal(quantity),
                    "NetAmount": amount(quantity * price),
                    "GrossAmount": amount(quantity * price),
                    "ReferenceSDDocument": delivery or found.order_id,
                    "ReferenceSDDocumentItem": str(line * 10).zfill(6),
                    "ReferenceSDDocumentCategory": "J" if delivery else "C",
                    "SalesDocument": found.order_id,
                    "SalesDocumentItem": str(line * 10),
                    "SalesSDDocumentCategory": "C",
                }
            )

    def _billed_lines(self, invoice: Invoice) -> Iterator[tuple[int, str, int, int, str]]:
        if not invoice.delivery_ids:
            for line in invoice.lines:
                yield line.line, line.item_id, line.quantity, line.unit_price_minor, ""
            return
        for id_ in invoice.delivery_ids:
            for line in self._core.state.deliveries[id_].lines:
                yield line.line, line.item_id, line.quantity, line.unit_price_minor, id_

    # --- items of the ledger ---------------------------------------------------------------------

    def _one_posting(self, key: Key) -> Row | None:
        document = number(key["AccountingDocument"])
        if not (document.isascii() and document.isdecimal()):
            return None
        at = item_number(key["AccountingDocumentItem"])
        for row in self._of_document(document):
            same = int(row["AccountingDocumentItem"]) == at and row["FiscalYear"] == key["FiscalYear"]
            if same and row["CompanyCode"] == key["CompanyCode"]:
                return row
        return None

    def _of_document(self, document: str) -> Iterable[Row]:
        if not (document.isascii() and document.isdecimal()):
            return ()
        payment = self._core.state.payments.get(document)
        if payment is not None:
            return self.of_payment(payment)
        found = self._find(billing_document(document))
        if found is None:
            return ()
        return [self.of_invoice(found)] if isinstance(found, Invoice) else self.of_memo(found)

    def _postings(self, predicate: Predicate | None) -> Iterable[Row]:
        core = self._core
        documents = wanted(predicate, "AccountingDocument")
        if documents is None and (bills := wanted(predicate, "BillingDocument")) is not None and "" not in bills:
            documents = [accounting_document(id_) for id_ in bills if id_ in core.state.invoices]
        if documents is None and (names := wanted(predicate, "DocumentReferenceID")) is not None and "" not in names:
            documents = self._named(names)
        texts = wanted(predicate, "AccountingDocumentHeaderText")
        if documents is None and texts is not None and "" not in texts:
            receipts = self._books.extras.receipts
            documents = [id_ for id_, receipt in receipts.items() if receipt.header_text in texts]
        invoices = wanted(predicate, "InvoiceReference")
        if documents is None and invoices is not None and "" not in invoices:
            documents = [id_ for each in invoices for id_ in self._applied(each)]
        if documents is not None:
            return [row for id_ in dict.fromkeys(documents) for row in self._of_document(id_)]
        customers = wanted(predicate, "Customer")
        open_only = wanted(predicate, "ClearingAccountingDocument") == [""]
        if customers is not None:
            return [row for id_ in customers for row in self._of_customer(id_, open_only)]
        return [row for id_ in core.state.customers for row in self._of_customer(id_, open_only)]

    def _named(self, names: list[str]) -> list[str]:
        core = self._core
        found = [accounting_document(core.by_number[name]) for name in names if name in core.by_number]
        known = dict.fromkeys(names)
        found += [id_ for id_, receipt in self._books.extras.receipts.items() if receipt.reference in known]
        found += [core.payments_by_reference[name] for name in names if name in core.payments_by_reference]
        return found

    def _applied(self, accounting_id: str) -> list[str]:
        if not (accounting_id.isascii() and accounting_id.isdecimal()):
            return []
        sources = self._index.applied_to(billing_document(accounting_id))
        return [id_ if kind == "payment" else accounting_document(id_) for kind, id_ in sources]

    def _of_customer(self, id_: str, open_only: bool) -> Iterator[Row]:
        core = self._core
        if open_only:
            for invoice in core.open_invoices.get(id_, {}).values():
                yield self.of_invoice(invoice)
        else:
            for order_id in core.orders_of.get(id_, ()):
                for invoice_id in core.invoices_of.get(order_id, ()):
                    yield self.of_invoice(core.state.invoices[invoice_id])
        for payment_id in self._index.payments_of(id_):
            payment = core.state.payments[payment_id]
            yield from self.of_payment(payment)
        for memo_id in self._index.memos_of(id_):
            yield from self.of_memo(core.state.credit_memos[memo_id])

    def of_invoice(self, invoice: Invoice) -> Row:
        """The customer item of an invoice: cleared when nothing is open."""
        cleared = invoice.open_minor == 0
        clearing = ""
        if cleared:
            sources = self._index.applied_to(invoice.id)
            kind, last = sources[-1] if sources else ("invoice", invoice.id)
            clearing = last if kind == "payment" else accounting_document(last)
        return self._item(
            accounting_document(invoice.id),
            1,
            invoice,
            invoice.total_minor,
            {
                "AccountingDocumentType": "RV",
                "NetDueDate": day(invoice.due_at),
                "ClearingDate": day(invoice.modified_at) if cleared else None,
                "ClearingAccountingDocument": clearing,
                "BillingDocument": invoice.id,
                "DocumentReferenceID": invoice.number,
                "OriginalReferenceDocument": invoice.id,
                "DueCalculationBaseDate": day(invoice.issued_at),
                **self._early(invoice),
            },
        )

    def _early(self, invoice: Invoice) -> Row:
        if invoice.early is None:
            return {}
        share, days = Decimal(invoice.early.share_bp) / 100, Decimal(invoice.early.days)
        return {"CashDiscount1Percent": share, "CashDiscount1Days": days}

    def of_payment(self, payment: Payment) -> Iterator[Row]:
        """The customer items of a receipt: what is on account, then what was applied, invoice by invoice."""
        receipt = self._books.extras.receipts.get(payment.id)
        common = {
            "AccountingDocumentType": "DZ" if payment.account == "bank" else "DA",
            "DocumentReferenceID": payment.reference or "",
            "AccountingDocumentHeaderText": receipt.header_text if receipt else "",
        }
        yield from self._credits(("payment", payment.id), payment.id, payment, payment.unapplied_minor, common)

    def of_memo(self, memo: CreditMemo) -> Iterator[Row]:
        """The customer items of a credit memo, split as a receipt's are."""
        common = {
            "AccountingDocumentType": "RV",
            "BillingDocument": memo.id,
            "DocumentReferenceID": memo.number,
            "OriginalReferenceDocument": memo.id,
        }
        document = accounting_document(memo.id)
        yield from self._credits(("credit_memo", memo.id), document, memo, memo.unapplied_minor, common)

    def _credits(
        self, source: tuple[str, str], document: str, of: Payment | CreditMemo, rest: int, common: Row
    ) -> Iterator[Row]:
        if rest:
            yield self._item(document, 2, of, -rest, common)
        for at, (invoice_id, applied) in enumerate(self._index.applied_by(source).items(), 3):
            invoice = self._core.state.invoices[invoice_id]
            cleared = invoice.open_minor == 0
            refers = {
                "InvoiceReference": accounting_document(invoice_id),
                "InvoiceReferenceFiscalYear": str(moment(invoice.issued_at).year),
                "InvoiceItemReference": "1",
                "ClearingDate": day(invoice.modified_at) if cleared else None,
                "ClearingAccountingDocument": document if cleared else "",
            }
            yield self._item(document, at, of, -applied, {**common, **refers})

    def _item(self, document: str, at: int, of: Invoice | Payment | CreditMemo, minor: int, values: Row) -> Row:
        posted = of.received_at if isinstance(of, Payment) else of.issued_at
        customer = self._core.state.customers.get(of.customer_id)
        terms = terms_key(customer.terms_days) if customer and isinstance(of, Invoice) else ""
        return self._fill[_CUBE.name](
            {
                "CompanyCode": self._config.company_of(of.entity),
                "FiscalYear": str(moment(posted).year),
                "AccountingDocument": document,
                "AccountingDocumentItem": str(at),
                "FinancialAccountType": "D",
                "Customer": of.customer_id,
                "CustomerName": customer.name if customer else "",
                "PostingDate": day(posted),
                "DocumentDate": day(posted),
                "NetDueDate": day(posted),
                "PostingKey": "01" if minor > 0 else "11",
                "DebitCreditCode": "S" if minor > 0 else "H",
                "TransactionCurrency": of.currency,
                "AmountInTransactionCurrency": amount(minor),
                "PaymentTerms": terms,
                "GLAccount": "12100000",
                "IsCleared": bool(values.get("ClearingAccountingDocument")),
                **values,
            }
        )

"""The receivables ledger of S/4HANA: open items from the cube, receipts posted and cleared by journal entries.

A partial payment stands open beside the invoice it refers to; what is open of the invoice is the sum of both.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from o2c_twin.integration.connectors.amounts import to_decimal, to_minor
from o2c_twin.integration.connectors.early_payment import NOTHING_EARLY, early_payment
from o2c_twin.integration.connectors.instants import to_date, to_iso
from o2c_twin.integration.connectors.s4hana_journal import (
    CLEAR_ACTION,
    CLEAR_PATH,
    POST_ACTION,
    POST_PATH,
    Document,
    NotPosted,
    clearing,
    credit_of_customer,
    posted,
)
from o2c_twin.integration.connectors.s4hana_maps import S4HanaMaps
from o2c_twin.integration.connectors.s4hana_partners import Organisation
from o2c_twin.integration.connectors.s4hana_wire import ROOT, Session, any_of, fitted, instant, literal
from o2c_twin.integration.mappings.documents import Receipt
from o2c_twin.integration.mappings.spec import EACH
from o2c_twin.integration.model import Discount, OpenItem, WriteOff
from o2c_twin.integration.ports import Clock
from o2c_twin.integration.runtime.errors import CallFailed

_CUBE = f"{ROOT}/API_OPLACCTGDOCITEMCUBE_SRV/A_OperationalAcctgDocItemCube"
_OWN = ("FiscalYear", "AccountingDocument", "AccountingDocumentItem")
_ASKED = ("AmountInTransactionCurrency", "BillingDocument", "InvoiceReference", "Customer")
_TERMS = ("DueCalculationBaseDate", "CashDiscount1Percent", "CashDiscount1Days")
_KEYS = "AccountingDocument,FiscalYear,AccountingDocumentItem"
_MOST = 40  # conditions in one address


RECEIPT, WRITE_OFF = "DZ", "DA"
"""Types of the accounting documents that credit a customer: money received, what is no longer asked for."""


@dataclass(frozen=True, slots=True)
class _Credit:
    """What is posted to a customer's credit: ``clears`` is what it is set against, minor units by invoice."""

    operation: str
    kind: str
    company: str
    customer: str
    account: str
    minor: int
    documented: str
    posted_on: str
    reference: str
    clears: Mapping[str, int]
    told: str = ""


class _Open(NamedTuple):
    """The row of an open invoice, what is open of it, and where it stands."""

    row: dict[str, Any]
    minor: int
    document: Document


def company_clause(at: Organisation, maps: S4HanaMaps) -> str:
    """The beginning of a condition: the engine's company code; nothing where each deal says its own."""
    return "" if maps.entity == EACH else f"CompanyCode eq {literal(at.company_code)} and "


class Ledger:
    """Open items and receipts of one company code, or of all where each deal says its own.

    ``company_of`` gives, for an operation, the company code a customer buys from.
    """

    def __init__(
        self,
        session: Session,
        clock: Clock,
        currency: str,
        at: Organisation,
        maps: S4HanaMaps,
        company_of: Callable[[str, str], Awaitable[str]],
    ) -> None:
        self._session = session
        self._clock = clock
        self._currency = currency
        self._where = company_clause(at, maps)
        self._company_of = company_of
        self._bank_account = at.bank_account
        self._write_off_account = at.write_off_account
        self._discount_account = at.discount_account
        self._maps = maps
        self._given = maps.given(currency)
        terms = _TERMS if at.discount_account else ()
        self._fields = ",".join(dict.fromkeys((*_OWN, *maps.ledger_fields, *_ASKED, *terms)))

    async def _rows(self, operation: str, condition: str, open_only: bool = True) -> list[dict[str, Any]]:
        whole = f"{self._where}FinancialAccountType eq 'D' and {condition}"
        if open_only:
            whole += " and ClearingAccountingDocument eq ''"
        query = {"$filter": whole, "$select": self._fields, "$orderby": _KEYS}
        return await self._session.rows(operation, _CUBE, query)

    async def open_items(self, operation: str, condition: str) -> list[OpenItem]:
        """Open invoices that meet a condition."""
        found = await self._open(operation, condition)
        item, row_of, given = self._maps.ledger_item_to_open_item.run, self._maps.ledger_item_of, self._given
        with self._session.wire.reading(operation):
            rows = [row_of(each.row, to_decimal(each.minor, self._currency), self._early(each)) for each in found]
            return [item(row, given) for row in rows]

    def _early(self, found: _Open) -> Mapping[str, Any]:
        """What its terms grant who pays early: percentage and days stand on the item, from its baseline date on."""
        if not self._discount_account:
            return NOTHING_EARLY
        row = found.row
        base = to_date(instant(row["DueCalculationBaseDate"])) if row["DueCalculationBaseDate"] else ""
        percent, days = (row[name] if base else None for name in _TERMS[1:])
        return early_payment(found.minor, self._currency, percent, days, base)

    async def open_amount(self, operation: str, invoice: str) -> Decimal:
        """What is open of an invoice, in the currency of the books."""
        found = await self._invoices(operation, [invoice])
        return to_decimal(sum([each.minor for each in found]), self._currency)

    async def _invoices(self, operation: str, invoices: list[str]) -> list[_Open]:
        found = []
        for start in range(0, len(invoices), _MOST):
            found += await self._open(operation, any_of("BillingDocument", invoices[start : start + _MOST]))
        return found

    async def _open(self, operation: str, condition: str) -> list[_Open]:
        rows = await self._rows(operation, condition)
        with self._session.wire.reading(operation):
            invoices = [row for row in rows if row["BillingDocument"] and self._minor(row) > 0]
            documents = [row["AccountingDocument"] for row in invoices]
        paid: dict[str, int] = {}
        for start in range(0, len(documents), _MOST):
            named = any_of("InvoiceReference", documents[start : start + _MOST])
            for row in await self._rows(operation, named):
                with self._session.wire.reading(operation):
                    document = row["InvoiceReference"]
                    paid[document] = paid.get(document, 0) + self._minor(row)
        with self._session.wire.reading(operation):
            return [
                _Open(
                    row,
                    self._minor(row) + paid.get(row["AccountingDocument"], 0),
                    Document(row["AccountingDocument"], row["FiscalYear"], row["AccountingDocumentItem"]),
                )
                for row in invoices
            ]

    def _minor(self, row: dict[str, Any]) -> int:
        return to_minor(row["AmountInTransactionCurrency"], self._currency)

    # --- credits of a customer -------------------------------------------------------------------

    async def _posted(self, operation: str, text: str, kind: str) -> list[dict[str, Any]]:
        """The customer items of the document of that type with that header text."""
        condition = f"AccountingDocumentHeaderText eq {literal(text)} and AccountingDocumentType eq '{kind}'"
        return await self._rows(operation, condition, open_only=False)

    async def _posted_with(self, operation: str, key: str | None) -> bool:
        return key is not None and bool(await self._posted(operation, fitted(key, 25), WRITE_OFF))

    async def cleared(self, key: str, kind: str) -> str | None:
        """The document of a type made with that key, when nothing of it is open on the account."""
        rows = await self._posted("find", fitted(key, 25), kind)
        with self._session.wire.reading("find"):
            if not rows or any(not row["InvoiceReference"] for row in rows):
                return None
            return str(rows[0]["AccountingDocument"])

    async def receive(self, receipt: Receipt, key: str | None, correlation: str) -> str:
        """Post the receipt unless one has the key, and clear what of it is still on account.

        What it is worth was held against the currency of the books.
        """
        given = {**self._given, "today": to_date(self._clock.now())}
        entry = self._session.wire.body("put_payment", self._maps.receipt_to_journal_entry, receipt, given)
        clears: dict[str, int] = {}
        for each in entry.get("clears") or ():
            invoice = each["BillingDocument"]
            clears[invoice] = clears.get(invoice, 0) + to_minor(each["amount"], self._currency)
        credit = _Credit(
            "put_payment",
            RECEIPT,
            await self._company_of("put_payment", receipt.customer_id),
            entry["Debtor"],
            entry.get("GLAccount", self._bank_account),
            self._minor(entry),
            entry["DocumentDate"],
            entry["PostingDate"],
            entry.get("DocumentReferenceID", ""),
            clears,
        )
        return await self._credit(credit, key, correlation)

    async def write_off(self, what: WriteOff, key: str | None, correlation: str) -> str:
        """Post a write-off unless one has the key, and clear the invoice with what of it is still on account."""
        return await self._charge("write_off", self._write_off_account, what, key, correlation)

    async def grant_discount(self, what: Discount, key: str | None, correlation: str) -> str:
        """Post a cash discount in the same way: a customer document against the account of discounts.

        The clearing message could bring a discount along, but it is taken without a word on what becomes of it, and has
        no key a person could find it by (SAP help, Journal Entry - Clearing (Asynchronous)).
        """
        if not self._discount_account:
            detail = "no account is named to grant discounts against; set the option 'discount_account'"
            raise CallFailed(self._session.system, "grant_discount", "rejected", detail)
        open_minor = sum([each.minor for each in await self._invoices("grant_discount", [what.invoice_erp_id])])
        if open_minor < what.amount_minor and not await self._posted_with("grant_discount", key):
            # A person was first: posted all the same, it would stand on the customer's account.
            detail = f"{open_minor} is open of {what.invoice_erp_id}, less than the discount of {what.amount_minor}"
            raise CallFailed(self._session.system, "grant_discount", "rejected", detail)
        return await self._charge("grant_discount", self._discount_account, what, key, correlation)

    async def _charge(
        self, operation: str, account: str, what: WriteOff | Discount, key: str | None, correlation: str
    ) -> str:
        found = await self._rows(operation, any_of("BillingDocument", [what.invoice_erp_id]), open_only=False)
        if not found:
            raise CallFailed(self._session.system, operation, "missing", f"no invoice {what.invoice_erp_id}")
        with self._session.wire.reading(operation):
            customer = found[0]["Customer"]
        today, invoice = to_date(self._clock.now()), what.invoice_erp_id
        credit = _Credit(
            operation,
            WRITE_OFF,
            await self._company_of(operation, customer),
            customer,
            account,
            what.amount_minor,
            today,
            today,
            "",
            {invoice: what.amount_minor},
            what.reason[:50],
        )
        return await self._credit(credit, key, correlation)

    async def _credit(self, credit: _Credit, key: str | None, correlation: str) -> str:
        text = "" if key is None else fitted(key, 25)
        rows = await self._posted(credit.operation, text, credit.kind) if key is not None else []
        if rows:
            with self._session.wire.reading(credit.operation):
                document = str(rows[0]["AccountingDocument"])
                year = rows[0]["FiscalYear"]
                rest = sum([-self._minor(row) for row in rows if not row["InvoiceReference"]])
                done = any(row["InvoiceReference"] for row in rows)
        else:
            document, year = await self._post(credit, text, correlation)
            rest, done = credit.minor, False
        if not credit.clears or done or not rest:
            return document
        await self._clear(document, year, rest, credit, correlation)
        return document

    async def _post(self, credit: _Credit, text: str, correlation: str) -> tuple[str, str]:
        message = credit_of_customer(
            credit.kind,
            credit.company,
            credit.customer,
            credit.account,
            credit.minor,
            self._currency,
            credit.documented,
            credit.posted_on,
            fitted(credit.reference, 16),
            text,
            credit.told,
            to_iso(self._clock.now()),
            self._session.user,
        )
        answer = await self._session.soap(credit.operation, POST_PATH, message, POST_ACTION, correlation)
        try:
            return posted(answer.body)
        except NotPosted as refused:
            raise CallFailed(self._session.system, credit.operation, "rejected", str(refused)) from refused
        except ValueError as bad:
            detail = f"answer not understood: {bad}"
            raise CallFailed(self._session.system, credit.operation, "unknown-outcome", detail) from bad

    async def _clear(self, document: str, year: str, rest: int, credit: _Credit, correlation: str) -> None:
        amounts, total = dict(credit.clears), sum(credit.clears.values())
        invoices = []
        for row, open_minor, found in await self._invoices(credit.operation, list(amounts)):
            amount = amounts.pop(row["BillingDocument"])
            part = None if amount == open_minor else amount
            invoices.append(Document(found.number, found.year, found.item, part))
        if amounts:
            detail = f"posted as {document}, but not open any more: {', '.join(amounts)}"
            raise CallFailed(self._session.system, credit.operation, "rejected", detail)
        payment = Document(document, year, "2", None if total == rest else total)
        message = clearing(
            f"CLEAR-{document}",
            credit.company,
            credit.customer,
            payment,
            invoices,
            self._currency,
            to_date(self._clock.now()),
            to_iso(self._clock.now()),
            self._session.user,
        )
        await self._session.soap(credit.operation, CLEAR_PATH, message, CLEAR_ACTION, correlation)
        # The message is taken without a word on what becomes of it: the ledger tells.
        rows = await self._rows(credit.operation, f"AccountingDocument eq {literal(document)}", open_only=False)
        with self._session.wire.reading(credit.operation):
            if any(row["InvoiceReference"] for row in rows):
                return
        detail = f"posted as {document}, and not cleared yet"
        raise CallFailed(self._session.system, credit.operation, "unavailable", detail)

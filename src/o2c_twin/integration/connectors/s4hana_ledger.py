"""The receivables ledger of S/4HANA: open items from the cube, receipts posted and cleared by journal entries.

A partial payment stands open beside the invoice it refers to; what is open of the invoice is the sum of both.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, NamedTuple

from o2c_twin.integration.connectors.amounts import to_decimal, to_minor
from o2c_twin.integration.connectors.instants import to_date, to_iso
from o2c_twin.integration.connectors.s4hana_journal import (
    CLEAR_ACTION,
    CLEAR_PATH,
    POST_ACTION,
    POST_PATH,
    Document,
    NotPosted,
    clearing,
    posted,
    receipt,
)
from o2c_twin.integration.connectors.s4hana_maps import S4HanaMaps
from o2c_twin.integration.connectors.s4hana_partners import Organisation
from o2c_twin.integration.connectors.s4hana_wire import ROOT, Session, any_of, fitted, literal
from o2c_twin.integration.mappings.documents import Receipt
from o2c_twin.integration.mappings.spec import EACH
from o2c_twin.integration.model import OpenItem
from o2c_twin.integration.ports import Clock
from o2c_twin.integration.runtime.errors import CallFailed

_CUBE = f"{ROOT}/API_OPLACCTGDOCITEMCUBE_SRV/A_OperationalAcctgDocItemCube"
_OWN = ("FiscalYear", "AccountingDocument", "AccountingDocumentItem")
_ASKED = ("AmountInTransactionCurrency", "BillingDocument", "InvoiceReference")
_KEYS = "AccountingDocument,FiscalYear,AccountingDocumentItem"
_MOST = 40  # conditions in one address


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
        self._maps = maps
        self._given = maps.given(currency)
        self._fields = ",".join(dict.fromkeys((*_OWN, *maps.ledger_fields, *_ASKED)))

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
            return [item(row_of(each.row, to_decimal(each.minor, self._currency)), given) for each in found]

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

    # --- receipts --------------------------------------------------------------------------------

    async def _receipt(self, text: str) -> list[dict[str, Any]]:
        """The customer items of the receipt with that header text."""
        condition = f"AccountingDocumentHeaderText eq {literal(text)} and AccountingDocumentType eq 'DZ'"
        return await self._rows("put_payment", condition, open_only=False)

    async def cleared(self, key: str) -> str | None:
        """The receipt made with that key, when nothing of it is open on the account."""
        rows = await self._receipt(fitted(key, 25))
        with self._session.wire.reading("put_payment"):
            if not rows or any(not row["InvoiceReference"] for row in rows):
                return None
            return str(rows[0]["AccountingDocument"])

    async def receive(self, receipt: Receipt, key: str | None, correlation: str) -> str:
        """Post the receipt unless one has the key, and clear what of it is still on account.

        What it is worth was held against the currency of the books.
        """
        given = {**self._given, "today": to_date(self._clock.now())}
        entry = self._session.wire.body("put_payment", self._maps.receipt_to_journal_entry, receipt, given)
        text = "" if key is None else fitted(key, 25)
        rows = await self._receipt(text) if key is not None else []
        company = await self._company_of("put_payment", receipt.customer_id)
        if rows:
            with self._session.wire.reading("put_payment"):
                document = str(rows[0]["AccountingDocument"])
                year = rows[0]["FiscalYear"]
                rest = sum([-self._minor(row) for row in rows if not row["InvoiceReference"]])
                done = any(row["InvoiceReference"] for row in rows)
        else:
            document, year = await self._post(entry, text, correlation, company)
            rest, done = self._minor(entry), False
        if not entry.get("clears") or done or not rest:
            return document
        await self._clear(document, year, rest, entry, correlation, company)
        return document

    async def _post(self, entry: dict[str, Any], text: str, correlation: str, company: str) -> tuple[str, str]:
        message = receipt(
            company,
            entry["Debtor"],
            entry.get("GLAccount", self._bank_account),
            self._minor(entry),
            self._currency,
            entry["DocumentDate"],
            entry["PostingDate"],
            fitted(entry.get("DocumentReferenceID", ""), 16),
            text,
            to_iso(self._clock.now()),
            self._session.user,
        )
        answer = await self._session.soap("put_payment", POST_PATH, message, POST_ACTION, correlation)
        try:
            return posted(answer.body)
        except NotPosted as refused:
            raise CallFailed(self._session.system, "put_payment", "rejected", str(refused)) from refused
        except ValueError as bad:
            detail = f"answer not understood: {bad}"
            raise CallFailed(self._session.system, "put_payment", "unknown-outcome", detail) from bad

    async def _clear(
        self,
        document: str,
        year: str,
        rest: int,
        entry: dict[str, Any],
        correlation: str,
        company: str,
    ) -> None:
        amounts = {each["BillingDocument"]: to_minor(each["amount"], self._currency) for each in entry["clears"]}
        total = sum([to_minor(each["amount"], self._currency) for each in entry["clears"]])
        invoices = []
        for row, open_minor, found in await self._invoices("put_payment", list(amounts)):
            amount = amounts.pop(row["BillingDocument"])
            part = None if amount == open_minor else amount
            invoices.append(Document(found.number, found.year, found.item, part))
        if amounts:
            detail = f"posted as {document}, but not open any more: {', '.join(amounts)}"
            raise CallFailed(self._session.system, "put_payment", "rejected", detail)
        payment = Document(document, year, "2", None if total == rest else total)
        message = clearing(
            f"CLEAR-{document}",
            company,
            entry["Debtor"],
            payment,
            invoices,
            self._currency,
            to_date(self._clock.now()),
            to_iso(self._clock.now()),
            self._session.user,
        )
        await self._session.soap("put_payment", CLEAR_PATH, message, CLEAR_ACTION, correlation)
        # The message is taken without a word on what becomes of it: the ledger tells.
        rows = await self._rows("put_payment", f"AccountingDocument eq {literal(document)}", open_only=False)
        with self._session.wire.reading("put_payment"):
            if any(row["InvoiceReference"] for row in rows):
                return
        detail = f"posted as {document}, and not cleared yet"
        raise CallFailed(self._session.system, "put_payment", "unavailable", detail)

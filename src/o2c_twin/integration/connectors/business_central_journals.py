"""What a Business Central company posts by journal: receipts against the bank, write-offs and discounts against theirs.

API v2.0 lets only the lines of payment journals name the invoice they are applied to, and the journal's batch has the
account they balance on (pages "APIV2 - Customer Payments", "APIV2 - Cust. Paym. Journals"; lines of general journals
name none). So a write-off is a line of a payment journal that balances on a cost account instead of the bank, and a
discount one of a journal that balances on the account of payment discounts.
"""

from collections.abc import Iterable
from typing import Any

from o2c_twin.integration.connectors.amounts import to_decimal, to_minor
from o2c_twin.integration.connectors.business_central_client import BusinessCentralClient, code_of, literal
from o2c_twin.integration.model import Discount, WriteOff
from o2c_twin.integration.runtime.errors import CallFailed


class Journals:
    """The payment journals of one company, by code."""

    def __init__(self, client: BusinessCentralClient) -> None:
        self._client = client
        self._ids: dict[str, str] = {}

    async def post(self, operation: str, code: str, lines: Iterable[dict[str, Any]], correlation: str) -> None:
        """Enter lines and post their journal: in one transaction. Raises `CallFailed` when there is no such journal."""
        journal = await self._id_of(operation, code)
        url = f"customerPaymentJournals({journal})/customerPayments"
        requests: list[dict[str, Any]] = [{"method": "POST", "url": url, "body": line} for line in lines]
        requests.append({"method": "POST", "url": f"journals({journal})/Microsoft.NAV.post"})
        await self._client.together(operation, requests, correlation)

    async def posted(self, document: str) -> str | None:
        """The document, if the ledger has it."""
        query = {"$filter": f"documentNumber eq {literal(document)}", "$select": "entryNumber", "$top": "1"}
        return document if await self._client.rows("find", "generalLedgerEntries", query) else None

    async def charge(
        self, operation: str, code: str, what: WriteOff | Discount, key: str | None, correlation: str
    ) -> str:
        """Balance an amount an invoice has open on the account of the journal ``code``; gives the document.

        Gives "" for a discount of an invoice of which nothing is open any more: posting the payment has granted it.
        """
        path = f"salesInvoices({what.invoice_erp_id})"
        asked = "customerId" if isinstance(what, WriteOff) else "customerId,remainingAmount"
        invoice = await self._client.get(operation, path, {"$select": asked}, correlation)
        prefix = "write-off" if isinstance(what, WriteOff) else "discount"
        document = code_of(f"{prefix}:{what.invoice_erp_id}" if key is None else key)
        with self._client.wire.reading(operation):
            if isinstance(what, Discount) and to_minor(invoice["remainingAmount"], what.currency) == 0:
                return ""
            line = {
                "documentNumber": document,
                "customerId": invoice["customerId"],
                # A credit is negative here.
                "amount": -to_decimal(what.amount_minor, what.currency),
                "appliesToInvoiceId": what.invoice_erp_id,
                "description": what.reason[:100],
            }
        await self.post(operation, code, [line], correlation)
        return document

    async def _id_of(self, operation: str, code: str) -> str:
        if code not in self._ids:
            query = {"$filter": f"code eq {literal(code)}", "$select": "id"}
            rows = await self._client.rows("journal", "customerPaymentJournals", query)
            if not rows:
                detail = f"no payment journal {code}; make it, with the account it balances on, or name another"
                raise CallFailed(self._client.system, operation, "rejected", detail)
            with self._client.wire.reading("journal"):
                self._ids[code] = str(rows[0]["id"])
        return self._ids[code]

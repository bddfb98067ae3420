"""What takes a Business Central company's documents back: an order that is deleted, an invoice that is credited.

Wire facts: Microsoft Learn, "salesOrder", "salesInvoice" and "salesCreditMemo" resource types; API pages of APIV2. The
service cancels an invoice only while nothing was paid or credited of it; of another, what is left is credited by a
credit memo that is applied to it.
"""

from typing import Any

from o2c_twin.integration.connectors.amounts import to_decimal, to_minor
from o2c_twin.integration.connectors.business_central_client import BusinessCentralClient, Rows, code_of, literal
from o2c_twin.integration.runtime.errors import CallFailed

_CANCELED, _DRAFT = "Canceled", "Draft"
_REASON = "Credit of what is left"


class Corrections:
    """Corrections in one company. ``account`` is the G/L account a credit memo is booked against, by number;
    ``currency`` is that of the books."""

    def __init__(self, client: BusinessCentralClient, account: str, currency: str) -> None:
        self._client = client
        self._currency = currency
        self._reading = client.wire.reading
        self._account = account

    # --- orders ----------------------------------------------------------------------------------

    async def cancel_order(self, order_id: str, correlation: str) -> None:
        """Delete an order, which is how one is cancelled here; one that is gone stays so. Raises `CallFailed` when
        something of it has shipped, and when it is gone because it was invoiced."""
        path = f"salesOrders({order_id})"
        try:
            row = await self._client.get("cancel_order", path, {"$select": "id"}, correlation)
            with self._reading("cancel_order"):
                etag = row["@odata.etag"]
            await self._client.call("cancel_order", "DELETE", path, None, None, correlation, etag)
        except CallFailed as failure:
            if failure.cause != "missing":
                raise
            query = {"$filter": f"orderId eq {order_id}", "$select": "number"}
            if await self._client.rows("cancel_order", "salesInvoices", query, correlation):
                detail = f"order {order_id} is invoiced; credit its invoices"
                raise CallFailed(self._client.system, "cancel_order", "rejected", detail) from failure

    # --- invoices --------------------------------------------------------------------------------

    async def credit_invoice(self, invoice_id: str, key: str | None, correlation: str) -> str:
        """Credit all that is left of an invoice: cancel it, or credit the rest of one paid in part. Gives the credit
        memo's id; the key stands in its external document number."""
        invoice = await self._invoice(invoice_id, correlation)
        with self._reading("credit_invoice"):
            memos = await self._memos(f"invoiceNumber eq {literal(invoice['number'])}")
            if invoice["status"] == _CANCELED:
                return str(memos[-1]["id"])
            mark = "" if key is None else code_of(key, 35)
            known = next((memo for memo in memos if mark and memo["externalDocumentNumber"] == mark), None)
            if known is None and invoice["remainingAmount"] == invoice["totalAmountIncludingTax"] and not memos:
                return await self._cancel(invoice, correlation)
        return await self._memo(invoice, memos, mark, known, correlation)

    async def _invoice(self, invoice_id: str, correlation: str) -> dict[str, Any]:
        fields = "id,number,status,customerId,remainingAmount,totalAmountIncludingTax"
        return await self._client.get(
            "credit_invoice", f"salesInvoices({invoice_id})", {"$select": fields}, correlation
        )

    async def _cancel(self, invoice: dict[str, Any], correlation: str) -> str:
        path = f"salesInvoices({invoice['id']})/Microsoft.NAV.cancel"
        await self._client.call("credit_invoice", "POST", path, None, None, correlation)
        memos = await self._memos(f"invoiceNumber eq {literal(invoice['number'])}")
        if not memos:
            detail = f"cancelled, and no credit memo of {invoice['number']} is there"
            raise CallFailed(self._client.system, "credit_invoice", "unknown-outcome", detail)
        return str(memos[-1]["id"])

    async def _memo(
        self, invoice: dict[str, Any], memos: Rows, mark: str, known: dict[str, Any] | None, correlation: str
    ) -> str:
        with self._reading("credit_invoice"):
            if known is not None and known["status"] != _DRAFT:
                return str(known["id"])
            credited = [memo["totalAmountIncludingTax"] for memo in memos if memo["status"] != _DRAFT]
            rest = self._minor(invoice["totalAmountIncludingTax"]) - sum(self._minor(each) for each in credited)
            if rest <= 0:
                detail = f"nothing is left to credit of {invoice['number']}"
                raise CallFailed(self._client.system, "credit_invoice", "rejected", detail)
            line = {
                "lineType": "Account",
                "lineObjectNumber": self._account,
                "quantity": 1,
                "unitPrice": to_decimal(rest, self._currency),
                "description": _REASON,
            }
            body = {"customerId": invoice["customerId"], "invoiceId": invoice["id"], "salesCreditMemoLines": [line]}
            if mark:
                body["externalDocumentNumber"] = mark
        if known is None:
            answer = await self._client.call("credit_invoice", "POST", "salesCreditMemos", None, body, correlation)
            known = self._client.wire.json("credit_invoice", answer)
        with self._reading("credit_invoice"):
            id_ = str(known["id"])
        path = f"salesCreditMemos({id_})/Microsoft.NAV.post"
        await self._client.call("credit_invoice", "POST", path, None, None, correlation)
        return id_

    def _minor(self, amount: Any) -> int:
        return to_minor(amount, self._currency)

    async def _memos(self, condition: str) -> Rows:
        """Credit memos, drafts too, oldest first."""
        fields = "id,number,status,externalDocumentNumber,totalAmountIncludingTax"
        rows = await self._client.rows("credit_invoice", "salesCreditMemos", {"$filter": condition, "$select": fields})
        with self._reading("credit_invoice"):
            return sorted(rows, key=lambda row: (row["status"] == _DRAFT, len(row["number"]), row["number"]))

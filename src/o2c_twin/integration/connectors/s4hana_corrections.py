"""What takes documents back in S/4HANA, and what lets a blocked order go.

Wire facts: SAP's entity packages for API_SALES_ORDER_SRV (an order is rejected item by item, with a reason),
API_SLS_DOC_WITH_CREDIT_BLOCK (function import ReleaseCreditBlock) and API_CREDIT_MEMO_REQUEST_SRV; the request is
billed by the action that bills deliveries. An invoice is credited and not cancelled: a cancelled one would make its
delivery due for billing again.
"""

from typing import Any

from o2c_twin.integration.connectors.amounts import to_decimal, to_minor
from o2c_twin.integration.connectors.s4hana_partners import Organisation
from o2c_twin.integration.connectors.s4hana_wire import ROOT, Session, as_texts, fitted, literal
from o2c_twin.integration.runtime.errors import CallFailed

_ORDERS, _BLOCKS = f"{ROOT}/API_SALES_ORDER_SRV", f"{ROOT}/API_SLS_DOC_WITH_CREDIT_BLOCK"
_REQUESTS, _BILLING = f"{ROOT}/API_CREDIT_MEMO_REQUEST_SRV", f"{ROOT}/API_BILLING_DOCUMENT_SRV"
BILL = (
    "/sap/opu/odata4/sap/api_billingdocument/srvd_a2x/sap/billingdocument/0001"
    "/BillingDocument/SAP__self.CreateFromSDDocument"
)
_PARTLY_OR_WHOLLY, _BLOCKED, _ORDER = ("B", "C"), "B", "C"


class Corrections:
    """Corrections in one client. ``currency`` is that of the books."""

    def __init__(self, session: Session, currency: str, at: Organisation) -> None:
        self._session = session
        self._reading = session.wire.reading
        self._currency = currency
        self._at = at

    # --- orders ----------------------------------------------------------------------------------

    async def release_order(self, order_id: str, correlation: str) -> None:
        """Release an order from its credit block; one that is not blocked stays as it is."""
        operation, query = "release_order", {"SalesDocument": literal(order_id), "SDDocumentCategory": literal(_ORDER)}
        path = f"{_BLOCKS}/ReleaseCreditBlock"
        answer = await self._session.write(operation, "POST", path, None, correlation, query)
        body = self._session.body(operation, answer)
        with self._reading(operation):
            told = body["ReleaseCreditBlock"]
            refused, why = told["MessageType"] == "E", told["Message"]
        if refused and await self._is_blocked(order_id):
            raise CallFailed(self._session.system, operation, "rejected", why)

    async def _is_blocked(self, order_id: str) -> bool:
        path, query = f"{_ORDERS}/A_SalesOrder({literal(order_id)})", {"$select": "TotalCreditCheckStatus"}
        row = await self._session.get("release_order", path, query)
        with self._reading("release_order"):
            return bool(row["TotalCreditCheckStatus"] == _BLOCKED)

    async def cancel_order(self, order_id: str, correlation: str) -> None:
        """Reject all items of an order nothing of which is on its way, each as it was just read; one whose items are
        rejected stays so."""
        while True:
            left = await self._unrejected(order_id)
            if not left:
                return
            with self._reading("cancel_order"):
                item, tag = left[0]["SalesOrderItem"], left[0]["__metadata"]["etag"]
            path = f"{_ORDERS}/A_SalesOrderItem(SalesOrder={literal(order_id)},SalesOrderItem={literal(item)})"
            body = {"SalesDocumentRjcnReason": self._at.rejection_reason}
            await self._session.write("cancel_order", "PATCH", path, body, correlation, if_match=tag)

    async def _unrejected(self, order_id: str) -> list[dict[str, Any]]:
        query = {"$filter": f"SalesOrder eq {literal(order_id)}", "$orderby": "SalesOrder,SalesOrderItem"}
        query["$select"] = "SalesOrderItem,SalesDocumentRjcnReason,DeliveryStatus"
        rows = await self._session.rows("cancel_order", f"{_ORDERS}/A_SalesOrderItem", query)
        with self._reading("cancel_order"):
            if not rows:
                raise CallFailed(self._session.system, "cancel_order", "missing", f"no sales order {order_id}")
            if any(row["DeliveryStatus"] in _PARTLY_OR_WHOLLY for row in rows):
                detail = f"order {order_id} is delivered, in part or whole"
                raise CallFailed(self._session.system, "cancel_order", "rejected", detail)
            return [row for row in rows if not row["SalesDocumentRjcnReason"]]

    # --- invoices --------------------------------------------------------------------------------

    async def credit_invoice(self, invoice_id: str, key: str | None, correlation: str) -> str:
        """Credit all that is left of an invoice: a credit memo request, and its billing. Gives the credit memo; the
        key is the customer reference of the request."""
        mark = "" if key is None else fitted(key, 35)
        request = await self._request(mark) if mark else None
        if request is None:
            request = await self._ask(invoice_id, mark, correlation)
        try:
            return await self._bill(request, correlation)
        except CallFailed as failure:
            # One that is billed is refused: an earlier try did it.
            made = await self._memo_of(request) if failure.cause == "rejected" else None
            if made is None:
                raise
            return made

    async def credited(self, key: str) -> str | None:
        """The credit memo that was made with that key; None when there is none yet."""
        request = await self._request(fitted(key, 35))
        return None if request is None else await self._memo_of(request)

    async def _request(self, mark: str) -> str | None:
        query = {"$filter": f"PurchaseOrderByCustomer eq {literal(mark)}", "$select": "CreditMemoRequest"}
        query |= {"$orderby": "CreditMemoRequest", "$top": "1"}
        rows, _ = await self._session.page("credit_invoice", f"{_REQUESTS}/A_CreditMemoRequest", query)
        with self._reading("credit_invoice"):
            return str(rows[0]["CreditMemoRequest"]) if rows else None

    async def _ask(self, invoice_id: str, mark: str, correlation: str) -> str:
        path = f"{_BILLING}/A_BillingDocument({literal(invoice_id)})"
        query = {"$select": "SoldToParty,TotalGrossAmount,to_Item/Material", "$expand": "to_Item"}
        invoice = await self._session.get("credit_invoice", path, query)
        credited = await self._credited_of(invoice_id)
        at = self._at
        with self._reading("credit_invoice"):
            left = to_minor(invoice["TotalGrossAmount"], self._currency) - credited
            material = invoice["to_Item"]["results"][0]["Material"]
            if left <= 0:
                detail = f"nothing is left to credit of {invoice_id}"
                raise CallFailed(self._session.system, "credit_invoice", "rejected", detail)
            price = {"ConditionType": at.price_condition, "ConditionRateValue": to_decimal(left, self._currency)}
            price["ConditionCurrency"] = self._currency
            body: dict[str, Any] = as_texts(
                {
                    "CreditMemoRequestType": at.credit_request_type,
                    "SalesOrganization": at.sales_organization,
                    "DistributionChannel": at.distribution_channel,
                    "OrganizationDivision": at.division,
                    "SoldToParty": invoice["SoldToParty"],
                    "PurchaseOrderByCustomer": mark,
                    "ReferenceSDDocument": invoice_id,
                    "ReferenceSDDocumentCategory": "M",
                    "to_Item": [{"Material": material, "RequestedQuantity": 1, "to_PricingElement": [price]}],
                }
            )
        path = f"{_REQUESTS}/A_CreditMemoRequest"
        answer = await self._session.write("credit_invoice", "POST", path, body, correlation)
        row = self._session.body("credit_invoice", answer)
        with self._reading("credit_invoice"):
            return str(row["CreditMemoRequest"])

    async def _credited_of(self, invoice_id: str) -> int:
        """What was credited of an invoice, or asked to be, in minor units."""
        condition = f"ReferenceSDDocument eq {literal(invoice_id)} and ReferenceSDDocumentCategory eq 'M'"
        asked = {"$filter": condition, "$select": "TotalNetAmount", "$orderby": "CreditMemoRequest"}
        requests = await self._session.rows("credit_invoice", f"{_REQUESTS}/A_CreditMemoRequest", asked)
        billed = {"$filter": condition, "$select": "GrossAmount", "$orderby": "BillingDocument,BillingDocumentItem"}
        memos = await self._session.rows("credit_invoice", f"{_BILLING}/A_BillingDocumentItem", billed)
        with self._reading("credit_invoice"):
            amounts = [row["TotalNetAmount"] for row in requests] + [row["GrossAmount"] for row in memos]
            return sum(to_minor(amount, self._currency) for amount in amounts)

    async def _bill(self, request: str, correlation: str) -> str:
        body = {"_Reference": [{"SDDocument": request, "SDDocumentCategory": "K"}]}
        answer = await self._session.write("credit_invoice", "POST", BILL, body, correlation)
        told = self._session.wire.json("credit_invoice", answer)
        with self._reading("credit_invoice"):
            return str(told["value"][0]["BillingDocument"])

    async def _memo_of(self, request: str) -> str | None:
        condition = f"ReferenceSDDocument eq {literal(request)} and ReferenceSDDocumentCategory eq 'K'"
        query = {"$filter": condition, "$select": "BillingDocument", "$top": "1"}
        rows, _ = await self._session.page("credit_invoice", f"{_BILLING}/A_BillingDocumentItem", query)
        with self._reading("credit_invoice"):
            return str(rows[0]["BillingDocument"]) if rows else None

"""The Salesforce connector: canonical words to and from sObjects, SOQL and Outbound Messages.

Wire facts: Salesforce REST API Developer Guide; Outbound Message delivery in the SOAP API guide.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from o2c_twin.integration.capability import Capability, Sheet
from o2c_twin.integration.connectors.amounts import to_minor
from o2c_twin.integration.connectors.instants import from_iso, to_iso
from o2c_twin.integration.connectors.wire import Wire, encode, retry_after_s, status_cause
from o2c_twin.integration.model import Deal, DealLine, Inbound, Party
from o2c_twin.integration.ports import HttpAnswer, HttpPort
from o2c_twin.integration.runtime.errors import CallFailed, Cause

_API = "/services/data/v59.0"
_PARTY_FIELDS = "Id,Name,Customer_Number__c,Payment_Terms_Days__c,Credit_Limit__c,ERP_Id__c,SystemModstamp"
_DEAL = (
    "SELECT Id,Name,Deal_Ref__c,PO_Number__c,ERP_Order_Id__c,SystemModstamp,"
    + ",".join(f"Account.{f}" for f in _PARTY_FIELDS.split(","))
    + ",(SELECT Product2.ProductCode,Quantity,UnitPrice FROM OpportunityLineItems) FROM Opportunity WHERE Id = '{}'"
)
_WON_SINCE = (
    "SELECT Id,AccountId,SystemModstamp FROM Opportunity WHERE IsWon = true AND ERP_Order_Id__c = null"
    " AND SystemModstamp > {} ORDER BY SystemModstamp"
)
_PARTIES_SINCE = "SELECT Id,SystemModstamp FROM Account WHERE SystemModstamp > {} ORDER BY SystemModstamp"
_NOTES = {
    "order_number": "ERP_Order_Number__c",
    "order_id": "ERP_Order_Id__c",
    "fulfilment": "Fulfilment_Status__c",
    "invoice_number": "Invoice_Number__c",
    "payment": "Payment_Status__c",
    "credit": "Credit_Status__c",
}
_ACK = (
    b'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
    b'<soapenv:Body><notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)
_OUT = "{http://soap.sforce.com/2005/09/outbound}"
_OBJ = "{urn:sobject.enterprise.soap.sforce.com}"
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

# Both set fields of a record named by its id: the same again changes nothing.
SHEET: Sheet = (
    Capability("note_deal", "sobject.update", "external-id"),
    Capability("note_party", "sobject.update", "external-id"),
)


class SalesforceCrm:
    """A CRM that is a Salesforce org; logs in with the client credentials of a connected app."""

    def __init__(
        self, system: str, url: str, http: HttpPort, client_id: str, client_secret: str, currency: str = "EUR"
    ) -> None:
        self.system = system
        self.sheet = SHEET
        self._wire = Wire(system, url, http)
        self._login = f"grant_type=client_credentials&client_id={quote(client_id)}&client_secret={quote(client_secret)}"
        self._currency = currency
        self._token: str | None = None

    async def _call(
        self,
        operation: str,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Any = None,
        correlation: str = "",
    ) -> HttpAnswer:
        for fresh in (False, True):
            if self._token is None:
                await self._log_in()
            token = self._token
            headers = {
                "authorization": f"Bearer {token}",
                "content-type": "application/json",
                "x-correlation-id": correlation,
            }
            answer = await self._wire.send(
                operation, method, path, query, headers, b"" if body is None else encode(body)
            )
            if answer.status == 401 and not fresh:
                # Calls side by side are refused one by one; the first has logged in again by now.
                self._token = None if self._token == token else self._token
                continue
            break
        if answer.status >= 300:
            raise self._failure(operation, answer)
        return answer

    async def _log_in(self) -> None:
        answer = await self._wire.send(
            "login",
            "POST",
            "/services/oauth2/token",
            None,
            {"content-type": "application/x-www-form-urlencoded"},
            self._login.encode(),
        )
        if answer.status != 200:
            failure = self._failure("login", answer)
            if failure.retryable:
                raise failure
            raise CallFailed(self.system, "login", "login", failure.detail)
        with self._wire.reading("login"):
            self._token = self._wire.json("login", answer)["access_token"]

    def _failure(self, operation: str, answer: HttpAnswer) -> CallFailed:
        text = answer.body.decode("utf-8", "replace")[:300]
        # The daily and the concurrency limit answer 403, which elsewhere means a missing right.
        cause: Cause
        if "REQUEST_LIMIT_EXCEEDED" in text:
            cause = "throttled"
        elif "UNABLE_TO_LOCK_ROW" in text or "SERVER_UNAVAILABLE" in text:
            cause = "unavailable"
        else:
            cause = status_cause(answer.status)
        return CallFailed(self.system, operation, cause, f"{answer.status} {text}", retry_after_s(answer))

    async def _query(self, operation: str, soql: str) -> list[dict[str, Any]]:
        answer = await self._call(operation, "GET", f"{_API}/query/", {"q": soql})
        return await self._all(operation, self._wire.json(operation, answer))

    async def _all(self, operation: str, page: dict[str, Any]) -> list[dict[str, Any]]:
        """The records of a result and of the pages that follow it: a query's, or those of a subquery."""
        records: list[dict[str, Any]] = []
        while True:
            with self._wire.reading(operation):
                records.extend(page["records"])
                following = None if page["done"] else page["nextRecordsUrl"]
            if following is None:
                return records
            page = self._wire.json(operation, await self._call(operation, "GET", following))

    async def deal(self, deal_id: str) -> Deal:
        """The deal with its lines and its account, in one query."""
        rows = await self._query("deal", _DEAL.format(deal_id))
        if not rows:
            raise CallFailed(self.system, "deal", "missing", f"no opportunity {deal_id}")
        row = rows[0]
        if row["Account"] is None:
            raise CallFailed(self.system, "deal", "rejected", f"opportunity {deal_id} has no account")
        nested = row["OpportunityLineItems"]
        items = [] if nested is None else await self._all("deal", nested)
        with self._wire.reading("deal"):
            return Deal(
                crm_id=row["Id"],
                reference=row["Deal_Ref__c"] or row["Id"],
                po_number=row["PO_Number__c"],
                party=self._party(row["Account"]),
                lines=tuple(self._line(item) for item in items),
                currency=self._currency,
                won_at=from_iso(row["SystemModstamp"]),
                erp_order_id=row["ERP_Order_Id__c"],
            )

    def _line(self, item: dict[str, Any]) -> DealLine:
        price = to_minor(item["UnitPrice"], self._currency)
        return DealLine(item["Product2"]["ProductCode"], _whole(item["Quantity"]), price)

    async def party(self, party_id: str) -> Party:
        """The account."""
        answer = await self._call("party", "GET", f"{_API}/sobjects/Account/{party_id}", {"fields": _PARTY_FIELDS})
        with self._wire.reading("party"):
            return self._party(self._wire.json("party", answer))

    def _party(self, row: dict[str, Any]) -> Party:
        limit, terms = row["Credit_Limit__c"], row["Payment_Terms_Days__c"]
        return Party(
            crm_id=row["Id"],
            name=row["Name"],
            number=row["Customer_Number__c"],
            terms_days=30 if terms is None else _whole(terms),
            credit_limit_minor=None if limit is None else to_minor(limit, self._currency),
            currency=self._currency,
            erp_id=row["ERP_Id__c"],
            modified_at=from_iso(row["SystemModstamp"]),
        )

    async def note_deal(self, deal_id: str, notes: dict[str, str], correlation: str) -> None:
        """Write what became of a deal on the opportunity."""
        body = {_NOTES[name]: value for name, value in notes.items()}
        await self._call("note_deal", "PATCH", f"{_API}/sobjects/Opportunity/{deal_id}", None, body, correlation)

    async def note_party(self, party_id: str, erp_id: str, correlation: str) -> None:
        """Write the ERP's id on the account."""
        await self._call(
            "note_party", "PATCH", f"{_API}/sobjects/Account/{party_id}", None, {"ERP_Id__c": erp_id}, correlation
        )

    async def changes(self, since: int) -> tuple[list[Inbound], int]:
        """Won deals without an order, and changed accounts, after an instant."""
        stamp = to_iso(since)
        deals = await self._query("changes", _WON_SINCE.format(stamp))
        parties = await self._query("changes", _PARTIES_SINCE.format(stamp))
        with self._wire.reading("changes"):
            events = [self._deal_event(r["Id"], r["AccountId"], r["SystemModstamp"]) for r in deals]
            events += [self._party_event(r["Id"], r["SystemModstamp"]) for r in parties]
        return events, max((e.source_at for e in events), default=since)

    def _deal_event(self, deal_id: str, account_id: str | None, modified: str) -> Inbound:
        # A deal is won once: the event's name has no time in it, however often it is told.
        return Inbound(f"{self.system}:won:{deal_id}", "order", deal_id, f"party:{account_id}", from_iso(modified))

    def _party_event(self, party_id: str, modified: str) -> Inbound:
        return Inbound(
            f"{self.system}:party:{party_id}:{modified}", "customer", party_id, f"party:{party_id}", from_iso(modified)
        )

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """Read an Outbound Message; the vendor repeats it until it gets this acknowledgement.

        Raises ValueError when it is none.
        """
        message = ElementTree.fromstring(body)
        if message.find(f".//{_OUT}notifications") is None:
            raise ValueError("not an outbound message")
        events = []
        for notice in message.iter(f"{_OUT}Notification"):
            record = notice.find(f"{_OUT}sObject")
            if record is None or len(record) == 0:
                # Of a deleted record nothing is told.
                continue
            id_ = record.findtext(f"{_OBJ}Id") or ""
            if not _ID.fullmatch(id_):
                # It goes into addresses and queries, and anybody may post here.
                raise ValueError(f"not a record id: {id_[:40]!r}")
            modified = record.findtext(f"{_OBJ}SystemModstamp") or "1970-01-01T00:00:00Z"
            if (record.get(_XSI_TYPE) or "").endswith("Opportunity"):
                events.append(self._deal_event(id_, record.findtext(f"{_OBJ}AccountId"), modified))
            else:
                events.append(self._party_event(id_, modified))
        return events, _ACK


def _whole(number: str | int) -> int:
    """A count the vendor keeps as a decimal. Raises ValueError when it is none: half a piece is not ordered."""
    exact = Decimal(number)
    if exact != int(exact):
        raise ValueError(f"{number} is not a whole number")
    return int(exact)

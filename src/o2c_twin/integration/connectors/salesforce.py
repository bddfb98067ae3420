"""The Salesforce connector: canonical words to and from sObjects, SOQL and Outbound Messages.

Wire facts: Salesforce REST API Developer Guide; Outbound Message delivery in the SOAP API guide.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import msgspec

from o2c_twin.integration.capability import Capability, Sheet
from o2c_twin.integration.connectors.bearer import Bearer, token_for
from o2c_twin.integration.connectors.instants import from_iso, to_iso
from o2c_twin.integration.connectors.salesforce_collections import MOST_RECORDS, body_of, outcomes_of
from o2c_twin.integration.connectors.salesforce_maps import CURRENCIES, CURRENCY, LINES, SalesforceMaps
from o2c_twin.integration.connectors.wire import Wire, encode, retry_after_s, status_cause
from o2c_twin.integration.mappings.documents import DealNotes, PartyChange, PartyNotes
from o2c_twin.integration.mappings.money import digits
from o2c_twin.integration.model import Deal, Inbound, Party
from o2c_twin.integration.ports import HttpAnswer, HttpPort
from o2c_twin.integration.runtime.errors import CallFailed, Cause

_API = "/services/data/v59.0"
_WON_SINCE = "SELECT Id,AccountId,SystemModstamp FROM Opportunity WHERE IsWon = true AND "
_SINCE = "SystemModstamp > {} ORDER BY SystemModstamp"
_PARTIES_SINCE = "SELECT Id,SystemModstamp FROM Account WHERE "
_ACK = (
    b'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
    b'<soapenv:Body><notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)
_OUT = "{http://soap.sforce.com/2005/09/outbound}"
_OBJ = "{urn:sobject.enterprise.soap.sforce.com}"
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

# All set fields of records named by their ids: the same again changes nothing.
SHEET: Sheet = (
    Capability("note_deal", "sobject.update", "external-id"),
    Capability("note_deals", "collection.update", "external-id", bulk_limit=MOST_RECORDS, partial=True),
    Capability("note_party", "sobject.update", "external-id"),
    Capability("change_party", "sobject.update", "external-id"),
)


class SalesforceCrm:
    """A CRM that is a Salesforce org; logs in with the client credentials of a connected app.

    ``currency`` is the org's; with ``several`` it has multiple currencies, and a map is given that of the record at
    hand. ``maps`` say what its fields mean, the shipped ones unless others are given.
    """

    def __init__(
        self,
        system: str,
        url: str,
        http: HttpPort,
        client_id: str,
        client_secret: str,
        currency: str = "EUR",
        maps: SalesforceMaps | None = None,
        several: bool = False,
    ) -> None:
        self.system = system
        self.sheet = SHEET
        self._wire = Wire(system, url, http)
        form = f"grant_type=client_credentials&client_id={quote(client_id)}&client_secret={quote(client_secret)}"
        login = partial(token_for, self._wire, "/services/oauth2/token", form, self._refused_login)
        self._bearer = Bearer(self._wire, login)
        self._currency = currency
        self.maps = SalesforceMaps.shipped() if maps is None else maps
        self._given = self.maps.given(currency)
        self._several = several
        self._deal_query = self.maps.deal_query
        self._deals = self.maps.deals
        self._account_fields = self.maps.account_fields
        if several:
            self._deal_query = self._deal_query.replace("SELECT ", f"SELECT {','.join(CURRENCIES)},", 1)
            self._deals = self.maps.deals_in_currencies
            self._account_fields += f",{CURRENCY}"

    async def _call(
        self,
        operation: str,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Any = None,
        correlation: str = "",
    ) -> HttpAnswer:
        headers = {"content-type": "application/json", "x-correlation-id": correlation}
        answer = await self._bearer.send(operation, method, path, query, headers, b"" if body is None else encode(body))
        if answer.status >= 300:
            raise self._failure(operation, answer)
        return answer

    def _refused_login(self, answer: HttpAnswer) -> CallFailed:
        failure = self._failure("login", answer, logs_in=True)
        return failure if failure.retryable else CallFailed(self.system, "login", "login", failure.detail)

    def _failure(self, operation: str, answer: HttpAnswer, *, logs_in: bool = False) -> CallFailed:
        text = answer.body.decode("utf-8", "replace")[:300]
        # The daily and the concurrency limit answer 403, which elsewhere means a missing right.
        cause: Cause
        if "REQUEST_LIMIT_EXCEEDED" in text:
            cause = "throttled"
        elif "UNABLE_TO_LOCK_ROW" in text or "SERVER_UNAVAILABLE" in text:
            cause = "unavailable"
        else:
            cause = status_cause(answer.status, logs_in=logs_in)
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
        maps = self.maps
        answer = await self._call("deal", "GET", f"{_API}/query/", {"q": self._deal_query.format(deal_id)})
        page = self._wire.page("deal", answer, self._deals, self._check_deals)
        if not page.records:
            raise CallFailed(self.system, "deal", "missing", f"no opportunity {deal_id}")
        row = page.records[0]
        if maps.reads_lines and getattr(row, LINES) is not None:
            await self._add_lines(getattr(row, LINES))
        deal: Deal = self._wire.made("deal", maps.opportunity_to_deal.read, row, self._given_with(row))
        if self._several and row.Account is not None:
            return self._party_in_its_own(deal, row.Account.CurrencyIsoCode or self._currency)
        return deal

    def _given_with(self, row: Any) -> dict[str, Any]:
        """What a map is given for a record: its own currency, where the org has several."""
        if not self._several:
            return self._given
        return self.maps.given(row.CurrencyIsoCode or self._currency)

    def _party_in_its_own(self, deal: Deal, currency: str) -> Deal:
        """The account's amounts are in its own currency, whatever the deal's is."""
        if currency == deal.currency:
            return deal
        if digits(currency) != digits(deal.currency):
            detail = f"a deal in {deal.currency} of an account in {currency}: amounts with other decimals; change one"
            raise CallFailed(self.system, "deal", "rejected", detail)
        return msgspec.structs.replace(deal, party=msgspec.structs.replace(deal.party, currency=currency))

    def _check_deals(self, page: dict[str, Any]) -> None:
        for row in page["records"]:
            self.maps.opportunity_to_deal(row, self._given)

    async def _add_lines(self, nested: Any) -> None:
        """Fetch the pages of a deal's lines that follow the first."""
        following = nested.nextRecordsUrl
        while following is not None:
            answer = await self._call("deal", "GET", following)
            page = self._wire.page("deal", answer, self.maps.lines)
            nested.records.extend(page.records)
            following = page.nextRecordsUrl

    async def party(self, party_id: str) -> Party:
        """The account."""
        fields = {"fields": self._account_fields}
        answer = await self._call("party", "GET", f"{_API}/sobjects/Account/{party_id}", fields)
        given = self._given
        if self._several:
            with self._wire.reading("party"):
                given = self.maps.given(self._wire.json("party", answer)[CURRENCY] or self._currency)
        party: Party = self._wire.record("party", answer, self.maps.account_to_party, given)
        return party

    def party_of(self, row: dict[str, Any]) -> Party:
        """The account in a plain record. Raises `NotMapped`."""
        given = self.maps.given(row.get(CURRENCY) or self._currency) if self._several else self._given
        party: Party = self.maps.account_to_party(row, given)
        return party

    def _noted(self, notes: Mapping[str, str]) -> dict[str, Any]:
        """The fields of an opportunity that tell of this."""
        maps = self.maps
        body: dict[str, Any] = self._wire.body("note_deal", maps.notes_to_opportunity, DealNotes(**notes), self._given)
        return body

    async def note_deal(self, deal_id: str, notes: dict[str, str], correlation: str) -> None:
        """Write what became of a deal on the opportunity."""
        path = f"{_API}/sobjects/Opportunity/{deal_id}"
        await self._call("note_deal", "PATCH", path, None, self._noted(notes), correlation)

    async def note_deals(
        self, notes: Sequence[tuple[str, dict[str, str]]], correlation: str
    ) -> list[CallFailed | None]:
        """Write what became of up to 200 deals in one call; gives what became of each write."""
        body = body_of("Opportunity", [(deal_id, self._noted(each)) for deal_id, each in notes])
        answer = await self._call("note_deals", "PATCH", f"{_API}/composite/sobjects", None, body, correlation)
        return outcomes_of(self.system, "note_deal", answer, len(notes))

    async def note_party(self, party_id: str, erp_id: str, correlation: str) -> None:
        """Write the ERP's id on the account."""
        body = self._wire.body("note_party", self.maps.notes_to_account, PartyNotes(erp_id), self._given)
        await self._call("note_party", "PATCH", f"{_API}/sobjects/Account/{party_id}", None, body, correlation)

    @property
    def party_fields(self) -> frozenset[str]:
        """The fields of a change that an account keeps."""
        return self.maps.party_fields

    async def change_party(self, party_id: str, change: PartyChange, correlation: str) -> None:
        """Write what has changed of the customer on the account."""
        body = self._wire.body("change_party", self.maps.change_to_account, change, self._given)
        await self._call("change_party", "PATCH", f"{_API}/sobjects/Account/{party_id}", None, body, correlation)

    async def changes(self, since: int) -> tuple[list[Inbound], int]:
        """Won deals without an order, and changed accounts, after an instant."""
        field, span = self.maps.order_field, _SINCE.format(to_iso(since))
        without = "" if field is None else f"{field} = null AND "
        deals = await self._query("changes", f"{_WON_SINCE}{without}{span}")
        parties = await self._query("changes", f"{_PARTIES_SINCE}{span}")
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
        if next(message.iter(f"{_OUT}notifications"), None) is None:
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

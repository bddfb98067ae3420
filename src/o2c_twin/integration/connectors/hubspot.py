"""The HubSpot connector: canonical words to and from CRM v3 objects, associations, search and webhooks.

Wire facts: HubSpot developer documentation, CRM objects, "Search the CRM", "Associations v4", "Webhooks".
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from o2c_twin.integration.capability import Capability, Sheet
from o2c_twin.integration.connectors.hubspot_batches import MOST_INPUTS, body_of, outcomes_of
from o2c_twin.integration.connectors.hubspot_login import HubSpotApp, PushCheck, session_of
from o2c_twin.integration.connectors.hubspot_maps import HubSpotMaps, agree
from o2c_twin.integration.connectors.instants import from_iso
from o2c_twin.integration.connectors.wire import Wire, encode, retry_after_s, status_cause
from o2c_twin.integration.mappings.documents import DealNotes, PartyChange, PartyNotes
from o2c_twin.integration.model import Deal, Inbound, Party
from o2c_twin.integration.ports import Clock, HttpAnswer, HttpPort
from o2c_twin.integration.runtime.errors import CallFailed, Cause

_OBJECTS = "/crm/v3/objects"
_PAGE, _BATCH, _MOST_FOUND = 200, 100, 10_000
_INDEX_LAG = 30_000_000
"""Microseconds a change may stay hidden from search (public integration code)."""
_KNOWN_COMPANIES = 10_000
_PATIENCE = 5
"""Times a page of search is asked for again within its limit of a second."""
_MODIFIED = "hs_lastmodifieddate"
_WAITS_S = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0}
"""Seconds until a limit has room again; the vendor names the limit and not the time."""

# All set properties of records named by their ids: the same again changes nothing.
SHEET: Sheet = (
    Capability("note_deal", "object.update", "external-id"),
    Capability("note_deals", "batch.update", "external-id", bulk_limit=MOST_INPUTS, partial=True),
    Capability("note_party", "object.update", "external-id"),
    Capability("change_party", "object.update", "external-id"),
)

Json = dict[str, Any]


class _Event(msgspec.Struct):
    """What is read of a pushed event."""

    subscriptionType: str
    occurredAt: int
    objectId: int | None = None
    propertyName: str | None = None
    propertyValue: str | None = None
    associationType: str | None = None
    fromObjectId: int | None = None
    toObjectId: int | None = None
    associationRemoved: bool = False
    isPrimaryAssociation: bool = False


_EVENTS = msgspec.json.Decoder(list[_Event])


class HubSpotCrm:
    """A CRM that is a HubSpot account.

    ``client_secret`` is the app's, for both kinds of app: it signs pushes. ``pushed_to`` gives the URL
    they go to. ``won_stages`` are the ids of the stages, of any pipeline, in which a deal is won.
    ``sleep`` waits out search's limit of a second between the pages of one feed. ``maps`` say what the properties
    mean, the shipped ones unless others are given.
    """

    def __init__(
        self,
        system: str,
        url: str,
        http: HttpPort,
        clock: Clock,
        app: HubSpotApp,
        client_secret: str,
        pushed_to: Callable[[], str],
        currency: str = "EUR",
        won_stages: tuple[str, ...] = ("closedwon",),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        maps: HubSpotMaps | None = None,
    ) -> None:
        self.system = system
        self.sheet = SHEET
        self._wire = Wire(system, url, http)
        self._bearer = session_of(self._wire, app)
        self._check = PushCheck(system, client_secret, pushed_to, clock)
        self._clock = clock
        self._currency = currency
        self._won_stages = won_stages
        self._sleep = sleep
        self.maps = HubSpotMaps.shipped() if maps is None else maps
        self._given = self.maps.given(currency)
        self._companies: dict[int, int] = {}

    # --- calls -----------------------------------------------------------------------------------

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

    def _failure(self, operation: str, answer: HttpAnswer) -> CallFailed:
        text = answer.body.decode("utf-8", "replace")[:300]
        wait_s = retry_after_s(answer)
        cause: Cause = status_cause(answer.status)
        if answer.status in (423, 477):
            # Locked by writes too fast, or moving between data centres: both pass.
            cause = "unavailable"
        elif answer.status == 429 and not wait_s:
            wait_s = next((seconds for name, seconds in _WAITS_S.items() if f'"{name}"' in text), 0.0)
        return CallFailed(self.system, operation, cause, f"{answer.status} {text}", wait_s)

    async def _read(self, operation: str, path: str, query: dict[str, str]) -> Json:
        return self._wire.json(operation, await self._call(operation, "GET", path, query))

    # --- records ---------------------------------------------------------------------------------

    async def deal(self, deal_id: str) -> Deal:
        """The deal with its line items and its company, which are records of their own."""
        query = {"properties": self.maps.deal_properties, "associations": "companies,line_items"}
        answer = await self._call("deal", "GET", f"{_OBJECTS}/deals/{deal_id}", query)
        row = self._wire.page("deal", answer, self.maps.deal)
        with self._wire.reading("deal"):
            linked = row.associations
            company = _company(linked.get("companies", {"results": []})["results"])
            # Asked for under one name, the vendor answers under another.
            lines = linked.get("line items") or linked.get("line_items") or {"results": []}
            ids = list(dict.fromkeys(str(each["id"]) for each in lines["results"]))
            more = "paging" in lines
            row.properties.deal_currency_code = row.properties.deal_currency_code or self._currency
        if company is None:
            raise CallFailed(self.system, "deal", "rejected", f"deal {deal_id} has no company")
        if more:
            ids = await self._line_ids(deal_id)
        row.lines = await self._lines(ids)
        row.company = self._wire.page("deal", await self._company(company, "deal"), self.maps.company, self.party_of)
        deal: Deal = self._wire.made("deal", self.maps.deal_to_deal.read, row, self._given)
        return deal

    async def _line_ids(self, deal_id: str) -> list[str]:
        """Ids of all line items of a deal with more than one read answers with."""
        ids: dict[str, None] = {}
        query: dict[str, str] = {"limit": "500"}
        while True:
            page = await self._read("deal", f"/crm/v4/objects/deals/{deal_id}/associations/line_items", query)
            with self._wire.reading("deal"):
                ids.update((str(each["toObjectId"]), None) for each in page["results"])
                following = page.get("paging", {}).get("next", {}).get("after")
            if not following:
                return list(ids)
            query = {**query, "after": following}

    async def _lines(self, ids: list[str]) -> list[Any]:
        found: dict[str, Any] = {}
        for start in range(0, len(ids), _BATCH):
            wanted = ids[start : start + _BATCH]
            body = {"inputs": [{"id": id_} for id_ in wanted], "properties": self.maps.line_properties}
            answer = await self._call("deal", "POST", f"{_OBJECTS}/line_items/batch/read", None, body)
            batch = self._wire.page("deal", answer, self.maps.lines)
            with self._wire.reading("deal"):
                for each in batch.results:
                    agree(each)
                    found[each.id] = each
        missing = [id_ for id_ in ids if id_ not in found]
        if missing:
            # Taken away between two calls: the deal is being changed, and is to be read again.
            raise CallFailed(self.system, "deal", "unavailable", f"line item {missing[0]} is gone")
        return [found[id_] for id_ in ids]

    async def _company(self, company_id: str, operation: str) -> HttpAnswer:
        query = {"properties": self.maps.company_properties}
        return await self._call(operation, "GET", f"{_OBJECTS}/companies/{company_id}", query)

    async def party(self, party_id: str) -> Party:
        """The company."""
        answer = await self._company(party_id, "party")
        party: Party = self._wire.record("party", answer, self.maps.company_to_party, self._given)
        return party

    def party_of(self, row: Json) -> Party:
        """The company in a plain record. Raises `NotMapped`."""
        party: Party = self.maps.company_to_party(row, self._given)
        return party

    def _noted(self, notes: Mapping[str, str]) -> dict[str, Any]:
        """The properties of a deal that tell of this."""
        body: dict[str, Any] = self._wire.body("note_deal", self.maps.notes_to_deal, DealNotes(**notes), self._given)
        return body

    async def note_deal(self, deal_id: str, notes: dict[str, str], correlation: str) -> None:
        """Write what became of a deal on it."""
        await self._write("note_deal", f"{_OBJECTS}/deals/{deal_id}", self._noted(notes), correlation)

    async def note_deals(
        self, notes: Sequence[tuple[str, dict[str, str]]], correlation: str
    ) -> list[CallFailed | None]:
        """Write what became of up to 100 deals in one call; gives what became of each write."""
        body = body_of([(deal_id, self._noted(each)) for deal_id, each in notes])
        answer = await self._call("note_deals", "POST", f"{_OBJECTS}/deals/batch/update", None, body, correlation)
        return outcomes_of(self.system, "note_deal", answer, [deal_id for deal_id, _ in notes])

    async def note_party(self, party_id: str, erp_id: str, correlation: str) -> None:
        """Write the ERP's id on the company."""
        values = self._wire.body("note_party", self.maps.notes_to_company, PartyNotes(erp_id), self._given)
        await self._write("note_party", f"{_OBJECTS}/companies/{party_id}", values, correlation)

    @property
    def party_fields(self) -> frozenset[str]:
        """The fields of a change that a company keeps."""
        return self.maps.party_fields

    async def change_party(self, party_id: str, change: PartyChange, correlation: str) -> None:
        """Write what has changed of the customer on the company."""
        values = self._wire.body("change_party", self.maps.change_to_company, change, self._given)
        await self._write("change_party", f"{_OBJECTS}/companies/{party_id}", values, correlation)

    async def _write(self, operation: str, path: str, values: dict[str, str], correlation: str) -> None:
        await self._call(operation, "PATCH", path, None, {"properties": values}, correlation)

    # --- changes ---------------------------------------------------------------------------------

    async def changes(self, since: int) -> tuple[list[Inbound], int]:
        """Won deals without an order, and changed companies, since an instant.

        Search learns of changes late and not in order: the instant to ask from next leaves it time.
        """
        asked_at = self._clock.now()
        won: list[Json] = [{"propertyName": "dealstage", "operator": "IN", "values": list(self._won_stages)}]
        if self.maps.order_property is not None:
            won.append({"propertyName": self.maps.order_property, "operator": "NOT_HAS_PROPERTY"})
        deals = await self._changed("deals", since, won, ["hs_primary_associated_company", _MODIFIED])
        parties = await self._changed("companies", since, [], [_MODIFIED])
        with self._wire.reading("changes"):
            events = [
                self._deal_event(r["id"], r["properties"]["hs_primary_associated_company"], _millis(r)) for r in deals
            ]
            events += [self._party_event(r["id"], _millis(r)) for r in parties]
        latest = max((e.source_at for e in events), default=since)
        return events, max(since, min(latest, asked_at - _INDEX_LAG))

    async def _changed(
        self, kind: str, since: int, filters: list[Json], properties: list[str], correlation: str = ""
    ) -> list[Json]:
        """Records changed since an instant, oldest change first.

        Each page begins where the last one ended in time, not in number: records that change meanwhile
        shift no others out of sight, and the vendor's 10,000 results a query are never reached.
        """
        found: dict[tuple[str, int], Json] = {}
        start, after = since // 1_000, None
        while True:
            window = {"propertyName": _MODIFIED, "operator": "GTE", "value": str(start)}
            body: Json = {
                "filterGroups": [{"filters": [window, *filters]}],
                "sorts": [{"propertyName": _MODIFIED, "direction": "ASCENDING"}],
                "properties": properties,
                "limit": _PAGE,
            }
            if after is not None:
                body["after"] = after
            page = await self._search(kind, body, correlation)
            with self._wire.reading("changes"):
                found.update(((r["id"], _millis(r)), r) for r in page["results"])
                after = page.get("paging", {}).get("next", {}).get("after")
                if after is None or not page["results"]:
                    return list(found.values())
                last = _millis(page["results"][-1])
            if last > start:
                start, after = last, None
            elif int(after) + _PAGE > _MOST_FOUND:
                detail = f"more than {_MOST_FOUND} {kind} changed within one millisecond"
                raise CallFailed(self.system, "changes", "rejected", detail)

    async def _search(self, kind: str, body: Json, correlation: str) -> Json:
        """One page. A feed of many pages meets search's limit of five a second; what is read is not thrown away."""
        path = f"{_OBJECTS}/{kind}/search"
        for _ in range(_PATIENCE):
            try:
                return self._wire.json("changes", await self._call("changes", "POST", path, None, body, correlation))
            except CallFailed as failure:
                if failure.cause != "throttled" or failure.retry_after_s != _WAITS_S["SECONDLY"]:
                    raise
                await self._sleep(failure.retry_after_s)
        return self._wire.json("changes", await self._call("changes", "POST", path, None, body, correlation))

    def _deal_event(self, deal_id: str, company_id: str | None, at_ms: int) -> Inbound:
        # A deal is won once: the event's name has no time in it, however often it is told.
        lane = f"deal:{deal_id}" if company_id is None else f"party:{company_id}"
        return Inbound(f"{self.system}:won:{deal_id}", "order", deal_id, lane, at_ms * 1_000)

    def _party_event(self, party_id: str, at_ms: int) -> Inbound:
        name = f"{self.system}:party:{party_id}:{at_ms}"
        return Inbound(name, "customer", party_id, f"party:{party_id}", at_ms * 1_000)

    # --- pushes ----------------------------------------------------------------------------------

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """Read a delivery of up to a hundred events. Raises `NotAuthentic`; ValueError when it is none.

        A won deal's event does not say whose deal it is; its associations are told apart from it, and
        remembered. Where they were not told, the deal has a lane of its own.
        """
        self._check.verify(body, headers)
        told = _EVENTS.decode(body)
        for each in told:
            self._remember(each)
        events: dict[str, Inbound] = {}
        for each in told:
            event = self._read_event(each)
            if event is not None:
                events.setdefault(event.event_id, event)
        return list(events.values()), b""

    def _remember(self, each: _Event) -> None:
        if each.associationType != "DEAL_TO_COMPANY" or each.fromObjectId is None or each.toObjectId is None:
            return
        if not each.isPrimaryAssociation:
            return
        known = self._companies
        if not each.associationRemoved:
            known.pop(each.fromObjectId, None)
            known[each.fromObjectId] = each.toObjectId
            if len(known) > _KNOWN_COMPANIES:
                del known[next(iter(known))]
        elif known.get(each.fromObjectId) == each.toObjectId:
            del known[each.fromObjectId]

    def _read_event(self, each: _Event) -> Inbound | None:
        if each.objectId is None:
            return None
        kind, _, what = each.subscriptionType.partition(".")
        id_ = str(each.objectId)
        if kind == "deal" and each.propertyName == "dealstage" and each.propertyValue in self._won_stages:
            company = self._companies.get(each.objectId)
            return self._deal_event(id_, None if company is None else str(company), each.occurredAt)
        if kind == "company" and what in ("creation", "propertyChange"):
            return self._party_event(id_, each.occurredAt)
        return None


def _company(results: list[Json]) -> str | None:
    """The primary company, else the first one; each may be listed under several types."""
    primary = next((r for r in results if not r["type"].endswith("_unlabeled")), None)
    chosen = primary or next(iter(results), None)
    return None if chosen is None else str(chosen["id"])


def _millis(row: Json) -> int:
    return from_iso(row["properties"][_MODIFIED]) // 1_000

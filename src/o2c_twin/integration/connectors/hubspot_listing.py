"""Sweeping a HubSpot account: companies and won deals by search, 200 records a call, and what was archived.

Wire facts: HubSpot developer documentation, "Search the CRM" (10,000 results a query; a change may stay hidden from
search for 30 s), "Read a batch of objects" (100 a call, from the database itself), and the list of archived records.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from o2c_twin.integration.connectors.amounts import to_minor
from o2c_twin.integration.connectors.hubspot import _BATCH, _MODIFIED, _OBJECTS, HubSpotCrm
from o2c_twin.integration.connectors.hubspot_maps import HubSpotMaps
from o2c_twin.integration.connectors.instants import from_iso
from o2c_twin.integration.reconcile.contract import Field, Shape, Type
from o2c_twin.integration.reconcile.ports import Gone, Kind, Row, Value
from o2c_twin.integration.runtime.errors import CallFailed

_SAMPLE = 20
_ARCHIVED = "100"
"""Archived records a call lists at most."""
_OBJECT: dict[Kind, str] = {"customer": "companies", "deal": "deals"}
_WON = "dealstage"
_MAYBE, _NOTE = Field("text", optional=True), Field("text", optional=True, needed=False)
_HEAD = {"hs_object_id": Field("number"), "createdate": Field("instant", needed=False), _MODIFIED: Field("instant")}


def shapes_of(maps: HubSpotMaps) -> Mapping[Kind, Shape]:
    """The records as they are expected: the properties the maps read, and what a deal is told of."""
    company = dict(_HEAD)
    erp_id = maps.company_to_party.sources_of("erp_id")
    for name in maps.company_properties.split(","):
        path = f"properties.{name}"
        found, _ = maps.company_to_party.source_field(path)
        kind: Type = "number" if found.type == "number" else "text"
        company[name] = _NOTE if (path,) == erp_id else Field(kind, optional=True)
    deal = {
        **_HEAD,
        _WON: Field("text"),
        "hs_primary_associated_company": _MAYBE,
        "amount": Field("number", optional=True, needed=False),
        "deal_currency_code": _NOTE,
        **dict.fromkeys(maps.notes.values(), _NOTE),
    }
    return {"customer": Shape("companies", company), "deal": Shape("deals", deal)}


class HubSpotListing:
    """The listings of an account, with the app of its connector: a part of it, in a module of its own.

    A sample is of properties, for the frame around them is the same for all types.
    """

    tells_deleted = True
    lags = True

    def __init__(self, crm: HubSpotCrm) -> None:
        self.system = crm.system
        self.shapes = shapes_of(crm.maps)
        noted = crm.maps.notes.values()
        self._fields: dict[Kind, tuple[str, ...]] = {
            "customer": (*crm.maps.company_properties.split(","), _MODIFIED),
            "deal": (_WON, "hs_primary_associated_company", "amount", "deal_currency_code", *noted, _MODIFIED),
        }
        self._crm = crm
        self._last: dict[Kind, Sequence[Mapping[str, object]]] = {}

    async def listing(self, kind: Kind, since: int, until: int) -> list[Row]:
        """Companies, or won deals, changed in that span; the span of a page begins where the last one ended."""
        crm = self._crm
        filters: list[dict[str, Any]] = [{"propertyName": _MODIFIED, "operator": "LTE", "value": str(until // 1_000)}]
        if kind == "deal":
            filters.append({"propertyName": _WON, "operator": "IN", "values": list(crm._won_stages)})
        found = await crm._changed(_OBJECT[kind], since, filters, list(self._fields[kind]), "sweep")
        with crm._wire.reading(f"list {kind}"):
            # One that changes while it is listed comes twice, its last version last.
            records = list({record["id"]: record for record in found}.values())
            self._last[kind] = [record["properties"] for record in records[:_SAMPLE]]
        return [row for row in self._rows(kind, records) if row.unread or row.at > since]

    async def named(self, kind: Kind, ids: Sequence[str]) -> list[Row]:
        """The records of these ids, as they are now and not as search remembers them; a deal also when not won."""
        crm, operation, rows = self._crm, f"list {kind}", []
        path = f"{_OBJECTS}/{_OBJECT[kind]}/batch/read"
        names = [id_ for id_ in ids if id_.isascii() and id_.isdecimal()]
        for first in range(0, len(names), _BATCH):
            inputs = [{"id": id_} for id_ in names[first : first + _BATCH]]
            body = {"inputs": inputs, "properties": self._fields[kind]}
            # Those that are not there are told as errors beside the results.
            page = crm._wire.json(operation, await crm._call(operation, "POST", path, None, body, "sweep"))
            with crm._wire.reading(operation):
                records: list[dict[str, Any]] = page["results"]
            rows += self._rows(kind, records)
        return rows

    async def deleted(self, kind: Kind, since: int, known: Sequence[str] = ()) -> list[Gone]:
        """Records archived since: the list of all that are archived, for it cannot be asked by date."""
        crm, gone = self._crm, []
        query = {"archived": "true", "limit": _ARCHIVED, "properties": "hs_object_id"}
        while True:
            answer = await crm._call("deleted", "GET", f"{_OBJECTS}/{_OBJECT[kind]}", query, None, "sweep")
            page = crm._wire.json("deleted", answer)
            with crm._wire.reading("deleted"):
                gone += [Gone(kind, each["id"], from_iso(each["archivedAt"])) for each in page["results"]]
                following = page.get("paging", {}).get("next", {}).get("after")
            if not following:
                return [each for each in gone if each.at >= since]
            query = {**query, "after": following}

    def kept(self, field: str, value: Value) -> Value:
        """As it is."""
        return value

    def sample(self, kind: Kind) -> Sequence[Mapping[str, object]]:
        """Properties of the first records of the last listing."""
        return self._last.get(kind, ())

    def _rows(self, kind: Kind, records: Sequence[dict[str, Any]]) -> list[Row]:
        with self._crm._wire.reading(f"list {kind}"):
            missing = next(
                (name for record in records for name in self._fields[kind] if name not in record["properties"]), ""
            )
        if missing:
            # The vendor passes over what it does not know; read on, and every record would seem to have lost it.
            detail = f"there is no property {missing} of {_OBJECT[kind]}; make it again, or release the sweep without"
            raise CallFailed(self.system, f"list {kind}", "rejected", detail)
        with self._crm._wire.reading(f"list {kind}"):
            return [self._row(kind, record) for record in records]

    def _row(self, kind: Kind, record: dict[str, Any]) -> Row:
        id_, told = record["id"], record["properties"]
        try:
            at = from_iso(told[_MODIFIED])
            return self._deal(id_, told, at) if kind == "deal" else self._company(id_, told, at)
        except (KeyError, TypeError, ValueError, ArithmeticError) as strange:
            # One record that makes no sense is no reason to see none.
            return Row(kind, id_, 0, {}, unread=f"{type(strange).__name__}: {strange}")

    def _company(self, id_: str, told: dict[str, Any], at: int) -> Row:
        party = self._crm.party_of({"id": id_, "properties": told, "updatedAt": told[_MODIFIED]})
        fields: dict[str, Value] = {
            "name": party.name,
            "number": party.number,
            "terms_days": party.terms_days,
            "credit_limit_minor": party.credit_limit_minor,
            "email": party.email,
            "erp_id": party.erp_id,
            "entity": party.entity,
        }
        return Row("customer", id_, at, fields, event=self._crm._party_event(id_, at // 1_000))

    def _deal(self, id_: str, told: dict[str, Any], at: int) -> Row:
        crm, company = self._crm, told["hs_primary_associated_company"]
        fields: dict[str, Value] = {name: told[field] or None for name, field in crm.maps.notes.items()}
        fields |= {"account": company, "won": "yes" if told[_WON] in crm._won_stages else "no"}
        amount, currency = told["amount"], told["deal_currency_code"] or crm._currency
        minor = 0 if amount is None else to_minor(amount, currency)
        return Row("deal", id_, at, fields, minor, crm._deal_event(id_, company, at // 1_000))

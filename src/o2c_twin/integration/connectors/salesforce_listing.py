"""Sweeping a Salesforce org: accounts and won deals by SOQL, 2,000 rows a call, and what was deleted.

Wire facts: REST API Developer Guide, Query and sObject Get Deleted (dates cut to the minute, 30 days back at most);
Composite (its subrequests together are one call of the limits; five of them may be queries).
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from o2c_twin.integration.connectors.amounts import to_minor
from o2c_twin.integration.connectors.instants import from_iso, to_iso
from o2c_twin.integration.connectors.salesforce import _API, SalesforceCrm
from o2c_twin.integration.connectors.salesforce_maps import CURRENCY, SalesforceMaps
from o2c_twin.integration.ports import Clock
from o2c_twin.integration.reconcile.contract import Field, Shape, Type
from o2c_twin.integration.reconcile.ports import Gone, Kind, Row, Survey, Value

_MICRO = 1_000_000
_MINUTE = 60 * _MICRO
# An address may have 16 kB: an id takes 21 of them.
_IDS = 400
_SAMPLE = 20
_OBJECT: dict[Kind, str] = {"customer": "Account", "deal": "Opportunity"}
_TEXT, _NOTE = Field("text"), Field("text", optional=True, needed=False)
_TYPES: Mapping[str, Type] = {"number": "number", "iso-instant": "instant", "flag": "boolean"}


def shapes_of(maps: SalesforceMaps, several: bool = False) -> Mapping[Kind, Shape]:
    """The records as they are expected: the fields the maps read, and what a deal is told of.

    ``several``: the org has several currencies, and each record one of its own.
    """
    currency = {CURRENCY: _TEXT} if several else {}
    account: dict[str, Field] = {"attributes": Field("record", optional=True, needed=False), **currency}
    erp_id = maps.account_to_party.sources_of("erp_id")
    for name in maps.account_fields.split(","):
        found, loose = maps.account_to_party.source_field(name)
        account[name] = _NOTE if (name,) == erp_id else Field(_TYPES.get(found.type, "text"), optional=loose)
    deal = {
        "attributes": Field("record", optional=True, needed=False),
        "Id": _TEXT,
        "AccountId": Field("text", optional=True),
        "IsWon": Field("boolean"),
        "Amount": Field("number", optional=True, needed=False),
        "SystemModstamp": Field("instant"),
        **currency,
        **dict.fromkeys(maps.notes.values(), _NOTE),
    }
    return {"customer": Shape("Account", account), "deal": Shape("Opportunity", deal)}


def _changed(kind: Kind, since: int, until: int) -> str:
    """Accounts, or won deals, changed in a span."""
    won = " AND IsWon = true" if kind == "deal" else ""
    return f"SystemModstamp > {to_iso(since)} AND SystemModstamp <= {to_iso(until)}{won} ORDER BY SystemModstamp"


def _deleted_path(kind: Kind) -> str:
    return f"{_API}/sobjects/{_OBJECT[kind]}/deleted/"


class SalesforceListing:
    """The listings of an org, over the session of its connector: a part of it, in a module of its own."""

    tells_deleted = True
    lags = False

    def __init__(self, crm: SalesforceCrm, clock: Clock) -> None:
        self._clock = clock
        self.system = crm.system
        several = crm._several
        self.shapes = shapes_of(crm.maps, several)
        currency = (CURRENCY,) if several else ()
        deal = ("Id", "AccountId", "IsWon", "Amount", "SystemModstamp", *currency, *crm.maps.notes.values())
        self._fields: dict[Kind, str] = {"customer": crm._account_fields, "deal": ",".join(deal)}
        self._crm = crm
        self._last: dict[Kind, Sequence[Mapping[str, object]]] = {}

    async def listing(self, kind: Kind, since: int, until: int) -> list[Row]:
        """Accounts, or won deals, changed in that span."""
        records = await self._select(kind, _changed(kind, since, until))
        self._last[kind] = records[:_SAMPLE]
        return self._rows(kind, records)

    async def survey(self, since: int, until: int, gone_since: int) -> Survey:
        """Accounts, won deals and what was deleted of both in one call; what it refuses of that is left out."""
        crm, operation = self._crm, "survey"
        span = self._minutes(gone_since)
        asked: dict[str, str] = {}
        for kind in _OBJECT:
            asked[f"list_{kind}"] = f"{_API}/query/?q={quote(self._soql(kind, _changed(kind, since, until)))}"
            if span is not None:
                asked[f"gone_{kind}"] = f"{_deleted_path(kind)}?{urlencode(span)}"
        requests = [{"method": "GET", "url": url, "referenceId": name} for name, url in asked.items()]
        answer = await crm._call(operation, "POST", f"{_API}/composite", None, {"compositeRequest": requests}, "sweep")
        with crm._wire.reading(operation):
            told = {
                each["referenceId"]: each["body"]
                for each in crm._wire.json(operation, answer)["compositeResponse"]
                if each["httpStatusCode"] == 200
            }
        rows: dict[Kind, Sequence[Row]] = {}
        gone: dict[Kind, Sequence[Gone]] = {} if span is not None else dict.fromkeys(_OBJECT, ())
        for kind in _OBJECT:
            if f"list_{kind}" in told:
                records = await self._all(f"list {kind}", told[f"list_{kind}"])
                self._last[kind] = records[:_SAMPLE]
                rows[kind] = self._rows(kind, records)
            if f"gone_{kind}" in told:
                gone[kind] = self._gone(kind, told[f"gone_{kind}"])
        return Survey(rows, gone)

    async def named(self, kind: Kind, ids: Sequence[str]) -> list[Row]:
        """The records of these ids; a deal also when it is not won."""
        rows: list[Row] = []
        for first in range(0, len(ids), _IDS):
            names = ",".join(f"'{id_}'" for id_ in ids[first : first + _IDS])
            rows += self._rows(kind, await self._select(kind, f"Id IN ({names})"))
        return rows

    async def deleted(self, kind: Kind, since: int, known: Sequence[str] = ()) -> list[Gone]:
        """Records deleted since, from the vendor's log of deletions."""
        span = self._minutes(since)
        if span is None:
            return []
        crm = self._crm
        answer = await crm._call("deleted", "GET", _deleted_path(kind), span, None, "sweep")
        return self._gone(kind, crm._wire.json("deleted", answer))

    def _minutes(self, since: int) -> dict[str, str] | None:
        """The span a log of deletions is asked for; None where it is none yet."""
        start = -(-since // _MINUTE) * _MINUTE
        # Whole minutes, the present one not yet: what is deleted in it is told next time.
        end = self._clock.now() // _MINUTE * _MINUTE
        return {"start": to_iso(start), "end": to_iso(end)} if start < end else None

    def _gone(self, kind: Kind, told: Mapping[str, Any]) -> list[Gone]:
        with self._crm._wire.reading("deleted"):
            return [Gone(kind, row["id"], from_iso(row["deletedDate"])) for row in told["deletedRecords"]]

    def kept(self, field: str, value: Value) -> Value:
        """As it is."""
        return value

    def sample(self, kind: Kind) -> Sequence[Mapping[str, object]]:
        """The first records of the last listing."""
        return self._last.get(kind, ())

    async def _select(self, kind: Kind, where: str) -> list[dict[str, Any]]:
        crm, operation = self._crm, f"list {kind}"
        answer = await crm._call(operation, "GET", f"{_API}/query/", {"q": self._soql(kind, where)}, None, "sweep")
        return await self._all(operation, crm._wire.json(operation, answer))

    def _soql(self, kind: Kind, where: str) -> str:
        return f"SELECT {self._fields[kind]} FROM {_OBJECT[kind]} WHERE {where}"

    async def _all(self, operation: str, page: dict[str, Any]) -> list[dict[str, Any]]:
        """The records of a result and of the pages that follow it."""
        crm, records = self._crm, []
        while True:
            with crm._wire.reading(operation):
                records.extend(page["records"])
                following = None if page["done"] else page["nextRecordsUrl"]
            if following is None:
                return records
            answer = await crm._call(operation, "GET", following, None, None, "sweep")
            page = crm._wire.json(operation, answer)

    def _rows(self, kind: Kind, records: Sequence[dict[str, Any]]) -> list[Row]:
        with self._crm._wire.reading(f"list {kind}"):
            return [self._row(kind, record) for record in records]

    def _row(self, kind: Kind, record: dict[str, Any]) -> Row:
        id_ = record["Id"]
        try:
            return self._deal(record) if kind == "deal" else self._account(record)
        except (KeyError, TypeError, ValueError, ArithmeticError) as strange:
            # One record that makes no sense is no reason to see none.
            return Row(kind, id_, 0, {}, unread=f"{type(strange).__name__}: {strange}")

    def _account(self, record: dict[str, Any]) -> Row:
        party = self._crm.party_of(record)
        fields: dict[str, Value] = {
            "name": party.name,
            "number": party.number,
            "terms_days": party.terms_days,
            "credit_limit_minor": party.credit_limit_minor,
            "email": party.email,
            "erp_id": party.erp_id,
            "entity": party.entity,
        }
        event = self._crm._party_event(record["Id"], record["SystemModstamp"])
        return Row("customer", record["Id"], party.modified_at, fields, event=event, currency=party.currency)

    def _deal(self, record: dict[str, Any]) -> Row:
        fields: dict[str, Value] = {name: record[field] or None for name, field in self._crm.maps.notes.items()}
        fields |= {"account": record["AccountId"], "won": "yes" if record["IsWon"] else "no"}
        amount = record["Amount"]
        event = self._crm._deal_event(record["Id"], record["AccountId"], record["SystemModstamp"])
        currency = str(record[CURRENCY]) if self._crm._several else self._crm._currency
        minor = 0 if amount is None else to_minor(amount, currency)
        return Row("deal", record["Id"], event.source_at, fields, minor, event, currency=currency)

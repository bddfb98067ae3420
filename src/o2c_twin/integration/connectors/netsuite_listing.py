"""Sweeping a NetSuite account: customers and documents by SuiteQL, 1,000 rows a call, and the table of deletions.

All documents are rows of one table, and all deletions of another: three questions tell of everything.

Wire facts: SuiteTalk REST Web Services documentation, "Executing SuiteQL Queries"; the table DeletedRecord as
published queries use it (timdietrich.me).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from o2c_twin.integration.connectors.amounts import to_minor
from o2c_twin.integration.connectors.instants import from_iso, to_iso
from o2c_twin.integration.connectors.netsuite import TO_BILL, NetSuiteErp
from o2c_twin.integration.connectors.netsuite_client import STAMP
from o2c_twin.integration.connectors.netsuite_currencies import COLUMN
from o2c_twin.integration.reconcile.contract import Field, Shape
from o2c_twin.integration.reconcile.ports import Gone, Kind, Row, Survey, Value

_IDS = 500
_SAMPLE = 20
_FIRST_DAY = "1970-01-01 00:00:00"
_MODIFIED = f"TO_CHAR(lastmodifieddate,'{STAMP}') AS modified"
_TYPE: dict[Kind, str] = {"order": "SalesOrd", "shipment": "ItemShip", "invoice": "CustInvc"}
_RECORD: dict[Kind, str] = {
    "customer": "customer",
    "order": "salesorder",
    "shipment": "itemfulfillment",
    "invoice": "invoice",
}
_FIELDS: dict[Kind, str] = {
    "customer": f"id, entityid, companyname, email, externalid, creditlimit, BUILTIN.DF(terms) AS net, {_MODIFIED}",
    "order": f"id, tranid, entity, externalid, BUILTIN.DF(status) AS state, foreigntotal, {_MODIFIED}",
    "shipment": f"id, tranid, createdfrom, {_MODIFIED}",
    "invoice": f"id, tranid, createdfrom, foreigntotal, foreignamountunpaid, {_MODIFIED}",
}
_DOCUMENTS: tuple[Kind, ...] = ("order", "shipment", "invoice")
_DOCUMENT = (
    "id, type, tranid, entity, externalid, BUILTIN.DF(status) AS state, createdfrom, foreigntotal, foreignamountunpaid,"
    f" {_MODIFIED}"
)
_OF_DOCUMENTS = frozenset(
    ("type", "tranid", "entity", "externalid", "state", "createdfrom", "foreigntotal", "foreignamountunpaid")
)
_TEXT, _NUMBER, _MAYBE = Field("text"), Field("number"), Field("text", optional=True)
_HEAD = {
    COLUMN: Field("number", optional=True, needed=False),
    "links": Field("list", optional=True, needed=False),
    "id": _NUMBER,
    "modified": Field("instant"),
}

SHAPES: Mapping[Kind, Shape] = {
    "customer": Shape(
        "customer",
        {
            **_HEAD,
            "entityid": _TEXT,
            "companyname": _TEXT,
            "email": _MAYBE,
            "externalid": _MAYBE,
            "creditlimit": Field("number", optional=True),
            "net": _MAYBE,
        },
    ),
    "order": Shape(
        "transaction (SalesOrd)",
        {
            **_HEAD,
            "tranid": _TEXT,
            "entity": _NUMBER,
            "externalid": _MAYBE,
            "state": _TEXT,
            "foreigntotal": _NUMBER,
        },
    ),
    "shipment": Shape("transaction (ItemShip)", {**_HEAD, "tranid": _TEXT, "createdfrom": _NUMBER}),
    "invoice": Shape(
        "transaction (CustInvc)",
        {
            **_HEAD,
            "tranid": _TEXT,
            "createdfrom": Field("number", optional=True),
            "foreigntotal": _NUMBER,
            "foreignamountunpaid": _NUMBER,
        },
    ),
}


class NetSuiteListing:
    """The listings of an account, signed as its connector signs: a part of it, in a module of its own."""

    tells_deleted = True
    lags = False

    def __init__(self, erp: NetSuiteErp) -> None:
        self.system = erp.system
        self.shapes = SHAPES
        self._erp = erp
        self._client = erp._client
        self._last: dict[Kind, Sequence[Mapping[str, object]]] = {}

    async def listing(self, kind: Kind, since: int, until: int) -> list[Row]:
        """Records changed in that span; SuiteQL's clock has seconds, so the first one is taken whole."""
        records = await self._changed(f"list {kind}", await self._question(kind), since, until)
        self._last[kind] = records[:_SAMPLE]
        return self._rows(kind, records)

    async def survey(self, since: int, until: int, gone_since: int) -> Survey:
        """The documents of all types from their one table, and what was deleted of any."""
        types = {_TYPE[kind]: kind for kind in _DOCUMENTS}
        names = ", ".join(f"'{name}'" for name in types)
        await self._erp.learn_currencies()
        question = self._erp.currencies.with_column(f"SELECT {_DOCUMENT} FROM transaction WHERE type IN ({names}) AND ")
        records = await self._changed("list documents", question, since, until)
        split: dict[Kind, list[dict[str, Any]]] = {kind: [] for kind in _DOCUMENTS}
        with self._client.wire.reading("list documents"):
            for record in records:
                kind = types[record["type"]]
                # As it would have been told by itself: without what was asked for the other types.
                others = _OF_DOCUMENTS - SHAPES[kind].fields.keys()
                split[kind].append({name: value for name, value in record.items() if name not in others})
        self._last |= {kind: of_kind[:_SAMPLE] for kind, of_kind in split.items()}
        gone = await self._gone(("customer", "order"), gone_since)
        return Survey({kind: self._rows(kind, of_kind) for kind, of_kind in split.items()}, gone)

    async def _question(self, kind: Kind) -> str:
        await self._erp.learn_currencies()
        # A shipment has no money.
        return _select(kind) if kind == "shipment" else self._erp.currencies.with_column(_select(kind))

    async def _changed(self, operation: str, question: str, since: int, until: int) -> list[dict[str, Any]]:
        end = _stamp(until)
        begin, offset, more = _stamp(since), 0, True
        found: dict[str, dict[str, Any]] = {}
        while more:
            span = f"lastmodifieddate >= {_date(begin)} AND lastmodifieddate <= {_date(end)}"
            rows, more = await self._client.page(
                operation, f"{question}{span} ORDER BY lastmodifieddate, id", offset, "sweep"
            )
            with self._client.wire.reading(operation):
                found.update({str(row["id"]): row for row in rows})
                # What changes while it is listed moves to the end: the next page begins at the last stamp.
                last = rows[-1]["modified"] if rows else begin
            begin, offset = (begin, offset + len(rows)) if last == begin else (last, 0)
        return list(found.values())

    async def named(self, kind: Kind, ids: Sequence[str]) -> list[Row]:
        """The records of these internal ids."""
        rows: list[Row] = []
        question = await self._question(kind)
        for first in range(0, len(ids), _IDS):
            names = ", ".join(id_ for id_ in ids[first : first + _IDS] if id_.isascii() and id_.isdecimal())
            if names:
                found, _ = await self._client.page(f"list {kind}", f"{question}id IN ({names})", 0, "sweep")
                rows += self._rows(kind, found)
        return rows

    async def deleted(self, kind: Kind, since: int, known: Sequence[str] = ()) -> list[Gone]:
        """Records deleted since, from the account's table of deletions."""
        return (await self._gone((kind,), since))[kind]

    async def _gone(self, kinds: Sequence[Kind], since: int) -> dict[Kind, list[Gone]]:
        stamp = f"TO_CHAR(deleteddate,'{STAMP}') AS deleted"
        named = {_RECORD[kind]: kind for kind in kinds}
        names = ", ".join(f"'{name}'" for name in named)
        where = f"type IN ({names}) AND deleteddate >= {_date(_stamp(since))}"
        q = f"SELECT recordid, type, {stamp} FROM deletedrecord WHERE {where} ORDER BY deleteddate, recordid"
        found: dict[Kind, list[Gone]] = {kind: [] for kind in kinds}
        count, more = 0, True
        while more:
            rows, more = await self._client.page("deleted", q, count, "sweep")
            count += len(rows)
            with self._client.wire.reading("deleted"):
                for row in rows:
                    kind = named[row["type"]]
                    found[kind].append(Gone(kind, str(row["recordid"]), from_iso(row["deleted"])))
        return found

    def kept(self, field: str, value: Value) -> Value:
        """As it is."""
        return value

    def sample(self, kind: Kind) -> Sequence[Mapping[str, object]]:
        """The first records of the last listing."""
        return self._last.get(kind, ())

    def _rows(self, kind: Kind, records: Sequence[dict[str, Any]]) -> list[Row]:
        with self._client.wire.reading(f"list {kind}"):
            return [self._readable(kind, str(record["id"]), record) for record in records]

    def _readable(self, kind: Kind, id_: str, record: dict[str, Any]) -> Row:
        try:
            return self._row(kind, id_, record)
        except (KeyError, TypeError, ValueError, ArithmeticError) as strange:
            # One record that makes no sense is no reason to see none.
            return Row(kind, id_, 0, {}, unread=f"{type(strange).__name__}: {strange}")

    def _row(self, kind: Kind, id_: str, record: dict[str, Any]) -> Row:
        at = from_iso(record["modified"])
        if kind == "customer":
            return Row(kind, id_, at, self._customer(record), currency=self._currency(record))
        if kind == "order":
            return self._order(record, id_, at)
        order = record.get("createdfrom")
        fields: dict[str, Value] = {"number": record["tranid"], "order": None if order is None else str(order)}
        if kind == "shipment":
            return Row(kind, id_, at, fields, event=self._erp._events.event("delivery", id_, str(order), at))
        total, unpaid = self._minor(record["foreigntotal"]), self._minor(record["foreignamountunpaid"])
        fields["state"] = "paid" if unpaid == 0 else "open" if unpaid == total else "part paid"
        event = self._erp._events.event("invoice", id_, str(order or id_), at)
        return Row(kind, id_, at, fields, total, event, currency=self._currency(record))

    def _customer(self, record: dict[str, Any]) -> dict[str, Value]:
        limit, net = record.get("creditlimit"), record.get("net")
        return {
            "name": record["companyname"],
            "number": record["entityid"],
            "terms_days": None if net is None else _days(net),
            "credit_limit_minor": None if limit is None else self._minor(limit),
            "email": record.get("email"),
            "external_id": record.get("externalid"),
        }

    def _order(self, record: dict[str, Any], id_: str, at: int) -> Row:
        # "Sales Order : Pending Billing": the screen's name of a status has its type before it.
        status = record["state"].rpartition(" : ")[2]
        fields: dict[str, Value] = {
            "number": record["tranid"],
            "external_id": record.get("externalid"),
            "customer": str(record["entity"]),
            **self._erp.maps.state_of(status),
            "to_bill": "yes" if status in TO_BILL else "no",
        }
        total = self._minor(record["foreigntotal"])
        event = self._erp._events.event("order-status", id_, id_, at)
        return Row("order", id_, at, fields, total, event, currency=self._currency(record))

    def _currency(self, record: dict[str, Any]) -> str:
        return self._erp.currencies.code(record)

    def _minor(self, amount: str) -> int:
        return to_minor(amount, self._erp._currency)


def _select(kind: Kind) -> str:
    """The question for a kind, up to its condition."""
    if kind == "customer":
        return f"SELECT {_FIELDS[kind]} FROM customer WHERE "
    return f"SELECT {_FIELDS[kind]} FROM transaction WHERE type = '{_TYPE[kind]}' AND "


def _stamp(at: int) -> str:
    return to_iso(at, "seconds")[:-1].replace("T", " ") if at > 0 else _FIRST_DAY


def _date(stamp: str) -> str:
    return f"TO_DATE('{stamp}','{STAMP}')"


def _days(net: str) -> int:
    """Days of "Net 30"; terms without a figure are due at once."""
    digits = "".join(character for character in net if character.isdigit())
    return int(digits) if digits else 0

"""Sweeping a Business Central company: sets by ``lastModifiedDateTime``, 20,000 rows a page, and what is there no more.

Wire facts: Microsoft Learn, "Using filters with API calls", "Operational limits" (page of 20,000); microsoft/
ALAppExtensions, Apps/W1/APIV2 (an order is deleted with its last invoice). A deleted record leaves no row, and delta
links were removed with version 24: what is gone is known by its not being among all ids.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from o2c_twin.integration.connectors.amounts import to_minor
from o2c_twin.integration.connectors.business_central import BusinessCentralErp
from o2c_twin.integration.connectors.business_central_client import Rows
from o2c_twin.integration.connectors.business_central_maps import NO_ID, fulfilment_of, key_of
from o2c_twin.integration.connectors.instants import from_iso, to_iso
from o2c_twin.integration.reconcile.contract import Field, Shape
from o2c_twin.integration.reconcile.ports import UNDATED, Gone, Kind, Row, Value

_IDS = 40
"""Conditions in one address."""
_SAMPLE = 20
_SET: dict[Kind, str] = {
    "customer": "customers",
    "order": "salesOrders",
    "shipment": "salesShipments",
    "invoice": "salesInvoices",
}
_ORDER = (
    "id,number,customerId,status,fullyShipped,totalAmountIncludingTax,currencyCode,externalDocumentNumber,"
    "lastModifiedDateTime"
)
_INVOICE = (
    "id,number,orderId,orderNumber,customerId,status,totalAmountIncludingTax,remainingAmount,lastModifiedDateTime"
)
_SELECT: dict[Kind, str] = {
    "customer": "id,number,displayName,email,creditLimit,paymentTermsId,lastModifiedDateTime",
    "order": _ORDER,
    "shipment": "id,number,orderNumber,lastModifiedDateTime",
    "invoice": _INVOICE,
}
_COMMENTS = "($filter=lineType eq 'Comment';$select=lineType,description)"
_EXPAND: dict[Kind, str] = {
    "order": "salesOrderLines($select=lineType,description,shippedQuantity,invoicedQuantity)",
    "invoice": f"salesInvoiceLines{_COMMENTS}",
}
_TEXT, _NUMBER = Field("text"), Field("number")
_HEAD = {"@odata.etag": Field("text", optional=True, needed=False), "id": _TEXT, "number": _TEXT}
_STAMP = {"lastModifiedDateTime": Field("instant")}

SHAPES: Mapping[Kind, Shape] = {
    "customer": Shape(
        "customer",
        {
            **_HEAD,
            "displayName": _TEXT,
            "email": Field("text", needed=False),
            "creditLimit": _NUMBER,
            "paymentTermsId": _TEXT,
            **_STAMP,
        },
    ),
    "order": Shape(
        "salesOrder",
        {
            **_HEAD,
            "customerId": _TEXT,
            "status": _TEXT,
            "fullyShipped": Field("boolean"),
            "totalAmountIncludingTax": _NUMBER,
            "currencyCode": Field("text", needed=False),
            "externalDocumentNumber": Field("text", needed=False),
            "salesOrderLines": Field("list"),
            **_STAMP,
        },
    ),
    "shipment": Shape("salesShipment", {**_HEAD, "orderNumber": _TEXT, **_STAMP}),
    "invoice": Shape(
        "salesInvoice",
        {
            **_HEAD,
            "orderId": _TEXT,
            "orderNumber": Field("text", optional=True),
            "customerId": _TEXT,
            "status": _TEXT,
            "totalAmountIncludingTax": _NUMBER,
            "remainingAmount": _NUMBER,
            "salesInvoiceLines": Field("list"),
            **_STAMP,
        },
    ),
}


class BusinessCentralListing:
    """The listings of a company, signed in as its connector is: a part of it, in a module of its own.

    An order that is gone into its last invoice is listed as the invoices tell of it.
    """

    tells_deleted = False
    lags = False

    def __init__(self, erp: BusinessCentralErp) -> None:
        self.system = erp.system
        self.shapes = SHAPES
        self._erp = erp
        self._last: dict[Kind, Sequence[Mapping[str, object]]] = {}
        self._days: dict[str, int] = {}
        self._order_ids: dict[str, str] = {}
        """Order ids by number: a shipment tells the number only."""
        self._invoices: dict[int, Rows] = {}
        """The invoices read with the orders of a whole listing, for the listing of invoices that comes with it."""

    async def listing(self, kind: Kind, since: int, until: int) -> list[Row]:
        """Records changed in that span; stamps have milliseconds, so the first one is taken whole and sorted out."""
        whole, at_hand = since <= 0, self._invoices.pop(until, None) if kind == "invoice" else None
        records = at_hand if whole and at_hand is not None else await self._changed(kind, since, until)
        self._last[kind] = records[:_SAMPLE]
        rows = await self._rows(kind, records)
        if kind == "order" and whole:
            seen = {row.id for row in rows}
            # Read after the orders: one that goes into its last invoice meanwhile is seen twice, and never missed.
            invoices = await self._changed("invoice", since, until)
            self._invoices = {until: invoices}
            rows += [row for row in self._invoiced(invoices) if row.id not in seen]
        return [row for row in rows if row.unread or row.at > since]

    async def _changed(self, kind: Kind, since: int, until: int) -> Rows:
        span = f"lastModifiedDateTime le {to_iso(until)}"
        if since > 0:
            span = f"lastModifiedDateTime ge {to_iso(since // 1_000 * 1_000)} and {span}"
        return await self._ask(kind, span)

    async def named(self, kind: Kind, ids: Sequence[str]) -> list[Row]:
        """The records of these ids."""
        wanted = [id_ for id_ in ids if _is_guid(id_)]
        rows = await self._rows(kind, await self._by(kind, "id", wanted))
        if kind == "order":
            seen = {row.id for row in rows}
            rows += self._invoiced(await self._by("invoice", "orderId", [id_ for id_ in wanted if id_ not in seen]))
        return rows

    async def deleted(self, kind: Kind, since: int, known: Sequence[str] = ()) -> list[Gone]:
        """Those of the known ids that are not there: asked for by name when they are few, else all ids are read."""
        if len(known) <= _IDS:
            there = {row.id for row in await self.named(kind, known)}
        else:
            there = await self._ids(kind)
        return [Gone(kind, id_, UNDATED) for id_ in known if id_ not in there]

    async def _ids(self, kind: Kind) -> set[str]:
        sets = [(_SET[kind], "id"), *([("salesInvoices", "orderId")] if kind == "order" else [])]
        there: set[str] = set()
        for set_, name in sets:
            rows = await self._erp._client.rows("deleted", set_, {"$select": name}, "sweep")
            with self._erp._reading("deleted"):
                there.update(row[name] for row in rows)
        return there

    def kept(self, field: str, value: Value) -> Value:
        """Numbers are codes: in capitals."""
        return value.upper() if field == "number" and isinstance(value, str) else value

    def sample(self, kind: Kind) -> Sequence[Mapping[str, object]]:
        """The first records of the last listing."""
        return self._last.get(kind, ())

    # --- calls -----------------------------------------------------------------------------------

    async def _ask(self, kind: Kind, condition: str) -> Rows:
        query = {"$filter": condition, "$select": _SELECT[kind], "$orderby": "lastModifiedDateTime"}
        if kind in _EXPAND:
            query["$expand"] = _EXPAND[kind]
        rows = await self._erp._client.rows(f"list {kind}", _SET[kind], query, "sweep")
        with self._erp._reading(f"list {kind}"):
            # A draft is no invoice yet; what changes while it is listed may come twice.
            return list({row["id"]: row for row in rows if kind != "invoice" or row["status"] != "Draft"}.values())

    async def _by(self, kind: Kind, name: str, values: Sequence[str]) -> Rows:
        found: Rows = []
        for first in range(0, len(values), _IDS):
            found += await self._ask(kind, " or ".join(f"{name} eq {v}" for v in values[first : first + _IDS]))
        return found

    # --- rows ------------------------------------------------------------------------------------

    async def _rows(self, kind: Kind, records: Rows) -> list[Row]:
        with self._erp._reading(f"list {kind}"):
            if kind == "order":
                self._order_ids.update((record["number"], record["id"]) for record in records)
            terms = {record["paymentTermsId"] for record in records} if kind == "customer" else set()
            numbers = {record["orderNumber"] for record in records} if kind == "shipment" else set()
        if any(id_ not in self._days for id_ in terms):
            await self._read_terms()
        await self._find_orders(sorted(number for number in numbers if number and number not in self._order_ids))
        with self._erp._reading(f"list {kind}"):
            return [self._readable(kind, record) for record in records]

    async def _read_terms(self) -> None:
        query = {"$select": "id,dueDateCalculation"}
        rows = await self._erp._client.rows("list terms", "paymentTerms", query, "sweep")
        with self._erp._reading("list terms"):
            for row in rows:
                rule = row["dueDateCalculation"]
                self._days[row["id"]] = int(rule[:-1]) if rule[:-1].isdecimal() and rule.endswith("D") else 0

    async def _find_orders(self, numbers: Sequence[str]) -> None:
        """The ids of orders by their numbers; those gone into invoices, from these."""
        for set_, name, id_ in (("salesOrders", "number", "id"), ("salesInvoices", "orderNumber", "orderId")):
            missing = [number for number in numbers if number not in self._order_ids]
            for first in range(0, len(missing), _IDS):
                condition = " or ".join(f"{name} eq {_quoted(number)}" for number in missing[first : first + _IDS])
                query = {"$filter": condition, "$select": f"{name},{id_}"}
                rows = await self._erp._client.rows("list shipment", set_, query, "sweep")
                with self._erp._reading("list shipment"):
                    self._order_ids.update((row[name], row[id_]) for row in rows)

    def _readable(self, kind: Kind, record: dict[str, Any]) -> Row:
        try:
            return self._row(kind, record)
        except (KeyError, TypeError, ValueError, ArithmeticError) as strange:
            # One record that makes no sense is no reason to see none.
            return Row(kind, str(record["id"]), 0, {}, unread=f"{type(strange).__name__}: {strange}")

    def _row(self, kind: Kind, record: dict[str, Any]) -> Row:
        id_, at = record["id"], from_iso(record["lastModifiedDateTime"])
        events = self._erp._events
        if kind == "customer":
            return Row(kind, id_, at, self._customer(record))
        if kind == "order":
            lines = record["salesOrderLines"]
            shipped = [int(line.get("shippedQuantity", 0)) for line in lines]
            due = sum(shipped) - sum(int(line.get("invoicedQuantity", 0)) for line in lines)
            told = self._erp.maps.state_of(record["status"], fulfilment_of(record["fullyShipped"], shipped))
            return self._order(id_, record, at, lines, told, "yes" if due > 0 else "no")
        number = record["orderNumber"]
        events.remember(id_, number or "")
        if kind == "shipment":
            fields: dict[str, Value] = {"number": record["number"], "order": self._order_ids.get(number)}
            return Row(kind, id_, at, fields, event=events._event("delivery", id_, at))
        total, unpaid = self._minor(record["totalAmountIncludingTax"]), self._minor(record["remainingAmount"])
        state = "paid" if unpaid == 0 else "open" if unpaid == total else "part paid"
        order = None if record["orderId"] == NO_ID else record["orderId"]
        fields = {"number": record["number"], "order": order, "state": state}
        return Row(kind, id_, at, fields, total, events._event("invoice", id_, at))

    def _customer(self, record: dict[str, Any]) -> dict[str, Value]:
        # A limit of 0 is none.
        limit = self._minor(record["creditLimit"])
        return {
            "name": record["displayName"],
            "number": record["number"],
            "terms_days": self._days[record["paymentTermsId"]],
            "credit_limit_minor": limit or None,
            "email": record["email"] or None,
            "external_id": None,
        }

    def _order(
        self,
        id_: str,
        record: dict[str, Any],
        at: int,
        lines: Rows,
        state: Mapping[str, Value],
        to_bill: str,
        total: int | None = None,
    ) -> Row:
        number = record["number"]
        self._erp._events.remember(id_, number)
        self._order_ids[number] = id_
        fields: dict[str, Value] = {
            "number": number,
            "external_id": key_of(lines),
            "customer": record["customerId"],
            **state,
            "to_bill": to_bill,
        }
        amount = self._minor(record["totalAmountIncludingTax"]) if total is None else total
        return Row("order", id_, at, fields, amount, self._erp._events._event("order-status", id_, at))

    def _invoiced(self, invoices: Rows) -> list[Row]:
        """The orders of these invoices, as if the orders were gone: shipped, and nothing left to bill."""
        of_order: dict[str, Rows] = {}
        with self._erp._reading("list order"):
            for invoice in invoices:
                if invoice["orderId"] != NO_ID:
                    of_order.setdefault(invoice["orderId"], []).append(invoice)
            return [self._gone_order(id_, bills) for id_, bills in of_order.items()]

    def _gone_order(self, id_: str, bills: Rows) -> Row:
        try:
            last = bills[-1]
            total = sum(self._minor(bill["totalAmountIncludingTax"]) for bill in bills)
            at = max(from_iso(bill["lastModifiedDateTime"]) for bill in bills)
            head = {**last, "number": last["orderNumber"]}
            return self._order(id_, head, at, last["salesInvoiceLines"], self._erp.maps.gone_state, "no", total)
        except (KeyError, TypeError, ValueError, ArithmeticError) as strange:
            return Row("order", id_, 0, {}, unread=f"{type(strange).__name__}: {strange}")

    def _minor(self, amount: Any) -> int:
        return to_minor(amount, self._erp._currency)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _is_guid(text: str) -> bool:
    return len(text) == len(NO_ID) and text.replace("-", "").isalnum() and text.isascii()

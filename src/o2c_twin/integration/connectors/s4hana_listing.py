"""Sweeping an S/4HANA client: partners, orders, goods issues and invoices, 1,000 rows a page, and what is gone.

Wire facts: SAP Business Accelerator Hub, API_BUSINESS_PARTNER, API_CRDTMBUSINESSPARTNER, API_SALES_ORDER_SRV,
API_OUTBOUND_DELIVERY_SRV, API_BILLING_DOCUMENT_SRV. Customers are not deleted but marked (central archiving flag);
an order without followers can be deleted and leaves no row, so that one is known by its absence. Billing documents
are cancelled, never deleted.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from o2c_twin.integration.connectors.amounts import to_minor
from o2c_twin.integration.connectors.s4hana import S4HanaErp
from o2c_twin.integration.connectors.s4hana_changes import event_of
from o2c_twin.integration.connectors.s4hana_maps import (
    changed_at,
    days_of,
    issued_at,
    order_of_delivery,
    order_of_invoice,
)
from o2c_twin.integration.connectors.s4hana_wire import (
    ROOT,
    any_of,
    day_literal,
    instant,
    literal,
    offset_literal,
)
from o2c_twin.integration.mappings.spec import EACH
from o2c_twin.integration.reconcile.contract import Field, Shape
from o2c_twin.integration.reconcile.ports import UNDATED, Gone, Kind, Row, Value

_IDS = 40
"""Conditions in one address."""
_SAMPLE = 20
_DAY_US = 86_400_000_000
_ACCOUNTS = f"{ROOT}/API_CRDTMBUSINESSPARTNER/CreditManagementAccount"
_SET: dict[Kind, tuple[str, str]] = {
    "customer": (f"{ROOT}/API_BUSINESS_PARTNER/A_BusinessPartner", "BusinessPartner"),
    "order": (f"{ROOT}/API_SALES_ORDER_SRV/A_SalesOrder", "SalesOrder"),
    "shipment": (f"{ROOT}/API_OUTBOUND_DELIVERY_SRV/A_OutbDeliveryHeader", "DeliveryDocument"),
    "invoice": (f"{ROOT}/API_BILLING_DOCUMENT_SRV/A_BillingDocument", "BillingDocument"),
}
_ALWAYS: dict[Kind, str] = {
    "customer": "Customer ne ''",
    "shipment": "OverallGoodsMovementStatus eq 'C'",
    "invoice": "BillingDocumentType eq 'F2'",
}
_EMAIL, _COMPANY = "to_BusinessPartnerAddress/to_EmailAddress", "to_Customer/to_CustomerCompany"
_EXPAND: dict[Kind, str] = {
    "customer": f"{_EMAIL},{_COMPANY}",
    "shipment": "to_DeliveryDocumentItem",
    "invoice": "to_Item",
}
_SELECT: dict[Kind, str] = {
    "customer": "BusinessPartner,OrganizationBPName1,OrganizationBPName2,SearchTerm1,IsMarkedForArchiving,CreationDate,"
    f"CreationTime,LastChangeDate,LastChangeTime,{_EMAIL}/EmailAddress,{_COMPANY}/CompanyCode,{_COMPANY}/PaymentTerms",
    "order": "SalesOrder,ExternalDocumentID,SoldToParty,TotalNetAmount,TotalCreditCheckStatus,"
    "OverallTotalDeliveryStatus,OverallSDDocumentRejectionSts,LastChangeDateTime",
    "shipment": "DeliveryDocument,ActualGoodsMovementDate,ActualGoodsMovementTime,OverallDelivReltdBillgStatus,"
    "to_DeliveryDocumentItem/ReferenceSDDocument",
    "invoice": "BillingDocument,DocumentReferenceID,TotalGrossAmount,InvoiceClearingStatus,LastChangeDateTime,"
    "to_Item/SalesDocument",
}
_TEXT, _BLANK = Field("text"), Field("text", needed=False)
_HEAD = {"__metadata": Field("record", optional=True, needed=False)}
_STAMP = {"LastChangeDateTime": _TEXT}

SHAPES: Mapping[Kind, Shape] = {
    "customer": Shape(
        "A_BusinessPartner",
        {
            **_HEAD,
            "BusinessPartner": _TEXT,
            "OrganizationBPName1": _TEXT,
            "OrganizationBPName2": _TEXT,
            "SearchTerm1": _TEXT,
            "IsMarkedForArchiving": Field("boolean"),
            "CreationDate": Field("text", optional=True),
            "CreationTime": Field("text", optional=True),
            "LastChangeDate": Field("text", optional=True),
            "LastChangeTime": Field("text", optional=True),
            "to_BusinessPartnerAddress": Field("record"),
            "to_Customer": Field("record"),
        },
    ),
    "order": Shape(
        "A_SalesOrder",
        {
            **_HEAD,
            "SalesOrder": _TEXT,
            "ExternalDocumentID": _BLANK,
            "SoldToParty": _TEXT,
            "TotalNetAmount": Field("number"),
            "TotalCreditCheckStatus": _TEXT,
            "OverallTotalDeliveryStatus": _TEXT,
            "OverallSDDocumentRejectionSts": _TEXT,
            **_STAMP,
        },
    ),
    "shipment": Shape(
        "A_OutbDeliveryHeader",
        {
            **_HEAD,
            "DeliveryDocument": _TEXT,
            "ActualGoodsMovementDate": _TEXT,
            "ActualGoodsMovementTime": _TEXT,
            "OverallDelivReltdBillgStatus": _TEXT,
            "to_DeliveryDocumentItem": Field("record"),
        },
    ),
    "invoice": Shape(
        "A_BillingDocument",
        {
            **_HEAD,
            "BillingDocument": _TEXT,
            "DocumentReferenceID": _TEXT,
            "TotalGrossAmount": Field("number"),
            "InvoiceClearingStatus": _TEXT,
            "to_Item": Field("record"),
            **_STAMP,
        },
    ),
}


class S4HanaListing:
    """The listings of a client, in the session of its connector: a part of it, in a module of its own.

    A partner that is marked for archiving is not listed: to those who sell it is gone.
    """

    tells_deleted = False
    lags = False

    def __init__(self, erp: S4HanaErp) -> None:
        self.system = erp.system
        self.shapes = SHAPES
        self._erp = erp
        self._session = erp._session
        self._last: dict[Kind, Sequence[Mapping[str, object]]] = {}

    async def listing(self, kind: Kind, since: int, until: int) -> list[Row]:
        """Records changed in that span. Partners and goods issues are dated by day first, so that day is read whole."""
        records = await self._ask(kind, _since(kind, since) if since > 0 else "")
        limits: dict[str, dict[str, Any]] = {}
        if kind == "customer":
            day = f" and CreditLimitLastChangeDate ge {day_literal(since)}" if since > 0 else ""
            limits = await self._limits(day)
            records += await self._of_limits(records, limits) if since > 0 else []
            lacking = [record["BusinessPartner"] for record in records if record["BusinessPartner"] not in limits]
            limits |= await self._limits_of(lacking) if since > 0 else {}
        self._last[kind] = records[:_SAMPLE]
        rows = self._rows(kind, records, limits)
        return [row for row in rows if row.unread or since < row.at <= until]

    async def named(self, kind: Kind, ids: Sequence[str]) -> list[Row]:
        """The records of these numbers."""
        wanted = [id_ for id_ in ids if id_.isascii() and id_.isalnum()]
        records = await self._by(kind, wanted)
        return self._rows(kind, records, await self._limits_of(wanted) if kind == "customer" else {})

    async def deleted(self, kind: Kind, since: int, known: Sequence[str] = ()) -> list[Gone]:
        """Those of the known ids that are not there: asked for by name when they are few, else all numbers are read."""
        if len(known) <= _IDS:
            there = {row.id for row in await self.named(kind, known)}
        else:
            path, key = _SET[kind]
            query = {"$select": key, "$orderby": key}
            if kind == "customer":
                query["$filter"] = "IsMarkedForArchiving eq false"
            rows = await self._session.rows("deleted", path, query, "sweep")
            with self._session.wire.reading("deleted"):
                there = {row[key] for row in rows}
        return [Gone(kind, id_, UNDATED) for id_ in known if id_ not in there]

    def kept(self, field: str, value: Value) -> Value:
        """Names have two fields of 40 characters, numbers are a search term of 20."""
        if not isinstance(value, str):
            return value
        return value[:80] if field == "name" else value[:20] if field == "number" else value

    def sample(self, kind: Kind) -> Sequence[Mapping[str, object]]:
        """The first records of the last listing."""
        return self._last.get(kind, ())

    # --- calls -----------------------------------------------------------------------------------

    async def _ask(self, kind: Kind, condition: str) -> list[dict[str, Any]]:
        path, key = _SET[kind]
        query = {"$select": _SELECT[kind], "$orderby": key}
        conditions = [each for each in (_ALWAYS.get(kind, ""), condition) if each]
        if conditions:
            query["$filter"] = " and ".join(conditions)
        if kind in _EXPAND:
            query["$expand"] = _EXPAND[kind]
        rows = await self._session.rows(f"list {kind}", path, query, "sweep")
        with self._session.wire.reading(f"list {kind}"):
            # A page begins by number of rows: where one went away, the next page repeats or lacks one.
            found = {row[key]: row for row in rows}
            return [row for row in found.values() if not row.get("IsMarkedForArchiving")]

    async def _by(self, kind: Kind, ids: Sequence[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for first in range(0, len(ids), _IDS):
            found += await self._ask(kind, any_of(_SET[kind][1], list(ids[first : first + _IDS])))
        return found

    async def _limits(self, more: str) -> dict[str, dict[str, Any]]:
        """Credit accounts by partner."""
        condition = f"CreditSegment eq {literal(self._erp._at.credit_segment)}{more}"
        query = {
            "$filter": condition,
            "$orderby": "BusinessPartner",
            "$select": "BusinessPartner,CreditLimitAmount,CreditLimitIsZero",
        }
        rows = await self._session.rows("list limits", _ACCOUNTS, query, "sweep")
        with self._session.wire.reading("list limits"):
            return {row["BusinessPartner"]: row for row in rows}

    async def _limits_of(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for first in range(0, len(ids), _IDS):
            found |= await self._limits(f" and {any_of('BusinessPartner', list(ids[first : first + _IDS]))}")
        return found

    async def _of_limits(self, records: list[dict[str, Any]], limits: Mapping[str, object]) -> list[dict[str, Any]]:
        """The partners of which the limit was changed and nothing else."""
        seen = {record["BusinessPartner"] for record in records}
        return await self._by("customer", [id_ for id_ in limits if id_ not in seen])

    # --- rows ------------------------------------------------------------------------------------

    def _rows(self, kind: Kind, records: Sequence[dict[str, Any]], limits: Mapping[str, dict[str, Any]]) -> list[Row]:
        key = _SET[kind][1]
        with self._session.wire.reading(f"list {kind}"):
            return [self._readable(kind, str(record[key]), record, limits) for record in records]

    def _readable(self, kind: Kind, id_: str, record: dict[str, Any], limits: Mapping[str, dict[str, Any]]) -> Row:
        try:
            if kind == "customer":
                return Row(kind, id_, changed_at(record), self._customer(id_, record, limits))
            return self._document(kind, id_, record)
        except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as strange:
            # One record that makes no sense is no reason to see none.
            return Row(kind, id_, 0, {}, unread=f"{type(strange).__name__}: {strange}")

    def _customer(self, id_: str, record: dict[str, Any], limits: Mapping[str, dict[str, Any]]) -> dict[str, Value]:
        companies = record["to_Customer"]["to_CustomerCompany"]["results"]
        own, any_ = self._erp._at.company_code, self._erp.maps.entity == EACH
        terms = next((each["PaymentTerms"] for each in companies if any_ or each["CompanyCode"] == own), "")
        addresses = record["to_BusinessPartnerAddress"]["results"]
        emails = [each["EmailAddress"] for address in addresses for each in address["to_EmailAddress"]["results"]]
        account = limits.get(id_)
        limit = None if account is None else self._minor(account["CreditLimitAmount"])
        if account is not None and limit == 0 and not account["CreditLimitIsZero"]:
            limit = None
        return {
            "name": record["OrganizationBPName1"] + record["OrganizationBPName2"],
            "number": record["SearchTerm1"] or None,
            "terms_days": days_of(terms),
            "credit_limit_minor": limit,
            "email": next(iter(emails), None) or None,
            "external_id": None,
        }

    def _document(self, kind: Kind, id_: str, record: dict[str, Any]) -> Row:
        system = self.system
        if kind == "order":
            return self._order(id_, record, instant(record["LastChangeDateTime"]))
        if kind == "shipment":
            order, at = order_of_delivery(record), issued_at(record)
            billed = record["OverallDelivReltdBillgStatus"] == "C"
            fields: dict[str, Value] = {"number": id_, "order": order, "to_bill": "no" if billed else "yes"}
            return Row(kind, id_, at, fields, event=event_of(system, "delivery", id_, order, at))
        at, of_order = instant(record["LastChangeDateTime"]), order_of_invoice(record)
        state = {"C": "paid", "B": "part paid"}.get(record["InvoiceClearingStatus"], "open")
        fields = {"number": record["DocumentReferenceID"] or id_, "order": of_order, "state": state}
        total = self._minor(record["TotalGrossAmount"])
        return Row(kind, id_, at, fields, total, event_of(system, "invoice", id_, of_order or id_, at))

    def _order(self, id_: str, record: dict[str, Any], at: int) -> Row:
        fields: dict[str, Value] = {
            "number": id_,
            "external_id": record["ExternalDocumentID"] or None,
            "customer": record["SoldToParty"],
            **self._erp.maps.state_of(record),
            # Billed is by delivery, and each delivery says it of itself.
            "to_bill": "no",
        }
        total = self._minor(record["TotalNetAmount"])
        return Row("order", id_, at, fields, total, event_of(self.system, "order-status", id_, id_, at))

    def _minor(self, amount: str) -> int:
        return to_minor(amount, self._erp._currency)


def _since(kind: Kind, since: int) -> str:
    if kind == "customer":
        return f"(LastChangeDate ge {day_literal(since)} or CreationDate ge {day_literal(since)})"
    if kind == "shipment":
        return f"ActualGoodsMovementDate ge {day_literal(since)}"
    return f"LastChangeDateTime gt {offset_literal(since)}"

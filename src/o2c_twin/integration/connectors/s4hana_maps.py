"""The maps of an S/4HANA client, what its queries select, and what the vendor tells in forms and fields of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

from o2c_twin.integration.connectors.early_payment import MADE, NOTHING_EARLY
from o2c_twin.integration.connectors.instants import to_date
from o2c_twin.integration.connectors.s4hana_wire import at_clock, instant
from o2c_twin.integration.connectors.vendor_maps import Place, VendorMaps, kept
from o2c_twin.integration.mappings import CompiledMap

_HEAD, _NAME, _TERMS_DAYS, _PRICE = "head.", "OrganizationBPName", "terms_days", "price"
_NAME_LENGTH = 40
OPEN = "open_amount"
"""The field in which the connector tells what is open of an invoice."""
_Columns = Mapping[str, tuple[str, ...]]
# Fields the connector makes, and the columns of the vendor they are made of.
_OF_ORDER: _Columns = {"progress": ("OverallTotalDeliveryStatus", "OverallSDDocumentRejectionSts")}
_OF_DELIVERY: _Columns = {
    "issued_at": ("ActualGoodsMovementDate", "ActualGoodsMovementTime"),
    "sales_order": ("to_DeliveryDocumentItem/ReferenceSDDocument",),
}
_OF_INVOICE: _Columns = {
    OPEN: ("TotalGrossAmount", "InvoiceClearingStatus"),
    "sales_order": ("to_Item/SalesDocument",),
}
_OF_LEDGER: _Columns = {
    OPEN: ("AmountInTransactionCurrency",),
    **dict.fromkeys(MADE, ()),
    "BillingDocument": ("BillingDocument", "InvoiceReference"),
}


@dataclass(frozen=True)
class S4HanaMaps(VendorMaps):
    """The maps of a client."""

    party_to_partner: CompiledMap
    deal_to_sales_order: CompiledMap
    receipt_to_journal_entry: CompiledMap
    sales_order_to_status: CompiledMap
    delivery_to_shipment: CompiledMap
    invoice_to_status: CompiledMap
    ledger_item_to_open_item: CompiledMap
    change_to_partner: CompiledMap
    partner_to_master: CompiledMap

    system: ClassVar = "s4hana"
    places: ClassVar = {
        "party_to_partner": Place("s4hana-party-to-partner", "canonical.Party", "s4hana.partner"),
        "deal_to_sales_order": Place(
            "s4hana-deal-to-sales-order", "canonical.Deal", "s4hana.salesOrder", {"customer": "text", "items": "table"}
        ),
        "receipt_to_journal_entry": Place(
            "s4hana-receipt-to-journal-entry", "canonical.Receipt", "s4hana.journalEntry", {"today": "text"}
        ),
        "sales_order_to_status": Place(
            "s4hana-sales-order-to-status",
            "s4hana.salesOrder",
            "canonical.OrderStatus",
            alone={"credit": "TotalCreditCheckStatus", "fulfilment": "progress"},
        ),
        "delivery_to_shipment": Place("s4hana-delivery-to-shipment", "s4hana.delivery", "canonical.Shipment"),
        "invoice_to_status": Place("s4hana-invoice-to-status", "s4hana.billingDocument", "canonical.InvoiceStatus"),
        "ledger_item_to_open_item": Place("s4hana-ledger-item-to-open-item", "s4hana.ledgerItem", "canonical.OpenItem"),
        "change_to_partner": Place("s4hana-party-change-to-partner", "canonical.PartyChange", "s4hana.partner"),
        "partner_to_master": Place("s4hana-partner-to-master", "s4hana.partner", "canonical.CustomerMaster"),
    }

    @cached_property
    def order_fields(self) -> str:
        """What is selected of a sales order."""
        return ",".join(_columns(self.sales_order_to_status, _OF_ORDER))

    @cached_property
    def delivery_fields(self) -> str:
        """What is selected of a delivery and its items."""
        return ",".join(_columns(self.delivery_to_shipment, _OF_DELIVERY))

    @cached_property
    def invoice_fields(self) -> str:
        """What is selected of a billing document and its items."""
        return ",".join(_columns(self.invoice_to_status, _OF_INVOICE))

    @cached_property
    def ledger_fields(self) -> tuple[str, ...]:
        """What the map reads of an item of the ledger."""
        return _columns(self.ledger_item_to_open_item, _OF_LEDGER)

    @cached_property
    def customer_fields(self) -> frozenset[str]:
        """What is kept of a customer: read, and written one by one."""
        return kept(self.change_to_partner, self.partner_to_master)

    @cached_property
    def number_field(self) -> str | None:
        """The field of a business partner that holds its number; None where none is made from it alone."""
        fields = self.party_to_partner.targets_of("number")
        return next((field.removeprefix(_HEAD) for field in fields if field.startswith(_HEAD)), None)

    @cached_property
    def number_held(self) -> Callable[[Any], Any]:
        """A customer's number as that field holds it. Raises `NotMapped`."""
        return self.party_to_partner.part(f"{_HEAD}{self.number_field}")

    def state_of(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """What a row of a list says of an order: ``credit`` and ``fulfilment`` of an `OrderStatus`.

        Raises ValueError for a code the map does not know, LookupError for a row without it.
        """
        credit, fulfilment = self._states
        return {"credit": credit(record["TotalCreditCheckStatus"]), "fulfilment": fulfilment(_progress(record))}

    @cached_property
    def _states(self) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
        return self.sales_order_to_status.part("credit"), self.sales_order_to_status.part("fulfilment")

    # --- records as the maps read them: LookupError, TypeError or ValueError for nonsense --------

    def order_of(self, record: dict[str, Any]) -> dict[str, Any]:
        """A sales order."""
        row = self._order(record)
        if "OverallTotalDeliveryStatus" in record:
            row["progress"] = _progress(record)
        return row

    def delivery_of(self, record: dict[str, Any]) -> dict[str, Any]:
        """An outbound delivery that has left, with its items."""
        row = self._delivery(record)
        if "ActualGoodsMovementDate" in record:
            row["issued_at"] = issued_at(record)
        if "to_DeliveryDocumentItem" in record:
            row["sales_order"] = order_of_delivery(record)
        return row

    def invoice_of(self, record: dict[str, Any], open_amount: Decimal | None) -> dict[str, Any]:
        """A billing document with its items; ``open_amount`` where the ledger was asked for it."""
        row = self._invoice(record)
        if "InvoiceClearingStatus" in record:
            paid = record["InvoiceClearingStatus"] == "C"
            row[OPEN] = open_amount if open_amount is not None else "0" if paid else record["TotalGrossAmount"]
        if "to_Item" in record:
            row["sales_order"] = order_of_invoice(record)
        return row

    def ledger_item_of(
        self, record: dict[str, Any], open_amount: Decimal, early: Mapping[str, Any] = NOTHING_EARLY
    ) -> dict[str, Any]:
        """An item of the ledger; ``early`` is what its terms grant who pays early."""
        return {**self._ledger_item(record), OPEN: open_amount, **early}

    @cached_property
    def _order(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        return _opener(self.sales_order_to_status, _OF_ORDER)

    @cached_property
    def _delivery(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        return _opener(self.delivery_to_shipment, _OF_DELIVERY)

    @cached_property
    def _invoice(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        return _opener(self.invoice_to_status, _OF_INVOICE)

    @cached_property
    def _ledger_item(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        return _opener(self.ledger_item_to_open_item, _OF_LEDGER)


def issued_at(delivery: Mapping[str, Any]) -> int:
    """When the goods left. Raises ValueError where they have not."""
    return at_clock(delivery["ActualGoodsMovementDate"], delivery["ActualGoodsMovementTime"])


def order_of_delivery(delivery: Mapping[str, Any]) -> str:
    """The order a delivery is of. Raises LookupError for one without items."""
    order: str = delivery["to_DeliveryDocumentItem"]["results"][0]["ReferenceSDDocument"]
    return order


def order_of_invoice(invoice: Mapping[str, Any]) -> str | None:
    """The order a billing document is of; None for one made from none."""
    items = invoice["to_Item"]["results"]
    return (items[0]["SalesDocument"] or None) if items else None


def _progress(order: Mapping[str, Any]) -> str:
    delivered: str = order["OverallTotalDeliveryStatus"]
    if delivered:
        return delivered
    return "rejected" if order["OverallSDDocumentRejectionSts"] == "C" else "not relevant"


# --- bodies -------------------------------------------------------------------------------------------


def head_of(partner: Mapping[str, Any]) -> dict[str, Any]:
    """The business partner itself, its name in the fields that hold it."""
    body: dict[str, Any] = {}
    for field, value in partner.get("head", {}).items():
        if field != _NAME:
            body[field] = value
            continue
        body["OrganizationBPName1"] = value[:_NAME_LENGTH]
        if len(value) > _NAME_LENGTH:
            body["OrganizationBPName2"] = value[_NAME_LENGTH : 2 * _NAME_LENGTH]
    return body


def view_of(partner: Mapping[str, Any], view: str, terms: str) -> dict[str, Any]:
    """A customer's view in a company code or sales area; ``terms`` is the field of its payment terms."""
    body = dict(partner.get(view, ()))
    days = body.pop(_TERMS_DAYS, None)
    if days is not None:
        body.setdefault(terms, "0001" if days == 0 else f"NT{days:02d}")
    return body


def changed_at(partner: Mapping[str, Any]) -> int:
    """When a business partner was changed; one nobody has changed has no date of change, but one of creation."""
    which = "LastChange" if partner["LastChangeDate"] else "Creation"
    return at_clock(partner[f"{which}Date"], partner[f"{which}Time"])


def days_of(terms: str) -> int | None:
    """Days of ``NT30``; ``0001`` is due at once; None for terms of the company's own."""
    if terms == "0001":
        return 0
    return int(terms[2:]) if terms.startswith("NT") and terms[2:].isdecimal() else None


def order_item(line: Mapping[str, Any], condition_type: str, currency: str) -> dict[str, Any]:
    """An item of an order with its price."""
    price = {"ConditionType": condition_type, **line[_PRICE], "ConditionCurrency": currency}
    return {**{name: value for name, value in line.items() if name != _PRICE}, "to_PricingElement": [price]}


# --- the vendor's forms -------------------------------------------------------------------------------


def _columns(compiled: CompiledMap, made: _Columns) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column for path in compiled.paths for column in made.get(path, (path,))))


def _opener(compiled: CompiledMap, made: _Columns) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What makes a row of a record: dates as the schema has them, no empty text where one may be missing."""
    readers: dict[str, Callable[[Any], Any]] = {}
    for path in compiled.paths:
        field, _ = compiled.source_field(path)
        if path in made:
            continue
        if field.type in ("instant", "date"):
            readers[path] = instant if field.type == "instant" else _day
        elif field.nullable:
            readers[path] = _told

    def opened(record: dict[str, Any]) -> dict[str, Any]:
        row = dict(record)
        for path, read in readers.items():
            value = record.get(path)
            row[path] = None if value is None else read(value)
        return row

    return opened


def _day(text: str) -> str:
    return to_date(instant(text))


def _told(value: Any) -> Any:
    return None if value == "" else value

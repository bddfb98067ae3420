"""The maps of a Business Central company, what their queries ask for, and what is told in several fields as one."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

import msgspec

from o2c_twin.integration.connectors.amounts import to_minor
from o2c_twin.integration.connectors.early_payment import MADE, NOTHING_EARLY, early_payment
from o2c_twin.integration.connectors.vendor_maps import Place, VendorMaps, kept
from o2c_twin.integration.mappings import CompiledMap
from o2c_twin.integration.mappings.generating import attribute

MARK = "Ref. "
"""How the comment line that holds the engine's key begins."""
NO_ID = "00000000-0000-0000-0000-000000000000"
_DAYS = re.compile(r"([0-9]{1,3})D")
# The service has no null: so it tells that there is no text and no record.
_NOTHING = ("", NO_ID)
# A field the connector makes, and the one of the service it is made from.
_MADE_FROM = {"disputed": "disputeStatus"}
_MADE_OF_ORDER = ("fulfilment", "key")
_CUSTOMER = "business_central.customer"
_INVOICE, _ORDER_STATUS = "business_central.salesInvoice", "canonical.OrderStatus"
_TERMS = "business-central-party-to-payment-terms"


class _Line(msgspec.Struct, gc=False):
    lineType: str
    description: str
    shippedQuantity: Decimal = Decimal(0)


@dataclass(frozen=True)
class BusinessCentralMaps(VendorMaps):
    """The maps of a company."""

    party_to_customer: CompiledMap
    party_to_payment_terms: CompiledMap
    deal_to_sales_order: CompiledMap
    receipt_to_payment: CompiledMap
    sales_order_to_status: CompiledMap
    invoiced_order_to_status: CompiledMap
    shipment_to_shipment: CompiledMap
    invoice_to_status: CompiledMap
    invoice_to_open_item: CompiledMap
    change_to_customer: CompiledMap
    customer_to_master: CompiledMap

    system: ClassVar = "business_central"
    places: ClassVar = {
        "party_to_customer": Place(
            "business-central-party-to-customer", "canonical.Party", _CUSTOMER, {"terms": "text"}
        ),
        "party_to_payment_terms": Place(_TERMS, "canonical.Party", "business_central.paymentTerm"),
        "deal_to_sales_order": Place(
            "business-central-deal-to-sales-order",
            "canonical.Deal",
            "business_central.salesOrder",
            {"customer": "text", "items": "table"},
        ),
        "receipt_to_payment": Place(
            "business-central-receipt-to-payment",
            "canonical.Receipt",
            "business_central.customerPayment",
            {"document": "text"},
        ),
        "sales_order_to_status": Place(
            "business-central-sales-order-to-status",
            "business_central.salesOrder",
            _ORDER_STATUS,
            alone={"credit": "status", "fulfilment": "fulfilment"},
        ),
        "invoiced_order_to_status": Place(
            "business-central-invoiced-order-to-status", "business_central.invoicedOrder", _ORDER_STATUS
        ),
        "shipment_to_shipment": Place(
            "business-central-shipment-to-shipment", "business_central.salesShipment", "canonical.Shipment"
        ),
        "invoice_to_status": Place("business-central-invoice-to-status", _INVOICE, "canonical.InvoiceStatus"),
        "invoice_to_open_item": Place("business-central-invoice-to-open-item", _INVOICE, "canonical.OpenItem"),
        "change_to_customer": Place(
            "business-central-party-change-to-customer", "canonical.PartyChange", _CUSTOMER, {"terms": "table"}
        ),
        "customer_to_master": Place("business-central-customer-to-master", _CUSTOMER, "canonical.CustomerMaster"),
    }

    @cached_property
    def open_item_fields(self) -> str:
        """What is selected of open invoices."""
        paths = (path for path in self.invoice_to_open_item.paths if path not in MADE)
        return ",".join(dict.fromkeys(_MADE_FROM.get(path, path) for path in paths))

    @cached_property
    def customer_fields(self) -> frozenset[str]:
        """What is kept of a customer: read, and written one by one."""
        return kept(self.change_to_customer, self.customer_to_master)

    @cached_property
    def number_field(self) -> str | None:
        """The field of a customer that holds its number; None where none is made from it alone."""
        return next(iter(self.party_to_customer.targets_of("number")), None)

    @cached_property
    def number_held(self) -> Callable[[Any], Any]:
        """A customer's number as that field holds it. Raises `NotMapped`."""
        return self.party_to_customer.part(self.number_field or "number")

    # --- records as the maps read them -----------------------------------------------------------

    @cached_property
    def order(self) -> msgspec.json.Decoder[Any]:
        """A sales order with its lines."""
        row = self.sales_order_to_status.row("id", "number", *_MADE_OF_ORDER)
        told: Any = [("fullyShipped", bool), ("salesOrderLines", list[_Line])]
        return msgspec.json.Decoder(msgspec.defstruct("Order", told, bases=(row,), kw_only=True))

    @cached_property
    def invoice(self) -> msgspec.json.Decoder[Any]:
        """An invoice."""
        return msgspec.json.Decoder(self.invoice_to_status.row("id", "orderNumber", "disputeStatus", "disputed"))

    @cached_property
    def shipment(self) -> msgspec.json.Decoder[Any]:
        """A posted shipment."""
        row = self.shipment_to_shipment.row("id", "orderId")
        told: Any = [("orderNumber", str)]
        return msgspec.json.Decoder(msgspec.defstruct("Shipment", told, bases=(row,), kw_only=True))

    def complete_order(self, row: Any) -> None:
        """Give a decoded order what the connector makes: how far it is delivered, and the engine's key."""
        row.fulfilment = fulfilment_of(row.fullyShipped, (line.shippedQuantity for line in row.salesOrderLines))
        row.key = key_in(line.description for line in row.salesOrderLines if line.lineType == "Comment")
        _empty(row, self._texts["sales_order_to_status"])

    def complete_invoice(self, row: Any) -> None:
        """Give a decoded invoice what the connector makes: whether it is disputed."""
        row.disputed = bool(row.disputeStatus)
        _empty(row, self._texts["invoice_to_status"])

    def complete_shipment(self, row: Any, order_id: str) -> None:
        """Give a decoded shipment the id of its order."""
        row.orderId = order_id
        _empty(row, self._texts["shipment_to_shipment"])

    @cached_property
    def _texts(self) -> Mapping[str, tuple[str, ...]]:
        """By place of a map that reads rows: the attributes of what it reads."""
        places = ("sales_order_to_status", "invoice_to_status", "shipment_to_shipment")
        read = {place: (path for path in getattr(self, place).paths if "." not in path) for place in places}
        return {place: tuple(attribute(path) for path in paths) for place, paths in read.items()}

    def customer_of(self, record: dict[str, Any], formula: str | None) -> dict[str, Any]:
        """A customer as its map takes it, with the date formula of its payment terms; a limit of 0 is none."""
        row = _filled({**record, "dueDateCalculation": formula}, self.customer_to_master)
        if row.get("creditLimit") is not None and Decimal(str(row["creditLimit"])) == 0:
            row["creditLimit"] = None
        return row

    def gone_order_of(self, invoice: dict[str, Any]) -> dict[str, Any]:
        """The last invoice of an order, read with its comment lines, as the map of such an order takes it."""
        row = _filled(invoice, self.invoiced_order_to_status)
        row["key"] = key_of(invoice["salesInvoiceLines"])
        return row

    def open_item_of(self, record: dict[str, Any], currency: str = "") -> dict[str, Any]:
        """An open invoice as its map takes it, with what its ``paymentTerm`` grants who pays early, where it was read.

        LookupError, ValueError or ArithmeticError for nonsense.
        """
        row = _filled(record, self.invoice_to_open_item)
        row["disputed"] = bool(record.get("disputeStatus"))
        term = record.get("paymentTerm")
        if not term:
            return {**row, **NOTHING_EARLY}
        # A formula of anything but days is none this connector can count by: people grant what it means.
        days = _DAYS.fullmatch(term["discountDateCalculation"])
        open_minor = to_minor(record["remainingAmount"], currency)
        percent, until = term["discountPercent"], None if days is None else days[1]
        return row | early_payment(open_minor, currency, percent, until, record["invoiceDate"])

    def state_of(self, status: str, fulfilment: str) -> dict[str, Any]:
        """What a list tells of an order: ``credit`` and ``fulfilment`` of an `OrderStatus`.

        ``fulfilment`` is that of `fulfilment_of`. Raises `NotMapped` for a code the map does not know.
        """
        made = self._states
        return {"credit": made["credit"](status), "fulfilment": made["fulfilment"](fulfilment)}

    @cached_property
    def _states(self) -> Mapping[str, Callable[[Any], Any]]:
        return {to: self.sales_order_to_status.part(to) for to in ("credit", "fulfilment")}

    @cached_property
    def gone_state(self) -> Mapping[str, Any]:
        """``credit`` and ``fulfilment`` of an order that is gone into its invoices.

        Raises ValueError where the map says no constants, which is all a list can tell.
        """
        gone = self.invoiced_order_to_status
        rules = {rule.to: rule.origin for rule in gone.spec.rules_of(gone.entity)}
        for to in ("credit", "fulfilment"):
            if rules[to].paths or rules[to].given:
                raise ValueError(f"{to} of an order that is gone is no constant, which is all a list tells; write one")
        return {to: rules[to].constant for to in ("credit", "fulfilment")}


def fulfilment_of(fully: bool, shipped: Iterable[Any]) -> str:
    """How far an order is delivered, by its head and what has shipped of its lines."""
    return "shipped" if fully else "part shipped" if any(shipped) else "open"


def key_of(lines: Iterable[Mapping[str, Any]]) -> str | None:
    """The engine's key in the lines of a document; None where there is none."""
    return key_in(line["description"] for line in lines if line["lineType"] == "Comment")


def key_in(comments: Iterable[str]) -> str | None:
    """The engine's key in the texts of comment lines; None where there is none."""
    return next((text.removeprefix(MARK) for text in comments if text.startswith(MARK)), None)


def payment_lines(receipt: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The journal lines of a receipt: one for each invoice it pays and one for the rest, negative as credits are."""
    head = {name: value for name, value in receipt.items() if name not in ("amount", "appliesTo")}
    rest = receipt["amount"]
    for part in receipt.get("appliesTo", ()):
        rest -= part["amount"]
        yield {**head, "amount": -part["amount"], **{name: part[name] for name in part if name != "amount"}}
    if rest:
        yield {**head, "amount": -rest}


def _filled(record: dict[str, Any], compiled: CompiledMap) -> dict[str, Any]:
    """The record, in which what a map reads and is told to be nothing is None from now on."""
    for path in compiled.paths:
        if record.get(path) in _NOTHING:
            record[path] = None
    return record


def _empty(row: Any, attributes: Iterable[str]) -> None:
    for name in attributes:
        if getattr(row, name) in _NOTHING:
            setattr(row, name, None)

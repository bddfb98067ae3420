"""The maps of an old ERP's documents and records, and how a customer's number is held there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from o2c_twin.integration.connectors.vendor_maps import Place, VendorMaps
from o2c_twin.integration.mappings import CompiledMap

_NUMBER = "CUST_NO"


@dataclass(frozen=True)
class LegacyErpMaps(VendorMaps):
    """The maps of an ERP."""

    party_to_customer: CompiledMap
    deal_to_order: CompiledMap
    receipt_to_cash: CompiledMap
    order_to_status: CompiledMap
    despatch_to_shipment: CompiledMap
    invoice_to_status: CompiledMap
    item_to_open_item: CompiledMap

    system: ClassVar = "legacy_erp"
    places: ClassVar = {
        "party_to_customer": Place("legacy-erp-party-to-customer", "canonical.Party", "legacy_erp.CUS"),
        "deal_to_order": Place(
            "legacy-erp-deal-to-order", "canonical.Deal", "legacy_erp.ORD", {"customer": "text", "items": "table"}
        ),
        "receipt_to_cash": Place(
            "legacy-erp-receipt-to-cash",
            "canonical.Receipt",
            "legacy_erp.PAY",
            {"customer": "text", "invoices": "table"},
        ),
        "order_to_status": Place("legacy-erp-order-to-status", "legacy_erp.OST", "canonical.OrderStatus"),
        "despatch_to_shipment": Place("legacy-erp-despatch-to-shipment", "legacy_erp.SHP", "canonical.Shipment"),
        "invoice_to_status": Place("legacy-erp-invoice-to-status", "legacy_erp.INV", "canonical.InvoiceStatus"),
        "item_to_open_item": Place("legacy-erp-item-to-open-item", "legacy_erp.OIT", "canonical.OpenItem"),
    }

    @cached_property
    def number_held(self) -> Callable[[Any], Any] | None:
        """A customer's number as the ERP holds it; None where it is not made from the number alone."""
        alone = self.party_to_customer.sources_of(_NUMBER) == ("number",)
        return self.party_to_customer.part(_NUMBER) if alone else None

"""The maps of a NetSuite account, and the columns its queries ask for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from o2c_twin.integration.connectors.amounts import to_minor
from o2c_twin.integration.connectors.early_payment import MADE, NOTHING_EARLY, early_payment
from o2c_twin.integration.connectors.vendor_maps import Place, VendorMaps, kept
from o2c_twin.integration.mappings import CompiledMap

_STATUS, _UNPAID = "status.refName", "foreignamountunpaid"


@dataclass(frozen=True)
class NetSuiteMaps(VendorMaps):
    """The maps of an account."""

    party_to_customer: CompiledMap
    deal_to_sales_order: CompiledMap
    receipt_to_payment: CompiledMap
    charge_to_journal: CompiledMap
    sales_order_to_status: CompiledMap
    fulfillment_to_shipment: CompiledMap
    invoice_to_status: CompiledMap
    transaction_to_open_item: CompiledMap
    change_to_customer: CompiledMap
    customer_to_master: CompiledMap

    system: ClassVar = "netsuite"
    places: ClassVar = {
        "party_to_customer": Place("party-to-customer", "canonical.Party", "netsuite.customer"),
        "deal_to_sales_order": Place(
            "deal-to-sales-order", "canonical.Deal", "netsuite.salesOrder", {"customer": "text", "items": "table"}
        ),
        "receipt_to_payment": Place("receipt-to-payment", "canonical.Receipt", "netsuite.customerPayment"),
        "charge_to_journal": Place("charge-to-journal", "canonical.Charge", "netsuite.charge"),
        "sales_order_to_status": Place("sales-order-to-status", "netsuite.salesOrder", "canonical.OrderStatus"),
        "fulfillment_to_shipment": Place("fulfillment-to-shipment", "netsuite.itemFulfillment", "canonical.Shipment"),
        "invoice_to_status": Place("invoice-to-status", "netsuite.invoice", "canonical.InvoiceStatus"),
        "transaction_to_open_item": Place("transaction-to-open-item", "netsuite.transaction", "canonical.OpenItem"),
        "change_to_customer": Place("party-change-to-customer", "canonical.PartyChange", "netsuite.customer"),
        "customer_to_master": Place("customer-to-master", "netsuite.customer", "canonical.CustomerMaster"),
    }

    @cached_property
    def customer_fields(self) -> frozenset[str]:
        """What is kept of a customer: read, and written one by one."""
        return kept(self.change_to_customer, self.customer_to_master)

    @cached_property
    def open_items_query(self) -> str:
        """SuiteQL for open invoices with the columns their map reads; a condition goes into the braces."""
        columns = ", ".join(self._open_columns)
        return f"SELECT {columns} FROM transaction WHERE type = 'CustInvc' AND status = 'CustInvc:A' AND {{}}"

    @cached_property
    def open_items_and_terms_query(self) -> str:
        """The same with what their terms grant who pays early, counted from the day of the invoice."""
        columns = ", ".join(f"t.{path}" for path in dict.fromkeys((*self._open_columns, _UNPAID)))
        columns += ", TO_CHAR(t.trandate,'YYYY-MM-DD') AS issuedon, term.discountpercent, term.daysuntilexpiry"
        tables = "transaction t LEFT JOIN term ON term.id = t.terms"
        return f"SELECT {columns} FROM {tables} WHERE t.type = 'CustInvc' AND t.status = 'CustInvc:A' AND {{}}"

    @cached_property
    def _open_columns(self) -> tuple[str, ...]:
        return tuple(path for path in self.transaction_to_open_item.paths if path not in MADE)

    def open_item_of(self, row: dict[str, Any], currency: str, terms: bool) -> dict[str, Any]:
        """A row of these queries with what the connector makes; ``terms`` tells whether its terms were asked for.

        LookupError, ValueError or ArithmeticError for nonsense.
        """
        if not terms:
            return {**row, **NOTHING_EARLY}
        granted = row.get("discountpercent"), row.get("daysuntilexpiry")
        return row | early_payment(to_minor(row[_UNPAID], currency), currency, *granted, row["issuedon"])

    @cached_property
    def number_column(self) -> str | None:
        """The column of a customer that holds its number; None where none is made from it alone."""
        return self._number_field.lower() if self._number_field else None

    @cached_property
    def number_held(self) -> Callable[[Any], Any]:
        """A customer's number as that column holds it. Raises `NotMapped`."""
        return self.party_to_customer.part(self._number_field)

    @cached_property
    def _number_field(self) -> str:
        fields = self.party_to_customer.targets_of("number")
        return next((field for field in fields if "." not in field), "")

    def state_of(self, status: str) -> dict[str, Any]:
        """What an order's status says of it: ``credit`` and ``fulfilment`` of an `OrderStatus`.

        Raises ValueError for a code the map does not know, and where it makes them of something else.
        """
        return {to: made(status) for to, made in self._states.items()}

    @cached_property
    def _states(self) -> Mapping[str, Callable[[Any], Any]]:
        states = {}
        for to in ("credit", "fulfilment"):
            if self.sales_order_to_status.sources_of(to) != (_STATUS,):
                raise ValueError(f"{to} is not made of {_STATUS}, which is all a list tells; make it of that")
            states[to] = self.sales_order_to_status.part(to)
        return states

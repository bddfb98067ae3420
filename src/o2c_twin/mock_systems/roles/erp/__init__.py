"""The ERP's core: customers with credit, items with stock, orders, deliveries, invoices, receivables."""

from o2c_twin.mock_systems.roles.erp.core import ErpCore
from o2c_twin.mock_systems.roles.erp.entities import Entity
from o2c_twin.mock_systems.roles.erp.numbering import Numbering
from o2c_twin.mock_systems.roles.erp.records import (
    DISCOUNTS,
    WRITE_OFFS,
    CreditMemo,
    Customer,
    Delivery,
    EarlyPayment,
    Invoice,
    Item,
    OrderLine,
    Payment,
    SalesOrder,
)

__all__ = [
    "DISCOUNTS",
    "WRITE_OFFS",
    "CreditMemo",
    "Customer",
    "Delivery",
    "EarlyPayment",
    "Entity",
    "ErpCore",
    "Invoice",
    "Item",
    "Numbering",
    "OrderLine",
    "Payment",
    "SalesOrder",
]

"""Records of the books as outbound documents."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from o2c_twin.mock_systems.roles.erp import Customer, Delivery, ErpCore, Invoice, Item, SalesOrder, rules
from o2c_twin.mock_systems.vendors.legacy_erp.config import Batch
from o2c_twin.mock_systems.vendors.legacy_erp.layouts import BY_NAME, Document, Record, fitted
from o2c_twin.mock_systems.vendors.legacy_erp.rhythm import local_stamp

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.legacy_erp.dialect import LegacyErpDialect

_CREDIT = {"hold": "HOLD", "rejected": "REJECTED", "released": "RELEASED", "passed": "PASSED"}
_SHIPPED = {"open": "OPEN", "part shipped": "PART", "shipped": "SHIPPED", "cancelled": "CANCELLED"}
_BILLED = {"open": "OPEN", "part billed": "PART", "billed": "BILLED"}
KINDS = ("item", "customer", "order", "delivery", "invoice")
"""The kinds of records whose changes are extracted."""


def _made(type_: str, head: Record, lines: list[Record] | None = None) -> Document:
    return Document(type_, fitted(BY_NAME[type_].head, head), lines or [])


def _item(core: ErpCore, item: Item, batch: Batch) -> Document:
    return _made("item", {"ERP_ID": item.id, "SKU": item.sku, "NAME": item.name, "PRICE": item.price_minor})


def _customer(core: ErpCore, customer: Customer, batch: Batch) -> Document:
    head: Record = {
        "ERP_ID": customer.id,
        "CUST_NO": customer.number,
        "NAME": customer.name,
        "CURR": customer.currency,
        "TERMS_DAYS": customer.terms_days,
        "CREDIT_LIMIT": customer.credit_limit_minor,
        "EMAIL": customer.email,
        "REF": customer.external_id,
        "AT": local_stamp(customer.modified_at, batch),
    }
    return _made("master", head)


def _order(core: ErpCore, order: SalesOrder, batch: Batch) -> Document:
    head: Record = {
        "ERP_ID": order.id,
        "ORD_NO": order.number,
        "REF": order.external_id,
        "CUST_ID": order.customer_id,
        "PO_NO": order.po_number,
        "CREDIT": _CREDIT[order.credit],
        "FULFILMENT": _SHIPPED[rules.fulfilment_status(order)],
        "BILLING": _BILLED[rules.billing_status(order)],
        "AT": local_stamp(order.modified_at, batch),
    }
    return _made("order-status", head)


def _delivery(core: ErpCore, delivery: Delivery, batch: Batch) -> Document:
    lines: list[Record] = [
        {"LINE_NO": line.line, "SKU": core.state.items[line.item_id].sku, "QTY": line.quantity}
        for line in delivery.lines
    ]
    head: Record = {
        "ERP_ID": delivery.id,
        "DESP_NO": delivery.number,
        "ORD_ID": delivery.order_id,
        "TRACKING": delivery.tracking,
        "AT": local_stamp(delivery.issued_at, batch),
    }
    return _made("despatch", head, lines)


def _invoice(core: ErpCore, invoice: Invoice, batch: Batch) -> Document:
    head: Record = {
        "ERP_ID": invoice.id,
        "INV_NO": invoice.number,
        "ORD_ID": invoice.order_id,
        "CUST_ID": invoice.customer_id,
        "INV_DATE": local_stamp(invoice.issued_at, batch)[:8],
        "DUE_DATE": local_stamp(invoice.due_at, batch)[:8],
        "TOTAL": invoice.total_minor,
        "OPEN_AMT": invoice.open_minor,
        "CURR": invoice.currency,
        "REF": invoice.external_id,
        "AT": local_stamp(invoice.modified_at, batch),
    }
    return _made("invoice", head)


def _table(core: ErpCore, kind: str) -> Mapping[str, Item | Customer | SalesOrder | Delivery | Invoice]:
    state = core.state
    tables: dict[str, Mapping[str, Item | Customer | SalesOrder | Delivery | Invoice]] = {
        "item": state.items,
        "customer": state.customers,
        "order": state.orders,
        "delivery": state.deliveries,
        "invoice": state.invoices,
    }
    return tables[kind]


_MAKERS: dict[str, Callable[..., Document]] = {
    "item": _item,
    "customer": _customer,
    "order": _order,
    "delivery": _delivery,
    "invoice": _invoice,
}


def record_ids(core: ErpCore, kind: str) -> list[str]:
    """All records of a kind."""
    return list(_table(core, kind))


def changed_documents(erp: "LegacyErpDialect") -> list[Document]:
    """The documents of all records that changed since the last extract; deleted ones leave no trace."""
    found: list[Document] = []
    for kind in KINDS:
        records = _table(erp.core, kind)
        for id_ in erp.state.changed.pop(kind, {}):
            record = records.get(id_)
            if record is not None:
                found.append(_MAKERS[kind](erp.core, record, erp.config.batch))
    return found


def open_items(erp: "LegacyErpDialect") -> list[Document]:
    """The list of all open items, by invoice, as the books stand."""
    at = local_stamp(erp.world.clock.now(), erp.config.batch)
    return [
        _made(
            "open-item",
            {
                "ERP_ID": invoice.id,
                "INV_NO": invoice.number,
                "CUST_ID": invoice.customer_id,
                "DUE_DATE": local_stamp(invoice.due_at, erp.config.batch)[:8],
                "OPEN_AMT": invoice.open_minor,
                "AT": at,
            },
        )
        for invoices in erp.core.open_invoices.values()
        for invoice in invoices.values()
    ]

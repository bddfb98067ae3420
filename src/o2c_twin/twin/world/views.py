"""What sales should read in the CRM about a deal, worked out from the ERP's documents."""

from o2c_twin.mock_systems.roles.erp import ErpCore, SalesOrder
from o2c_twin.mock_systems.roles.erp.rules import fulfilment_status


def orders_of_deal(erp: ErpCore, po_number: str) -> list[SalesOrder]:
    """Live orders for a customer's purchase order, oldest first."""
    orders = (erp.state.orders[i] for i in erp.orders_by_po.get(po_number, ()))
    return [order for order in orders if not order.cancelled]


def news_of_order(erp: ErpCore, order: SalesOrder, order_id: str) -> dict[str, str]:
    """Order number, credit, fulfilment, invoices and payment of one order; keys as in `CrmFields`.

    ``order_id`` is what the ERP's own interface calls the order.
    """
    news = {
        "erp_order_number": order.number,
        "erp_order_id": order_id,
        "credit": "on hold" if order.credit == "hold" else "passed",
        "fulfilment": fulfilment_status(order),
    }
    invoices = [erp.state.invoices[i] for i in erp.invoices_of.get(order.id, ())]
    if invoices:
        # By their numbers: what another entity billed again stands after the rest, whichever came first.
        news["invoice_number"] = ",".join(sorted((i.number for i in invoices), key=lambda each: (len(each), each)))
        news["payment"] = "Paid" if all(i.open_minor == 0 for i in invoices) else "Open"
    return news

"""At the end of a run: the systems' documents go into the run record, traced back to the truth."""

from collections.abc import Iterable

from o2c_twin.integration.store import Journal
from o2c_twin.twin.world.company import Company
from o2c_twin.twin.world.demand import Deal
from o2c_twin.twin.world.truth import WRONG_ENTITY


def write_documents(company: Company, journals: Iterable[Journal]) -> None:
    """Write orders, invoices, credit memos, applications, disputes and cases."""
    erp, record, truth = company.erp, company.record, company.truth
    currency = company.settings.currency
    deals: dict[str, Deal | None] = {o.id: truth.deal_of_po(o.po_number) for o in erp.state.orders.values()}
    seen: set[str] = set()
    agreed = {d.deal_id: sorted((x.sku, x.quantity, x.price_minor) for x in d.lines) for d in truth.deals.values()}
    sku_of = {item.id: item.sku for item in erp.state.items.values()}
    for order in erp.state.orders.values():
        if order.cancelled:
            continue
        deal = deals[order.id]
        deal_id = deal.deal_id if deal else None
        error = None
        if deal is not None:
            entered = sorted((sku_of[x.item_id], x.quantity, x.unit_price_minor) for x in order.lines)
            if entered != agreed[deal.deal_id]:
                same = [(s, q) for s, q, _ in entered] == [(s, q) for s, q, _ in agreed[deal.deal_id]]
                error = "price" if same else "quantity"
        amount = sum(x.quantity * x.unit_price_minor for x in order.lines)
        customer_id = deal.customer.customer_id if deal else None
        channel = "manual" if order.channel == "manual" else "sync"
        record.add(
            "orders",
            (
                order.number,
                deal_id,
                customer_id,
                order.entered_at,
                amount,
                currency,
                channel,
                deal_id is not None and deal_id in seen,
                error,
                order.entity,
            ),
        )
        if deal_id is not None:
            seen.add(deal_id)
    for invoice in erp.state.invoices.values():
        deal = deals[invoice.order_id]
        delivery = erp.state.deliveries[invoice.delivery_ids[0]].number if invoice.delivery_ids else None
        replaced = None if invoice.replaces is None else erp.state.invoices[invoice.replaces].number
        record.add(
            "invoices",
            (
                invoice.number,
                "invoice",
                erp.state.orders[invoice.order_id].number,
                deal.deal_id if deal else None,
                delivery,
                deal.customer.customer_id if deal else None,
                invoice.issued_at,
                invoice.due_at,
                invoice.total_minor,
                currency,
                replaced,
                None if replaced is None else WRONG_ENTITY,
                invoice.entity,
                erp.entities.tax_code(invoice.entity),
            ),
        )
    for memo in erp.state.credit_memos.values():
        invoice = erp.state.invoices[memo.invoice_id]
        deal = deals[invoice.order_id]
        record.add(
            "invoices",
            (
                memo.number,
                "credit_memo",
                erp.state.orders[invoice.order_id].number,
                deal.deal_id if deal else None,
                None,
                deal.customer.customer_id if deal else None,
                memo.issued_at,
                memo.issued_at,
                memo.amount_minor,
                currency,
                invoice.number,
                memo.reason,
                memo.entity,
                erp.entities.tax_code(memo.entity),
            ),
        )
    for applied in erp.state.applications:
        if applied.source_kind == "payment":
            source, kind = erp.state.payments[applied.source_id].reference or applied.source_id, "receipt"
        else:
            source, kind = erp.state.credit_memos[applied.source_id].number, "credit_memo"
        number = erp.state.invoices[applied.invoice_id].number
        channel = "manual" if applied.channel == "manual" else "sync"
        record.add("applications", (source, kind, number, applied.applied_at, applied.amount_minor, currency, channel))
    for dispute in truth.disputes:
        record.add(
            "disputes",
            (
                dispute.dispute_id,
                dispute.invoice_number,
                dispute.opened_at,
                dispute.resolved_at,
                dispute.reason,
                dispute.amount_minor,
                currency,
            ),
        )
    for journal in journals:
        for case in journal.cases():
            record.add("cases", (case.case_id, case.flow, case.object_id, case.opened_at, case.closed_at, case.reason))

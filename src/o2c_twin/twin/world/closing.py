"""At the end of a run: the systems' documents go into the run record, traced back to the truth."""

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType

from o2c_twin.integration.store import Journal
from o2c_twin.mock_systems.roles.erp import DISCOUNTS, WRITE_OFFS
from o2c_twin.twin.world.company import Company
from o2c_twin.twin.world.currencies import lines_agreed, lines_of
from o2c_twin.twin.world.demand import Deal
from o2c_twin.twin.world.truth import WRONG_ENTITY

_EPOCH = date(1970, 1, 1).toordinal()
_KINDS: Mapping[str, str] = MappingProxyType({"revenue": "credit_memo", WRITE_OFFS: "write_off", DISCOUNTS: "discount"})
"""What a document of an invoice is in the record, by the account it is booked against."""
_REASONS: Mapping[str, str] = MappingProxyType({"write_off": "written off", "discount": "early payment"})
_DAY_US = 86_400_000_000


def write_documents(company: Company, journals: Iterable[Journal]) -> None:
    """Write orders, invoices, credit memos, applications, disputes, cases and the rates of exchange."""
    erp, record, truth = company.erp, company.record, company.truth
    deals: dict[str, Deal | None] = {o.id: truth.deal_of_po(o.po_number) for o in erp.state.orders.values()}
    seen: set[str] = set()
    for order in erp.state.orders.values():
        if order.cancelled:
            continue
        deal = deals[order.id]
        deal_id = deal.deal_id if deal else None
        error = None
        if deal is not None:
            entered, agreed = sorted(lines_of(company, order)), sorted(lines_agreed(company, deal, order.currency))
            if entered != agreed:
                same = [(s, q) for s, q, _ in entered] == [(s, q) for s, q, _ in agreed]
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
                order.currency,
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
                invoice.currency,
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
                _KINDS[memo.account],
                erp.state.orders[invoice.order_id].number,
                deal.deal_id if deal else None,
                None,
                deal.customer.customer_id if deal else None,
                memo.issued_at,
                memo.issued_at,
                memo.amount_minor,
                memo.currency,
                invoice.number,
                memo.reason,
                memo.entity,
                erp.entities.tax_code(memo.entity),
            ),
        )
    for applied in erp.state.applications:
        paid = erp.state.invoices[applied.invoice_id]
        if applied.source_kind == "payment":
            payment = erp.state.payments[applied.source_id]
            source, kind = payment.reference or applied.source_id, "receipt"
            if payment.account != "bank":
                # A journal has written it off or granted it; in the record that is a document of the invoice, as a
                # credit memo is.
                source, kind = f"{payment.number}/{paid.number}", _KINDS[payment.account]
                deal = deals[paid.order_id]
                record.add(
                    "invoices",
                    (
                        source,
                        kind,
                        erp.state.orders[paid.order_id].number,
                        deal.deal_id if deal else None,
                        None,
                        deal.customer.customer_id if deal else None,
                        applied.applied_at,
                        applied.applied_at,
                        applied.amount_minor,
                        paid.currency,
                        paid.number,
                        _REASONS[kind],
                        paid.entity,
                        erp.entities.tax_code(paid.entity),
                    ),
                )
        else:
            memo = erp.state.credit_memos[applied.source_id]
            source, kind = memo.number, _KINDS[memo.account]
        channel = "manual" if applied.channel == "manual" else "sync"
        amount = applied.amount_minor
        record.add("applications", (source, kind, paid.number, applied.applied_at, amount, paid.currency, channel))
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
                dispute.currency,
            ),
        )
    for journal in journals:
        for case in journal.cases():
            record.add("cases", (case.case_id, case.flow, case.object_id, case.opened_at, case.closed_at, case.reason))
    for (currency, target), quotes in company.rates.table.pairs.items():
        if target != company.rates.books:
            continue
        for day, rate in zip(quotes.days, quotes.rates, strict=True):
            at = (day - _EPOCH) * _DAY_US
            record.add("exchange_rates", (currency, at, str(rate)))

"""At the end of a run: the systems' documents go into the run record, traced back to the truth."""

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType

from o2c_twin.integration.store import Journal
from o2c_twin.mock_systems.roles.erp import DISCOUNTS, WRITE_OFFS, Invoice
from o2c_twin.twin.world.company import Company
from o2c_twin.twin.world.currencies import lines_agreed, lines_of
from o2c_twin.twin.world.demand import Deal
from o2c_twin.twin.world.truth import WRONG_ENTITY

_EPOCH = date(1970, 1, 1).toordinal()
_KINDS: Mapping[str, str] = MappingProxyType({"revenue": "credit_memo", WRITE_OFFS: "write_off", DISCOUNTS: "discount"})
"""What a document of an invoice is in the record, by the account it is booked against."""
_REASONS: Mapping[str, str] = MappingProxyType({"write_off": "written off", "discount": "early payment"})
_DAY_US = 86_400_000_000
_Deals = Mapping[str, Deal | None]
"""The deal of each order, by the order's id; None where an order has none."""


def write_documents(company: Company, journals: Iterable[Journal]) -> None:
    """Write orders, invoices, credit memos, applications, disputes, cases and the rates of exchange."""
    record, truth = company.record, company.truth
    deals = {o.id: truth.deal_of_po(o.po_number) for o in company.erp.state.orders.values()}
    _write_orders(company, deals)
    _write_invoices(company, deals)
    _write_applications(company, deals)
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


def _write_orders(company: Company, deals: _Deals) -> None:
    seen: set[str] = set()
    for order in company.erp.state.orders.values():
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
        company.record.add(
            "orders",
            (
                order.number,
                deal_id,
                customer_id,
                order.entered_at,
                amount,
                order.currency,
                _channel(order.channel),
                deal_id is not None and deal_id in seen,
                error,
                order.entity,
            ),
        )
        if deal_id is not None:
            seen.add(deal_id)


def _write_invoices(company: Company, deals: _Deals) -> None:
    """Invoices and credit memos."""
    erp = company.erp.state
    for invoice in erp.invoices.values():
        delivery = erp.deliveries[invoice.delivery_ids[0]].number if invoice.delivery_ids else None
        replaced = None if invoice.replaces is None else erp.invoices[invoice.replaces].number
        _write_document(
            company,
            deals,
            invoice,
            invoice.number,
            "invoice",
            invoice.issued_at,
            invoice.due_at,
            invoice.total_minor,
            invoice.currency,
            invoice.entity,
            delivery=delivery,
            corrects=replaced,
            reason=None if replaced is None else WRONG_ENTITY,
        )
    for memo in erp.credit_memos.values():
        invoice = erp.invoices[memo.invoice_id]
        _write_document(
            company,
            deals,
            invoice,
            memo.number,
            _KINDS[memo.account],
            memo.issued_at,
            memo.issued_at,
            memo.amount_minor,
            memo.currency,
            memo.entity,
            corrects=invoice.number,
            reason=memo.reason,
        )


def _write_applications(company: Company, deals: _Deals) -> None:
    """What was set against invoices; a payment that a journal made to write off is a document, too."""
    erp = company.erp.state
    for applied in erp.applications:
        paid = erp.invoices[applied.invoice_id]
        at, amount = applied.applied_at, applied.amount_minor
        if applied.source_kind == "payment":
            payment = erp.payments[applied.source_id]
            source, kind = payment.reference or applied.source_id, "receipt"
            if payment.account != "bank":
                # A journal has written it off or granted it; in the record that is a document of the invoice, as a
                # credit memo is.
                source, kind = f"{payment.number}/{paid.number}", _KINDS[payment.account]
                _write_document(
                    company,
                    deals,
                    paid,
                    source,
                    kind,
                    at,
                    at,
                    amount,
                    paid.currency,
                    paid.entity,
                    corrects=paid.number,
                    reason=_REASONS[kind],
                )
        else:
            memo = erp.credit_memos[applied.source_id]
            source, kind = memo.number, _KINDS[memo.account]
        channel = _channel(applied.channel)
        company.record.add("applications", (source, kind, paid.number, at, amount, paid.currency, channel))


def _write_document(
    company: Company,
    deals: _Deals,
    invoice: Invoice,
    number: str,
    kind: str,
    issued_at: int,
    due_at: int,
    amount_minor: int,
    currency: str,
    entity: str | None,
    *,
    delivery: str | None = None,
    corrects: str | None = None,
    reason: str | None = None,
) -> None:
    """A row of the table ``invoices``: the invoice itself, or a document that belongs to it and ``corrects`` one."""
    deal = deals[invoice.order_id]
    company.record.add(
        "invoices",
        (
            number,
            kind,
            company.erp.state.orders[invoice.order_id].number,
            deal.deal_id if deal else None,
            delivery,
            deal.customer.customer_id if deal else None,
            issued_at,
            due_at,
            amount_minor,
            currency,
            corrects,
            reason,
            entity,
            company.erp.entities.tax_code(entity),
        ),
    )


def _channel(channel: str) -> str:
    # Each vendor has its own name for the engine's user.
    return "manual" if channel == "manual" else "sync"

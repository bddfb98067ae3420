"""What must hold when everything has come to rest: the systems against the truth."""

from collections.abc import Iterator
from dataclasses import dataclass

from o2c_twin.integration.group import transfer_minor
from o2c_twin.twin.world.company import Company
from o2c_twin.twin.world.views import orders_of_deal

_WEEK_US = 7 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold, for which business key, and what was found."""

    invariant: str
    key: str
    detail: str


def violations(company: Company) -> list[Violation]:
    """All violations, in a fixed order."""
    checks = (
        _each_deal_ordered_once,
        _order_as_agreed,
        _booked_by_who_sold,
        _charged_between_entities,
        _shipped_is_invoiced,
        _receipts_applied_once,
        _short_payments_cleared,
        _provider_receipts_applied_once,
        _no_shipment_on_hold,
        _one_master_per_customer,
        _crm_agrees,
        _books_balance,
    )
    return [violation for check in checks for violation in check(company)]


def _each_deal_ordered_once(company: Company) -> Iterator[Violation]:
    for deal in company.truth.deals.values():
        orders = orders_of_deal(company.erp, deal.po_number)
        if not orders:
            yield Violation("won deal has an order", deal.deal_id, f"{deal.po_number}: no sales order in the ERP")
        elif len(orders) > 1:
            numbers = ", ".join(o.number for o in orders)
            yield Violation(
                "won deal is ordered once", deal.deal_id, f"{deal.po_number}: {len(orders)} orders: {numbers}"
            )


def _order_as_agreed(company: Company) -> Iterator[Violation]:
    sku_of = {item.id: item.sku for item in company.erp.state.items.values()}
    for deal in company.truth.deals.values():
        agreed = sorted((x.sku, x.quantity, x.price_minor) for x in deal.lines)
        for order in orders_of_deal(company.erp, deal.po_number)[:1]:
            entered = sorted((sku_of[x.item_id], x.quantity, x.unit_price_minor) for x in order.lines)
            if entered != agreed:
                yield Violation("order is as agreed", deal.deal_id, f"{order.number}: {entered}, agreed {agreed}")


def _booked_by_who_sold(company: Company) -> Iterator[Violation]:
    """Where the company has several legal entities: each order is that one's which serves the customer."""
    for deal in company.truth.deals.values():
        for order in orders_of_deal(company.erp, deal.po_number):
            if order.entity != deal.customer.entity:
                detail = f"{order.number}: booked by {order.entity}, sold by {deal.customer.entity}"
                yield Violation("order is booked by who sold", deal.deal_id, detail)


def _charged_between_entities(company: Company) -> Iterator[Violation]:
    """Where the home entity ships for others: it charges them its price for what they bill, once for each invoice."""
    erp, settings = company.erp, company.settings
    if not settings.entities or not settings.transfer_price:
        return
    charged: dict[str, list[int]] = {}
    for entry in erp.state.intercompany.values():
        charged.setdefault(entry.reference, []).append(entry.amount_minor)
    for invoice in erp.state.invoices.values():
        if invoice.entity == settings.home_entity or invoice.credited_minor == invoice.total_minor:
            continue
        owed, found = transfer_minor(invoice.total_minor, settings.transfer_price), charged.get(invoice.number, [])
        if found != [owed]:
            detail = f"{invoice.entity} owes {owed} to {settings.home_entity}, charged {len(found)} times: {sum(found)}"
            yield Violation("goods are charged between entities", invoice.number, detail)


def _shipped_is_invoiced(company: Company) -> Iterator[Violation]:
    for order in company.erp.state.orders.values():
        for line in order.lines:
            if line.shipped != line.billed:
                detail = f"line {line.line}: shipped {line.shipped}, invoiced {line.billed}"
                yield Violation("shipped equals invoiced", order.number, detail)


def _receipts_applied_once(company: Company) -> Iterator[Violation]:
    """Of receipts a clerk had a week to see to: each is posted once, and all of it set against invoices."""
    erp = company.erp
    posted: dict[str, list[str]] = {}
    for payment in erp.state.payments.values():
        posted.setdefault(payment.reference or "", []).append(payment.id)
    seen_by = company.end_us - _WEEK_US
    for statement in company.bank.account(company.bank_account_id).statements:
        if statement.created_at > seen_by:
            break
        for entry in statement.entries:
            if entry.end_to_end_id in company.truth.payouts:
                # A provider's sum; what customers paid through it is looked at below, payment by payment.
                continue
            payments = [erp.state.payments[i] for i in posted.get(company.erp_names.reference_of(entry.reference), ())]
            total = sum(p.amount_minor for p in payments)
            if len(payments) != 1 or total != entry.amount_minor:
                detail = f"{entry.amount_minor} received, posted {len(payments)} times as {total}"
                yield Violation("receipt is posted once", entry.reference, detail)
            elif payments[0].unapplied_minor:
                detail = f"{payments[0].unapplied_minor} of {total} still on account"
                yield Violation("receipt is applied", entry.reference, detail)


def _short_payments_cleared(company: Company) -> Iterator[Violation]:
    """What payments fell short by is credited: they are looked through each week, and three weeks are enough."""
    erp = company.erp
    for reference, short in company.truth.shortfalls.items():
        if company.truth.receipts[reference].sent_at > company.end_us - 3 * _WEEK_US:
            continue
        left = sum(erp.state.invoices[erp.by_number[number]].open_minor for number in short.invoices)
        if left:
            detail = f"{short.reason} of {short.amount_minor}, {left} still open"
            yield Violation("short payment is cleared", reference, detail)


def _provider_receipts_applied_once(company: Company) -> Iterator[Violation]:
    """The same for what customers paid through a payment provider."""
    posted: dict[str, list[int]] = {}
    for payment in company.erp.state.payments.values():
        posted.setdefault(payment.reference or "", []).append(payment.amount_minor)
    for receipt in company.truth.provider_receipts.values():
        amounts = posted.get(company.erp_names.reference_of(receipt.reference), [])
        if receipt.sent_at <= company.end_us - _WEEK_US and amounts != [receipt.amount_minor]:
            detail = f"{receipt.amount_minor} paid through the provider, posted {len(amounts)} times as {sum(amounts)}"
            yield Violation("receipt is posted once", receipt.reference, detail)


def _no_shipment_on_hold(company: Company) -> Iterator[Violation]:
    for delivery in company.truth.issued_on_hold:
        yield Violation("no shipment on hold", delivery, "goods issued while the order was on credit hold")


def _one_master_per_customer(company: Company) -> Iterator[Violation]:
    masters: dict[str, dict[str, None]] = {}
    for deal in company.truth.deals.values():
        for order in orders_of_deal(company.erp, deal.po_number):
            masters.setdefault(deal.customer.customer_id, {})[order.customer_id] = None
    for customer_id, ids in masters.items():
        if len(ids) > 1:
            numbers = ", ".join(company.erp.state.customers[i].number for i in ids)
            yield Violation("one master per customer", customer_id, f"{len(ids)} customers in the ERP: {numbers}")


def _crm_agrees(company: Company) -> Iterator[Violation]:
    for deal in company.truth.deals.values():
        orders = orders_of_deal(company.erp, deal.po_number)
        if not orders:
            continue
        custom = company.crm.state.opportunities[company.truth.crm_ids[deal.deal_id]].custom
        for name, value in company.news_of(orders[0]).items():
            found = custom.get(getattr(company.fields, name))
            if found != value:
                detail = f"{name} in the CRM is {found!r}, in the ERP {value!r}"
                yield Violation("CRM agrees with ERP", deal.deal_id, detail)


def _books_balance(company: Company) -> Iterator[Violation]:
    erp = company.erp
    balances = erp.trial_balance()
    if sum(balances.values()) != 0:
        yield Violation("books balance", "trial balance", f"debits minus credits are {sum(balances.values())}")
    open_items = sum(i.open_minor for i in erp.state.invoices.values())
    if balances.get("receivables", 0) != open_items:
        detail = f"ledger {balances.get('receivables', 0)}, open invoices {open_items}"
        yield Violation("books balance", "receivables", detail)
    account = company.bank.account(company.bank_account_id)
    sent = sum(r.amount_minor for r in company.truth.receipts.values()) + sum(company.truth.payouts.values())
    held = account.balance_minor + sum(e.amount_minor for e in account.pending)
    if held != sent:
        yield Violation("books balance", "bank", f"bank holds {held}, customers sent {sent}")

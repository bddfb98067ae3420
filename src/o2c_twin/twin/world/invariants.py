"""What must hold when everything has come to rest: the systems against the truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from o2c_twin.integration.group import transfer_minor
from o2c_twin.mock_systems.roles.bank import Entry
from o2c_twin.mock_systems.roles.erp import DISCOUNTS
from o2c_twin.mock_systems.roles.erp.exchange import in_books
from o2c_twin.twin.world.company import Company
from o2c_twin.twin.world.currencies import lines_agreed, lines_of
from o2c_twin.twin.world.remainders import is_earned
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
        _discounts_as_earned,
        _provider_receipts_applied_once,
        _no_shipment_on_hold,
        _one_master_per_customer,
        _terms_as_agreed,
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
    for deal in company.truth.deals.values():
        for order in orders_of_deal(company.erp, deal.po_number)[:1]:
            agreed = sorted(lines_agreed(company, deal, order.currency))
            entered = sorted(lines_of(company, order))
            if entered != agreed:
                yield Violation("order is as agreed", deal.deal_id, f"{order.number}: {entered}, agreed {agreed}")
            if order.currency != deal.currency:
                detail = f"{order.number}: in {order.currency}, agreed in {deal.currency}"
                yield Violation("order is in the currency agreed", deal.deal_id, detail)


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
    charged: dict[str, list[tuple[int, str]]] = {}
    for entry in erp.state.intercompany.values():
        charged.setdefault(entry.reference, []).append((entry.amount_minor, entry.currency))
    for invoice in erp.state.invoices.values():
        if invoice.entity == settings.home_entity or invoice.credited_minor == invoice.total_minor:
            continue
        owed, found = transfer_minor(invoice.total_minor, settings.transfer_price), charged.get(invoice.number, [])
        if found != [(owed, invoice.currency)]:
            times = f"{len(found)} times: {', '.join(f'{minor} {currency}' for minor, currency in found)}"
            detail = f"{invoice.entity} owes {owed} {invoice.currency} to {settings.home_entity}, charged {times}"
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
    for currency, entry in _seen_entries(company, seen_by):
        payments = [erp.state.payments[i] for i in posted.get(company.erp_names.reference_of(entry.reference), ())]
        if len(payments) == 1 and payments[0].currency != currency:
            value_at = company.truth.receipts[entry.reference].value_at
            worth = company.rates.exchanged(entry.amount_minor, currency, payments[0].currency, value_at)
        else:
            worth = entry.amount_minor
        total = sum(p.amount_minor for p in payments)
        if len(payments) != 1 or total != worth:
            detail = f"{worth} received, posted {len(payments)} times as {total}"
            yield Violation("receipt is posted once", entry.reference, detail)
        elif payments[0].unapplied_minor:
            detail = f"{payments[0].unapplied_minor} of {total} still on account"
            yield Violation("receipt is applied", entry.reference, detail)


def _seen_entries(company: Company, seen_by: int) -> Iterator[tuple[str, Entry]]:
    """What customers paid into the company's accounts, by the statements until then: currency and entry."""
    for currency, account_id in company.bank_accounts.items():
        for statement in company.bank.account(account_id).statements:
            if statement.created_at > seen_by:
                break
            for entry in statement.entries:
                # Not a provider's sum: what customers paid through it is looked at payment by payment.
                if entry.end_to_end_id not in company.truth.payouts:
                    yield currency, entry


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


def _discounts_as_earned(company: Company) -> Iterator[Violation]:
    """What a payment kept of its invoices is granted as a discount where it came in time, and only there."""
    erp, granted = company.erp, dict[str, int]()
    for applied in erp.state.applications:
        sources = erp.state.payments if applied.source_kind == "payment" else erp.state.credit_memos
        if sources[applied.source_id].account == DISCOUNTS:
            granted[applied.invoice_id] = granted.get(applied.invoice_id, 0) + applied.amount_minor
    for reference, discounts in company.truth.discounts.items():
        receipt = company.truth.receipts[reference]
        for number, amount in discounts.items() if receipt.sent_at <= company.end_us - 3 * _WEEK_US else ():
            invoice = erp.state.invoices[erp.by_number[number]]
            earned, found = amount if is_earned(invoice, receipt.value_at) else 0, granted.get(invoice.id, 0)
            if found != earned:
                yield Violation("discount is granted as earned", number, f"{earned} earned, {found} granted")


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


def _terms_as_agreed(company: Company) -> Iterator[Violation]:
    """Where credit reviews them: terms and limits in the ERP, and what sales reads of them, are what credit agreed."""
    if not company.truth.agreed:
        return
    for customer in company.erp.state.customers.values():
        buyer = company.buyer_of(customer.id)
        if buyer is None:
            continue
        agreed = company.truth.agreed[buyer.customer_id]
        if (customer.terms_days, customer.credit_limit_minor) != (agreed.terms_days, agreed.credit_limit_minor):
            detail = f"{customer.number}: {customer.terms_days} days, limit {customer.credit_limit_minor}; {agreed}"
            yield Violation("terms and limits are what credit agreed", buyer.customer_id, detail)
    names = company.fields
    for account_id, customer_id in company.truth.accounts.items():
        custom = company.crm.state.accounts[account_id].custom
        agreed = company.truth.agreed[customer_id]
        days, limit = Decimal(str(custom.get(names.terms_days))), Decimal(str(custom.get(names.credit_limit))) * 100
        if days != agreed.terms_days or limit != agreed.credit_limit_minor:
            detail = f"account {account_id}: {days} days, limit {limit}; {agreed}"
            yield Violation("sales reads the terms credit agreed", customer_id, detail)


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
    open_items: dict[str, int] = {}
    worth = 0
    for invoice in erp.state.invoices.values():
        open_items[invoice.currency] = open_items.get(invoice.currency, 0) + invoice.open_minor
        worth += in_books(invoice.open_minor, invoice.exchange_rate)
    if balances.get("receivables", 0) != worth:
        detail = f"ledger {balances.get('receivables', 0)}, open invoices {worth}"
        yield Violation("books balance", "receivables", detail)
    for currency, own in erp.foreign_balances().items():
        if sum(own.values()) != 0:
            yield Violation("books balance", currency, f"debits minus credits are {sum(own.values())} {currency}")
        if own.get("receivables", 0) != open_items.get(currency, 0):
            detail = f"ledger {own.get('receivables', 0)}, open invoices {open_items.get(currency, 0)} {currency}"
            yield Violation("books balance", f"receivables {currency}", detail)
    yield from _bank_holds_what_was_sent(company)


def _bank_holds_what_was_sent(company: Company) -> Iterator[Violation]:
    sent = {company.settings.currency: sum(company.truth.payouts.values())}
    for receipt in company.truth.receipts.values():
        sent[receipt.currency] = sent.get(receipt.currency, 0) + receipt.amount_minor
    for currency, account_id in company.bank_accounts.items():
        account = company.bank.account(account_id)
        held = account.balance_minor + sum(e.amount_minor for e in account.pending)
        if held != sent.get(currency, 0):
            detail = f"bank holds {held}, customers sent {sent.get(currency, 0)} {currency}"
            yield Violation("books balance", "bank", detail)

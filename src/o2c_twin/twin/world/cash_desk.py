"""The cash desk: clerks who look up each credit of a bank statement and post it."""

from collections.abc import Callable

from o2c_twin.mock_systems.roles.erp import SalesOrder
from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.twin.world.company import OFFICE, Company, Process
from o2c_twin.twin.world.truth import Receipt

Owner = tuple[str, str | None]
"""A customer of the ERP, and the legal entity it owes."""


class CashDesk:
    """A statement is printed in the evening and worked the next morning.

    ``tell`` is what somebody does when a receipt is posted (order, flow, its reference); None where the engine
    carries the news.
    """

    def __init__(self, company: Company, tell: Callable[[SalesOrder, str, str], Process] | None = None) -> None:
        self._company = company
        self._tell = tell
        company.bank.listeners.append(self._bank_changed)

    def _bank_changed(self, change: Change) -> None:
        if change.kind != "statement":
            return
        company = self._company
        for account_id in company.bank_accounts.values():
            for statement in company.bank.account(account_id).statements[-1:]:
                for entry in statement.entries if statement.id == change.id else ():
                    company.begin(self._apply(company.truth.receipts[entry.reference], change.at))

    def _apply(self, receipt: Receipt, printed_at: int) -> Process:
        company = self._company
        yield company.until(OFFICE.next_morning(printed_at))
        yield from company.desk("receivables").work("apply cash", receipt.reference, company.settings.minutes_receipt)
        touched = post_receipt(company, receipt)
        company.record.add("sync", ("cash", receipt.reference, "bank", "erp", printed_at, company.clock.now()))
        if self._tell is not None:
            for order in touched:
                yield from self._tell(order, "payment", receipt.reference)


def post_receipt(company: Company, receipt: Receipt) -> list[SalesOrder]:
    """A clerk posts a receipt to the invoices it was meant for; gives the orders it pays.

    Where it has been posted on account already, only the application is missing. On the account of a customer of
    another number, it was posted for a mistyped reference, and is moved first. Money in another currency than the
    customer's account is changed at the rate of its value date.
    """
    erp = company.erp
    by_owner: dict[Owner, list[tuple[str, int]]] = {}
    orders = {}
    for number, amount in receipt.intended.items():
        invoice = erp.state.invoices[erp.by_number[number]]
        take = min(_worth(company, receipt, amount, invoice.currency), invoice.open_minor)
        if take > 0:
            by_owner.setdefault((invoice.customer_id, invoice.entity), []).append((invoice.id, take))
        orders[invoice.order_id] = erp.state.orders[invoice.order_id]
    posted = erp.payments_by_reference.get(receipt.reference)
    if posted is not None:
        payment = erp.state.payments[posted]
        owner, entity = next(iter(by_owner), (payment.customer_id, payment.entity))
        numbers = {erp.state.customers[each].number for each in (owner, payment.customer_id)}
        elsewhere = len(numbers) > 1 or entity != payment.entity
        if elsewhere and payment.unapplied_minor == payment.amount_minor:
            erp.move_payment(payment.id, owner, entity)
        rows = _within(by_owner.get((payment.customer_id, payment.entity), []), payment.unapplied_minor)
        if rows:
            erp.apply_payment(payment.id, rows)
        return list(orders.values())
    # Money for several masters or entities is posted on the first and split by hand.
    order = next(iter(orders.values()))
    owner, entity = first = next(iter(by_owner), None) or (order.customer_id, order.entity)
    amount = _worth(company, receipt, receipt.amount_minor, erp.state.customers[owner].currency)
    rows = _within(by_owner.get(first, []), amount)
    erp.receive_payment(owner, amount, rows, reference=receipt.reference, entity=entity)
    return list(orders.values())


def _worth(company: Company, receipt: Receipt, minor: int, currency: str) -> int:
    return company.rates.exchanged(minor, receipt.currency, currency, receipt.value_at)


def _within(wanted: list[tuple[str, int]], left: int) -> list[tuple[str, int]]:
    """Invoices and amounts, as far as the money goes."""
    rows = []
    for invoice_id, amount in wanted:
        take = min(amount, left)
        if take > 0:
            rows.append((invoice_id, take))
            left -= take
    return rows

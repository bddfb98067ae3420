"""What short payments leave open: small remainders are written off, the others somebody looks into and credits.

A discount that was earned by paying early is granted, which is no matter of opinion.
"""

from o2c_twin.integration.match.shortfall import Tolerance
from o2c_twin.mock_systems.roles.erp import DISCOUNTS, WRITE_OFFS, Invoice
from o2c_twin.twin.world.company import OFFICE, Company, Process
from o2c_twin.twin.world.remittances import Reason, Shortfall

_DAY = 86_400_000_000
_WEEK = 7 * _DAY
# 1970-01-05 was a Monday; the list is gone through at nine.
_FIRST_LIST = 4 * 86_400_000_000 + (OFFICE.opens + 1) * 3_600_000_000
_WRITTEN_OFF = Tolerance()


EARLY: tuple[Reason, ...] = ("early payment", "unearned discount")


def is_earned(invoice: Invoice, value_at: int) -> bool:
    """Whether a payment of that value date has earned the discount of an invoice."""
    until = invoice.discount_until
    return until is not None and value_at // _DAY <= until // _DAY


def clear_remainder(company: Company, reference: str, short: Shortfall) -> Process:
    """Each Monday's list of open items: once the payment is applied, what it left open is credited.

    Within the tolerance of the domain sheet (3.5, rule 2) the ledger writes it off by itself, unless the engine did
    so with the payment. Beyond it support finds out what was agreed. The customer was right: the discount had been
    promised, and is less revenue; charges come back to the payee, and are a cost. Discounts for paying early that the
    engine has granted by then are no work.
    """
    now = company.clock.now()
    when = now - (now - _FIRST_LIST) % _WEEK + _WEEK
    invoices = [company.erp.state.invoices[company.erp.by_number[number]] for number in short.invoices]
    while when < company.end_us:
        yield company.until(when)
        if sum(invoice.open_minor for invoice in invoices) <= short.amount_minor:
            break
        when += _WEEK
    else:
        return
    left = sum(invoice.open_minor for invoice in invoices)
    if short.reason in EARLY:
        if left:
            yield from _settle_discount(company, reference, short, invoices)
        return
    missing = left if short.reason == "exchange difference" else short.amount_minor
    if not _WRITTEN_OFF.covers(missing, short.due_minor):
        yield from company.desk("support").work("settle deduction", reference, company.settings.minutes_dispute)
    for invoice in invoices:
        if invoice.open_minor > 0:
            account = WRITE_OFFS if short.reason == "bank charge" else "revenue"
            company.erp.issue_credit_memo(invoice.id, invoice.open_minor, short.reason, account=account)
            company.diary.note("support", "remainder credited", "invoice", invoice.number, None, reason=short.reason)


def _settle_discount(company: Company, reference: str, short: Shortfall, invoices: list[Invoice]) -> Process:
    """A clerk grants what was earned; of what came too late support finds that the customer is worth it: it leaks."""
    value_at = company.truth.receipts[reference].value_at
    if short.reason == "early payment":
        yield from company.desk("receivables").work("grant discount", reference, company.settings.minutes_receipt)
    else:
        yield from company.desk("support").work("settle deduction", reference, company.settings.minutes_dispute)
    for invoice in invoices:
        if invoice.open_minor > 0:
            account = DISCOUNTS if is_earned(invoice, value_at) else "revenue"
            company.erp.issue_credit_memo(invoice.id, invoice.open_minor, short.reason, account=account)
            company.diary.note("receivables", "discount granted", "invoice", invoice.number, None, reason=short.reason)

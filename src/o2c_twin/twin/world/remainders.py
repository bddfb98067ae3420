"""What short payments leave open: small remainders are written off, the others somebody looks into and credits."""

from o2c_twin.integration.match.shortfall import Tolerance
from o2c_twin.mock_systems.roles.erp import WRITE_OFFS
from o2c_twin.twin.world.company import OFFICE, Company, Process
from o2c_twin.twin.world.remittances import Shortfall

_WEEK = 7 * 86_400_000_000
# 1970-01-05 was a Monday; the list is gone through at nine.
_FIRST_LIST = 4 * 86_400_000_000 + (OFFICE.opens + 1) * 3_600_000_000
_WRITTEN_OFF = Tolerance()


def clear_remainder(company: Company, reference: str, short: Shortfall) -> Process:
    """Each Monday's list of open items: once the payment is applied, what it left open is credited.

    Within the tolerance of the domain sheet (3.5, rule 2) the ledger writes it off by itself, unless the engine did
    so with the payment. Beyond it support finds out what was agreed. The customer was right: the discount had been
    promised, and is less revenue; charges come back to the payee, and are a cost.
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
    missing = left if short.reason == "exchange difference" else short.amount_minor
    if not _WRITTEN_OFF.covers(missing, short.due_minor):
        yield from company.desk("support").work("settle deduction", reference, company.settings.minutes_dispute)
    for invoice in invoices:
        if invoice.open_minor > 0:
            account = WRITE_OFFS if short.reason == "bank charge" else "revenue"
            company.erp.issue_credit_memo(invoice.id, invoice.open_minor, short.reason, account=account)
            company.diary.note("support", "remainder credited", "invoice", invoice.number, None, reason=short.reason)

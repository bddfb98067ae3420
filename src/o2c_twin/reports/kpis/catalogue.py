"""Every KPI the reports know: id, label, unit, which way is better and how it is measured.

Formulas follow the order-to-cash domain sheet, section 1. The ids are stable: scripts and ROI models
name them. A part of a KPI appends its name, as in ``touch.hours.billing``.
"""

from collections.abc import Mapping
from types import MappingProxyType

from o2c_twin.reports.kpis.model import Better, Definition, Unit

CASH, TIME, CREDIT, QUALITY, WORK, SYSTEMS, VOLUME = (
    "Cash and receivables",
    "Time from order to cash",
    "Credit holds",
    "Errors and leakage",
    "People's time",
    "Integration",
    "Volume",
)

_BANK = "bank view: net of money received and credits issued, applied or not; amounts as invoiced"
_BOOKS = "book view: open items until cash or credit is applied to them; amounts as invoiced"
_COHORT = "deals, receipts or changes of the period, followed to the end of the run"

# id, label, unit, better, variant, basis, text
_Row = tuple[str, str, Unit, Better, str, str, str]

_CASH: tuple[_Row, ...] = (
    ("dso.simple", "DSO, simple, last 90 days", "days", "lower", "closing balance", _BANK,
     "Closing receivables ÷ net credit sales of the last 90 days (of the whole period if shorter), times those days."),
    ("dso.simple.year", "DSO, simple, last 365 days", "days", "lower", "closing balance", _BANK,
     "Closing receivables ÷ net credit sales of the last 365 days, times 365. Needs a period of 365 days."),
    ("dso.simple.books", "DSO, simple, last 90 days, book view", "days", "lower", "closing balance", _BOOKS,
     "As DSO simple, with the ledger's open items: cash that waits to be applied still counts as owed. "
     "The gap to DSO simple is the days that cash application takes; it is not cash."),
    ("dso.countback", "DSO, count-back", "days", "lower", "whole months, newest first", _BANK,
     "Months' net sales taken off closing receivables, newest first, counting their days, the last in proportion."),
    ("dso.ledger", "DSO, dollar-days, last 90 days", "days", "lower", "daily balances", _BANK,
     "Sum of end-of-day receivables ÷ net credit sales of the same days; a run that starts empty reads low early on."),
    ("dso.avg", "DSO, average of month-ends", "days", "lower", "opening and month-end balances", _BANK,
     "Mean of the opening and all month-end receivables ÷ net credit sales of the period, times its days."),
    ("dso.true_paid", "Days to pay, weighted, paid items", "days", "lower", "cash of the period", _BANK,
     "Days from invoice to bank, weighted by cash of the period. Ignores what is still open."),
    ("dso.true_open", "Age of open items, weighted", "days", "lower", "open at period end", _BANK,
     "Age of what is open at the end of the period, weighted by the open amount."),
    ("dso.true_cohort", "Days to pay, all invoices, 180-day horizon", "days", "lower", "Kaplan-Meier, 180 days",
     _COHORT, "Restricted mean of the value-weighted Kaplan-Meier curve of the period's invoices: unpaid ones are "
     "censored, not dropped. The fair per-invoice comparison of two designs."),
    ("bpdso", "Best possible DSO", "days", "lower", "last 90 days", _BANK,
     "Receivables not yet due ÷ net credit sales, times days; days and sales as for DSO simple."),
    ("add", "Average days delinquent", "days", "lower", "balance form", _BANK,
     "DSO simple less best possible DSO: the days that lateness adds."),
    ("add.paid", "Days late, weighted, paid items", "days", "lower", "per-invoice form, late only", _BANK,
     "Days past due weighted by cash of the period; early payment counts as zero."),
    ("cei", "Collection effectiveness", "share", "higher", "whole period", _BANK,
     "(Opening + net sales less closing) ÷ (opening + net sales less closing not yet due)."),
    ("ar.turnover", "Receivables turnover a year", "ratio", "higher", "annualised", _BANK,
     "Net credit sales ÷ mean of opening and closing receivables, times 365 ÷ days of the period."),
    ("ar.closing", "Receivables at period end", "money", "neither", "", _BANK,
     "Invoices less credit memos and money received, up to the end of the period."),
    ("ar.current_share", "Share of open items not yet due", "share", "higher", "", _BANK,
     "Open items not yet due ÷ open items, at the end of the period."),
    ("ar.ageing", "Open items by days past due", "money", "neither", "", _BANK,
     "Open amount at the end of the period by days past due: current, 1 to 30, 31 to 60, 61 to 90, over 90."),
    ("ar.unapplied", "Unallocated money and credits", "money", "lower", "", _BANK,
     "Money received and credits issued that no invoice had been matched with by the end of the run; never netted "
     "into an ageing bucket."),
    ("cash.unapplied", "Cash received, not yet applied", "money", "lower", "at period end", _BOOKS,
     "Money in the bank by the end of the period that had not been applied to an invoice at that time."),
    ("cash.collected", "Cash collected", "money", "higher", "", "bank value dates", "Money received in the period."),
)  # fmt: skip

_TIME: tuple[_Row, ...] = (
    ("order_to_invoice.median", "Win to first invoice, median", "days", "lower", "Kaplan-Meier, nearest rank", _COHORT,
     "Days from the win to the deal's first invoice; deals without one are censored at the end of the run."),
    ("order_to_invoice.p90", "Win to first invoice, 90th percentile", "days", "lower", "Kaplan-Meier, nearest rank",
     _COHORT, "As the median: nine deals in ten were invoiced within this time."),
    ("dso.invoice_lag", "Goods issue to invoice", "days", "lower", "value weighted", _COHORT,
     "Days from goods issue to the delivery's first invoice (one that names it, or else the order's next), weighted by "
     "the delivery's value; DSO starts only after it. Deliveries never invoiced count as censored."),
    ("order_to_cash", "Win to cash applied", "days", "lower", "weighted by cash applied", _COHORT,
     "Days from win to applied cash, weighted by the cash. The stages below add up to it: win to order entry, to "
     "goods issue, to invoice, to money in the bank, to application. What is still unpaid is not in it."),
    ("cash_application.mean", "Bank to application, mean", "hours", "lower", "receipts applied", _COHORT,
     "Hours from the bank value date, which begins at midnight, to the receipt's first application; receipts never "
     "applied count as censored."),
    ("cash_application.median", "Bank to application, median", "hours", "lower", "Kaplan-Meier, nearest rank", _COHORT,
     "As the mean, the middle receipt, with unapplied receipts censored."),
    ("cash_application.next_day_share", "Receipts applied by the next business day", "share", "higher",
     "Monday to Friday, no holidays", _COHORT,
     "Receipts first applied on the same or the next business day ÷ receipts."),
)  # fmt: skip

_CREDIT: tuple[_Row, ...] = (
    ("credit.hold_rate", "Orders ever on credit hold", "share", "lower", "Wilson interval", _COHORT,
     "ERP orders of the period that were on credit hold at least once ÷ ERP orders of the period."),
    ("credit.holds", "Credit holds", "count", "lower", "", _COHORT,
     "Times an order of the period was put on hold; an order held again after its release counts again."),
    ("credit.rehold_rate", "Held orders held again", "share", "lower", "Wilson interval", _COHORT,
     "Held orders that were put on hold more than once ÷ held orders: the loop in which a release lapses before the "
     "goods leave."),
    ("credit.hold_time.mean", "Time on hold, mean", "hours", "lower", "calendar hours", _COHORT,
     "Hours from hold to release of the same hold, nights and weekends included; holds still on are censored and "
     "not in the mean."),
    ("credit.hold_time.median", "Time on hold, median", "hours", "lower", "calendar hours, Kaplan-Meier, nearest rank",
     _COHORT, "As the mean, the middle hold, with holds still on censored."),
    ("credit.hold_time.p90", "Time on hold, 90th percentile", "hours", "lower",
     "calendar hours, Kaplan-Meier, nearest rank", _COHORT, "As the median: nine holds in ten were over within this "
     "time."),
    ("credit.hold_time.business", "Time on hold, business hours, mean", "hours", "lower",
     "Monday to Friday, 8 to 17 UTC, no holidays", _COHORT,
     "As the mean, counting business hours only: what a hold waits while somebody could look at it."),
    ("credit.hold_time.per_order", "Time on hold a held order, mean", "hours", "lower", "calendar hours", _COHORT,
     "Hours of all holds of an order together, mean over the held orders; orders still on hold are censored."),
)  # fmt: skip

_QUALITY: tuple[_Row, ...] = (
    ("billing.error_rate", "Billing error rate", "share", "lower", "Wilson interval", _COHORT,
     "Invoices of the period that were credited or replaced, after an upheld dispute or without one ÷ invoices. The "
     "record marks a dispute as upheld by the credit memo that settled it. What is written off or granted for paying "
     "early was no error."),
    ("billing.errors", "Invoices in error", "count", "lower", "", _COHORT, "Numerator of the billing error rate."),
    ("billing.wrong_tax", "Invoices under another entity's tax code", "count", "lower", "", _COHORT,
     "Invoices of the period by another legal entity than the one that serves the customer, so under its tax code."),
    ("dispute.rate", "Dispute rate", "share", "lower", "Wilson interval", _COHORT,
     "Invoices of the period with a dispute opened ÷ invoices."),
    ("leakage.amount", "Revenue leakage", "money", "lower", "", "agreed prices against invoices as billed",
     "For deals whose last delivery left 30 days or more before the end of the run: delivered value at the "
     "agreed price (no more than was agreed) less what was billed net of credit memos, where that is positive. One "
     "deal's excess never hides another's shortfall. What was written off was billed, and is a cost."),
    ("leakage.share", "Revenue leakage, share of billable", "share", "lower", "",
     "agreed prices against invoices as billed", "Revenue leakage ÷ billable value of the same deals."),
    ("write_offs.amount", "Written off", "money", "lower", "whole run", "",
     "What is no longer asked for of invoices that were billed right: bank charges and other remainders. It is a cost: "
     "it reduces neither sales nor what was billed, and is no leakage."),
    ("discounts.amount", "Early payment discounts granted", "money", "lower", "whole run", "",
     "What customers kept who paid within the days their terms say. It was promised with the invoice: neither a "
     "write-off nor leakage nor an error of billing, and billed sales are before it. One granted though it came too "
     "late leaks."),
    ("overbilling.amount", "Billed beyond agreement", "money", "lower", "", "agreed prices against invoices as billed",
     "For the deals of revenue leakage: billed net of credit memos, less billable, where that is positive."),
    ("orders.lost", "Lost deals", "count", "lower", "at the end of the run", "",
     "Deals won five days or more before the end of the run that no ERP order was entered for."),
    ("orders.duplicate", "Duplicate orders", "count", "lower", "at the end of the run", "",
     "ERP orders beyond the first for the same deal."),
    ("orders.entry_errors", "Orders entered wrong", "count", "lower", "at the end of the run", "",
     "ERP orders with a wrong price or quantity."),
    ("orders.misbooked", "Orders booked by another legal entity", "count", "lower", "at the end of the run", "",
     "ERP orders booked by another legal entity than the one that serves the customer; none in a company of one."),
    ("invariants.violations", "Invariants broken", "count", "lower", "at the end of the run", "",
     "Rules about the truth and the systems that did not hold at the end of the run."),
)  # fmt: skip

_WORK: tuple[_Row, ...] = (
    ("touch.hours", "Touch time", "hours", "lower", "", "tasks of the whole run",
     "Hours of people's time on tasks; waiting is not in it."),
    ("touch.minutes_per_order", "Touch time an order", "minutes", "lower", "", "tasks of the whole run",
     "Touch time ÷ ERP orders."),
    ("touch.tasks", "Tasks done by hand", "count", "lower", "", "tasks of the whole run", "Tasks that people did."),
    ("orders.touchless", "Touchless orders", "share", "higher", "Wilson interval", _COHORT,
     "ERP orders of the period that reached goods issue without a desk task (warehouse work aside) on the deal, the "
     "order or its delivery ÷ ERP orders of the period."),
)  # fmt: skip

_SYSTEMS: tuple[_Row, ...] = (
    ("sync.latency.p50", "Sync latency, median", "seconds", "lower", "Kaplan-Meier, nearest rank", _COHORT,
     "Commit in the target less commit in the source, by engine or by hand; changes that never arrived are censored."),
    ("sync.latency.p95", "Sync latency, 95th percentile", "seconds", "lower", "Kaplan-Meier, nearest rank", _COHORT,
     "As the median: 95 changes in 100 arrived within this time."),
    ("sync.latency.p99", "Sync latency, 99th percentile", "seconds", "lower", "Kaplan-Meier, nearest rank", _COHORT,
     "As the median: 99 changes in 100 arrived within this time."),
    ("sync.never_arrived", "Changes that never arrived", "count", "lower", "at the end of the run", _COHORT,
     "Changes of the period that the target had not learnt by the end of the run."),
    ("api.calls", "API calls", "count", "neither", "", "whole run", "Calls that any system answered, refused or lost."),
    ("api.calls_per_order", "API calls an order", "ratio", "neither", "", "whole run", "API calls ÷ ERP orders."),
    ("api.throttled", "API calls throttled", "count", "lower", "", "whole run", "Calls refused by a limit policy."),
    ("api.throttled_share", "API calls throttled, share", "share", "lower", "Wilson interval", "whole run",
     "Throttled calls ÷ calls."),
    ("api.failed", "API calls to be repeated", "count", "lower", "", "whole run",
     "Calls without an answer, throttled, or answered 408, 429 or 5xx: each costs a retry."),
    ("api.faults", "Injected faults met", "count", "neither", "", "whole run", "Calls on which a fault was injected."),
    ("cases.opened", "Exception cases opened", "count", "lower", "", "whole run",
     "Dead letters and exceptions that the engine handed to a person. Where people re-key there is no engine."),
    ("cases.open", "Exception cases still open", "count", "lower", "at the end of the run", "",
     "Of these, the ones not settled by the end of the run."),
)  # fmt: skip

_VOLUME: tuple[_Row, ...] = (
    ("deals.won", "Deals won", "count", "neither", "", "", "Deals won in the period."),
    ("deals.amount", "Deals won, value", "money", "neither", "", "agreed value without tax",
     "Agreed value of the deals won in the period."),
    ("orders.entered", "ERP orders", "count", "neither", "", "", "Orders that the ERP committed in the period."),
    ("invoices.issued", "Invoices issued", "count", "neither", "", "", "Invoices of the period."),
    ("invoices.net", "Net credit sales", "money", "neither", "", "as invoiced",
     "Invoices less credit memos of the period."),
)  # fmt: skip


def _definitions() -> dict[str, Definition]:
    groups = (
        (CASH, _CASH),
        (TIME, _TIME),
        (CREDIT, _CREDIT),
        (QUALITY, _QUALITY),
        (WORK, _WORK),
        (SYSTEMS, _SYSTEMS),
        (VOLUME, _VOLUME),
    )
    return {
        id: Definition(id, label, group, unit, better, text, variant, basis)
        for group, rows in groups
        for id, label, unit, better, variant, basis, text in rows
    }


DEFINITIONS: Mapping[str, Definition] = MappingProxyType(_definitions())

"""The payment provider's core: invoices, payments, refunds, disputes, credit notes, the balance and its payouts."""

from o2c_twin.mock_systems.roles.billing.collecting import Declined
from o2c_twin.mock_systems.roles.billing.core import BillingCore
from o2c_twin.mock_systems.roles.billing.records import (
    Behaviour,
    BillingState,
    CashEntry,
    Charge,
    CreditNote,
    Customer,
    Dispute,
    Entry,
    Happening,
    Instrument,
    Invoice,
    InvoicePayment,
    Line,
    Method,
    Payment,
    Payout,
    Refund,
    TestClock,
)
from o2c_twin.mock_systems.roles.billing.terms import BillingTerms, Fee, PayoutSchedule

__all__ = [
    "Behaviour",
    "BillingCore",
    "BillingState",
    "BillingTerms",
    "CashEntry",
    "Charge",
    "CreditNote",
    "Customer",
    "Declined",
    "Dispute",
    "Entry",
    "Fee",
    "Happening",
    "Instrument",
    "Invoice",
    "InvoicePayment",
    "Line",
    "Method",
    "Payment",
    "Payout",
    "PayoutSchedule",
    "Refund",
    "TestClock",
]

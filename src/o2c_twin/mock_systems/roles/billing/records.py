"""The records of a payment provider. Money in integer minor units of the record's currency, instants in epoch
microseconds."""

from typing import Literal

import msgspec

from o2c_twin.mock_systems.roles.records import Change, Numbers

Method = Literal["card", "debit", "transfer"]
"""How a customer pays: a card (at once), a direct debit (days later), a bank transfer into the provider's account."""

Reconciling = Literal["default", "automatic", "manual"]


class Happening(Change, frozen=True, gc=False):
    """A change with its name in the trade, such as ``finalised`` of an invoice."""

    name: str


class Behaviour(msgspec.Struct, frozen=True, gc=False):
    """What the banks behind an instrument will do, which nobody knows beforehand.

    ``decline``: the reason every attempt is refused with. ``returned``: the reason a debit comes back with
    instead of settling. ``asks_customer``: an attempt waits for the customer to authenticate.
    ``disputes``: the reason every charge is disputed with as soon as it succeeds. ``rejects_refunds``: money
    sent back does not arrive.
    """

    decline: str | None = None
    returned: str | None = None
    asks_customer: bool = False
    disputes: str | None = None
    rejects_refunds: bool = False


class Instrument(msgspec.Struct, gc=False):
    """A card or a bank account that may be debited."""

    id: str
    method: Method
    last4: str
    brand: str
    country: str
    behaviour: Behaviour
    created_at: int
    customer_id: str | None = None
    owner: str | None = None
    email: str | None = None
    metadata: dict[str, str] = {}


class Customer(msgspec.Struct, gc=False):
    """A paying customer. ``balance_minor``: owed on account, negative for credit; ``cash``: real money of theirs
    the provider holds, by currency; ``account`` the number they send transfers to."""

    id: str
    created_at: int
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    description: str | None = None
    metadata: dict[str, str] = {}
    address: dict[str, str] | None = None
    prefix: str = ""
    account: str = ""
    instrument_id: str | None = None
    clock_id: str | None = None
    balance_minor: int = 0
    currency: str | None = None
    cash: dict[str, int] = {}
    reconciling: Reconciling = "default"
    next_number: int = 1
    payment_ids: list[str] = []
    deleted: bool = False


class Line(msgspec.Struct, gc=False):
    """A line of an invoice, or one waiting for an invoice (``invoice_id`` None)."""

    id: str
    item_id: str
    customer_id: str
    currency: str
    amount_minor: int
    quantity: int
    created_at: int
    description: str | None = None
    metadata: dict[str, str] = {}
    invoice_id: str | None = None


InvoiceStatus = Literal["draft", "open", "paid", "uncollectible", "void"]


class Invoice(msgspec.Struct, gc=False):
    """An invoice. ``due_minor`` is its total less credit on account and credit notes before payment;
    ``remaining_minor`` what is still to be paid of that."""

    id: str
    customer_id: str
    currency: str
    created_at: int
    automatic: bool
    methods: tuple[Method, ...]
    status: InvoiceStatus = "draft"
    number: str | None = None
    lines: list[Line] = []
    auto_advance: bool = False
    due_at: int | None = None
    days_until_due: int | None = None
    description: str | None = None
    footer: str | None = None
    metadata: dict[str, str] = {}
    instrument_id: str | None = None
    payment_id: str | None = None
    payment_ids: list[str] = []
    from_balance_minor: int = 0
    paid_minor: int = 0
    overpaid_minor: int = 0
    credited_before_minor: int = 0
    credited_after_minor: int = 0
    attempts: int = 0
    out_of_band: bool = False
    finalises_at: int | None = None
    finalised_at: int | None = None
    sent_at: int | None = None
    paid_at: int | None = None
    voided_at: int | None = None
    uncollectible_at: int | None = None
    balance_at_start: int = 0

    @property
    def total_minor(self) -> int:
        """Sum of the lines."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def due_minor(self) -> int:
        """What is to be paid."""
        return max(0, self.total_minor - self.from_balance_minor - self.credited_before_minor)

    @property
    def remaining_minor(self) -> int:
        """What is still to be paid; nothing of an invoice that is settled or void."""
        return 0 if self.status in ("paid", "void") else max(0, self.due_minor - self.paid_minor)


class InvoicePayment(msgspec.Struct, gc=False):
    """A payment asked for an invoice; several may share one."""

    id: str
    invoice_id: str
    payment_id: str
    currency: str
    requested_minor: int
    created_at: int
    is_default: bool
    status: Literal["open", "paid", "canceled"] = "open"
    paid_minor: int | None = None
    paid_at: int | None = None
    canceled_at: int | None = None


PaymentStatus = Literal[
    "needs-instrument", "needs-confirmation", "needs-action", "processing", "capturable", "succeeded", "cancelled"
]


class PaymentError(msgspec.Struct, frozen=True, gc=False):
    """Why the last attempt failed: ``code`` of the rule, ``reason`` of the bank."""

    code: str
    reason: str | None
    message: str
    instrument_id: str | None
    charge_id: str | None


class Payment(msgspec.Struct, gc=False):
    """A sum to be collected, through as many attempts (charges) as it takes.

    ``funded_minor``: cash already set aside for it; ``reference`` what a transfer should name.
    """

    id: str
    amount_minor: int
    currency: str
    created_at: int
    methods: tuple[Method, ...]
    reference: str
    status: PaymentStatus = "needs-instrument"
    customer_id: str | None = None
    instrument_id: str | None = None
    manual_capture: bool = False
    description: str | None = None
    statement: str | None = None
    email: str | None = None
    metadata: dict[str, str] = {}
    invoice_id: str | None = None
    received_minor: int = 0
    capturable_minor: int = 0
    funded_minor: int = 0
    error: PaymentError | None = None
    charge_ids: list[str] = []
    cancelled_at: int | None = None
    cancel_reason: str | None = None
    hour: int = 0
    updates_in_hour: int = 0


ChargeStatus = Literal["pending", "succeeded", "failed"]


class Charge(msgspec.Struct, gc=False):
    """One attempt that moved money, or tried to."""

    id: str
    payment_id: str
    method: Method
    amount_minor: int
    currency: str
    created_at: int
    status: ChargeStatus
    customer_id: str | None = None
    instrument_id: str | None = None
    description: str | None = None
    metadata: dict[str, str] = {}
    captured: bool = True
    captured_minor: int = 0
    refunded_minor: int = 0
    disputed: bool = False
    failure: PaymentError | None = None
    entry_id: str | None = None
    invoice_id: str | None = None
    refund_ids: list[str] = []
    dispute_id: str | None = None


RefundStatus = Literal["pending", "succeeded", "failed", "cancelled"]


class Refund(msgspec.Struct, gc=False):
    """Money sent back. A refund that succeeded may fail days later, when the account turns out to be closed."""

    id: str
    charge_id: str
    payment_id: str
    amount_minor: int
    currency: str
    created_at: int
    status: RefundStatus
    customer_id: str | None = None
    reason: str | None = None
    metadata: dict[str, str] = {}
    failure: str | None = None
    entry_id: str | None = None
    failure_entry_id: str | None = None


DisputeStatus = Literal["inquiry", "inquiry-review", "inquiry-closed", "needs-response", "under-review", "won", "lost"]


class Dispute(msgspec.Struct, gc=False):
    """A charge the customer's bank took back, or asks about (inquiry)."""

    id: str
    charge_id: str
    payment_id: str
    amount_minor: int
    currency: str
    created_at: int
    reason: str
    status: DisputeStatus
    due_at: int
    contestable: bool = True
    evidence: dict[str, str] = {}
    submissions: int = 0
    persuasive: bool | None = None
    entry_ids: list[str] = []
    metadata: dict[str, str] = {}


class CreditLine(msgspec.Struct, gc=False):
    """A line of a credit note."""

    id: str
    amount_minor: int
    description: str | None = None
    invoice_line_id: str | None = None
    quantity: int = 1


class CreditNote(msgspec.Struct, gc=False):
    """A credit on an invoice: ``before_minor`` lowers what is to be paid, ``after_minor`` gives back what was."""

    id: str
    number: str
    invoice_id: str
    customer_id: str
    currency: str
    created_at: int
    amount_minor: int
    before_minor: int
    after_minor: int
    refunds: list[tuple[str, int]] = []
    on_account_minor: int = 0
    out_of_band_minor: int = 0
    reason: str | None = None
    memo: str | None = None
    metadata: dict[str, str] = {}
    lines: list[CreditLine] = []
    status: Literal["issued", "void"] = "issued"
    voided_at: int | None = None


EntryKind = Literal[
    "charge", "refund", "refund-failure", "dispute", "dispute-reversal", "payout", "payout-failure", "payout-cancelled"
]


class Entry(msgspec.Struct, gc=False):
    """One movement of the merchant's balance at the provider; net = amount - fee."""

    id: str
    kind: EntryKind
    amount_minor: int
    fee_minor: int
    currency: str
    source_id: str
    created_at: int
    available_at: int
    method: Method | None = None
    description: str | None = None
    payout_id: str | None = None

    @property
    def net_minor(self) -> int:
        """What the balance moves by."""
        return self.amount_minor - self.fee_minor


class Payout(msgspec.Struct, gc=False):
    """One sum sent to the merchant's bank; ``reference`` is what the bank statement shows."""

    id: str
    amount_minor: int
    currency: str
    created_at: int
    arrives_at: int
    automatic: bool
    reference: str
    status: Literal["pending", "in-transit", "paid", "failed", "cancelled"] = "pending"
    description: str | None = None
    statement: str | None = None
    metadata: dict[str, str] = {}
    entry_id: str = ""
    entry_ids: list[str] = []
    failure: str | None = None
    failure_entry_id: str | None = None
    reconciled: bool = False


CashKind = Literal["funded", "applied", "unapplied", "refunded", "returned"]


class CashEntry(msgspec.Struct, gc=False):
    """One movement of a customer's cash at the provider."""

    id: str
    customer_id: str
    currency: str
    kind: CashKind
    amount_minor: int
    ending_minor: int
    created_at: int
    source_id: str | None = None
    reference: str | None = None
    payer: str | None = None


class TestClock(msgspec.Struct, gc=False):
    """Time of its own for some customers' invoices, moved forward by hand."""

    __test__ = False  # for pytest, which takes the name for a test

    id: str
    created_at: int
    frozen_at: int
    name: str | None = None
    target_at: int | None = None


class Job(msgspec.Struct, frozen=True, order=True, gc=False):
    """Work that falls due; jobs of one instant are done in the order they were planned."""

    at: int
    sequence: int
    what: str
    id: str


class BillingState(msgspec.Struct):
    """Everything a provider holds; a snapshot is this, encoded. Tables keep the order of creation."""

    numbers: Numbers = msgspec.field(default_factory=Numbers)
    customers: dict[str, Customer] = {}
    instruments: dict[str, Instrument] = {}
    waiting_lines: dict[str, Line] = {}
    invoices: dict[str, Invoice] = {}
    invoice_payments: dict[str, InvoicePayment] = {}
    payments: dict[str, Payment] = {}
    charges: dict[str, Charge] = {}
    refunds: dict[str, Refund] = {}
    disputes: dict[str, Dispute] = {}
    credit_notes: dict[str, CreditNote] = {}
    entries: dict[str, Entry] = {}
    payouts: dict[str, Payout] = {}
    cash_entries: dict[str, CashEntry] = {}
    clocks: dict[str, TestClock] = {}
    agenda: list[Job] = []
    clock_agendas: dict[str, list[Job]] = {}
    unpaid_out: dict[str, dict[str, None]] = {}

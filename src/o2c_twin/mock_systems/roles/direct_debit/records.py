"""The records of a direct debit provider. Money in integer minor units unless it says tenths; dates are ISO
dates, instants microseconds since the epoch.

Fees are kept to a tenth of a minor unit, because a share of a small amount is often less than a whole one;
the payout is the rounded sum of its items.
"""

from typing import Literal

import msgspec

from o2c_twin.mock_systems.roles.records import Numbers

MandateStatus = Literal["pending_submission", "submitted", "active", "failed", "cancelled", "expired"]
PaymentStatus = Literal[
    "pending_submission", "submitted", "confirmed", "paid_out", "cancelled", "failed", "charged_back"
]
RefundStatus = Literal["created", "submitted", "paid", "bounced", "funds_returned"]
PayoutStatus = Literal["pending", "paid", "bounced"]
ItemKind = Literal[
    "payment_paid_out",
    "payment_failed",
    "payment_charged_back",
    "payment_refunded",
    "refund_funds_returned",
    "fee",
    "surcharge",
]
Origin = Literal["api", "bank", "provider", "customer"]


class Refusal(msgspec.Struct, frozen=True):
    """A bank's no: the cause in plain words, and the scheme's own code for it."""

    cause: str
    code: str | None


class Creditor(msgspec.Struct, frozen=True):
    """Who collects: name, country, the short name in payout references, and the account payouts go to."""

    id: str
    name: str
    country: str
    short_name: str
    bank_account_id: str
    created_at: int


class Customer(msgspec.Struct):
    """A payer. ``details`` are names and address by field."""

    id: str
    number: int
    created_at: int
    details: dict[str, str | None]
    metadata: dict[str, str] = {}


class PayerAccount(msgspec.Struct):
    """A payer's bank account: of its number only the ending is kept; ``fingerprint`` tells doubles."""

    id: str
    number: int
    created_at: int
    customer_id: str
    holder: str
    ending: str
    country: str
    currency: str
    bank_name: str
    fingerprint: str
    enabled: bool = True
    metadata: dict[str, str] = {}


class Mandate(msgspec.Struct):
    """A payer's instruction to let the creditor collect.

    ``step_at`` is when its next step is due; ``refusal`` what the bank will say or has said to it;
    ``last_used`` the last day a payment was submitted on it (or its creation).
    """

    id: str
    number: int
    created_at: int
    customer_id: str
    account_id: str
    scheme: str
    reference: str
    last_used: str
    status: MandateStatus = "pending_submission"
    active_on: str | None = None
    step_at: int | None = None
    refusal: Refusal | None = None
    reinstated: int = 0
    metadata: dict[str, str] = {}


class Payment(msgspec.Struct):
    """One collection.

    ``step_at`` is when its next step is due; ``refusal`` what the payer's bank will answer, or has answered;
    ``attempts`` counts retries; ``fee`` (tenths) what was charged for it in its last payout.
    """

    id: str
    number: int
    created_at: int
    mandate_id: str
    amount: int
    currency: str
    charge_on: str
    description: str | None
    reference: str | None
    retry_if_possible: bool
    status: PaymentStatus = "pending_submission"
    refunded: int = 0
    step_at: int | None = None
    refusal: Refusal | None = None
    attempts: int = 0
    payout_id: str | None = None
    fee: int = 0
    metadata: dict[str, str] = {}


class Refund(msgspec.Struct):
    """Money sent back to a payer, taken from a payout."""

    id: str
    number: int
    created_at: int
    payment_id: str
    mandate_id: str
    amount: int
    currency: str
    reference: str | None
    status: RefundStatus = "created"
    step_at: int | None = None
    payout_id: str | None = None
    metadata: dict[str, str] = {}


class Item(msgspec.Struct, frozen=True):
    """What one thing adds to a payout, in tenths of a minor unit (negative takes away)."""

    kind: ItemKind
    tenths: int
    payment_id: str
    mandate_id: str
    refund_id: str | None = None


class Payout(msgspec.Struct):
    """One sum sent to the creditor's bank: ``amount`` is the rounded sum of ``items``; ``fees`` likewise."""

    id: str
    number: int
    created_at: int
    amount: int
    fees: int
    currency: str
    reference: str
    arrives_on: str
    items: list[Item]
    status: PayoutStatus = "pending"
    step_at: int | None = None
    metadata: dict[str, str] = {}


class Happening(msgspec.Struct, frozen=True, gc=False):
    """One entry of the change feed: what became of which record, why, and who set it off.

    ``links`` name other records concerned; ``metadata`` came with the request that set it off,
    ``about`` is the record's own metadata at that time.
    """

    number: int
    at: int
    kind: Literal["mandate", "payment", "refund", "payout"]
    id: str
    action: str
    origin: Origin
    cause: str
    description: str
    code: str | None = None
    scheme: str | None = None
    will_retry: bool | None = None
    links: dict[str, str] = {}
    metadata: dict[str, str] = {}
    about: dict[str, str] = {}


class Due(msgspec.Struct, frozen=True, order=True, array_like=True):
    """A step that is due: the record knows whether it still holds."""

    at: int
    number: int
    kind: str
    id: str


class DebitState(msgspec.Struct):
    """Everything a provider holds; a snapshot is this, encoded.

    ``owed`` are the items of no payout yet, by currency; ``ready`` the confirmed payments of no payout yet
    with the day from which they may be in one; ``settling`` names payments whose debit is in ``owed``.
    """

    numbers: Numbers = msgspec.field(default_factory=Numbers)
    creditors: list[Creditor] = []
    customers: dict[str, Customer] = {}
    accounts: dict[str, PayerAccount] = {}
    mandates: dict[str, Mandate] = {}
    payments: dict[str, Payment] = {}
    refunds: dict[str, Refund] = {}
    payouts: dict[str, Payout] = {}
    happenings: list[Happening] = []
    owed: dict[str, list[Item]] = {}
    ready: dict[str, str] = {}
    due: list[Due] = []

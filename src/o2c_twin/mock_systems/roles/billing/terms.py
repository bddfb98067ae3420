"""A provider's terms with one merchant: fees, waiting times, the payout schedule."""

from dataclasses import dataclass, field
from typing import Literal

from o2c_twin.mock_systems.roles.billing.records import Method


@dataclass(frozen=True, slots=True)
class Fee:
    """``basis_points`` of the amount plus ``fixed_minor``, at most ``cap_minor``."""

    basis_points: int = 0
    fixed_minor: int = 0
    cap_minor: int | None = None


@dataclass(frozen=True, slots=True)
class PayoutSchedule:
    """When the balance is sent to the bank.

    ``anchor``: day of the week (1 Monday to 7) or of the month, for the weekly and monthly interval; ``hour`` in
    UTC; ``transit_days`` business days until it arrives, ``pending_s`` seconds until it is on its way.
    """

    interval: Literal["daily", "weekly", "monthly", "manual"] = "daily"
    anchor: int = 1
    hour: int = 6
    transit_days: int = 1
    pending_s: int = 3_600


def _fees() -> dict[Method, Fee]:
    return {"card": Fee(150, 25), "debit": Fee(0, 35), "transfer": Fee(50, 0, 500)}


def _settlement() -> dict[Method, int]:
    return {"card": 3, "debit": 0, "transfer": 0}


@dataclass(frozen=True, slots=True)
class BillingTerms:
    """Waiting times in business days unless the name says otherwise.

    ``settlement_days``: from a charge's success until its money is available. ``debit_days``: how long a debit
    is on its way. ``refund_days``: how long a refund to a bank account is. ``draft_s``: how long a draft waits
    that advances by itself. ``answer_days``, ``review_days``: calendar days of a dispute. ``overdue_days``:
    calendar days an overdue invoice may still be paid from cash without a word about it.
    """

    fees: dict[Method, Fee] = field(default_factory=_fees)
    settlement_days: dict[Method, int] = field(default_factory=_settlement)
    dispute_fee_minor: int = 2_000
    dispute_fee_returned: bool = False
    debit_days: int = 4
    refund_days: int = 3
    capture_days: int = 7
    draft_s: int = 3_600
    answer_days: int = 7
    review_days: int = 60
    overdue_days: int = 30
    reconciles_by_itself: bool = True
    payouts: PayoutSchedule = field(default_factory=PayoutSchedule)
    statement_name: str = "PAYOUT"

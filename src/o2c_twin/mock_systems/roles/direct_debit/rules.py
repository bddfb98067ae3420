"""The rules of collecting, as pure functions: dates, fees, what may be done in which state, what a payout sums to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from o2c_twin.mock_systems.roles.direct_debit.records import Item, Mandate, Payment, Refund
from o2c_twin.mock_systems.roles.direct_debit.schemes import Scheme, WorkingDays, day_of, instant
from o2c_twin.mock_systems.roles.records import RuleError

MOST_RETRIES = 3
MOST_REINSTATEMENTS = 10
MOST_REFUNDS = 5
ALIVE = ("pending_submission", "submitted", "active")
COLLECTED = ("confirmed", "paid_out")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the provider charges: a share of the amount in basis points plus a fixed sum, no more than ``cap``.

    ``surcharge`` is charged for a late failure or a claim. All in minor units.
    """

    share_bp: int = 100
    fixed: int = 20
    cap: int = 400
    surcharge: int = 0

    def fee(self, amount: int) -> int:
        """The fee for collecting ``amount`` minor units, in tenths of one."""
        return min(round_half_up(amount * self.share_bp, 1_000) + self.fixed * 10, self.cap * 10)


def round_half_up(number: int, unit: int) -> int:
    """``number / unit`` rounded to the nearest whole; a half goes away from zero."""
    whole = (2 * abs(number) + unit) // (2 * unit)
    return whole if number >= 0 else -whole


def payout_amount(items: Iterable[Item]) -> int:
    """What a payout of these items sends: their sum, rounded to whole minor units."""
    return round_half_up(sum(item.tenths for item in items), 10)


def active_on(scheme: Scheme, days: WorkingDays, at: int) -> date | None:
    """The day an instruction given at that instant becomes active, when it is lodged by itself."""
    return None if scheme.lodge_days is None else days.plus(days.accepted_on(at), scheme.lodge_days)


def next_charge_day(scheme: Scheme, days: WorkingDays, mandate: Mandate, at: int) -> date | None:
    """The first day a payment asked for at that instant can be charged; None on a mandate that is not alive."""
    if mandate.status not in ALIVE:
        return None
    first = days.plus(days.accepted_on(at), scheme.notice_days + scheme.collect_days)
    if mandate.active_on is not None and mandate.status != "active":
        first = max(first, days.plus(date.fromisoformat(mandate.active_on), scheme.collect_days))
    return first


def submitted_at(scheme: Scheme, days: WorkingDays, charge_on: date) -> int:
    """When a payment to be charged on that day is given to the banks: the cut-off, some working days before."""
    return instant(days.plus(charge_on, -scheme.collect_days), days.cut_off_hour)


def result_at(scheme: Scheme, days: WorkingDays, charge_on: date) -> int:
    """When the result of a charge is known."""
    return instant(days.plus(charge_on, scheme.result_days), days.result_hour)


def payout_day(scheme: Scheme, days: WorkingDays, charge_on: date) -> date:
    """The first day the money of a charge can be paid out."""
    return days.plus(charge_on, scheme.payout_days)


def next_hour(days: WorkingDays, at: int, hour: int) -> int:
    """That hour of the first working day on which it is still to come."""
    day = days.on_or_after(day_of(at))
    if instant(day, hour) <= at:
        day = days.plus(day + timedelta(days=1), 0)
    return instant(day, hour)


def check_collectable(mandate: Mandate, scheme: Scheme, currency: str) -> None:
    """Raises `RuleError` when no payment can be asked for on the mandate."""
    if mandate.status not in ALIVE:
        raise RuleError(
            "mandate-inactive", f"the mandate {mandate.id} is {mandate.status}: no payment can be collected"
        )
    if currency != scheme.currency:
        raise RuleError("wrong-currency", f"{scheme.name} collects {scheme.currency}, not {currency}", "currency")


def check_cancellable(payment: Payment) -> None:
    """Raises `RuleError` when a payment is with the banks already, or over."""
    if payment.status != "pending_submission":
        raise RuleError("not-cancellable", f"the payment {payment.id} is {payment.status} and cannot be cancelled")


def check_retriable(payment: Payment, mandate: Mandate) -> None:
    """Raises `RuleError` unless the payment failed, has retries left, and its mandate is alive."""
    if payment.status != "failed":
        raise RuleError("not-retriable", f"the payment {payment.id} is {payment.status}; only a failed one is retried")
    if payment.attempts >= MOST_RETRIES:
        raise RuleError("not-retriable", f"the payment {payment.id} was retried {MOST_RETRIES} times already")
    if mandate.status not in ALIVE:
        raise RuleError(
            "mandate-inactive", f"the mandate {mandate.id} is {mandate.status}: no payment can be collected"
        )


def check_refund(payment: Payment, made: Iterable[Refund], amount: int, total: int, available: int | None) -> None:
    """Raises `RuleError` when ``amount`` cannot go back of a payment.

    ``total`` is what the client believes to be refunded altogether then; ``available`` what the creditor has
    to pay it from, in minor units (None: not asked).
    """
    if payment.status not in COLLECTED:
        raise RuleError("refund-state", f"the payment {payment.id} is {payment.status}; nothing can be refunded")
    if amount <= 0 or payment.refunded + amount > payment.amount:
        left = payment.amount - payment.refunded
        raise RuleError("bad-amount", f"must be from 1 to what is left of the payment, {left}", "amount")
    if total != payment.refunded + amount:
        raise RuleError("total-differs", f"the total refunded would be {payment.refunded + amount}, not {total}")
    if sum(1 for _ in made) >= MOST_REFUNDS:
        raise RuleError("too-many-refunds", f"the payment {payment.id} has {MOST_REFUNDS} refunds already")
    if available is not None and amount > available:
        raise RuleError("no-funds", f"a refund of {amount} needs funds; {available} are available")


def check_claim(payment: Payment, scheme: Scheme, cause: str, at: int) -> None:
    """Raises `RuleError` when a payer can no longer claim a payment back.

    SEPA core: eight weeks without a reason, thirteen months as unauthorised. Bacs: no limit in time.
    """
    if payment.status not in COLLECTED:
        raise RuleError("claim-state", f"the payment {payment.id} is {payment.status}: there is nothing to claim back")
    limit = scheme.unauthorised_days if cause == "authorisation_disputed" else scheme.claim_days
    if limit is not None and (day_of(at) - date.fromisoformat(payment.charge_on)).days > limit:
        raise RuleError("claim-too-late", f"{scheme.name}: a payment can be claimed back for {limit} days")


def check_reference(scheme: Scheme, reference: str) -> None:
    """Raises `RuleError` when a scheme does not take a mandate's reference.

    Bacs: 6 to 18 characters with at least 6 letters or digits, capitals, starting with one of these, not ending
    in a blank, not all the same, not starting with DDIC. SEPA: up to 35 characters of the SEPA set.
    """
    if scheme.name == "bacs":
        plain = [c for c in reference if c in _LETTERS]
        if not (
            len(reference) <= 18
            and len(plain) >= 6
            and all(c in _BACS for c in reference)
            and reference[0] in _LETTERS
            and reference[-1] != " "
            and not reference.startswith("DDIC")
            and len(set(reference)) > 1
        ):
            raise RuleError("bad-reference", "is not a valid Bacs reference", "reference")
    elif not (0 < len(reference) <= 35 and all(c in _SEPA for c in reference)):
        raise RuleError("bad-reference", "is not a valid SEPA reference", "reference")


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_BACS = _LETTERS + "-/.& "
_SEPA = _LETTERS + _LETTERS.lower() + "/-?:().,'+ "

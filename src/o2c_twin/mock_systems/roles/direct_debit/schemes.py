"""Direct debit schemes as data: working days, cut-off, how long each step takes, the codes banks answer with.

Bacs: three-day cycle; ARUDD, ADDACS, AUDDIS and DDICA codes of the Bacs reports. SEPA: the EPC's core
rulebook, ISO 20022 reason codes. Timings in working days are those a UK provider publishes for both.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal

Cause = Literal[
    "insufficient_funds",
    "refer_to_payer",
    "bank_account_closed",
    "bank_account_transferred",
    "invalid_bank_details",
    "authorisation_disputed",
    "refund_requested",
    "mandate_cancelled",
    "direct_debit_not_enabled",
    "payment_stopped",
    "other",
]
"""Why a payer's bank refuses a collection or an instruction, or why a payer claims money back."""

DAY_US = 86_400_000_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Scheme:
    """One scheme. Days are working days.

    ``notice_days``: from the day a payment is asked for to its submission; ``collect_days``: from submission
    to the charge; ``result_days``: from the charge to knowing its result; ``payout_days``: from the charge to
    the payout. ``lodge_days``: from an instruction's submission to its being active; None when an instruction
    travels with its first collection. ``dormant_months``: an unused instruction expires. ``claim_days`` and
    ``unauthorised_days``: how long (calendar days from the charge) a payer may take money back without a
    reason, and as unauthorised; None for ever. ``refused``, ``lodging``, ``cancelled`` and ``claimed`` are the
    codes of a refused collection, a refused instruction, a change told by the bank, and a claim.
    """

    name: str
    currency: str
    notice_days: int
    collect_days: int
    result_days: int
    payout_days: int
    lodge_days: int | None
    dormant_months: int
    claim_days: int | None
    unauthorised_days: int | None
    reference_limit: int
    refused: dict[str, str]
    lodging: dict[str, str]
    cancelled: dict[str, str]
    claimed: dict[str, str]


BACS = Scheme(
    name="bacs",
    currency="GBP",
    notice_days=1,
    collect_days=2,
    result_days=1,
    payout_days=2,
    lodge_days=2,
    dormant_months=13,
    claim_days=None,
    unauthorised_days=None,
    reference_limit=10,
    refused={
        "insufficient_funds": "ARUDD-0",
        "refer_to_payer": "ARUDD-0",
        "mandate_cancelled": "ARUDD-1",
        "payment_stopped": "ARUDD-0",
        "bank_account_transferred": "ARUDD-3",
        "authorisation_disputed": "ARUDD-4",
        "invalid_bank_details": "ARUDD-5",
        "direct_debit_not_enabled": "ARUDD-6",
        "bank_account_closed": "ARUDD-B",
    },
    lodging={
        "mandate_cancelled": "AUDDIS-1",
        "bank_account_transferred": "AUDDIS-3",
        "invalid_bank_details": "AUDDIS-5",
        "bank_account_closed": "AUDDIS-B",
        "direct_debit_not_enabled": "AUDDIS-G",
    },
    cancelled={
        "mandate_cancelled": "ADDACS-1",
        "bank_account_transferred": "ADDACS-3",
        "bank_account_closed": "ADDACS-B",
    },
    claimed={"refund_requested": "DDICA-2", "authorisation_disputed": "DDICA-5"},
)

SEPA_CORE = Scheme(
    name="sepa_core",
    currency="EUR",
    notice_days=1,
    collect_days=2,
    result_days=1,
    payout_days=3,
    lodge_days=None,
    dormant_months=36,
    claim_days=56,
    unauthorised_days=395,
    reference_limit=140,
    refused={
        "insufficient_funds": "AM04",
        "refer_to_payer": "MS03",
        "mandate_cancelled": "MD01",
        "payment_stopped": "MS02",
        "bank_account_transferred": "AC04",
        "authorisation_disputed": "MD01",
        "invalid_bank_details": "AC01",
        "direct_debit_not_enabled": "AG01",
        "bank_account_closed": "AC04",
        "other": "MS03",
    },
    lodging={"invalid_bank_details": "AC01", "bank_account_closed": "AC04", "direct_debit_not_enabled": "AG01"},
    cancelled={"mandate_cancelled": "MD01", "bank_account_closed": "AC04"},
    claimed={"refund_requested": "MD06", "authorisation_disputed": "MD01"},
)

SCHEMES = {scheme.name: scheme for scheme in (BACS, SEPA_CORE)}


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Which days banks work and at what hours (UTC) things are done; ``holidays`` come on top of weekends."""

    holidays: frozenset[date] = field(default_factory=frozenset)
    activation_hour: int = 9
    payout_hour: int = 10
    result_hour: int = 12
    arrival_hour: int = 14
    cut_off_hour: int = 16

    def is_open(self, day: date) -> bool:
        """Whether banks work on that day."""
        return day.weekday() < 5 and day not in self.holidays

    def on_or_after(self, day: date) -> date:
        """That day when banks work, else the next one they do."""
        while not self.is_open(day):
            day += timedelta(days=1)
        return day

    def plus(self, day: date, days: int) -> date:
        """``days`` working days later (earlier when negative), from a day that need not be one."""
        step = timedelta(days=1 if days >= 0 else -1)
        day = self.on_or_after(day)
        for _ in range(abs(days)):
            day += step
            while not self.is_open(day):
                day += step
        return day

    def accepted_on(self, at: int) -> date:
        """The working day to which an instant (microseconds since the epoch) counts: after the cut-off, the next."""
        moment = datetime.fromtimestamp(at // 1_000_000, UTC)
        day = moment.date()
        if moment.hour >= self.cut_off_hour:
            day += timedelta(days=1)
        return self.on_or_after(day)


def instant(day: date, hour: int) -> int:
    """That hour (UTC) of a day, in microseconds since the epoch."""
    return (day.toordinal() - _EPOCH_DAY) * DAY_US + hour * 3_600_000_000


def day_of(at: int) -> date:
    """The UTC day of an instant in microseconds since the epoch."""
    return date.fromordinal(_EPOCH_DAY + at // DAY_US)


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or the month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise ValueError(f"no day {day.day} in any month")


def iban(country: str, account: str) -> str:
    """An IBAN with its check digits (ISO 13616, mod 97) for a country's account part. For test data."""
    return f"{country}{98 - _mod97(account + country + '00'):02d}{account}"


def iban_holds(text: str) -> bool:
    """Whether an IBAN's length is possible and its check digits hold."""
    if not (15 <= len(text) <= 34 and text.isalnum() and text.isascii() and text[:2].isalpha() and text[2:4].isdigit()):
        return False
    return _mod97(text[4:] + text[:4]) == 1


def _mod97(text: str) -> int:
    return int("".join(str(int(letter, 36)) for letter in text)) % 97

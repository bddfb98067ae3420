"""Single values between the core and the wire: money, doubles, dates, instants. Exact in both directions.

In the core money is integer minor units and instants are microseconds; among a company's own values a
number is an int, or text when it has decimals, so that a snapshot keeps it exactly.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

_TENTH: Final = Decimal("0.1")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC throughout; writing a zone is dear
_SECOND: Final = 1_000_000
MOST: Final = Decimal(10) ** 16
"""Larger numbers do not fit a field of 18 digits, two of them decimals."""


def double(value: Decimal) -> Decimal:
    """As the vendor writes a double: one decimal at least, and none that say nothing."""
    whole = value.to_integral_value()
    return whole.quantize(_TENTH) if whole == value else value.normalize()


def money(minor: int, digits: int) -> Decimal:
    """Minor units as an amount."""
    return Decimal(minor).scaleb(-digits)


def shown_money(minor: int, digits: int) -> Decimal:
    """Minor units as an amount, written as the vendor writes a double."""
    while digits > 1 and minor % 10 == 0:
        minor, digits = minor // 10, digits - 1
    return Decimal(minor).scaleb(-digits) if digits else Decimal(10 * minor).scaleb(-1)


def shown_number(stored: Any) -> Decimal:
    """A number of the company's own fields, written as the vendor writes a double."""
    return Decimal(10 * stored).scaleb(-1) if type(stored) is int else double(Decimal(stored))


def minor_units(amount: Decimal, digits: int) -> int:
    """An amount in minor units; finer ones are rounded half up, as the vendor does without saying so."""
    return int(amount.scaleb(digits).to_integral_value(ROUND_HALF_UP))


def number(stored: Any) -> Decimal:
    """A number of the company's own fields."""
    return Decimal(stored)


def stored_number(value: Decimal) -> int | str:
    """The form in which a number is kept."""
    whole = value.to_integral_value()
    return int(whole) if whole == value else str(value.normalize())


def as_decimal(value: Any) -> Decimal | None:
    """A JSON number, or text that spells one; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, Decimal)):
        found = Decimal(value)
    elif isinstance(value, str):
        try:
            found = Decimal(value.strip())
        except InvalidOperation:
            return None
    else:
        return None
    return found if found.is_finite() else None


def to_second(at: int) -> int:
    """An instant as the vendor stores it: datetime fields keep no fraction of a second."""
    return at - at % _SECOND


def stamp(at: int) -> str:
    """An instant as answers spell it: ``2026-01-02T03:04:05.000+0000``."""
    return f"{_to_second(at)}.000+0000"


class Stamps:
    """`stamp` with the last instant remembered: a record has the same one in several fields."""

    __slots__ = ("_at", "_text")

    def __init__(self) -> None:
        self._at = 0
        self._text = stamp(0)

    def __call__(self, at: int) -> str:
        """The instant as answers spell it."""
        if at != self._at:
            self._at, self._text = at, stamp(at)
        return self._text


def iso_stamp(at: int) -> str:
    """An instant as the SOAP API spells it: ``2026-01-02T03:04:05.000Z``."""
    return f"{_to_second(at)}.000Z"


def _to_second(at: int) -> str:
    return _second_text(at // _SECOND)


# What is changed is read soon after, and read again with what hangs on it.
@lru_cache(maxsize=1_024)
def _second_text(second: int) -> str:
    return (_NAIVE_EPOCH + timedelta(0, second)).isoformat()


def read_instant(text: Any) -> int | None:
    """An ISO 8601 date and time, with ``+0000``, ``+00:00`` or ``Z``; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(seconds=1) * _SECOND


def read_date(text: Any) -> str | None:
    """An ISO date, alone or at the head of a date and time; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        return date.fromisoformat(text[:10]).isoformat() if len(text) == 10 or text[10:11] == "T" else None
    except ValueError:
        return None

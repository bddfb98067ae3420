"""Single values between the core and the wire, where all of them are text. Exact in both directions.

In the core money is integer minor units and instants are microseconds. A company's own values are kept
as the text that answers show; people may enter numbers there.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC throughout; writing a zone is dear
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLI: Final = 1_000
_DAY: Final = 86_400_000
_LAST: Final = 253_402_300_799_999  # the last millisecond of the year 9999
MOST: Final = Decimal(10) ** 15


def stamp(at: int) -> str:
    """An instant as answers spell it: ``2026-01-02T03:04:05.678Z``."""
    return (_NAIVE_EPOCH + timedelta(0, 0, at // _MILLI * _MILLI)).isoformat(timespec="milliseconds") + "Z"


class Stamps:
    """`stamp` with the last instant remembered: a record has the same one in several places."""

    __slots__ = ("_at", "_text")

    def __init__(self) -> None:
        self._at = 0
        self._text = stamp(0)

    def __call__(self, at: int) -> str:
        """The instant as answers spell it."""
        if at != self._at:
            self._at, self._text = at, stamp(at)
        return self._text


def millis_stamp(ms: int) -> str:
    """Epoch milliseconds as answers spell an instant."""
    return stamp(ms * _MILLI)


def read_millis(text: str) -> int | None:
    """Epoch milliseconds of an instant: a number of them, or ISO 8601; None for anything else."""
    try:
        if text.isascii() and text.removeprefix("-").isdigit():
            ms = int(text) if len(text) < 18 else _LAST + 1
        else:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            ms = (moment - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        return None
    return ms if 0 <= ms <= _LAST else None


def read_date(text: str) -> str | None:
    """An ISO date, alone, at the head of an instant, or as milliseconds at midnight UTC; None for anything else."""
    if len(text) == 10 and text[4:5] == "-":
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            return None
    ms = read_millis(text)
    return None if ms is None or ms % _DAY else millis_stamp(ms)[:10]


def date_millis(text: str) -> int:
    """Milliseconds at midnight UTC of an ISO date."""
    return (date.fromisoformat(text) - date(1970, 1, 1)).days * _DAY


def read_number(text: str) -> Decimal | None:
    """A decimal number; None for what is none."""
    if not text.isascii() or "_" in text or len(text) > 40:
        return None
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not found.is_finite() or abs(found) >= MOST or (found and found.adjusted() < -12):
        return None
    return found


def minor_units(amount: Decimal, digits: int) -> int:
    """An amount in minor units, finer ones rounded half up."""
    return int(amount.scaleb(digits).to_integral_value(ROUND_HALF_UP))


def shown_money(minor: int, digits: int) -> str:
    """Minor units as the text of an amount: ``19.9``, ``20``."""
    return shown_number(Decimal(minor).scaleb(-digits))


def shown_number(value: Decimal) -> str:
    """A number as text without idle decimals."""
    whole = value.to_integral_value()
    return format(whole, "f") if whole == value else format(value.normalize(), "f")


def as_text(value: Any) -> str | None:
    """A JSON value as the text of a property; None where it is no single value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal) and value.is_finite() and abs(value) < MOST and value.adjusted() >= -30:
        return format(value.normalize(), "f")
    return "0" if isinstance(value, Decimal) and value == 0 else None

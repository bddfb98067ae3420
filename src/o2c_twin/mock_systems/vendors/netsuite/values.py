"""Values on NetSuite's wire: amounts with two decimals, whole quantities, days and instants in UTC."""

from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from o2c_twin.mock_systems.vendors.netsuite.config import DateFormat

DAY_US = 86_400_000_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAYS: dict[int, str] = {}
_MOST_DAYS = 4_096
_TWO = tuple(f"{number:02d}" for number in range(60))
"""Two digits, written once: an instant has three of them, and formatting them is half its cost."""


class BadValue(ValueError):
    """A value the field cannot take; the message is the value as text."""


# An order's amounts come again in its deliveries, invoices and payments.
@lru_cache(maxsize=1_024)
def money(minor: int) -> Decimal:
    """Minor units as the decimal NetSuite writes: 5025 is 50.25."""
    return Decimal(minor).scaleb(-2)


def minor(value: Any) -> int:
    """An amount on the wire as minor units. Raises `BadValue` for what is not a number of whole cents."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise BadValue(str(value))
    try:
        cents = Decimal(value).scaleb(2)
        whole = int(cents)
    except (InvalidOperation, ValueError, OverflowError):
        raise BadValue(str(value)) from None
    if whole != cents:
        raise BadValue(str(value))
    return whole


def whole(value: Any) -> int:
    """A quantity on the wire. Raises `BadValue` for what is not a whole number (stock is counted in pieces)."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise BadValue(str(value))
    try:
        number = Decimal(value)
        count = int(number)
    except (InvalidOperation, ValueError, OverflowError):
        raise BadValue(str(value)) from None
    if count != number:
        raise BadValue(str(value))
    return count


def iso_day(instant: int) -> str:
    """The UTC day of an instant, as record fields of type date have it."""
    return _day_text(instant // DAY_US)


def _day_text(day: int) -> str:
    # A run is about few days, and says each of them thousands of times.
    text = _DAYS.get(day)
    if text is None:
        if len(_DAYS) >= _MOST_DAYS:
            _DAYS.clear()
        text = _DAYS[day] = date.fromordinal(_EPOCH_DAY + day).isoformat()
    return text


def iso_instant(instant: int) -> str:
    """An instant to the second, as record fields of type date-time have it."""
    day, rest = divmod(instant // 1_000_000, 86_400)
    minutes, second = divmod(rest, 60)
    time = f"{_TWO[minutes // 60]}:{_TWO[minutes % 60]}:{_TWO[second]}"
    return f"{_day_text(day)}T{time}Z"


def second_of(instant: int) -> int:
    """The instant cut to the second: NetSuite keeps and compares date-times no finer."""
    return instant - instant % 1_000_000


class Dates:
    """Dates in the account's own format, as SuiteQL and collection filters read and write them."""

    def __init__(self, format: DateFormat) -> None:
        self.format = format
        self._separator = next(c for c in format if not c.isalpha())
        self._parts = format.split(self._separator)
        self._written: dict[int, str] = {}

    def day(self, day: date) -> str:
        """A day, such as ``1/5/2026``."""
        values = {
            "YYYY": f"{day.year:04d}",
            "MM": f"{day.month:02d}",
            "M": str(day.month),
            "DD": f"{day.day:02d}",
            "D": str(day.day),
        }
        return self._separator.join(values[part] for part in self._parts)

    def instant(self, instant: int) -> str:
        """The day of an instant; remembered, because a query writes the same few days many times."""
        number = instant // DAY_US
        text = self._written.get(number)
        if text is None:
            if len(self._written) > 4_000:
                self._written.clear()
            text = self._written[number] = self.day(date.fromordinal(_EPOCH_DAY + number))
        return text

    def read(self, text: str) -> date:
        """The day a literal means; leading zeros may be left out or added. Raises `BadValue`."""
        fields = text.strip().split(self._separator)
        if len(fields) != len(self._parts):
            raise BadValue(text)
        found = {part[0]: field for part, field in zip(self._parts, fields, strict=True)}
        if not all(field.isdecimal() for field in fields):
            raise BadValue(text)
        try:
            return date(int(found["Y"]), int(found["M"]), int(found["D"]))
        except ValueError:
            raise BadValue(text) from None


def midnight(day: date) -> int:
    """The instant a UTC day begins."""
    return (day.toordinal() - _EPOCH_DAY) * DAY_US

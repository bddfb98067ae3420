"""Values between the core and the wire: amounts, days, instants, and the GUIDs of records."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any

DAY_US = 86_400_000_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_GUID = "00000000-0000-0000-0000-000000000000"
NO_DAY = "0001-01-01"
_TWO = tuple(f"{number:02d}" for number in range(60))


class BadValue(ValueError):
    """A value the field cannot take; the message is the value as text."""


def money(minor: int) -> Decimal | int:
    """Minor units as the service writes them: whole amounts without decimals."""
    whole, cents = divmod(minor, 100)
    return Decimal(minor).scaleb(-2) if cents else whole


def minor_of(value: Any) -> int:
    """An amount on the wire as minor units. Raises `BadValue` for what is not a number of whole cents."""
    return _whole(value, 2)


def whole_of(value: Any) -> int:
    """A quantity on the wire. Raises `BadValue` for what is not a whole number (stock is counted in pieces)."""
    return _whole(value, 0)


def _whole(value: Any, digits: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise BadValue(str(value))
    try:
        scaled = Decimal(value).scaleb(digits)
        whole = int(scaled)
    except (InvalidOperation, ValueError, OverflowError):
        raise BadValue(str(value)) from None
    if whole != scaled or abs(whole) >= 10**15:
        raise BadValue(str(value))
    return whole


def day_of(instant: int) -> str:
    """The UTC day of an instant."""
    return date.fromordinal(_EPOCH_DAY + instant // DAY_US).isoformat()


def read_day(value: Any) -> str:
    """A date on the wire. Raises `BadValue`."""
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise BadValue(str(value)) from None


def instant_of(at: int) -> str:
    """An instant as the service writes it: milliseconds, zeros at the end left out (``...35.67Z``)."""
    seconds, rest = divmod(at // 1_000, 1_000)
    day, second = divmod(seconds, 86_400)
    minute, second = divmod(second, 60)
    text = f"{date.fromordinal(_EPOCH_DAY + day).isoformat()}T{_TWO[minute // 60]}:{_TWO[minute % 60]}:{_TWO[second]}"
    return f"{text}.{rest:03d}".rstrip("0") + "Z" if rest else text + "Z"


def read_instant(text: str) -> datetime:
    """The instant of `instant_of`, to compare with."""
    return datetime.fromisoformat(text)


def micros(moment: datetime) -> int:
    """Microseconds since the epoch."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


class Guids:
    """The record ids of one environment: a GUID tells kind and number of its record, so that none need be kept.

    ``part`` tells the lines of a document apart.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._tails: dict[str, str] = {}

    def _tail(self, kind: str) -> str:
        tail = self._tails.get(kind)
        if tail is None:
            raw = blake2b(kind.encode(), digest_size=10, key=b"bc %d" % self._seed).hexdigest()
            tail = self._tails[kind] = f"-ea{raw[:2]}-b{raw[2:5]}-000d3a{raw[5:11]}"
        return tail

    def of(self, kind: str, id_: str, part: int = 0) -> str:
        """The GUID of a record."""
        return f"{int(id_):08x}-{part:04x}{self._tail(kind)}"

    def read(self, kind: str, text: str) -> tuple[str, int] | None:
        """The id and part behind a GUID; None when it is none of that kind."""
        text = text.strip("'").lower()
        if text[13:] != self._tail(kind) or len(text) != 36:
            return None
        try:
            return str(int(text[:8], 16)), int(text[9:13], 16)
        except ValueError:
            return None

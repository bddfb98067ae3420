"""Values between the core (minor units, epoch microseconds) and OData V2's JSON.

Source: MS-ODATA 2.2.6.3 (verbose JSON): dates as ``/Date(ms)/``, decimals as strings; SAP Gateway shows an unset
string as empty, an unset decimal as zero, an unset date as null.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from o2c_twin.mock_systems.vendors.s4hana.edm import Edm

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
_DAY_US = 86_400_000_000
_DATE = re.compile(r"/Date\((-?\d{1,14})(?:[+-]\d{1,4})?\)/")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_DECIMAL = re.compile(r"-?\d{1,18}(?:\.\d{1,9})?")
CENT = Decimal("0.01")
DEFAULTS: dict[Edm, Any] = {
    "String": "",
    "DateTime": None,
    "DateTimeOffset": None,
    "Decimal": Decimal("0.000"),
    "Boolean": False,
    "Time": None,
}


def moment(at_us: int) -> datetime:
    """An instant."""
    return EPOCH + timedelta(microseconds=at_us)


def day(at_us: int) -> datetime:
    """The day of an instant, as SAP's dates are: midnight."""
    return EPOCH + timedelta(days=at_us // _DAY_US)


def clock(at_us: int) -> time:
    """The time of day of an instant, in whole seconds."""
    return (EPOCH + timedelta(seconds=at_us % _DAY_US // 1_000_000)).time()


def microseconds(at: datetime) -> int:
    """Epoch microseconds of an instant."""
    return (at - EPOCH) // _MICRO


def amount(minor: int) -> Decimal:
    """A decimal amount of minor units (two decimals)."""
    return Decimal(minor).scaleb(-2)


def minor(value: Decimal) -> int:
    """Minor units of an amount. Raises `ValueError` for more than two decimals."""
    scaled = value.scaleb(2)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{value} has more than two decimals")
    return whole


def _milliseconds(at: datetime) -> int:
    return (at - EPOCH) // _MICRO // 1_000


def _date(at: datetime | None) -> str | None:
    return None if at is None else f"/Date({_milliseconds(at)})/"


def _instant(at: datetime | None) -> str | None:
    return None if at is None else f"/Date({_milliseconds(at)}+0000)/"


def _clock(at: time | None) -> str | None:
    return None if at is None else f"PT{at.hour:02d}H{at.minute:02d}M{at.second:02d}S"


def _same(value: Any) -> Any:
    return value


WRITERS: dict[Edm, Callable[[Any], Any]] = {
    "String": _same,
    "DateTime": _date,
    "DateTimeOffset": _instant,
    "Decimal": lambda value: format(value, "f"),
    "Boolean": _same,
    "Time": _clock,
}


AS_IS: tuple[Edm, ...] = ("String", "Boolean")
"""What JSON holds as it is."""


def _read_string(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise ValueError("a string is needed")


def _read_decimal(value: Any) -> Decimal:
    # SAP Gateway takes a number without quotes as well.
    text = str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
    if not isinstance(text, str) or _DECIMAL.fullmatch(text) is None:
        raise ValueError("a decimal is needed")
    return Decimal(text)


def _read_date(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, str):
        match = _DATE.fullmatch(value)
        if match is not None:
            try:
                return EPOCH + timedelta(milliseconds=int(match[1]))
            except OverflowError as bad:
                raise ValueError("the date is out of range") from bad
        if _ISO.fullmatch(value) is not None:
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
    raise ValueError("a date is needed, as /Date(milliseconds)/ or 2026-01-05T00:00:00")


def _read_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("true or false is needed")


READERS: dict[Edm, Callable[[Any], Any]] = {
    "String": _read_string,
    "DateTime": _read_date,
    "DateTimeOffset": _read_date,
    "Decimal": _read_decimal,
    "Boolean": _read_boolean,
    "Time": _read_string,
}


def quoted(text: str) -> str:
    """A string as a key predicate spells it."""
    return "'" + text.replace("'", "''") + "'"


def etag_of(at: datetime) -> str:
    """A weak entity tag of an instant, in SAP Gateway's spelling."""
    stamp = at.isoformat(timespec="microseconds")[:26].replace(":", "%3A") + "0Z"
    return f"W/\"datetimeoffset'{stamp}'\""


def terms_key(days: int) -> str:
    """The payment terms key of net ``days``: NT30; 0001 is due at once."""
    return "0001" if days == 0 else f"NT{days:02d}"


def terms_days(key: str) -> int:
    """Days of a payment terms key. Raises `ValueError` for one that is not configured."""
    if key == "0001":
        return 0
    if key[:2] == "NT" and key[2:].isascii() and key[2:].isdecimal() and len(key) in (4, 5):
        return int(key[2:])
    raise ValueError(f"payment terms {key!r} are not defined")

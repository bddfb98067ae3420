"""Dates and instants in query text: ISO literals, SOQL's relative periods, Oracle's format models.

Days begin at midnight UTC. (Salesforce uses the time zone of the querying user, NetSuite that of the
account; an integration user is commonly set to UTC, and these mocks assume it.)
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import msgspec

from o2c_twin.mock_systems.wire.query.source import Instant

DAY: Instant = 86_400_000_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
LAST = (date.max.toordinal() + 1 - _EPOCH_DAY) * DAY - 1
FIRST = (date.min.toordinal() - _EPOCH_DAY) * DAY
"""The first and last instants of the calendar, years 1 to 9999."""


def day_of(instant: Instant) -> date:
    """The UTC day of an instant. Raises ``OverflowError`` or ``ValueError`` outside the years 1 to 9999."""
    return date.fromordinal(_EPOCH_DAY + instant // DAY)


def midnight(day: date) -> Instant:
    """The instant a UTC day begins."""
    return (day.toordinal() - _EPOCH_DAY) * DAY


def iso_instant(text: str) -> Instant:
    """An ISO 8601 date and time with its offset. Raises ``ValueError``."""
    return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND


# --- SOQL relative periods ---------------------------------------------------------------------


class Period(msgspec.Struct, frozen=True, gc=False):
    """Whole units from ``first`` up to but without ``stop``, counted from the unit that holds today (0)."""

    unit: str
    first: int
    stop: int

    def days(self, today: date) -> tuple[date, date]:
        """First day, and first day after. Raises ``OverflowError`` or ``ValueError`` outside the calendar."""
        return _unit_start(self.unit, today, self.first), _unit_start(self.unit, today, self.stop)


_PERIOD = re.compile(
    r"(LAST|NEXT)_N_(?:FISCAL_)?(DAY|WEEK|MONTH|QUARTER|YEAR)S:(\d{1,6})"
    r"|N_(?:FISCAL_)?(DAY|WEEK|MONTH|QUARTER|YEAR)S_(AGO):(\d{1,6})"
    r"|(LAST|THIS|NEXT)_(?:FISCAL_(?=QUARTER|YEAR))?(WEEK|MONTH|QUARTER|YEAR)",
    re.ASCII,
)
_FIXED = {
    "YESTERDAY": Period("DAY", -1, 0),
    "TODAY": Period("DAY", 0, 1),
    "TOMORROW": Period("DAY", 1, 2),
    "LAST_90_DAYS": Period("DAY", -90, 1),
    "NEXT_90_DAYS": Period("DAY", 1, 91),
}
_SHIFT = {"LAST": -1, "THIS": 0, "NEXT": 1}


def period(word: str) -> Period | None:
    """The relative period an upper-case SOQL date literal stands for, or ``None`` if it is none.

    Source: Salesforce SOQL reference, "Date Formats and Date Literals in WHERE". ``LAST_N_DAYS:n`` runs from
    n days ago to the end of today, ``NEXT_N_DAYS:n`` from tomorrow; for longer units the current one is
    left out. Fiscal years are taken as calendar years, the default of an org.
    """
    if fixed := _FIXED.get(word):
        return fixed
    match = _PERIOD.fullmatch(word)
    if match is None:
        return None
    side, unit, count, ago_unit, ago, ago_count, shift, shift_unit = match.groups()
    if shift:
        return Period(shift_unit, _SHIFT[shift], _SHIFT[shift] + 1)
    if ago:
        return Period(ago_unit, -int(ago_count), 1 - int(ago_count))
    if side == "NEXT":
        return Period(unit, 1, int(count) + 1)
    return Period(unit, -int(count), 1 if unit == "DAY" else 0)


def _unit_start(unit: str, today: date, shift: int) -> date:
    if unit == "DAY":
        return today + timedelta(days=shift)
    if unit == "WEEK":  # weeks begin on Sunday, as in the locale en_US
        return today - timedelta(days=today.isoweekday() % 7) + timedelta(weeks=shift)
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    index = ((today.year * 12 + today.month - 1) // months + shift) * months
    return date(index // 12, index % 12 + 1, 1)


# --- Oracle format models ----------------------------------------------------------------------

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_ELEMENT = re.compile(r'YYYY|MON|MM|DD|HH24|HH12|HH|MI|SS|FF[1-6]?|AM|PM|"[^"]*"|[^A-Za-z0-9"]', re.I)
_READ = {
    "YYYY": r"(?P<year>\d{4})",
    "MON": r"(?P<mon>[A-Za-z]{3})",
    "MM": r"(?P<month>\d{1,2})",
    "DD": r"(?P<day>\d{1,2})",
    "HH24": r"(?P<hour>\d{1,2})",
    "HH12": r"(?P<half>\d{1,2})",
    "HH": r"(?P<half>\d{1,2})",
    "MI": r"(?P<minute>\d{1,2})",
    "SS": r"(?P<second>\d{1,2})",
    "FF": r"(?P<fraction>\d{1,6})",
    "AM": r"(?P<noon>[AaPp][Mm])",
    "PM": r"(?P<noon>[AaPp][Mm])",
}


@lru_cache(maxsize=256)
def _elements(model: str) -> tuple[str, ...]:
    """The elements of a format model. Raises ``ValueError`` for one this subset does not know."""
    found = _ELEMENT.findall(model)
    if "".join(found) != model:
        raise ValueError(f"date format '{model}' not recognized")
    return tuple(part if part[0] == '"' else part.upper() for part in found)


def to_char(instant: Instant, model: str) -> str:
    """Oracle ``TO_CHAR`` of a date. Raises ``ValueError`` for a model outside the subset.

    Source: Oracle Database SQL reference, "Format Models". Elements: YYYY MM MON DD HH24 HH12 HH MI SS FF AM PM,
    quoted text and punctuation.
    """
    day, clock = day_of(instant), instant % DAY
    seconds, fraction = divmod(clock, 1_000_000)
    minutes = seconds // 60
    hour = minutes // 60
    return _form(model).format(
        day.year,
        day.month,
        day.day,
        hour,
        minutes % 60,
        seconds % 60,
        _MONTHS[day.month - 1],
        (hour + 11) % 12 + 1,
        "AM" if hour < 12 else "PM",
        f"{fraction:06d}",
    )


@lru_cache(maxsize=256)
def _form(model: str) -> str:
    """A format model as a format string of what `to_char` gives it. Raises ``ValueError`` as `_elements` does."""
    return "".join([_WRITE.get(part) or _literal(part) for part in _elements(model)])


def _literal(part: str) -> str:
    if part.startswith("FF"):
        return f"{{9:.{part[2:] or 6}s}}"
    return part.strip('"').replace("{", "{{").replace("}", "}}")


_WRITE = {
    "YYYY": "{0:04d}",
    "MON": "{6}",
    "MM": "{1:02d}",
    "DD": "{2:02d}",
    "HH24": "{3:02d}",
    "HH12": "{7:02d}",
    "HH": "{7:02d}",
    "MI": "{4:02d}",
    "SS": "{5:02d}",
    "AM": "{8}",
    "PM": "{8}",
}
"""Each element as a place among the parts of a moment: year, month, day, hour, minute, second, and four texts."""


def to_date(text: str, model: str) -> Instant:
    """Oracle ``TO_DATE`` and ``TO_TIMESTAMP``. Raises ``ValueError`` if the text does not fit the model.

    The model must name the year and month; Oracle would take missing ones from today.
    """
    reader = _READERS.get(model) or _reader(model)
    match = reader.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' does not fit the date format '{model}'")
    got = match.groupdict()
    month = _MONTHS.index(got["mon"].upper()) + 1 if got.get("mon") else int(got["month"])
    hour = int(got.get("hour") or 0)
    if got.get("half"):
        hour = int(got["half"]) % 12 + (12 if (got.get("noon") or "AM").upper() == "PM" else 0)
    moment = datetime(
        int(got["year"]),
        month,
        int(got.get("day") or 1),
        hour,
        int(got.get("minute") or 0),
        int(got.get("second") or 0),
        int((got.get("fraction") or "0").ljust(6, "0")),
        UTC,
    )
    return (moment - _EPOCH) // _MICROSECOND


def _reader(model: str) -> re.Pattern[str]:
    """What reads text written in a format model."""
    pattern = ""
    for part in _elements(model):
        read = _READ.get(part[:2] if part.startswith("FF") else part, "")
        if read and read in pattern:
            raise ValueError(f"date format '{model}' names an element twice")
        pattern += read or re.escape(part.strip('"'))
    if "<year>" not in pattern or "<mon" not in pattern:
        raise ValueError(f"date format '{model}' names no year or month")
    return re.compile(pattern, re.ASCII)


_READERS = {model: _reader(model) for model in ("YYYY-MM-DD", "YYYY-MM-DD HH24:MI:SS", "MM/DD/YYYY", "DD/MM/YYYY")}
"""The models most queries use, compiled once."""

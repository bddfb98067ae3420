"""When the next billing run is: a function of the goods issue, so that whoever asks again gets the same run."""

from datetime import UTC, date, datetime, time, timedelta

_MICRO = 1_000_000
_HOUR = 18
"""Runs begin at this hour (UTC), when the day's goods have left."""
_FRIDAY = 4


def run_after(rhythm: str, issued_at: int) -> int:
    """The instant of the run that bills a goods issue; both in microseconds since the epoch, UTC.

    ``rhythm`` is daily, weekly (Fridays) or month-end (the last day of the month).
    """
    issued = datetime.fromtimestamp(issued_at // _MICRO, UTC)
    first = issued.date() if issued.hour < _HOUR else issued.date() + timedelta(1)
    day = {"daily": first, "weekly": _friday(first), "month-end": _last_of_month(first)}[rhythm]
    return int(datetime.combine(day, time(_HOUR), UTC).timestamp()) * _MICRO


def _friday(day: date) -> date:
    return day + timedelta((_FRIDAY - day.weekday()) % 7)


def _last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(4)).replace(day=1) - timedelta(1)

"""Values on the wire: instants to the millisecond, tenths of a penny as text, bounds in queries."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import TypeVar

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_Row = TypeVar("_Row")


def stamp(at: int) -> str:
    """``2026-01-02T03:04:05.678Z`` of an instant in microseconds since the epoch."""
    seconds, micros = divmod(at, 1_000_000)
    day, rest = divmod(seconds, 86_400)
    minutes, second = divmod(rest, 60)
    time = f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}.{micros // 1_000:03d}"
    return f"{date.fromordinal(_EPOCH_DAY + day).isoformat()}T{time}Z"


def instant_of(text: str) -> int | None:
    """Microseconds since the epoch of an ISO 8601 instant or date; None for what is neither."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        since = moment - _EPOCH
    except (ValueError, OverflowError):
        return None
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def day_of_text(text: str) -> date | None:
    """A date such as ``2026-03-31``; None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None


def tenths(amount: int) -> str:
    """Tenths of a minor unit as the text items have: 12345 is ``1234.5``."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 10}.{abs(amount) % 10}"


def between(rows: Sequence[_Row], made_at: Callable[[_Row], int], bounds: dict[str, int]) -> tuple[int, int]:
    """The part of ``rows`` (oldest first) within ``gt``, ``gte``, ``lt`` and ``lte``, as start and end.

    Instants are compared to the millisecond, as they are written.
    """
    start, end = 0, len(rows)
    if not bounds:
        return start, end

    def written(row: _Row) -> int:
        return made_at(row) // 1_000

    for name, at in bounds.items():
        if name == "gt":
            start = max(start, bisect_right(rows, at // 1_000, key=written))
        elif name == "gte":
            start = max(start, bisect_left(rows, -(-at // 1_000), key=written))
        elif name == "lt":
            end = min(end, bisect_left(rows, -(-at // 1_000), key=written))
        else:
            end = min(end, bisect_right(rows, at // 1_000, key=written))
    return start, max(start, end)

"""Instants between epoch microseconds and the texts vendors write."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# A record's stamp is read when a push tells of it, and again when the record is.
@lru_cache(maxsize=1_024)
def from_iso(text: str) -> int:
    """Microseconds since the epoch of an ISO 8601 instant; without an offset it is UTC."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def to_iso(at_us: int, spec: str = "milliseconds") -> str:
    """``2026-01-02T03:04:05.000Z``."""
    moment = _EPOCH + timedelta(microseconds=at_us)
    return moment.replace(tzinfo=None).isoformat(timespec=spec) + "Z"


def to_date(at_us: int) -> str:
    """The ISO date of an instant, in UTC."""
    return (_EPOCH + timedelta(microseconds=at_us)).date().isoformat()

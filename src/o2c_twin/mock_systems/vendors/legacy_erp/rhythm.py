"""When the ERP works: the rounds of its nightly window, or of the whole day."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from o2c_twin.mock_systems.vendors.legacy_erp.config import Batch

_MINUTE_US = 60_000_000
_DAY_US = 1440 * _MINUTE_US
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Round(NamedTuple):
    """One pass: when (epoch microseconds), whether the inbox is worked, whether it closes the window."""

    at: int
    intake: bool
    closing: bool


def next_round(after: int, batch: Batch) -> Round:
    """The first round later than an instant.

    Rounds come every few minutes from the window's start until its cut-off; the closing round, at the
    window's end, extracts and takes nothing in. Around the clock the round of midnight closes the day.
    """
    begin, length = batch.begin_and_length()
    cut_off = 0 if batch.window is None else batch.cut_off_minutes
    local = after + batch.utc_offset_minutes * _MINUTE_US
    opened = (local - begin * _MINUTE_US) // _DAY_US * _DAY_US + begin * _MINUTE_US
    back = opened - local + after
    step = batch.every_minutes
    number = (after - back) // (step * _MINUTE_US) + 1
    minute = number * step
    if minute < length - cut_off:
        return Round(back + minute * _MINUTE_US, True, False)
    end = back + length * _MINUTE_US
    if batch.window is None:
        return Round(end, True, True)
    if after < end:
        # In a window that is open all day the next one begins in the minute this one closes.
        return Round(end, length == 1440, True)
    return Round(back + _DAY_US, True, False)


def local_stamp(at: int, batch: Batch) -> str:
    """``YYYYMMDDhhmmss`` on the ERP's clock."""
    moment = _EPOCH + timedelta(seconds=at // 1_000_000 + batch.utc_offset_minutes * 60)
    return f"{moment:%Y%m%d%H%M%S}"

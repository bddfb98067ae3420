"""The calendar of a run: ticks since its start as instants since the Unix epoch, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from o2c_twin.twin.time.environment import TwinEnvironment

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def epoch(moment: datetime) -> int:
    """Return microseconds since the Unix epoch, exactly. Raises `ValueError` for a datetime without a time zone."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no time zone; say datetime(..., tzinfo=UTC)")
    return (moment - _EPOCH) // _MICROSECOND


class TwinClock:
    """The clock that code under simulation reads: `env.now` counted from `epoch_us`, the instant of tick 0.

    The epoch is added here only. A loop whose own time is an epoch loses the microseconds of its floats.
    """

    __slots__ = ("_env", "epoch_us")

    def __init__(self, env: TwinEnvironment, epoch_us: int) -> None:
        self._env = env
        self.epoch_us = epoch_us

    def now(self) -> int:
        """Return microseconds since the Unix epoch (UTC)."""
        return self.epoch_us + self._env._now

    def datetime(self) -> datetime:
        """Return the same instant as an aware datetime in UTC."""
        return _EPOCH + timedelta(microseconds=self.now())

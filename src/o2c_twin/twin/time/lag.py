"""How late a paced run was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_SUB_BUCKETS: Final = 16
_BUCKETS: Final = _SUB_BUCKETS * 60


@dataclass(frozen=True, slots=True)
class Lag:
    """Steps of a paced run, and how long after their due time they ran: the worst and the 99th percentile.

    Both are real (wall clock) seconds. A run that lags behind more than a rehearsal allows was not faithful.
    """

    steps: int
    max_seconds: float
    p99_seconds: float


class LagRecorder:
    """A histogram of lags in microseconds with 16 buckets to the octave: small, and right to within 6 %."""

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self._steps = 0
        self._max = 0

    def record(self, microseconds: int) -> None:
        """Count one step that ran so many real microseconds late; an early one counts as punctual."""
        late = max(0, microseconds)
        self._steps += 1
        self._max = max(self._max, late)
        octave = max(0, late.bit_length() - 5)
        self._counts[_SUB_BUCKETS * octave + (late >> octave)] += 1

    def report(self) -> Lag:
        """Return the figures so far; the percentile is the upper edge of its bucket, never above the maximum."""
        within = 0
        for bucket, count in enumerate(self._counts):
            within += count
            if count and within * 100 >= self._steps * 99:
                octave = max(0, bucket // _SUB_BUCKETS - 1)
                edge = ((bucket - _SUB_BUCKETS * octave + 1) << octave) - 1
                return Lag(self._steps, self._max / 1e6, min(edge, self._max) / 1e6)
        return Lag(0, 0.0, 0.0)

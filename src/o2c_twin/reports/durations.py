"""Percentiles of durations, the unfinished ones included.

A change that has not arrived yet is *censored*: it is known to take longer than it was watched.
Leaving it out makes a tail look better than it is, so quantiles come from the Kaplan-Meier curve.
Without censoring that is the nearest-rank percentile.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


def percentile_linear(values: Sequence[float], per_mille: int) -> float:
    """Percentile with linear interpolation between ranks; raises ValueError on no values."""
    ordered = _ordered(values, per_mille)
    position = per_mille * (len(ordered) - 1) / 1000
    lower = int(position)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (ordered[upper] - ordered[lower]) * (position - lower)


def percentile_nearest_rank(values: Sequence[float], per_mille: int) -> float:
    """Smallest value that at least ``per_mille`` of 1,000 do not exceed; raises ValueError on no values."""
    ordered = _ordered(values, per_mille)
    return ordered[max(0, -(-per_mille * len(ordered) // 1000) - 1)]


def _ordered(values: Sequence[float], per_mille: int) -> list[float]:
    if not values:
        raise ValueError("a percentile needs at least one value")
    if not 0 <= per_mille <= 1000:
        raise ValueError(f"a percentile in per mille lies between 0 and 1000, got {per_mille}")
    return sorted(values)


@dataclass(frozen=True, slots=True)
class DurationCurve:
    """Share done within a duration: ``done[i]`` of all within ``at[i]``; ``n`` watched, ``censored`` not done."""

    at: npt.NDArray[np.float64]
    done: npt.NDArray[np.float64]
    n: int
    censored: int

    def quantile(self, per_mille: int) -> float | None:
        """Smallest duration within which ``per_mille`` of 1,000 were done; None when never reached."""
        # The tolerance absorbs the rounding of the product; a step of the curve is never that small.
        index = int(np.searchsorted(self.done, per_mille / 1000 - 1e-9))
        return float(self.at[index]) if index < len(self.at) else None


def duration_curve(finished: npt.NDArray[np.float64], unfinished: npt.NDArray[np.float64]) -> DurationCurve:
    """Kaplan-Meier curve of the ``finished`` durations and the times the ``unfinished`` were watched.

    Both in the same unit. At equal durations a finish counts before a censoring.
    """
    n = len(finished) + len(unfinished)
    at, events = np.unique(np.asarray(finished, dtype=np.float64), return_counts=True)
    gone = np.concatenate(([0], np.cumsum(events)[:-1])) if len(at) else np.zeros(0)
    censored_before = np.searchsorted(np.sort(np.asarray(unfinished, dtype=np.float64)), at, side="left")
    at_risk = n - gone - censored_before
    # Without censoring this product telescopes to 1 - rank/n; compute that exactly.
    done: npt.NDArray[np.float64] = np.asarray(
        np.cumsum(events) / n if not len(unfinished) and n else 1 - np.cumprod(1 - events / at_risk),
        dtype=np.float64,
    )
    return DurationCurve(at, done, n, len(unfinished))

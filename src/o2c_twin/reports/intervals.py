"""Intervals for small samples: proportions, means over replications, paired differences."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, sqrt
from statistics import NormalDist, fmean, stdev


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval around ``estimate``, in the unit of what was measured."""

    estimate: float
    low: float
    high: float


def wilson(hits: int, n: int, confidence: float = 0.95) -> Interval | None:
    """Wilson score interval of a proportion; None when nothing was observed.

    Raises ValueError when ``hits`` is not between 0 and ``n``.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"a proportion needs 0 <= hits <= n, got {hits} of {n}")
    if n == 0:
        return None
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # The bounds touch 0 and 1 exactly when nothing, or everything, hit; rounding must not blur that.
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    return Interval(share, low, 1.0 if hits == n else min(1.0, centre + half))


def t_quantile(probability: float, degrees: float) -> float:
    """Quantile of Student's t distribution, by bisection on its exact distribution function.

    Raises ValueError unless 0 < probability < 1 and degrees > 0.
    """
    if not (0 < probability < 1 and degrees > 0):
        raise ValueError(f"t quantile needs 0 < probability < 1 and degrees > 0, got {probability} and {degrees}")
    if probability < 0.5:
        return -t_quantile(1 - probability, degrees)
    high = 1.0
    while _t_cdf(high, degrees) < probability:
        high *= 2
    low = 0.0
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _t_cdf(middle, degrees) < probability else (low, middle)
    return (low + high) / 2


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """t interval of the mean over replications; raises ValueError below two values."""
    if len(values) < 2:
        raise ValueError(f"an interval of a mean needs two replications or more, got {len(values)}")
    mean = fmean(values)
    half = t_quantile(0.5 + confidence / 2, len(values) - 1) * stdev(values) / sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def paired_difference(baseline: Sequence[float], design: Sequence[float], confidence: float = 0.95) -> Interval:
    """Paired t interval of design - baseline, values in the same order of seeds.

    Raises ValueError when the sequences differ in length or hold fewer than two values.
    """
    if len(baseline) != len(design):
        raise ValueError(f"pairs need one value a seed on both sides, got {len(baseline)} and {len(design)}")
    return mean_interval([after - before for before, after in zip(baseline, design, strict=True)], confidence)


def welch_difference(baseline: Sequence[float], design: Sequence[float], confidence: float = 0.95) -> Interval:
    """Unpaired (Welch) interval of the difference of means, for runs that share no seeds."""
    if min(len(baseline), len(design)) < 2:
        raise ValueError("a difference of means needs two replications or more on both sides")
    va, vb = stdev(baseline) ** 2 / len(baseline), stdev(design) ** 2 / len(design)
    difference = fmean(design) - fmean(baseline)
    if va + vb == 0:
        return Interval(difference, difference, difference)
    degrees = (va + vb) ** 2 / (va**2 / (len(baseline) - 1) + vb**2 / (len(design) - 1))
    half = t_quantile(0.5 + confidence / 2, degrees) * sqrt(va + vb)
    return Interval(difference, difference - half, difference + half)


def _t_cdf(t: float, degrees: float) -> float:
    """Distribution function for t >= 0, through the regularised incomplete beta function."""
    return 1 - _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t)) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b) by its continued fraction (Lentz's method), on the side where it converges fast."""
    if x <= 0 or x >= 1:
        return min(1.0, max(0.0, x))
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = exp(a * log(x) + b * log(1 - x) + lgamma(a + b) - lgamma(a) - lgamma(b)) / a
    tiny = 1e-300
    c, d = 1.0, 1 / max(1 - (a + b) * x / (a + 1), tiny)
    fraction = d
    for m in range(1, 500):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away_from_zero(1 + numerator * d, tiny)
            c = _away_from_zero(1 + numerator / c, tiny)
            fraction *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return front * fraction


def _away_from_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny

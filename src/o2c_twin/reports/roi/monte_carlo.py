"""The net present value as a distribution: seeded draws of the uncertain drivers.

Percentiles are plain percentiles of the value (P10 is the cautious end; some industries print it as
P90), interpolated linearly between ordered draws. Every result carries its Monte Carlo standard error.
Each driver has a random stream of its own, so adding one does not change what the others draw.
Domain sheet 2.1, Monte Carlo.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import pi, sin, sqrt

from o2c_twin.reports.roi.appraisal import net_present_value
from o2c_twin.reports.roi.cash_flow import RoiError
from o2c_twin.reports.roi.sensitivity import CaseBuilder, Drivers

DEFAULT_DRAWS = 10_000
_PERT_WEIGHT = 4.0

RankCorrelation = Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Triangular:
    """Between ``low`` and ``high``, most likely ``mode``; the density falls in straight lines."""

    low: Decimal
    mode: Decimal
    high: Decimal

    def __post_init__(self) -> None:
        _check_order(self.low, self.mode, self.high)

    def quantile(self, share: Decimal) -> Decimal:
        """The value that ``share`` of the draws stay below."""
        width = self.high - self.low
        if not width:
            return self.low
        below_mode = (self.mode - self.low) / width
        if share <= below_mode:
            return self.low + (share * width * (self.mode - self.low)).sqrt()
        return self.high - ((1 - share) * width * (self.high - self.mode)).sqrt()

    def draw(self, rng: random.Random) -> Decimal:
        return self.quantile(Decimal(rng.random()))


@dataclass(frozen=True, slots=True)
class Pert:
    """Between ``low`` and ``high`` with a smooth hump at ``mode``: a beta distribution of weight four."""

    low: Decimal
    mode: Decimal
    high: Decimal

    def __post_init__(self) -> None:
        _check_order(self.low, self.mode, self.high)

    def draw(self, rng: random.Random) -> Decimal:
        width = self.high - self.low
        if not width:
            return self.low
        left = float((self.mode - self.low) / width)
        share = rng.betavariate(1 + _PERT_WEIGHT * left, 1 + _PERT_WEIGHT * (1 - left))
        return self.low + width * Decimal(share)


Distribution = Triangular | Pert


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution of one figure over the draws, each summary with its standard error.

    ``percentiles`` holds P0 to P100.
    """

    mean: Decimal
    mean_error: Decimal
    p10: Decimal
    p10_error: Decimal
    p50: Decimal
    p50_error: Decimal
    p90: Decimal
    p90_error: Decimal
    percentiles: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class MonteCarlo:
    """The outcome: spreads of NPV and of released cash, and the chance that the NPV is negative."""

    draws: int
    seed: int
    drivers: Mapping[str, Distribution]
    rank_correlation: RankCorrelation
    replications: int
    npv: Spread
    cash_released: Spread
    probability_npv_negative: Decimal
    probability_error: Decimal


def simulate(
    build: CaseBuilder,
    drivers: Drivers,
    uncertain: Mapping[str, Distribution],
    *,
    seed: int,
    draws: int = DEFAULT_DRAWS,
    rank_correlation: RankCorrelation | None = None,
    replications: Sequence[Drivers] = (),
) -> MonteCarlo:
    """Draw the uncertain drivers and appraise each draw; the others keep their base value.

    Drivers are independent except where ``rank_correlation`` declares Spearman's rho of a pair.
    ``replications`` are drivers measured together, one set a simulated seed: each draw takes one set
    whole, so the outcome inherits the uncertainty of the simulation besides that of the inputs.
    Raises `RoiError` for an unknown driver, fewer than two draws or correlations that contradict each other.
    """
    correlation = rank_correlation or {}
    named = {*uncertain, *(name for pair in correlation for name in pair), *(n for r in replications for n in r)}
    unknown = sorted(named - drivers.keys())
    if unknown:
        raise RoiError(f"no driver {unknown[0]!r}; the case has {', '.join(sorted(drivers))}")
    if draws < 2:
        raise RoiError(f"{draws} draws have no spread; take at least 2, for a decision {DEFAULT_DRAWS:,}")
    columns = {
        name: [distribution.draw(rng) for _ in range(draws)]
        for name, distribution in uncertain.items()
        for rng in [random.Random(f"{seed}/{name}")]
    }
    _impose_rank_correlation(columns, correlation, draws, seed)
    which = random.Random(f"{seed}/replications")
    npvs: list[Decimal] = []
    released: list[Decimal] = []
    for values in zip(*columns.values(), strict=True) if columns else [()] * draws:
        measured = replications[which.randrange(len(replications))] if replications else {}
        case = build({**drivers, **measured, **dict(zip(columns, values, strict=True))})
        npvs.append(net_present_value(case))
        released.append(case.cash_released)
    negative = Decimal(sum(value < 0 for value in npvs)) / draws
    return MonteCarlo(
        draws=draws,
        seed=seed,
        drivers=dict(uncertain),
        rank_correlation=dict(correlation),
        replications=len(replications),
        npv=spread(npvs),
        cash_released=spread(released),
        probability_npv_negative=negative,
        probability_error=(negative * (1 - negative) / draws).sqrt(),
    )


def spread(values: Sequence[Decimal]) -> Spread:
    """Mean and percentiles of at least two values, with standard errors.

    A percentile's error is half the distance between the order statistics one binomial standard
    deviation to each side of it.
    """
    count = len(values)
    ordered = sorted(values)
    mean = sum(ordered, Decimal(0)) / count
    variance = sum(((v - mean) ** 2 for v in ordered), Decimal(0)) / (count - 1)
    errors = [_percentile_error(ordered, share) for share in (0.1, 0.5, 0.9)]
    percentiles = tuple(_percentile(ordered, Decimal(p) / 100) for p in range(101))
    return Spread(
        mean=mean,
        mean_error=(variance / count).sqrt(),
        p10=percentiles[10],
        p10_error=errors[0],
        p50=percentiles[50],
        p50_error=errors[1],
        p90=percentiles[90],
        p90_error=errors[2],
        percentiles=percentiles,
    )


def _percentile(ordered: Sequence[Decimal], share: Decimal) -> Decimal:
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def _percentile_error(ordered: Sequence[Decimal], share: float) -> Decimal:
    count = len(ordered)
    deviation = sqrt(count * share * (1 - share))
    low = max(0, int(count * share - deviation))
    high = min(count - 1, int(count * share + deviation) + 1)
    return (ordered[high] - ordered[low]) / 2


def _check_order(low: Decimal, mode: Decimal, high: Decimal) -> None:
    if not low <= mode <= high:
        raise RoiError(f"low {low}, most likely {mode}, high {high} are not in order; sort them")


def _impose_rank_correlation(
    columns: dict[str, list[Decimal]], correlation: RankCorrelation, draws: int, seed: int
) -> None:
    """Reorder each column by the ranks of correlated normal scores (Iman and Conover 1982).

    Every column keeps exactly the values it drew, so its own distribution is untouched.
    """
    names = [name for name in columns if any(name in pair for pair in correlation)]
    missing = sorted({name for pair in correlation for name in pair} - set(names))
    if missing:
        raise RoiError(f"rank correlation names {missing[0]!r}, which is not drawn; give it a distribution too")
    if not names:
        return
    lower = _cholesky(names, correlation)
    rng = random.Random(f"{seed}/rank correlation")
    scores: list[list[float]] = [[] for _ in names]
    for _ in range(draws):
        independent = [rng.gauss(0.0, 1.0) for _ in names]
        for row, score in zip(lower, scores, strict=True):
            score.append(sum(weight * z for weight, z in zip(row, independent, strict=False)))
    for name, score in zip(names, scores, strict=True):
        ordered = sorted(columns[name])
        for rank, place in enumerate(sorted(range(draws), key=score.__getitem__)):
            columns[name][place] = ordered[rank]


def _cholesky(names: Sequence[str], correlation: RankCorrelation) -> list[list[float]]:
    def entry(a: str, b: str) -> float:
        rho = correlation.get((a, b), correlation.get((b, a), 0.0))
        if not -1 < rho < 1:
            raise RoiError(f"rank correlation of {a!r} and {b!r} is {rho}; give a number between -1 and 1")
        # Spearman's rho of two normals is (6/pi) asin(r/2) of Pearson's r (Pearson 1907).
        return 2 * sin(pi * rho / 6)

    lower: list[list[float]] = []
    for i, name in enumerate(names):
        row: list[float] = []
        for j in range(i):
            row.append((entry(name, names[j]) - sum(row[k] * lower[j][k] for k in range(j))) / lower[j][j])
        rest = 1 - sum(value * value for value in row)
        if rest <= 0:
            raise RoiError(f"the rank correlations of {name!r} contradict the others; bring them nearer to zero")
        lower.append([*row, sqrt(rest)])
    return lower

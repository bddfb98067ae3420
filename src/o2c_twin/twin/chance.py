"""Chance by key: a draw is a function of the seed, a stream, a business key and an attempt, not of call order.

`chance.uniform("credit-check", "SO-000123", 2)` is the same number whoever asks, whenever, and whatever else was
drawn before. So two designs that are compared under one seed meet the same customers with the same luck (common
random numbers), and a fault can be taken out without shifting any other.

Every continuous draw is the inverse distribution function of one uniform. That keeps draws comparable when a
parameter changes, and makes antithetic pairs (`antithetic=True` draws `1 - u`) out of any model.

Equal on every machine: integers, picks and uniforms. Draws through `log`, `exp` or `pow` may differ in the last
digit between maths libraries; round them to minutes or minor units before they decide anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from math import exp, floor, inf, lgamma, log, log1p
from statistics import NormalDist
from typing import Final, TypeVar

_T = TypeVar("_T")
Key = str | int

_STEP: Final = 2.0**-52
_STANDARD_NORMAL: Final = NormalDist()
_BETA_ACCURACY: Final = 1e-12


class Chance:
    """A space of draws under one seed.

    `stream` names what is drawn ("payment-delay"), the key says for whom and for which attempt. Keys are
    strings and whole numbers; `("a", "bc")`, `("ab", "c")`, `(1,)` and `("1",)` are four different keys.
    """

    __slots__ = ("_root", "_streams", "antithetic")

    def __init__(self, seed: int, *, antithetic: bool = False) -> None:
        self._root = blake2b(b"%d" % seed, digest_size=32, person=b"o2c-twin seed").digest()
        self._streams: dict[str, blake2b] = {}
        self.antithetic = antithetic

    def sub(self, name: str) -> Chance:
        """Return a space of its own: its draws have nothing to do with the ones here or under another name."""
        child = Chance(0, antithetic=self.antithetic)
        child._root = blake2b(name.encode(), digest_size=32, key=self._root, person=b"o2c-twin sub").digest()
        return child

    def uniform(self, stream: str, *key: Key) -> float:
        """Draw from the open interval (0, 1), in steps of 2**-52."""
        for part in key:
            if type(part) is not str and type(part) is not int:
                key = tuple(_plain(each) for each in key)
                break
        hasher = (self._streams.get(stream) or self._stream(stream)).copy()
        # ascii() of a tuple quotes its strings: unambiguous, and the same under every version of Unicode.
        hasher.update(ascii(key).encode())
        u = ((int.from_bytes(hasher.digest(), "big") >> 12) + 0.5) * _STEP
        return 1.0 - u if self.antithetic else u

    def _stream(self, stream: str) -> blake2b:
        hasher = blake2b(f"{len(stream)}:{stream}".encode(), digest_size=8, key=self._root, person=b"o2c-twin draw")
        self._streams[stream] = hasher
        return hasher

    def integer(self, low: int, high: int, stream: str, *key: Key) -> int:
        """Draw a whole number between `low` and `high`, both included. Raises `ValueError` if there is none."""
        if low > high:
            raise ValueError(f"no whole number lies between {low} and {high}")
        return min(high, low + floor(self.uniform(stream, *key) * (high - low + 1)))

    def pick(self, weighted: Iterable[tuple[_T, float]], stream: str, *key: Key) -> _T:
        """Draw one of `(item, weight)` pairs, in proportion to the weights. Their order matters: give a sequence.

        Raises `ValueError` when a weight is negative or not finite, or none is positive.
        """
        pairs = list(weighted)
        total = 0.0
        for item, weight in pairs:
            if not 0 <= weight < inf:
                raise ValueError(f"the weight of {item!r} is {weight}; give a finite number from 0")
            total += weight
        if total <= 0:
            raise ValueError("nothing to pick from: no weight is positive")
        left = self.uniform(stream, *key) * total
        chosen = None
        for item, weight in pairs:
            if weight > 0:
                chosen = item
                left -= weight
                if left < 0:
                    break
        return chosen  # type: ignore[return-value]  # some weight is positive, so it has been set

    def shuffle(self, items: Sequence[_T], stream: str, *key: Key) -> list[_T]:
        """Return the items in a random order, as a new list: every place in the sequence draws its own number."""
        order = sorted(range(len(items)), key=lambda place: self.uniform(stream, *key, place))
        return [items[place] for place in order]

    def normal(self, mean: float, deviation: float, stream: str, *key: Key) -> float:
        """Draw from the normal distribution."""
        _not_negative("standard deviation", deviation)
        return mean + deviation * _STANDARD_NORMAL.inv_cdf(self.uniform(stream, *key))

    def lognormal(self, median: float, sigma: float, stream: str, *key: Key) -> float:
        """Draw from the log-normal distribution: half the draws lie below `median`; sigma is that of the log."""
        _positive("median", median)
        _not_negative("sigma", sigma)
        return median * exp(sigma * _STANDARD_NORMAL.inv_cdf(self.uniform(stream, *key)))

    def exponential(self, mean: float, stream: str, *key: Key) -> float:
        """Draw from the exponential distribution with the given mean."""
        _positive("mean", mean)
        return -mean * log1p(-self.uniform(stream, *key))

    def weibull(self, scale: float, shape: float, stream: str, *key: Key) -> float:
        """Draw from the Weibull distribution; shape 1 is the exponential with mean `scale`."""
        _positive("scale", scale)
        _positive("shape", shape)
        return scale * float((-log1p(-self.uniform(stream, *key))) ** (1.0 / shape))

    def beta(self, alpha: float, beta: float, stream: str, *key: Key) -> float:
        """Draw from the beta distribution on [0, 1]; its mean is alpha / (alpha + beta)."""
        _positive("alpha", alpha)
        _positive("beta", beta)
        return beta_quantile(self.uniform(stream, *key), alpha, beta)


def beta_quantile(probability: float, alpha: float, beta: float) -> float:
    """Return x with P(X <= x) = probability for a beta variable, to about 1e-12.

    Newton's steps on the regularised incomplete beta function, held inside a bracket that is halved when a
    step would leave it.
    """
    log_scale = lgamma(alpha + beta) - lgamma(alpha) - lgamma(beta)
    low, high = 0.0, 1.0
    x = alpha / (alpha + beta)
    for _ in range(200):
        excess = beta_probability(x, alpha, beta) - probability
        if excess > 0:
            high = x
        else:
            low = x
        density = exp(log_scale + (alpha - 1) * log(x) + (beta - 1) * log1p(-x))
        step = x - excess / density if density > 0 else inf
        following = step if low < step < high else (low + high) / 2
        if abs(following - x) <= _BETA_ACCURACY * x or following in (low, high):
            return following
        x = following
    return x


def beta_probability(x: float, alpha: float, beta: float) -> float:
    """Return P(X <= x) of a beta variable: the regularised incomplete beta function.

    Its continued fraction (DLMF 8.17.22) converges quickly below (alpha + 1) / (alpha + beta + 2); above, the
    symmetry I_x(a, b) = 1 - I_(1-x)(b, a) is used.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (alpha + 1) / (alpha + beta + 2):
        return 1.0 - _beta_fraction(1 - x, beta, alpha)
    return _beta_fraction(x, alpha, beta)


def _beta_fraction(x: float, alpha: float, beta: float) -> float:
    front = exp(lgamma(alpha + beta) - lgamma(alpha) - lgamma(beta) + alpha * log(x) + beta * log1p(-x) - log(alpha))
    # The fraction from the inside out: 1 / (1 + d1 / (1 + d2 / ...)).
    value = 1.0
    for m in range(_fraction_depth(alpha, beta), 0, -1):
        half, odd = divmod(m, 2)
        if odd:
            term = -(alpha + half) * (alpha + beta + half) / ((alpha + 2 * half) * (alpha + 2 * half + 1))
        else:
            term = half * (beta - half) / ((alpha + 2 * half - 1) * (alpha + 2 * half))
        value = 1.0 + term * x / value
    return front / value


def _fraction_depth(alpha: float, beta: float) -> int:
    """Return how many terms give full accuracy: the need grows with the root of the larger parameter."""
    return 40 + 2 * int(max(alpha, beta) ** 0.5 * 4)


def _positive(name: str, value: float) -> None:
    if not 0 < value < inf:
        raise ValueError(f"the {name} must be positive and finite, not {value}")


def _not_negative(name: str, value: float) -> None:
    if not 0 <= value < inf:
        raise ValueError(f"the {name} must be finite and not negative, not {value}")


def _plain(part: Key) -> Key:
    """Return a key part as exactly str or int, so that an enum member or a bool draws as its value does."""
    if isinstance(part, str):
        return str.__str__(part)
    if isinstance(part, int):
        return int(part)
    raise TypeError(f"a key is made of strings and whole numbers, not {type(part).__name__}: {part!r}")

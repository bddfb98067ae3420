"""Shares of a total effect among design choices, independent of the order they were switched on."""

from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations
from math import factorial

_MOST_CHOICES = 8


def shapley(choices: tuple[str, ...], outcome: Mapping[frozenset[str], Fraction]) -> dict[str, Fraction]:
    """Each choice's average effect over all switching orders; the effects add up to the total.

    ``outcome`` holds the KPI for every subset of ``choices``, the empty one included. Exact, so
    limited to eight choices (256 runs). Raises ValueError when a subset is missing or there are more.
    Domain sheet 2.1, attribution.
    """
    if len(choices) > _MOST_CHOICES:
        raise ValueError(f"exact attribution takes at most {_MOST_CHOICES} choices, got {len(choices)}")
    count = len(choices)
    effects: dict[str, Fraction] = {}
    for choice in choices:
        others = tuple(c for c in choices if c != choice)
        effect = Fraction(0)
        for size in range(count):
            weight = Fraction(factorial(size) * factorial(count - size - 1), factorial(count))
            for chosen in combinations(others, size):
                before = frozenset(chosen)
                missing = [sorted(s) for s in (before, before | {choice}) if s not in outcome]
                if missing:
                    raise ValueError(f"no outcome for {missing[0] or 'no choice at all'}; run that combination too")
                effect += weight * (outcome[before | {choice}] - outcome[before])
        effects[choice] = effect
    return effects

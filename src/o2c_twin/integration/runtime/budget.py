"""The retry budget of one system: how many calls may be repeats, so that trouble is not answered with more load.

A breaker sees a system that answers nobody; a budget is for one that answers some: without it every failure comes
back as another call, and the load grows as the system weakens. First tries put in a share of a retry each, time adds
a small reserve, and each retry takes a whole one. What finds it empty waits; nothing is given up for its sake.

Sources of the figures: Google's SRE book, chapter 22 "Addressing Cascading Failures" (a server-wide budget of 60
retries a minute) and chapter 21 "Handling Overload" (retries below a tenth of a client's requests); Finagle's
``RetryBudget`` (a fifth of the requests, and a floor a second for clients with few).
"""

from dataclasses import dataclass

_RETRY = 1_000_000
"""One retry, in the unit budgets are kept in: a millionth, so that a reserve of one a second is one a microsecond."""


@dataclass(frozen=True, slots=True)
class BudgetRules:
    """``percent`` of the first tries may be repeated, and ``a_second`` besides; ``most`` retries are saved up."""

    percent: int = 20
    a_second: int = 1
    most: int = 60

    @property
    def deposit(self) -> int:
        """What a first try puts in."""
        return self.percent * _RETRY // 100


def filled(held: int, elapsed_us: int, rules: BudgetRules) -> int:
    """What is in a budget of ``held`` some microseconds later, deposits included in ``held``; never above the most.

    Deposits may wait for this to be counted: whether what is above the most is cut off with each or once makes no
    difference.
    """
    return min(rules.most * _RETRY, held + elapsed_us * rules.a_second)


def wait_us(held: int, rules: BudgetRules) -> int:
    """Microseconds until the reserve alone makes up a retry; 0 when one may leave now."""
    return max(0, -((held - _RETRY) // rules.a_second))


class Budget:
    """What one system's line may spend on retries. A first try adds ``rules.deposit`` to ``held``."""

    __slots__ = ("_at", "deposit", "held", "rules")

    def __init__(self, rules: BudgetRules, now: int) -> None:
        self.rules = rules
        self.deposit = rules.deposit
        self.held = rules.most * _RETRY
        self._at = now

    def wait_us(self, now: int) -> int:
        """Microseconds until a retry may leave, if nothing else happens; 0 when it may now."""
        self.held = filled(self.held, now - self._at, self.rules)
        self._at = now
        return wait_us(self.held, self.rules)

    def spend(self) -> None:
        """A retry leaves, right after it was found that it may."""
        self.held -= _RETRY

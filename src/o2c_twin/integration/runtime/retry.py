"""Retry policies: pure functions from what went wrong to when, or whether, to try again."""

from dataclasses import dataclass

from o2c_twin.integration.runtime.errors import CallFailed


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with full jitter; Retry-After is a floor; ``deadline_s`` ends it."""

    base_s: float = 2.0
    cap_s: float = 900.0
    deadline_s: float = 3 * 86_400.0

    def wait_s(self, failure: CallFailed, attempt: int, elapsed_s: float, uniform: float) -> float | None:
        """Seconds until attempt number ``attempt + 1``; None to give up. ``uniform`` is drawn in (0, 1)."""
        if not failure.retryable:
            return None
        ceiling = min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 20))
        wait = failure.retry_after_s + ceiling * uniform
        return None if elapsed_s + wait > self.deadline_s else wait


@dataclass(frozen=True, slots=True)
class NaiveRetry:
    """What scripts do: the same call again after a fixed pause, whatever went wrong."""

    attempts: int = 3
    pause_s: float = 5.0

    def wait_s(self, failure: CallFailed, attempt: int, elapsed_s: float, uniform: float) -> float | None:
        """Seconds until the next attempt; None when the attempts are used up."""
        return self.pause_s if attempt < self.attempts else None


@dataclass(frozen=True, slots=True)
class NoRetry:
    """Fire and forget."""

    def wait_s(self, failure: CallFailed, attempt: int, elapsed_s: float, uniform: float) -> float | None:
        """Never again."""
        return None


@dataclass(frozen=True, slots=True)
class Ladder:
    """What webhook services and message hubs do: fixed rungs, each longer than the one before; a refusal ends it.

    Rungs as public delivery schedules have them: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h.
    """

    rungs_s: tuple[float, ...] = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0)

    def wait_s(self, failure: CallFailed, attempt: int, elapsed_s: float, uniform: float) -> float | None:
        """Seconds until the next attempt; None after the last rung. What the system wishes is not heeded."""
        if not failure.retryable or attempt > len(self.rungs_s):
            return None
        return self.rungs_s[attempt - 1]


Policy = RetryPolicy | NaiveRetry | NoRetry | Ladder

_BY_DELIVERY: dict[str, Policy] = {
    "fire-and-forget": NoRetry(),
    "naive-retry": NaiveRetry(),
    "effectively-once": RetryPolicy(),
}
_BY_NAME: dict[str, Policy] = {
    "none": NoRetry(),
    "fixed": NaiveRetry(attempts=6, pause_s=5.0),
    "ladder": Ladder(),
    "full": RetryPolicy(),
}


def policy_for(delivery: str, retry: str = "by-delivery") -> Policy:
    """The policy of a value of the axis ``retry``; ``by-delivery`` takes the one that goes with ``delivery``."""
    return _BY_DELIVERY[delivery] if retry == "by-delivery" else _BY_NAME[retry]

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


Policy = RetryPolicy | NaiveRetry | NoRetry


def policy_for(delivery: str) -> Policy:
    """The policy of a value of the axis ``delivery``."""
    policies: dict[str, Policy] = {
        "fire-and-forget": NoRetry(),
        "naive-retry": NaiveRetry(),
        "effectively-once": RetryPolicy(),
    }
    return policies[delivery]

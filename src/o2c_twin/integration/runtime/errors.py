"""Why a call failed, and what may be done about it: one small tree."""

from typing import Literal

from o2c_twin.integration.store.records import CaseKind

Cause = Literal["throttled", "unavailable", "unknown-outcome", "pending", "login", "rejected", "missing"]
"""``pending``: handed over to a system that works when its hour comes; it is well, and has not answered yet."""
RETRYABLE: frozenset[Cause] = frozenset({"throttled", "unavailable", "unknown-outcome", "pending"})


class CallFailed(Exception):
    """A call to a system failed.

    ``cause`` classifies it; ``retry_after_s`` is the system's own wish, where it told one.
    """

    def __init__(self, system: str, operation: str, cause: Cause, detail: str, retry_after_s: float = 0.0) -> None:
        super().__init__(f"{system} {operation}: {cause}: {detail}")
        self.system = system
        self.operation = operation
        self.cause = cause
        self.detail = detail
        self.retry_after_s = retry_after_s

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later."""
        return self.cause in RETRYABLE


class NotAuthentic(Exception):
    """A push whose signature does not hold: nothing in it is believed."""


class Dropped(Exception):
    """A naive engine gave up on an event, and nobody is told."""


class DeadLetter(Exception):
    """The engine gave up on an event and opened a case for a person."""

    def __init__(self, key: str, reason: str, kind: CaseKind = "refused") -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason
        self.kind: CaseKind = kind


class Parked(Exception):
    """The event depends on an effect that is with a person: it waits until that one is settled."""

    def __init__(self, key: str) -> None:
        super().__init__(f"waits for {key}")
        self.key = key

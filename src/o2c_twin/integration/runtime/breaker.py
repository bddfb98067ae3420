"""A breaker: when a system does not answer, it is asked seldom until it does."""

from dataclasses import dataclass

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """Opens when calls for ``failures`` different pieces of work failed and none was answered between.

    It asks again after ``first_s``, then waits twice as long each time, up to ``cap_s``. Without ``failures``
    it never opens.
    """

    failures: int | None = 5
    first_s: float = 30.0
    cap_s: float = 300.0


NEVER_OPENS = BreakerRules(failures=None)
"""No breaker: a system that does not answer is asked by everybody who wants something of it."""


class Breaker:
    """Closed lets everything through; open nothing until a probe is due, then one call at a time until one succeeds.

    ``closed``: calls go through as they come; ``calm``: and no call has failed since one was answered.
    """

    __slots__ = ("_failing", "_opened", "_probing", "_rules", "calm", "closed", "next_probe_at")

    def __init__(self, rules: BreakerRules | None = None) -> None:
        self._rules = rules or BreakerRules()
        self._failing: dict[str, None] = {}
        self._opened = 0
        self._probing = False
        self.calm = self.closed = True
        self.next_probe_at = 0

    def admits(self, now: int) -> bool:
        """Whether a call may leave now; an open breaker's probe is taken by asking."""
        if self._opened == 0:
            return True
        if self._probing or now < self.next_probe_at:
            return False
        self._probing = True
        return True

    def answered(self) -> None:
        """The system answered, whatever it said."""
        self._failing.clear()
        self._opened = 0
        self._probing = False
        self.calm = self.closed = True

    def forgotten(self) -> None:
        """Nobody waits for the call's answer any more: a probe that was under way may be made by another."""
        self._probing = False

    def failed(self, now: int, key: str) -> None:
        """The system did not answer, or not as one that works.

        ``key`` names the work: one poisoned record that fails for ever says nothing about the system.
        """
        if self._rules.failures is None:
            return
        self._failing[key] = None
        self.calm = False
        # Calls that were under way when it opened say nothing new; a probe that failed does.
        if self._probing or (self._opened == 0 and len(self._failing) >= self._rules.failures):
            self._probing = False
            wait = min(self._rules.cap_s, self._rules.first_s * 2.0 ** min(self._opened, 20))
            self._opened += 1
            self.closed = False
            self.next_probe_at = now + int(wait * _MICRO)

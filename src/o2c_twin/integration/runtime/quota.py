"""The quota ledger of one system: how many calls may still be made, and by which kind of work.

Vendors count calls in windows. The ledger keeps the same count from this side, so that a limit is used up and
not run into: a share of each window is kept for work of higher business value, and a daily allowance for low
value work grows with the day, so that no sweep eats in the morning what orders need at night.
"""

from collections import deque
from dataclasses import dataclass
from enum import IntEnum

_MICRO = 1_000_000
_DAY_S = 86_400.0


class Worth(IntEnum):
    """Business value of a call: cash and credit before orders, before masters, before sweeps."""

    CASH = 0
    ORDER = 1
    MASTER = 2
    SWEEP = 3


# What share of a window each kind of work may use up, itself and all of higher worth together.
_SHARES = {Worth.CASH: 1.0, Worth.ORDER: 0.99, Worth.MASTER: 0.97, Worth.SWEEP: 0.95}


@dataclass(frozen=True, slots=True)
class Allowance:
    """``calls`` in any ``window_s`` seconds."""

    calls: int
    window_s: float


class _Window:
    """Calls of the last ``window_s`` seconds, exactly."""

    __slots__ = ("_calls", "_span", "_times")

    def __init__(self, allowance: Allowance) -> None:
        self._calls = allowance.calls
        self._span = int(allowance.window_s * _MICRO)
        self._times: deque[int] = deque()

    def wait_us(self, now: int, worth: Worth) -> int:
        """How long until a call of that worth fits; 0 when it does now."""
        times = self._times
        while times and times[0] <= now - self._span:
            times.popleft()
        most = max(1, int(self._calls * _SHARES[worth]))
        if self._span >= _DAY_S * _MICRO and worth >= Worth.MASTER:
            # A day's allowance is planned to its end: low value work gets no further than the day has.
            day = int(_DAY_S * _MICRO)
            most = max(1, int(most * (now % day + day // 24) / (day + day // 24)))
        if len(times) < most:
            return 0
        if self._span >= _DAY_S * _MICRO:
            return 60 * _MICRO
        return times[len(times) - most] + self._span - now

    def spend(self, now: int) -> None:
        self._times.append(now)


class Quota:
    """The allowances of one system."""

    def __init__(self, allowances: tuple[Allowance, ...] = ()) -> None:
        self._windows = tuple(_Window(allowance) for allowance in allowances)

    def wait_us(self, now: int, worth: Worth) -> int:
        """Microseconds until a call of that worth fits in every window."""
        return max((window.wait_us(now, worth) for window in self._windows), default=0)

    def spend(self, now: int) -> None:
        """A call is made."""
        for window in self._windows:
            window.spend(now)

"""A system's usual service times: noise of which each call has its own, and which no design is judged by.

A hash for each call would cost more than the rest of what latency does. So one keyed draw seeds a block of calls,
and the numbers of the block come from it by SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), which passes BigCrush.
"""

from o2c_twin.mock_systems.wire.faults import Latency
from o2c_twin.mock_systems.wire.ports import Draw

_CALLS = 64
_WORD = 0xFFFF_FFFF_FFFF_FFFF
_STEP = 0x9E37_79B9_7F4A_7C15


class ServiceTimes:
    """The times of one system's calls in the order they arrive: the n-th is a function of the system and of n."""

    __slots__ = ("_block", "_draw", "_latency", "_left", "_system")

    def __init__(self, system: str, draw: Draw, latency: Latency) -> None:
        self._latency = latency
        self._system = system
        self._draw = draw
        self._block = 0
        self._left: list[float] = []

    def next_s(self) -> float:
        """Seconds the next call takes."""
        if not self._left:
            self._left = self._times(self._block)
            self._block += 1
        return self._left.pop()

    def _times(self, block: int) -> list[float]:
        state = int(self._draw("latency", self._system, block) * 2.0**52)
        return [self._latency.delay_s(_uniform(state + number * _STEP)) for number in range(1, _CALLS + 1)]


def _uniform(state: int) -> float:
    """A number in the open interval (0, 1), in steps of 2**-52."""
    mixed = state & _WORD
    mixed = (mixed ^ mixed >> 30) * 0xBF58_476D_1CE4_E5B9 & _WORD
    mixed = (mixed ^ mixed >> 27) * 0x94D0_49BB_1331_11EB & _WORD
    return (((mixed ^ mixed >> 31) >> 12) + 0.5) * 2.0**-52

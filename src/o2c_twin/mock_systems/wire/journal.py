"""The journal of requests: a bounded ring, and a sink for those who keep more."""

from collections import deque
from collections.abc import Callable

import msgspec


class Entry(msgspec.Struct, gc=False):
    """One call: instants and durations in microseconds; ``status`` 0 when no answer was sent."""

    at: int
    system: str
    operation: str
    caller: str | None
    method: str
    path: str
    status: int
    throttled: bool
    fault: str | None
    duration_us: int
    request: bytes
    response: bytes


class Journal:
    """Keeps the last ``size`` entries; memory does not grow with the run."""

    def __init__(self, size: int = 2_000, sink: Callable[[Entry], None] | None = None) -> None:
        self.entries: deque[Entry] = deque(maxlen=size)
        self.sink = sink
        self.count = 0

    def add(self, entry: Entry) -> None:
        """Record one call and hand it to the sink."""
        self.count += 1
        self.entries.append(entry)
        if self.sink is not None:
            self.sink(entry)

    def clear(self) -> None:
        """Forget the entries; the count goes on."""
        self.entries.clear()

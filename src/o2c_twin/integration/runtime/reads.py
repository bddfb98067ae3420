"""When records were last read: a flow that reads a record as it is now makes every older notice of it void."""

from collections.abc import Iterable

from o2c_twin.integration.model import Inbound

STATE_FLOWS = frozenset({"order-status", "invoice", "customer", "customer-master"})
"""Flows whose events say only that a record changed."""
_MICRO = 1_000_000


class Reads:
    """What one worker has read. Instants are microseconds since the epoch."""

    __slots__ = ("_read_at",)

    def __init__(self) -> None:
        self._read_at: dict[tuple[str, str], int] = {}

    def void(self, event: Inbound) -> bool:
        """Whether the record was read after the change the event tells of."""
        return self._read_at.get((event.flow, event.object_id), -1) >= void_from(event)

    def begun(self, event: Inbound, now: int) -> None:
        """The record is about to be read."""
        self._read_at[event.flow, event.object_id] = now

    def recall(self, done: Iterable[tuple[Inbound, int]]) -> None:
        """What an earlier life worked, and when it had received it: not before then did it read the record, nor before
        the second of the change was over.
        """
        for event, received_at in done:
            if event.flow in STATE_FLOWS:
                known = self._read_at.get((event.flow, event.object_id), -1)
                self._read_at[event.flow, event.object_id] = max(known, received_at, second_over(event))


def void_from(event: Inbound) -> int:
    """A read from this instant on has seen the change: vendors' stamps have whole seconds."""
    return event.source_at + _MICRO


def second_over(event: Inbound) -> int:
    """When the second of the change is over: a record is read then, so that no change in it is missed."""
    return event.source_at // _MICRO * _MICRO + _MICRO

"""The edges at which the process may die or a call go wrong, and a journal whose every write is one."""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Protocol

from o2c_twin.integration.store import SqliteJournal

WRITE_EDGES = ("dies before the write", "dies after the write")
CALL_EDGES = (
    "dies before the call",
    "dies with the answer unread",
    "answer lost",
    "nobody listens",
    "applied, answered 500",
    "not applied, answered 500",
    "not applied, answered 503",
)
_WRITES = (
    "accept",
    "finish",
    "intend",
    "resend",
    "again",
    "settle",
    "give_up",
    "record",
    "link",
    "move",
    "open_case",
)


class Died(BaseException):
    """The process is gone in the middle of what it did."""


class Stage(Protocol):
    """Where it happens: told of every edge, and raises `Died` at the one it waits for."""

    def edge(self, name: str) -> None: ...


class WatchedJournal(SqliteJournal):
    """A journal whose every write is an edge. That a file keeps what was committed, `test_journal` shows."""

    stage: Stage

    def __init__(self):
        super().__init__(":memory:", "OFF")
        if self._db.in_transaction:
            # The one that is never ended: what is not committed could not be told from what is.
            self._db.execute("commit")
        # The process dies and its memory does not: here a commit is whole or not at all.
        self._db.execute("pragma journal_mode = memory")
        self._durable = True

    def committed(self):
        """What the next process will find: what was not committed is gone."""
        if self._db.in_transaction:
            self._db.rollback()
        return self._db.serialize()

    def restore(self, committed):
        """Begin with what an earlier life has committed."""
        self._db.deserialize(committed)

    @contextmanager
    def together(self):
        outermost = self._depth == 0
        with super().together():
            yield
        if outermost:
            self.stage.edge("dies after the write")


def _edge(name: str) -> Callable[..., object]:
    def write(self, *arguments, **named):
        self.stage.edge("dies before the write")
        result = getattr(SqliteJournal, name)(self, *arguments, **named)
        self.stage.edge("dies after the write")
        return result

    return write


for _name in _WRITES:
    setattr(WatchedJournal, _name, _edge(_name))

"""What all role cores share: rule errors, numbering, and the feed of changes."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

ChangeKind = Literal["created", "updated", "deleted"]


class RuleError(Exception):
    """A business rule forbids it; nothing was changed.

    ``code`` is the rule's name, ``field`` the offending field where there is one.
    """

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class Change(msgspec.Struct, frozen=True, gc=False):
    """One committed change of one record; ``at`` in microseconds since the epoch."""

    at: int
    kind: str
    id: str
    what: ChangeKind


class Feed(msgspec.Struct):
    """The changes of one core, in commit order, with an index per kind of record.

    Listeners are called after each change; they belong to the running world and are not part of
    a snapshot.
    """

    by_kind: dict[str, list[Change]] = {}

    def since(self, kind: str, at: int) -> Iterator[Change]:
        """Changes of ``kind`` committed after ``at``, oldest first."""
        changes = self.by_kind.get(kind, [])
        yield from changes[bisect_right(changes, at, key=lambda c: c.at) :]


Listener = Callable[[Change], None]


class Numbers(msgspec.Struct):
    """Gapless numbers, one sequence a name."""

    last: dict[str, int] = {}

    def next(self, sequence: str, first: int = 1) -> int:
        """The next number of a sequence, starting at ``first``."""
        number = self.last.get(sequence, first - 1) + 1
        self.last[sequence] = number
        return number

"""What a mock promises a client about each of its writes: the published capability sheet.

A vendor's documentation promises these things; the mock keeps them, and a test attacks every line.
"""

from dataclasses import dataclass
from typing import Literal

Guard = Literal["key", "external-id", "query", "none"]
"""What an operation offers against being done twice: an idempotency key, an external id that may
exist once, a record that can be found by what the client wrote on it, or nothing."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One write operation, by its name in the vendor's route table.

    ``retention_s`` is how long a key is remembered (None: as long as the record lives);
    ``index_lag_s`` how long a new record may stay hidden from queries; ``version_guard`` what refuses
    a write that rests on an old read; ``bulk_limit`` the items one call may carry; ``partial`` whether
    some items of such a call may fail alone; ``deletes_visible`` whether the change feed tells of
    deletions. ``source`` says where the vendor documents it.
    """

    operation: str
    guard: Guard
    retention_s: float | None = None
    index_lag_s: float = 0.0
    version_guard: Literal["etag", "sequence", "none"] = "none"
    bulk_limit: int = 1
    partial: bool = False
    deletes_visible: bool = False
    source: str = ""

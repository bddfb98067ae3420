"""Capability sheets: what each remote write offers against doubling, so that the engine knows how to
resolve one whose answer never came.

A sheet is a claim about a vendor. The mocks publish their own, and a test compares the two and attacks
every claim, so that a wrong one costs a red build and not money.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

Guard = Literal["key", "external-id", "query", "none"]
"""``key``: resend with the same idempotency key while the vendor remembers it. ``external-id``: upsert,
or a create that is refused when the id exists. ``query``: wait out the index lag, look the record up by
what was written on it, resend when it is not there. ``none``: only a person can tell."""


@dataclass(frozen=True, slots=True)
class Capability:
    """One write of a connector.

    ``write`` is the connector's method (``put_order``); ``operation`` the vendor's operation it calls, by
    its name in the vendor's route table. ``retention_s`` is how long a key is remembered (None: as long as
    the record lives); ``index_lag_s`` how long a new record may stay hidden from queries; ``bulk_limit`` the
    items one call may carry, ``partial`` whether some may fail alone.
    """

    write: str
    operation: str
    guard: Guard
    retention_s: float | None = None
    index_lag_s: float = 0.0
    version_guard: Literal["etag", "sequence", "none"] = "none"
    bulk_limit: int = 1
    partial: bool = False
    deletes_visible: bool = False


Sheet = tuple[Capability, ...]
"""All writes of one connector."""


class Offering(Protocol):
    """A connector, as what it offers is seen."""

    @property
    def sheet(self) -> Sheet:
        """Its writes."""
        ...


def offers(connector: Offering, write: str) -> bool:
    """Whether the connector's sheet names that write: a vendor may have no call for it."""
    return any(capability.write == write for capability in connector.sheet)


def guard_of(sheet: Sheet, write: str) -> Capability:
    """The capability of a write. Raises `KeyError` for one the sheet does not name."""
    for capability in sheet:
        if capability.write == write:
            return capability
    raise KeyError(f"capability sheet: no write {write!r}; there are: {', '.join(c.write for c in sheet)}")

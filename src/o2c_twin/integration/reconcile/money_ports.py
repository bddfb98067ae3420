"""What banks, payment providers and ledgers offer to a sweep of money: what came in, was sent on, and is posted."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.reconcile.contract import Shape

MoneyKind = Literal["entry", "collection", "payout", "posting"]
"""A credit on a statement, a payment a provider collected, what it sent to the bank, a customer payment in the ERP."""


class Incoming(msgspec.Struct, frozen=True):
    """Money that came in, which the ERP must have posted once.

    ``key`` is the engine's key of the posting, ``amount_minor`` in minor units of ``currency``, ``at`` when its
    statement was issued, or it was paid (epoch microseconds). ``event`` is what the connector would have told the
    engine of it. ``names`` are words by which it may be known as a provider's payout. ``value_on`` is the value date
    (ISO) of an entry.
    """

    kind: MoneyKind
    key: str
    reference: str
    amount_minor: int
    currency: str
    at: int
    event: Inbound
    names: tuple[str, ...] = ()
    value_on: str = ""


class Sent(msgspec.Struct, frozen=True):
    """A payout: a sum a provider sends to the bank. ``arrived`` says whether it tells that it is there by now."""

    payout_id: str
    reference: str
    amount_minor: int
    currency: str
    at: int
    arrived: bool
    event: Inbound


class Posting(msgspec.Struct, frozen=True):
    """A customer payment as the ERP's books show it; ``currency`` is empty where the ERP has one only.

    ``mark`` is what is left of the engine's key there, ``reference`` what a person may find the money by, ``customer``
    the ERP's id or number of whose it is; empty where the books do not tell.
    """

    id: str
    mark: str
    reference: str
    amount_minor: int
    at: int
    customer: str = ""
    currency: str = ""


class Told(Protocol):
    """What all of these listings have. Every method of theirs raises `CallFailed`."""

    system: str
    shapes: Mapping[MoneyKind, Shape]
    """What the vendor's own records must look like; none where they are read by the connector itself."""

    def sample(self, kind: MoneyKind) -> Sequence[Mapping[str, object]]:
        """Some of the vendor's own records of the last listing, as they came."""
        ...


class IncomingListing(Told, Protocol):
    """A bank, or a provider."""

    async def incoming(self, since: int, until: int) -> list[Incoming]:
        """Money that came in after an instant, and is not taken back."""
        ...

    async def sent(self, since: int, until: int) -> list[Sent]:
        """Payouts made after an instant; a bank makes none."""
        ...


class PostingListing(Told, Protocol):
    """A ledger."""

    def mark_of(self, key: str) -> str:
        """What a posting shows that was made with this key."""
        ...

    async def postings(self, since: int) -> list[Posting]:
        """Customer payments posted since the day of an instant; what was posted with one mark may be one of them."""
        ...


class MoneyListings(msgspec.Struct, frozen=True):
    """The money of an estate."""

    bank: IncomingListing
    erp: PostingListing
    provider: IncomingListing | None = None

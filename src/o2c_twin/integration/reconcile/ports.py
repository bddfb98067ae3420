"""What a connector offers to a sweep: rows of what it holds, cheaply, and what was deleted."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

import msgspec

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.reconcile.contract import Shape

Kind = Literal["customer", "deal", "order", "shipment", "invoice"]
"""In a CRM ``customer`` is the account; deals are the CRM's, the last three the ERP's."""
Value = str | int | None
UNDATED = -1


class Row(msgspec.Struct, frozen=True):
    """A record as a listing shows it.

    ``at`` is its last change in microseconds since the epoch; ``fields`` are canonical names and values, money in
    minor units; ``amount_minor`` is what the document is about (0 for masters). ``event`` is what the connector
    would have told the engine of this change. ``unread``: why nothing could be made of it; then it has no fields.
    ``currency`` is that of its money; empty where the system has one only and need not tell.
    """

    kind: Kind
    id: str
    at: int
    fields: dict[str, Value]
    amount_minor: int = 0
    event: Inbound | None = None
    unread: str = ""
    currency: str = ""


class Gone(msgspec.Struct, frozen=True):
    """A record that was deleted, and when (microseconds since the epoch; `UNDATED` where nobody can say)."""

    kind: Kind
    id: str
    at: int


class Listing(Protocol):
    """One system's listings. Every method raises `CallFailed`; one strange record among many is given as unread.

    Fields by kind. CRM ``deal``: account, won, order_number, order_id, credit, fulfilment, invoice_number, payment.
    CRM ``customer``: name, number, terms_days, credit_limit_minor, email, erp_id, entity (which serves it). ERP
    ``customer``: the first five and external_id. ``order``: number, external_id, customer, credit, fulfilment, to_bill.
    ``invoice``: number, order, state (open, part paid, paid). ``shipment``: number, order, and to_bill where the vendor
    says it of each.
    Yes and no are texts; None is "not there".
    """

    system: str
    tells_deleted: bool
    """Whether the vendor keeps account of what was deleted; where it does not, `deleted` is told what is known."""
    shapes: Mapping[Kind, Shape]
    """What the vendor's own records must look like."""

    lags: bool
    """Whether a listing may show records as they were a while ago; `named` shows them as they are."""

    async def listing(self, kind: Kind, since: int, until: int) -> list[Row]:
        """Records changed after ``since`` and not after ``until``; of deals those that are won."""
        ...

    async def named(self, kind: Kind, ids: Sequence[str]) -> list[Row]:
        """The records of these ids, whenever they changed; those that are not there are left out."""
        ...

    async def deleted(self, kind: Kind, since: int, known: Sequence[str] = ()) -> list[Gone]:
        """Records deleted after an instant, as far back as the vendor keeps account of it.

        A vendor that keeps none is asked which of those ``known`` are there; the others are gone, since nobody
        knows when.
        """
        ...

    def kept(self, field: str, value: Value) -> Value:
        """A customer's field as this system keeps what it was told: in capitals, cut to a length."""
        ...

    def sample(self, kind: Kind) -> Sequence[Mapping[str, object]]:
        """Some of the vendor's own records of the last listing, as they came."""
        ...


class Survey(msgspec.Struct, frozen=True):
    """What several kinds were told of together; one that is in neither is to be asked for by itself."""

    rows: Mapping[Kind, Sequence[Row]]
    gone: Mapping[Kind, Sequence[Gone]]


@runtime_checkable
class Surveying(Protocol):
    """A listing whose vendor can be asked about several kinds in one call, for calls are what a sweep is paid in."""

    async def survey(self, since: int, until: int, gone_since: int) -> Survey:
        """What `Listing.listing` and `Listing.deleted` tell, of the kinds that go together. Raises `CallFailed`."""
        ...


class Listings(msgspec.Struct, frozen=True):
    """The listings of an estate."""

    crm: Listing
    erp: Listing

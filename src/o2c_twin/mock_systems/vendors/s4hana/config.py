"""What an S/4HANA client is set up with: communication users, organisation, front door, named oddities."""

from hashlib import blake2b
from typing import Literal

import msgspec

Front = Literal["direct", "gateway"]
"""What answers an overload: the application server itself (503), or an API gateway before it (429)."""


class CommunicationUser(msgspec.Struct, frozen=True):
    """A technical user; the same pair works as an OAuth client. ``denied`` are services it has no scenario for."""

    name: str
    password: str
    denied: tuple[str, ...] = ()


class Subscription(msgspec.Struct, frozen=True):
    """A webhook of the event broker between S/4HANA and its listeners.

    ``topics`` are event types (empty: all); ``authorization`` is sent as that header.
    """

    url: str
    authorization: str = ""
    topics: tuple[str, ...] = ()


class Unit(msgspec.Struct, frozen=True):
    """A company code, with the sales organization of the same name that sells for it, and its tax code."""

    code: str
    tax_code: str = ""


class S4HanaConfig(msgspec.Struct, frozen=True):
    """One client of one system. Without ``users`` one is derived from ``seed`` (see `derive_user`).

    ``work_processes`` bounds the calls in flight, ``gateway_per_minute`` the calls a front of ``gateway`` lets
    through; None: not at all, as SAP publishes no figures. Oddities, each on where a real system has it:
    ``session_idle_s`` (a CSRF token dies with its session), ``duplicate_po_warns`` (a known customer reference is
    a warning on a 201), ``padded_reference_items`` (deliveries say 000010 where orders say 10), ``coarse_etags``
    (a business partner's ETag has whole seconds), ``cancel_errors_in_200`` (a failed cancellation is a 200).
    ``credit_check_refuses`` is off: credit blocks the order, unless it is configured to refuse it. ``units`` are the
    company codes of a client that has several, in place of ``company_code`` and ``sales_organization``.
    ``discount_account`` is the G/L account of cash discounts granted.
    """

    system_id: str = "S4H"
    client: str = "100"
    users: tuple[CommunicationUser, ...] = ()
    seed: int = 0
    front: Front = "direct"
    work_processes: int | None = None
    gateway_per_minute: int | None = None
    most_sessions: int = 2_000
    token_s: int = 3_600
    page_size: int = 1_000
    company_code: str = "1710"
    sales_organization: str = "1710"
    distribution_channel: str = "10"
    division: str = "00"
    plant: str = "1710"
    credit_segment: str = "1000"
    currency: str = "USD"
    bill_on_delivery: bool = False
    session_idle_s: int = 1_800
    duplicate_po_warns: bool = True
    padded_reference_items: bool = True
    coarse_etags: bool = True
    cancel_errors_in_200: bool = True
    credit_check_refuses: bool = False
    subscriptions: tuple[Subscription, ...] = ()
    units: tuple[Unit, ...] = ()
    discount_account: str = "70050000"

    def company_of(self, entity: str | None) -> str:
        """The company code of a record: that of its legal entity, the only one where there are no ``units``."""
        return self.company_code if entity is None else entity

    def sales_organization_of(self, entity: str | None) -> str:
        """The sales organization of a record, as `company_of`."""
        return self.sales_organization if entity is None else entity

    @property
    def company_codes(self) -> tuple[str, ...]:
        """All company codes there are."""
        return tuple(each.code for each in self.units) or (self.company_code,)

    @property
    def sales_organizations(self) -> tuple[str, ...]:
        """All sales organizations there are."""
        return tuple(each.code for each in self.units) or (self.sales_organization,)


def derive_user(client: str, seed: int, name: str) -> CommunicationUser:
    """The communication user ``name`` of a client: the same for the same client, seed and name."""
    digest = blake2b(f"{client}/{name}".encode(), digest_size=20, key=str(seed).encode()).hexdigest()
    return CommunicationUser(name, f"Pw-{digest}")

"""The CRM's records. Money in integer minor units, instants in epoch microseconds.

``custom`` holds the fields a company added: an integration writes the ERP's numbers and states there.
"""

from typing import Any

import msgspec

from o2c_twin.mock_systems.roles.records import Feed, Numbers


class Account(msgspec.Struct, gc=False):
    """A customer as sales knows it."""

    id: str
    name: str
    number: str | None = None
    street: str | None = None
    city: str | None = None
    postal_code: str | None = None
    country: str | None = None
    phone: str | None = None
    parent_id: str | None = None
    currency: str = "EUR"
    custom: dict[str, Any] = {}
    created_at: int = 0
    modified_at: int = 0


class Contact(msgspec.Struct, gc=False):
    """A person at an account."""

    id: str
    last_name: str
    first_name: str | None = None
    email: str | None = None
    account_id: str | None = None
    custom: dict[str, Any] = {}
    created_at: int = 0
    modified_at: int = 0


class Product(msgspec.Struct, gc=False):
    """A product with its list price: one price book."""

    id: str
    code: str
    name: str
    active: bool = True
    price_minor: int = 0
    price_id: str = ""
    custom: dict[str, Any] = {}
    created_at: int = 0
    modified_at: int = 0


class OpportunityLine(msgspec.Struct, gc=False):
    """A product in an opportunity."""

    id: str
    opportunity_id: str
    product_id: str
    quantity: int
    unit_price_minor: int
    custom: dict[str, Any] = {}
    created_at: int = 0
    modified_at: int = 0


class Opportunity(msgspec.Struct, gc=False):
    """A deal. With lines, ``amount_minor`` is their sum and not writable."""

    id: str
    name: str
    stage: str
    close_date: str
    account_id: str | None = None
    amount_minor: int | None = None
    currency: str = "EUR"
    lines: list[str] = []
    custom: dict[str, Any] = {}
    created_at: int = 0
    modified_at: int = 0


class Bin(msgspec.Struct, gc=False):
    """Deleted records as they were when they were deleted; ``modified_at`` is when."""

    accounts: dict[str, Account] = {}
    contacts: dict[str, Contact] = {}
    products: dict[str, Product] = {}
    opportunities: dict[str, Opportunity] = {}
    lines: dict[str, OpportunityLine] = {}


class CrmState(msgspec.Struct):
    """Everything a CRM holds; a snapshot is this, encoded."""

    numbers: Numbers = msgspec.field(default_factory=Numbers)
    feed: Feed = msgspec.field(default_factory=Feed)
    accounts: dict[str, Account] = {}
    contacts: dict[str, Contact] = {}
    products: dict[str, Product] = {}
    opportunities: dict[str, Opportunity] = {}
    lines: dict[str, OpportunityLine] = {}
    bin: Bin = msgspec.field(default_factory=Bin)

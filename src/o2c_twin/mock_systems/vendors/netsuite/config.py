"""What a NetSuite account is set up with: integrations, service tier, formats, locations, scripts."""

from hashlib import blake2b
from typing import Literal

import msgspec

Tier = Literal["standard", "premium", "enterprise", "ultimate"]
DateFormat = Literal[
    "M/D/YYYY", "D/M/YYYY", "D.M.YYYY", "MM/DD/YYYY", "DD/MM/YYYY", "DD.MM.YYYY", "YYYY/MM/DD", "YYYY-MM-DD"
]


class Subsidiary(msgspec.Struct, frozen=True):
    """A subsidiary of a OneWorld account: its internal id is its place, ``tax_code`` the one of its nexus."""

    name: str
    external_id: str
    tax_code: str = ""


class Integration(msgspec.Struct, frozen=True):
    """An integration record with one access token: an application acting as one user in one role.

    ``administrator`` may read governance limits; ``denied`` are record types (``customerPayment``) the
    role has no permission for; ``subsidiary`` is the external id of the only one the role may use, "" for all.
    """

    name: str
    consumer_key: str
    consumer_secret: str
    token_id: str
    token_secret: str
    user: str = "integration user"
    administrator: bool = True
    denied: tuple[str, ...] = ()
    subsidiary: str = ""


class Subscription(msgspec.Struct, frozen=True):
    """A deployed user-event script: posts changes of ``record_types`` to ``url``.

    The script sends ``secret`` in the header ``secret_header``; empty ``record_types`` means all.
    """

    url: str
    record_types: tuple[str, ...] = ()
    secret: str = ""
    secret_header: str = "X-O2C-Secret"


class NetSuiteConfig(msgspec.Struct, frozen=True):
    """One account. Without ``integrations`` one is derived from ``seed`` (see `derive_integration`).

    ``currency`` is the base currency, ``currencies`` the others; all have two decimals. With more
    than one of ``locations`` each fulfilled line must name one. ``custom_fields`` are the names of custom
    fields (``custbody_...``) that exist; those of sales orders and their lines are kept. ``write_off_item`` is the name
    of an other charge item whose account is a cost: credited with it, an invoice is written off; ``discount_item``
    is one whose account is that of discounts granted. ``subsidiaries`` are
    those of a OneWorld account, the parent first; an account without has one, named ``subsidiary``.
    """

    account: str = "123456_SB1"
    integrations: tuple[Integration, ...] = ()
    tier: Tier = "standard"
    suitecloud_plus: int = 0
    seed: int = 0
    locations: tuple[str, ...] = ("Main Warehouse",)
    subsidiary: str = "Parent Company"
    subsidiaries: tuple[Subsidiary, ...] = ()
    date_format: DateFormat = "M/D/YYYY"
    currency: str = "USD"
    currencies: tuple[str, ...] = ()
    custom_fields: tuple[str, ...] = ()
    bill_on_delivery: bool = False
    write_off_item: str = "WRITE-OFF"
    discount_item: str = "EARLY-PAYMENT"
    subscriptions: tuple[Subscription, ...] = ()

    @property
    def all_currencies(self) -> tuple[str, ...]:
        """Base currency first; the place in this list is the currency's internal id."""
        return (self.currency, *(c for c in self.currencies if c != self.currency))


def derive_integration(account: str, seed: int, name: str) -> Integration:
    """The credentials of integration ``name`` in an account: the same for the same account, seed and name.

    Four values of 64 hexadecimal digits, as NetSuite shows them.
    """

    def derived(part: str) -> str:
        text = f"{account}/{name}/{part}"
        return blake2b(text.encode(), digest_size=32, key=str(seed).encode()).hexdigest()

    consumer, token = derived("consumer key"), derived("token id")
    return Integration(name, consumer, derived("consumer secret"), token, derived("token secret"))

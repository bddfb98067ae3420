"""What a Stripe account is set up with: keys, mode, API version, limits, and the known oddities as switches."""

from hashlib import blake2b
from typing import Literal

import msgspec

from o2c_twin.mock_systems.roles.billing import BillingTerms

LATEST_VERSION = "2026-10-28.endive"
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _derived(seed: int, part: str, size: int) -> str:
    value = int.from_bytes(blake2b(part.encode(), digest_size=32, key=str(seed).encode()).digest())
    letters = []
    for _ in range(size):
        value, digit = divmod(value, 62)
        letters.append(_LETTERS[digit])
    return "".join(letters)


def _terms() -> BillingTerms:
    return BillingTerms(statement_name="STRIPE")


class StripeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One account. Empty keys and secrets are derived from ``seed``: see the properties.

    ``api_version``: the account's default, for requests without the header and for events. ``limits``: which of
    Stripe's two published sets of rate limits holds. ``restricted_keys``: keys by the prefixes of operations they
    may call (``invoices.``). ``expired_keys``: keys that worked once.

    Oddities, on as in the real system:
    ``search_lag_s``: how long a new record stays hidden from search. ``object_locks``: two writes to one object
    at a time are refused with ``lock_timeout``. ``webhook_spread_s``: events leave up to that much later, each
    for itself, so that they arrive out of order. ``clock_takes_s``: how long a test clock needs to advance.
    ``keys_forgotten_s``: how long an idempotency key is remembered.
    """

    seed: int = 0
    livemode: bool = False
    key: str = ""
    secret: str = ""
    restricted_keys: dict[str, tuple[str, ...]] = {}
    expired_keys: tuple[str, ...] = ()
    account_name: str = "The company"
    country: str = "DE"
    currency: str = "eur"
    api_version: str = LATEST_VERSION
    limits: Literal["current", "older"] = "current"
    search_lag_s: float = 60.0
    object_locks: bool = True
    webhook_spread_s: float = 2.0
    clock_takes_s: float = 10.0
    keys_forgotten_s: int = 86_400
    terms: BillingTerms = msgspec.field(default_factory=_terms)

    @property
    def secret_key(self) -> str:
        """The key a client logs in with."""
        mode = "live" if self.livemode else "test"
        return self.key or f"sk_{mode}_{_derived(self.seed, 'secret key', 32)}"

    @property
    def webhook_secret(self) -> str:
        """The secret of the endpoints made with `StripeDialect.subscribe`."""
        return self.secret or f"whsec_{_derived(self.seed, 'webhook secret', 32)}"

    @property
    def account(self) -> str:
        """The account's id."""
        return f"acct_{_derived(self.seed, 'account', 16)}"

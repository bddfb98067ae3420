"""Idempotency keys: one resource for each key and endpoint, however often it is asked for.

Documented: a second create with a key answers 409 and names the first resource, for any number of requests; no
time limit is documented. That keys count by endpoint, and are looked at before the body, is assumed.
"""

import msgspec

from o2c_twin.mock_systems.vendors.gocardless.errors import Errors

LONGEST = 128
_DAY_US = 86_400_000_000


class Key(msgspec.Struct, array_like=True):
    """What a key made, and when."""

    made: str
    at: int


class Keys:
    """The keys of one account; ``kept_days`` None keeps them for ever."""

    def __init__(self, errors: Errors, kept_days: int | None) -> None:
        self._errors = errors
        self._kept_days = kept_days
        self.known: dict[str, Key] = {}

    def check(self, operation: str, key: str, now: int) -> None:
        """Raises `Refused`: 409 when the key has made something, 400 when it is too long."""
        if len(key) > LONGEST:
            detail = f"Idempotency-Key must be at most {LONGEST} characters"
            self._errors.refuse_usage(400, "idempotency_key_too_long", detail)
        known = self.known.get(f"{operation}/{key}")
        if known is None:
            return
        if self._kept_days is not None and known.at + self._kept_days * _DAY_US <= now:
            return
        self._errors.conflict(known.made)

    def remember(self, operation: str, key: str, made: str, now: int) -> None:
        """A key has made something."""
        self.known[f"{operation}/{key}"] = Key(made, now)

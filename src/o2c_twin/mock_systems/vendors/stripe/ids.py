"""Stripe's ids: a prefix that tells the kind, and letters that tell nothing."""

from base64 import b64encode
from hashlib import blake2b

PREFIXES = {
    "customer": "cus",
    "instrument": "pm",
    "line": "il",
    "item": "ii",
    "invoice": "in",
    "invoice-payment": "inpay",
    "payment": "pi",
    "card-charge": "ch",
    "debit-charge": "py",
    "transfer-charge": "py",
    "card-refund": "re",
    "debit-refund": "pyr",
    "transfer-refund": "pyr",
    "dispute": "du",
    "credit-note": "cn",
    "credit-line": "cnli",
    "entry": "txn",
    "payout": "po",
    "cash-entry": "ccsbtxn",
    "clock": "clock",
    "event": "evt",
    "endpoint": "we",
    "request": "req",
}
_LENGTHS = {"customer": 14, "request": 14}
_OTHERS = b"Qz"
"""Letters in the place of the two signs of base64 that ids do not have."""


class Ids:
    """Ids of one account: the same for the same seed, kind and number."""

    def __init__(self, seed: int) -> None:
        self._key = str(seed).encode()

    def spell(self, kind: str, number: int) -> str:
        """``in_`` and 24 letters; customers and requests have 14."""
        digest = blake2b(f"{kind}/{number}".encode(), digest_size=18, key=self._key).digest()
        letters = b64encode(digest, _OTHERS).decode()
        return f"{PREFIXES[kind]}_{letters[: _LENGTHS.get(kind, 24)]}"

"""GoCardless ids: two letters that tell the kind, and twelve letters and digits. The same in every run of a seed."""

from collections.abc import Callable
from hashlib import blake2b

_PREFIX = {
    "customer": "CU",
    "account": "BA",
    "mandate": "MD",
    "payment": "PM",
    "payout": "PO",
    "refund": "RF",
    "creditor": "CR",
    "event": "EV",
    "webhook": "WB",
}
_REFERENCE_LENGTH = 10


def namer(seed: int) -> Callable[[str, int], str]:
    """Gives ids by kind and number; ``reference`` are ten letters without a prefix, as in payout references."""
    key = str(seed).encode()

    def name(kind: str, number: int) -> str:
        letters = blake2b(f"{kind}/{number}".encode(), digest_size=6, key=key).hexdigest().upper()
        return letters[:_REFERENCE_LENGTH] if kind == "reference" else _PREFIX[kind] + letters

    return name

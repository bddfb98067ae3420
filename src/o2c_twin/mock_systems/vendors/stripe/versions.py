"""API versions, and what an older one still shows.

Sources: the changelog of the API; the field lists of client libraries before and after each change.
"""

import re
from dataclasses import dataclass

_VERSION = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:\.[a-z]+)?")


@dataclass(frozen=True, slots=True)
class Version:
    """One version. ``invoice_payments``: an invoice is linked to its payments by InvoicePayment records, and no
    longer has ``charge``, ``payment_intent`` and ``paid`` (2025-03-31.basil). ``latest_charge``: a payment intent
    no longer lists its charges, nor a charge its refunds unasked (2022-11-15)."""

    name: str
    invoice_payments: bool
    latest_charge: bool


def version(name: str) -> Version:
    """The version of that name. Raises ValueError for none."""
    if not _VERSION.fullmatch(name):
        raise ValueError(f"Invalid Stripe API version: {name[:40]}")
    day = name[:10]
    return Version(name, day >= "2025-03-31", day >= "2022-11-15")

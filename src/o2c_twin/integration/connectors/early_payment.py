"""What payment terms let a customer keep who pays early: from the terms a vendor tells to the fields its maps read."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any

from o2c_twin.integration.connectors.amounts import to_decimal

DISCOUNT, UNTIL = "discount", "discount_until"
"""The fields the connectors make: an amount, and the last day on which it is earned."""
MADE = (DISCOUNT, UNTIL)
NOTHING_EARLY: Mapping[str, Any] = MappingProxyType({DISCOUNT: Decimal(0), UNTIL: None})
"""What they are where terms grant nothing, or nobody asked."""


def early_payment(open_minor: int, currency: str, percent: Any, days: Any, issued_on: str) -> dict[str, Any]:
    """The two fields of an invoice with ``open_minor`` open, issued on an ISO day.

    ``percent`` and ``days`` are those of its terms, None or 0 where they grant nothing. What they grant is a share of
    what is open, half up. Raises ValueError or ArithmeticError for what are no numbers and no day.
    """
    share = Decimal(str(percent or 0))
    if share <= 0 or open_minor <= 0 or days in (None, ""):
        return dict(NOTHING_EARLY)
    minor = int((open_minor * share / 100).quantize(Decimal(1), ROUND_HALF_UP))
    until = date.fromisoformat(issued_on) + timedelta(days=int(Decimal(str(days))))
    return {DISCOUNT: to_decimal(minor, currency), UNTIL: until.isoformat()}

"""Money between canonical minor units and the decimals vendors write."""

from decimal import Decimal
from functools import lru_cache

_MINOR_DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "BHD": 3, "KWD": 3, "JOD": 3, "TND": 3}


# An order's amounts come again in its deliveries, invoices and payments.
@lru_cache(maxsize=1_024)
def to_minor(value: str | int | Decimal, currency: str) -> int:
    """Minor units of a decimal amount, exact. Raises ValueError when it has more digits than the currency."""
    scaled = Decimal(value).scaleb(_MINOR_DIGITS.get(currency, 2))
    minor = int(scaled)
    if minor != scaled:
        raise ValueError(f"{value} {currency} has more decimals than the currency")
    return minor


def to_decimal(minor: int, currency: str) -> Decimal:
    """The decimal amount of minor units."""
    return Decimal(minor).scaleb(-_MINOR_DIGITS.get(currency, 2))

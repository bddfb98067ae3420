"""Money as the reports hold it: integer minor units inside, a decimal amount at the edge."""

from decimal import Decimal

# Currencies whose minor unit is not 1/100 (ISO 4217, list one). All others have two decimals.
_EXPONENTS = {
    "BHD": 3,
    "IQD": 3,
    "JOD": 3,
    "KWD": 3,
    "LYD": 3,
    "OMR": 3,
    "TND": 3,
    "BIF": 0,
    "CLP": 0,
    "DJF": 0,
    "GNF": 0,
    "ISK": 0,
    "JPY": 0,
    "KMF": 0,
    "KRW": 0,
    "PYG": 0,
    "RWF": 0,
    "UGX": 0,
    "VND": 0,
    "VUV": 0,
    "XAF": 0,
    "XOF": 0,
    "XPF": 0,
}


class MixedCurrencies(ValueError):
    """A run record holds money in a currency it has no rate of into that of its manifest."""


def decimal_amount(minor: int, currency: str) -> Decimal:
    """The amount in major units, exact: 123450 minor units of EUR are ``Decimal('1234.50')``."""
    return Decimal(int(minor)).scaleb(-_EXPONENTS.get(currency, 2))

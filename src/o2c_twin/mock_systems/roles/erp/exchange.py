"""Foreign currency in the ERP's books: each document keeps its own, the books say what it was worth that day."""

from decimal import ROUND_HALF_UP, Decimal

_ONE = Decimal(1)


def in_books(minor: int, rate: Decimal | None) -> int:
    """Minor units of the books' currency for an amount at a document's rate; None: it is in the books' currency.

    Both currencies have as many decimals.
    """
    return minor if rate is None else int((minor * rate).quantize(_ONE, ROUND_HALF_UP))


def leaves(before_minor: int, after_minor: int, rate: Decimal | None) -> int:
    """By how much the books' value of an open amount falls when that goes from ``before`` to ``after``.

    Parts taken off one after the other add up to the whole to the cent, however each was rounded.
    """
    return in_books(before_minor, rate) - in_books(after_minor, rate)

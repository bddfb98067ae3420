"""Amounts of several currencies in one: the currency of the books, and the rates into it.

Nothing else adds or compares amounts of two currencies. Rates are those of a day; rounding is half up, once, at the
end, as invoices are rounded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from o2c_twin.integration.mappings.money import Rounder

DayRate = Callable[[str, str, str], Decimal | None]
"""``(ISO date, from, to)`` to the units of ``to`` for one of ``from``; None where that day has none."""

_ROUNDER = Rounder("half-up")


class NoRate(Exception):
    """No rate of a pair on a day; the message names them and the remedy."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The currency of the books and the rates into it; without ``rate`` there are none."""

    books: str
    rate: DayRate | None = None

    def into_books(self, minor: int, currency: str, day: str) -> int:
        """Minor units of the books' currency for an amount of another, at the rate of an ISO date.

        Raises `NoRate`.
        """
        if currency == self.books:
            return minor
        rate = None if self.rate is None else self.rate(day, currency, self.books)
        if rate is None:
            raise NoRate(f"no rate {currency} to {self.books} on {day}; load the rates of that day")
        return _ROUNDER.converted(minor, currency, rate, self.books)

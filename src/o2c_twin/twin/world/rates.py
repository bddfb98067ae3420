"""Exchange rates of a world: one rate a currency and day, drawn from the seed or given with the estate's maps.

How far a rate moves in a day (0.4 %, some 6 % a year) is a modelling assumption. Weekends have the rate of Friday.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from o2c_twin.integration.mappings.money import Rounder
from o2c_twin.integration.mappings.rates import Quotes, RateTable
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.world.settings import PER_EURO, WorldSettings

DRAWN = "market"
"""The name of the rates a world draws for itself."""

_DAILY_MOVE = 0.004
_STEP = Decimal("0.000001")
_HOLDS_DAYS = 4
_ROUNDER = Rounder("half-up")


@dataclass(frozen=True, slots=True)
class Market:
    """What one unit of a foreign currency is worth in the currency of the books, day by day."""

    books: str
    table: RateTable

    def rate(self, currency: str, at_us: int) -> Decimal:
        """Units of the books' currency for one of ``currency`` on the day (UTC) of an instant.

        Raises ValueError naming the table, the pair and the day where there is none.
        """
        if currency == self.books:
            return Decimal(1)
        day = datetime.fromtimestamp(at_us // 1_000_000, UTC).date().isoformat()
        found = self.table.rate(day, currency, self.books)
        if found is None:
            raise ValueError(f"rates {self.table.name}: none of {currency} to {self.books} on {day}; add that day")
        return found

    def into_books(self, minor: int, currency: str, at_us: int) -> int:
        """Minor units of the books' currency for an amount of another one."""
        if currency == self.books:
            return minor
        return _ROUNDER.converted(minor, currency, self.rate(currency, at_us), self.books)

    def out_of_books(self, minor: int, currency: str, at_us: int) -> int:
        """Minor units of another currency for an amount of the books'."""
        if currency == self.books:
            return minor
        return _ROUNDER.converted(minor, self.books, 1 / self.rate(currency, at_us), currency)

    def exchanged(self, minor: int, source: str, target: str, at_us: int) -> int:
        """Minor units of one currency for an amount of another, by way of the books'."""
        if source == target:
            return minor
        return self.out_of_books(self.into_books(minor, source, at_us), target, at_us)


def market(settings: WorldSettings, chance: Chance, given: Mapping[str, RateTable]) -> Market:
    """The rates of a world: those named by ``settings.rates`` among the ``given`` ones, else drawn.

    Raises ValueError where the named ones are not there, or lack a pair or a day of the run.
    """
    days = settings.days + settings.drain_days
    if not settings.rates:
        return Market(settings.currency, _drawn(settings, chance, days))
    table = given.get(settings.rates)
    if table is None:
        there = f"there are: {', '.join(given)}" if given else "name a folder with a file of them under 'maps'"
        raise ValueError(f"world.rates: no rates {settings.rates!r}; {there}")
    for currency in settings.foreign:
        for n in range(days + 1):
            day = (settings.start + timedelta(days=n)).isoformat()
            if table.rate(day, currency, settings.currency) is None:
                pair = f"{currency}/{settings.currency}"
                raise ValueError(f"world.rates: {settings.rates!r} has no {pair} on {day}; add it, or 'holds_days'")
    return Market(settings.currency, table)


def _drawn(settings: WorldSettings, chance: Chance, days: int) -> RateTable:
    pairs = {}
    for currency in settings.foreign:
        level = PER_EURO[settings.currency] / PER_EURO[currency]
        ordinals: list[int] = []
        rates: list[Decimal] = []
        # A week before, for what is priced or entered on a first weekend.
        for n in range(-7, days + 1):
            day = settings.start + timedelta(days=n)
            if day.weekday() < 5:
                level *= Decimal(chance.lognormal(1.0, _DAILY_MOVE, "rate", currency, day.isoformat()))
                ordinals.append(day.toordinal())
                rates.append(level.quantize(_STEP))
        pairs[currency, settings.currency] = Quotes(tuple(ordinals), tuple(rates))
    return RateTable(DRAWN, pairs, _HOLDS_DAYS)

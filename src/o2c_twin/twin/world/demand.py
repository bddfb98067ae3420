"""What customers really order: every deal of the run, drawn before it starts and keyed by its number.

Designs change nothing here: two runs with one seed have the same deals at the same instants.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from o2c_twin.twin.chance import Chance
from o2c_twin.twin.world.calendar import OfficeHours
from o2c_twin.twin.world.population import Customer, Item
from o2c_twin.twin.world.rates import Market
from o2c_twin.twin.world.settings import WorldSettings

SALES_HOURS = OfficeHours(8, 18)


@dataclass(frozen=True, slots=True)
class DealLine:
    """An article, a quantity, and the price agreed per unit in minor units."""

    sku: str
    quantity: int
    price_minor: int


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal as the customer means it: prices are in the customer's currency."""

    deal_id: str
    po_number: str
    customer: Customer
    won_at: int
    lines: tuple[DealLine, ...]

    @property
    def currency(self) -> str:
        """In which it was agreed, and will be paid."""
        return self.customer.currency

    @property
    def amount_minor(self) -> int:
        """Agreed value."""
        return sum(line.quantity * line.price_minor for line in self.lines)


def deals(
    settings: WorldSettings,
    chance: Chance,
    start_us: int,
    buyers: Sequence[Customer],
    goods: Sequence[Item],
    rates: Market,
) -> list[Deal]:
    """Exactly ``settings.orders`` deals within the sales hours of ``settings.days``, by instant.

    The price list of a foreign currency is made once, at the rate of the first day.
    """
    first = SALES_HOURS.worked(start_us)
    span = SALES_HOURS.worked(start_us + settings.days * 86_400_000_000) - first
    if span <= 0:
        raise ValueError(f"world.days: {settings.days} days from {settings.start} hold no working day; make it longer")
    shares = list(accumulate(c.share for c in buyers))
    popularity = list(accumulate(i.popularity for i in goods))
    moments = sorted(
        (SALES_HOURS.instant(first + 1 + int((span - 1) * chance.uniform("deal.moment", n))), n)
        for n in range(1, settings.orders + 1)
    )
    made = []
    lists = {
        currency: {item.sku: rates.out_of_books(item.price_minor, currency, start_us) for item in goods}
        for currency in (settings.currency, *settings.foreign)
    }
    for at, n in moments:
        deal_id = f"D-{n:06d}"
        buyer = buyers[min(bisect_right(shares, chance.uniform("deal.customer", n)), len(buyers) - 1)]
        count = min(1 + int(chance.exponential(1.6, "deal.lines", n)), 6)
        lines: dict[str, DealLine] = {}
        for k in range(count):
            item = goods[min(bisect_right(popularity, chance.uniform("deal.item", n, k)), len(goods) - 1)]
            quantity = 1 + int(chance.exponential(8.0, "deal.quantity", n, k))
            lines.setdefault(item.sku, DealLine(item.sku, quantity, lists[buyer.currency][item.sku]))
        made.append(Deal(deal_id, f"PO-{n:06d}", buyer, at, tuple(lines.values())))
    return made

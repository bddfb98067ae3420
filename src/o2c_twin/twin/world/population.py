"""Who buys what: customers and items drawn once per seed, the same in every design."""

from dataclasses import dataclass, field

from faker import Faker

from o2c_twin.twin.chance import Chance
from o2c_twin.twin.world.payers import payer_class, punctuality
from o2c_twin.twin.world.rates import Market
from o2c_twin.twin.world.settings import WorldSettings

_TERMS = ((0.85, 30), (0.95, 45), (1.0, 60))
MEAN_ORDER_MINOR = 170_000
"""What an order is worth on average with the draws of `demand` and `items` (measured, for sizing limits)."""


@dataclass(frozen=True, slots=True)
class Item:
    """An article with its list price and cost in minor units; ``popularity`` sums to one over all."""

    sku: str
    name: str
    price_minor: int
    cost_minor: int
    popularity: float


@dataclass(frozen=True, slots=True)
class Customer:
    """A real customer; ``share`` is its part of all deals, ``punctuality`` high for a bad payer.

    ``currency`` is the one it orders and pays in, also that of its credit limit.
    """

    customer_id: str
    name: str
    number: str
    city: str
    terms_days: int
    credit_limit_minor: int
    iban: str
    share: float
    punctuality: float
    payment_weekday: int | None
    currency: str
    aliases: tuple[str, ...] = field(default=())
    entity: str | None = None
    """The legal entity that serves it; None where the company is one."""

    @property
    def payer_class(self) -> str:
        """prompt, slow or chronic."""
        return payer_class(self.punctuality)


def items(settings: WorldSettings, chance: Chance) -> tuple[Item, ...]:
    """The price list: lognormal prices, popularity falling with rank."""
    weights = [1.0 / (rank + 3) for rank in range(settings.items)]
    total = sum(weights)
    made = []
    for rank, weight in enumerate(weights):
        sku = f"SKU-{rank + 1:04d}"
        price = round(chance.lognormal(60.0, 0.8, "item.price", sku) * 20) * 5
        made.append(Item(sku, f"Article {rank + 1}", max(price, 100), max(int(price * 0.62), 60), weight / total))
    return tuple(made)


def customers(settings: WorldSettings, chance: Chance, rates: Market, start_us: int) -> tuple[Customer, ...]:
    """The customer base: a few large, many small (lognormal shares), each with its own habits and currency."""
    fake = Faker("en_GB")
    fake.seed_instance(chance.integer(0, 2**31, "population.names"))
    count = settings.customer_count
    weights = [chance.lognormal(1.0, 0.9, "customer.size", i) for i in range(count)]
    total = sum(weights)
    made = []
    currencies = _currencies(settings, chance)
    for i, weight in enumerate(weights):
        customer_id = f"CUST-{i + 1:05d}"
        currency = currencies.get(customer_id, settings.currency)
        u = chance.uniform("customer.terms", customer_id)
        terms = next(days for share, days in _TERMS if u < share)
        owed = settings.orders_per_year * weight / total * MEAN_ORDER_MINOR * (terms + 12) / 365
        limit = owed * settings.credit_factor * chance.lognormal(1.0, 0.25, "customer.limit", customer_id)
        name = fake.company()
        weekly = chance.uniform("customer.run", customer_id) < 0.5
        weekday = chance.integer(0, 4, "customer.weekday", customer_id)
        made.append(
            Customer(
                customer_id,
                name,
                f"K{10_000 + i}",
                fake.city(),
                terms,
                _limit(round(limit), rates, currency, start_us),
                _iban(i + 1),
                weight / total,
                punctuality(chance, customer_id),
                weekday if weekly else None,
                currency,
                (f"{name.upper()} LTD.", f"{name.split()[0].rstrip(',')} Group"),
                _served_by(settings, chance, customer_id),
            )
        )
    return tuple(made)


def tax_code(entity: str) -> str:
    """The tax code under which a legal entity sells."""
    return f"VAT-{entity}"


def _served_by(settings: WorldSettings, chance: Chance, customer_id: str) -> str | None:
    if not settings.entities:
        return None
    u = chance.uniform("customer.entity", customer_id)
    for entity, share in settings.entities.items():
        if u < share:
            return entity
        u -= share
    return settings.home_entity


def _currencies(settings: WorldSettings, chance: Chance) -> dict[str, str]:
    """Who buys in a foreign currency: as many as the shares say, drawn by lot."""
    names = [f"CUST-{i + 1:05d}" for i in range(settings.customer_count)] if settings.foreign else []
    drawn = iter(sorted(names, key=lambda name: chance.uniform("customer.currency", name)))
    found = {}
    for currency, share in settings.foreign.items():
        for _, name in zip(range(max(1, round(share * len(names)))), drawn, strict=False):
            found[name] = currency
    return found


def _limit(owed_minor: int, rates: Market, currency: str, start_us: int) -> int:
    return max(500_000, round(rates.out_of_books(owed_minor, currency, start_us) / 50_000) * 50_000)


def _iban(number: int) -> str:
    # ISO 13616 check digits (mod 97) over a made-up German bank code.
    account = f"50010517{number:010d}"
    check = 98 - int(f"{account}131400") % 97
    return f"DE{check:02d}{account}"

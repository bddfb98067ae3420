"""The exchange rates of a run: one table for the world, the ERP's books and the engine."""

from collections.abc import Mapping

from o2c_twin.integration.connectors.own_maps import OwnMaps
from o2c_twin.integration.exchange import Exchange
from o2c_twin.integration.mappings.rates import RateTable
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.plan import RunPlan
from o2c_twin.twin.world.rates import Market, market


def market_of(plan: RunPlan, chance: Chance) -> Market:
    """The rates of a plan's world. Raises ValueError where it names rates its maps do not have."""
    return market(plan.world, chance, given_rates(plan.maps))


def given_rates(maps: OwnMaps | None) -> Mapping[str, RateTable]:
    """The rates an estate's own maps bring along, by name."""
    return {} if maps is None else maps.load().rates.tables


def exchange_of(rates: Market) -> Exchange:
    """The same rates as the engine knows them."""
    return Exchange(rates.books, rates.table.rate)

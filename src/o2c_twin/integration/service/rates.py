"""The exchange rates of a service: those its own maps bring along, as the release in use has them."""

from decimal import Decimal

from o2c_twin.integration.connectors.own_maps import OwnMaps
from o2c_twin.integration.connectors.registry import ConfigError
from o2c_twin.integration.exchange import Exchange
from o2c_twin.integration.mappings.errors import known, shown
from o2c_twin.integration.mappings.rates import Rates
from o2c_twin.integration.profile import DesignProfile


class RatesInUse:
    """The rates of one source (its name among the maps'), by whatever maps are in use; none without a source."""

    def __init__(self, source: str, maps: OwnMaps | None) -> None:
        self._source = source
        self._rates = Rates()
        self.use(maps)

    def use(self, maps: OwnMaps | None) -> None:
        """Take the rates of these maps from now on."""
        self._rates = Rates() if maps is None or not self._source else maps.load().rates

    def __call__(self, day: str, base: str, target: str) -> Decimal | None:
        """Units of ``target`` for one of ``base`` on an ISO date; None where that day has no rate."""
        return self._rates(self._source, day, base, target)

    def into(self, books: str) -> Exchange:
        """The exchange of an engine whose books are in that currency."""
        return Exchange(books, self if self._source else None)


def check_rates(source: str, maps: OwnMaps | None, profile: DesignProfile) -> None:
    """Raise `ConfigError` for rates that are not there, and for a design that needs some and has none."""
    tables = {} if maps is None else maps.load().rates.tables
    if source and source not in tables:
        there = known(source, tables) if tables else "put a file of them into rates/ of the folder 'maps'"
        raise ConfigError(f"rates: no rates {shown(source)}; {there}")
    if not source and profile.currencies == "converted":
        raise ConfigError("rates: is missing, and profile.currencies is converted; name a source of rates in the maps")

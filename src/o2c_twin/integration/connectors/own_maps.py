"""An estate's own map files: in place of the shipped ones or beside them, checked whole before anything starts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Self, TypeVar

from o2c_twin.integration.connectors.vendor_maps import Place, VendorMaps
from o2c_twin.integration.mappings import MapFiles, MappingError, MapSet, read_folder, shipped_files
from o2c_twin.integration.mappings.errors import known, shown
from o2c_twin.integration.mappings.spec import EACH, MapSpec
from o2c_twin.integration.profile import DesignProfile

_Maps = TypeVar("_Maps", bound=VendorMaps)


def _salesforce() -> type[VendorMaps]:
    from o2c_twin.integration.connectors.salesforce_maps import SalesforceMaps

    return SalesforceMaps


def _hubspot() -> type[VendorMaps]:
    from o2c_twin.integration.connectors.hubspot_maps import HubSpotMaps

    return HubSpotMaps


def _netsuite() -> type[VendorMaps]:
    from o2c_twin.integration.connectors.netsuite_maps import NetSuiteMaps

    return NetSuiteMaps


def _s4hana() -> type[VendorMaps]:
    from o2c_twin.integration.connectors.s4hana_maps import S4HanaMaps

    return S4HanaMaps


def _business_central() -> type[VendorMaps]:
    from o2c_twin.integration.connectors.business_central_maps import BusinessCentralMaps

    return BusinessCentralMaps


def _stripe() -> type[VendorMaps]:
    from o2c_twin.integration.connectors.stripe_maps import StripeMaps

    return StripeMaps


def _gocardless() -> type[VendorMaps]:
    from o2c_twin.integration.connectors.gocardless_maps import GoCardlessMaps

    return GoCardlessMaps


def _legacy_erp() -> type[VendorMaps]:
    from o2c_twin.integration.connectors.legacy_erp_maps import LegacyErpMaps

    return LegacyErpMaps


VENDOR_MAPS: Mapping[str, Callable[[], type[VendorMaps]]] = MappingProxyType(
    {
        "salesforce": _salesforce,
        "hubspot": _hubspot,
        "netsuite": _netsuite,
        "s4hana": _s4hana,
        "business_central": _business_central,
        "stripe": _stripe,
        "gocardless": _gocardless,
        "legacy_erp": _legacy_erp,
    }
)
"""The vendors whose connectors translate by maps, and what loads the places of each."""


@dataclass(frozen=True, eq=False)
class OwnMaps:
    """The files of an estate's folder, and the legal entity it is ("": none; `EACH`: as each deal says)."""

    files: MapFiles
    entity: str = ""

    def load(self) -> MapSet:
        """All maps of the estate. Raises `MappingError` with all that is wrong in them, or with their places."""
        return _loaded(self)

    def checked(self) -> Self:
        """These maps, once they have been loaded. Raises `MappingError`."""
        self.load()
        return self

    def hashes(self) -> dict[str, str]:
        """By name of each map of its own: the hash of what it does."""
        maps = self.load()
        return {name: maps.content_hash(name) for name, spec in maps.specs.items() if spec.file in self.files.maps}

    def of(self, vendor: type[_Maps]) -> _Maps:
        """The maps of one vendor. Raises `MappingError`."""
        return vendor.of(self.load(), self.entity)


def own_maps(folder: Path | None, entity: str = "") -> OwnMaps | None:
    """The own maps of an estate, checked; None where it has neither files nor an entity.

    Raises `MappingError`: each line names file, place and remedy.
    """
    if folder is None and not entity:
        return None
    return OwnMaps(MapFiles({}, {}, {}) if folder is None else files_of(folder), entity).checked()


def maps_of_design(own: OwnMaps | None, design: DesignProfile) -> OwnMaps | None:
    """An estate's maps as the design takes them: by the rules of one entity, or as each deal says.

    Raises `MappingError` where a deal cannot say it.
    """
    if design.entities == "one":
        return own
    if own is None:
        return _EACH
    return own if own.entity == EACH else replace(own, entity=EACH).checked()


def maps_for(own: OwnMaps | None, vendor: type[_Maps]) -> _Maps:
    """The maps of a vendor in an estate: its own, else those that come with the engine."""
    return vendor.shipped() if own is None else own.of(vendor)


def places() -> dict[str, Place]:
    """By name of its map, every place a connector has for one."""
    return {place.map: place for maps in VENDOR_MAPS.values() for place in maps().places.values()}


def misplaced(maps: MapSet, names: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with maps in the places of the connectors, each with file and remedy.

    ``names`` are those of maps that somebody meant to be run, with their files.
    """
    there = places()
    inside = {rule.map for spec in maps.specs.values() for rule in spec.every_rule if rule.map}
    for name, file in names.items():
        if name not in there and name not in inside:
            yield f"{file}:1:1: no connector runs a map {shown(name)}; {known(name, there)}"
    for name, place in there.items():
        if name in maps.specs:
            yield from (f"{maps.specs[name].file}:1:1: {told}" for told in _misfits(maps.specs[name], place, maps))


def _entity_unread(maps: MapSet) -> Iterator[str]:
    """Where nobody says which entity sells: the maps of customers that CRMs are read by."""
    for name, example in (("account-to-party", "O2C_Entity__c"), ("hubspot-company-to-party", "properties.o2c_entity")):
        spec = maps.specs[name]
        if all(rule.to != "entity" for rule in spec.rules_of(EACH)):
            remedy = f"add a rule under 'entities', '{EACH}', such as {{from: {example}, to: entity}}"
            yield f"{spec.file}:1:1: map {name} makes no 'entity', by which each deal is sold; {remedy}"


def _misfits(spec: MapSpec, place: Place, maps: MapSet) -> Iterator[str]:
    for what, given, wanted in (("source", spec.source, place.source), ("target", spec.target, place.target)):
        if given != wanted:
            yield f"{what}: {shown(given)}, where map {spec.name} is run it is '{wanted}'; write that"
    for name, type_ in spec.given.items():
        if place.offered.get(name) != type_:
            told = ", ".join(f"{key} ({each})" for key, each in place.offered.items())
            yield f"given.{name}: map {spec.name} is not given a {type_} of that name; there are: {told}"
    for to, begin in place.alone.items():
        for rule in (each for each in spec.every_rule if each.to == to):
            paths = rule.origin.paths
            one = len(paths) == 1 and paths[0].startswith(begin) and all(step.plain for step in rule.steps)
            if not one:
                wanted = f"one field of {begin[:-1]}" if begin.endswith(".") else begin
                remedy = f"make it of {wanted} alone, without look-ups"
                yield f"{to}: map {spec.name} is asked for it where there is no whole {spec.source}; {remedy}"
    if spec.fx is not None and spec.fx.source not in maps.rates.tables:
        yield f"fx.source: no rates {shown(spec.fx.source)}; {known(spec.fx.source, maps.rates.tables)}"


def files_of(folder: Path) -> MapFiles:
    """The map files in a folder, named by their paths. Raises `MappingError` where there are none."""
    if not folder.is_dir():
        raise MappingError([f"{folder}: is no folder; give one with maps/, codes/, schemas/ or rates/"])
    found = read_folder(folder, f"{folder}/")
    if not (found.maps or found.codes or found.schemas or found.rates):
        raise MappingError([f"{folder}: has no map files; put them into maps/, codes/, schemas/ or rates/ there"])
    return found


_EACH = OwnMaps(MapFiles({}, {}, {}), EACH)


@lru_cache(maxsize=8)
def _loaded(own: OwnMaps) -> MapSet:
    maps = shipped_files().with_files(own.files).load(tried=own.files.maps)
    meant = {spec.name: spec.file for spec in maps.specs.values() if spec.file in own.files.maps}
    problems = list(misplaced(maps, meant))
    if own.entity == EACH:
        problems += _entity_unread(maps)
    elif own.entity and own.entity not in maps.entities:
        problems.append(f"entity: no map has rules for {shown(own.entity)}; {known(own.entity, maps.entities)}")
    if problems:
        raise MappingError(problems)
    return maps

"""The maps of one vendor's connector: which map does what, and what it is given besides the document.

A connector names its places (`VendorMaps.places`) and calls the map in each; the shipped maps fill them, or those of an
estate's own files (`own_maps`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any, ClassVar, Self

from o2c_twin.integration.mappings import CompiledMap, MapSet, shipped_maps_of
from o2c_twin.integration.mappings.rates import Rates
from o2c_twin.integration.mappings.spec import EACH

ALWAYS: Mapping[str, str] = MappingProxyType({"currency": "currency", "rates": "rates"})
"""What every map may be given: the currency of the system's books (or of the org), and the estate's exchange rates."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a map must be to stand here: its name, source and target, and what it may be given besides `ALWAYS`.

    ``alone`` are fields of the target that are made of one field of the source, by how its path begins: lists and
    events tell no more. Such a rule has neither look-ups nor conversions.
    """

    map: str
    source: str
    target: str
    given: Mapping[str, str] = field(default_factory=dict)
    alone: Mapping[str, str] = field(default_factory=dict)

    @property
    def offered(self) -> Mapping[str, str]:
        """All it may be given, by name."""
        return {**ALWAYS, **self.given}


@dataclass(frozen=True)
class VendorMaps:
    """The maps of one vendor, each under the name of its place, in one legal entity.

    ``entity`` is that, "" for none; or `EACH`, where each deal brings its own along: `within` gives the maps to take.
    """

    rates: Rates
    entity: str
    everywhere: MapSet = field(repr=False, compare=False)

    system: ClassVar[str]
    places: ClassVar[Mapping[str, Place]]

    @classmethod
    def of(cls, maps: MapSet, entity: str = "") -> Self:
        """These maps as they are in a legal entity ("": without one)."""
        ready: dict[str, Any] = {name: maps.of_entity(place.map, entity) for name, place in cls.places.items()}
        return cls(rates=maps.rates, entity=entity, everywhere=maps, **ready)

    def within(self, entity: str | None) -> Self:
        """The maps for what a legal entity sells; these, where the estate works by the rules of one for all."""
        if self.entity != EACH or not entity:
            return self
        found = self._variants.get(entity)
        if found is None:
            found = self._variants[entity] = self.of(self.everywhere, f"{EACH}{entity}")
        return found

    @property
    def variants(self) -> tuple[Self, ...]:
        """These maps, and those of every entity that has rules of its own."""
        return (self, *(self.within(each) for each in self.everywhere.entities if self.entity == EACH))

    @cached_property
    def _variants(self) -> dict[str, Self]:
        return {}

    @classmethod
    @cache
    def shipped(cls) -> Self:
        """The maps that come with the engine, read once a process."""
        return cls.of(shipped_maps_of(cls.system))

    def given(self, currency: str) -> dict[str, Any]:
        """What every map is given (`ALWAYS`)."""
        return {"currency": currency, "rates": self.rates}


def kept(change: CompiledMap, read: CompiledMap) -> frozenset[str]:
    """The fields of a party that one map writes and the other reads again."""
    # The currency says what an amount is in; nobody changes it.
    return frozenset(change.paths) & frozenset(read.written) - {"currency"}


def names_written(notes: CompiledMap) -> Mapping[str, str]:
    """Of a map of notes: by which field of the system each note is read back; of several the first."""
    found = {path: notes.targets_of(path) for path in notes.paths}
    return {path: targets[0] for path, targets in found.items() if targets}

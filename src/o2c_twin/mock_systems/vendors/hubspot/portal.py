"""One portal: the core under the vendor's names, its object types and properties, and who holds a key."""

from collections.abc import Iterable
from typing import Any

from o2c_twin.mock_systems.roles.crm import CrmCore, CrmRules
from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.hubspot import errors
from o2c_twin.mock_systems.vendors.hubspot.config import HubSpotConfig
from o2c_twin.mock_systems.vendors.hubspot.ids import Ids
from o2c_twin.mock_systems.vendors.hubspot.records import Shape
from o2c_twin.mock_systems.vendors.hubspot.schema import (
    BY_NAME,
    TYPES,
    Property,
    properties_of,
)
from o2c_twin.mock_systems.wire.ports import World

_LOOKUPS = {
    "account": ("parent_id",),
    "contact": ("email", "account_id"),
    "opportunity": ("account_id",),
    "product": ("code",),
    "line": ("product_id",),
}


class Portal:
    """The core, read through shapes. Raises `BadSetting` for a config that cannot be served."""

    def __init__(self, world: World, config: HubSpotConfig) -> None:
        self.world = world
        self.config = config
        self.born = world.clock.now()
        self.ids = Ids(config.seed)
        known = properties_of(config, self.born)
        unique = {
            each.kind: tuple(p.name for p in known[each.name].values() if p.unique and p.source == "own")
            for each in TYPES
        }
        # A deal needs a name and a stage; whatever else it lacks is filled in or stays empty.
        rules = CrmRules(
            required={"opportunity": ("stage",)}, amount_follows_lines=config.amount_follows_lines, lines_move=True
        )
        self.core = CrmCore(world.clock.now, self.ids.spell, unique, _LOOKUPS, rules)
        self.shapes = {each.name: Shape(self, each, known[each.name]) for each in TYPES}
        self.by_kind = {shape.kind: shape for shape in self.shapes.values()}

    def shape(self, name: str) -> Shape:
        """The shape of an object type, by any of its names. Raises `ApiError`."""
        found = BY_NAME.get(name) or BY_NAME.get(name.lower())
        if found is None:
            raise errors.no_object_type(name)
        return self.shapes[found.name]

    def find(self, shape: Shape, id_: str, id_property: str = "") -> Any | None:
        """The record of an id, or of a unique property's value. Raises `ApiError` for a property that is none."""
        if not id_property or id_property == "hs_object_id":
            return self.core.tables[shape.kind].get(id_)
        found = self.key_property(shape, id_property)
        value = id_.strip().lower() if found.source == "core" else id_
        records = self.core.find(shape.kind, found.attribute or found.name, value)
        return records[0] if records else None

    def key_property(self, shape: Shape, name: str) -> Property:
        """The unique property of that name. Raises `ApiError`."""
        found = shape.properties.get(name)
        if found is None or not found.unique:
            raise errors.not_unique(self.config.portal_id, shape.type.type_id, name)
        return found

    def get(self, shape: Shape, id_: str, id_property: str = "") -> Any:
        """The record. Raises `ApiError` when there is none, or none any more."""
        row = self.find(shape, id_, id_property)
        if row is None:
            raise errors.not_found()
        return row

    def archived(self, shape: Shape, id_: str) -> Any:
        """The archived record of an id. Raises `ApiError` when there is none."""
        row = self.core.bins[shape.kind].get(id_)
        if row is None:
            raise errors.not_found()
        return row

    def rows(self, shape: Shape, archived: bool = False) -> Iterable[Any]:
        """All records of a type, oldest first."""
        return (self.core.bins if archived else self.core.tables)[shape.kind].values()

    # --- properties made through the API ---------------------------------------------------------

    def add_property(self, shape: Shape, made: Property) -> None:
        """Add a property of the company's own. Raises `ApiError` when it is unique and values are not."""
        if made.unique:
            try:
                self.core.add_key(shape.kind, made.name)
            except RuleError as broken:
                raise errors.bad_request(
                    f"Property {made.name} has duplicate values: record {broken.message}"
                ) from None
        shape.add(made)

    def made_properties(self) -> dict[str, list[Property]]:
        """The company's own properties as they are now, for a snapshot."""
        return {name: [p for p in shape.properties.values() if p.custom] for name, shape in self.shapes.items()}

    def restore_properties(self, made: dict[str, list[Property]]) -> None:
        """Go back to the properties of a snapshot."""
        for name, shape in self.shapes.items():
            for own in [p.name for p in shape.properties.values() if p.custom]:
                shape.drop(own)
            for each in made.get(name, []):
                if each.unique:
                    self.core.add_key(shape.kind, each.name)
                shape.add(each)

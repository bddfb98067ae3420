"""Mappings: what each field becomes on its way between systems, as files that are checked, tried and compiled."""

from o2c_twin.integration.mappings.compiling import CompiledMap
from o2c_twin.integration.mappings.errors import MappingError, NotMapped
from o2c_twin.integration.mappings.mapset import (
    MapFiles,
    MapSet,
    load_folder,
    load_maps,
    read_folder,
    shipped_files,
    shipped_maps,
    shipped_maps_of,
)
from o2c_twin.integration.mappings.replay import Difference, Document, replay

__all__ = [
    "CompiledMap",
    "Difference",
    "Document",
    "MapFiles",
    "MapSet",
    "MappingError",
    "NotMapped",
    "load_folder",
    "load_maps",
    "read_folder",
    "replay",
    "shipped_files",
    "shipped_maps",
    "shipped_maps_of",
]

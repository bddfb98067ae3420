"""A generic on-premises ERP of the old kind: files, staging tables or a queue, worked at night, over the ERP's core."""

from o2c_twin.mock_systems.roles.erp import ErpCore
from o2c_twin.mock_systems.vendors.legacy_erp.config import Batch, LegacyErpConfig
from o2c_twin.mock_systems.vendors.legacy_erp.dialect import LegacyErpDialect
from o2c_twin.mock_systems.vendors.legacy_erp.doors import Doors
from o2c_twin.mock_systems.vendors.legacy_erp.media import Media
from o2c_twin.mock_systems.vendors.legacy_erp.memory import MemoryFolder, MemoryQueues
from o2c_twin.mock_systems.vendors.legacy_erp.memory_tables import MemoryTables
from o2c_twin.mock_systems.wire.ports import World

__all__ = ["Batch", "Doors", "LegacyErpConfig", "LegacyErpDialect", "Media", "make"]


def make(world: World, config: LegacyErpConfig | None = None, media: Media | None = None) -> LegacyErpDialect:
    """An empty installation in a world, with media in memory unless ``media`` brings others.

    It works only after `LegacyErpDialect.start` tied it to its server. Raises ValueError when an edge has no medium.
    """
    config = config or LegacyErpConfig()
    media = media or Media(
        MemoryFolder() if "file" in config.edges else None,
        MemoryTables() if "table" in config.edges else None,
        MemoryQueues() if "queue" in config.edges else None,
    )
    return LegacyErpDialect(world, ErpCore(world.clock.now, config.bill_on_delivery), config, media)

"""Oracle NetSuite: SuiteTalk REST web services and SuiteQL over the ERP's core."""

from o2c_twin.mock_systems.roles.erp import ErpCore
from o2c_twin.mock_systems.vendors.netsuite.config import (
    Integration,
    NetSuiteConfig,
    Subscription,
    derive_integration,
)
from o2c_twin.mock_systems.vendors.netsuite.dialect import NetSuiteDialect
from o2c_twin.mock_systems.wire.ports import World

__all__ = ["Integration", "NetSuiteConfig", "NetSuiteDialect", "Subscription", "derive_integration", "make"]


def make(world: World, config: NetSuiteConfig | None = None) -> NetSuiteDialect:
    """An empty account in a world; ``.core`` is what people in the world act on."""
    config = config or NetSuiteConfig()
    return NetSuiteDialect(world, ErpCore(world.clock.now, config.bill_on_delivery), config)

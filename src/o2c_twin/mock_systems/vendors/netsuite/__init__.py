"""Oracle NetSuite: SuiteTalk REST web services and SuiteQL over the ERP's core."""

from o2c_twin.mock_systems.roles.erp import ErpCore
from o2c_twin.mock_systems.vendors.netsuite.config import (
    Integration,
    NetSuiteConfig,
    Subscription,
    Subsidiary,
    derive_integration,
)
from o2c_twin.mock_systems.vendors.netsuite.dialect import NetSuiteDialect
from o2c_twin.mock_systems.vendors.netsuite.subsidiaries import entities_of
from o2c_twin.mock_systems.wire.ports import World

__all__ = [
    "Integration",
    "NetSuiteConfig",
    "NetSuiteDialect",
    "Subscription",
    "Subsidiary",
    "derive_integration",
    "make",
]


def make(world: World, config: NetSuiteConfig | None = None) -> NetSuiteDialect:
    """An empty account in a world; ``.core`` is what people in the world act on."""
    config = config or NetSuiteConfig()
    core = ErpCore(world.clock.now, config.bill_on_delivery, entities=entities_of(config))
    return NetSuiteDialect(world, core, config)

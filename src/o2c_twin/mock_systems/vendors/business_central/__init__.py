"""Microsoft Dynamics 365 Business Central: API v2.0 (OData 4.0) over the ERP's core."""

from o2c_twin.mock_systems.roles.erp import ErpCore
from o2c_twin.mock_systems.vendors.business_central.config import App, BusinessCentralConfig, Oddities, derive_app
from o2c_twin.mock_systems.vendors.business_central.dialect import BusinessCentralDialect
from o2c_twin.mock_systems.wire.ports import World

__all__ = ["App", "BusinessCentralConfig", "BusinessCentralDialect", "Oddities", "derive_app", "make"]


def make(world: World, config: BusinessCentralConfig | None = None) -> BusinessCentralDialect:
    """An empty company in a world; ``.core`` is what people in the world act on."""
    config = config or BusinessCentralConfig()
    return BusinessCentralDialect(world, ErpCore(world.clock.now, config.bill_on_delivery), config)

"""SAP S/4HANA: OData V2 services, the V4 billing action and the journal entry SOAP services over the ERP's core."""

from o2c_twin.mock_systems.roles.erp import Entity, ErpCore, Numbering
from o2c_twin.mock_systems.vendors.s4hana.config import (
    CommunicationUser,
    Front,
    S4HanaConfig,
    Subscription,
    Unit,
    derive_user,
)
from o2c_twin.mock_systems.vendors.s4hana.dialect import S4HanaDialect
from o2c_twin.mock_systems.wire.ports import World

__all__ = ["CommunicationUser", "Front", "S4HanaConfig", "S4HanaDialect", "Subscription", "Unit", "derive_user", "make"]

_RANGES = {
    "customer": 17_100_001,
    "order": 1,
    "delivery": 80_000_001,
    "invoice": 90_000_001,
    "credit_memo": 95_000_001,
    "payment": 1_400_000_001,
    "credit_request": 60_000_001,
}


def make(world: World, config: S4HanaConfig | None = None) -> S4HanaDialect:
    """An empty client in a world; ``.core`` is what people in the world act on."""
    config = config or S4HanaConfig()
    # What a customer reads on an invoice (DocumentReferenceID) is not its number in the system.
    numbering = Numbering(_RANGES, frozenset(("customer", "order", "delivery", "payment")))
    entities = tuple(Entity(each.code, each.tax_code) for each in config.units)
    return S4HanaDialect(world, ErpCore(world.clock.now, config.bill_on_delivery, numbering, entities), config)

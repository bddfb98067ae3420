"""HubSpot: CRM v3 objects, search, batches, associations v4 and webhooks v3 over the CRM's core. See facts.md."""

from o2c_twin.mock_systems.vendors.hubspot.config import (
    BadSetting,
    CustomProperty,
    HubSpotConfig,
    Subscription,
    default_properties,
)
from o2c_twin.mock_systems.vendors.hubspot.dialect import HubSpotDialect
from o2c_twin.mock_systems.wire.ports import World

__all__ = [
    "BadSetting",
    "CustomProperty",
    "HubSpotConfig",
    "HubSpotDialect",
    "Subscription",
    "default_properties",
    "make",
]


def make(world: World, config: HubSpotConfig) -> HubSpotDialect:
    """A portal of a world; ``dialect.core`` is its CRM. Raises `BadSetting` when the config cannot be served."""
    return HubSpotDialect(world, config)

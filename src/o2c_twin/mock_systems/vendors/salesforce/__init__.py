"""Salesforce: REST, SOQL, Composite, Bulk 2.0 and outbound messages over the CRM's core. See facts.md."""

from o2c_twin.mock_systems.vendors.salesforce.config import (
    BadSetting,
    CustomField,
    OutboundMessage,
    SalesforceConfig,
)
from o2c_twin.mock_systems.vendors.salesforce.dialect import SalesforceDialect
from o2c_twin.mock_systems.wire.ports import World

__all__ = ["BadSetting", "CustomField", "OutboundMessage", "SalesforceConfig", "SalesforceDialect", "make"]


def make(world: World, config: SalesforceConfig) -> SalesforceDialect:
    """An org of a world; ``dialect.core`` is its CRM. Raises `BadSetting` when the config cannot be served."""
    return SalesforceDialect(world, config)

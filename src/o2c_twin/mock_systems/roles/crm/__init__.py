"""The CRM's core: accounts, contacts, products with prices, opportunities that are won or lost."""

from o2c_twin.mock_systems.roles.crm.core import CrmCore
from o2c_twin.mock_systems.roles.crm.records import Account, Contact, Opportunity, OpportunityLine, Product
from o2c_twin.mock_systems.roles.crm.rules import CrmRules

__all__ = ["Account", "Contact", "CrmCore", "CrmRules", "Opportunity", "OpportunityLine", "Product"]

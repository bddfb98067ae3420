"""What a design that hears of the ERP's customers needs of the connectors, and is refused without."""

from typing import cast

from o2c_twin.integration.connectors.ports import Crm, Erp, TakesCustomers, TellsCustomers
from o2c_twin.integration.profile import DesignProfile

_NEEDED = ("customer", "customer_changes", "change_customer")


def refuse_deaf(profile: DesignProfile, crm: Crm, erp: Erp) -> None:
    """Raises ValueError, with the remedy, where a connector lacks what the design's masters need."""
    for system, needed in ((erp, _NEEDED), (crm, ("change_party",))):
        lacking = next((method for method in needed if not hasattr(system, method)), None)
        if lacking is not None:
            told = f"the connector of {system.system} has no {lacking}"
            raise ValueError(f"{profile.told_back} cannot be had, for {told}; choose 'crm'")


def telling(erp: Erp) -> TellsCustomers:
    """The ERP as one that can be asked for its customers; only where `refuse_deaf` let the design pass."""
    return cast(TellsCustomers, erp)


def taking(crm: Crm) -> TakesCustomers:
    """The CRM as one that can be told of them; only where `refuse_deaf` let the design pass."""
    return cast(TakesCustomers, crm)

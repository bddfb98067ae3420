"""Which systems can be swept: the listing of each vendor, made from its connector."""

from collections.abc import Callable
from typing import Any

from o2c_twin.integration.connectors.bank_listing import BankListing
from o2c_twin.integration.connectors.business_central_listing import BusinessCentralListing
from o2c_twin.integration.connectors.business_central_postings import BusinessCentralPostings
from o2c_twin.integration.connectors.gocardless_listing import GoCardlessListing
from o2c_twin.integration.connectors.hubspot_listing import HubSpotListing
from o2c_twin.integration.connectors.netsuite_listing import NetSuiteListing
from o2c_twin.integration.connectors.netsuite_postings import NetSuitePostings
from o2c_twin.integration.connectors.ports import Bank
from o2c_twin.integration.connectors.s4hana_listing import S4HanaListing
from o2c_twin.integration.connectors.s4hana_postings import S4HanaPostings
from o2c_twin.integration.connectors.salesforce_listing import SalesforceListing
from o2c_twin.integration.connectors.stripe_listing import StripeListing
from o2c_twin.integration.ports import Clock
from o2c_twin.integration.reconcile.money_ports import IncomingListing, MoneyListings, PostingListing
from o2c_twin.integration.reconcile.ports import Listing, Listings

LISTED: dict[str, dict[str, Callable[[Any, Clock], Listing]]] = {
    "crm": {"salesforce": SalesforceListing, "hubspot": lambda crm, _: HubSpotListing(crm)},
    "erp": {
        "netsuite": lambda erp, _: NetSuiteListing(erp),
        "s4hana": lambda erp, _: S4HanaListing(erp),
        "business_central": lambda erp, _: BusinessCentralListing(erp),
    },
}
"""By role and vendor."""


def listings_of(crm_vendor: str, crm: Any, erp_vendor: str, erp: Any, clock: Clock) -> Listings:
    """The listings over these connectors. Raises KeyError for a vendor that is not in `LISTED`."""
    return Listings(LISTED["crm"][crm_vendor](crm, clock), LISTED["erp"][erp_vendor](erp, clock))


PROVIDERS: dict[str, Callable[[Any], IncomingListing]] = {"stripe": StripeListing, "gocardless": GoCardlessListing}
LEDGERS: dict[str, Callable[[Any], PostingListing]] = {
    "netsuite": NetSuitePostings,
    "s4hana": S4HanaPostings,
    "business_central": BusinessCentralPostings,
}
"""Whose money can be swept, by vendor; any bank's can."""


def money_of(bank: Bank, erp_vendor: str, erp: Any, provider_vendor: str = "", provider: Any = None) -> MoneyListings:
    """The money listings over these connectors. Raises KeyError for a vendor that has none."""
    listed = PROVIDERS[provider_vendor](provider) if provider_vendor else None
    return MoneyListings(BankListing(bank), LEDGERS[erp_vendor](erp), listed)

"""Which systems can be swept: the listing of each vendor, made from its connector.

A vendor's code is loaded when a listing of his is made, as that of his connector is.
"""

from collections.abc import Callable
from typing import Any

from o2c_twin.integration.connectors.ports import Bank
from o2c_twin.integration.ports import Clock
from o2c_twin.integration.reconcile.money_ports import IncomingListing, MoneyListings, PostingListing
from o2c_twin.integration.reconcile.ports import Listing, Listings


def _salesforce(crm: Any, clock: Clock) -> Listing:
    from o2c_twin.integration.connectors.salesforce_listing import SalesforceListing

    return SalesforceListing(crm, clock)


def _hubspot(crm: Any, _: Clock) -> Listing:
    from o2c_twin.integration.connectors.hubspot_listing import HubSpotListing

    return HubSpotListing(crm)


def _netsuite(erp: Any, _: Clock) -> Listing:
    from o2c_twin.integration.connectors.netsuite_listing import NetSuiteListing

    return NetSuiteListing(erp)


def _s4hana(erp: Any, _: Clock) -> Listing:
    from o2c_twin.integration.connectors.s4hana_listing import S4HanaListing

    return S4HanaListing(erp)


def _business_central(erp: Any, _: Clock) -> Listing:
    from o2c_twin.integration.connectors.business_central_listing import BusinessCentralListing

    return BusinessCentralListing(erp)


LISTED: dict[str, dict[str, Callable[[Any, Clock], Listing]]] = {
    "crm": {"salesforce": _salesforce, "hubspot": _hubspot},
    "erp": {"netsuite": _netsuite, "s4hana": _s4hana, "business_central": _business_central},
}
"""By role and vendor."""


def listings_of(crm_vendor: str, crm: Any, erp_vendor: str, erp: Any, clock: Clock) -> Listings:
    """The listings over these connectors. Raises KeyError for a vendor that is not in `LISTED`."""
    return Listings(LISTED["crm"][crm_vendor](crm, clock), LISTED["erp"][erp_vendor](erp, clock))


def _stripe(provider: Any) -> IncomingListing:
    from o2c_twin.integration.connectors.stripe_listing import StripeListing

    return StripeListing(provider)


def _gocardless(provider: Any) -> IncomingListing:
    from o2c_twin.integration.connectors.gocardless_listing import GoCardlessListing

    return GoCardlessListing(provider)


def _netsuite_postings(erp: Any) -> PostingListing:
    from o2c_twin.integration.connectors.netsuite_postings import NetSuitePostings

    return NetSuitePostings(erp)


def _s4hana_postings(erp: Any) -> PostingListing:
    from o2c_twin.integration.connectors.s4hana_postings import S4HanaPostings

    return S4HanaPostings(erp)


def _business_central_postings(erp: Any) -> PostingListing:
    from o2c_twin.integration.connectors.business_central_postings import BusinessCentralPostings

    return BusinessCentralPostings(erp)


PROVIDERS: dict[str, Callable[[Any], IncomingListing]] = {"stripe": _stripe, "gocardless": _gocardless}
LEDGERS: dict[str, Callable[[Any], PostingListing]] = {
    "netsuite": _netsuite_postings,
    "s4hana": _s4hana_postings,
    "business_central": _business_central_postings,
}
"""Whose money can be swept, by vendor; any bank's can."""


def money_of(bank: Bank, erp_vendor: str, erp: Any, provider_vendor: str = "", provider: Any = None) -> MoneyListings:
    """The money listings over these connectors. Raises KeyError for a vendor that has none."""
    from o2c_twin.integration.connectors.bank_listing import BankListing

    listed = PROVIDERS[provider_vendor](provider) if provider_vendor else None
    return MoneyListings(BankListing(bank), LEDGERS[erp_vendor](erp), listed)

"""Connectors by vendor, made from an address and credentials: for an engine that is configured by a file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from o2c_twin.integration.connectors.bank_feed import BankFeed
from o2c_twin.integration.connectors.bank_files import BankFiles
from o2c_twin.integration.connectors.business_central import BusinessCentralErp
from o2c_twin.integration.connectors.business_central_client import BusinessCentralClient
from o2c_twin.integration.connectors.hubspot import HubSpotCrm
from o2c_twin.integration.connectors.hubspot_login import PrivateApp
from o2c_twin.integration.connectors.netsuite import NetSuiteErp
from o2c_twin.integration.connectors.oauth1 import TokenSigner
from o2c_twin.integration.connectors.s4hana import Organisation, S4HanaErp
from o2c_twin.integration.connectors.salesforce import SalesforceCrm
from o2c_twin.integration.connectors.stripe import StripePayments
from o2c_twin.integration.ports import Clock, HttpPort


class ConfigError(ValueError):
    """A connector cannot be made from what was given; the message names the place and the remedy."""


@dataclass(frozen=True, slots=True)
class Site:
    """One system to connect to: its name in the estate, its address, and what logs in to it."""

    name: str
    url: str
    http: HttpPort
    clock: Clock
    currency: str
    credentials: Mapping[str, str]

    def credential(self, name: str) -> str:
        """One credential. Raises `ConfigError` when it is not given."""
        value = self.credentials.get(name)
        if not value:
            raise ConfigError(f"systems.{self.name}.credentials.{name}: is missing; give it, as env:VARIABLE")
        return value


def _salesforce(site: Site) -> SalesforceCrm:
    return SalesforceCrm(
        site.name,
        site.url,
        site.http,
        site.credential("client_id"),
        site.credential("client_secret"),
        site.currency,
    )


def _hubspot(site: Site) -> HubSpotCrm:
    app, secret = PrivateApp(site.credential("access_token")), site.credential("client_secret")
    # A push is signed over the address it is sent to.
    return HubSpotCrm(
        site.name, site.url, site.http, site.clock, app, secret, lambda: site.credential("webhook_url"), site.currency
    )


def _netsuite(site: Site) -> NetSuiteErp:
    names = ("account", "consumer_key", "consumer_secret", "token_id", "token_secret")
    signer = TokenSigner(*(site.credential(name) for name in names))
    return NetSuiteErp(site.name, site.url, site.http, site.clock, signer, site.currency)


def _s4hana(site: Site) -> S4HanaErp:
    places = ("company_code", "sales_organization", "distribution_channel", "division", "credit_segment")
    at = Organisation(*(site.credential(name) for name in places))
    user, password, broker = (site.credential(name) for name in ("user", "password", "push_authorization"))
    return S4HanaErp(site.name, site.url, site.http, site.clock, user, password, site.currency, at, broker)


def _business_central(site: Site) -> BusinessCentralErp:
    names = ("tenant", "environment", "company_id", "client_id", "client_secret")
    client = BusinessCentralClient(site.name, site.url, site.http, *(site.credential(name) for name in names))
    return BusinessCentralErp(client, site.currency, site.credential("client_state"))


def _bank_iso20022(site: Site) -> BankFeed:
    names = ("client_id", "client_secret", "account_id", "webhook_secret")
    return BankFeed(site.name, site.url, site.http, *(site.credential(name) for name in names))


def _stripe(site: Site) -> StripePayments:
    key, secret = site.credential("secret_key"), site.credential("webhook_secret")
    return StripePayments(site.name, site.url, site.http, site.clock, key, secret)


def _bank_files(site: Site) -> BankFiles:
    names = ("login", "password", "account", "webhook_secret")
    return BankFiles(site.name, site.url, site.http, *(site.credential(name) for name in names))


CONNECTORS: dict[str, dict[str, Callable[[Site], Any]]] = {
    "crm": {"salesforce": _salesforce, "hubspot": _hubspot},
    "erp": {"netsuite": _netsuite, "s4hana": _s4hana, "business_central": _business_central},
    "bank": {"bank_iso20022": _bank_iso20022, "bank_files": _bank_files},
    "payments": {"stripe": _stripe},
}
"""By role and vendor."""

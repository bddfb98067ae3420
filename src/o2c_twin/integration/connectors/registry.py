"""Connectors by vendor, made from an address and credentials: for an engine that is configured by a file.

A vendor's code is loaded when a connector of his is made: an engine that was killed is back at work sooner without the
vendors it does not speak to.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from o2c_twin.integration.connectors.own_maps import OwnMaps, maps_for
from o2c_twin.integration.connectors.ports import Bank, Crm, Erp, Payments
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
    options: Mapping[str, str] = field(default_factory=dict)
    sleep: Callable[[float], Awaitable[None]] | None = None
    at_end: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """What is to be done when the engine ends: connections that are kept open are closed."""
    maps: OwnMaps | None = None
    """The estate's own field maps; None for those that come with the engine."""

    def credential(self, name: str) -> str:
        """One credential. Raises `ConfigError` when it is not given."""
        value = self.credentials.get(name)
        if not value:
            raise ConfigError(f"systems.{self.name}.credentials.{name}: is missing; give it, as env:VARIABLE")
        return value

    def option(self, name: str, remedy: str) -> str:
        """One option. Raises `ConfigError` with the remedy when it is not given."""
        value = self.options.get(name)
        if not value:
            raise ConfigError(f"systems.{self.name}.options.{name}: is missing; {remedy}")
        return value

    def others(self, name: str) -> tuple[str, ...]:
        """What an option lists, with commas between: further currencies, or accounts. Empty when it is not given."""
        return tuple(each for part in self.options.get(name, "").split(",") if (each := part.strip()))


def _salesforce(site: Site) -> Crm:
    from o2c_twin.integration.connectors.salesforce import SalesforceCrm
    from o2c_twin.integration.connectors.salesforce_maps import SalesforceMaps

    return SalesforceCrm(
        site.name,
        site.url,
        site.http,
        site.credential("client_id"),
        site.credential("client_secret"),
        site.currency,
        maps_for(site.maps, SalesforceMaps),
        bool(site.others("currencies")),
    )


def _hubspot(site: Site) -> Crm:
    from o2c_twin.integration.connectors.hubspot import HubSpotCrm
    from o2c_twin.integration.connectors.hubspot_login import PrivateApp
    from o2c_twin.integration.connectors.hubspot_maps import HubSpotMaps

    app, secret = PrivateApp(site.credential("access_token")), site.credential("client_secret")
    # A push is signed over the address it is sent to.
    return HubSpotCrm(
        site.name,
        site.url,
        site.http,
        site.clock,
        app,
        secret,
        lambda: site.credential("webhook_url"),
        site.currency,
        maps=maps_for(site.maps, HubSpotMaps),
    )


def _netsuite(site: Site) -> Erp:
    from o2c_twin.integration.connectors.netsuite import NetSuiteErp
    from o2c_twin.integration.connectors.netsuite_maps import NetSuiteMaps
    from o2c_twin.integration.connectors.oauth1 import TokenSigner

    names = ("account", "consumer_key", "consumer_secret", "token_id", "token_secret")
    signer = TokenSigner(*(site.credential(name) for name in names))
    maps = maps_for(site.maps, NetSuiteMaps)
    codes = {name: site.options[name] for name in ("write_offs", "discounts") if site.options.get(name)}
    foreign = site.others("currencies")
    return NetSuiteErp(
        site.name, site.url, site.http, site.clock, signer, site.currency, maps, foreign=foreign, **codes
    )


def _s4hana(site: Site) -> Erp:
    from o2c_twin.integration.connectors.s4hana import Organisation, S4HanaErp
    from o2c_twin.integration.connectors.s4hana_maps import S4HanaMaps

    places = ("company_code", "sales_organization", "distribution_channel", "division", "credit_segment")
    codes = {name: site.options[name] for name in OPTIONS["s4hana"] if site.options.get(name)}
    at = Organisation(*(site.credential(name) for name in places), **codes)
    user, password, broker = (site.credential(name) for name in ("user", "password", "push_authorization"))
    maps = maps_for(site.maps, S4HanaMaps)
    return S4HanaErp(site.name, site.url, site.http, site.clock, user, password, site.currency, at, broker, maps)


def _business_central(site: Site) -> Erp:
    from o2c_twin.integration.connectors.business_central import BusinessCentralErp
    from o2c_twin.integration.connectors.business_central_client import BusinessCentralClient
    from o2c_twin.integration.connectors.business_central_maps import BusinessCentralMaps

    names = ("tenant", "environment", "company_id", "client_id", "client_secret")
    client = BusinessCentralClient(site.name, site.url, site.http, *(site.credential(name) for name in names))
    maps = maps_for(site.maps, BusinessCentralMaps)
    codes = {name: site.options[name] for name in OPTIONS["business_central"] if site.options.get(name)}
    return BusinessCentralErp(client, site.currency, site.credential("client_state"), **codes, maps=maps)


def _bank_iso20022(site: Site) -> Bank:
    from o2c_twin.integration.connectors.bank_feed import BankFeed

    names = ("client_id", "client_secret", "account_id", "webhook_secret")
    id_, secret, account, webhook_secret = (site.credential(name) for name in names)
    others = site.others("other_accounts")
    return BankFeed(site.name, site.url, site.http, id_, secret, account, webhook_secret, others)


def _stripe(site: Site) -> Payments:
    from o2c_twin.integration.connectors.stripe import StripePayments
    from o2c_twin.integration.connectors.stripe_maps import StripeMaps

    key, secret = site.credential("secret_key"), site.credential("webhook_secret")
    return StripePayments(
        site.name,
        site.url,
        site.http,
        site.clock,
        key,
        secret,
        currency=site.currency,
        maps=maps_for(site.maps, StripeMaps),
    )


def _gocardless(site: Site) -> Payments:
    from o2c_twin.integration.connectors.bank_details import BankDetailsFile
    from o2c_twin.integration.connectors.gocardless import GoCardlessPayments
    from o2c_twin.integration.connectors.gocardless_maps import GoCardlessMaps

    token, secret = site.credential("access_token"), site.credential("webhook_secret")
    path = site.option("bank_details", "name the CSV file in which customers' bank details are")
    try:
        details = BankDetailsFile(Path(path), site.name)
    except ValueError as bad:
        raise ConfigError(f"systems.{site.name}.options.bank_details: {bad}") from bad
    maps = maps_for(site.maps, GoCardlessMaps)
    return GoCardlessPayments(site.name, site.url, site.http, site.clock, token, secret, details, site.currency, maps)


def _legacy_erp(site: Site) -> Erp:
    from o2c_twin.integration.connectors.live_legacy_erp import legacy_erp

    return legacy_erp(site)


def _bank_files(site: Site) -> Bank:
    from o2c_twin.integration.connectors.bank_files import BankFiles

    names = ("login", "password", "account", "webhook_secret")
    return BankFiles(site.name, site.url, site.http, *(site.credential(name) for name in names))


CONNECTORS: dict[str, dict[str, Callable[[Site], Any]]] = {
    "crm": {"salesforce": _salesforce, "hubspot": _hubspot},
    "erp": {"netsuite": _netsuite, "s4hana": _s4hana, "business_central": _business_central, "legacy_erp": _legacy_erp},
    "bank": {"bank_iso20022": _bank_iso20022, "bank_files": _bank_files},
    "payments": {"stripe": _stripe, "gocardless": _gocardless},
}
"""By role and vendor."""

SCHEMES: dict[str, tuple[str, ...]] = {
    "legacy_erp": (
        "file:///", "sftp://", "sqlite:///", "postgresql+pg8000://", "mysql+pymysql://", "amqp://", "amqps://"
    ),
}  # fmt: skip
"""How the address of a vendor's system begins, where it is none of http:// and https://."""

OPTIONS: dict[str, tuple[str, ...]] = {
    "salesforce": ("currencies",),
    "netsuite": ("currencies", "write_offs", "discounts"),
    "bank_iso20022": ("other_accounts",),
    "business_central": ("write_offs", "credit_account", "discounts"),
    "s4hana": ("bank_account", "write_off_account", "rejection_reason", "credit_request_type", "discount_account"),
    "gocardless": ("bank_details",),
    "legacy_erp": (
        "spelling", "encoding", "markers", "utc_offset_minutes", "patience_s", "sender", "queue_prefix", "key_file",
        "known_hosts",
    ),
}  # fmt: skip
"""What a vendor's connector may be told beside its login."""

_BY_HAND = "do it there by hand"
LACKING: dict[str, dict[str, str]] = {
    "business_central": {
        "release_order": f"Business Central's API v2.0 has no action that approves or releases an order; {_BY_HAND}",
    },
    "legacy_erp": {
        "release_order": f"this ERP takes no release of an order by file, table or message; {_BY_HAND}",
        "write_off": f"this ERP takes no write-off by file, table or message; {_BY_HAND}",
    },
}
"""What a vendor's connector cannot do for people, and why: vendor to method to reason and remedy."""

DEAF: dict[str, str] = {
    "legacy_erp": "this ERP tells nothing of its customers by file, table or message; choose 'crm'",
}
"""Vendors that do not tell of changed customers (`ports.TellsCustomers`), and why: with remedy."""
KEEPS_ENTITIES = frozenset({"netsuite", "s4hana"})
"""ERPs whose connectors enter each deal for the legal entity it says (design axis ``entities``, value by-customer)."""


CHARGES_BETWEEN = frozenset({"netsuite"})
"""And those that post what entities charge each other (value intercompany)."""


def why_not_entities(vendor: str, choice: str) -> str:
    """Why an ERP's connector cannot do what the axis ``entities`` chooses; "" where it can."""
    able = {"by-customer": KEEPS_ENTITIES, "intercompany": CHARGES_BETWEEN}.get(choice)
    if able is None or vendor in able:
        return ""
    lacks = "knows one legal entity" if vendor not in KEEPS_ENTITIES else "charges nothing between entities"
    there = ", ".join(sorted(able))
    return f"{choice}: this engine's connector to {vendor} {lacks}; take another value, or an ERP of: {there}"


TAKES_MAPS = frozenset({"gocardless", "legacy_erp"})
"""Vendors whose connectors are given other maps as they stand (``use``): what they have open or know stays theirs."""

UNREHEARSED = frozenset({"legacy_erp"})
"""Vendors whose records are taken when they are read: an engine cannot only look there."""

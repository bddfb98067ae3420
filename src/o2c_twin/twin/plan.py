"""What a run is made of: one record, and the same record gives the same run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from o2c_twin.integration.connectors.own_maps import OwnMaps
from o2c_twin.integration.connectors.registry import DEAF, KEEPS_ENTITIES, why_not_entities
from o2c_twin.integration.group import Group
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.engine import Rhythm
from o2c_twin.mock_systems.wire.faults import AnyFault
from o2c_twin.twin.world.settings import WorldSettings

ROLES = ("crm", "erp", "bank", "payments")
VENDORS: dict[str, tuple[str, ...]] = {
    "crm": ("salesforce", "hubspot"),
    "erp": ("netsuite", "s4hana", "business_central", "legacy_erp"),
    "bank": ("bank_iso20022", "bank_files"),
    "payments": ("stripe", "gocardless"),
}
"""The vendors that can stand in each role."""
ONE_CURRENCY: dict[str, str] = {
    "hubspot": "a HubSpot company has no currency, so its credit limit would be in another than its deals",
    "s4hana": "this S/4HANA has company code, credit segment and journal in one currency",
    "business_central": "Business Central's API v2.0 posts customer payments in the local currency only",
    "legacy_erp": "this ERP's layouts have the currency of its books only",
    "bank_files": "this bank has one account, in the currency of the books",
    "stripe": "this provider collects, and pays out, in the currency of the books",
    "gocardless": "this provider collects, and pays out, in the currency of the books",
}
"""Vendors that cannot stand where customers buy in other currencies (`WorldSettings.foreign`), and why."""


@dataclass(frozen=True, slots=True)
class SystemPlan:
    """One system of the estate: its vendor, its plan or tier, its usual latency, what goes wrong with it."""

    vendor: str
    plan: str | None = None
    """The vendor's edition or tier that sets its limits; None for the dialect's default."""
    licences: int = 0
    latency_s: float = 0.25
    latency_sigma: float = 0.4
    faults: tuple[AnyFault, ...] = ()


def _default_systems() -> dict[str, SystemPlan]:
    return {
        "crm": SystemPlan("salesforce", latency_s=0.20),
        "erp": SystemPlan("netsuite", latency_s=0.45),
        "bank": SystemPlan("bank_iso20022", latency_s=0.15),
    }


@dataclass(frozen=True, slots=True)
class RunPlan:
    """One run: a story, a design, a world, an estate, a seed.

    Raises ValueError, with place and remedy, for a design its systems cannot have.
    """

    name: str
    title: str
    story: str
    seed: int = 7
    design: DesignProfile = field(default_factory=DesignProfile)
    world: WorldSettings = field(default_factory=WorldSettings)
    systems: dict[str, SystemPlan] = field(default_factory=_default_systems)
    rhythm: Rhythm = field(default_factory=Rhythm)
    transport: str = "direct"
    """``direct`` calls the mocks as functions, ``asgi`` as ASGI applications: same trace."""
    maps: OwnMaps | None = None
    """The estate's own field maps and its legal entity; None for the maps that come with the engine."""

    @property
    def several_entities(self) -> bool:
        """Whether the company has several legal entities, or its design expects that."""
        return bool(self.world.entities) or self.design.entities != "one"

    @property
    def unplayable(self) -> str:
        """Why there is no such estate, and what to change; "" where there is."""
        unable = one_currency_only(self.world, self.systems)
        if unable is not None:
            return f"systems.{unable[0]}: {unable[1]}"
        if self.design.hears_customers:
            for role, system in self.systems.items():
                if system.vendor in DEAF:
                    return f"{self.design.told_back} cannot be had of systems.{role}: {DEAF[system.vendor]}"
        vendor = self.systems["erp"].vendor
        if self.world.entities and vendor not in KEEPS_ENTITIES:
            there = ", ".join(sorted(KEEPS_ENTITIES))
            return f"world.entities: {vendor} keeps one legal entity here; take an ERP of: {there}"
        if vendor == "s4hana" and (odd := [code for code in self.world.legal_entities if len(code) != 4]):
            return f"world.entities: {odd[0]} is no company code of S/4HANA, which has four characters; rename it"
        if self.design.entities == "intercompany" and not self.world.transfer_price:
            return "design.entities: intercompany needs a transfer price; set world.transfer_price, such as 0.7"
        why = why_not_entities(vendor, self.design.entities)
        return f"design.entities: {why}" if why else ""

    @property
    def group(self) -> Group | None:
        """Who ships for whom, as the engine is told of it."""
        if self.design.entities != "intercompany":
            return None
        return Group(self.world.home_entity, self.world.transfer_price)


def one_currency_only(world: WorldSettings, systems: Mapping[str, SystemPlan]) -> tuple[str, str] | None:
    """Of an estate that cannot serve a world's foreign customers: the role that cannot, why, and the remedy."""
    for role, system in systems.items() if world.foreign else ():
        why = ONE_CURRENCY.get(system.vendor)
        if why is not None:
            able = [vendor for vendor in VENDORS[role] if vendor not in ONE_CURRENCY]
            remedy = f"choose {' or '.join(able)}" if able else "remove it"
            return role, f"{why}; {remedy}, or leave out world.foreign"
    return None

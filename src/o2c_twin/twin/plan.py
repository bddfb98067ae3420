"""What a run is made of: one record, and the same record gives the same run."""

from dataclasses import dataclass, field

from o2c_twin.integration.connectors.own_maps import OwnMaps
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

    def __post_init__(self) -> None:
        if self.design.hears_customers:
            # Connectors are imported where they are needed: a list of scenarios needs none.
            from o2c_twin.integration.connectors.registry import DEAF

            for role, system in self.systems.items():
                if system.vendor in DEAF:
                    raise ValueError(f"{self.design.told_back} cannot be had of systems.{role}: {DEAF[system.vendor]}")

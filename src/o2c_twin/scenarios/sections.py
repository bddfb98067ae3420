"""The keys of a scenario file: section by section, each key with its type and bounds."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from types import MappingProxyType
from typing import Annotated, Any, get_type_hints

from msgspec import Meta

from o2c_twin.integration.presets import KEY as PRESET
from o2c_twin.integration.profile import AXES
from o2c_twin.scenarios.scenario import DAYS, DRAIN_DAYS, ORDERS, SEED
from o2c_twin.scenarios.values import CURRENCY
from o2c_twin.twin.world.settings import PER_EURO, WorldSettings

_Seconds = Annotated[float, Meta(ge=0.0)]
_Period = Annotated[float, Meta(gt=0.0)]

TOP: Mapping[str, Any] = MappingProxyType({"seed": SEED, "orders": ORDERS, "days": DAYS, "drain_days": DRAIN_DAYS})
"""Numbers at the top of the file; but for the seed they are the world's, and stand here because all change them."""

TEXTS = ("name", "title", "story", "extends", "maps", "entity")
SECTIONS = ("design", "naive", "world", "systems", "rhythm", "expect")

TABLES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"foreign": dict.fromkeys(PER_EURO, Annotated[float, Meta(gt=0.0, le=1.0)])}
)
"""Keys of the world that hold ``name: value`` lines themselves: the names there are, each with its type."""

_HINTS = get_type_hints(WorldSettings)

WORLD: Mapping[str, Any] = MappingProxyType(
    {
        **{f.name: _HINTS[f.name] for f in fields(WorldSettings) if f.name not in TOP and f.name not in TABLES},
        "start": date,
        "currency": Annotated[str, Meta(pattern=CURRENCY)],
    }
)
"""Bounds of figures are those of `WorldSettings` itself."""

SYSTEM: Mapping[str, Any] = MappingProxyType(
    {
        "vendor": str,
        "plan": str | None,
        "licences": Annotated[int, Meta(ge=0)],
        "latency_s": _Seconds,
        "latency_sigma": Annotated[float, Meta(ge=0.0, le=5.0)],
    }
)

RHYTHM: Mapping[str, Any] = MappingProxyType(
    {
        "poll_s": _Period,
        "sweep_s": _Period,
        "nightly_hour_utc": Annotated[int, Meta(ge=0, le=23)],
        "in_flight": Annotated[int, Meta(ge=1)],
    }
)

PLANS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "salesforce": ("developer", "enterprise", "unlimited", "sandbox"),
        "hubspot": ("free", "starter", "professional", "enterprise"),
        "netsuite": ("standard", "premium", "enterprise", "ultimate"),
        "business_central": ("online", "production-2023", "sandbox-2023", "on-premises"),
        "s4hana": ("direct", "gateway"),
        "legacy_erp": ("file", "table", "queue"),
        "bank_files": ("mt940", "bai2", "ofx1", "ofx2"),
        "stripe": ("page", "debit"),
    }
)
"""The plans of each vendor that has several, as its dialect knows them (a test holds the two together)."""


def belongs(here: str) -> dict[str, str]:
    """For each key that a file may hold outside ``here``: where to put it."""
    homes = {"design": (PRESET, *AXES), "world": (*WORLD, *TABLES), "rhythm": RHYTHM}
    found = {key: f"put it under '{home}'" for home, keys in homes.items() if home != here for key in keys}
    if here != "top":
        found |= dict.fromkeys((*TEXTS, *TOP, *SECTIONS), "put it at the top of the file")
    return found

"""The service's configuration: what its one YAML file may say, and what follows from it."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from o2c_twin.integration.connectors.listings import LISTED, PROVIDERS
from o2c_twin.integration.connectors.own_maps import OwnMaps, maps_of_design, own_maps
from o2c_twin.integration.connectors.registry import ConfigError
from o2c_twin.integration.governance.field_groups import registry_of
from o2c_twin.integration.governance.personal_data import TAGS
from o2c_twin.integration.governance.retention import LegalHold
from o2c_twin.integration.governance.systems_of_record import ANY, DEFAULT, STAGES, Mastery, Registry
from o2c_twin.integration.group import Group
from o2c_twin.integration.mappings import MappingError
from o2c_twin.integration.mappings.spec import EACH
from o2c_twin.integration.presets import expanded
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.service.config_inbound import InboundConfig


class AllowanceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``calls`` in any ``window_s`` seconds, as the vendor counts them."""

    calls: Annotated[int, Meta(ge=1)]
    window_s: Annotated[float, Meta(gt=0)]


class SystemConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One system: vendor, address, what logs in to it (``env:NAME`` reads a variable, also as the address), what its
    connector is told beside (`registry.OPTIONS`), what may be asked of it, and where it puts what it tells if not
    into a push.
    """

    vendor: str
    url: str
    credentials: dict[str, str] = {}
    options: dict[str, str] = {}
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "EUR"
    allowances: tuple[AllowanceConfig, ...] = ()
    inbound: InboundConfig | None = None


class Listen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the service listens."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8_300


class RhythmConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the engine asks by itself, and how many calls it has in flight per system."""

    poll_s: Annotated[float, Meta(gt=0)] = 300.0
    sweep_s: Annotated[float, Meta(gt=0)] = 6 * 3_600.0
    nightly_hour_utc: Annotated[int, Meta(ge=0, le=23)] = 2
    in_flight: Annotated[int, Meta(ge=1)] = 4


class RabbitConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A RabbitMQ: its address (``env:NAME`` reads a variable), how its queues' names begin, its number of lanes."""

    url: str
    prefix: Annotated[str, Meta(min_length=1)] = "o2c."
    lanes: Annotated[int, Meta(ge=1, le=256)] = 8


class EdgeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How pushes reach the engine: through a broker that keeps them while no worker runs."""

    rabbitmq: RabbitConfig


class HoldConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A legal hold: nothing of these subjects and keys is deleted before ``until`` (ISO date; empty: until lifted)."""

    id: str
    reason: str
    subjects: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    until: Annotated[str, Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = ""


class MasterConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule of the company's own: who is master of a field in a stage, in place of the shipped rule for it.

    What the axes ``master_customer`` and ``master_credit`` of the profile decide it may not say otherwise.
    """

    object: str
    master: Literal["crm", "erp", "bank", "provider", "engine"]
    field: str = ANY
    stage: str = ANY
    writers: tuple[str, ...] = ()
    why: str = ""

    def rule(self) -> Mastery:
        """The rule."""
        return Mastery(self.object, self.field, self.stage, self.master, self.writers, self.why)


class ServiceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file.

    ``tokens`` gives each role that may use the API, or a person in it (``operations/ann``), its bearer token, as
    ``env:NAME``. With ``keys`` (the address of a database of its own) and ``master_key`` what is personal is sealed
    and can be erased. With ``roots_key`` each day of the audit trail is signed into the file ``roots`` (for a SQLite
    journal beside it unless told otherwise). ``reconcile`` compares CRM with ERP, and what
    came in with what is posted, once a day, and repairs what was lost; with ``money_elsewhere`` (cheques, accounts that
    are not listed here) nobody is asked where the money of a posting is. ``edge`` is the broker of an event-driven
    topology; without it that is one in memory, which forgets with the process. ``holds`` are legal
    holds, ``masters`` rules of the systems of record. ``maps`` is a folder of the company's own field maps, in place of
    the shipped ones or beside them, with which the first start on a journal begins (then see `map_releases`), and
    ``entity`` the legal entity whose rules in them count, where the design enters all deals for one; ``rates`` names
    the source among their exchange rates by which amounts in other currencies than that of the ERP's books are
    converted or compared. ``compensates`` are the flows that undo what they did when they die; the others stay as far
    as they came, with a case. ``group`` says which entity ships for all and at which transfer price, where the design
    charges that between them.
    """

    systems: dict[str, SystemConfig]
    journal: str = "sqlite:///engine.db"
    listen: Listen = Listen()
    profile: dict[str, str] = {}
    compensates: tuple[str, ...] = ()
    rhythm: RhythmConfig = RhythmConfig()
    tokens: dict[str, str] = {}
    traces: str | None = None
    reconcile: bool = False
    money_elsewhere: bool = False
    keys: str | None = None
    master_key: str | None = None
    roots: str | None = None
    roots_key: str | None = None
    edge: EdgeConfig | None = None
    holds: tuple[HoldConfig, ...] = ()
    masters: tuple[MasterConfig, ...] = ()
    maps: str | None = None
    entity: str = ""
    rates: str = ""
    group: Group | None = None


def why_unlisted(config: ServiceConfig) -> str:
    """Why CRM and ERP cannot be compared in this configuration, with the remedy; empty where they can."""
    can: dict[str, Collection[str]] = {**LISTED, "payments": PROVIDERS}
    for role, listed in can.items():
        system = config.systems.get(role)
        if system is not None and system.vendor not in listed:
            return f"systems.{role}.vendor: {system.vendor} cannot be listed; use {' or '.join(listed)}"
    return ""


def roots_path(config: ServiceConfig) -> Path | None:
    """Where the audit trail's roots are kept: as configured, else beside a SQLite journal."""
    if config.roots is not None:
        return Path(config.roots)
    if config.journal.startswith("sqlite:///") and not config.journal.endswith(":memory:"):
        return Path(f"{config.journal.removeprefix('sqlite:///')}.roots")
    return None


def masters_of(config: ServiceConfig) -> Registry:
    """The systems of record: the shipped rules, those of the configuration in their place, and those of the axes.

    Raises `ConfigError`.
    """
    rules = {(rule.object, rule.field, rule.stage): rule for rule in DEFAULT.rules}
    for number, own in enumerate(config.masters):
        if own.object not in STAGES:
            raise ConfigError(f"masters[{number}].object: no {own.object!r}; there are: {', '.join(STAGES)}")
        if own.stage not in (ANY, *STAGES[own.object]):
            there = ", ".join(STAGES[own.object])
            raise ConfigError(f"masters[{number}].stage: {own.object} has no {own.stage!r}; there are: {there}")
        if own.field not in (ANY, *TAGS[own.object]):
            there = ", ".join(TAGS[own.object])
            raise ConfigError(f"masters[{number}].field: {own.object} has no {own.field!r}; there are: {there}")
        rules[own.object, own.field, own.stage] = own.rule()
    return registry_of(DesignProfile().with_choices(expanded(config.profile)), rules.values())


def maps_of(config: ServiceConfig) -> OwnMaps | None:
    """The company's own field maps; None where it works by the shipped ones. Raises `ConfigError`."""
    try:
        own = own_maps(None if config.maps is None else Path(config.maps), config.entity)
        return maps_of_design(own, profile_of(config))
    except MappingError as bad:
        more = f" (and {len(bad.problems) - 1} more; see 'o2c engine mapping check')" if bad.problems[1:] else ""
        place = "" if bad.problems[0].startswith("entity: ") else "maps: "
        raise ConfigError(f"{place}{bad.problems[0]}{more}") from bad


def profile_of(config: ServiceConfig) -> DesignProfile:
    """The design the engine is built to. Raises `ProfileError`."""
    return DesignProfile().with_choices(expanded(config.profile))


def entity_of(config: ServiceConfig) -> str:
    """By whose rules the maps are taken: one legal entity's ("": the general ones), or `EACH` deal's own."""
    return config.entity if profile_of(config).entities == "one" else EACH


def holds_of(config: ServiceConfig) -> tuple[LegalHold, ...]:
    """The legal holds."""
    return tuple(LegalHold(each.id, each.reason, each.subjects, each.keys, each.until) for each in config.holds)

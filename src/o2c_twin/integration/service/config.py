"""The service's configuration: one YAML file, checked whole before anything starts."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from o2c_twin.integration.connectors.listings import LISTED, PROVIDERS
from o2c_twin.integration.connectors.own_maps import OwnMaps, maps_of_design, own_maps
from o2c_twin.integration.connectors.registry import (
    CONNECTORS,
    DEAF,
    OPTIONS,
    SCHEMES,
    ConfigError,
    why_not_entities,
)
from o2c_twin.integration.flows import FLOWS
from o2c_twin.integration.governance.errors import SecretMissing
from o2c_twin.integration.governance.field_groups import contradiction, registry_of
from o2c_twin.integration.governance.personal_data import TAGS
from o2c_twin.integration.governance.retention import LegalHold
from o2c_twin.integration.governance.roles import ROLES
from o2c_twin.integration.governance.secrets import Secrets
from o2c_twin.integration.governance.systems_of_record import ANY, DEFAULT, STAGES, Mastery, Registry
from o2c_twin.integration.group import Group
from o2c_twin.integration.mappings import MappingError
from o2c_twin.integration.mappings.spec import EACH
from o2c_twin.integration.presets import expanded
from o2c_twin.integration.profile import DesignProfile, ProfileError
from o2c_twin.integration.service.config_inbound import InboundConfig, addressed, check_inbound, without_password
from o2c_twin.integration.service.config_reading import read_yaml, readable
from o2c_twin.integration.service.rates import check_rates

_ENV = "env:"
_SHORTEST_KEY = 32
_REQUIRED = ("crm", "erp", "bank")
_WEB = ("http://", "https://")
_BROKERS = ("amqp://", "amqps://")


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


def load_config(path: Path, environment: Mapping[str, str]) -> ServiceConfig:
    """Read, check and complete a configuration. Raises `ConfigError`: one line with file, place and remedy."""
    raw = read_yaml(path)
    try:
        config = msgspec.convert(raw, ServiceConfig)
    except msgspec.ValidationError as bad:
        raise ConfigError(f"{path}: {_of_system(raw) or readable(bad)}") from bad
    try:
        return _completed(config, Secrets(environment))
    except ConfigError as bad:
        raise ConfigError(f"{path}: {bad}") from bad


def _of_system(raw: Any) -> str:
    """What is wrong in one of the systems, with its name; empty where nothing is."""
    systems = raw.get("systems") if isinstance(raw, dict) else None
    for role, system in systems.items() if isinstance(systems, dict) else ():
        try:
            msgspec.convert(system, SystemConfig)
        except msgspec.ValidationError as bad:
            return readable(bad, f"systems.{role}")
    return ""


def _completed(config: ServiceConfig, secrets: Secrets) -> ServiceConfig:
    config = _addressed(config, secrets)
    _check_systems(config)
    _check_stores(config)
    for name in config.tokens:
        if name.partition("/")[0] not in ROLES or name.endswith("/"):
            raise ConfigError(f"tokens.{name}: no such role; there are: {', '.join(ROLES)}; or role/person")
    try:
        profile = profile_of(config)
    except ProfileError as bad:
        raise ConfigError(f"profile.{bad}") from bad
    for flow in config.compensates:
        if flow not in FLOWS:
            raise ConfigError(f"compensates: no flow {flow!r}; there are: {', '.join(FLOWS)}")
    _check_edge(config.edge, profile)
    for role, system in config.systems.items():
        check_inbound(system.inbound, f"systems.{role}.inbound", profile)
    _check_entities(config, profile)
    _check_masters(config, profile)
    check_rates(config.rates, maps_of(config), profile)
    systems = {
        role: msgspec.structs.replace(
            system,
            credentials={
                name: _value(value, f"systems.{role}.credentials.{name}", secrets)
                for name, value in system.credentials.items()
            },
        )
        for role, system in config.systems.items()
    }
    tokens = {role: _value(value, f"tokens.{role}", secrets) for role, value in config.tokens.items()}
    _check_tokens(tokens)
    keys = {
        name: None if given is None else _long(_value(given, name, secrets), name)
        for name, given in (("master_key", config.master_key), ("roots_key", config.roots_key))
    }
    return msgspec.structs.replace(config, systems=systems, tokens=tokens, **keys)


def _addressed(config: ServiceConfig, secrets: Secrets) -> ServiceConfig:
    """With the addresses that are kept in the environment."""

    def of(text: str, place: str) -> str:
        return _value(text, place, secrets)

    systems = {
        role: msgspec.structs.replace(
            system,
            url=of(system.url, f"systems.{role}.url"),
            inbound=addressed(system.inbound, f"systems.{role}.inbound", of),
        )
        for role, system in config.systems.items()
    }
    edge = config.edge
    if edge is not None:
        url = _value(edge.rabbitmq.url, "edge.rabbitmq.url", secrets)
        edge = EdgeConfig(msgspec.structs.replace(edge.rabbitmq, url=url))
    return msgspec.structs.replace(config, systems=systems, edge=edge)


def _check_entities(config: ServiceConfig, profile: DesignProfile) -> None:
    if (config.group is not None) != (profile.entities == "intercompany"):
        told = (
            "is for profile.entities intercompany; leave it out"
            if config.group
            else "is missing; give home and transfer_price"
        )
        raise ConfigError(f"group: {told}")
    if profile.entities == "one":
        return
    if why := why_not_entities(config.systems["erp"].vendor, profile.entities):
        raise ConfigError(f"profile.entities: {why}")
    if config.entity:
        raise ConfigError(
            f"entity: is for profile.entities one; {profile.entities} each deal says its own; leave it out"
        )


def _check_edge(edge: EdgeConfig | None, profile: DesignProfile) -> None:
    if edge is None:
        return
    if profile.topology != "event-driven":
        raise ConfigError("edge.rabbitmq: is for an event-driven topology; set profile.topology, or leave it out")
    if profile.delivery != "effectively-once":
        raise ConfigError("edge.rabbitmq: needs an inbox; set profile.delivery to effectively-once, or leave it out")
    url = edge.rabbitmq.url
    if not url.startswith(_BROKERS):
        raise ConfigError(
            f"edge.rabbitmq.url: {without_password(url)!r} is no address; begin with {' or '.join(_BROKERS)}"
        )


def _check_systems(config: ServiceConfig) -> None:
    for role in _REQUIRED:
        if role not in config.systems:
            raise ConfigError(f"systems: {role} is missing; give its vendor and url")
    for role, system in config.systems.items():
        if role not in CONNECTORS:
            raise ConfigError(f"systems.{role}: no such role; there are: {', '.join(CONNECTORS)}")
        if system.vendor not in CONNECTORS[role]:
            there = ", ".join(CONNECTORS[role]) or "none yet"
            raise ConfigError(f"systems.{role}.vendor: no connector for {system.vendor!r}; there are: {there}")
        schemes = SCHEMES.get(system.vendor, _WEB)
        if not system.url.startswith(schemes):
            told = f"{without_password(system.url)!r} is no address; begin with {' or '.join(schemes)}"
            raise ConfigError(f"systems.{role}.url: {told}")
        options = OPTIONS.get(system.vendor, ())
        for name in system.options:
            if name not in options:
                there = f"there are: {', '.join(options)}" if options else f"{system.vendor} has none; remove it"
                raise ConfigError(f"systems.{role}.options.{name}: no such option; {there}")


def _check_stores(config: ServiceConfig) -> None:
    if config.reconcile and (why_not := why_unlisted(config)):
        raise ConfigError(f"reconcile: {why_not}, or leave it out")
    for name, url in (("journal", config.journal), ("keys", config.keys)):
        if url is None:
            continue
        if not url.startswith(("sqlite:///", "postgresql+pg8000://")) or url == "sqlite:///":
            raise ConfigError(
                f"{name}: {without_password(url)!r} is no address; begin with sqlite:///FILE or postgresql+pg8000://"
            )
        if url.startswith("sqlite:///"):
            _check_folder(name, url.removeprefix("sqlite:///"))
    if (config.keys is None) != (config.master_key is None):
        there, lacking = ("keys", "master_key") if config.master_key is None else ("master_key", "keys")
        raise ConfigError(f"{lacking}: is missing; {there} is given, and personal data is sealed only with both")
    if config.keys is not None and config.keys == config.journal:
        raise ConfigError("keys: is the journal; keep them in a database of their own, or backups keep what is erased")
    for name, path in (("traces", config.traces), ("roots", config.roots)):
        if path is not None:
            _check_folder(name, path)
    if config.roots is not None and config.roots_key is None:
        raise ConfigError("roots_key: is missing; roots are signed with it: give it, as env:VARIABLE")
    if config.roots_key is not None and roots_path(config) is None:
        raise ConfigError("roots: is missing; say in which file the daily roots are to be kept")


def why_unlisted(config: ServiceConfig) -> str:
    """Why CRM and ERP cannot be compared in this configuration, with the remedy; empty where they can."""
    can: dict[str, Collection[str]] = {**LISTED, "payments": PROVIDERS}
    for role, listed in can.items():
        system = config.systems.get(role)
        if system is not None and system.vendor not in listed:
            return f"systems.{role}.vendor: {system.vendor} cannot be listed; use {' or '.join(listed)}"
    return ""


def _check_folder(name: str, path: str) -> None:
    if path != ":memory:" and not Path(path).parent.is_dir():
        raise ConfigError(f"{name}: there is no folder for {path!r}; make it")


def _check_tokens(tokens: Mapping[str, str]) -> None:
    by_token: dict[str, str] = {}
    for name, token in tokens.items():
        if not token:
            raise ConfigError(f"tokens.{name}: is empty; give it a token of its own, as env:VARIABLE")
        if token in by_token:
            raise ConfigError(f"tokens.{name}: is the token of {by_token[token]} too; give each its own")
        by_token[token] = name


def _long(text: str, name: str) -> str:
    if len(text) < _SHORTEST_KEY:
        raise ConfigError(f"{name}: has fewer than {_SHORTEST_KEY} characters; make it of 32 random bytes, as text")
    return text


def roots_path(config: ServiceConfig) -> Path | None:
    """Where the audit trail's roots are kept: as configured, else beside a SQLite journal."""
    if config.roots is not None:
        return Path(config.roots)
    if config.journal.startswith("sqlite:///") and not config.journal.endswith(":memory:"):
        return Path(f"{config.journal.removeprefix('sqlite:///')}.roots")
    return None


def _check_masters(config: ServiceConfig, profile: DesignProfile) -> None:
    masters_of(config)
    for number, own in enumerate(config.masters):
        wrong = contradiction(own.rule(), profile)
        if wrong is not None:
            raise ConfigError(f"masters[{number}]: {wrong}")
    if not profile.hears_customers:
        return
    for role, system in config.systems.items():
        why = DEAF.get(system.vendor)
        if why is not None:
            raise ConfigError(f"profile: {profile.told_back} cannot be had of systems.{role}: {why}")


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


def _value(text: str, place: str, secrets: Secrets) -> str:
    if not text.startswith(_ENV):
        return text
    try:
        return secrets.get(text.removeprefix(_ENV)).reveal()
    except SecretMissing as missing:
        raise ConfigError(f"{place}: {missing}") from missing

"""How the service's configuration is read: checked whole before anything starts, secrets in their places."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

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
from o2c_twin.integration.governance.field_groups import contradiction
from o2c_twin.integration.governance.roles import ROLES
from o2c_twin.integration.governance.secrets import Secrets
from o2c_twin.integration.profile import DesignProfile, ProfileError
from o2c_twin.integration.service.config import (
    EdgeConfig,
    ServiceConfig,
    SystemConfig,
    maps_of,
    masters_of,
    profile_of,
    roots_path,
    why_unlisted,
)
from o2c_twin.integration.service.config_inbound import addressed, check_inbound, without_password
from o2c_twin.integration.service.config_reading import read_yaml, readable
from o2c_twin.integration.service.rates import check_rates

_ENV = "env:"
_SHORTEST_KEY = 32
_REQUIRED = ("crm", "erp", "bank")
_WEB = ("http://", "https://")
_BROKERS = ("amqp://", "amqps://")


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


def _value(text: str, place: str, secrets: Secrets) -> str:
    if not text.startswith(_ENV):
        return text
    try:
        return secrets.get(text.removeprefix(_ENV)).reveal()
    except SecretMissing as missing:
        raise ConfigError(f"{place}: {missing}") from missing

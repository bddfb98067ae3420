"""The service's configuration: one YAML file, checked whole before anything starts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

from o2c_twin.integration.connectors.registry import CONNECTORS, ConfigError
from o2c_twin.integration.governance.roles import ROLES
from o2c_twin.integration.governance.secrets import Secrets
from o2c_twin.integration.profile import DesignProfile, ProfileError

_ENV = "env:"
_REQUIRED = ("crm", "erp", "bank")


class AllowanceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``calls`` in any ``window_s`` seconds, as the vendor counts them."""

    calls: Annotated[int, Meta(ge=1)]
    window_s: Annotated[float, Meta(gt=0)]


class SystemConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One system: vendor, address, what logs in to it (``env:NAME`` reads a variable), what may be asked of it."""

    vendor: str
    url: str
    credentials: dict[str, str] = {}
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "EUR"
    allowances: tuple[AllowanceConfig, ...] = ()


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


class ServiceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. ``tokens`` gives each role that may use the API its bearer token, as ``env:NAME``."""

    systems: dict[str, SystemConfig]
    journal: str = "sqlite:///engine.db"
    listen: Listen = Listen()
    profile: dict[str, str] = {}
    rhythm: RhythmConfig = RhythmConfig()
    tokens: dict[str, str] = {}
    traces: str | None = None


def load_config(path: Path, environment: Mapping[str, str]) -> ServiceConfig:
    """Read, check and complete a configuration. Raises `ConfigError` naming file, place and remedy."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as missing:
        raise ConfigError(f"{path}: cannot be read: {missing.strerror or missing}") from missing
    except yaml.MarkedYAMLError as bad:
        line = bad.problem_mark.line + 1 if bad.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not YAML: {bad.problem or bad}; mend it there") from bad
    except yaml.YAMLError as bad:
        raise ConfigError(f"{path}: not YAML: {bad}") from bad
    try:
        config = msgspec.convert(raw, ServiceConfig)
    except msgspec.ValidationError as bad:
        raise ConfigError(f"{path}: {_readable(bad)}") from bad
    try:
        return _completed(config, Secrets(environment))
    except (ConfigError, ProfileError) as bad:
        raise ConfigError(f"{path}: {bad}") from bad


def _readable(bad: msgspec.ValidationError) -> str:
    told, _, place = str(bad).partition(" - at `$")
    return f"{place.rstrip('`').lstrip('.') or 'the file'}: {told}"


def _completed(config: ServiceConfig, secrets: Secrets) -> ServiceConfig:
    for role in _REQUIRED:
        if role not in config.systems:
            raise ConfigError(f"systems: {role} is missing; give its vendor and url")
    for role, system in config.systems.items():
        if role not in CONNECTORS:
            raise ConfigError(f"systems.{role}: no such role; there are: {', '.join(CONNECTORS)}")
        if system.vendor not in CONNECTORS[role]:
            raise ConfigError(
                f"systems.{role}.vendor: no connector for {system.vendor!r}; there are: {', '.join(CONNECTORS[role])}"
            )
        if not system.url.startswith(("http://", "https://")):
            raise ConfigError(f"systems.{role}.url: {system.url!r} is no address; begin with http:// or https://")
    if config.journal.partition(":")[0] not in ("sqlite", "postgresql+pg8000"):
        raise ConfigError("journal: begin with sqlite:/// or postgresql+pg8000://")
    for role in config.tokens:
        if role not in ROLES:
            raise ConfigError(f"tokens.{role}: no such role; there are: {', '.join(ROLES)}")
    DesignProfile().with_choices(config.profile)
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
    return msgspec.structs.replace(config, systems=systems, tokens=tokens)


def _value(text: str, place: str, secrets: Secrets) -> str:
    if not text.startswith(_ENV):
        return text
    try:
        return secrets.get(text.removeprefix(_ENV)).reveal()
    except Exception as missing:
        raise ConfigError(f"{place}: {missing}") from missing


def as_example() -> dict[str, Any]:
    """A configuration to begin with."""
    return msgspec.to_builtins(  # type: ignore[no-any-return]
        ServiceConfig(
            {
                "crm": SystemConfig(
                    "salesforce",
                    "http://127.0.0.1:8100",
                    {"client_id": "env:O2C_CRM_CLIENT_ID", "client_secret": "env:O2C_CRM_CLIENT_SECRET"},
                ),
            },
            tokens={"operations": "env:O2C_OPERATIONS_TOKEN"},
        )
    )

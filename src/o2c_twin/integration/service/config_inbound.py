"""Where a system puts what it tells, if not into a push: a folder, here or at an SFTP server, or a staging table."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote

import msgspec
from msgspec import Meta

from o2c_twin.integration.connectors.registry import ConfigError
from o2c_twin.integration.edges.live_sftp import SftpFolder, place_of
from o2c_twin.integration.profile import DesignProfile

PLACES = ("in", "archive", "error")
"""What lies in the folder."""
FILE, SFTP = "file:///", "sftp://"
_DATABASES = ("sqlite:///", "postgresql+pg8000://", "mysql+pymysql://")
_TABLE = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"
_TOPOLOGIES = ("hub", "event-driven")


class FolderConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A folder with the places in, archive and error: ``file:///FOLDER`` or ``sftp://USER@HOST/FOLDER``, the latter
    with the login's key and the host's. ``completion`` is how a file is known to be whole (`edges.file_drop`).
    """

    url: str
    completion: Literal["rename", "done"] = "rename"
    every_s: Annotated[float, Meta(gt=0)] = 30.0
    key_file: str | None = None
    known_hosts: str | None = None


class TableConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A staging table (`edges.staging`) in a database, SQLAlchemy's address; at most ``most`` rows a round."""

    url: str
    table: Annotated[str, Meta(pattern=_TABLE)] = "o2c_inbound"
    every_s: Annotated[float, Meta(gt=0)] = 5.0
    most: Annotated[int, Meta(ge=1, le=10_000)] = 500


class InboundConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the two."""

    folder: FolderConfig | None = None
    table: TableConfig | None = None


def addressed(inbound: InboundConfig | None, place: str, value: Callable[[str, str], str]) -> InboundConfig | None:
    """With addresses that are kept in the environment; ``value`` gives a setting's text at its place."""
    if inbound is None:
        return None
    folder, table = inbound.folder, inbound.table
    if folder is not None:
        folder = msgspec.structs.replace(folder, url=value(folder.url, f"{place}.folder.url"))
    if table is not None:
        table = msgspec.structs.replace(table, url=value(table.url, f"{place}.table.url"))
    return InboundConfig(folder, table)


def check_inbound(inbound: InboundConfig | None, place: str, profile: DesignProfile) -> None:
    """All that can be known before anything starts. Raises `ConfigError` with place and remedy."""
    if inbound is None:
        return
    if (inbound.folder is None) == (inbound.table is None):
        raise ConfigError(f"{place}: says neither or both of folder and table; give one")
    if profile.delivery != "effectively-once":
        raise ConfigError(f"{place}: needs an inbox; set profile.delivery to effectively-once, or leave it out")
    if profile.topology not in _TOPOLOGIES:
        there = " or ".join(_TOPOLOGIES)
        raise ConfigError(f"{place}: is for one engine that is told; set profile.topology to {there}, or leave it out")
    if inbound.folder is not None:
        _check_folder(inbound.folder, f"{place}.folder")
    elif inbound.table is not None and not inbound.table.url.startswith(_DATABASES):
        raise _no_address(inbound.table.url, f"{place}.table.url", _DATABASES)


def _check_folder(folder: FolderConfig, place: str) -> None:
    if folder.url.startswith(SFTP):
        sftp_of(folder, place)
        return
    if not folder.url.startswith(FILE):
        raise _no_address(folder.url, f"{place}.url", (FILE, SFTP))
    for name in ("key_file", "known_hosts"):
        if getattr(folder, name) is not None:
            raise ConfigError(f"{place}.{name}: is for {SFTP}; remove it")
    root = path_of(folder)
    missing = [each for each in PLACES if not (root / each).is_dir()]
    if missing:
        told = f"there is no folder {root / missing[0]}; mount the share, or make the folders {', '.join(PLACES)}"
        raise ConfigError(f"{place}.url: {told}")


def path_of(folder: FolderConfig) -> Path:
    """The path of a folder that is mounted here."""
    return Path(unquote(folder.url.removeprefix("file://")))


def sftp_of(folder: FolderConfig, place: str) -> SftpFolder:
    """The folder at an SFTP server; nobody is spoken to yet. Raises `ConfigError`."""
    try:
        place_of(folder.url)
    except ValueError as bad:
        raise ConfigError(f"{place}.url: {bad}") from bad
    files = []
    for name, path, remedy in (
        ("key_file", folder.key_file, "name the file of the private key that logs in"),
        ("known_hosts", folder.known_hosts, "name the file with the host's public key"),
    ):
        if path is None:
            raise ConfigError(f"{place}.{name}: is missing; {remedy}")
        if not Path(path).is_file():
            raise ConfigError(f"{place}.{name}: there is no file {path}; put it there")
        files.append(Path(path))
    try:
        return SftpFolder.at(folder.url, *files)
    except ValueError as bad:
        raise ConfigError(f"{place}.url: {bad}") from bad


def _no_address(url: str, place: str, begin: tuple[str, ...]) -> ConfigError:
    return ConfigError(f"{place}: {without_password(url)!r} is no address; begin with {' or '.join(begin)}")


def without_password(url: str) -> str:
    """An address as a message may say it."""
    return re.sub(r"//[^@/]*@", "//", url)

"""The connector of an old ERP from a service's configuration: its address says by which of its edges it is reached."""

from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote

from o2c_twin.integration.connectors.legacy_erp import EdgeKind, LegacyErp
from o2c_twin.integration.connectors.legacy_erp_live import BrokerQueues, DatabaseTables, DirectoryFolder
from o2c_twin.integration.connectors.legacy_erp_maps import LegacyErpMaps
from o2c_twin.integration.connectors.legacy_erp_ports import FolderPort, QueuesPort, TablesPort
from o2c_twin.integration.connectors.legacy_erp_records import Spelling
from o2c_twin.integration.connectors.own_maps import maps_for
from o2c_twin.integration.connectors.registry import ConfigError, Site
from o2c_twin.integration.edges.live_sftp import SftpFolder, place_of

PLACES = ("in", "in/archive", "in/error", "out", "out/archive")
"""What lies in a folder shared with the ERP."""


def legacy_erp(site: Site) -> LegacyErp:
    """``file:///FOLDER`` or ``sftp://USER@HOST/FOLDER``: its shared folder. A database: its staging tables.
    ``amqp://...``: its queues.

    Raises `ConfigError` naming the place and the remedy.
    """
    scheme = site.url.partition(":")[0]
    edge: EdgeKind = "file" if scheme in ("file", "sftp") else "queue" if scheme in ("amqp", "amqps") else "table"
    if site.sleep is None:
        raise ConfigError(f"systems.{site.name}: an old ERP is waited for; give the connector a clock to sleep by")
    settings = _settings(site)
    settings |= {"currency": site.currency, "maps": maps_for(site.maps, LegacyErpMaps)}
    return LegacyErp(site.name, edge, _medium(site, edge), site.clock, site.sleep, **settings)


def _medium(site: Site, edge: EdgeKind) -> FolderPort | TablesPort | QueuesPort:
    if edge == "queue":
        queues = BrokerQueues(site.url, site.options.get("queue_prefix", ""))
        site.at_end.append(queues.close)
        return queues
    if edge == "table":
        tables = DatabaseTables(site.url)

        async def close() -> None:
            tables.close()

        site.at_end.append(close)
        return tables
    if site.url.startswith("sftp:"):
        return _sftp(site)
    root = Path(unquote(site.url.removeprefix("file://")))
    missing = [place for place in PLACES if not (root / place).is_dir()]
    if missing:
        told = f"there is no folder {root / missing[0]}; mount the share, or make the folders {', '.join(PLACES)}"
        raise ConfigError(f"systems.{site.name}.url: {told}")
    return DirectoryFolder(root)


def _sftp(site: Site) -> SftpFolder:
    try:
        place_of(site.url)
    except ValueError as bad:
        raise ConfigError(f"systems.{site.name}.url: {bad}") from bad
    key = site.option("key_file", "name the file of the private key that logs in")
    hosts = site.option("known_hosts", "name the file with the host's public key, as ssh-keyscan and a person give it")
    for name, path in (("key_file", key), ("known_hosts", hosts)):
        if not Path(path).is_file():
            raise ConfigError(f"systems.{site.name}.options.{name}: there is no file {path}; put it there")
    try:
        return SftpFolder.at(site.url, Path(key), Path(hosts))
    except ValueError as bad:
        raise ConfigError(f"systems.{site.name}.url: {bad}") from bad


def _settings(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = {}
    spelling = site.options.get("spelling", "csv")
    if spelling not in get_args(Spelling):
        raise _bad(site, "spelling", f"give {' or '.join(get_args(Spelling))}")
    found["spelling"] = spelling
    markers = site.options.get("markers", "no")
    if markers not in ("yes", "no"):
        raise _bad(site, "markers", "give yes where a file is complete when its .done is there, else no")
    found["markers"] = markers == "yes"
    for name, kind in (("utc_offset_minutes", int), ("patience_s", float)):
        if name in site.options:
            try:
                found[name] = kind(site.options[name])
            except ValueError as bad:
                raise _bad(site, name, "give a number") from bad
    if found.get("patience_s", 1.0) <= 0:
        raise _bad(site, "patience_s", "give seconds, more than none")
    for name in ("encoding", "sender"):
        if name in site.options:
            found[name] = site.options[name]
    try:
        "".encode(found.get("encoding", "cp1252"))
    except LookupError as bad:
        raise _bad(site, "encoding", "give the name of a character set, such as cp1252") from bad
    return found


def _bad(site: Site, name: str, remedy: str) -> ConfigError:
    return ConfigError(f"systems.{site.name}.options.{name}: {site.options[name]!r} is not understood; {remedy}")

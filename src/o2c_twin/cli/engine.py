"""`o2c engine`: the group, and `run`: the sync engine as a service, or its rehearsal."""

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from o2c_twin.cli import (
    engine_dead_letters,
    engine_decisions,
    engine_four_eyes,
    engine_mapping,
    engine_maps,
    engine_remote,
    engine_staging,
    engine_sweep,
    options,
)
from o2c_twin.cli.errors import CommandError
from o2c_twin.cli.terminal import print_json

if TYPE_CHECKING:
    from o2c_twin.integration.service.config import ServiceConfig


@click.group(short_help="Run the sync engine as a service, and steer one that runs.")
def engine() -> None:
    """The sync engine beside real systems, or beside the mocks of `o2c up`.

    All commands but `run` and most of `mapping` speak to a running engine: its address is --url or O2C_ENGINE_URL, the
    bearer token of your role O2C_ENGINE_TOKEN.
    """


@engine.command(
    short_help="Start the engine as a service.",
    epilog="""\b
Example of a configuration:
  journal: sqlite:///engine.db            # or postgresql+pg8000://user@host/database, for many workers
  listen: {host: 127.0.0.1, port: 8300}
  profile: {trigger: webhook}
  tokens: {operations: env:O2C_OPERATIONS_TOKEN, auditor: env:O2C_AUDITOR_TOKEN}
  systems:
    crm: {vendor: salesforce, url: "http://127.0.0.1:8100",
          credentials: {client_id: env:SF_ID, client_secret: env:SF_SECRET}}
    erp: {vendor: netsuite, url: ..., credentials: {...}}
    bank: {vendor: bank_iso20022, url: ..., credentials: {...}}
  keys: sqlite:///keys.db                 # with a master key: what is personal is sealed and can be erased
  master_key: env:O2C_MASTER_KEY
  edge: {rabbitmq: {url: env:O2C_BROKER}} # with profile {topology: event-driven}: pushes are kept by the broker
  # a system that pushes nothing may put what it tells into a folder or a staging table; in systems.crm:
  # inbound: {folder: {url: "file:///srv/crm", completion: done}}   with in/, archive/, error/; or sftp://USER@HOST/...
  # inbound: {table: {url: env:O2C_STAGING}}                        see 'o2c engine staging-table'
  roots_key: env:O2C_ROOTS_KEY            # each day of the audit trail is signed into engine.db.roots
""",
)
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65_535), help="Listen here instead; 0 takes a free port.")
@click.option("--worker", metavar="NAME", help="This worker's name among those on one journal [default: host and pid].")
@click.option("--check", is_flag=True, help="Only check the configuration.")
@click.option("--dry-run", is_flag=True, help="Write nothing: list each intended write and case as JSON, and end.")
@options.as_json
def run(config: Path, port: int | None, worker: str | None, check: bool, dry_run: bool, as_json: bool) -> None:
    """Start the engine of CONFIG and serve webhooks, health, metrics and operations until interrupted."""
    import msgspec

    from o2c_twin.integration.connectors.registry import ConfigError
    from o2c_twin.integration.service.config_loading import load_config
    from o2c_twin.integration.service.live_service import run_service
    from o2c_twin.integration.store import JournalInUse

    try:
        loaded = load_config(config, os.environ)
    except ConfigError as bad:
        raise CommandError(str(bad)) from bad
    if check:
        click.echo("the configuration is sound")
        return
    if dry_run:
        _rehearse(loaded, as_json)
        return
    if port is not None:
        loaded = msgspec.structs.replace(loaded, listen=msgspec.structs.replace(loaded.listen, port=port))

    def tell(url: str) -> None:
        if as_json:
            print_json({"url": url, "pid": os.getpid()})
        else:
            click.echo(f"engine listens on {url} (health, ready, metrics, docs); Ctrl-C stops it")
        sys.stdout.flush()

    try:
        status = run_service(loaded, worker or f"{platform.node()}-{os.getpid()}", tell)
    except (ConfigError, JournalInUse) as bad:
        raise CommandError(str(bad)) from bad
    except OSError as error:
        raise CommandError(f"cannot listen on port {loaded.listen.port}: {error.strerror or error}") from error
    if status:
        raise CommandError("the engine stopped by an error; its log says which")


def _rehearse(config: "ServiceConfig", as_json: bool) -> None:
    """Ask every system once, and list what would be written: a line of JSON for each write, then for each case."""
    import json

    from o2c_twin.integration.connectors.registry import ConfigError
    from o2c_twin.integration.service.live_rehearsal import run_rehearsal

    writes: list[dict[str, Any]] = []

    def tell(write: dict[str, Any]) -> None:
        if as_json:
            writes.append(write)
        else:
            click.echo(json.dumps(write, ensure_ascii=False))

    try:
        cases = run_rehearsal(config, tell)
    except ConfigError as bad:
        raise CommandError(str(bad)) from bad
    if as_json:
        print_json({"writes": writes, "cases": cases})
        return
    for case in cases:
        click.echo(json.dumps(case, ensure_ascii=False))


_GROUPS = (engine_remote, engine_sweep, engine_decisions, engine_dead_letters, engine_four_eyes, engine_staging)
for command in (*(each for group in _GROUPS for each in group.COMMANDS), engine_mapping.mapping):
    engine.add_command(command)
for command in engine_maps.COMMANDS:
    engine_mapping.mapping.add_command(command)

"""`o2c engine`: run the sync engine as a service, and steer one that runs."""

import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from o2c_twin.cli import options
from o2c_twin.cli.errors import CommandError
from o2c_twin.cli.terminal import console, print_json

_URL, _TOKEN = "O2C_ENGINE_URL", "O2C_ENGINE_TOKEN"


@click.group(short_help="Run the sync engine as a service, and steer one that runs.")
def engine() -> None:
    """The sync engine beside real systems, or beside the mocks of `o2c up`.

    All commands but `run` speak to a running engine: its address is --url or O2C_ENGINE_URL, the bearer
    token of your role O2C_ENGINE_TOKEN.
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
""",
)
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65_535), help="Listen here instead; 0 takes a free port.")
@click.option("--worker", metavar="NAME", help="This worker's name among those on one journal [default: host and pid].")
@click.option("--check", is_flag=True, help="Only check the configuration.")
@options.as_json
def run(config: Path, port: int | None, worker: str | None, check: bool, as_json: bool) -> None:
    """Start the engine of CONFIG and serve webhooks, health, metrics and operations until interrupted."""
    import msgspec

    from o2c_twin.integration.connectors.registry import ConfigError
    from o2c_twin.integration.service.config import load_config
    from o2c_twin.integration.service.live_service import run_service
    from o2c_twin.integration.store import JournalInUse

    try:
        loaded = load_config(config, os.environ)
    except ConfigError as bad:
        raise CommandError(str(bad)) from bad
    if check:
        click.echo("the configuration is sound")
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


def _remote(command: Any) -> Any:
    command = options.as_json(command)
    return click.option("--url", envvar=_URL, default="http://127.0.0.1:8300", show_default=True, show_envvar=True)(
        command
    )


def _ask(method: str, url: str, path: str, body: dict[str, Any] | None = None, approver: str | None = None) -> Any:
    import urllib.error
    import urllib.request

    headers = {"Authorization": f"Bearer {os.environ.get(_TOKEN, '')}", "Content-Type": "application/json"}
    if approver:
        headers["X-Approver"] = f"Bearer {approver}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url.rstrip('/')}{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        text = error.read().decode("utf-8", "replace")
        try:
            told = json.loads(text)
            detail = told.get("error") or told.get("detail") or text
        except ValueError:
            detail = text
        hint = f"; put your role's token into {_TOKEN}" if error.code == 401 else ""
        raise CommandError(f"{detail}{hint}") from error
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise CommandError(f"no engine answers on {url}: {reason}; start one with 'o2c engine run'") from error


@engine.command(short_help="How the engine is doing.")
@_remote
def status(url: str, as_json: bool) -> None:
    """Counts of events, effects and cases, each system's line, and what is paused."""
    told = _ask("GET", url, "/api/status")
    if as_json:
        print_json(told)
        return
    for name, count in sorted(told["counts"].items()):
        click.echo(f"{name:<16}{count:>10,}")
    for name, line in told["lines"].items():
        state = "does not answer" if line["breaker_open"] else "answers"
        click.echo(f"{name:<16}{line['calls']:>10,} calls, {line['throttled']:,} throttled, {state}")
    click.echo(f"paused: {', '.join(told['paused']) or 'nothing'}")


@engine.command(short_help="The cases people must settle.")
@click.option("--state", type=click.Choice(["open", "closed", "replayed"]), help="Only cases in this state.")
@_remote
def cases(state: str | None, url: str, as_json: bool) -> None:
    """Every case: since when, whose, why."""
    told = _ask("GET", url, f"/api/cases?state={state}" if state else "/api/cases")
    if as_json:
        print_json({"cases": told})
        return
    from rich.table import Table

    table = Table("case", "state", "kind", "owner", "since", "reason", box=None)
    for case in told:
        since = datetime.fromtimestamp(case["opened_at"] / 1e6, UTC).strftime("%Y-%m-%d %H:%M")
        table.add_row(case["case_id"], case["state"], case["kind"], case["owner"], since, case["reason"])
    console().print(table if told else "no cases")


@engine.command(short_help="Work a case once more, or close it.")
@click.argument("case_id")
@click.option("--close", "closing", is_flag=True, help="Close it: a person settled it outside. Needs --note.")
@click.option("--note", default="", help="What was done; it is on the audit trail.")
@click.option("--result", help="With --close: the id of what was made by hand.")
@_remote
def replay(case_id: str, closing: bool, note: str, result: str | None, url: str, as_json: bool) -> None:
    """Work the event of CASE_ID again: what is done stays done, what was given up is sent again."""
    body = {"action": "close" if closing else "replay", "note": note, "result": result}
    _done(_ask("POST", url, f"/api/cases/{case_id}", body), as_json, f"{case_id}: {body['action']} done")


@engine.command(short_help="Ask a system for its changes now.")
@click.argument("system")
@_remote
def sweep(system: str, url: str, as_json: bool) -> None:
    """Ask SYSTEM (crm, erp, bank, payments) now for what it changed since it was last asked."""
    _done(_ask("POST", url, f"/api/sweep/{system}"), as_json, f"{system}: swept")


@engine.command(short_help="Ask a system again from an earlier instant.")
@click.argument("system")
@click.argument("since")
@click.option("--approver-token", envvar="O2C_APPROVER_TOKEN", help="Token of the second role; four eyes.")
@_remote
def backfill(system: str, since: str, approver_token: str | None, url: str, as_json: bool) -> None:
    """Ask SYSTEM for everything changed since SINCE, an ISO date or instant; known events stay as they are."""
    try:
        instant = datetime.fromisoformat(since)
    except ValueError as bad:
        raise CommandError(f"{since!r} is no date or instant; write 2026-01-31 or 2026-01-31T08:00:00+00:00") from bad
    at = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    told = since[:10] if system == "bank" else str(int(at.timestamp() * 1_000_000))
    answer = _ask("POST", url, f"/api/backfill/{system}", {"since": told}, approver_token)
    _done(answer, as_json, f"{system}: asked since {since}")


@engine.command(short_help="Pause a flow.")
@click.argument("flow")
@_remote
def pause(flow: str, url: str, as_json: bool) -> None:
    """Work no event of FLOW until it is resumed; they are taken in and wait."""
    _done(_ask("POST", url, f"/api/flows/{flow}/pause"), as_json, f"{flow}: paused")


@engine.command(short_help="Go on with a paused flow.")
@click.argument("flow")
@_remote
def resume(flow: str, url: str, as_json: bool) -> None:
    """Go on with FLOW."""
    _done(_ask("POST", url, f"/api/flows/{flow}/resume"), as_json, f"{flow}: resumed")


@engine.command(short_help="The audit trail.")
@_remote
def audit(url: str, as_json: bool) -> None:
    """Who did what, oldest first; for the auditor."""
    told = _ask("GET", url, "/api/audit")
    if as_json:
        print_json({"entries": told})
        return
    for entry in told:
        at = datetime.fromtimestamp(entry["at"] / 1e6, UTC).isoformat(timespec="seconds")
        click.echo(f"{entry['seq']:>8}  {at}  {entry['who']}  {entry['what']}  {entry['object']}  {entry['key']}")


def _done(answer: dict[str, Any], as_json: bool, said: str) -> None:
    if as_json:
        print_json(answer)
    else:
        click.echo(said)

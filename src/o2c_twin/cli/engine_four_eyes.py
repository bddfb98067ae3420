"""`o2c engine backfill, erase, approvals, approve, audit`: what needs a second person, and who checks them all."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from o2c_twin.cli.engine_client import ask, asked, asking, by_two, done, remote
from o2c_twin.cli.errors import CommandError
from o2c_twin.cli.terminal import print_json

_ROOTS_KEY = "O2C_ROOTS_KEY"


@click.command(short_help="Ask a system again from an earlier instant (four eyes).")
@click.argument("system")
@click.argument("since")
@by_two
@remote
def backfill(system: str, since: str, approval: str | None, url: str, as_json: bool) -> None:
    """Ask SYSTEM for everything changed since SINCE, an ISO date or instant; known events stay as they are.

    Without --approval it is asked for; somebody else approves it, then the same command with --approval does it.
    """
    try:
        instant = datetime.fromisoformat(since)
    except ValueError as bad:
        raise CommandError(f"{since!r} is no date or instant; write 2026-01-31 or 2026-01-31T08:00:00+00:00") from bad
    at = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    told = since[:10] if system == "bank" else str(int(at.timestamp() * 1_000_000))
    if approval is None:
        asked(ask("POST", url, "/api/approvals", asking("backfill", system, {"since": told})), as_json)
        return
    answer = ask("POST", url, f"/api/backfill/{quote(system, safe='')}", {"since": told, "approval": approval})
    done(answer, as_json, f"{system}: asked since {since}")


@click.command(short_help="Erase a person or company from all the engine keeps (four eyes).")
@click.argument("subject")
@by_two
@remote
def erase(subject: str, approval: str | None, url: str, as_json: bool) -> None:
    """Erase SUBJECT, an account by its id at sales: its key is destroyed, what was sealed for it is never read again.

    Without --approval it is asked for; somebody else approves it, then the same command with --approval does it.
    What the systems themselves keep is for them to erase.
    """
    if approval is None:
        asked(ask("POST", url, "/api/approvals", asking("erase subject", subject, {})), as_json)
        return
    answer = ask("POST", url, "/api/erase", {"subject": subject, "approval": approval})
    held = f"; {len(answer['held'])} documents are kept under it by a legal hold" if answer["held"] else ""
    done(answer, as_json, f"erased; its pseudonym was {answer['pseudonym']}{held}")


@click.command(short_help="What was asked for, and who decided.")
@click.option("--state", type=click.Choice(["asked", "approved", "refused", "withdrawn", "expired", "used"]))
@remote
def approvals(state: str | None, url: str, as_json: bool) -> None:
    """Every request for approval: what, by whom, until when."""
    told = ask("GET", url, f"/api/approvals?state={state}" if state else "/api/approvals")
    if as_json:
        print_json({"approvals": told})
        return
    for each in told:
        until = datetime.fromtimestamp(each["expires_at"] / 1e6, UTC).strftime("%Y-%m-%d %H:%M")
        what = " ".join((each["operation"], each["subject"], *(f"{k}={v}" for k, v in each["content"].items())))
        click.echo(f"{each['id']:<8} {each['state']:<10} {what}, asked by {each['asked_by']}, until {until}")
    if not told:
        click.echo("no approvals")


@click.command(short_help="Decide on what somebody else asked for.")
@click.argument("approval_id")
@click.option("--refuse", "refusal", metavar="REASON", help="Do not agree, and say why.")
@click.option("--withdraw", is_flag=True, help="No longer want what one asked for oneself.")
@remote
def approve(approval_id: str, refusal: str | None, withdraw: bool, url: str, as_json: bool) -> None:
    """Approve APPROVAL_ID; it holds for a day, once, for exactly what was asked."""
    if refusal is not None and withdraw:
        raise CommandError("--refuse and --withdraw exclude each other; give one of them")
    action = "withdraw" if withdraw else "approve" if refusal is None else "refuse"
    path = f"/api/approvals/{quote(approval_id, safe='')}"
    answer = ask("POST", url, path, {"action": action, "reason": refusal or ""})
    done(answer, as_json, f"{approval_id}: {answer['state']}")


@click.command(short_help="The audit trail; with --verify, whether it is whole.")
@click.option("--verify", "verifying", is_flag=True, help="Hold every entry against the chain; exit code 1 on a fault.")
@click.option("--roots", type=click.Path(path_type=Path), help=f"With --verify: the signed roots; key in {_ROOTS_KEY}.")
@click.option("--journal", metavar="URL", help="Read this journal instead of asking a running engine.")
@click.pass_context
@remote
def audit(
    ctx: click.Context, verifying: bool, roots: Path | None, journal: str | None, url: str, as_json: bool
) -> None:
    """Who did what, oldest first; for the auditor. What is verified is what was written, not what is said of it."""
    if roots is not None and not verifying:
        raise CommandError("--roots is for --verify; give both")
    if not verifying and journal is None:
        told = ask("GET", url, "/api/audit")
    else:
        rows = ask("GET", url, "/api/audit?raw=true") if journal is None else _rows_of(journal)
        if verifying:
            ctx.exit(_verified(rows, roots, as_json))
        told = _entries(rows)
    if as_json:
        print_json({"entries": told})
        return
    for entry in told:
        at = datetime.fromtimestamp(entry["at"] / 1e6, UTC).isoformat(timespec="seconds")
        click.echo(f"{entry['seq']:>8}  {at}  {entry['who']}  {entry['what']}  {entry['object']}  {entry['key']}")


def _rows_of(journal: str) -> list[dict[str, Any]]:
    from o2c_twin.integration.service.journal_file import JournalFile

    try:
        return JournalFile(journal).audit_rows()
    except ValueError as bad:
        raise CommandError(str(bad)) from bad


def _entries(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    import msgspec

    from o2c_twin.integration.governance.audit import entries
    from o2c_twin.integration.service.reading import RowsRead

    try:
        return [msgspec.structs.asdict(entry) for entry in entries(RowsRead(rows).rows())]
    except (msgspec.MsgspecError, UnicodeDecodeError) as bad:
        raise CommandError(f"an entry of the audit trail cannot be read: {bad}; see --verify") from bad


def _verified(rows: list[dict[str, Any]], path: Path | None, as_json: bool) -> int:
    from o2c_twin.integration.governance.audit import verify
    from o2c_twin.integration.service.reading import RowsRead
    from o2c_twin.integration.service.roots import read_roots

    key, through = b"", ""
    try:
        roots = [] if path is None else read_roots(path)
    except OSError as missing:
        raise CommandError(f"{path}: cannot be read: {missing.strerror}; give the file of the roots") from missing
    except ValueError as bad:
        raise CommandError(str(bad)) from bad
    if path is not None:
        key = os.environ.get(_ROOTS_KEY, "").encode()
        if len(key) < 16:
            raise CommandError(f"roots are held against their key; put it into {_ROOTS_KEY}")
        through = (datetime.now(UTC).date() - timedelta(1)).isoformat()
    verdict = verify(RowsRead(rows), roots, key, through)
    faults = [{"kind": fault.kind, "place": fault.place, "message": fault.message} for fault in verdict.faults]
    if as_json:
        print_json({"entries": verdict.entries, "roots": len(roots), "sound": verdict.sound, "faults": faults})
    else:
        for fault in faults:
            click.echo(f"{fault['kind']} at {fault['place']}: {fault['message']}")
        said = "nothing was changed" if verdict.sound else f"{len(faults)} faults"
        click.echo(f"{verdict.entries} entries, {len(roots)} signed days: {said}")
    return 0 if verdict.sound else 1


COMMANDS = (backfill, erase, approvals, approve, audit)
"""Of this module."""

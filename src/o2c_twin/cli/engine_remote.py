"""`o2c engine status, cases, replay, undo, pause, resume`: what one role does with an engine that runs."""

from datetime import UTC, datetime
from typing import Any

import click

from o2c_twin.cli.engine_client import ask, done, remote
from o2c_twin.cli.terminal import console, print_json


@click.command(short_help="How the engine is doing.")
@remote
def status(url: str, as_json: bool) -> None:
    """Counts of events, effects and cases, each system's line, source and edge, and what is paused.

    Of a source: its events that wait, since when the oldest does, and when it was last asked what it has changed. Of an
    edge: whether it is there, what waits in it, and what it has put aside, the oldest since when.
    """
    told = ask("GET", url, "/api/status")
    if as_json:
        print_json(told)
        return
    for name, count in sorted(told["counts"].items()):
        click.echo(f"{name:<16}{count:>10,}")
    for name, line in told["lines"].items():
        state = "does not answer" if line["breaker_open"] else "answers"
        click.echo(f"{name:<16}{line['calls']:>10,} calls, {line['throttled']:,} throttled, {state}")
    for name, source in told["sources"].items():
        click.echo(f"{name:<16}{_source(source, told['now'])}")
    for name, edge in told["edges"].items():
        click.echo(f"{name:<16}{_edge(edge, told['now'])}")
    click.echo(f"paused: {', '.join(told['paused']) or 'nothing'}")


def _source(source: dict[str, Any], now: int) -> str:
    waits = f"{source['open']:>10,} open"
    if source["oldest_open"] is not None:
        waits += f", the oldest for {_for(source['oldest_open'], now)}"
    if source["parked"] or source["dead"]:
        waits += f", {source['parked']:,} parked, {source['dead']:,} dead"
    if "trigger" not in source:
        return waits
    asked = "never asked" if source["asked_at"] is None else f"asked {_for(source['asked_at'], now)} ago"
    return f"{waits}; {source['trigger']}, {asked}"


def _edge(edge: dict[str, Any], now: int) -> str:
    if not edge["there"]:
        return f"{edge['kind']}, away: {edge.get('away') or 'not reached yet'}"
    aside, since = edge.get("dead_letters", edge.get("refused")), edge.get("oldest_dead")
    told = f"{edge['kind']}, {edge['waiting'] or 0:,} waiting"
    if edge.get("oldest") is not None:
        told += f", the oldest for {_for(edge['oldest'], now)}"
    told += f", {aside or 0:,} put aside"
    if since is not None:
        told += f", the oldest for {_for(since, now)}"
    return told if edge.get("seen_at") is None else f"{told}; looked at {_for(edge['seen_at'], now)} ago"


def _for(since: int, now: int) -> str:
    """How long ago, to be read at a glance."""
    seconds = max(0, now - since) // 1_000_000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


@click.command(short_help="The cases people must settle.")
@click.option(
    "--state", type=click.Choice(["open", "closed", "replayed", "compensated"]), help="Only cases in this state."
)
@remote
def cases(state: str | None, url: str, as_json: bool) -> None:
    """Every case: since when, whose, why."""
    told = ask("GET", url, f"/api/cases?state={state}" if state else "/api/cases")
    if as_json:
        print_json({"cases": told})
        return
    from rich.table import Table

    table = Table("case", "state", "kind", "owner", "since", "reason", box=None)
    for case in told:
        since = datetime.fromtimestamp(case["opened_at"] / 1e6, UTC).strftime("%Y-%m-%d %H:%M")
        table.add_row(case["case_id"], case["state"], case["kind"], case["owner"], since, case["reason"])
    console().print(table if told else "no cases")


@click.command(short_help="Work a case once more, undo what was done for it, or close it.")
@click.argument("case_id")
@click.option("--close", "closing", is_flag=True, help="Close it: a person settled it outside. Needs --note.")
@click.option("--compensate", "undoing", is_flag=True, help="Undo what was done before it failed. Needs --note.")
@click.option("--note", default="", help="What was done; it is on the audit trail.")
@click.option("--result", help="With --close: the id of what was made by hand.")
@click.option("--approval", help="Where the design asks for four eyes: the id of the approval.")
@remote
def replay(
    case_id: str,
    closing: bool,
    undoing: bool,
    note: str,
    result: str | None,
    approval: str | None,
    url: str,
    as_json: bool,
) -> None:
    """Work the event of CASE_ID again: what is done stays done, what was given up is sent again.

    With --compensate what is done is undone instead, last step first; of what cannot be undone a new case says why
    and what to do.
    """
    if closing and undoing:
        raise click.UsageError("--close and --compensate are two ways to settle a case; give one of them")
    action = "close" if closing else "compensate" if undoing else "replay"
    body = {"action": action, "note": note, "result": result, "approval": approval}
    done(ask("POST", url, f"/api/cases/{case_id}", body), as_json, f"{case_id}: {body['action']} done")


@click.command(short_help="Undo writes that are done.")
@click.argument("keys", nargs=-1, required=True)
@click.option("--note", required=True, help="Why; it is on the audit trail.")
@click.option("--approval", help="Where the design asks for four eyes: the id of the approval.")
@remote
def undo(keys: tuple[str, ...], note: str, approval: str | None, url: str, as_json: bool) -> None:
    """Undo the writes with KEYS, last first, such as order:006... note:order:006... for a deal that was taken back.

    Of what cannot be undone a case says why and what to do.
    """
    body = {"keys": list(keys), "note": note, "approval": approval}
    told = ask("POST", url, "/api/undo", body)
    done(told, as_json, f"{told['undoing']}: under way")


@click.command(short_help="Pause a flow.")
@click.argument("flow")
@remote
def pause(flow: str, url: str, as_json: bool) -> None:
    """Work no event of FLOW until it is resumed; they are taken in and wait."""
    done(ask("POST", url, f"/api/flows/{flow}/pause"), as_json, f"{flow}: paused")


@click.command(short_help="Go on with a paused flow.")
@click.argument("flow")
@remote
def resume(flow: str, url: str, as_json: bool) -> None:
    """Go on with FLOW."""
    done(ask("POST", url, f"/api/flows/{flow}/resume"), as_json, f"{flow}: resumed")


COMMANDS = (status, cases, replay, undo, pause, resume)
"""Of this module."""

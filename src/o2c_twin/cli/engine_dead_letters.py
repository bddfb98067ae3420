"""`o2c engine dead-letters list, revive, discard`: what the broker before the inbox has put aside."""

from datetime import UTC, datetime
from typing import Any

import click

from o2c_twin.cli.engine_client import ask, asked, asking, by_two, done, remote
from o2c_twin.cli.terminal import console, print_json

_PATH = "/api/dead-letters"


@click.group("dead-letters", short_help="What the broker before the inbox has put aside.")
def dead_letters() -> None:
    """Messages that were no event, or that the inbox did not take: they wait at the broker until a person decides."""


@dead_letters.command("list", short_help="The oldest dead letters.")
@click.option("--most", type=click.IntRange(1, 1_000), default=100, show_default=True, help="So many at most.")
@remote
def listed(most: int, url: str, as_json: bool) -> None:
    """Each letter's id, since when it is one, why, and what of its event may be shown: nothing personal is."""
    told = ask("GET", url, f"{_PATH}?most={most}")
    if as_json:
        print_json({"dead_letters": told})
        return
    from rich.table import Table

    table = Table("id", "since", "flow", "record", "lane", "why", box=None)
    for each in told:
        event = each["event"]
        table.add_row(
            each["id"], _when(each["since"]), *(_of(event, n) for n in ("flow", "object_id", "lane")), each["why"]
        )
    console().print(table if told else "no dead letters")


@dead_letters.command(short_help="Send dead letters on again.")
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that the list has, up to 1,000.")
@remote
def revive(ids: tuple[str, ...], everything: bool, url: str, as_json: bool) -> None:
    """Send the letters IDS on to the inbox; what it does not take comes back here."""
    told = ask("POST", url, f"{_PATH}/revive", {"ids": _chosen(ids, everything, url)})
    done(told, as_json, f"{told['revived']} revived")


@dead_letters.command(short_help="End dead letters for good (four eyes).")
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that the list has, up to 1,000.")
@by_two
@remote
def discard(ids: tuple[str, ...], everything: bool, approval: str | None, url: str, as_json: bool) -> None:
    """End the letters IDS: what they told of is known only by the next sweep or comparison.

    Without --approval it is asked for; somebody else approves it, then the same command with --approval does it.
    """
    chosen = _chosen(ids, everything, url)
    if approval is None:
        content = {"letters": ",".join(sorted(chosen))}
        asked(ask("POST", url, "/api/approvals", asking("discard dead letters", "dead letters", content)), as_json)
        return
    told = ask("POST", url, f"{_PATH}/discard", {"ids": chosen, "approval": approval})
    done(told, as_json, f"{told['discarded']} discarded")


def _chosen(ids: tuple[str, ...], everything: bool, url: str) -> list[str]:
    if everything == bool(ids):
        raise click.UsageError("give the ids of letters, or --all")
    return list(dict.fromkeys(ids)) if ids else [each["id"] for each in ask("GET", url, f"{_PATH}?most=1000")]


def _when(since: int | None) -> str:
    return "" if since is None else datetime.fromtimestamp(since / 1e6, UTC).strftime("%Y-%m-%d %H:%M")


def _of(event: dict[str, Any], name: str) -> str:
    return str(event.get(name, ""))


COMMANDS = (dead_letters,)
"""Of this module."""

"""`o2c engine mapping release, status`: other field maps for a running engine, by two people."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from o2c_twin.cli import options
from o2c_twin.cli.engine_client import ask, asked, done, remote
from o2c_twin.cli.errors import CommandError
from o2c_twin.cli.terminal import print_json


@click.command(
    short_help="Propose other maps, or take a proposal into use (four eyes).",
    epilog="""\b
Examples:
  o2c engine mapping release order.yaml      what it would have done to past documents; asks for approval
  o2c engine mapping release --approval apr-3    it takes effect, when somebody else has approved it
""",
)
@click.argument("files", nargs=-1, type=options.path())
@click.option("--alone", is_flag=True, help="FILES in place of all own files in use; else beside them.")
@click.option("--approval", metavar="ID", help="Take into use what this approval, given by somebody else, is for.")
@remote
def release(files: tuple[Path, ...], alone: bool, approval: str | None, url: str, as_json: bool) -> None:
    """Propose FILES (maps, code lists, schemas, rates; or folders of them) to a running engine.

    The engine holds them against both sides, tries them on the documents in its journal, and shows which fields,
    documents and money would have been otherwise. Nothing takes effect until the same command is given with
    --approval. The engine then works by them, after a restart too: what its configuration names no longer counts.
    """
    if (approval is None) == (not files and not alone):
        raise CommandError("give files to propose, or --approval to take what was proposed into use")
    if approval is not None:
        found = next((each for each in ask("GET", url, "/api/approvals") if each["id"] == approval), None)
        if found is None or found["operation"] != "mapping release":
            raise CommandError(f"{approval}: is no approval of maps; see 'o2c engine approvals'")
        answer = ask("POST", url, f"/api/maps/{quote(found['subject'], safe='')}", {"approval": approval})
        done(answer, as_json, f"{answer['in_use']}: in use from now on")
        return
    answer = ask("POST", url, "/api/maps", {**_texts(files), "alone": alone})
    request = ask("POST", url, "/api/approvals", answer["asking"])
    if as_json:
        print_json({**answer, "approval": request})
        return
    from o2c_twin.integration.service.map_changes import lines_of

    for line in lines_of(answer["maps"]):
        click.echo(line)
    if not answer["maps"]:
        click.echo("no map that was there does anything else")
    asked(request, as_json)


@click.command(short_help="The maps a running engine works by.")
@remote
def status(url: str, as_json: bool) -> None:
    """Which maps are in use, in which version; since when, by whom, and what is proposed."""
    told = ask("GET", url, "/api/maps")
    if as_json:
        print_json(told)
        return
    for name, each in told["maps"].items():
        click.echo(f"{name:<28} v{each['version']:<3} {each['hash']}")
    for use in told["used"]:
        by = f"{use['by']}, approved by {use['approved_by']}" if use["approved_by"] else use["by"]
        click.echo(f"{use['id']}: in use since {_day(use['at'])}, by {by}")
    if not told["used"]:
        click.echo("the shipped maps are in use")
    for each in told["proposed"]:
        click.echo(f"{each['release']}: proposed {_day(each['at'])} by {each['by']}")


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%d %H:%M")


def _texts(paths: tuple[Path, ...]) -> dict[str, Any]:
    from o2c_twin.integration.connectors.own_maps import files_of
    from o2c_twin.integration.mappings import MapFiles, MappingError

    there = MapFiles({}, {}, {})
    try:
        for path in paths:
            if path.is_dir():
                there = there.with_files(files_of(path))
            else:
                there = there.with_file(str(path), path.read_text(encoding="utf-8"))
    except MappingError as error:
        raise CommandError(error.problems[0]) from error
    except OSError as error:
        raise CommandError(f"{path}: cannot be read: {error.strerror}; give a map's file") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path}: is not UTF-8; save it as UTF-8") from error
    return {part: dict(getattr(there, part)) for part in ("maps", "codes", "schemas", "rates")}


COMMANDS = (release, status)
"""Of the group `mapping`."""

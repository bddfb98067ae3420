"""`o2c engine mapping`: the field maps, shown, checked, and tried on past documents before they are released."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from o2c_twin.cli import options
from o2c_twin.cli.errors import CommandError, one_line
from o2c_twin.cli.terminal import print_json

if TYPE_CHECKING:
    from o2c_twin.integration.mappings import Difference, MapFiles, MapSet


@click.group(short_help="The field maps: list, guide, check, diff.")
def mapping() -> None:
    """What each field becomes on its way between systems, as files.

    A map's file begins with 'map:', a code list's with 'codes:', a schema's with 'system:'. Files that are given take
    the place of the shipped ones of the same name; a folder has maps/, codes/ and schemas/ of its own.
    """


@mapping.command("list", short_help="All maps.")
@click.argument("files", nargs=-1, type=options.path())
@options.as_json
def list_(files: tuple[Path, ...], as_json: bool) -> None:
    """Every map with its version and the hash of what it does; with FILES in place of the shipped ones."""
    maps = _loaded(files)
    told = [
        {
            "map": name,
            "version": spec.version,
            "hash": maps.content_hash(name),
            "source": spec.source,
            "target": spec.target,
            "owner": spec.owner,
            "since": str(spec.since),
            "entities": list(spec.entities),
        }
        for name, spec in sorted(maps.specs.items())
    ]
    if as_json:
        print_json({"maps": told})
        return
    for each in told:
        click.echo(
            f"{each['map']:<28} v{each['version']:<3} {each['hash']}  {each['source']} -> {each['target']}, "
            f"{each['owner']}, since {each['since']}"
        )


@mapping.command(short_help="The mapping guide, for people.")
@click.argument("files", nargs=-1, type=options.path())
@click.option("--out", type=options.path(), help="A file: HTML when it ends in .html, else Markdown [default: screen].")
def guide(files: tuple[Path, ...], out: Path | None) -> None:
    """What the maps say, made from the files the engine runs; with FILES in place of the shipped ones."""
    from o2c_twin.integration.mappings import guide_html, guide_markdown

    maps = _loaded(files)
    text = guide_html(maps) if out is not None and out.suffix == ".html" else guide_markdown(maps)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{out}: cannot be written: {error.strerror}; give another place") from error
    click.echo(f"the guide to {len(maps.specs)} maps is in {out}")


@mapping.command(short_help="Whether map files may be used.")
@click.argument("files", nargs=-1, required=True, type=options.path())
@options.as_json
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Read FILES, hold them against both sides and each other, and run their examples. Exit code 2 on a problem."""
    from o2c_twin.integration.mappings import MappingError, shipped_maps

    try:
        maps = _files(files).load()
    except MappingError as error:
        if as_json:
            print_json({"sound": False, "problems": list(error.problems)})
        else:
            for problem in error.problems:
                click.echo(f"o2c: error: {one_line(problem)}", err=True)
        ctx.exit(2)
    stale = maps.unversioned(shipped_maps())
    if stale:
        told = [f"map {name}: does something else under the version it was released with; raise it" for name in stale]
        if as_json:
            print_json({"sound": False, "problems": told})
        else:
            for line in told:
                click.echo(f"o2c: error: {line}", err=True)
        ctx.exit(2)
    if as_json:
        print_json({"sound": True, "problems": [], "maps": sorted(maps.specs)})
    else:
        click.echo(f"{len(maps.specs)} maps are sound, their examples hold")


@mapping.command(short_help="What a changed map would have done.")
@click.argument("old", type=options.path())
@click.argument("new", type=options.path())
@click.option("--journal", required=True, metavar="URL", help="The journal with the past, such as sqlite:///engine.db.")
@click.option("--entity", default="", help="As it is in this legal entity.")
@click.option("--config", type=options.path(), help="The service's configuration, where the journal is sealed.")
@options.as_json
def diff(old: Path, new: Path, journal: str, entity: str, config: Path | None, as_json: bool) -> None:
    """Send the past documents of a journal through OLD and NEW: which fields, which documents, what money.

    OLD and NEW are map files (or folders); every map of NEW that does something else than in OLD is tried.
    """
    from o2c_twin.integration.mappings import replay
    from o2c_twin.integration.service.past_documents import SOURCES, past_documents
    from o2c_twin.integration.service.reading import JournalFile
    from o2c_twin.integration.store.sealed import opened_effect

    before, after = _loaded((old,)), _loaded((new,))
    try:
        effects = JournalFile(journal).effects()
    except ValueError as bad:
        raise CommandError(str(bad)) from bad
    vault = _vault(config)
    changed = [
        name
        for name in sorted(after.specs)
        if name in before.specs and after.content_hash(name) != before.content_hash(name)
    ]
    told: dict[str, Any] = {}
    for name in changed:
        maps = [each.compiled(name, entity if entity in each.specs[name].entities else "") for each in (before, after)]
        if maps[0].spec.source not in SOURCES:
            told[name] = {"documents": 0, "note": f"the journal keeps no {maps[0].spec.source}; nothing was tried"}
            continue
        past = past_documents(effects, maps[0], lambda e: e if vault is None else opened_effect(vault, e))
        told[name] = _difference(replay(maps[0], maps[1], past))
    added = sorted(set(after.specs) - set(before.specs))
    if as_json:
        print_json({"maps": told, "only new": added, "only old": sorted(set(before.specs) - set(after.specs))})
        return
    for name, each in told.items():
        click.echo(f"{name}:")
        for line in each.get("lines", [each.get("note", "")]):
            click.echo(f"  {line}")
        for change in each.get("changes", [])[:20]:
            click.echo(f"  {change['key']}: {_words(change)}")
    if not told:
        click.echo("no map does anything else")


def _difference(found: "Difference") -> dict[str, Any]:
    return {
        "documents": found.documents,
        "fields": found.fields,
        "money": {
            currency: {"old": money.old, "new": money.new, "moved": money.moved}
            for currency, money in sorted(found.money.items())
        },
        "changes": [
            {
                "key": change.key,
                "fields": [
                    {"path": each.path, "old": _plain(each.old), "new": _plain(each.new)} for each in change.fields
                ],
                "currency": change.currency,
                "old_worth": change.old_worth,
                "new_worth": change.new_worth,
                "refused_old": change.refused_old,
                "refused_new": change.refused_new,
            }
            for change in found.changes
        ],
        "lines": list(found.lines()),
    }


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _words(change: dict[str, Any]) -> str:
    if change["refused_new"]:
        return f"newly refused: {change['refused_new']}"
    if change["refused_old"]:
        return "no longer refused"
    return ", ".join(f"{each['path']} {each['old']} -> {each['new']}" for each in change["fields"][:5])


def _vault(config: Path | None) -> Any:
    if config is None:
        return None
    from o2c_twin.integration.connectors.registry import ConfigError
    from o2c_twin.integration.service.config import load_config
    from o2c_twin.integration.service.live_service import open_vault

    try:
        return open_vault(load_config(config, os.environ))
    except ConfigError as bad:
        raise CommandError(str(bad)) from bad


def _loaded(files: tuple[Path, ...]) -> "MapSet":
    from o2c_twin.integration.mappings import MappingError

    try:
        return _files(files).load()
    except MappingError as error:
        more = f" (and {len(error.problems) - 1} more; see 'o2c engine mapping check')" if error.problems[1:] else ""
        raise CommandError(f"{error.problems[0]}{more}") from error


def _files(files: tuple[Path, ...]) -> "MapFiles":
    """The shipped files with those given in their place; a folder stands for itself. Raises `MappingError`."""
    from o2c_twin.integration.mappings import read_folder, shipped_files

    there = shipped_files()
    for path in files:
        if path.is_dir():
            there = read_folder(path)
            if not there.maps:
                raise CommandError(f"{path}: has no maps; give a folder with maps/, codes/ and schemas/, or a file")
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{path}: cannot be read: {error.strerror}; give a map's file") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{path}: is not UTF-8; save it as UTF-8") from error
        there = there.with_file(str(path), text)
    return there

"""`o2c engine mapping`: the field maps, shown, checked, and tried on past documents before they are released."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from o2c_twin.cli import options
from o2c_twin.cli.errors import CommandError, one_line
from o2c_twin.cli.terminal import print_json

if TYPE_CHECKING:
    from o2c_twin.integration.mappings import MapFiles, MapSet


@click.group(short_help="The field maps: list, guide, check, diff, release, status.")
def mapping() -> None:
    """What each field becomes on its way between systems, as files: what the connectors translate by.

    A map's file begins with 'map:', a code list's with 'codes:', a schema's with 'system:' ('extends:' where it adds
    fields), exchange rates with 'rates:'. Files that are given take the place of the shipped ones of the same name, as
    those of 'maps: FOLDER' in a configuration do; a folder has maps/, codes/, schemas/ and rates/.
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
    from o2c_twin.integration.mappings.guide import guide_html, guide_markdown

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
    """Read FILES, hold them against both sides, each other and the connectors, and run their examples.

    Exit code 2 on a problem.
    """
    from o2c_twin.integration.connectors.own_maps import misplaced
    from o2c_twin.integration.mappings import MappingError, shipped_files, shipped_maps

    there, own = shipped_files().maps, dict[str, str]()
    try:
        maps = _maps(files)
        own = {name: spec.file for name, spec in maps.specs.items() if spec.file not in there}
        if problems := list(misplaced(maps, own)):
            raise MappingError(problems)
    except MappingError as error:
        if as_json:
            print_json({"sound": False, "problems": list(error.problems)})
        else:
            for problem in error.problems:
                click.echo(f"o2c: error: {one_line(problem)}", err=True)
        ctx.exit(2)
    stale = [name for name in maps.unversioned(shipped_maps()) if name in own]
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

    OLD and NEW are map files (or folders of them); every map of NEW that does something else than in OLD is tried.
    """
    from o2c_twin.integration.service.journal_file import JournalFile
    from o2c_twin.integration.service.map_changes import differences, lines_of
    from o2c_twin.integration.store.sealed import opened_effect

    before, after = _loaded((old,)), _loaded((new,))
    try:
        effects = JournalFile(journal).effects()
    except ValueError as bad:
        raise CommandError(str(bad)) from bad
    vault = _vault(config)
    told = differences(before, after, entity, effects, lambda e: e if vault is None else opened_effect(vault, e))
    added = sorted(set(after.specs) - set(before.specs))
    if as_json:
        print_json({"maps": told, "only new": added, "only old": sorted(set(before.specs) - set(after.specs))})
        return
    for line in lines_of(told):
        click.echo(line)
    if not told:
        click.echo("no map does anything else")


def _vault(config: Path | None) -> Any:
    if config is None:
        return None
    from o2c_twin.integration.connectors.registry import ConfigError
    from o2c_twin.integration.service.config_loading import load_config
    from o2c_twin.integration.service.live_service import open_vault

    try:
        return open_vault(load_config(config, os.environ))
    except ConfigError as bad:
        raise CommandError(str(bad)) from bad


def _loaded(files: tuple[Path, ...]) -> "MapSet":
    from o2c_twin.integration.mappings import MappingError

    try:
        return _maps(files)
    except MappingError as error:
        more = f" (and {len(error.problems) - 1} more; see 'o2c engine mapping check')" if error.problems[1:] else ""
        raise CommandError(f"{error.problems[0]}{more}") from error


def _maps(files: tuple[Path, ...]) -> "MapSet":
    """The maps with these files; examples of the shipped ones were tried before. Raises `MappingError`."""
    from o2c_twin.integration.mappings import shipped_files

    there, found = shipped_files().maps, _files(files)
    return found.load(tried=[name for name in found.maps if name not in there])


def _files(files: tuple[Path, ...]) -> "MapFiles":
    """The shipped files with those given in their place. Raises `MappingError`."""
    from o2c_twin.integration.connectors.own_maps import files_of
    from o2c_twin.integration.mappings import shipped_files

    there = shipped_files()
    for path in files:
        if path.is_dir():
            there = there.with_files(files_of(path))
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{path}: cannot be read: {error.strerror}; give a map's file") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{path}: is not UTF-8; save it as UTF-8") from error
        there = there.with_file(str(path), text)
    return there

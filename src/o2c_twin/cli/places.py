"""Where a command writes: whole or not at all, and never over what is not its own."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from o2c_twin.cli.errors import CommandError

_MAKING = ".making-"
MANIFEST = "manifest.json"


@contextmanager
def record_at(out: Path) -> Iterator[Path]:
    """Gives an empty directory to write a run record into; when the block ends well its files are put into ``out``.

    ``out`` may be missing, empty, or hold a run record and nothing else, which is then replaced. Raises
    `CommandError` for anything else there and when it cannot be written; then nothing has changed.
    """
    check_record_place(out)
    with _made(out, "directory"):
        making = Path(tempfile.mkdtemp(prefix=_MAKING, dir=out))
        try:
            yield making
            # Without a manifest a directory is an unfinished record, so it goes first and comes last.
            (out / MANIFEST).unlink(missing_ok=True)
            for made in sorted(making.iterdir(), key=lambda each: each.name == MANIFEST):
                made.replace(out / made.name)
        finally:
            shutil.rmtree(making, ignore_errors=True)


def check_record_place(out: Path) -> None:
    """Raises `CommandError` unless a record may be written there (see `record_at`)."""
    from o2c_twin.run_record import TABLES

    there = _listed(out)
    if not there:
        return
    known = {MANIFEST, *(f"{table.name}.parquet" for table in TABLES)}
    if strays := sorted(set(there) - known):
        raise CommandError(f"{out} holds what is no run record ({_some(strays)}); choose another --out")
    if not _is_ours(out / MANIFEST):
        raise CommandError(f"{out} is not empty and no finished run record; choose another --out, or empty it")


def check_folder(out: Path, own: Iterable[str]) -> None:
    """Raises `CommandError` when the folder holds anything but files of these names."""
    if strays := sorted(set(_listed(out)) - set(own)):
        raise CommandError(f"{out} holds what is not from here ({_some(strays)}); choose another --out")


@contextmanager
def file_at(path: Path) -> Iterator[Path]:
    """Gives a path to write a file to, which becomes ``path`` when the block ends well. Raises `CommandError`."""
    if path.is_dir():
        raise CommandError(f"{path} is a directory; give the name of a file")
    with _made(path.parent, "file"):
        handle, name = tempfile.mkstemp(prefix=_MAKING, suffix=path.suffix, dir=path.parent)
        os.close(handle)
        making = Path(name)
        try:
            yield making
            making.chmod(0o666 & ~_umask())
            making.replace(path)
        finally:
            making.unlink(missing_ok=True)


@contextmanager
def _made(folder: Path, what: str) -> Iterator[None]:
    """The folder is there in the block; folders made for it go again when the block fails."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        _take_away(missing)
        raise CommandError(f"cannot write to {folder}: {error.strerror or error}; choose another {what}") from error
    except BaseException:
        _take_away(missing)
        raise


def _take_away(folders: Iterable[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return


def _listed(out: Path) -> list[str]:
    try:
        return [each.name for each in out.iterdir() if not each.name.startswith(_MAKING)]
    except FileNotFoundError:
        return []
    except NotADirectoryError as error:
        raise CommandError(f"{out} is no directory; choose another --out") from error
    except OSError as error:
        raise CommandError(f"cannot write to {out}: {error.strerror}; choose another --out") from error


def _is_ours(manifest: Path) -> bool:
    try:
        found = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and {"schema_version", "trace_hash"} <= set(found)


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

"""What is shown to a person: progress on standard error, tables and notes on standard output, or one JSON object."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

Progress = Callable[[float], None]
# Where no terminal tells its width: wide enough for a comparison, and for a log to be read.
_WIDTH = 100
_STEP = 0.005


def print_json(answer: Mapping[str, Any]) -> None:
    """The one JSON object of ``--json``."""
    click.echo(json.dumps(answer, indent=2, allow_nan=False))


def console() -> "Console":
    """Standard output, for tables; text is shown as it is, without markup."""
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False, width=None if sys.stdout.isatty() else _WIDTH)


@contextmanager
def progress_of(title: str) -> Iterator[Progress]:
    """A progress bar on a terminal, nothing elsewhere: call it with the share done, 0 to 1."""
    if not sys.stderr.isatty():
        yield lambda share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<28.28}", markup=False), BarColumn(40), TaskProgressColumn())
    screen = Console(stderr=True, markup=False, highlight=False)
    # No thread refreshes it: a simulation refuses threads, and calls often enough itself.
    with Progress(*columns, TimeElapsedColumn(), console=screen, auto_refresh=False) as bar:
        task = bar.add_task(title, total=1.0)
        drawn = 0.0

        def show(share: float) -> None:
            nonlocal drawn
            if share >= 1.0 or share - drawn >= _STEP:
                drawn = share
                bar.update(task, completed=share, refresh=True)

        yield show


def note(text: str) -> None:
    """A remark for a person, on standard error and only if that is a terminal."""
    if sys.stderr.isatty():
        click.echo(text, err=True)

"""Options that several commands share, and how ``--set`` is read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def choices(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """``--set axis=value`` as pairs; whether axis and value exist is for the scenario to say."""
    pairs = []
    for text in given:
        axis, equals, choice = (part.strip() for part in text.partition("="))
        if not (equals and axis and choice):
            raise click.BadParameter(f"'{text}' is not of the form axis=value, e.g. delivery=naive-retry", ctx, param)
        if axis in ("seed", "orders", "days"):
            raise click.BadParameter(f"'{axis}' is no design axis; use --{axis} {choice}", ctx, param)
        pairs.append((axis, choice))
    return tuple(pairs)


def figures(command: F) -> F:
    """``--seed``, ``--orders``, ``--days``: the figures that replace the scenario's own."""
    for name, least, help in (
        ("--days", 1, "Days of business [default: the scenario's own]."),
        ("--orders", 1, "Deals won in all those days [default: the scenario's own]."),
        ("--seed", 0, "Seed of all chance: the same seed, the same run [default: the scenario's own]."),
    ):
        command = click.option(name, metavar="N", callback=whole_number(least), help=help)(command)
    return command


def whole_number(least: int) -> Callable[[click.Context, click.Parameter, str | None], int | None]:
    """The callback of an option that takes a whole number of at least ``least``."""

    def read(ctx: click.Context, param: click.Parameter, text: str | None) -> int | None:
        if text is None:
            return None
        if not text.isdecimal() or len(text) > 18 or int(text) < least:
            raise click.BadParameter(f"'{text}' is no whole number of at least {least}", ctx, param)
        return int(text)

    return read


def as_json(command: F) -> F:
    """``--json``: one JSON object on standard output and nothing else there."""
    option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
    return option(command)


def path(**options: Any) -> click.Path:
    """A path that the command itself judges, so that its message names the remedy."""
    return click.Path(path_type=Path, **options)

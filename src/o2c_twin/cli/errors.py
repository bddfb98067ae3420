"""What a command says when it cannot do what it was asked: one line, exit code 2."""

from collections.abc import Sequence

import click


class CommandError(click.ClickException):
    """Bad input or a place that cannot be written; the message names it and the remedy."""

    exit_code = 2


def first_of(problems: Sequence[str], where: str = "the file") -> CommandError:
    """The first of several problems as an error, with the number of the others."""
    more = len(problems) - 1
    rest = f" (and {more} more {'problem' if more == 1 else 'problems'} in {where})" if more else ""
    return CommandError(f"{problems[0]}{rest}")


def one_line(message: str) -> str:
    """A message without line breaks and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in message).split())

"""The one error of this room: a scenario that cannot be used, with place and remedy."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class ScenarioError(ValueError):
    """A scenario that cannot be read, found or planned.

    ``problems`` holds one line a problem, in the order of the file; each names the place
    (``file:line:column`` where there is a file) and the remedy.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def shown(given: str) -> str:
    """A text of the file for a message of one line: without control characters, and not longer than it helps."""
    plain = "".join(c if c.isprintable() else " " for c in given)
    return f"'{plain}'" if len(plain) <= 60 else f"'{plain[:57]}...'"


def known(given: str, names: Iterable[str]) -> str:
    """The remedy for a name that does not exist: the nearest one, and all there are."""
    there = list(names)
    near = get_close_matches(given, there, 1, 0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"{hint}there are: {', '.join(there)}"

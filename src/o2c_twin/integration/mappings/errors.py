"""What can be wrong with a map: in its file (with place and remedy), or with a document it is given."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class MappingError(ValueError):
    """Maps that cannot be used.

    ``problems`` holds one line a problem: ``file:line:column: what is wrong; the remedy``.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class NotMapped(ValueError):
    """A document a map refuses: ``map`` its name, ``field`` the path of the source, ``reason`` with the remedy."""

    def __init__(self, map_name: str, field: str, reason: str) -> None:
        super().__init__(f"map {map_name}: {field}: {reason}")
        self.map = map_name
        self.field = field
        self.reason = reason


def shown(given: object) -> str:
    """A text of a file for a message of one line."""
    plain = "".join(c if c.isprintable() else " " for c in str(given))
    return f"'{plain}'" if len(plain) <= 60 else f"'{plain[:57]}...'"


def known(given: object, names: Iterable[str]) -> str:
    """The remedy for a name that does not exist: the nearest one, and those there are."""
    there = list(names)
    near = get_close_matches(str(given), there, 1, 0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"{hint}there are: {', '.join(there) if there else 'none'}"

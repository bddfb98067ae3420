"""Finding scenarios: the shipped catalogue by name, a user's file by its path."""

from importlib.resources import files
from pathlib import Path

from o2c_twin.scenarios.errors import ScenarioError, known, shown
from o2c_twin.scenarios.reader import parse
from o2c_twin.scenarios.scenario import Scenario

_SUFFIXES = (".yaml", ".yml")


def names() -> list[str]:
    """The names of the shipped scenarios, in alphabetical order."""
    shelf = files("o2c_twin.scenarios").joinpath("catalogue")
    return sorted(each.name.removesuffix(".yaml") for each in shelf.iterdir() if each.name.endswith(".yaml"))


def text_of(name: str) -> str:
    """The file of a shipped scenario as it is, a start for one's own. Raises `ScenarioError` for no such name."""
    if name not in names():
        raise ScenarioError([f"no scenario {shown(name)}; {known(name, names())}"])
    return files("o2c_twin.scenarios").joinpath("catalogue", f"{name}.yaml").read_text(encoding="utf-8")


def catalogue() -> list[Scenario]:
    """All shipped scenarios: first those without a naive design, then the failures with their cures."""
    return sorted((_shipped(name, ()) for name in names()), key=lambda s: (bool(s.naive), s.name))


def load(path_or_name: Path | str) -> Scenario:
    """A shipped scenario by name, or the one in a file (a path, or anything that ends in .yaml or .yml).

    Raises `ScenarioError` with place and remedy of everything that is wrong.
    """
    given = str(path_or_name)
    if isinstance(path_or_name, str) and given in names():
        return _shipped(given, ())
    path = Path(given)
    named = isinstance(path_or_name, str) and path.suffix not in _SUFFIXES and len(path.parts) <= 1
    if named and not path.is_file():
        raise ScenarioError(
            [f"no scenario {shown(given)}; {known(given, names())}; or give a file such as ./mine.yaml"]
        )
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError([f"{given}: cannot be read ({error.strerror}); {_remedy(path)}"]) from error
    except UnicodeDecodeError as error:
        raise ScenarioError([f"{given}: not UTF-8 text (byte {error.start}); save the file as UTF-8"]) from error
    except ValueError as error:
        raise ScenarioError([f"{shown(given)} is no path ({error}); there are: {', '.join(names())}"]) from error
    return parse(text, given, lambda name: _shipped(name, ()))


def _shipped(name: str, below: tuple[str, ...]) -> Scenario:
    """A shipped scenario; ``below`` are those that extend it."""
    if name in below:
        raise ScenarioError([f"'{name}' extends itself ({' -> '.join((*below, name))}); break the circle"])
    return parse(text_of(name), f"{name}.yaml", lambda base: _shipped(base, (*below, name)))


def _remedy(path: Path) -> str:
    if path.is_dir():
        return "give the scenario file in it"
    return f"check the path, or take a shipped scenario: {', '.join(names())}"

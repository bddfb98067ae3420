"""Writes the folders of a new mock system from the templates, all of it or nothing."""

import keyword
import re
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from o2c_twin.mock_systems.scaffold.roles import ROLES

VENDORS = Path("src") / "o2c_twin" / "mock_systems" / "vendors"
TESTS = Path("tests") / "mock_systems" / "vendors"
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 20
_PACKAGE = ("__init__.py", "config.py", "dialect.py", "operations.py", "errors.py", "limits.py", "facts.md")
_TESTS = ("conftest.py", "test_{name}_first_call.py", "test_{name}_to_do.py")


class ScaffoldError(Exception):
    """The folder cannot be begun; the message names what is wrong and the remedy. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What was written: the dialect's folder, its tests' folder, every file, relative to the checkout as given."""

    package: Path
    tests: Path
    files: tuple[Path, ...]


def scaffold(name: str, role: str, root: Path) -> Scaffold:
    """Begin mock system ``name`` about the core of ``role`` in the checkout at ``root``.

    Raises `ScaffoldError` for a bad name, an unknown role, a root that is no checkout, or folders that exist;
    OSError when a file cannot be written.
    """
    if role not in ROLES:
        raise ScaffoldError(f"no role {role!r}; there are: {', '.join(ROLES)}")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST or keyword.iskeyword(name):
        raise ScaffoldError(
            f"{name!r} cannot be a folder of Python code: use lower-case letters, digits and single underscores, "
            f"a letter first, {_LONGEST} at most, such as acme_erp"
        )
    if not (root / VENDORS).is_dir():
        raise ScaffoldError(f"{root} is no checkout of the project: it has no {VENDORS}; name one with --dir")
    package, tests = root / VENDORS / name, root / TESTS / name
    for folder in (package, tests):
        if folder.exists():
            raise ScaffoldError(f"{folder} exists already, and nothing is overwritten; choose another name")
    written = _render(name, role, package, tests)
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    return Scaffold(package, tests, tuple(written))


def _render(name: str, role: str, package: Path, tests: Path) -> dict[Path, str]:
    loader = PackageLoader("o2c_twin.mock_systems.scaffold")
    templates = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    known = {
        "name": name,
        "title": name.replace("_", " ").title(),
        "prefix": "".join(part.capitalize() for part in name.split("_")),
        "role": ROLES[role],
        "package": f"o2c_twin.mock_systems.vendors.{name}",
    }
    written = {package / file: templates.get_template(f"{file}.j2").render(known) for file in _PACKAGE}
    for pattern in _TESTS:
        file = pattern.format(name=name)
        written[tests / file] = templates.get_template(f"tests/{pattern.format(name='name')}.j2").render(known)
    return written

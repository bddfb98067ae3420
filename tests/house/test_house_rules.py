"""Rules of the house that no linter holds."""

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "src").rglob("*.py"))
MOST_LINES = 500

_REGISTRIES = re.compile(
    r"\b(pypi\.org|pythonhosted\.org|npmjs\.(org|com)|yarnpkg\.com|proxy\.golang\.org|crates\.io|anaconda\.(org|com)"
    r"|repo1?\.maven\.(apache\.)?org|rubygems\.org)\b"
)
# A path of one machine: the checkout itself, a home, or where containers mount their work. In a URL it follows a host.
_MACHINE_PATHS = re.compile(
    rf"{re.escape(str(ROOT))}\b|(?<![\w.:/}}-])/(root|work|workspace|builds|home/\w+|Users/\w+)/\w|[A-Z]:\\+Users\\"
)
_NOT_OURS = re.compile(r"\..*|build|dist|out|node_modules|__pycache__|.*\.egg-info")


def _places(text: str, pattern: re.Pattern[str]) -> list[int]:
    return [number for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]


def _kept_files() -> Iterator[Path]:
    """Every file that belongs to the project, as far as the names of folders tell."""
    for folder, below, names in os.walk(ROOT):
        here = Path(folder)
        below[:] = [
            name
            for name in below
            if name in {".ci", ".github"} or not (_NOT_OURS.fullmatch(name) or (here / name / "pyvenv.cfg").exists())
        ]
        # A .git file (not folder) marks a linked work tree and holds its path.
        yield from (here / name for name in names if name != ".git" and not name.endswith(".pyc"))


def _text_files() -> Iterator[tuple[str, str]]:
    for path in _kept_files():
        try:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # not text


def test_the_house_is_found():
    assert len(MODULES) > 8
    kept = {name for name, _ in _text_files()}
    assert {"pyproject.toml", "src/o2c_twin/__init__.py", "tests/house/test_house_rules.py", ".ci/run"} <= kept


def test_every_module_says_in_its_first_lines_what_it_knows():
    silent = [
        str(path.relative_to(ROOT)) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


def test_no_module_outgrows_one_reason_to_exist():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


@pytest.mark.parametrize("pattern", [_REGISTRIES, _MACHINE_PATHS], ids=["registry hosts", "machine paths"])
def test_no_file_names_what_belongs_to_one_machine(pattern):
    found = [f"{name}:{line}" for name, text in _text_files() for line in _places(text, pattern)]
    assert found == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (_REGISTRIES, "see https://" + "pypi" + ".org/project/simpy"),
        (_MACHINE_PATHS, "open('/ho" + "me/ada/o2c')"),
        (_MACHINE_PATHS, "cd /wo" + "rk/checkout"),
        (_MACHINE_PATHS, str(ROOT)),
    ],
)
def test_what_belongs_to_one_machine_is_recognised(pattern, text):
    assert _places(text, pattern) == [1]


@pytest.mark.parametrize("text", ["https://example.com/work/orders", "GET /web/home/x", "src/work/flow.py"])
def test_a_path_in_a_url_belongs_to_no_machine(text):
    assert _places(text, _MACHINE_PATHS) == []


def test_every_package_asked_for_has_its_version_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = {
        canonicalize_name(Requirement(line).name)
        for line in [*project["dependencies"], *extras["test"], *extras["lint"]]
    }
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert [str(pin) for pin in pins if [mark.operator for mark in pin.specifier] != ["=="]] == []
    assert sorted(asked - {canonicalize_name(pin.name) for pin in pins}) == []

"""A new system's folder: it answers at once, it is clean code, and its tests say what is to be done."""

import asyncio
import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from o2c_twin.mock_systems import catalogue, vendors
from o2c_twin.mock_systems.scaffold import ROLES, ScaffoldError, scaffold
from o2c_twin.mock_systems.wire.message import Request
from o2c_twin.mock_systems.wire.server import MockServer

ROOT = Path(__file__).parents[3]
VENDORS = Path("src/o2c_twin/mock_systems/vendors")
TESTS = Path("tests/mock_systems/vendors")
# The generated tests import their package from among the vendors of the installed project.
_RUN = (
    "import sys, pytest, o2c_twin.mock_systems.vendors as v; v.__path__.append(sys.argv[1]);"
    "sys.exit(pytest.main(['-q', '--no-header', '-p', 'no:cacheprovider', '--tb=short', *sys.argv[2:]]))"
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A tree like the project's with a new system of every role: the project's own code, linked."""
    root = tmp_path_factory.mktemp("checkout")
    (root / VENDORS).mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", root)
    for folder, left_out in ((Path("src/o2c_twin"), "mock_systems"), (VENDORS.parent, "vendors")):
        for each in (ROOT / folder).iterdir():
            if each.name not in (left_out, "__pycache__"):
                (root / folder / each.name).symlink_to(each)
    (root / VENDORS / "__init__.py").symlink_to(ROOT / VENDORS / "__init__.py")
    for role in ROLES:
        scaffold(f"acme_{role}", role, root)
    return root


@pytest.fixture
def among_vendors(checkout, monkeypatch):
    monkeypatch.setattr(vendors, "__path__", [*vendors.__path__, str(checkout / VENDORS)])
    importlib.invalidate_caches()


def _pytest(checkout, *arguments):
    return subprocess.run(
        [sys.executable, "-c", _RUN, str(checkout / VENDORS), *arguments],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


@pytest.mark.parametrize("role", list(ROLES))
def test_the_new_mock_answers_and_is_in_the_catalogue(among_vendors, role):
    name = f"acme_{role}"
    listed = catalogue.describe(name)
    assert (listed.family, listed.core, listed.operations) == (ROLES[role].family, role, 1)
    assert (listed.standing["assumed"], listed.plans, listed.client.client) == (1, ("standard",), "")
    assert [switch.name for switch in listed.switches] == ["slash_in_ids_is_404"]
    world = catalogue.still_world()
    server = MockServer(name, catalogue.sample(name, world), world)
    headers = {"authorization": f"Bearer {name}-token"}
    (operation,) = server.dialect.routes

    def ask(path, **sent):
        answer = asyncio.run(server.call(Request("GET", path, {}, sent or headers)))
        return answer.status, json.loads(answer.body)["error"]["code"]

    made: dict[str, str] = {}
    exec("\n".join(ROLES[role].seed), {"dialect": server.dialect}, made)
    answer = asyncio.run(server.call(Request("GET", operation.path.replace("{id}", made["record_id"]), {}, headers)))
    body = json.loads(answer.body)
    assert (answer.status, body["id"]) == (200, made["record_id"])
    assert list(body) == ["id", *(field for field, _ in ROLES[role].fields)]
    assert ask(operation.path.replace("{id}", "nobody")) == (404, "not_found")
    assert ask(operation.path, authorization="Bearer no") == (401, "unauthorized")
    assert ask("/v9") == (404, "not_found")
    assert server.journal.entries[-1].operation == "not modelled"


def test_the_generated_tests_pass_where_it_works_and_say_what_to_do_where_not(checkout):
    told = _pytest(checkout, str(TESTS / "acme_erp"))
    assert told.returncode == 1, told.stdout
    assert "13 failed, 15 passed" in told.stdout
    assert "first_call.py" not in told.stdout
    flat = told.stdout.replace("\n", " ")
    for instruction in ("Fill facts.md first", "as Erp of connectors/ports.py", "--system acme_erp", "one Promise"):
        assert instruction in flat


def test_the_generated_code_is_clean(checkout):
    pytest.importorskip("mypy")
    pytest.importorskip("ruff")
    made = [str(VENDORS / f"acme_{role}") for role in ROLES]
    # Half of the tree is linked from elsewhere, which ruff would take for somebody else's package.
    ours = ["--no-cache", "--config", 'lint.isort.known-first-party = ["o2c_twin"]']
    for command in (
        ["ruff", "check", *ours, *made, str(TESTS)],
        ["ruff", "format", "--no-cache", "--check", *made, str(TESTS)],
        ["mypy", "--cache-dir", os.devnull, "--follow-imports", "silent", *made],
    ):
        told = subprocess.run(
            [sys.executable, "-m", *command], cwd=checkout, capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("role", list(ROLES))
def test_the_longest_name_is_clean_too(tmp_path, role):
    pytest.importorskip("ruff")
    (tmp_path / VENDORS).mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    scaffold("a_very_long_name_abc", role, tmp_path)
    ours = ["--config", 'lint.isort.known-first-party = ["o2c_twin"]']
    for command in (["check", *ours], ["format", "--check"]):
        told = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("name", ["", "Acme", "1st", "acme-erp", "a__b", "a_", "../up", "class", "a" * 21, "é", "a b"])
def test_a_name_that_is_no_folder_of_code_is_refused(tmp_path, name):
    (tmp_path / VENDORS).mkdir(parents=True)
    with pytest.raises(ScaffoldError, match="lower-case letters, digits and single underscores"):
        scaffold(name, "erp", tmp_path)
    assert list((tmp_path / VENDORS).iterdir()) == []


@pytest.mark.parametrize("there", [VENDORS / "acme", TESTS / "acme"])
def test_nothing_is_overwritten(tmp_path, there):
    (tmp_path / VENDORS).mkdir(parents=True)
    (tmp_path / there).mkdir(parents=True)
    with pytest.raises(ScaffoldError, match="acme exists already, and nothing is overwritten"):
        scaffold("acme", "erp", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_that_is_no_checkout_is_refused(tmp_path):
    with pytest.raises(ScaffoldError, match=r"is no checkout of the project: .*--dir"):
        scaffold("acme", "erp", tmp_path)


def test_a_role_there_is_not_is_refused(tmp_path):
    with pytest.raises(ScaffoldError, match="no role 'mes'; there are: crm, erp, bank, billing, direct_debit"):
        scaffold("acme", "mes", tmp_path)

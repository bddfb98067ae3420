"""The catalogue: every folder of `vendors` is a system, and is listed as what it is."""

import ast
import importlib.util
from pathlib import Path

import pytest

from o2c_twin.mock_systems import catalogue, catalogue_clients, vendors
from o2c_twin.mock_systems.catalogue import CatalogueError
from o2c_twin.mock_systems.catalogue_page import markdown
from o2c_twin.mock_systems.wire.dialect import Dialect

ROOT = Path(__file__).parents[3]
FOLDERS = sorted(
    each.name for each in (ROOT / "src/o2c_twin/mock_systems/vendors").iterdir() if (each / "__init__.py").exists()
)


def test_every_folder_is_listed():
    assert len(FOLDERS) >= 10
    assert list(catalogue.names()) == FOLDERS


@pytest.mark.parametrize("name", FOLDERS)
def test_every_folder_has_one_dialect_and_it_can_be_made(name):
    assert issubclass(catalogue.dialect_class(name), Dialect)
    assert isinstance(catalogue.sample(name, catalogue.still_world()), catalogue.dialect_class(name))


@pytest.mark.parametrize("name", FOLDERS)
def test_what_is_listed_is_what_the_dialect_has(name):
    listed, kind = catalogue.describe(name), catalogue.dialect_class(name)
    assert listed.operations == len(kind.routes) == sum(listed.standing.values())
    for standing, count in listed.standing.items():
        assert count == len([each for each in kind.routes if each.standing == standing])
    assert listed.core in ("crm", "erp", "bank", "billing", "direct_debit")
    assert listed.family in ("crm", "erp", "bank", "payments")
    assert listed.promises == kind.promises
    assert listed.plan in (listed.plans or (listed.plan,))
    assert (listed.operations > 0) == bool(kind.routes)


def test_promises_and_switches_name_what_there_is():
    for each in catalogue.catalogue():
        operations = {operation.name for operation in catalogue.dialect_class(each.name).routes}
        config = catalogue.config_class(each.name)
        if operations:
            assert [p.operation for p in each.promises if p.operation not in operations] == [], each.name
        fields = config.__struct_fields__
        assert [s.name for s in each.switches if s.name.partition(".")[0] not in fields] == [], each.name


def test_known_figures():
    salesforce, central = catalogue.describe("salesforce"), catalogue.describe("business_central")
    assert (salesforce.vendor, salesforce.family, salesforce.core) == ("Salesforce", "crm", "crm")
    assert salesforce.plan == "enterprise"
    assert "110,000 in a day (sliding, by tenant)" in salesforce.limits
    assert central.limits == ("6,000 in 5 minutes (sliding, by user)", "100 calls at once (by user)")
    assert {s.name: s.default for s in central.switches}["oddities.etag_required"] is True
    assert {s.name for s in catalogue.describe("bank_files").switches} >= {"numbers_restart", "corrections"}


def test_the_clients_of_the_table_are_those_the_tests_import():
    packages = {
        "mt-940": "mt940", "bai2": "bai2", "bankstatementparser": "bankstatementparser",
        "pybusinesscentral": "pybusinesscentral", "gocardless_pro": "gocardless_pro", "hubspot-api-client": "hubspot",
        "netsuite": "netsuite", "pyodata": "pyodata", "simple-salesforce": "simple_salesforce", "stripe": "stripe",
    }  # fmt: skip
    for name in catalogue_clients.listed():
        wanted = [part.split()[0] for part in catalogue_clients.known(name, "").client.split(", ") if part]
        imported = set()
        for path in (ROOT / "tests/mock_systems/vendors" / name).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    imported.add(node.module.split(".")[0])
                elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                    imported.add(str(node.args[0].value))  # importorskip
        assert [package for package in wanted if packages[package] not in imported] == [], name


def test_the_documentation_page_is_the_catalogue():
    page = ROOT / "docs" / "systems.md"
    assert page.read_text(encoding="utf-8") == markdown(), "python -m o2c_twin.mock_systems.catalogue_page"


# --- folders that are no systems ----------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """`folder("odd", {"dialect.py": ...})` puts a package among the vendors."""
    monkeypatch.setattr(vendors, "__path__", [*vendors.__path__, str(tmp_path)])

    def put(name, files):
        (tmp_path / name).mkdir()
        for file, text in {"__init__.py": '"""Odd."""\n', **files}.items():
            (tmp_path / name / file).write_text(text, encoding="utf-8")
        importlib.invalidate_caches()

    return put


@pytest.mark.parametrize(
    ("name", "files", "reason"),
    [
        ("odd_empty", {}, r"odd_empty: .*dialect cannot be imported"),
        ("odd_none", {"dialect.py": '"""None."""\n'}, "odd_none: dialect.py must define one class of Dialect.*none"),
        (
            "odd_borrowed",
            {"dialect.py": "from o2c_twin.mock_systems.wire.dialect import Dialect\n"},
            "odd_borrowed: dialect.py must define one class of Dialect.*none",
        ),
        ("odd_broken", {"dialect.py": "def\n"}, "odd_broken: .*cannot be imported"),
        ("odd_two", {"dialect.py": "from o2c_twin.mock_systems.wire.dialect import Dialect\n"
                     "class A(Dialect): ...\nclass B(Dialect): ...\n"}, "odd_two: .* defines A, B"),
        ("odd_unmade", {"dialect.py": "from o2c_twin.mock_systems.wire.dialect import Dialect\n"
                        "class A(Dialect): ...\n"}, "odd_unmade: its package has no make"),
    ],
)  # fmt: skip
def test_a_folder_without_a_dialect_is_told_with_its_name_and_the_remedy(folder, name, files, reason):
    folder(name, files)
    assert name in catalogue.names()
    with pytest.raises(CatalogueError, match=reason):
        catalogue.catalogue() if name == "odd_empty" else catalogue.describe(name)


def test_a_system_there_is_not_is_refused_with_those_there_are():
    with pytest.raises(CatalogueError, match="no mock system 'sap'; there are: bank_files, "):
        catalogue.describe("sap")

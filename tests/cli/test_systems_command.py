"""`o2c systems`: what is listed, and what a new folder's command says."""

import pytest
from click.testing import CliRunner

from o2c_twin.cli.main import CommandLine
from o2c_twin.cli.systems import ROLES, systems
from o2c_twin.mock_systems import catalogue
from o2c_twin.mock_systems.scaffold import ROLES as CORES

_VENDORS = "src/o2c_twin/mock_systems/vendors"


@pytest.fixture
def call(tmp_path, monkeypatch):
    """`call("--json")` gives exit code, output and error line of `o2c systems --json`, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    group = CommandLine("o2c", commands=[systems])

    def call(*arguments):
        told = CliRunner().invoke(group, ["systems", *arguments], catch_exceptions=False)
        return told.exit_code, told.stdout, told.stderr

    return call


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / _VENDORS).mkdir(parents=True)
    return tmp_path


def test_all_systems_are_listed(call):
    code, out, _ = call()
    assert code == 0
    for name in catalogue.names():
        assert name in out
    assert "simple-salesforce" in out


def test_json_is_one_object_with_every_system(call):
    import json

    code, out, err = call("--json")
    assert (code, err) == (0, "")
    listed = {each["name"]: each for each in json.loads(out)["systems"]}
    assert tuple(listed) == catalogue.names()
    central = listed["business_central"]
    assert (
        central["standing"]["documented"] + central["standing"]["recorded"] + central["standing"]["assumed"]
        == (central["operations"])
    )
    assert central["client"] == "pybusinesscentral 3.10.0"
    assert central["switches"]["oddities.etag_required"] is True
    assert {"operation": "salesOrders.create", "guard": "query"} in central["promises"]
    assert listed["legacy_erp"]["client"] is None


def test_a_folder_without_a_dialect_is_one_error_line(call, monkeypatch):
    def broken():
        raise catalogue.CatalogueError("mock system odd: dialect.py must define one class of Dialect")

    monkeypatch.setattr(catalogue, "catalogue", broken)
    assert call() == (2, "", "o2c: error: mock system odd: dialect.py must define one class of Dialect\n")


def test_a_new_system_is_begun_here(call, checkout):
    code, out, err = call("new", "acme", "--role", "bank")
    assert (code, err) == (0, "")
    assert f"{_VENDORS}/acme/dialect.py\n" in out
    assert "pytest tests/mock_systems/vendors/acme" in out
    assert (checkout / _VENDORS / "acme" / "facts.md").read_text().startswith("# Acme: facts")


def test_a_new_system_is_begun_elsewhere_and_told_as_json(call, checkout):
    import json

    code, out, _ = call("new", "acme", "--role", "direct_debit", "--dir", str(checkout), "--json")
    told = json.loads(out)
    assert (code, told["system"], told["role"], len(told["files"])) == (0, "acme", "direct_debit", 10)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("new", "Acme", "--role", "erp"), "'Acme' cannot be a folder of Python code"),
        (("new", "acme", "--role", "mes"), "Invalid value for '--role'"),
        (("new", "acme"), "Missing option '--role'"),
        (("new", "acme", "--role", "erp", "--dir", "nowhere"), "nowhere is no checkout of the project"),
    ],
)
def test_what_cannot_be_done_is_one_line(call, checkout, arguments, reason):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert reason in err
    assert err.count("\n") == 1


def test_a_place_that_cannot_be_written_is_one_line(call, checkout):
    (checkout / "tests").write_text("a file where a folder should be")
    code, _, err = call("new", "acme", "--role", "erp")
    assert (code, err.count("\n")) == (2, 1)
    assert "cannot write" in err


def test_the_roles_offered_are_those_there_are():
    assert tuple(CORES) == ROLES

"""Nonsense is refused by every system: nothing crashes, and nothing is half done.

A hundred requests a system here; ``benchmarks/fuzz_systems.py`` sends as many as one likes.
"""

import importlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from o2c_twin.mock_systems import catalogue
from o2c_twin.mock_systems.wire.message import Response

_PROGRAM = Path(__file__).parents[3] / "benchmarks" / "fuzz_systems.py"


@pytest.fixture(scope="module")
def fuzzing():
    sys.path.insert(0, str(_PROGRAM.parent))
    yield importlib.import_module("fuzz.session")
    sys.path.remove(str(_PROGRAM.parent))


@pytest.mark.parametrize("name", catalogue.names())
def test_a_hundred_requests_nobody_should_send(fuzzing, name):
    report = fuzzing.fuzz(name, 100)
    assert [(f.operation, f.kind, f.detail, f.request) for f in report.findings.values()] == []
    assert report.requests == 100
    if catalogue.describe(name).operations:
        assert report.statuses[200] > 5, "nothing was let in: the login does not work"
        assert sum(count for status, count in report.statuses.items() if status >= 400) > 10


def test_what_a_system_does_wrong_is_found(fuzzing, monkeypatch):
    def crash(dialect, call):
        raise ZeroDivisionError("half a cent")

    def fail(dialect, call):
        dialect.core.open_account(f"DE{len(dialect.core.state.accounts)}", "EUR", "Nobody")
        status = 409 if len(dialect.core.state.accounts) % 2 else 500
        return Response(status, b"{", {"Content-Type": "application/json"})

    kind = catalogue.dialect_class("bank_iso20022")
    spoiled = {"accounts.list": crash, "sandbox.close": fail}
    routes = tuple(replace(op, handler=spoiled.get(op.name, op.handler)) for op in kind.routes)
    monkeypatch.setattr(kind, "routes", routes)
    report = fuzzing.fuzz("bank_iso20022", 300)
    found = {(f.operation, f.kind) for f in report.findings.values()}
    assert ("accounts.list", "exception") in found
    assert {("sandbox.close", "5xx"), ("sandbox.close", "not JSON"), ("sandbox.close", "refused but changed")} <= found
    (crashed,) = [f for f in report.findings.values() if f.kind == "exception"]
    assert "ZeroDivisionError" in crashed.detail
    assert "GET /v1/accounts" in crashed.request


def test_the_command_tells_what_it_sent():
    asked = [sys.executable, str(_PROGRAM), "--requests", "20", "--system", "bank_files"]
    ended = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("bank_files             20 requests,")
    assert ended.stdout.rstrip().endswith("nothing found")

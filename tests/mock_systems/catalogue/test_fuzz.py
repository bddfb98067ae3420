"""Nonsense is refused by every system: nothing crashes, and nothing is half done.

A hundred requests a system here; ``benchmarks/fuzz_systems.py`` sends as many as one likes.
"""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from o2c_twin.mock_systems import catalogue

_PROGRAM = Path(__file__).parents[3] / "benchmarks" / "fuzz_systems.py"


@pytest.fixture(scope="module")
def fuzzing():
    spec = importlib.util.spec_from_file_location("fuzz_systems", _PROGRAM)
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_systems"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["fuzz_systems"]


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
        return fuzzing.Response(
            409 if len(dialect.core.state.accounts) % 2 else 500, b"{", {"Content-Type": "application/json"}
        )

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

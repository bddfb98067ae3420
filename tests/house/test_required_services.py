"""A test that needs a real service says so, and CI cannot pass by skipping it."""

import pytest


@pytest.fixture(autouse=True)
def _no_service_configured(monkeypatch):
    monkeypatch.delenv("O2C_NO_SUCH_URL", raising=False)
    monkeypatch.delenv("O2C_REQUIRE_SERVICES", raising=False)


def _cannot_start():
    raise FileNotFoundError("no-such-program")


@pytest.mark.parametrize("start", [None, _cannot_start])
def test_a_missing_service_skips_at_home_and_fails_in_ci(require_service, monkeypatch, start):
    with pytest.raises(pytest.skip.Exception, match="O2C_NO_SUCH_URL"):
        require_service("no-such", start)
    monkeypatch.setenv("O2C_REQUIRE_SERVICES", "1")
    with pytest.raises(pytest.fail.Exception, match="O2C_NO_SUCH_URL"):
        require_service("no-such", start)


def test_a_configured_service_is_used_before_one_is_started(require_service, monkeypatch):
    assert require_service("no-such", lambda: "started") == "started"
    monkeypatch.setenv("O2C_NO_SUCH_URL", "configured")
    assert require_service("no-such", lambda: "started") == "configured"


def test_a_start_that_fails_for_another_reason_is_an_error(require_service):
    def broken():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        require_service("no-such", broken)

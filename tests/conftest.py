"""What every test may count on: property tests that repeat, and services that cannot go missing unnoticed."""

import gc
import os
from collections.abc import Callable
from typing import Protocol

import pytest
from hypothesis import HealthCheck, settings

# Thousands of tests are found and kept until the end. The garbage collector would walk all of them many times while
# they are found, and again at the start of every run of a plan: it waits until they are there, and leaves them alone.
gc.disable()

os.environ.setdefault("MPLBACKEND", "Agg")  # figures are drawn without a screen

# "ci" gives the same examples in every run and never judges speed. `--hypothesis-profile search` looks for new ones.
settings.register_profile(
    "ci", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", settings.get_profile("ci"), derandomize=False, max_examples=2_000)
settings.load_profile("ci")


def pytest_collection_finish() -> None:
    """Let the garbage collector work again, on what is made from now on."""
    gc.collect()
    gc.freeze()
    gc.enable()


class RequireService(Protocol):
    """The type of the fixture `require_service`."""

    def __call__(self, name: str, start: Callable[[], str] | None = None) -> str:
        """Return the address of the service called ``name``."""


@pytest.fixture(scope="session")
def require_service() -> RequireService:
    """`require_service("postgres")` gives the address of a real service, or skips the test.

    The address is in the variable O2C_<NAME>_URL, or ``start()`` makes the service and returns it.
    Missing is: no variable, and no ``start`` or one that raises ImportError or OSError.
    Under O2C_REQUIRE_SERVICES=1, as in CI, a missing service fails the test instead.
    """

    def require(name: str, start: Callable[[], str] | None = None) -> str:
        variable = f"O2C_{name.upper().replace('-', '_')}_URL"
        if address := os.environ.get(variable):
            return address
        reason = "nothing here can start it"
        if start is not None:
            try:
                return start()
            except (ImportError, OSError) as error:
                reason = f"it does not start: {error}"
        message = f"service {name!r} is missing: {variable} is not set and {reason}"
        if os.environ.get("O2C_REQUIRE_SERVICES") == "1":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)

    return require

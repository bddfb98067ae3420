"""What the tests of virtual time share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from o2c_twin.twin.time import TwinEnvironment


@pytest.fixture
def env() -> Iterator[TwinEnvironment]:
    """A fresh environment, closed at the end of the test."""
    with TwinEnvironment() as environment:
        yield environment

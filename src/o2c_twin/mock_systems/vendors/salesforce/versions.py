"""The API versions an org answers to."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from o2c_twin.mock_systems.vendors.salesforce import errors
from o2c_twin.mock_systems.wire.message import Response
from o2c_twin.mock_systems.wire.route import Call

DATA = "/services/data/{version}"
VERSIONS = range(31, 69)
"""31 (Summer '14) is the oldest the vendor still serves; 68 the newest its pages show."""
NUMBERS = {f"v{number}.0": number for number in VERSIONS}

Handler = Callable[[Any, Call], Response]


def versioned(handler: Handler) -> Handler:
    """A handler whose path names a version: an unknown one is a resource that is not there."""

    @wraps(handler)
    def checked(dialect: Any, call: Call) -> Response:
        if call.params["version"] not in NUMBERS:
            raise errors.not_found()
        return handler(dialect, call)

    return checked

"""Who speaks to the service: a role, or a person in a role, known by a bearer token."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """``name`` is what the audit trail says: a role, or ``role/person``."""

    role: str
    name: str


def principal(name: str) -> Principal:
    """The principal a token was given to: ``operations`` or ``operations/ann``."""
    return Principal(name.partition("/")[0], name)


def who_is(tokens: Mapping[str, str], authorization: str) -> Principal | None:
    """Whose bearer token an Authorization header holds; None for nobody's."""
    scheme, _, token = authorization.partition(" ")
    found = None
    for name, known in tokens.items():
        # Every token is compared, so that the time taken tells nothing.
        if hmac.compare_digest(known.encode(), token.strip().encode()) and scheme.lower() == "bearer":
            found = principal(name)
    return found

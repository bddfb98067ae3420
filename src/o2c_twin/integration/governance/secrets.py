"""Secrets: from the environment or a key ring, in a wrapper that never shows them."""

import hmac
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NoReturn, Protocol

from o2c_twin.integration.governance.errors import SecretMissing

MASK = "•••"


class Secret:
    """A text that programs use and nobody sees: its repr, str and format are masked, and it is not pickled."""

    __slots__ = ("_text", "name")

    def __init__(self, name: str, text: str) -> None:
        if not text:
            raise ValueError(f"the secret {name} is empty; give it its value")
        self.name = name
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({self.name}, {MASK})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"the secret {self.name} is not written anywhere; read it again where it is needed")


class Ring(Protocol):
    """What is used of a key ring: the package ``keyring`` is one."""

    def get_password(self, service_name: str, username: str) -> str | None:
        """The secret of that name."""
        ...


class Secrets:
    """Where secrets are looked for: the environment first, then the key ring, if there is one."""

    def __init__(self, environment: Mapping[str, str], ring: Ring | None = None, service: str = "o2c-twin") -> None:
        self._environment = environment
        self._ring = ring
        self._service = service

    def get(self, name: str) -> Secret:
        """The secret of a variable such as ``O2C_CRM_CLIENT_SECRET``.

        Raises `SecretMissing` with the variable's name and where to put it, never with what is near it.
        """
        text = self._environment.get(name, "").strip()
        if not text and self._ring is not None:
            text = (self._ring.get_password(self._service, name) or "").strip()
        if not text:
            ring = f", or in the key ring under {self._service!r}" if self._ring is not None else ""
            raise SecretMissing(f"no secret {name}; set it in the environment{ring}")
        return Secret(name, text)


def system_ring() -> Ring:
    """The key ring of this machine. Raises `SecretMissing` when the optional package is not installed."""
    try:
        ring: Any = import_module("keyring")
    except ImportError as error:
        raise SecretMissing("there is no key ring; install keyring, or set secrets in the environment") from error
    found: Ring = ring
    return found

"""What the engine is given: time, chance, and a wire to speak over."""

from collections.abc import Coroutine
from typing import Any, Protocol

import msgspec


class Clock(Protocol):
    """The engine's time."""

    def now(self) -> int:
        """Microseconds since the Unix epoch, UTC."""
        ...


class Draw(Protocol):
    """Keyed chance, for jitter: the same key gives the same number in (0, 1)."""

    def __call__(self, stream: str, *key: str | int) -> float: ...


class Spawn(Protocol):
    """Starts background work on the engine's loop."""

    def __call__(self, work: Coroutine[Any, Any, None], name: str) -> object: ...


class HttpRequest(msgspec.Struct, gc=False):
    """One call: ``url`` is scheme and authority of the system; header names in lower case.

    ``path`` and ``query`` are as they read, not percent-encoded; the port encodes them.
    """

    system: str
    url: str
    method: str
    path: str
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: bytes = b""
    timeout_s: float = 30.0


class HttpAnswer(msgspec.Struct, gc=False):
    """One answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class NotSent(Exception):
    """The call never reached the system: nothing was changed there."""


class NoAnswer(Exception):
    """The call may have reached the system and no usable answer came: what it changed is unknown."""


class HttpPort(Protocol):
    """The wire: a real HTTP client in production, a direct call in virtual time."""

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Send one call. Raises `NotSent` or `NoAnswer`."""
        ...

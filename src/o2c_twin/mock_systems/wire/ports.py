"""What a mock is given by the world it lives in: time, chance, names, and hands to work with."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol


class Clock(Protocol):
    """The world's clock."""

    def now(self) -> int:
        """Microseconds since the Unix epoch, UTC."""
        ...


class Draw(Protocol):
    """Keyed chance: the same key gives the same draw, whatever was drawn before."""

    def __call__(self, stream: str, *key: str | int) -> float:
        """A number in the open interval (0, 1)."""
        ...


class Spawn(Protocol):
    """Starts background work of a mock, such as a webhook delivery, on the world's loop."""

    def __call__(self, work: Coroutine[Any, Any, None], name: str) -> object: ...


Sleep = Callable[[float], Awaitable[None]]
"""Waits that many seconds of the world's time."""

Post = Callable[[str, dict[str, str], bytes], Awaitable[tuple[int, bytes]]]
"""Sends a webhook: url, headers, body; gives HTTP status and body, status 0 when nobody answered."""


class World:
    """The ports of one world, handed to every mock that belongs to it."""

    __slots__ = ("clock", "draw", "post", "sleep", "spawn")

    def __init__(self, clock: Clock, draw: Draw, sleep: Sleep, spawn: Spawn, post: Post) -> None:
        self.clock = clock
        self.draw = draw
        self.sleep = sleep
        self.spawn = spawn
        self.post = post

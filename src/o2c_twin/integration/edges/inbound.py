"""What all edges that are looked at in rounds have in common: a round takes in what is there, and says what."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from o2c_twin.integration.model import Inbound

Receive = Callable[[Inbound], bool]
"""Commits an event to the inbox; False when it is known (`Engine.receive`)."""

_NOTICES = msgspec.json.Decoder(list[Inbound])


class Unreadable(ValueError):
    """What was handed over holds no events; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a round came to: events new to the inbox, events it knew, and pieces that were refused."""

    new: int = 0
    known: int = 0
    refused: int = 0


class InboundEdge(Protocol):
    """A place others put events."""

    async def round(self) -> Taken:
        """Take in what is there now. Raises OSError when the place is not reached; nothing is lost then."""
        ...


async def watch(
    edge: InboundEdge,
    every_s: float,
    sleep: Callable[[float], Awaitable[None]],
    stopped: Callable[[], bool],
    away: Callable[[OSError], None] = lambda error: None,
) -> None:
    """Look at an edge again and again until ``stopped``; ``away`` is told when it is not reached."""
    while not stopped():
        try:
            await edge.round()
        except OSError as error:
            away(error)
        await sleep(every_s)


def notices_of(flows: frozenset[str]) -> Callable[[str, bytes], list[Inbound]]:
    """A reader of `notices` that takes these flows only, and no event without its record and lane: a file of which one
    event cannot be worked is refused whole.
    """

    def read(name: str, data: bytes) -> list[Inbound]:
        events = notices(name, data)
        for number, event in enumerate(events, 1):
            if event.flow not in flows:
                there = ", ".join(sorted(flows))
                raise Unreadable(f"{name}: event {number}: no flow {event.flow!r} is told here; there are: {there}")
            empty = [field for field in ("object_id", "lane") if not getattr(event, field)]
            if empty:
                raise Unreadable(f"{name}: event {number}: {empty[0]} is empty; give it")
        return events

    return read


def notices(name: str, data: bytes) -> list[Inbound]:
    """The plainest content: a JSON list of events, fields as in `Inbound`. Raises `Unreadable`."""
    try:
        return _NOTICES.decode(data)
    except msgspec.DecodeError as bad:
        raise Unreadable(f"{name}: {bad}; write a JSON list of events with the fields of Inbound") from bad

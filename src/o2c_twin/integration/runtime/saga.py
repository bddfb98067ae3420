"""What is to be undone, in the order it was done: of a flow that died, or what a person names."""

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Literal, get_args

from o2c_twin.integration.store import Journal, Link

UNDO = "undo"
"""The flow that undoes; keys of its effects begin so too."""
_SYSTEM, _KIND = "engine", "saga"
# Between keys: only what parts of a name stand between, so that an erasure finds the ids in them.
_BETWEEN = " /:/ "

steps_done: ContextVar[list[str] | None] = ContextVar("steps_done", default=None)
"""Keys of the writes that are done of the event the running task works, oldest first; the engine sets it anew for each.

A replay goes through them again, so that the list is whole whenever the flow ends, and costs no commit before. Those a
replay passes by, because what they made is known by then, are kept as `kept_for`."""

Passed = Literal["customer", "payer", "collection"]
"""What a replay finds done, and does not go through again."""


def kept_for(event_id: str, what: Passed, keys: list[str]) -> Link:
    """A cross-reference to go with the first of these writes: they are steps of that event."""
    return Link(_SYSTEM, f"{_KIND}.{what}", event_id, _BETWEEN.join(keys))


def all_steps(journal: Journal, event_id: str, seen: list[str]) -> list[str]:
    """What was done for an event, oldest first: what this life of it has ``seen``, and what was kept before."""
    kept = [journal.remote(_SYSTEM, f"{_KIND}.{what}", event_id) for what in get_args(Passed)]
    return list(dict.fromkeys([*(key for keys in kept if keys for key in keys.split(_BETWEEN)), *seen]))


def remember(journal: Journal, name: str, keys: list[str]) -> None:
    """Put on record what was done, oldest first; ``name`` is the event's. What was remembered before is replaced."""
    journal.link(_SYSTEM, _KIND, name, _BETWEEN.join(keys))


def kept_steps(journal: Journal) -> Iterator[tuple[Link, list[str]]]:
    """All cross-references that keep steps, with the keys of the writes they name."""
    for kind in (_KIND, *(f"{_KIND}.{what}" for what in get_args(Passed))):
        for link in journal.links(_SYSTEM, kind):
            yield link, link.remote.split(_BETWEEN)


def recall(journal: Journal, name: str) -> list[str]:
    """The keys of what was done, oldest first; empty where nothing was."""
    known = journal.remote(_SYSTEM, _KIND, name)
    return [] if known is None else known.split(_BETWEEN)

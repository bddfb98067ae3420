"""Several changes made whole: what to take back when one of them fails, and whom to tell when none does."""

from collections.abc import Callable
from typing import Any

from o2c_twin.mock_systems.roles.crm.records import CrmState
from o2c_twin.mock_systems.roles.records import Change

Step = Callable[[], None]


class Undo:
    """The way back to the state at the time of its making.

    Steps are taken in reverse order; numbers and the feed go back to where they were.
    """

    def __init__(self, state: CrmState) -> None:
        self._state = state
        self._numbers = dict(state.numbers.last)
        self._lengths = {kind: len(changes) for kind, changes in state.feed.by_kind.items()}
        self.steps: list[Step] = []
        self.untold: list[Change] = []
        """Changes no listener has heard of yet."""

    def roll_back(self) -> None:
        """Take everything back."""
        for step in reversed(self.steps):
            step()
        self._state.numbers.last = self._numbers
        feed = self._state.feed.by_kind
        for kind in list(feed):
            if kind in self._lengths:
                del feed[kind][self._lengths[kind] :]
            else:
                del feed[kind]

    def absorb(self, inner: "Undo") -> None:
        """Take over what a nested block did, to take it back with the rest."""
        self.steps += inner.steps
        self.untold += inner.untold


def saved_fields(record: Any) -> Step:
    """A step that gives a record the field values it has now."""
    values = [getattr(record, name) for name in record.__struct_fields__]
    # Containers change in place, so the way back needs copies of its own.
    kept = [value.copy() if isinstance(value, (dict, list)) else value for value in values]

    def restore() -> None:
        for name, value in zip(record.__struct_fields__, kept, strict=True):
            setattr(record, name, value)

    return restore


def saved_place(table: dict[str, Any], id_: str) -> Step:
    """A step that puts a record back where it stands in its table now."""
    place, record = list(table).index(id_), table[id_]

    def restore() -> None:
        items = list(table.items())
        items.insert(place, (id_, record))
        table.clear()
        table.update(items)

    return restore

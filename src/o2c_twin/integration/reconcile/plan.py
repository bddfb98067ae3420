"""The repair plan: what is to be changed, where, why, from what to what, and how much money hangs on it."""

from hashlib import sha256
from typing import Literal

import msgspec

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.reconcile.digests import Difference, Place
from o2c_twin.integration.reconcile.ports import Value

Action = Literal["write", "tell", "replay", "case", "recreate"]
"""``write``: the record was changed behind the engine's back and is set right. ``tell``: the engine never heard of
it, and gets the event it missed. ``replay``: it was told and made nothing of it, and works it once more. ``case``: only
a person can say. ``recreate``: made anew, always with approval."""
Reference = tuple[Literal["crm", "erp"], str, str]
"""Role, kind and id of a record the repair rests on: it is looked at again before anything is written."""


class Change(msgspec.Struct, frozen=True):
    """One field, from what it is to what it should be."""

    field: str
    found: Value
    wanted: Value


class Repair(msgspec.Struct, frozen=True):
    """One repair.

    ``id`` is derived from the fact: the same difference of the same version of the record is the same repair;
    ``name`` is the difference's, whatever version of the record shows it.
    ``system`` is where something is changed; ``amount_minor`` the money it moves or decides on, in minor units of
    the plan's currency: 0 for a note, the order's value for an order.
    """

    id: str
    kind: str
    key: str
    group: str
    action: Action
    system: str
    why: str
    changes: tuple[Change, ...]
    amount_minor: int
    lane: str
    references: tuple[Reference, ...] = ()
    events: tuple[Inbound, ...] = ()
    lanes: tuple[str, ...] = ()
    name: str = ""

    @property
    def changes_something(self) -> bool:
        """Whether a system looks otherwise afterwards."""
        return self.action != "case"


class RepairPlan(msgspec.Struct, frozen=True):
    """What one look found. Empty of repairs when the systems agree.

    ``places`` were compared; ``in_flight`` of those that differ were left out because somebody works on them,
    ``young`` because the difference may be only the time news takes. ``doubt`` is why the plan as a whole is not to
    be believed; ``blind`` are kinds that could not be read, with the reason; ``drifts`` what has changed in shape;
    ``unread`` single records that could not be read.
    """

    at: int
    currency: str
    repairs: tuple[Repair, ...] = ()
    places: int = 0
    buckets: int = 0
    in_flight: int = 0
    young: int = 0
    doubt: str = ""
    blind: tuple[str, ...] = ()
    drifts: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def content(self) -> str:
        """A hash of what the plan would do: what an approval is given for."""
        return sha256(msgspec.json.encode([self.currency, self.repairs])).hexdigest()

    @property
    def amount_minor(self) -> int:
        """The money of everything that changes a system, in minor units of ``currency``."""
        return sum(abs(repair.amount_minor) for repair in self.repairs if repair.changes_something)

    def lines(self) -> list[str]:
        """The plan for people, a line a repair."""
        return [
            f"{r.action:8} {r.system:8} {r.kind} {r.key} {r.group}: {r.why}"
            + "".join(f"; {c.field}: {c.found!r} -> {c.wanted!r}" for c in r.changes)
            + (f"; {r.amount_minor} {self.currency} minor units" if r.amount_minor else "")
            for r in self.repairs
        ]


class Applied(msgspec.Struct, frozen=True):
    """What became of a plan's repairs, by id: on their way, made a case, left because somebody works on the lane by
    now, or held until somebody approves."""

    begun: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


def changes_of(difference: Difference) -> tuple[Change, ...]:
    """Field by field, those that differ."""
    wanted, found = dict(difference.wanted or ()), dict(difference.found or ())
    names = sorted({**wanted, **found})
    return tuple(
        Change(name, found.get(name), wanted.get(name)) for name in names if found.get(name) != wanted.get(name)
    )


def repair_id(place: Place, difference: Difference, changed_at: int) -> str:
    """The name of a repair: the place, the difference, and the version of the record it was seen at."""
    text = repr((place.kind, place.key, place.group, difference.wanted, difference.found, changed_at))
    return sha256(text.encode()).hexdigest()[:24]

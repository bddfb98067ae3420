"""What is left alone: work in flight, and differences that may be only the time news takes to travel. Pure."""

from collections.abc import Iterable, Mapping

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.store import Case, Effect

OWN = "repair:"
"""How the names of the sweep's own events and effects begin."""
CASES = "case:reconcile:"
"""How the names of its cases begin: that a record is gone is no work in flight on what is there."""


def busy_lanes(events: Iterable[Inbound], effects: Iterable[Effect], cases: Iterable[Case]) -> frozenset[str]:
    """Lanes with open events, with effects that are not settled, or with a person."""
    lanes = [event.lane for event in events if not event.event_id.startswith(OWN)]
    lanes += [effect.lane for effect in effects if not effect.key.startswith(OWN)]
    lanes += [case.lane for case in cases if case.state == "open" and not case.case_id.startswith(CASES)]
    return frozenset(lane for lane in lanes if lane)


def is_ripe(changed_at: int, first_seen: int | None, now: int, settle_us: int) -> bool:
    """Whether a difference has lasted: nothing in it changed for so long, or an earlier look saw the very same.

    All in microseconds; ``first_seen`` None when no look has seen it before.
    """
    return now - changed_at >= settle_us or (first_seen is not None and now - first_seen >= settle_us)


def remembered(seen: Mapping[str, int], unripe: Iterable[str], now: int) -> dict[str, int]:
    """What the next look needs to know: when each difference that is still there was first seen."""
    return {id_: seen.get(id_, now) for id_ in unripe}

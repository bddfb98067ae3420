"""From two sides to the repairs that are due now. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from o2c_twin.integration.reconcile.digests import Bucketing, Difference, Place, Side, by_id, diff, suspects
from o2c_twin.integration.reconcile.flight import is_ripe
from o2c_twin.integration.reconcile.plan import Repair, repair_id
from o2c_twin.integration.reconcile.sides import Evidence


@dataclass(frozen=True, slots=True)
class Due:
    """Repairs that are due; names of the differences still too young; how many are left to work in flight; how many
    buckets of records differ at all.
    """

    repairs: tuple[Repair, ...]
    unripe: tuple[str, ...]
    in_flight: int
    buckets: int


def due(
    wanted: Side,
    found: Side,
    evidence: Mapping[Place, Evidence],
    *,
    remedy: Callable[[Difference, Evidence], Repair | None],
    busy: frozenset[str],
    seen: Mapping[str, int],
    now: int,
    settle_us: int,
    bucket: Bucketing | None = None,
) -> Due:
    """What is to be repaired of what differs.

    Left out are places on a lane that is ``busy``, what has not lasted ``settle_us`` (``seen``: when earlier looks
    first saw a difference, by its name), and what has no remedy: a person was asked already.
    """
    repairs: list[Repair] = []
    unripe: list[str] = []
    in_flight = 0
    bucket = bucket or by_id()
    within = suspects(wanted, found, bucket)
    for difference in diff(wanted, found, bucket, within):
        its = evidence[difference.place]
        if its.waits and any(lane in busy for lane in its.lanes):
            in_flight += 1
            continue
        repair = remedy(difference, its)
        if repair is None:
            continue
        name = repair_id(difference.place, difference, 0)
        if is_ripe(its.at, seen.get(name), now, settle_us):
            repairs.append(repair)
        else:
            unripe.append(name)
    return Due(tuple(repairs), tuple(unripe), in_flight, len(within))

"""Comparing two sides without comparing every value: digests by bucket, and the diff of the buckets that differ. Pure.

A side says of each place (a group of fields of one record) what it holds. The buckets are by a hash of the record's
key, or by the day it was made where both sides know it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from o2c_twin.integration.reconcile.ports import Value

_DAY = 86_400_000_000
BUCKETS = 64


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A group of fields that change together, of the record ``key`` (the CRM's id where it has one)."""

    kind: str
    key: str
    group: str


Values = tuple[tuple[str, Value], ...]
"""Field names and values, in the order of the names."""
Side = Mapping[Place, Values]
"""What one side holds; a place that is not in it is not there."""
Bucket = tuple[str, str]
"""Kind of record and name of the bucket."""
Bucketing = Callable[[Place], Bucket]


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where the sides differ: what it should be, and what it is; None where it is not there."""

    place: Place
    wanted: Values | None
    found: Values | None


def values_of(fields: Mapping[str, Value]) -> Values:
    """Fields as they are compared."""
    return tuple(sorted(fields.items()))


def by_id(count: int = BUCKETS) -> Bucketing:
    """Buckets by a hash of the record's key: a record is always in the same one."""
    return lambda place: (place.kind, str(int.from_bytes(_hash(place.key)) % count))


def by_day(made_at: Mapping[str, int]) -> Bucketing:
    """Buckets by the day a record was made (epoch microseconds, by key); those of unknown age are one bucket."""
    return lambda place: (place.kind, str(made_at[place.key] // _DAY) if place.key in made_at else "")


def digests(side: Side, bucket: Bucketing) -> dict[Bucket, int]:
    """One digest a bucket. Sums of hashes: the order in which records come is of no account."""
    found: dict[Bucket, int] = {}
    for place, values in side.items():
        name = bucket(place)
        found[name] = (found.get(name, 0) + int.from_bytes(_hash(repr((place, values))))) % 2**64
    return found


def differing(one: Mapping[Bucket, int], other: Mapping[Bucket, int]) -> list[Bucket]:
    """The buckets whose digests differ, in order."""
    return sorted(name for name in {**one, **other} if one.get(name, 0) != other.get(name, 0))


def suspects(wanted: Side, found: Side, bucket: Bucketing) -> list[Bucket]:
    """The buckets worth looking into: those whose digests differ."""
    return differing(digests(wanted, bucket), digests(found, bucket))


def diff(
    wanted: Side, found: Side, bucket: Bucketing | None = None, within: Iterable[Bucket] | None = None
) -> list[Difference]:
    """What differs in the buckets ``within`` (those whose digests differ), in order of the places."""
    bucket = bucket or by_id()
    names = dict.fromkeys(suspects(wanted, found, bucket) if within is None else within)
    if not names:
        return []
    places = sorted(place for place in {**wanted, **found} if bucket(place) in names)
    return [
        Difference(place, wanted.get(place), found.get(place))
        for place in places
        if wanted.get(place) != found.get(place)
    ]


def amended(found: Side, differences: Iterable[Difference]) -> dict[Place, Values]:
    """The side after these differences are repaired."""
    side = dict(found)
    for each in differences:
        if each.wanted is None:
            side.pop(each.place, None)
        else:
            side[each.place] = each.wanted
    return side


def _hash(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()

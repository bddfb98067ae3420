"""What is kept until when: periods, legal holds, and the sweep that lists what is due."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from o2c_twin.integration.governance.personal_data import RETENTION, Retention


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that is stored: ``since`` is the ISO date its period counts from, ``retention`` the period's name."""

    object: str
    key: str
    subject: str
    since: str
    retention: str


@dataclass(frozen=True, slots=True)
class LegalHold:
    """Nothing of these subjects and keys is deleted before ``until`` (ISO date; empty: until it is lifted)."""

    id: str
    reason: str
    subjects: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    until: str = ""

    def covers(self, kept: Kept, on: str) -> bool:
        """Whether something is held on a day."""
        in_force = not self.until or on < self.until
        return in_force and (kept.subject in self.subjects or kept.key in self.keys)


@dataclass(frozen=True, slots=True)
class Held:
    """Due, and yet kept because of a hold."""

    kept: Kept
    hold: LegalHold


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """What a sweep would delete, in the order it was listed, and what only a hold keeps."""

    delete: tuple[Kept, ...]
    held: tuple[Held, ...]


def due_on(period: Retention, since: str) -> str:
    """The first ISO date on which something may be deleted.

    Years count from the end of the calendar year (AO § 147 (4), HGB § 257 (5), BGB § 199 (1)); days from the date.
    """
    start = date.fromisoformat(since)
    if period.days:
        return (start + timedelta(days=period.days)).isoformat()
    return date(start.year + period.years + 1, 1, 1).isoformat()


def sweep(
    stored: Iterable[Kept],
    on: str,
    holds: Iterable[LegalHold] = (),
    periods: Mapping[str, Retention] = RETENTION,
) -> SweepPlan:
    """What is due on a day. Raises ValueError for a period that has no name here: nothing is deleted by guess."""
    standing = tuple(holds)
    delete: list[Kept] = []
    held: list[Held] = []
    for kept in stored:
        period = periods.get(kept.retention)
        if period is None:
            raise ValueError(f"{kept.object} {kept.key}: no period {kept.retention!r}; there are: {', '.join(periods)}")
        if due_on(period, kept.since) > on:
            continue
        hold = next((each for each in standing if each.covers(kept, on)), None)
        if hold is None:
            delete.append(kept)
        else:
            held.append(Held(kept, hold))
    return SweepPlan(tuple(delete), tuple(held))

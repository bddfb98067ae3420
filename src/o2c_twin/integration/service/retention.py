"""What the engine keeps longer than it may: events, cases, the contents of writes; deleted when their time is over."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from o2c_twin.integration.connectors.instants import to_date
from o2c_twin.integration.governance.retention import Kept, LegalHold, SweepPlan, sweep
from o2c_twin.integration.store import KeptJournal

_EFFECTS = {
    "put_order": "letter",
    "put_payment": "voucher",
    "collect": "voucher",
    "bill": "voucher",
    "put_charge": "voucher",
}


@dataclass(frozen=True, slots=True)
class Swept:
    """How many of each were deleted, and how many only a legal hold keeps."""

    events: int
    effects: int
    cases: int
    held: int


def stored(journal: KeptJournal, now: int) -> Iterator[Kept]:
    """All that has a period and is finished: done events, the contents of done writes, settled cases."""
    for name, at in journal.finished_before(now):
        yield Kept("event", name, "", to_date(at), "technical")
    for effect in journal.effects():
        if effect.state == "done" and effect.arguments:
            yield Kept("effect", effect.key, "", to_date(effect.sent_at), _EFFECTS.get(effect.write, "business"))
    for case in journal.cases():
        if case.closed_at is not None:
            yield Kept("case", case.case_id, case.object_id, to_date(case.closed_at), "business")


def sweep_journal(journal: KeptJournal, now: int, holds: Iterable[LegalHold] = ()) -> Swept:
    """Delete what is due on the day of ``now``.

    Of a write only its contents go: its key and outcome stay, or it would be done again.
    """
    plan: SweepPlan = sweep(stored(journal, now), to_date(now), holds)
    keys: dict[str, list[str]] = {"event": [], "effect": [], "case": []}
    for kept in plan.delete:
        keys[kept.object].append(kept.key)
    with journal.together():
        journal.purge(keys["event"], keys["case"])
        for key in keys["effect"]:
            journal.replace_arguments(key, b"")
    return Swept(len(keys["event"]), len(keys["effect"]), len(keys["case"]), len(plan.held))

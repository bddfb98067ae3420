"""What the engine keeps longer than it may: events, cases, the contents of writes; deleted when their time is over."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from o2c_twin.integration.connectors.instants import to_date
from o2c_twin.integration.governance.retention import Kept, LegalHold, SweepPlan, sweep
from o2c_twin.integration.runtime.saga import kept_steps
from o2c_twin.integration.store import KeptJournal, Link

_EFFECTS = {
    "put_order": "letter",
    "put_payment": "voucher",
    "collect": "voucher",
    "bill": "voucher",
    "put_charge": "voucher",
}


@dataclass(frozen=True, slots=True)
class Swept:
    """How many of each were deleted (``steps`` are a flow's), and how many only a legal hold keeps."""

    events: int
    effects: int
    cases: int
    steps: int
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

    Of a write only its contents go: its key and outcome stay, or it would be done again. What a flow keeps of its steps
    goes with the contents of the last of them: then nothing of it can be undone any more.
    """
    standing = tuple(holds)
    plan: SweepPlan = sweep(stored(journal, now), to_date(now), standing)
    keys: dict[str, list[str]] = {"event": [], "effect": [], "case": []}
    for kept in plan.delete:
        keys[kept.object].append(kept.key)
    with journal.together():
        journal.purge(keys["event"], keys["case"])
        for key in keys["effect"]:
            journal.replace_arguments(key, b"")
        steps = _without_contents(journal, to_date(now), standing)
        for link in steps:
            journal.unlink(link)
    return Swept(len(keys["event"]), len(keys["effect"]), len(keys["case"]), len(steps), len(plan.held))


def _without_contents(journal: KeptJournal, today: str, holds: tuple[LegalHold, ...]) -> list[Link]:
    """The cross-references that keep steps of which no contents are left, but for those a hold covers."""
    with_contents = {effect.key for effect in journal.effects() if effect.state != "done" or effect.arguments}
    found = []
    for link, keys in kept_steps(journal):
        kept = Kept("steps", link.canonical, "", today, "technical")
        held = any(hold.covers(kept, today) for hold in holds)
        if not held and with_contents.isdisjoint(keys):
            found.append(link)
    return found

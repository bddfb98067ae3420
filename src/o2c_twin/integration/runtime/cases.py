"""Cases: what only a person can settle, whose desk it is on, and when it goes up the ladder."""

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.business_time import BusinessCalendar
from o2c_twin.integration.runtime.errors import DeadLetter
from o2c_twin.integration.store.records import Case, CaseKind

# Working hours a case may lie before it goes up, by kind; money whose whereabouts nobody knows goes first.
HOURS: dict[CaseKind, float] = {
    "unknown-outcome": 2.0,
    "drift": 4.0,
    "divergence": 4.0,
    "refused": 9.0,
    "deadline": 9.0,
    "unmatched-cash": 18.0,
    "on-account": 18.0,
}
_OWNERS = dict.fromkeys(("cash", "payment", "payout", "delivery", "billing", "invoice"), "finance")
LADDER = ("operations", "finance", "controller")
"""Who is asked next when nobody settled a case in time; the last one keeps it."""


def case_id_of(event: Inbound, key: str) -> str:
    """The name of a case: with the event in it, for the next order of the same customer is a case of its own."""
    return f"case:{event.event_id}:{key}"


def owner_of(event: Inbound, kind: CaseKind) -> str:
    """The role whose desk a case lands on."""
    if kind in ("drift", "divergence"):
        return "operations"
    return _OWNERS.get(event.flow, "sales")


def case_of(event: Inbound, letter: DeadLetter, now: int, calendar: BusinessCalendar) -> Case:
    """The case a dead letter opens."""
    return Case(
        case_id_of(event, letter.key),
        letter.kind,
        event.flow,
        event.object_id,
        event.lane,
        letter.key,
        letter.reason,
        owner_of(event, letter.kind),
        now,
        calendar.after(now, HOURS[letter.kind]),
    )


def escalated(case: Case, now: int, calendar: BusinessCalendar) -> Case | None:
    """The case one rung further up, when it is overdue and still open; None otherwise."""
    if case.state != "open" or now < case.due_at:
        return None
    level = case.level + 1
    owner = LADDER[min(level, len(LADDER)) - 1]
    return Case(
        case.case_id,
        case.kind,
        case.flow,
        case.object_id,
        case.lane,
        case.effect_key,
        case.reason,
        owner,
        case.opened_at,
        calendar.after(now, HOURS[case.kind]),
        level,
    )


def may_settle(controls: str, case: Case, by: str, approved_by: str | None) -> None:
    """Whether a person may settle a case under the design's controls. Raises `PermissionError` when not.

    ``roles``: only the role whose desk it is on, or operations. ``four-eyes``: somebody else must have approved.
    """
    if controls == "roles" and by not in (case.owner, "operations"):
        raise PermissionError(f"{case.case_id}: is with {case.owner}; {by} may not settle it")
    if controls == "four-eyes" and approved_by in (None, "", by):
        raise PermissionError(f"{case.case_id}: needs a second pair of eyes; somebody else than {by} must approve")

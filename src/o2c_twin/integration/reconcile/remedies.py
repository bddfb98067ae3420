"""From a difference to its repair: who is told, what is written, and what only a person may decide. Pure."""

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.reconcile.digests import Difference, Place
from o2c_twin.integration.reconcile.plan import Action, Change, Repair, changes_of, repair_id
from o2c_twin.integration.reconcile.ports import Row, Value
from o2c_twin.integration.reconcile.sides import Evidence
from o2c_twin.integration.runtime.cases import case_id_of

_GONE = {
    "customer": "the customer was deleted in the ERP, its account is still there",
    "account": "the account was deleted in the CRM, its customer is still there",
    "order": "the order was deleted in the ERP, its deal is still won",
    "invoice": "the invoice was deleted in the ERP, sales was told of it",
    "deal": "the deal was deleted in the CRM, its order is still there",
}


def event_of_gone(repair: Repair, at: int) -> Inbound:
    """The event a case about a deleted record is opened under: one a record, so that it is opened once."""
    return _event(repair.kind, repair.key, repair.lane, at)


def event_of_return(repair: Repair, since: int) -> Inbound:
    """The event a case about a difference that comes back is opened under; ``since`` dates its first repair."""
    name = f"reconcile:again:{repair.kind}:{repair.key}:{repair.group}:{since}"
    return Inbound(name, "order", repair.key, repair.lane, since)


def key_of_return(repair: Repair) -> str:
    """The fact such a case is about."""
    return f"again:{repair.kind}:{repair.key}:{repair.group}"


def key_of_gone(repair: Repair) -> str:
    """The fact such a case is about."""
    return f"gone:{repair.kind}:{repair.key}"


def case_about_gone(kind: str, key: str) -> str:
    """The name of the case about a deleted record."""
    return case_id_of(_event(kind, key, "", 0), f"gone:{kind}:{key}")


def _event(kind: str, key: str, lane: str, at: int) -> Inbound:
    return Inbound(f"reconcile:{kind}:{key}", "customer" if kind in ("customer", "account") else "order", key, lane, at)


def remedy(
    difference: Difference, evidence: Evidence, crm: str, erp: str, recreate: frozenset[str] = frozenset()
) -> Repair:
    """The repair of a difference. ``recreate``: kinds of record that may be made anew, if somebody approves."""
    place = difference.place
    match place.group:
        case "there":
            action: Action = "recreate" if place.kind in recreate and place.kind == "order" else "case"
            system = crm if place.kind in ("account", "deal") else erp
            return _repair(difference, evidence, action, system, _GONE[place.kind], changes_of(difference))
        case "order" | "billed":
            why = "a won deal nobody told of" if place.group == "order" else "goods left that nobody told of"
            changes = (Change(place.group, None, "to be made"),)
            return _repair(difference, evidence, "tell", erp, why, changes, evidence.rows[:1])
        case "master" | "link":
            return _customer(difference, evidence, crm, erp)
        case _:
            return _deal(difference, evidence, crm)


def _customer(difference: Difference, evidence: Evidence, crm: str, erp: str) -> Repair:
    changes = changes_of(difference)
    if difference.place.group == "link":
        why = "the account has lost the number of its customer"
        return _repair(difference, evidence, "write", crm, why, changes)
    if not evidence.told:
        why = "the account changed and nobody told of it"
        return _repair(difference, evidence, "tell", erp, why, changes, evidence.rows[:1], _limit(changes))
    why = "the customer was changed in the ERP where the CRM is master"
    return _repair(difference, evidence, "write", erp, why, changes, (), _limit(changes))


def _limit(changes: tuple[Change, ...]) -> int:
    """By how much credit is given or taken, in minor units."""
    for change in changes:
        if change.field == "credit_limit_minor":
            return _number(change.wanted) - _number(change.found)
    return 0


def _number(value: Value) -> int:
    return 0 if value is None else int(value)


def _deal(difference: Difference, evidence: Evidence, crm: str) -> Repair:
    changes = changes_of(difference)
    if evidence.told:
        why = "the note was changed or lost after it was written"
        return _repair(difference, evidence, "write", crm, why, changes)
    why = "it changed in the ERP and nobody told of it"
    return _repair(difference, evidence, "tell", crm, why, changes, evidence.rows[1:])


def _repair(
    difference: Difference,
    evidence: Evidence,
    action: Action,
    system: str,
    why: str,
    changes: tuple[Change, ...],
    told_by: tuple[Row, ...] = (),
    amount_minor: int | None = None,
) -> Repair:
    place = difference.place
    return Repair(
        repair_id(place, difference, 0 if place.group == "there" else evidence.at),
        place.kind,
        place.key,
        place.group,
        action,
        system,
        why,
        changes,
        evidence.amount_minor if amount_minor is None else amount_minor,
        evidence.lanes[0],
        evidence.references,
        tuple(row.event for row in told_by if row.event is not None),
        evidence.lanes if evidence.waits else (),
        repair_id(place, difference, 0),
    )


def place_of(repair: Repair) -> Place:
    """Where a repair is."""
    return Place(repair.kind, repair.key, repair.group)

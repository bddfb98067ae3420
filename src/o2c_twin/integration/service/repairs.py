"""The reconciler's plan as people have it: shown without anything being changed, and applied, much of it by two."""

from typing import Any

import msgspec

from o2c_twin.integration.reconcile.plan import RepairPlan
from o2c_twin.integration.reconcile.reconciler import Person, Reconciler
from o2c_twin.integration.service.approvals import REPAIRS, Approvals
from o2c_twin.integration.service.doing import Doing
from o2c_twin.integration.service.principals import Principal, principal
from o2c_twin.integration.service.refusals import Refused
from o2c_twin.integration.store import Journal

SUBJECT = "repairs"
"""What an approval of repairs is about, and what the audit trail calls a plan."""


class Repairs:
    """Looks and repairs of one engine. Without a reconciler every method raises `Refused`, saying ``why_not``."""

    def __init__(
        self, doing: Doing, approvals: Approvals, journal: Journal, reconciler: Reconciler | None, why_not: str
    ) -> None:
        self._doing = doing
        self._approvals = approvals
        self._journal = journal
        self._reconciler = reconciler
        self._why_not = why_not

    async def plan(self, who: Principal) -> dict[str, Any]:
        """Compare the systems now, and tell what would be repaired; nothing is changed in either.

        ``held`` are the ids of repairs that need somebody's approval, ``asking`` what to ask for them, None where
        none does.
        """
        with self._doing(who, "sweep", SUBJECT, "repair plan", waits=True) as told:
            reconciler = self._there()
            plan = await reconciler.look()
            told["outcome"] = f"{len(plan.repairs)} repairs"
            return _shown(plan, _held(reconciler, plan))

    async def apply(self, who: Principal, approval: str | None) -> dict[str, Any]:
        """Compare the systems now, and begin the repairs that need no approval; those that do with an ``approval``.

        Tells the ids of those begun, made cases, left because somebody works there, and held. Raises `Refused` when
        what is held now is not what was approved: then nothing is begun.
        """
        with self._doing(who, REPAIRS, SUBJECT, waits=True) as told:
            reconciler = self._there()
            plan = await reconciler.look()
            held = _held(reconciler, plan)
            # Nothing in here waits for a system: the repairs are worked later, in their lanes.
            with self._journal.together():
                with_approval = []
                if approval is not None:
                    if not held.repairs:
                        raise Refused(409, f"{approval}: nothing waits for approval now; apply without it")
                    used = self._approvals.use(approval, REPAIRS, SUBJECT, _content(held))
                    approver = Person(used.votes[-1].who, used.votes[-1].role)
                    asker = Person(used.asked_by, principal(used.asked_by).role)
                    with_approval = [await reconciler.apply(held, approver, asker)]
                ids = {repair.id for repair in held.repairs}
                free = msgspec.structs.replace(plan, repairs=tuple(r for r in plan.repairs if r.id not in ids))
                # A plan that is not believed as a whole is held as a whole.
                applied = with_approval if plan.doubt else [*with_approval, await reconciler.apply(free)]
            done = {
                name: [id_ for each in applied for id_ in getattr(each, name)] for name in ("begun", "cases", "left")
            }
            waiting = [] if with_approval else [repair.id for repair in held.repairs]
            told["outcome"] = ", ".join(f"{len(each)} {name}" for name, each in (*done.items(), ("held", waiting)))
            return {**_shown(plan, held), **done, "held": waiting}

    def _there(self) -> Reconciler:
        if self._reconciler is None:
            raise Refused(409, f"there is no repair plan here: {self._why_not}")
        return self._reconciler


def _held(reconciler: Reconciler, plan: RepairPlan) -> RepairPlan:
    """The part of a plan that needs approval, as a plan."""
    return msgspec.structs.replace(plan, repairs=reconciler.held(plan))


def _content(held: RepairPlan) -> dict[str, str]:
    """What is approved: the hash says exactly what, the figures say it to people."""
    return {
        "plan": held.content[:32],
        "repairs": str(len(held.repairs)),
        "amount_minor": str(held.amount_minor),
        "currency": held.currency,
    }


def _shown(plan: RepairPlan, held: RepairPlan) -> dict[str, Any]:
    asking = {"operation": REPAIRS, "subject": SUBJECT, "content": _content(held)} if held.repairs else None
    names = ("at", "currency", "places", "buckets", "in_flight", "young", "doubt", "blind", "drifts", "unread")
    whole = msgspec.to_builtins(plan)
    fields = ("id", "kind", "key", "group", "action", "system", "why", "changes", "amount_minor", "lane")
    return {
        **{name: whole[name] for name in names},
        "repairs": [{name: repair[name] for name in fields} for repair in whole["repairs"]],
        "held": [repair.id for repair in held.repairs],
        "asking": asking,
    }

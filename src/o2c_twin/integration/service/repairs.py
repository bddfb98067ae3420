"""The plans of both reconcilers as people have them, of records and of money: shown without anything being changed, and
applied, much of it by two.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from o2c_twin.integration.reconcile.approving import Person
from o2c_twin.integration.reconcile.money_sweep import MoneyReconciler
from o2c_twin.integration.reconcile.plan import Applied, RepairPlan
from o2c_twin.integration.reconcile.reconciler import Reconciler
from o2c_twin.integration.service.approvals import REPAIRS, Approvals
from o2c_twin.integration.service.doing import Doing
from o2c_twin.integration.service.principals import Principal, principal
from o2c_twin.integration.service.refusals import Refused
from o2c_twin.integration.store import Journal

SUBJECT = "repairs"
"""What an approval of repairs is about, and what the audit trail calls a plan."""
DONE = ("begun", "cases", "left", "held")
"""What becomes of a repair: on its way, with a person, left because somebody works there, waiting for approval."""


@dataclass(slots=True)
class _Look:
    """What one reconciler found, and what has become of it."""

    by: Reconciler | MoneyReconciler
    plan: RepairPlan
    done: list[Applied] = field(default_factory=list)
    approved: bool = False

    @property
    def held(self) -> RepairPlan:
        """The part that needs approval, as a plan."""
        return msgspec.structs.replace(self.plan, repairs=self.by.held(self.plan))

    async def begin(self, people: tuple[Person, Person] | None) -> None:
        """Begin what needs no approval, and what does where ``people`` (approver, asker) have given it."""
        held = self.held
        if people is not None and held.repairs:
            self.done.append(await self._apply(held, *people))
            self.approved = True
        # A plan that is not believed as a whole is held as a whole.
        if not self.plan.doubt:
            ids = {repair.id for repair in held.repairs}
            free = tuple(repair for repair in self.plan.repairs if repair.id not in ids)
            self.done.append(await self._apply(msgspec.structs.replace(self.plan, repairs=free)))

    async def _apply(self, part: RepairPlan, *people: Person) -> Applied:
        if isinstance(self.by, Reconciler):
            return await self.by.apply(part, *people)
        return self.by.apply(part, *people)

    def became(self) -> dict[str, list[str]]:
        """The ids of the repairs by what has become of them."""
        became = {name: [id_ for each in self.done for id_ in getattr(each, name)] for name in DONE}
        return {**became, "held": [] if self.approved else [repair.id for repair in self.held.repairs]}

    def shown(self) -> dict[str, Any]:
        """The plan as it is told."""
        names = ("at", "currency", "places", "buckets", "in_flight", "young", "doubt", "blind", "drifts", "unread")
        whole = msgspec.to_builtins(self.plan)
        fields = ("id", "kind", "key", "group", "action", "system", "why", "changes", "amount_minor", "lane")
        return {
            **{name: whole[name] for name in names},
            "repairs": [{name: repair[name] for name in fields} for repair in whole["repairs"]],
            "held": [repair.id for repair in self.held.repairs],
        }


class Repairs:
    """Looks and repairs of one engine. Without a reconciler every method raises `Refused`, saying ``why_not``; without
    one of ``money`` there is no plan of money.
    """

    def __init__(
        self,
        doing: Doing,
        approvals: Approvals,
        journal: Journal,
        reconciler: Reconciler | None,
        why_not: str,
        money: MoneyReconciler | None = None,
    ) -> None:
        self._doing = doing
        self._approvals = approvals
        self._journal = journal
        self._reconciler = reconciler
        self._money = money
        self._why_not = why_not

    async def plan(self, who: Principal) -> dict[str, Any]:
        """Compare the systems now, and tell what would be repaired; nothing is changed in any.

        ``held`` are the ids of repairs that need somebody's approval, ``asking`` what to ask for those of both plans,
        None where none does. ``money`` is the plan of what came in and what is posted, told as that of the records;
        None where it cannot be made.
        """
        with self._doing(who, "sweep", SUBJECT, "repair plan", waits=True) as told:
            looks = await self._look()
            told["outcome"] = f"{sum(len(look.plan.repairs) for look in looks)} repairs"
            return _shown(looks)

    async def apply(self, who: Principal, approval: str | None) -> dict[str, Any]:
        """Compare the systems now, and begin the repairs that need no approval; those that do with an ``approval``.

        Tells the plans, and the ids of repairs begun, made cases, left because somebody works there, and held. Raises
        `Refused` when what is held now is not what was approved: then nothing is begun.
        """
        with self._doing(who, REPAIRS, SUBJECT, waits=True) as told:
            looks = await self._look()
            # Nothing in here waits for a system: the repairs are worked later, in their lanes.
            with self._journal.together():
                people: tuple[Person, Person] | None = None
                if approval is not None:
                    if not any(look.held.repairs for look in looks):
                        raise Refused(409, f"{approval}: nothing waits for approval now; apply without it")
                    used = self._approvals.use(approval, REPAIRS, SUBJECT, _content(looks))
                    approver = Person(used.votes[-1].who, used.votes[-1].role)
                    people = approver, Person(used.asked_by, principal(used.asked_by).role)
                for look in looks:
                    await look.begin(people)
            became = [look.became() for look in looks]
            told["outcome"] = ", ".join(f"{sum(len(each[name]) for each in became)} {name}" for name in DONE)
            answer = {**_shown(looks), **became[0]}
            if len(became) > 1:
                answer["money"] |= became[1]
            return answer

    async def _look(self) -> list[_Look]:
        """What there is of records, and of money where it can be compared."""
        if self._reconciler is None:
            raise Refused(409, f"there is no repair plan here: {self._why_not}")
        looks = [_Look(self._reconciler, await self._reconciler.look())]
        if self._money is not None:
            looks.append(_Look(self._money, await self._money.look()))
        return looks


def _content(looks: list[_Look]) -> dict[str, str]:
    """What is approved: the hashes say exactly what, the figures say it to people."""
    plans = [held for look in looks if (held := look.held).repairs]
    return {
        "plan": "+".join(plan.content[:32] for plan in plans),
        "repairs": str(sum(len(plan.repairs) for plan in plans)),
        "amount_minor": str(sum(plan.amount_minor for plan in plans)),
        "currency": looks[0].plan.currency,
    }


def _shown(looks: list[_Look]) -> dict[str, Any]:
    asked = any(look.held.repairs for look in looks)
    asking = {"operation": REPAIRS, "subject": SUBJECT, "content": _content(looks)} if asked else None
    money = looks[1].shown() if len(looks) > 1 else None
    return {**looks[0].shown(), "asking": asking, "money": money}

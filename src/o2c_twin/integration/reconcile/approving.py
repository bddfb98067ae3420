"""Who may have repairs begun: those of much money wait for a second person."""

from dataclasses import dataclass

from o2c_twin.integration.governance.approvals import ApprovalPolicy, ask
from o2c_twin.integration.reconcile.flight import OWN
from o2c_twin.integration.reconcile.plan import RepairPlan
from o2c_twin.integration.runtime.engine import Engine

POLICY = ApprovalPolicy("repair plan apply", {"EUR": 5_000_000}, 86_400 * 1_000_000, ("finance", "operations"))
"""From 50,000.00 EUR on, and whatever the amount in a currency that is not named; an approval holds for a day."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks or approves, in a role of `governance.roles`."""

    who: str
    role: str


ENGINE = Person("engine", "operations")


def approve(engine: Engine, policy: ApprovalPolicy, plan: RepairPlan, approver: Person, asker: Person) -> None:
    """Have a plan approved, and put that on the audit trail. Raises `ApprovalError` or `NotAllowed` when ``approver``
    may not approve what ``asker`` asks.
    """
    now, content = engine.clock.now(), plan.content
    request = ask(
        policy, f"{OWN}{content[:16]}", "repair plan", content, asker.who, asker.role, now, plan.amount_minor,
        plan.currency,
    )  # fmt: skip
    request.approve(approver.who, approver.role, now).use(content, now)
    audit = engine.delivery.audit
    if audit is not None:
        audit.add(now, approver.who, "approve repair plan", "reconcile", f"{OWN}{content[:16]}", content)

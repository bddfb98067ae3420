"""Four eyes: what one person asks, another approves, for exactly what was asked and for a limited time.

An approval is a value; each event gives the next one. It is used once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from o2c_twin.integration.governance.errors import ApprovalError
from o2c_twin.integration.governance.roles import check

State = Literal["asked", "approved", "refused", "withdrawn", "expired", "used"]
OPEN: tuple[State, ...] = ("asked", "approved")
"""The states something can still become of."""


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """What needs approval, from whom, and how long it holds.

    ``threshold_minor``: from that amount on (minor units of the currency) approval is needed; a currency that is
    not named always needs it, and so does an operation without an amount. ``valid_us`` is in microseconds from
    the asking; ``approvers`` how many people must agree; ``roles`` who may be asked.
    """

    operation: str
    threshold_minor: Mapping[str, int]
    valid_us: int
    roles: tuple[str, ...]
    approvers: int = 1

    def __post_init__(self) -> None:
        if self.valid_us <= 0 or self.approvers < 1 or not self.roles:
            raise ApprovalError(f"{self.operation}: name roles, one approver or more, and a time longer than nothing")

    def needed(self, amount_minor: int | None, currency: str | None) -> bool:
        """Whether an operation of this size needs approval; a credit counts by its size."""
        threshold = self.threshold_minor.get(currency or "")
        return threshold is None or amount_minor is None or abs(amount_minor) >= threshold


@dataclass(frozen=True, slots=True)
class Vote:
    """Somebody's answer. ``at`` is in microseconds since the epoch."""

    who: str
    role: str
    at: int
    agrees: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """A request and what became of it. ``content`` is the hash of exactly what is to be done."""

    id: str
    policy: ApprovalPolicy
    subject: str
    content: str
    asked_by: str
    asked_at: int
    amount_minor: int | None = None
    currency: str | None = None
    votes: tuple[Vote, ...] = ()
    state: State = "asked"
    changed_at: int = 0

    @property
    def expires_at(self) -> int:
        """From this instant on it is worth nothing."""
        return self.asked_at + self.policy.valid_us

    def at(self, now: int) -> "Approval":
        """As it stands at an instant: what was not used in time has expired."""
        if self.state in OPEN and now >= self.expires_at:
            return replace(self, state="expired", changed_at=self.expires_at)
        return self

    def approve(self, who: str, role: str, now: int) -> "Approval":
        """Somebody agrees. Raises `ApprovalError` for the one who asked, who voted already, or whose role the
        policy does not name; `NotAllowed` for a role that approves nothing.
        """
        here = self._voted(Vote(who, role, now, agrees=True))
        agreed = sum(1 for vote in here.votes if vote.agrees)
        return replace(here, state="approved") if agreed >= self.policy.approvers else here

    def refuse(self, who: str, role: str, now: int, reason: str) -> "Approval":
        """Somebody does not agree, and says why; one no is enough. Raises `ApprovalError` as `approve` does."""
        if not reason.strip():
            raise ApprovalError(f"{self.id}: a refusal needs a reason; say what must change")
        return replace(self._voted(Vote(who, role, now, agrees=False, reason=reason)), state="refused")

    def withdraw(self, who: str, now: int) -> "Approval":
        """The one who asked no longer wants it."""
        here = self._open(now)
        if not _same(who, self.asked_by):
            raise ApprovalError(f"{self.id}: only {self.asked_by} may withdraw it; refuse it instead")
        return replace(here, state="withdrawn", changed_at=now)

    def use(self, content: str, now: int) -> "Approval":
        """It is done now. Raises `ApprovalError` unless approved, in time, unused, and for this very content."""
        here = self._open(now)
        if here.state != "approved":
            lacking = self.policy.approvers - sum(1 for vote in here.votes if vote.agrees)
            raise ApprovalError(f"{self.id}: {lacking} more must approve first; ask {' or '.join(self.policy.roles)}")
        if content != self.content:
            raise ApprovalError(f"{self.id}: something else was approved; ask again for what it has become")
        return replace(here, state="used", changed_at=now)

    def _open(self, now: int) -> "Approval":
        if now < max(self.changed_at, self.asked_at):
            raise ApprovalError(f"{self.id}: {now} is before its last change; use one clock")
        here = self.at(now)
        if here.state not in OPEN:
            raise ApprovalError(f"{self.id}: it is {here.state}; ask again")
        return here

    def _voted(self, vote: Vote) -> "Approval":
        here = self._open(vote.at)
        if here.state != "asked":
            raise ApprovalError(f"{self.id}: it is {here.state} already; use it, or withdraw it")
        check(vote.role, "approve")
        if vote.role not in self.policy.roles:
            remedy = f"ask {' or '.join(self.policy.roles)}"
            raise ApprovalError(f"{self.id}: {vote.role} may not decide on {self.policy.operation}; {remedy}")
        if _same(vote.who, self.asked_by):
            raise ApprovalError(f"{self.id}: {vote.who} asked for it; somebody else must decide")
        if any(_same(vote.who, other.who) for other in self.votes):
            raise ApprovalError(f"{self.id}: {vote.who} has decided already; somebody else must")
        return replace(here, votes=(*here.votes, vote), changed_at=vote.at)


def ask(
    policy: ApprovalPolicy,
    id: str,
    subject: str,
    content: str,
    who: str,
    role: str,
    now: int,
    amount_minor: int | None = None,
    currency: str | None = None,
) -> Approval:
    """A request for approval. Raises `NotAllowed` when the role may not do the operation even with approval."""
    check(role, policy.operation)
    if not who.strip():
        raise ApprovalError(f"{id}: nobody asks; name the person")
    if (amount_minor is None) != (currency is None):
        raise ApprovalError(f"{id}: an amount has a currency; give both or neither")
    return Approval(id, policy, subject, content, who, now, amount_minor, currency, changed_at=now)


def _same(one: str, other: str) -> bool:
    # A person is not two people for a capital letter or a blank.
    return one.strip().casefold() == other.strip().casefold()

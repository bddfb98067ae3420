"""Four eyes in the service: what one asks for, another decides, kept in the journal with its audit entries."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from o2c_twin.integration.governance.approvals import Approval, ApprovalPolicy, ask
from o2c_twin.integration.governance.errors import ApprovalError, Erased, NotAllowed
from o2c_twin.integration.governance.personal_data import ERASED
from o2c_twin.integration.governance.roles import TABLE
from o2c_twin.integration.governance.vault import MARK, Vault
from o2c_twin.integration.service.principals import Principal
from o2c_twin.integration.service.refusals import Refused
from o2c_twin.integration.store import ApprovalRow

_DAY = 86_400 * 1_000_000
_PLACE = "approval.told"
ERASURE = "erase subject"
REPAIRS = "repair plan apply"
HOLD = "release hold"
WRITE_OFF = "write-off"
MAPS = "mapping release"
DISCARD = "discard dead letters"
APPROVERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        HOLD: ("credit", "finance"),
        WRITE_OFF: ("finance", "credit"),
        MAPS: ("operations", "finance"),
        REPAIRS: ("operations", "finance"),
        "backfill": ("operations", "finance"),
        ERASURE: ("operations", "finance"),
        DISCARD: ("operations", "finance"),
        # Under the design's four-eyes controls.
        "edit case": ("operations", "finance", "credit"),
        "replay": ("operations", "finance", "credit"),
        "compensate": ("operations", "finance", "credit"),
    }
)
"""Operation to the roles that may decide on it; a second person of the same role may, the one who asks never."""
POLICIES = {name: ApprovalPolicy(name, {}, _DAY, roles) for name, roles in APPROVERS.items()}
"""An approval holds for a day, whatever the amount."""


class Kept(msgspec.Struct, frozen=True):
    """An approval as the journal keeps it. ``told`` is what is to be done, as JSON; of a person it is sealed."""

    approval: Approval
    told: str


class Store(Protocol):
    """The part of the journal that is needed."""

    def together(self) -> AbstractContextManager[None]:
        """One commit."""
        ...

    def put_approval(self, row: ApprovalRow) -> bool:
        """Keep a version; False when somebody else was first."""
        ...

    def approval(self, id_: str) -> ApprovalRow | None:
        """One."""
        ...

    def approvals(self, state: str | None = None) -> list[ApprovalRow]:
        """All."""
        ...


_KEPT = msgspec.json.Decoder(Kept)
_encode = msgspec.json.Encoder(order="sorted").encode


class Approvals:
    """The approvals of one journal. Every method raises `Refused`; the caller puts that on the audit trail."""

    def __init__(self, store: Store, now: Callable[[], int], vault: Vault | None = None) -> None:
        self._store = store
        self._now = now
        self._vault = vault

    def ask(
        self,
        who: Principal,
        operation: str,
        subject: str,
        content: Mapping[str, Any],
        amount_minor: int | None = None,
        currency: str | None = None,
    ) -> dict[str, Any]:
        """Ask for approval of exactly this. Raises `Refused` for a role that may not even ask."""
        policy = POLICIES.get(operation)
        if policy is None:
            known = "needs no approval" if operation in TABLE else "is no operation"
            raise Refused(422, f"{operation!r} {known}; there are: {', '.join(POLICIES)}")
        if not subject.strip():
            raise Refused(422, "subject: say what it is about: a system, a case, an account")
        digest = self.digest(operation, subject, content)
        named, told = self._named(operation, subject), self._told(operation, subject, content)
        number = len(self._store.approvals()) + 1
        while True:
            id_ = f"apr-{number}"
            try:
                made = ask(policy, id_, named, digest, who.name, who.role, self._now(), amount_minor, currency)
            except NotAllowed as no:
                raise Refused(403, str(no)) from no
            except ApprovalError as bad:
                raise Refused(422, str(bad)) from bad
            if self._store.put_approval(_row(1, Kept(made, told))):
                return self._shown(Kept(made, told))
            number += 1

    def decide(self, who: Principal, id_: str, action: str, reason: str) -> dict[str, Any]:
        """``approve``, ``refuse`` with a reason, or ``withdraw`` what one asked for oneself."""
        now = self._now()
        row, kept = self._kept(id_)
        try:
            if action == "approve":
                then = kept.approval.approve(who.name, who.role, now)
            elif action == "refuse":
                then = kept.approval.refuse(who.name, who.role, now, reason)
            elif action == "withdraw":
                then = kept.approval.withdraw(who.name, now)
            else:
                raise Refused(422, f"action {action!r}: approve, refuse or withdraw")
        except NotAllowed as no:
            raise Refused(403, str(no)) from no
        except ApprovalError as bad:
            raise Refused(409, str(bad)) from bad
        return self._shown(self._put(row, msgspec.structs.replace(kept, approval=then)))

    def use(self, id_: str | None, operation: str, subject: str, content: Mapping[str, Any]) -> Approval:
        """Spend an approval on exactly what was approved; in the transaction of what is done."""
        if not id_:
            how = f"ask with POST /api/approvals (operation {operation!r}), and send the id as 'approval'"
            raise Refused(403, f"{operation} needs a second pair of eyes: {how}")
        row, kept = self._kept(id_)
        if kept.approval.policy.operation != operation:
            raise Refused(409, f"{id_}: is for {kept.approval.policy.operation}, not for {operation}; ask again")
        try:
            then = kept.approval.use(self.digest(operation, subject, content), self._now())
        except ApprovalError as bad:
            raise Refused(409, str(bad)) from bad
        self._put(row, msgspec.structs.replace(kept, approval=then))
        return then

    def listed(self, state: str | None = None) -> list[dict[str, Any]]:
        """All of them as they stand now, oldest first."""
        shown = [self._shown(_KEPT.decode(row.body)) for row in self._store.approvals()]
        return [each for each in shown if state is None or each["state"] == state]

    def digest(self, operation: str, subject: str, content: Mapping[str, Any]) -> str:
        """The hash of exactly what is to be done; of a person's data a keyed one, which nobody can guess back."""
        told = _encode([operation, subject, dict(content)])
        if self._vault is not None and operation == ERASURE:
            return self._safely(lambda vault: vault.fingerprint(subject, told))
        return hashlib.blake2b(told, digest_size=16).hexdigest()

    def _named(self, operation: str, subject: str) -> str:
        if self._vault is None or operation != ERASURE:
            return subject
        return self._safely(lambda vault: vault.pseudonym(subject))

    def _told(self, operation: str, subject: str, content: Mapping[str, Any]) -> str:
        told: str = _encode({"subject": subject, "content": dict(content)}).decode()
        if self._vault is None or operation != ERASURE:
            return told
        return self._safely(lambda vault: vault.seal(subject, told, _PLACE))

    def _safely(self, call: Callable[[Vault], str]) -> str:
        assert self._vault is not None
        try:
            return call(self._vault)
        except Erased as gone:
            raise Refused(409, str(gone)) from gone

    def _kept(self, id_: str) -> tuple[ApprovalRow, Kept]:
        row = self._store.approval(id_)
        if row is None:
            raise Refused(404, f"no approval {id_!r}; see GET /api/approvals")
        return row, _KEPT.decode(row.body)

    def _put(self, row: ApprovalRow, kept: Kept) -> Kept:
        if not self._store.put_approval(_row(row.version + 1, kept)):
            raise Refused(409, f"{row.id}: somebody else decided just now; look again")
        return kept

    def _shown(self, kept: Kept) -> dict[str, Any]:
        approval = kept.approval.at(self._now())
        told: dict[str, Any] = {"subject": ERASED, "content": {}}
        if not kept.told.startswith(MARK):
            told = msgspec.json.decode(kept.told)
        elif self._vault is not None:
            try:
                told = msgspec.json.decode(self._vault.open(kept.told, _PLACE))
            except Erased:
                pass
        return {
            "id": approval.id,
            "operation": approval.policy.operation,
            "state": approval.state,
            **told,
            "asked_by": approval.asked_by,
            "asked_at": approval.asked_at,
            "expires_at": approval.expires_at,
            "ask": list(approval.policy.roles),
            "amount_minor": approval.amount_minor,
            "currency": approval.currency,
            "votes": [
                {"who": vote.who, "role": vote.role, "at": vote.at, "agrees": vote.agrees, "reason": vote.reason}
                for vote in approval.votes
            ],
        }


def _row(version: int, kept: Kept) -> ApprovalRow:
    approval = kept.approval
    body = msgspec.json.encode(kept)
    return ApprovalRow(approval.id, version, approval.policy.operation, approval.state, approval.asked_at, body)

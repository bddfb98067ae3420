"""What an operations team does with a running engine, each by a role that may, each on the audit trail."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from o2c_twin.integration.flows.order import adopt
from o2c_twin.integration.governance import subjects
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.service.approvals import ERASURE, Approvals
from o2c_twin.integration.service.dead_letters import DeadLetters
from o2c_twin.integration.service.decisions import Decisions
from o2c_twin.integration.service.doing import Doing
from o2c_twin.integration.service.map_releases import MapReleases
from o2c_twin.integration.service.principals import Principal
from o2c_twin.integration.service.refusals import Refused
from o2c_twin.integration.service.repairs import Repairs
from o2c_twin.integration.service.standing import Edges, edges_of, sources_of

Names = Callable[[str, str], str]
"""A name of something, and the account it may contain: the name as the audit trail may say it."""


class AuditSource(Protocol):
    """Where the audit trail is read."""

    def entries(self) -> list[dict[str, Any]]:
        """What it says, oldest first."""
        ...

    def rows(self) -> list[dict[str, Any]]:
        """As it is kept, for whoever verifies it."""
        ...


class Forgetting(Protocol):
    """Who erases a subject. Raises `Refused`."""

    def check(self, subject: str) -> None:
        """Raises `Refused` where there is nothing to erase, or something under way."""
        ...

    def erase(self, subject: str, who: str) -> dict[str, Any]:
        """Erase it, and tell what was done."""
        ...

    def named(self, subject: str) -> str:
        """What the audit trail calls it."""
        ...


class Operations:
    """One engine's operations.

    Every method raises `Refused`: for a role that may not, for what does not exist, for what nobody approved.
    """

    def __init__(
        self,
        engine: Engine,
        doing: Doing,
        audit: AuditSource,
        approvals: Approvals,
        repairs: Repairs,
        decisions: Decisions,
        maps: MapReleases,
        dead_letters: DeadLetters,
        forgetting: Forgetting | None = None,
        names: Names = lambda text, subject: text,
        edges: Edges = MappingProxyType({}),
    ) -> None:
        self._engine = engine
        self._doing = doing
        self._audit = audit
        self._approvals = approvals
        self._forgetting = forgetting
        self._names = names
        self._edges = edges
        self.repairs = repairs
        self.decisions = decisions
        self.maps = maps
        self.dead_letters = dead_letters

    # --- reading ---------------------------------------------------------------------------------

    async def status(self, who: Principal) -> dict[str, Any]:
        """Counts of events, effects and cases by state; each system's line; what is paused; each source and edge."""
        with self._doing(who, "status", "", waits=True):
            engine, edges = self._engine, await edges_of(self._edges)
            return {
                "now": engine.clock.now(),
                "profile": engine.profile.choices(),
                "counts": engine.journal.counts(),
                "handled": engine.handled,
                "paused": list(engine.paused),
                "lines": {
                    name: {"calls": line.calls, "throttled": line.throttled, "breaker_open": not line.breaker.closed}
                    for name, line in engine.lines.items()
                },
                "sources": sources_of(engine),
                "edges": edges,
            }

    def cases(self, who: Principal, state: str | None = None) -> list[dict[str, Any]]:
        """Cases in the order they were opened."""
        with self._doing(who, "list cases", state or ""):
            return [msgspec.to_builtins(case) for case in self._engine.journal.cases(state)]

    def audit(self, who: Principal, *, raw: bool = False) -> list[dict[str, Any]]:
        """The audit trail, oldest first; ``raw`` as it is kept, to be verified."""
        with self._doing(who, "read audit", ""):
            return self._audit.rows() if raw else self._audit.entries()

    # --- cases -----------------------------------------------------------------------------------

    def replay(self, who: Principal, case_id: str, note: str, approval: str | None = None) -> None:
        """Work the event of a case once more."""
        with self._doing(who, "replay", self._case_named(case_id)):
            by, approved_by = self._settling(who, "replay", case_id, approval)
            with _found():
                self._engine.replay_case(case_id, by, note, approved_by)

    def compensate(self, who: Principal, case_id: str, note: str, approval: str | None = None) -> None:
        """Undo what was done for the event of a case, as far as it can be."""
        with self._doing(who, "compensate", self._case_named(case_id)):
            if not note.strip():
                raise Refused(422, "note: say why it is undone; it is kept with the case")
            by, approved_by = self._settling(who, "compensate", case_id, approval)
            with _found():
                self._engine.compensate_case(case_id, by, note, approved_by)

    def undo(self, who: Principal, keys: list[str], note: str, approval: str | None = None) -> str:
        """Undo writes that are done, by their keys; under four-eyes controls somebody else must have approved them."""
        with self._doing(who, "compensate", ", ".join(self._key_named(key) for key in keys), "undo"):
            if not note.strip() or not keys:
                raise Refused(422, "keys, note: say what is to be undone, and why")
            if self._engine.profile.controls == "four-eyes":
                self._approvals.use(approval, "compensate", keys[0], {"keys": ",".join(keys)})
            with _found():
                return self._engine.undo(keys)

    def close(
        self, who: Principal, case_id: str, note: str, result: str | None = None, approval: str | None = None
    ) -> None:
        """A person settled a case outside; with ``result`` the id of what was made by hand."""
        with self._doing(who, "edit case", self._case_named(case_id)):
            if not note.strip():
                raise Refused(422, "note: say what was done; it is kept with the case")
            case = self._engine.journal.case(case_id)
            by, approved_by = self._settling(who, "edit case", case_id, approval)
            with _found():
                self._engine.close_case(case_id, by, note, result, approved_by)
            if case is not None and case.flow == "order" and result:
                adopt(self._engine, case.object_id, result)

    def _settling(self, who: Principal, operation: str, case_id: str, approval: str | None) -> tuple[str, str | None]:
        """Who settles it, and who approved, as the design's controls ask for it."""
        controls = self._engine.profile.controls
        case = self._engine.journal.case(case_id)
        if controls != "four-eyes" or case is None or case.state != "open":
            return (who.role if controls == "roles" else who.name), None
        used = self._approvals.use(approval, operation, case_id, {})
        return who.name, used.votes[-1].who

    def _key_named(self, key: str) -> str:
        effect = self._engine.journal.effect(key)
        return key if effect is None else self._names(key, subjects.of_lane(effect.lane))

    def _case_named(self, case_id: str) -> str:
        case = self._engine.journal.case(case_id)
        if case is None:
            return case_id
        return self._names(case_id, subjects.of_lane(case.lane))

    # --- systems and flows -----------------------------------------------------------------------

    async def sweep(self, who: Principal, system: str) -> None:
        """Ask a system for its changes now."""
        with self._doing(who, "sweep", system, waits=True):
            self._system(system)
            await self._engine.sweep(system)

    def pause(self, who: Principal, flow: str, *, on: bool) -> None:
        """Pause a flow, or resume it."""
        with self._doing(who, "pause flow" if on else "resume flow", flow), _found():
            (self._engine.pause if on else self._engine.resume)(flow)

    async def backfill(self, who: Principal, system: str, since: str, approval: str | None) -> None:
        """Ask a system for everything since an instant; somebody else must have approved it."""
        with self._doing(who, "backfill", system, waits=True):
            self._system(system)
            self._instant(system, since)
            self._approvals.use(approval, "backfill", system, {"since": since})
            await self._engine.backfill(system, since)

    def _system(self, system: str) -> None:
        if system not in self._engine.systems:
            raise Refused(404, f"no system {system!r}; there are: {', '.join(sorted(self._engine.systems))}")

    def _instant(self, system: str, since: str) -> None:
        from datetime import date

        by_date = system == self._engine.bank.system
        try:
            _ = date.fromisoformat(since) if by_date else int(since)
        except ValueError as bad:
            wanted = "an ISO date, such as 2026-01-31" if by_date else "microseconds since the epoch"
            raise Refused(422, f"since: {since!r} is no instant for {system}; give {wanted}") from bad

    # --- approvals -------------------------------------------------------------------------------

    def ask(self, who: Principal, operation: str, subject: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for approval of an operation."""
        with self._doing(who, None, self._approval_named(operation, subject), f"ask: {operation}") as told:
            if operation == ERASURE:
                self._eraser().check(subject)
            amount, currency = _money(content)
            made = self._approvals.ask(who, operation, subject, content, amount, currency)
            told["outcome"] = made["id"]
            return made

    def decide(self, who: Principal, id_: str, action: str, reason: str) -> dict[str, Any]:
        """Approve, refuse or withdraw."""
        needed = "approve" if action in ("approve", "refuse") else None
        with self._doing(who, needed, id_, action if action in ("approve", "refuse", "withdraw") else "approve"):
            return self._approvals.decide(who, id_, action, reason)

    def approvals(self, who: Principal, state: str | None = None) -> list[dict[str, Any]]:
        """What was asked and what became of it."""
        with self._doing(who, "status", state or "", "list approvals"):
            return self._approvals.listed(state)

    def _approval_named(self, operation: str, subject: str) -> str:
        if operation == ERASURE:
            return subject if self._forgetting is None else self._forgetting.named(subject)
        return self._case_named(subject) if subject.startswith("case:") else subject

    # --- people ----------------------------------------------------------------------------------

    def erase(self, who: Principal, subject: str, approval: str | None) -> dict[str, Any]:
        """Erase a subject from all the engine keeps; somebody else must have approved it."""
        with self._doing(who, ERASURE, self._approval_named(ERASURE, subject), waits=True):
            eraser = self._eraser()
            eraser.check(subject)
            self._approvals.use(approval, ERASURE, subject, {})
            return eraser.erase(subject, who.name)

    def _eraser(self) -> Forgetting:
        if self._forgetting is None:
            raise Refused(409, "no vault is configured; give the service 'keys' and 'master_key'")
        return self._forgetting


def _money(content: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """What an approval is worth, where what is asked for says it."""
    amount, currency = content.get("amount_minor"), content.get("currency")
    if amount is None or currency is None:
        return None, None
    try:
        return int(amount), str(currency)
    except ValueError as bad:
        raise Refused(422, f"content.amount_minor: {amount!r} is no amount; give minor units") from bad


@contextmanager
def _found() -> Iterator[None]:
    """What an engine does not know, and what its design's controls forbid, in the words of HTTP."""
    try:
        yield
    except KeyError as missing:
        raise Refused(404, str(missing.args[0])) from missing
    except PermissionError as no:
        raise Refused(403, str(no)) from no
    except ValueError as not_now:
        raise Refused(409, str(not_now)) from not_now


__all__ = ["AuditSource", "Forgetting", "Operations", "Refused"]

"""What an operations team does with a running engine, each by a role that may, each on the audit trail."""

from collections.abc import Callable
from typing import Any

import msgspec

from o2c_twin.integration.flows.order import adopt
from o2c_twin.integration.governance.errors import NotAllowed
from o2c_twin.integration.governance.roles import check
from o2c_twin.integration.runtime.engine import Engine


class Refused(Exception):
    """The operation was not done; ``status`` is what HTTP calls the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


Trail = Callable[[str, str, str, str], None]
"""Called with role, operation, subject and outcome."""


class Operations:
    """One engine's operations. Every method raises `Refused` for a role that may not, and for what does not exist."""

    def __init__(self, engine: Engine, trail: Trail, audit: Callable[[], list[dict[str, Any]]]) -> None:
        self._engine = engine
        self._trail = trail
        self._audit = audit

    def status(self, role: str) -> dict[str, Any]:
        """Counts of events, effects and cases by state; each system's line; what is paused."""
        self._may(role, "status", "")
        engine = self._engine
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
        }

    def cases(self, role: str, state: str | None = None) -> list[dict[str, Any]]:
        """Cases in the order they were opened."""
        self._may(role, "list cases", state or "")
        return [msgspec.to_builtins(case) for case in self._engine.journal.cases(state)]

    def replay(self, role: str, case_id: str, note: str) -> None:
        """Work the event of a case once more."""
        self._may(role, "replay", case_id)
        try:
            self._engine.replay_case(case_id, role, note)
        except KeyError as missing:
            raise Refused(404, str(missing.args[0])) from missing
        self._trail(role, "replay", case_id, "done")

    def close(self, role: str, case_id: str, note: str, result: str | None) -> None:
        """A person settled a case outside; with ``result`` the id of what was made by hand."""
        self._may(role, "edit case", case_id)
        if not note.strip():
            raise Refused(422, "note: say what was done; it is on the audit trail")
        case = self._engine.journal.case(case_id)
        try:
            self._engine.close_case(case_id, role, note, result)
        except KeyError as missing:
            raise Refused(404, str(missing.args[0])) from missing
        if case is not None and case.flow == "order" and result:
            adopt(self._engine, case.object_id, result)
        self._trail(role, "edit case", case_id, "done")

    async def sweep(self, role: str, system: str) -> None:
        """Ask a system for its changes now."""
        self._may(role, "sweep", system)
        try:
            await self._engine.sweep(system)
        except KeyError as missing:
            raise Refused(404, str(missing.args[0])) from missing
        self._trail(role, "sweep", system, "done")

    def pause(self, role: str, flow: str, *, on: bool) -> None:
        """Pause a flow, or resume it."""
        operation = "pause flow" if on else "resume flow"
        self._may(role, operation, flow)
        try:
            (self._engine.pause if on else self._engine.resume)(flow)
        except KeyError as missing:
            raise Refused(404, str(missing.args[0])) from missing
        self._trail(role, operation, flow, "done")

    async def backfill(self, role: str, approver: str | None, system: str, since: str) -> None:
        """Ask a system for everything since an instant; two people must want it."""
        self._may(role, "backfill", system, approver)
        try:
            await self._engine.backfill(system, since)
        except KeyError as missing:
            raise Refused(404, str(missing.args[0])) from missing
        self._trail(role, "backfill", f"{system} since {since}", "done")

    def audit(self, role: str) -> list[dict[str, Any]]:
        """The audit trail, oldest first."""
        self._may(role, "read audit", "")
        return self._audit()

    def _may(self, role: str, operation: str, subject: str, approver: str | None = None) -> None:
        try:
            right = check(role, operation)
        except NotAllowed as no:
            self._trail(role, operation, subject, "refused")
            raise Refused(403, str(no)) from no
        if right == "four eyes" and approver in (None, role):
            self._trail(role, operation, subject, "refused")
            raise Refused(403, f"{operation} needs a second pair of eyes: send the approver's token too")

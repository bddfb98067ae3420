"""The operations as HTTP calls: the shapes of their bodies, and which call is which operation."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import Field

from o2c_twin.integration.service.api_bodies import Body
from o2c_twin.integration.service.operations import Operations
from o2c_twin.integration.service.principals import Principal


class CaseAction(Body):
    """What is to become of a case: worked again, undone, or closed because a person settled it outside."""

    action: str
    note: str = ""
    result: str | None = None
    approval: str | None = None


class Undoing(Body):
    """Which writes are to be undone, by their keys, and why."""

    keys: list[str]
    note: str = ""
    approval: str | None = None


class Backfill(Body):
    """From when on a system is asked again: microseconds since the epoch, for a bank an ISO date."""

    since: str
    approval: str | None = None


class Asking(Body):
    """An operation that needs somebody else's approval, with exactly what is to be done."""

    operation: str
    subject: str
    content: dict[str, str] = Field(default_factory=dict)


class Decision(Body):
    """Approve, refuse (with a reason) or withdraw."""

    action: str
    reason: str = ""


class Erasure(Body):
    """Who is to be erased: an account by its id at sales."""

    subject: str
    approval: str | None = None


def operations_router(operations: Operations, caller: Any) -> APIRouter:
    """The routes of the operations; ``caller`` is the dependency that gives the `Principal`."""
    router = APIRouter(prefix="/api")
    Who = Annotated[Principal, caller]

    @router.get("/status")
    async def status(who: Who) -> dict[str, Any]:
        """Counts, lines, what is paused, and how each source and edge is doing."""
        return await operations.status(who)

    @router.get("/cases")
    async def cases(who: Who, state: str | None = None) -> list[dict[str, Any]]:
        """Cases, all or of one state."""
        return operations.cases(who, state)

    @router.post("/cases/{case_id:path}")
    async def settle(case_id: str, what: CaseAction, who: Who) -> dict[str, str]:
        """Replay, compensate or close a case."""
        if what.action == "replay":
            operations.replay(who, case_id, what.note, what.approval)
        elif what.action == "compensate":
            operations.compensate(who, case_id, what.note, what.approval)
        elif what.action == "close":
            operations.close(who, case_id, what.note, what.result, what.approval)
        else:
            raise HTTPException(422, f"action {what.action!r}: replay, compensate or close")
        return {"case": case_id, "done": what.action}

    @router.post("/undo")
    async def undo(what: Undoing, who: Who) -> dict[str, str]:
        """Undo writes that are done; what cannot be undone becomes a case."""
        return {"undoing": operations.undo(who, what.keys, what.note, what.approval)}

    @router.post("/sweep/{system}")
    async def sweep(system: str, who: Who) -> dict[str, str]:
        """Ask a system for its changes now."""
        await operations.sweep(who, system)
        return {"swept": system}

    @router.post("/backfill/{system}")
    async def backfill(system: str, what: Backfill, who: Who) -> dict[str, str]:
        """Ask a system for everything since an instant; needs the id of an approval of exactly this."""
        await operations.backfill(who, system, what.since, what.approval)
        return {"asked": system, "since": what.since}

    @router.post("/flows/{flow}/{action}")
    async def pause(flow: str, action: str, who: Who) -> dict[str, str]:
        """Pause or resume a flow."""
        if action not in ("pause", "resume"):
            raise HTTPException(404, f"no action {action!r}: pause or resume")
        operations.pause(who, flow, on=action == "pause")
        return {"flow": flow, "done": action}

    @router.post("/approvals", status_code=201)
    async def ask(what: Asking, who: Who) -> dict[str, Any]:
        """Ask for somebody else's approval."""
        return operations.ask(who, what.operation, what.subject, what.content)

    @router.get("/approvals")
    async def approvals(who: Who, state: str | None = None) -> list[dict[str, Any]]:
        """What was asked, and what became of it."""
        return operations.approvals(who, state)

    @router.post("/approvals/{id}")
    async def decide(id: str, what: Decision, who: Who) -> dict[str, Any]:
        """Approve, refuse or withdraw."""
        return operations.decide(who, id, what.action, what.reason)

    @router.post("/erase")
    async def erase(what: Erasure, who: Who) -> dict[str, Any]:
        """Erase a subject; needs the id of an approval of exactly this."""
        return operations.erase(who, what.subject, what.approval)

    @router.get("/audit")
    async def audit(who: Who, raw: bool = False) -> list[dict[str, Any]]:
        """The audit trail; ``raw`` as it is kept, to be verified."""
        return operations.audit(who, raw=raw)

    return router

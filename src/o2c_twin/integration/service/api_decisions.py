"""Orders released and remainders written off, as HTTP calls."""

from typing import Annotated, Any

from fastapi import APIRouter

from o2c_twin.integration.service.api_bodies import Body
from o2c_twin.integration.service.decisions import Decisions
from o2c_twin.integration.service.principals import Principal


class Release(Body):
    """``approval``: the id of an approval of just this."""

    approval: str | None = None


class WriteOffBody(Body):
    """Why, and the id of an approval where the amount needs one."""

    reason: str
    approval: str | None = None


def decisions_router(decisions: Decisions, caller: Any) -> APIRouter:
    """The routes; ``caller`` is the dependency that gives the `Principal`."""
    router = APIRouter(prefix="/api")
    Who = Annotated[Principal, caller]

    @router.get("/holds/{order_id}")
    async def hold(order_id: str, who: Who) -> dict[str, Any]:
        """An order the ERP's credit check holds, and what to ask for to have it released."""
        return await decisions.hold(who, order_id)

    @router.post("/holds/{order_id}/release", status_code=202)
    async def release(order_id: str, what: Release, who: Who) -> dict[str, Any]:
        """Have a held order released; needs the id of an approval of exactly this."""
        return await decisions.release(who, order_id, what.approval)

    @router.get("/remainders/{number}")
    async def remainder(number: str, who: Who, reason: str = "") -> dict[str, Any]:
        """What a part-paid invoice has open, and what to ask for to have it written off."""
        return await decisions.remainder(who, number, reason)

    @router.post("/remainders/{number}/write-off", status_code=202)
    async def write_off(number: str, what: WriteOffBody, who: Who) -> dict[str, Any]:
        """Have the remainder of an invoice written off."""
        return await decisions.write_off(who, number, what.reason, what.approval)

    return router

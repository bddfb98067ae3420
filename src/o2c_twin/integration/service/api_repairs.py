"""The repair plan as HTTP calls."""

from typing import Annotated, Any

from fastapi import APIRouter

from o2c_twin.integration.service.api_bodies import Body
from o2c_twin.integration.service.principals import Principal
from o2c_twin.integration.service.repairs import Repairs


class Apply(Body):
    """``approval``: the id of an approval of what the plan holds back; without it only the rest is begun."""

    approval: str | None = None


def repairs_router(repairs: Repairs, caller: Any) -> APIRouter:
    """The routes of the repair plan; ``caller`` is the dependency that gives the `Principal`."""
    router = APIRouter(prefix="/api/repairs")
    Who = Annotated[Principal, caller]

    @router.get("/plan")
    async def plan(who: Who) -> dict[str, Any]:
        """Compare the systems, and tell what would be repaired; nothing is changed."""
        return await repairs.plan(who)

    @router.post("/apply")
    async def apply(what: Apply, who: Who) -> dict[str, Any]:
        """Compare the systems, and begin the repairs that may be."""
        return await repairs.apply(who, what.approval)

    return router

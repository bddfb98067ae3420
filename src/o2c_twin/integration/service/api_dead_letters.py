"""The broker's dead letters as HTTP calls."""

from typing import Annotated, Any

from fastapi import APIRouter

from o2c_twin.integration.service.api_bodies import Body
from o2c_twin.integration.service.dead_letters import DeadLetters
from o2c_twin.integration.service.principals import Principal


class Reviving(Body):
    """Which letters, by their ids."""

    ids: list[str]


class Discarding(Body):
    """Which letters, by their ids, and the id of an approval of just these."""

    ids: list[str]
    approval: str | None = None


def dead_letters_router(letters: DeadLetters, caller: Any) -> APIRouter:
    """The routes; ``caller`` is the dependency that gives the `Principal`."""
    router = APIRouter(prefix="/api/dead-letters")
    Who = Annotated[Principal, caller]

    @router.get("")
    async def listed(who: Who, most: int = 100) -> list[dict[str, Any]]:
        """The oldest dead letters, with nothing personal in them; they stay where they are."""
        return await letters.listed(who, most)

    @router.post("/revive")
    async def revive(what: Reviving, who: Who) -> dict[str, Any]:
        """Send letters on to the inbox again."""
        return await letters.revive(who, what.ids)

    @router.post("/discard")
    async def discard(what: Discarding, who: Who) -> dict[str, Any]:
        """End letters for good; needs the id of an approval of exactly these."""
        return await letters.discard(who, what.ids, what.approval)

    return router

"""The releases of field maps as HTTP calls."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from o2c_twin.integration.mappings import MapFiles
from o2c_twin.integration.service.api_bodies import Body
from o2c_twin.integration.service.map_releases import MapReleases
from o2c_twin.integration.service.principals import Principal


class Proposal(Body):
    """Files by name, with their texts; ``alone``: in place of all own files in use, and not beside them."""

    maps: dict[str, str] = Field(default_factory=dict)
    codes: dict[str, str] = Field(default_factory=dict)
    schemas: dict[str, str] = Field(default_factory=dict)
    rates: dict[str, str] = Field(default_factory=dict)
    alone: bool = False


class Taking(Body):
    """``approval``: the id of an approval of just this release."""

    approval: str | None = None


def maps_router(maps: MapReleases, caller: Any) -> APIRouter:
    """The routes; ``caller`` is the dependency that gives the `Principal`."""
    router = APIRouter(prefix="/api/maps")
    Who = Annotated[Principal, caller]

    @router.get("")
    async def status(who: Who) -> dict[str, Any]:
        """What is in use, what was, and what is proposed."""
        return maps.status(who)

    @router.post("", status_code=201)
    async def propose(what: Proposal, who: Who) -> dict[str, Any]:
        """Propose map files; tells what they would have made of past documents."""
        return maps.propose(who, MapFiles(what.maps, what.codes, what.schemas, what.rates), alone=what.alone)

    @router.post("/{release}")
    async def take(release: str, what: Taking, who: Who) -> dict[str, Any]:
        """Take a proposal into use; needs the id of an approval of exactly this."""
        return maps.release(who, release, what.approval)

    return router

"""The control plane: read the journal, inject faults, snapshot, reset; under a path and a token of its own."""

import hmac
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response

from o2c_twin.mock_systems.wire.faults import AnyFault, covers
from o2c_twin.mock_systems.wire.openapi import SCHEMA_REF
from o2c_twin.mock_systems.wire.server import MockServer, NotSealed

CONTROL_TYPES: tuple[Any, ...] = (AnyFault,)
"""Types whose schemas the control plane's routes refer to; `openapi_document` spells them out."""
_FAULT: msgspec.json.Decoder[AnyFault] = msgspec.json.Decoder(AnyFault)
_FAULT_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": msgspec.json.schema_components(CONTROL_TYPES, ref_template=SCHEMA_REF)[0][0]}
    },
}


def control_router(server: MockServer, token: str) -> APIRouter:
    """The routes of one server's control plane; every one wants ``Authorization: Bearer <token>``."""

    async def guard(authorization: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401, "control plane: send 'Authorization: Bearer <control token>'")

    router = APIRouter(dependencies=[Depends(guard)], tags=["control plane"])
    snapshots: dict[str, bytes] = {}
    names = [*(operation.name for operation in server.dialect.routes), *server.dialect.steps]

    @router.get("/health")
    async def health() -> dict[str, Any]:
        """Name, vendor, plan, record counts, virtual time in microseconds since the epoch."""
        return {"system": server.name, "now": server.world.clock.now(), **server.dialect.facts()}

    @router.get("/capabilities")
    async def capabilities() -> list[dict[str, Any]]:
        """What each write offers against being done twice."""
        return [msgspec.to_builtins(promise) for promise in server.dialect.promises]

    @router.get("/journal")
    async def journal(
        operation: Annotated[str | None, Query(description="name in the route table")] = None,
        status: Annotated[int | None, Query(description="HTTP status, 0 for no answer")] = None,
        last: Annotated[int, Query(ge=1, le=10_000)] = 100,
    ) -> dict[str, Any]:
        """The last calls, newest last; ``count`` is all calls since the start."""
        entries = [
            entry
            for entry in server.journal.entries
            if (operation is None or entry.operation == operation) and (status is None or entry.status == status)
        ][-last:]
        return {
            "count": server.journal.count,
            "entries": [
                {
                    **{f: getattr(e, f) for f in e.__struct_fields__ if f not in ("request", "response")},
                    "request": e.request.decode("utf-8", "replace"),
                    "response": e.response.decode("utf-8", "replace"),
                }
                for e in entries
            ],
        }

    @router.delete("/journal", status_code=204)
    async def clear_journal() -> Response:
        """Forget the kept entries."""
        server.journal.clear()
        return Response(status_code=204)

    @router.get("/faults")
    async def faults() -> list[dict[str, Any]]:
        """Armed faults with the numbers to remove them by."""
        return [{"number": number, **msgspec.to_builtins(fault)} for number, fault in server.faults.armed()]

    @router.post("/faults", status_code=201, openapi_extra={"requestBody": _FAULT_BODY})
    async def inject(request: Request) -> dict[str, int]:
        """Arm a fault, e.g. ``{"fault": "lost-reply", "operations": ["salesOrder.create"], "next": 1}``."""
        try:
            armed = _FAULT.decode(await request.body())
        except msgspec.DecodeError as bad:
            raise HTTPException(400, f"fault not understood: {bad}") from bad
        calls = [pattern for pattern in armed.operations if not pattern.startswith("webhook.")]
        unknown = [pattern for pattern in calls if not any(covers(pattern, name) for name in names)]
        if unknown:
            raise HTTPException(
                400, f"fault names no operation of {server.name}: {', '.join(unknown)}; there are: {', '.join(names)}"
            )
        return {"number": server.faults.add(armed)}

    @router.delete("/faults/{number}", status_code=204)
    async def disarm(number: int) -> Response:
        """Remove one fault."""
        if not server.faults.remove(number):
            raise HTTPException(404, f"no fault number {number}; GET faults lists them")
        return Response(status_code=204)

    @router.delete("/faults", status_code=204)
    async def disarm_all() -> Response:
        """Remove all faults."""
        server.faults.clear()
        return Response(status_code=204)

    @router.put("/snapshots/{name}", status_code=204)
    async def snapshot(name: str) -> Response:
        """Keep the whole state under a name."""
        snapshots[name] = server.dialect.snapshot()
        return Response(status_code=204)

    @router.post("/snapshots/{name}/restore", status_code=204)
    async def restore(name: str) -> Response:
        """Go back to a kept state."""
        if name not in snapshots:
            raise HTTPException(404, f"no snapshot {name!r}; there are: {', '.join(sorted(snapshots)) or 'none'}")
        server.dialect.restore(snapshots[name])
        return Response(status_code=204)

    @router.post("/reset", status_code=204)
    async def reset() -> Response:
        """Back to the state at start; journal, faults and limit counts are emptied."""
        try:
            server.reset()
        except NotSealed as missing:
            raise HTTPException(409, str(missing)) from missing
        return Response(status_code=204)

    return router

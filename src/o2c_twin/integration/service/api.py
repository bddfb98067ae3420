"""The service's HTTP side: webhooks, health, metrics, and the operations API with a bearer token per role."""

import hmac
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from pydantic import BaseModel

from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.service.operations import Operations, Refused

# A vendor's push is small; whatever is larger is no push.
MOST_BYTES = 1_000_000


class CaseAction(BaseModel):
    """What is to become of a case: worked again, or closed because a person settled it outside."""

    action: str
    note: str = ""
    result: str | None = None


class Backfill(BaseModel):
    """From when on a system is asked again: microseconds since the epoch, for a bank an ISO date."""

    since: str


def service_app(
    engine: Engine, operations: Operations, tokens: Mapping[str, str], ready: Callable[[], bool]
) -> FastAPI:
    """The application around an engine. ``tokens`` gives each role its bearer token."""
    app = FastAPI(title="o2c-twin engine", docs_url="/docs")
    registry = CollectorRegistry()
    registry.register(_Figures(engine))

    async def role(authorization: Annotated[str, Header()] = "") -> str:
        return _role_of(tokens, authorization)

    async def approver(x_approver: Annotated[str, Header()] = "") -> str | None:
        return _role_of(tokens, x_approver) if x_approver else None

    Role = Annotated[str, Depends(role)]
    Approver = Annotated[str | None, Depends(approver)]

    @app.post("/webhooks/{system}")
    async def webhook(system: str, request: Request) -> Response:
        """A system's push; acknowledged only after it is in the inbox."""
        if system not in engine.systems:
            raise HTTPException(404, f"no system {system!r}; there are: {', '.join(sorted(engine.systems))}")
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise HTTPException(413, f"a push has at most {MOST_BYTES} bytes")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers.raw}
        status, answer = engine.pushed(system, body, headers)
        kind = "text/xml" if answer.startswith(b"<") else "application/json"
        return Response(answer, status, media_type=kind)

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Whether the process lives."""
        return {"status": "up"}

    @app.get("/ready")
    async def readiness(response: Response) -> dict[str, str]:
        """Whether it takes work: 503 while it starts or stops."""
        if not ready():
            response.status_code = 503
            return {"status": "not ready"}
        return {"status": "ready"}

    @app.get("/metrics")
    async def metrics() -> Response:
        """Prometheus' exposition format."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @app.exception_handler(Refused)
    async def refused(_: Request, refusal: Exception) -> Response:
        status = refusal.status if isinstance(refusal, Refused) else 500
        return Response(_json({"error": str(refusal)}), status, media_type="application/json")

    @app.get("/api/status")
    async def status(who: Role) -> dict[str, Any]:
        """Counts, lines, what is paused."""
        return operations.status(who)

    @app.get("/api/cases")
    async def cases(who: Role, state: str | None = None) -> list[dict[str, Any]]:
        """Cases, all or of one state."""
        return operations.cases(who, state)

    @app.post("/api/cases/{case_id:path}")
    async def settle(case_id: str, what: CaseAction, who: Role) -> dict[str, str]:
        """Replay or close a case."""
        if what.action == "replay":
            operations.replay(who, case_id, what.note)
        elif what.action == "close":
            operations.close(who, case_id, what.note, what.result)
        else:
            raise HTTPException(422, f"action {what.action!r}: replay or close")
        return {"case": case_id, "done": what.action}

    @app.post("/api/sweep/{system}")
    async def sweep(system: str, who: Role) -> dict[str, str]:
        """Ask a system for its changes now."""
        await operations.sweep(who, system)
        return {"swept": system}

    @app.post("/api/backfill/{system}")
    async def backfill(system: str, what: Backfill, who: Role, second: Approver) -> dict[str, str]:
        """Ask a system for everything since an instant; needs a second role's token in ``X-Approver``."""
        await operations.backfill(who, second, system, what.since)
        return {"asked": system, "since": what.since}

    @app.post("/api/flows/{flow}/{action}")
    async def pause(flow: str, action: str, who: Role) -> dict[str, str]:
        """Pause or resume a flow."""
        if action not in ("pause", "resume"):
            raise HTTPException(404, f"no action {action!r}: pause or resume")
        operations.pause(who, flow, on=action == "pause")
        return {"flow": flow, "done": action}

    @app.get("/api/audit")
    async def audit(who: Role) -> list[dict[str, Any]]:
        """The audit trail."""
        return operations.audit(who)

    return app


def _role_of(tokens: Mapping[str, str], authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    found = ""
    for role, known in tokens.items():
        # Every token is compared, so that the time taken tells nothing.
        if hmac.compare_digest(known.encode(), token.encode()) and scheme.lower() == "bearer":
            found = role
    if not found:
        raise HTTPException(401, "send 'Authorization: Bearer <token>' of a role", {"WWW-Authenticate": "Bearer"})
    return found


def _json(value: dict[str, str]) -> bytes:
    import msgspec

    return msgspec.json.encode(value)


class _Figures:
    """The engine's figures, taken when they are asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> list[Any]:
        """The families of one scrape."""
        engine = self._engine
        counts = GaugeMetricFamily("o2c_journal", "Rows of the journal by kind and state", labels=("kind", "state"))
        for name, count in engine.journal.counts().items():
            counts.add_metric(name.split("."), count)
        calls = CounterMetricFamily("o2c_calls", "Calls to a system", labels=("system",))
        throttled = CounterMetricFamily("o2c_throttled", "Calls a system refused as too many", labels=("system",))
        breaker = GaugeMetricFamily("o2c_breaker_open", "1 while a system does not answer", labels=("system",))
        for name, line in engine.lines.items():
            calls.add_metric((name,), line.calls)
            throttled.add_metric((name,), line.throttled)
            breaker.add_metric((name,), 0 if line.breaker.closed else 1)
        handled = CounterMetricFamily("o2c_events_handled", "Events worked since the start")
        handled.add_metric((), engine.handled)
        return [counts, calls, throttled, breaker, handled]

"""The service's HTTP side: webhooks, health, metrics, and the operations API with a bearer token per role."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.service.api_operations import operations_router
from o2c_twin.integration.service.operations import Operations
from o2c_twin.integration.service.principals import Principal, who_is
from o2c_twin.integration.service.refusals import Refused

# A vendor's push is small; whatever is larger is no push.
MOST_BYTES = 1_000_000


def service_app(
    engine: Engine, operations: Operations, tokens: Mapping[str, str], ready: Callable[[], bool]
) -> FastAPI:
    """The application around an engine. ``tokens`` gives each role, or person in a role, its bearer token."""
    app = FastAPI(title="o2c-twin engine", docs_url="/docs")
    registry = CollectorRegistry()
    registry.register(_Figures(engine))

    async def caller(authorization: Annotated[str, Header()] = "") -> Principal:
        found = who_is(tokens, authorization)
        if found is None:
            raise HTTPException(401, "send 'Authorization: Bearer <token>' of a role", {"WWW-Authenticate": "Bearer"})
        return found

    app.include_router(operations_router(operations, Depends(caller)))

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
        return Response(msgspec.json.encode({"error": str(refusal)}), status, media_type="application/json")

    return app


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

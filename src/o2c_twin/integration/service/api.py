"""The service's HTTP side: webhooks, health, metrics, and the operations API with a bearer token per role."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.service.api_dead_letters import dead_letters_router
from o2c_twin.integration.service.api_decisions import decisions_router
from o2c_twin.integration.service.api_maps import maps_router
from o2c_twin.integration.service.api_operations import operations_router
from o2c_twin.integration.service.api_repairs import repairs_router
from o2c_twin.integration.service.operations import Operations
from o2c_twin.integration.service.principals import Principal, who_is
from o2c_twin.integration.service.refusals import Refused

_AGAIN_S = 30
# A vendor's push is small; whatever is larger is no push.
MOST_BYTES = 1_000_000


class PushQueue(Protocol):
    """What stands between the systems' pushes and the inbox."""

    @property
    def there(self) -> bool:
        """Whether it takes pushes and gives them on."""
        ...

    async def pushed(self, system: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """A system's push: 200 when it is kept, 503 when it cannot be kept now. Gives status and body to answer."""
        ...

    def figures(self) -> dict[str, Any]:
        """How it is doing, for people."""
        ...


def service_app(
    engine: Engine,
    operations: Operations,
    tokens: Mapping[str, str],
    ready: Callable[[], bool],
    queue: PushQueue | None = None,
) -> FastAPI:
    """The application around an engine. ``tokens`` gives each role, or person in a role, its bearer token; ``queue`` is
    what keeps pushes where it is not the inbox.
    """
    app = FastAPI(title="o2c-twin engine", docs_url="/docs")
    registry = CollectorRegistry()
    registry.register(_Figures(engine))

    async def caller(authorization: Annotated[str, Header()] = "") -> Principal:
        found = who_is(tokens, authorization)
        if found is None:
            raise HTTPException(401, "send 'Authorization: Bearer <token>' of a role", {"WWW-Authenticate": "Bearer"})
        return found

    app.include_router(operations_router(operations, Depends(caller)))
    app.include_router(repairs_router(operations.repairs, Depends(caller)))
    app.include_router(decisions_router(operations.decisions, Depends(caller)))
    app.include_router(maps_router(operations.maps, Depends(caller)))
    app.include_router(dead_letters_router(operations.dead_letters, Depends(caller)))

    @app.post("/webhooks/{system}")
    async def webhook(system: str, request: Request) -> Response:
        """A system's push; acknowledged only after it is in the inbox, or in the queue before it."""
        if system not in engine.systems:
            raise HTTPException(404, f"no system {system!r}; there are: {', '.join(sorted(engine.systems))}")
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise HTTPException(413, f"a push has at most {MOST_BYTES} bytes")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers.raw}
        keeps = engine.pushed(system, body, headers) if queue is None else await queue.pushed(system, body, headers)
        status, answer = keeps
        kind = "text/xml" if answer.startswith(b"<") else "application/json"
        again = {"Retry-After": str(_AGAIN_S)} if status == 503 else None
        return Response(answer, status, again, media_type=kind)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """Whether the process lives; of a broker also what it took from there."""
        return {"status": "up"} if queue is None else {"status": "up", "broker": queue.figures()}

    @app.get("/ready")
    async def readiness(response: Response) -> dict[str, str]:
        """Whether it takes work: 503 while it starts or stops, and while its broker is away."""
        away = {"broker": "away"} if queue is not None and not queue.there else {}
        if not ready() or away:
            response.status_code = 503
            return {"status": "not ready", **away}
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

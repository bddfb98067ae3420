"""The engine on the wall clock: sockets, a journal on disk, logs. Nothing in a virtual run imports it."""

import asyncio
import logging
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import structlog

from o2c_twin.integration.connectors.registry import CONNECTORS, ConfigError, Site
from o2c_twin.integration.flows import FLOWS
from o2c_twin.integration.governance.audit import entries
from o2c_twin.integration.governance.redaction import redact
from o2c_twin.integration.live_http import LiveHttp
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.engine import Engine, Rhythm
from o2c_twin.integration.runtime.quota import Allowance
from o2c_twin.integration.runtime.steps import Observer, Synced
from o2c_twin.integration.service.config import ServiceConfig
from o2c_twin.integration.service.operations import Operations
from o2c_twin.integration.store import Journal, SqliteJournal
from o2c_twin.integration.store.audit_log import JournalAuditLog, Trail

_ESCALATE_EVERY_S = 60.0
_DRAIN_S = 10.0


class WallClock:
    """The real time."""

    def now(self) -> int:
        """Microseconds since the Unix epoch, UTC."""
        return time.time_ns() // 1_000


def open_journal(url: str, worker: str) -> Journal:
    """The journal of an address. Raises `JournalInUse` for a file another engine works on."""
    if url.startswith("sqlite:///"):
        return SqliteJournal(url.removeprefix("sqlite:///"))
    from o2c_twin.integration.store.postgres import PostgresJournal

    return PostgresJournal(url, worker)


class Telemetry(Observer):
    """Logs without secrets and personal data, and a span for each event worked."""

    def __init__(self, traces: str | None) -> None:
        structlog.configure(
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                lambda _, __, fields: redact(fields),
                structlog.processors.JSONRenderer(),
            ],
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )
        self.log = structlog.get_logger()
        self._tracer = None if traces is None else _tracer(traces)

    def synced(self, what: Synced) -> None:
        """A change arrived."""
        self.log.info("synced", flow=what.flow, object_id=what.object_id, target=what.target)

    def case_opened(self, case_id: str, flow: str, object_id: str, reason: str, at: int) -> None:
        """The engine gave up and asks a person."""
        self.log.warning("case opened", case_id=case_id, flow=flow, object_id=object_id, reason=reason)

    def dropped(self, event: Inbound, reason: str, at: int) -> None:
        """A naive engine gave up."""
        self.log.error("event dropped", flow=event.flow, object_id=event.object_id, reason=reason)

    def worked(self, event: Inbound, began_at: int, ended_at: int, state: str) -> None:
        """An event was worked."""
        if self._tracer is None:
            return
        span = self._tracer.start_span(event.flow, start_time=began_at * 1_000)
        span.set_attributes({"o2c.object": event.object_id, "o2c.lane": event.lane, "o2c.state": state})
        span.end(end_time=ended_at * 1_000)


def _tracer(path: str) -> Any:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "o2c-twin-engine"}))
    out = Path(path).open("a", encoding="utf-8")  # noqa: SIM115 - open for as long as the process lives
    exporter = ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\n")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("o2c_twin.integration")


class Service:
    """One worker: engine, HTTP side, journal."""

    def __init__(self, config: ServiceConfig, worker: str) -> None:
        self._config = config
        self._clock = WallClock()
        self._http = LiveHttp()
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._running = False
        self._failed: BaseException | None = None
        self.telemetry = Telemetry(config.traces)
        self.journal = open_journal(config.journal, worker)
        self.engine = self._engine()
        trail = Trail(self.journal)
        self.engine.delivery.audit = trail

        def told(role: str, operation: str, subject: str, outcome: str) -> None:
            trail.add(self._clock.now(), role, operation, subject, outcome)

        def read() -> list[dict[str, Any]]:
            names = ("seq", "at", "who", "what", "object", "key", "subject", "before", "after")
            rows = entries(JournalAuditLog(self.journal).rows())
            return [dict(zip(names, msgspec.structs.astuple(entry), strict=True)) for entry in rows]

        self.operations = Operations(self.engine, told, read)

    def _engine(self) -> Engine:
        config = self._config
        made = {}
        for role, system in config.systems.items():
            site = Site(role, system.url.rstrip("/"), self._http, self._clock, system.currency, system.credentials)
            made[role] = CONNECTORS[role][system.vendor](site)
        allowances = {
            role: tuple(Allowance(each.calls, each.window_s) for each in system.allowances)
            for role, system in config.systems.items()
        }
        return Engine(
            DesignProfile().with_choices(config.profile),
            made["crm"],
            made["erp"],
            made["bank"],
            self.journal,
            FLOWS,
            clock=self._clock,
            sleep=asyncio.sleep,
            spawn=self._spawn,
            draw=lambda stream, *key: random.uniform(1e-9, 1 - 1e-9),
            observer=self.telemetry,
            rhythm=Rhythm(**msgspec.structs.asdict(config.rhythm)),
            payments=made.get("payments"),
            allowances=allowances,
        )

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> object:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and task.exception() is not None:
            # A bug: what is on record is safe, and an engine that half works is worse than one that is down.
            self._failed = task.exception()
            self.telemetry.log.error("stopped by an error", task=task.get_name(), error=repr(self._failed))
            os.kill(os.getpid(), signal.SIGTERM)

    async def serve(self, tell: Any) -> int:
        """Run until told to stop; ``tell(url)`` once it listens. Gives the exit code. Raises OSError."""
        listen = self._config.listen
        holding = socket.create_server((listen.host, listen.port), reuse_port=False)
        # What an earlier life left open goes on first; the HTTP side takes longer to load.
        self.engine.start()
        self._spawn(self._escalate(), "engine.escalate")
        await asyncio.sleep(0)
        server = self._server()
        self._running = True
        tell(f"http://{listen.host}:{holding.getsockname()[1]}")
        try:
            await server.serve(sockets=[holding])
        finally:
            self._running = False
            self.engine.stop()
            await self._drain()
            await self._http.close()
            self.journal.close()
        return 0 if self._failed is None else 1

    def _server(self) -> Any:
        import uvicorn

        from o2c_twin.integration.service.api import service_app

        app = service_app(self.engine, self.operations, self._config.tokens, lambda: self._running)
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5)
        return uvicorn.Server(config)

    async def _escalate(self) -> None:
        while True:
            await asyncio.sleep(_ESCALATE_EVERY_S)
            self.engine.escalate()

    async def _drain(self) -> None:
        until = time.monotonic() + _DRAIN_S
        while not self.engine.idle and time.monotonic() < until:  # noqa: ASYNC110 - ends either way
            await asyncio.sleep(0.05)
        for task in list(self._tasks):
            task.remove_done_callback(self._ended)
            task.cancel()


def run_service(config: ServiceConfig, worker: str, tell: Any) -> int:
    """Run one worker until it is told to stop (SIGTERM, SIGINT). Gives the exit code.

    Raises `ConfigError` when a connector cannot be made, OSError when the port is taken, `JournalInUse`.
    """
    logging.disable(logging.WARNING)

    async def main() -> int:
        return await Service(config, worker).serve(tell)

    return asyncio.run(main())


__all__ = ["ConfigError", "Service", "run_service"]

"""The engine on the wall clock: sockets, a journal on disk, logs. Nothing in a virtual run imports it."""

import asyncio
import logging
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import structlog

from o2c_twin.integration.connectors.netsuite_listing import NetSuiteListing
from o2c_twin.integration.connectors.registry import CONNECTORS, ConfigError, Site
from o2c_twin.integration.connectors.salesforce_listing import SalesforceListing
from o2c_twin.integration.flows import FLOWS
from o2c_twin.integration.governance import subjects
from o2c_twin.integration.governance.audit import day_of
from o2c_twin.integration.governance.redaction import redact
from o2c_twin.integration.governance.secrets import Secret
from o2c_twin.integration.governance.systems_of_record import Refusal
from o2c_twin.integration.governance.vault import Vault
from o2c_twin.integration.live_http import LiveHttp
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.ports import Clock, Spawn
from o2c_twin.integration.presets import expanded
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.reconcile.ports import Listings
from o2c_twin.integration.reconcile.reconciler import Reconciler
from o2c_twin.integration.reconcile.repairing import repair_flows
from o2c_twin.integration.runtime.engine import Engine, Rhythm
from o2c_twin.integration.runtime.quota import Allowance
from o2c_twin.integration.runtime.steps import Observer, Synced
from o2c_twin.integration.service.config import ServiceConfig, holds_of, masters_of, roots_path
from o2c_twin.integration.service.retention import sweep_journal
from o2c_twin.integration.service.roots import RootsFile
from o2c_twin.integration.service.wiring import governed, names_of
from o2c_twin.integration.store import KeptJournal, SharedJournal, SqliteJournal
from o2c_twin.integration.store.audit_log import JournalAuditLog
from o2c_twin.integration.store.sealed import SealedSqliteJournal

_ESCALATE_EVERY_S = 60.0
_DRAIN_S = 10.0
# A shorter text is found in innocent words.
_SHORTEST_SECRET = 8
_DUTY_US = 180 * 1_000_000
# What of a refusal is logged: its key may name a person.
_TOLD = ("object", "field", "stage", "system", "master", "message")


class WallClock:
    """The real time."""

    def now(self) -> int:
        """Microseconds since the Unix epoch, UTC."""
        return time.time_ns() // 1_000


def open_journal(url: str, worker: str, vault: Vault | None = None) -> KeptJournal:
    """The journal of an address, sealed with a vault. Raises `JournalInUse` for a file another engine works on."""
    if url.startswith("sqlite:///"):
        path = url.removeprefix("sqlite:///")
        return SqliteJournal(path) if vault is None else SealedSqliteJournal(path, vault)
    if vault is None:
        from o2c_twin.integration.store.postgres import PostgresJournal

        return PostgresJournal(url, worker)
    from o2c_twin.integration.store.sealed_postgres import SealedPostgresJournal

    return SealedPostgresJournal(url, worker, vault)


def open_vault(config: ServiceConfig) -> Vault | None:
    """The vault of a configuration; None where none is configured."""
    if config.keys is None or config.master_key is None:
        return None
    from o2c_twin.integration.store.keys import SqlKeys

    return Vault(SqlKeys(config.keys), Secret("master_key", config.master_key), os.urandom)


class Telemetry(Observer):
    """Logs without secrets and personal data, and a span for each event worked.

    What a case is about may quote a payer or a system: it is in the case, not in the log. ``names`` puts an
    account's id otherwise where a vault is configured: a log cannot be rewritten when the account is erased.
    """

    def __init__(
        self,
        traces: str | None,
        names: Callable[[str, str], str] = lambda text, subject: text,
        lane_of: Callable[[str], str] = lambda case_id: "",
        secrets: tuple[Secret, ...] = (),
    ) -> None:
        self._names = names
        self._lane_of = lane_of
        structlog.configure(
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                lambda _, __, fields: redact(fields, secrets),
                structlog.processors.JSONRenderer(),
            ],
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )
        self.log = structlog.get_logger()
        self._tracer = None if traces is None else _tracer(traces)

    def synced(self, what: Synced) -> None:
        """A change arrived."""
        subject = what.object_id if what.flow == "customer" else ""
        object_id = self._names(what.object_id, subject)
        self.log.info("synced", flow=what.flow, object_id=object_id, target=what.target)

    def case_opened(self, case_id: str, flow: str, object_id: str, reason: str, at: int) -> None:
        """The engine gave up and asks a person."""
        subject = subjects.of_lane(self._lane_of(case_id)) or (object_id if flow == "customer" else "")
        case_id, object_id = self._names(case_id, subject), self._names(object_id, subject)
        self.log.warning("case opened", case_id=case_id, flow=flow, object_id=object_id)

    def dropped(self, event: Inbound, reason: str, at: int) -> None:
        """A naive engine gave up."""
        self.log.error("event dropped", flow=event.flow, object_id=self._object_of(event))

    def worked(self, event: Inbound, began_at: int, ended_at: int, state: str) -> None:
        """An event was worked."""
        if self._tracer is None:
            return
        span = self._tracer.start_span(event.flow, start_time=began_at * 1_000)
        lane = self._names(event.lane, subjects.of_lane(event.lane))
        span.set_attributes({"o2c.object": self._object_of(event), "o2c.lane": lane, "o2c.state": state})
        span.end(end_time=ended_at * 1_000)

    def _object_of(self, event: Inbound) -> str:
        return self._names(event.object_id, subjects.of_lane(event.lane))


def _tracer(path: str) -> Any:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "o2c-twin-engine"}))
    out = Path(path).open("a", encoding="utf-8")  # noqa: SIM115 - open for as long as the process lives
    exporter = ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\n")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("o2c_twin.integration")


def connectors(config: ServiceConfig, http: LiveHttp, clock: Clock) -> dict[str, Any]:
    """A connector for each role. Raises `ConfigError`."""
    made = {}
    for role, system in config.systems.items():
        site = Site(role, system.url.rstrip("/"), http, clock, system.currency, system.credentials)
        made[role] = CONNECTORS[role][system.vendor](site)
    return made


def build_engine(
    config: ServiceConfig,
    made: dict[str, Any],
    journal: KeptJournal,
    clock: Clock,
    spawn: Spawn,
    observer: Observer,
    listings: Listings | None = None,
) -> Engine:
    """The engine of a configuration, between these connectors; with ``listings`` it works repairs too."""
    allowances = {
        role: tuple(Allowance(each.calls, each.window_s) for each in system.allowances)
        for role, system in config.systems.items()
    }
    flows = FLOWS if listings is None else {**FLOWS, **repair_flows(listings)}
    return Engine(
        DesignProfile().with_choices(expanded(config.profile)),
        made["crm"],
        made["erp"],
        made["bank"],
        journal,
        flows,
        clock=clock,
        sleep=asyncio.sleep,
        spawn=spawn,
        draw=lambda stream, *key: random.uniform(1e-9, 1 - 1e-9),
        observer=observer,
        rhythm=Rhythm(**msgspec.structs.asdict(config.rhythm)),
        payments=made.get("payments"),
        allowances=allowances,
    )


class Service:
    """One worker: engine, HTTP side, journal."""

    def __init__(self, config: ServiceConfig, worker: str) -> None:
        self._config = config
        self._clock = WallClock()
        self._http = LiveHttp()
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._running = self._stopped = False
        self._server: Any = None
        self._failed: BaseException | None = None
        self._listings: Listings | None = None
        self.vault = open_vault(config)
        self.journal = open_journal(config.journal, worker, self.vault)
        self.telemetry = Telemetry(config.traces, names_of(self.vault), self._lane_of, _secrets(config))
        self.engine = self._engine()
        self._roots = self._roots_file()
        self._swept_on = ""
        registry, holds = masters_of(config), holds_of(config)
        self.operations = governed(self.engine, self.vault, holds, registry, self._refused)

    def _lane_of(self, case_id: str) -> str:
        if self.vault is None:
            return ""
        case = self.journal.case(case_id)
        return "" if case is None else case.lane

    def _refused(self, refusal: Refusal) -> None:
        told = msgspec.to_builtins(refusal)
        self.telemetry.log.warning("write refused", **{name: told[name] for name in _TOLD})

    def _roots_file(self) -> RootsFile | None:
        path, key = roots_path(self._config), self._config.roots_key
        if key is None or path is None:
            return None
        return RootsFile(path, key.encode(), JournalAuditLog(self.journal), self._clock.now)

    def _engine(self) -> Engine:
        made = connectors(self._config, self._http, self._clock)
        if self._config.reconcile:
            self._listings = Listings(SalesforceListing(made["crm"], self._clock), NetSuiteListing(made["erp"]))
        return build_engine(self._config, made, self.journal, self._clock, self._spawn, self.telemetry, self._listings)

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
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, self._stop)
        listen = self._config.listen
        holding = socket.create_server((listen.host, listen.port), reuse_port=False)
        # What an earlier life left open goes on first; the HTTP side takes longer to load.
        self.engine.start()
        self._spawn(self._escalate(), "engine.escalate")
        if self._listings is not None:
            self._spawn(Reconciler(self.engine, self._listings).run(), "engine.reconcile")
        await asyncio.sleep(0)
        self._server = server = self._http_server()
        server.should_exit = self._stopped
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

    def _stop(self) -> None:
        self._stopped = True
        if self._server is not None:
            self._server.should_exit = True

    def _http_server(self) -> Any:
        import uvicorn

        from o2c_twin.integration.service.api import service_app

        app = service_app(self.engine, self.operations, self._config.tokens, lambda: self._running)
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5)

        class Server(uvicorn.Server):
            """Signals are the service's: uvicorn would end the process before the engine has put its work away."""

            @contextmanager
            def capture_signals(self) -> Iterator[None]:
                yield

        return Server(config)

    async def _escalate(self) -> None:
        while True:
            self._housekeeping()
            await asyncio.sleep(_ESCALATE_EVERY_S)
            self.engine.escalate()

    def _housekeeping(self) -> None:
        """What is done once a day, by one worker: the day that is over is signed, what is due is deleted."""
        now = self._clock.now()
        if isinstance(self.journal, SharedJournal) and not self.journal.lease("housekeeping", now, _DUTY_US):
            return
        if self._roots is not None:
            try:
                self._roots.sign()
            except (OSError, ValueError) as error:
                self.telemetry.log.error("the audit trail was not signed", error=str(error))
        if self.vault is None:
            return
        # Another worker may have erased somebody.
        self.vault.forget()
        today = day_of(now)
        if today != self._swept_on:
            self._swept_on = today
            swept = sweep_journal(self.journal, now, holds_of(self._config))
            self.telemetry.log.info("retention sweep", **asdict(swept))

    async def _drain(self) -> None:
        until = time.monotonic() + _DRAIN_S
        while not self.engine.idle and time.monotonic() < until:  # noqa: ASYNC110 - ends either way
            await asyncio.sleep(0.05)
        for task in list(self._tasks):
            task.remove_done_callback(self._ended)
            task.cancel()


def _secrets(config: ServiceConfig) -> tuple[Secret, ...]:
    """All a log must never show, wherever it turns up."""
    told = [value for system in config.systems.values() for value in system.credentials.values()]
    told += [*config.tokens.values(), config.master_key or "", config.roots_key or ""]
    return tuple(Secret("configured", text) for text in told if len(text) >= _SHORTEST_SECRET)


def run_service(config: ServiceConfig, worker: str, tell: Any) -> int:
    """Run one worker until it is told to stop (SIGTERM, SIGINT). Gives the exit code.

    Raises `ConfigError` when a connector cannot be made, OSError when the port is taken, `JournalInUse`.
    """
    logging.disable(logging.WARNING)

    async def main() -> int:
        return await Service(config, worker).serve(tell)

    return asyncio.run(main())


__all__ = ["ConfigError", "Service", "run_service"]

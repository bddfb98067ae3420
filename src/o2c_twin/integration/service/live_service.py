"""The engine on the wall clock: sockets, a journal on disk, logs. Nothing in a virtual run imports it."""

import asyncio
import logging
import os
import random
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec

from o2c_twin.integration.connectors.listings import listings_of, money_of
from o2c_twin.integration.connectors.own_maps import VENDOR_MAPS, OwnMaps
from o2c_twin.integration.connectors.registry import CONNECTORS, LACKING, TAKES_MAPS, ConfigError, Site
from o2c_twin.integration.flows import FLOWS
from o2c_twin.integration.governance.audit import day_of
from o2c_twin.integration.governance.secrets import Secret
from o2c_twin.integration.governance.vault import Vault
from o2c_twin.integration.live_http import LiveHttp
from o2c_twin.integration.mappings import MappingError
from o2c_twin.integration.ports import Clock, Spawn
from o2c_twin.integration.presets import expanded
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.reconcile.money_ports import MoneyListings
from o2c_twin.integration.reconcile.money_sweep import MoneyReconciler, MoneyRules
from o2c_twin.integration.reconcile.ports import Listings
from o2c_twin.integration.reconcile.reconciler import Reconciler, Rules
from o2c_twin.integration.reconcile.repairing import repair_flows
from o2c_twin.integration.runtime.engine import Engine, Rhythm
from o2c_twin.integration.runtime.quota import Allowance
from o2c_twin.integration.runtime.steps import Observer
from o2c_twin.integration.service.config import (
    ServiceConfig,
    entity_of,
    holds_of,
    maps_of,
    masters_of,
    roots_path,
    why_unlisted,
)
from o2c_twin.integration.service.live_telemetry import Telemetry, secrets_of
from o2c_twin.integration.service.map_releases import begin, maps_in_use
from o2c_twin.integration.service.mapped import Mapped
from o2c_twin.integration.service.rates import RatesInUse
from o2c_twin.integration.service.retention import sweep_journal
from o2c_twin.integration.service.roots import RootsFile
from o2c_twin.integration.service.wiring import governed, names_of
from o2c_twin.integration.store import KeptJournal, SharedJournal, SqliteJournal
from o2c_twin.integration.store.audit_log import JournalAuditLog
from o2c_twin.integration.store.sealed import SealedSqliteJournal

if TYPE_CHECKING:
    from o2c_twin.integration.service.live_inbound import InboundPlace
    from o2c_twin.integration.service.live_queue import RabbitQueue

_ESCALATE_EVERY_S = 60.0
_DRAIN_S = 10.0
_DUTY_US = 180 * 1_000_000
# What of a refusal is logged: its key may name a person.


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


AtEnd = list[Callable[[], Awaitable[None]]]
"""What is to be done when an engine ends."""


def connectors(
    config: ServiceConfig, http: LiveHttp, clock: Clock, at_end: AtEnd, maps: OwnMaps | None
) -> dict[str, Any]:
    """A connector for each role, that works by ``maps``, with a method ``use`` where it can be given others.

    What they keep open is closed by what is put into ``at_end``. Raises `ConfigError`.
    """

    def made(role: str, maps: OwnMaps | None) -> Any:
        system = config.systems[role]
        site = Site(
            role,
            system.url.rstrip("/"),
            http,
            clock,
            system.currency,
            system.credentials,
            system.options,
            asyncio.sleep,
            at_end,
            maps,
        )
        return CONNECTORS[role][system.vendor](site)

    remade = VENDOR_MAPS.keys() - TAKES_MAPS
    return {
        role: Mapped(partial(made, role), maps) if system.vendor in remade else made(role, maps)
        for role, system in config.systems.items()
    }


def build_engine(
    config: ServiceConfig,
    made: dict[str, Any],
    journal: KeptJournal,
    clock: Clock,
    spawn: Spawn,
    observer: Observer,
    rates: RatesInUse,
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
        compensates=frozenset(config.compensates),
        exchange=rates.into(config.systems["erp"].currency),
        group=config.group,
    )


def listings_for(config: ServiceConfig, made: dict[str, Any], clock: Clock) -> tuple[Listings, MoneyListings] | None:
    """The listings over these connectors, of records and of money; None where a vendor cannot be listed."""
    if why_unlisted(config):
        return None
    vendor = {role: system.vendor for role, system in config.systems.items()}
    listings = listings_of(vendor["crm"], made["crm"], vendor["erp"], made["erp"], clock)
    provider = vendor.get("payments", "")
    return listings, money_of(made["bank"], vendor["erp"], made["erp"], provider, made.get("payments"))


def money_rules(config: ServiceConfig) -> MoneyRules:
    """How the money of a configuration is compared."""
    return MoneyRules(currency=config.systems["erp"].currency, unbacked=not config.money_elsewhere)


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
        self._money: MoneyListings | None = None
        self._at_end: AtEnd = []
        self.vault = open_vault(config)
        self.journal = open_journal(config.journal, worker, self.vault)
        self.telemetry = Telemetry(config.traces, names_of(self.vault), self._lane_of, secrets_of(config))
        maps = self._maps()
        self._made = made = connectors(config, self._http, self._clock, self._at_end, maps)
        self._rates = RatesInUse(config.rates, maps)
        self.engine = self._engine(made)
        self._queue = self._queueing(made)
        self.inbound = self._inbound()
        self._roots = self._roots_file()
        self._swept_on = ""
        registry, holds = masters_of(config), holds_of(config)
        self._reconciler, why_not = self._reconciling()
        self._money_sweeper = None if self._reconciler is None else self._sweeping_money()
        erp = config.systems["erp"]
        self.operations = governed(
            self.engine,
            self.vault,
            holds,
            registry,
            self.telemetry.refused,
            reconciler=self._reconciler,
            why_not=why_not,
            currency=erp.currency,
            lacking=LACKING.get(erp.vendor, {}),
            entity=entity_of(config),
            use_maps=self._use_maps,
            aside=self._queue,
            edges={
                **({} if self._queue is None else {"broker": self._queue.standing}),
                **{f"{each.role}.inbound": each.figures for each in self.inbound},
            },
            money=self._money_sweeper,
        )

    def _maps(self) -> OwnMaps | None:
        """The maps in use by the journal's word; the configured ones where it has none yet."""
        if not begin(self.journal, self._clock.now(), maps_of(self._config)):
            told = "the configured maps are not those in use; release them with 'o2c engine mapping release'"
            self.telemetry.log.warning(told, folder=self._config.maps)
        try:
            return maps_in_use(self.journal, entity_of(self._config))
        except MappingError as bad:
            raise ConfigError(f"the maps in use cannot be read: {bad.problems[0]}") from bad

    def _use_maps(self, maps: OwnMaps | None) -> None:
        for connector in self._made.values():
            if hasattr(connector, "use"):
                connector.use(maps)
        self._rates.use(maps)

    def _lane_of(self, case_id: str) -> str:
        if self.vault is None:
            return ""
        case = self.journal.case(case_id)
        return "" if case is None else case.lane

    def _roots_file(self) -> RootsFile | None:
        path, key = roots_path(self._config), self._config.roots_key
        if key is None or path is None:
            return None
        return RootsFile(path, key.encode(), JournalAuditLog(self.journal), self._clock.now)

    def _engine(self, made: dict[str, Any]) -> Engine:
        listed = listings_for(self._config, made, self._clock)
        if listed is not None:
            self._listings, self._money = listed
        return build_engine(
            self._config, made, self.journal, self._clock, self._spawn, self.telemetry, self._rates, self._listings
        )

    def _queueing(self, made: dict[str, Any]) -> "RabbitQueue | None":
        if self._config.edge is None:
            return None
        from o2c_twin.integration.service.live_queue import RabbitQueue

        def tell(there: bool) -> None:
            self.telemetry.log.warning("the broker is there" if there else "the broker is away")

        return RabbitQueue(self._config.edge.rabbitmq, self.engine, made.values(), tell)

    def _inbound(self) -> "list[InboundPlace]":
        if all(system.inbound is None for system in self._config.systems.values()):
            return []
        from o2c_twin.integration.service.live_inbound import InboundPlace

        def tell(role: str, there: bool, why: str) -> None:
            told = "a system's place is there again" if there else "a system's place is away"
            self.telemetry.log.warning(told, system=role, why=why)

        made = [
            InboundPlace(role, system.inbound, self.engine, tell)
            for role, system in self._config.systems.items()
            if system.inbound is not None
        ]
        self._at_end += [each.close for each in made]
        return made

    def _reconciling(self) -> tuple[Reconciler | None, str]:
        """The reconciler, also of a service that does not reconcile by itself; else why there is none."""
        if self._listings is None:
            return None, why_unlisted(self._config)
        try:
            return Reconciler(self.engine, self._listings, Rules(currency=self._config.systems["erp"].currency)), ""
        except ValueError as bad:
            if self._config.reconcile:
                raise ConfigError(f"reconcile: {bad}") from bad
            return None, str(bad)

    def _sweeping_money(self) -> MoneyReconciler:
        assert self._money is not None, "whose records can be listed, their money can"
        return MoneyReconciler(self.engine, self._money, money_rules(self._config))

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
        # What an earlier life left open goes on first; the HTTP side takes longer to load than all the rest.
        self.engine.start()
        self._spawn(self._escalate(), "engine.escalate")
        if self._config.reconcile and self._reconciler is not None and self._money_sweeper is not None:
            self._spawn(self._reconciler.run(), "engine.reconcile")
            self._spawn(self._money_sweeper.run(), "engine.reconcile-money")
        if self._queue is not None:
            self._spawn(self._queue.run(), "engine.queue")
        for each in self.inbound:
            self._spawn(each.run(), f"engine.inbound.{each.role}")
        # Beside the loop: calls leave, and their answers are taken, while it loads.
        await asyncio.to_thread(_load_http_side)
        self._server = server = self._http_server()
        server.should_exit = self._stopped
        self._running = True
        tell(f"http://{listen.host}:{holding.getsockname()[1]}")
        try:
            await server.serve(sockets=[holding])
        finally:
            self._running = False
            if self._queue is not None:
                await self._queue.close()
            self.engine.stop()
            await self._drain()
            for close in self._at_end:
                await close()
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

        app = service_app(self.engine, self.operations, self._config.tokens, lambda: self._running, self._queue)
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
            if self.operations.maps.follow():
                self.telemetry.log.info("other maps were released")
            await asyncio.sleep(_ESCALATE_EVERY_S)
            self.engine.escalate()

    def _housekeeping(self) -> None:
        """What is done once a day, by one worker: the day that is over is signed, what is due is deleted.

        What a worker remembers of people is forgotten by each of them.
        """
        if self.vault is not None:
            # Another worker may have erased somebody.
            self.vault.forget()
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


def _load_http_side() -> None:
    import_module("uvicorn")
    import_module("o2c_twin.integration.service.api")


def run_service(config: ServiceConfig, worker: str, tell: Any) -> int:
    """Run one worker until it is told to stop (SIGTERM, SIGINT). Gives the exit code.

    Raises `ConfigError` when a connector cannot be made, OSError when the port is taken, `JournalInUse`.
    """
    logging.disable(logging.WARNING)

    async def main() -> int:
        return await Service(config, worker).serve(tell)

    return asyncio.run(main())


__all__ = ["ConfigError", "Service", "run_service"]

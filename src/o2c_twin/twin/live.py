"""The estate live: the same mocks, engine and people as in virtual time, on real ports at a chosen pace."""

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

import trustme

from o2c_twin.integration.flows import FLOWS
from o2c_twin.integration.live_http import LiveHttp
from o2c_twin.integration.ports import HttpRequest, NoAnswer, NotSent
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.store import SqliteJournal
from o2c_twin.integration.webhook_endpoint import PREFIX, WebhookEndpoint
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.live import LiveServer
from o2c_twin.mock_systems.wire.ports import Spawn, World
from o2c_twin.run_record import RunRecordWriter
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.engines import Engines, engines_of
from o2c_twin.twin.estate import Estate, build_estate
from o2c_twin.twin.exchange import exchange_of, market_of
from o2c_twin.twin.plan import RunPlan
from o2c_twin.twin.run import Watch
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch, virtual_time_app
from o2c_twin.twin.trace import Trace
from o2c_twin.twin.world.business import Business
from o2c_twin.twin.world.exceptions import Exceptions

_ENGINE_OFFSET = 9


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How to go live: ports from ``port`` upwards (0: free ones), ``speed`` times real time.

    ``engine`` runs what the plan's topology puts between the systems: our sync engine, several of them, or
    (``manual``) nothing. Without it an integration platform takes its place, and ``webhook_base`` is where the
    systems push. ``people`` lets the world's customers, sales and clerks work too; ``now`` lets the systems'
    clocks begin at the real time. ``tls_dir`` gets a test CA and turns https on.
    """

    host: str = "127.0.0.1"
    port: int = 8100
    speed: float = 1.0
    engine: bool = True
    people: bool = False
    tls_dir: Path | None = None
    webhook_base: str | None = None
    now: bool = False


@dataclass(frozen=True, slots=True)
class LiveEstate:
    """A running estate and what a client needs to talk to it.

    ``engine`` is the one that makes orders of won deals, where the topology has several.
    """

    env: TwinEnvironment
    estate: Estate
    engine: Engine | None
    urls: dict[str, str]
    control_token: str
    ca: Path | None

    def describe(self) -> dict[str, Any]:
        """Addresses and credentials, JSON-ready."""
        systems = {}
        for name, server in self.estate.servers.items():
            url = self.urls[name]
            systems[name] = {
                "vendor": server.dialect.vendor,
                "url": url,
                "docs": f"{url}/docs",
                "control": f"{url}/_o2c",
                "credentials": self.estate.credentials(name),
            }
        return {
            "systems": systems,
            "engine": self.urls.get("engine"),
            "control_token": self.control_token,
            "bank_account": self.estate.bank_account_id,
            "ca": None if self.ca is None else str(self.ca),
        }


def control_token(seed: int) -> str:
    """The token of the control plane of a seed's estate."""
    return blake2b(f"control {seed}".encode(), digest_size=12).hexdigest()


@asynccontextmanager
async def live_estate(plan: RunPlan, env: TwinEnvironment, options: LiveOptions) -> AsyncIterator[LiveEstate]:
    """Serve the estate of a plan on the environment's paced loop until the block is left.

    Raises `CannotListen` when a port is taken.
    """
    start = datetime.now(UTC) if options.now else datetime.combine(plan.world.start, time(), UTC)
    clock = TwinClock(env, epoch(start))
    chance = Chance(plan.seed)
    cert, key, ca, trust = _certificates(options)
    http = LiveHttp(trust)

    async def post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        base, slash, path = url.partition(PREFIX)
        request = HttpRequest("webhook", base, "POST", slash + path, {}, headers, body, 10.0)
        try:
            with env.wall_time():
                answer = await http.send(request)
        except (NotSent, NoAnswer):
            return 0, b""
        return answer.status, answer.body

    world = World(clock, chance.sub("mocks").uniform, asyncio.sleep, _spawner(env), post)
    estate = build_estate(plan, world)
    record, trace = RunRecordWriter(None), Trace()
    # Clerks re-key where nothing is integrated; what somebody else's platform does they would do twice.
    integrated = plan.design.topology != "manual" and (options.engine or options.webhook_base is not None)
    people = chance.sub("world")
    rates = market_of(plan, people)
    business = Business(plan.world, env, clock, people, estate, record, trace, integrated, rates, plan.design)
    estate.seal()
    token = control_token(plan.seed)
    urls: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        stack.push_async_callback(http.close)
        for offset, (name, server) in enumerate(estate.servers.items()):
            app = virtual_time_app(MockApp(server, token))
            urls[name] = await _serve(stack, env, app, options, offset, cert, key)
        engine = None
        if integrated and options.engine:
            engines = engines_of(
                plan.design.topology,
                lambda hears: _engine(plan, env, clock, chance, estate, urls, http, record, trace, business, hears),
            )
            engine = engines.orders
            endpoint = virtual_time_app(WebhookEndpoint(cast(Engine, _Front(engines))))
            urls["engine"] = await _serve(stack, env, endpoint, options, _ENGINE_OFFSET, cert, key)
            estate.subscribe(lambda system: f"{urls['engine']}{PREFIX}{system}")
            for each in engines.all:
                each.start()
                stack.callback(each.stop)
            if plan.design.topology == "api-first":
                business.give_button(engine)
        elif integrated and options.webhook_base is not None:
            base = options.webhook_base.rstrip("/")
            estate.subscribe(lambda system: f"{base}{PREFIX}{system}")
        if options.people:
            business.begin()
        yield LiveEstate(env, estate, engine, urls, token, ca)


class _Front:
    """All engines of a topology behind the one endpoint that the systems push to."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self.systems = frozenset(system for engine in engines.all for system in engine.systems)

    def pushed(self, system: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """A system's push, for the engine that listens to it."""
        return self._engines.pushed(system, body, headers)


def _spawner(env: TwinEnvironment) -> Spawn:
    # Background work of mocks and engine runs on the twin's time, whatever started it.
    def spawn(work: Coroutine[Any, Any, None], name: str) -> object:
        with env.virtual_time():
            return env.spawn(work, name)

    return spawn


async def _serve(
    stack: AsyncExitStack,
    env: TwinEnvironment,
    app: Any,
    options: LiveOptions,
    offset: int,
    cert: str | None,
    key: str | None,
) -> str:
    port = options.port + offset if options.port else 0
    with env.wall_time():
        server = LiveServer(app, options.host, port, cert, key)
        await server.start()
    stack.push_async_callback(server.stop)
    return server.url


def _engine(
    plan: RunPlan,
    env: TwinEnvironment,
    clock: TwinClock,
    chance: Chance,
    estate: Estate,
    urls: dict[str, str],
    http: LiveHttp,
    record: RunRecordWriter,
    trace: Trace,
    business: Business,
    hears: frozenset[str] | None,
) -> Engine:
    class RealSeconds:
        """Network time-outs are about the real network: they count real seconds."""

        async def send(self, request: HttpRequest) -> Any:
            with env.wall_time():
                return await http.send(request)

    systems = estate.connectors(RealSeconds(), lambda system: urls[system])
    journal = SqliteJournal(":memory:", "OFF")
    watch = Watch(record, trace)
    engine = Engine(
        plan.design,
        systems.crm,
        systems.erp,
        systems.bank,
        journal,
        FLOWS,
        clock=clock,
        sleep=asyncio.sleep,
        spawn=_spawner(env),
        draw=chance.sub("engine").uniform,
        observer=watch,
        rhythm=plan.rhythm,
        payments=systems.payments,
        hears=hears,
        exchange=exchange_of(business.company.rates),
        group=plan.group,
    )
    watch.settle = Exceptions(business.company, engine, estate.mapping_mended).settle
    return engine


def _certificates(options: LiveOptions) -> tuple[str | None, str | None, Path | None, ssl.SSLContext | None]:
    if options.tls_dir is None:
        return None, None, None, None
    options.tls_dir.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    issued = authority.issue_cert(options.host, "localhost", "127.0.0.1")
    ca, cert, key = (options.tls_dir / name for name in ("ca.pem", "server.pem", "server.key"))
    authority.cert_pem.write_to_path(ca)
    key.touch(mode=0o600)
    issued.private_key_pem.write_to_path(key)
    cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    trust = ssl.create_default_context(cafile=str(ca))
    return str(cert), str(key), ca, trust


def main_up(plan: RunPlan, options: LiveOptions, ready: Callable[[dict[str, Any]], None]) -> None:
    """Serve until SIGINT or SIGTERM; ``ready`` gets the description once all ports answer."""
    env = TwinEnvironment.paced(speed=options.speed)

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, stop.set)
        async with live_estate(plan, env, options) as live:
            ready(live.describe())
            await stop.wait()

    try:
        env.aio.run_until_complete(main())
    finally:
        env.close()

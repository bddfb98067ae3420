"""One system in a world of its own, behind its ASGI application, and a client that remembers what it was told."""

import random
import time
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from fuzz.business import DAYS, seed_core
from fuzz.generator import PLAIN, Generator
from fuzz.hints import HINTS, Hints
from fuzz.judge import Report
from fuzz.logins import URL, Logins
from fuzz.memory import Memory
from o2c_twin.integration.ports import HttpAnswer, HttpRequest
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.mock_systems.catalogue import sample
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.asgi_driver import call_asgi
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.route import Router
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.stands import STANDS
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch

_START = datetime(2026, 1, 5, 9, tzinfo=UTC)
_PAUSE_US = 1_100_000
"""Between two requests, so that no limit of so many a second is what answers."""


def fuzz(name: str, requests: int, seed: int = 7) -> Report:
    """Send that many requests to one system; what it did wrong is in the report."""
    began = time.perf_counter()
    report = Report(name)
    with TwinEnvironment() as env:
        session = Session(env, name, seed)
        for _ in range(requests):
            session.one(report)
    report.seconds = time.perf_counter() - began
    return report


class Session:
    """The mock, seeded with some business, and its client."""

    def __init__(self, env: TwinEnvironment, name: str, seed: int) -> None:
        self.name, self.rng, self.clock = name, random.Random(f"{seed}/{name}"), TwinClock(env, epoch(_START))
        self._env = env
        world = World(self.clock, Chance(seed).uniform, env.aio.sleep, env.spawn, self._post)
        role = next((role for role, makers in STANDS.items() if name in makers), "")
        plan = RunPlan("fuzz", "", "")
        stand = STANDS[role][name](plan, SystemPlan(name), world) if role else None
        self.dialect = stand.dialect if stand else sample(name, world)
        hints = HINTS.get(name, Hints())
        if hints.test_mode:
            config = self.dialect.config
            self.dialect.config = msgspec.structs.replace(config, livemode=False, key=config.secret_key)
        server = MockServer(name, self.dialect, world)
        self.dialect.served(server)
        self._app = MockApp(server, "fuzz")
        self._memory = Memory(self.rng, hints)
        seed_core(self.dialect.core, plan.world.currency)
        self._memory.look_into(self.dialect.core)
        self._logins = Logins(self)
        self._router = Router(self.dialect.routes)
        if stand:
            connector = stand.connector(role, URL, self, self.clock)
            day = DAYS[role](stand, connector, plan.world.currency, self.clock.now())
            try:
                env.aio.run_until_complete(day)
            except CallFailed:
                pass  # a step that needs what this vendor does not have yet
        self._generator = Generator(self.rng, self._memory, hints, self.dialect, self._logins)

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        return 200, b""

    def call(self, request: Request) -> Response:
        """One request through the application."""
        return self._env.aio.run_until_complete(call_asgi(self._app, request))

    async def send(self, asked: HttpRequest) -> HttpAnswer:
        """One call of the engine's connector: its bodies and ids are what others are made from."""
        raw = quote(asked.path, PLAIN)
        request = Request(asked.method, asked.path, asked.query, dict(asked.headers), asked.body, URL, raw)
        answer = await call_asgi(self._app, request)
        found = self._router.find(asked.method, asked.path)
        if isinstance(found, tuple) and not found[0].open:
            self._memory.learn(found[0].name, request, answer)
        return HttpAnswer(answer.status, answer.headers, answer.body)

    def one(self, report: Report) -> None:
        """Make one request, send it, and have the answer judged."""
        rng, routes = self.rng, self.dialect.routes
        if not routes or rng.random() < 0.02:
            request, operation = self._generator.anywhere(), "unknown path"
        else:
            # Reads tell what writes can be made from.
            among = [op for op in routes if op.method == "GET"] if rng.random() < 0.3 else routes
            chosen = rng.choice(among)
            request, operation = self._generator.request(chosen), chosen.name
        report.sent(operation)
        # Half of them are watched: a picture of the books costs more than the call.
        watched = rng.random() < 0.5
        before = self.dialect.core.snapshot() if watched else b""
        try:
            answer = self.call(request)
        except Exception as bad:
            report.crashed(operation, request, bad)
            return
        refused = 400 <= answer.status < 500
        report.answered(operation, request, answer, watched and refused and self.dialect.core.snapshot() != before)
        if answer.status == 401:
            self._logins.forget()
        self._memory.learn(operation, request, answer)
        self._env.run(until=self._env.now + _PAUSE_US)

"""An engine in virtual time between the fake systems, a scripted wire, and people who speak to the engine's service."""

import asyncio
import io
import itertools
import json
import os
import socket
import urllib.error
from datetime import UTC, datetime

import aio_pika
import httpx
import pg8000.dbapi
import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine
from tests.integration.fake_systems import LOST, SECOND, FakeBank, FakeCrm, FakeErp, Seen, failed, keyed_draw

from o2c_twin.cli.main import main
from o2c_twin.integration.edges.live_rabbit import RabbitBroker
from o2c_twin.integration.flows import FLOWS
from o2c_twin.integration.model import BankEntry, Deal, DealLine, Inbound, Party
from o2c_twin.integration.ports import HttpAnswer, HttpRequest
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.engine import Engine, Rhythm
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.integration.store import SqliteJournal
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch

START = epoch(datetime(2026, 1, 5, tzinfo=UTC))
_NAMES = itertools.count()


class Bench:
    """Three systems, a journal, and an engine that may be killed and started again on it."""

    LOST = LOST
    failed = staticmethod(failed)

    def __init__(self, path, opened=lambda path: SqliteJournal(path, "OFF")):
        self.path, self._open = str(path), opened
        self.env = TwinEnvironment()
        self.clock = TwinClock(self.env, START)
        self.crm, self.erp, self.bank = FakeCrm(self.clock), FakeErp(self.clock), FakeBank(self.clock)
        self.journal = self.opens()
        self.seen = Seen()
        self.runs = itertools.count()
        """For property tests, whose examples share a bench: a number for each."""
        self._tasks = []

    def opens(self):
        return self._open(self.path)

    def engine(self, flows=FLOWS, rhythm=Rhythm(), compensates=frozenset(), exchange=None, **choices):  # noqa: B008
        self.now_running = Engine(
            DesignProfile(**choices),
            self.crm,
            self.erp,
            self.bank,
            self.journal,
            flows,
            clock=self.clock,
            sleep=asyncio.sleep,
            spawn=self._spawn,
            draw=keyed_draw,
            observer=self.seen,
            rhythm=rhythm,
            compensates=compensates,
            exchange=exchange,
        )
        return self.now_running

    def _spawn(self, work, name):
        task = self.env.spawn(work, name)
        task.add_done_callback(lambda _: work.close())
        self._tasks.append(task)
        return task

    def pass_time(self, seconds):
        if seconds:
            self.env.run(until=self.env.now + round(seconds * SECOND))

    def do(self, work):
        """Run one coroutine to its end; its result."""
        return self.env.aio.run_until_complete(work)

    def kill(self):
        """The process is gone; the journal is opened again, as the next process will."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self.journal.close()
        self.journal = self.opens()

    def close(self):
        self.journal.close()
        self.env.close()

    # --- words of the trade ------------------------------------------------------------------------

    def won(self, deal_id="D1", account="A1", number=None, **party):
        """A deal is won; gives the notice of it."""
        who = Party(account, party.pop("name", "Acme"), number, **party)
        self.crm.parties[account] = who
        lines = (DealLine("WIDGET", 2, 1_000),)
        self.crm.deals[deal_id] = Deal(deal_id, f"R-{deal_id}", f"PO-{deal_id}", who, lines, "EUR", self.clock.now())
        return Inbound(f"crm:won:{deal_id}", "order", deal_id, f"party:{account}", self.clock.now())

    def credit(self, reference, amount, text="", iban=None, payer="ACME"):
        """Money on a statement, in minor units."""
        return BankEntry(reference, amount, "EUR", "2026-01-05", None, text, payer, iban)

    def reasons(self):
        return [case.reason for case in self.journal.cases()]


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path / "journal.db")
    yield bench
    bench.close()


@pytest.fixture(params=["sqlite", "postgres"])
def either_bench(request, tmp_path, monkeypatch):
    """A bench on either journal. A module takes it for all its tests with a fixture ``bench`` of its own."""
    from tests.integration.stores import SharedBench

    path = tmp_path / "journal.db"
    if request.param == "sqlite":
        bench = Bench(path)
    else:
        bench = SharedBench(path, request.getfixturevalue("postgres_url"), monkeypatch)
    yield bench
    bench.close()


class ScriptedHttp:
    """A wire whose other end says what a test wrote down: answers in order, or exceptions."""

    def __init__(self):
        self.script = []
        self.sent: list[HttpRequest] = []

    def answers(self, *answers):
        """``(status, body, headers)``; the body is bytes, or what is sent as JSON."""
        self.script.extend(answers)

    async def send(self, request):
        self.sent.append(request)
        return await self.reply(self.script.pop(0))

    async def reply(self, answer):
        if isinstance(answer, BaseException):
            raise answer
        status, body, *headers = answer
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return HttpAnswer(status, dict(*headers), raw)

    @property
    def asked(self):
        return [f"{request.method} {request.path}" for request in self.sent]


@pytest.fixture
def http():
    return ScriptedHttp()


@pytest.fixture
def refusal():
    """``refusal(call)``: the `CallFailed` a coroutine ends with."""

    def run(call):
        with pytest.raises(CallFailed) as caught:
            asyncio.run(call)
        return caught.value

    return run


def _start_postgres():
    """A database of its own on the PostgreSQL of this machine. Raises OSError when there is none."""
    try:
        admin = pg8000.dbapi.connect("postgres", host="127.0.0.1", port=5432, database="postgres", timeout=5)
    except pg8000.Error as missing:
        raise OSError(f"127.0.0.1:5432: {missing}") from missing
    admin.autocommit = True
    name = f"o2c_test_{os.getpid()}"
    admin.cursor().execute(f'drop database if exists "{name}"')
    admin.cursor().execute(f'create database "{name}"')
    admin.close()
    return f"postgresql+pg8000://postgres@127.0.0.1:5432/{name}"


@pytest.fixture(scope="session")
def postgres_database(require_service):
    url = require_service("postgres", _start_postgres)
    yield url
    if "o2c_test_" in url:
        admin = pg8000.dbapi.connect("postgres", host="127.0.0.1", port=5432, database="postgres")
        admin.autocommit = True
        admin.cursor().execute(f'drop database if exists "{url.rpartition("/")[2]}" with (force)')
        admin.close()


@pytest.fixture
def postgres_url(postgres_database):
    """An empty database, as SQLAlchemy names it."""
    engine = create_engine(postgres_database)
    with engine.begin() as connection:
        connection.exec_driver_sql("drop schema public cascade")
        connection.exec_driver_sql("create schema public")
    engine.dispose()
    return postgres_database


@pytest.fixture
def rabbit_url(require_service):
    def reachable():
        socket.create_connection(("127.0.0.1", 5672), timeout=2).close()
        return "amqp://guest:guest@127.0.0.1:5672/"

    return require_service("rabbitmq", reachable)


@pytest.fixture
def rabbit_prefix(rabbit_url):
    """A name of this test's own at the broker; its queues are deleted at the end."""
    name = f"o2c.test.{os.getpid()}.{next(_NAMES)}."
    yield name

    async def delete():
        connection = await aio_pika.connect(rabbit_url)
        channel = await connection.channel()
        for queue in RabbitBroker(rabbit_url, name).queues:
            await channel.queue_delete(queue)
        await connection.close()

    asyncio.run(delete())


class Office:
    """People who speak to an engine's service, over HTTP in process or with ``o2c engine``; each has a token.

    ``run`` runs a coroutine to its end on the loop the engine is on.
    """

    def __init__(self, app, tokens, run, monkeypatch):
        self.tokens, self._run, self._monkeypatch = tokens, run, monkeypatch
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://engine")

    def call(self, method, path, who="operations", **given):
        headers = {**given.pop("headers", {}), "Authorization": f"Bearer {self.tokens[who]}"}
        return self._run(self.http.request(method, path, headers=headers, **given))

    def o2c(self, *arguments, who="operations"):
        """``o2c engine ...``, whose calls go to the application instead of to a socket."""

        def urlopen(request, timeout):
            answer = self._run(
                self.http.request(request.method, request.selector, headers=request.headers, content=request.data)
            )
            if answer.status_code >= 400:
                body = io.BytesIO(answer.content)
                raise urllib.error.HTTPError(request.full_url, answer.status_code, "refused", None, body)
            return io.BytesIO(answer.content)

        with self._monkeypatch.context() as patched:
            patched.setattr("urllib.request.urlopen", urlopen)
            patched.setenv("O2C_ENGINE_TOKEN", self.tokens[who])
            return CliRunner().invoke(main, ["engine", *map(str, arguments)])


@pytest.fixture
def office(monkeypatch):
    """``office(app, tokens, run)``."""
    return lambda app, tokens, run: Office(app, tokens, run, monkeypatch)

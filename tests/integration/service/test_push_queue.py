"""Pushes through a real RabbitMQ: kept there before they are acknowledged, lost by no cut, no restart and no kill."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from types import MappingProxyType

import httpx
import yaml
from tests.integration.broker_wire import Wire

from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.service.api import service_app
from o2c_twin.integration.service.config import RabbitConfig
from o2c_twin.integration.service.live_queue import RabbitQueue
from o2c_twin.integration.service.wiring import governed
from o2c_twin.integration.store import SqliteJournal

NOBODY = "http://127.0.0.1:9"
LANES = 4
"""Of a test's own queues at the broker."""


class WallClock:
    def now(self):
        return time.time_ns() // 1_000


class Service:
    """An engine that notes what it worked, its HTTP side, and the queue before it."""

    def __init__(self, bench, url, prefix, path, tokens=MappingProxyType({})):
        self.worked, self.told, self.tasks = [], [], []

        async def order(engine, taken):
            self.worked.append((taken.lane, taken.object_id))

        profile = DesignProfile(topology="event-driven", trigger="webhook")
        self.journal = SqliteJournal(str(path), "OFF")
        self.engine = Engine(
            profile,
            bench.crm,
            bench.erp,
            bench.bank,
            self.journal,
            {"order": order},
            clock=WallClock(),
            sleep=asyncio.sleep,
            spawn=self._spawn,
            draw=lambda *key: 0.5,
        )
        sources = (bench.crm, bench.erp, bench.bank)
        self.queue = RabbitQueue(RabbitConfig(url, prefix, LANES), self.engine, sources, self.told.append)
        self.operations = governed(self.engine, aside=self.queue, edges={"broker": self.queue.standing})
        self.app = service_app(self.engine, self.operations, tokens, lambda: True, self.queue)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://engine")

    def _spawn(self, work, name):
        self.tasks.append(asyncio.get_running_loop().create_task(work, name=name))
        return self.tasks[-1]

    async def __aenter__(self):
        self._spawn(self.queue.run(), "queue")
        return self

    async def __aexit__(self, *error):
        await self.queue.close()
        self.engine.stop()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.http.aclose()
        self.journal.close()

    async def push(self, *names, lane="party:A1"):
        events = [
            {"event_id": f"crm:{n}", "flow": "order", "object_id": str(n), "lane": lane, "source_at": 0} for n in names
        ]
        return await self.http.post("/webhooks/crm", json=events)

    async def deliver(self, *names, lane):
        """As a vendor does: until it is acknowledged."""
        while (await self.push(*names, lane=lane)).status_code != 200:
            await asyncio.sleep(0.05)


async def until(true, seconds=30.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        await asyncio.sleep(0.01)


def test_a_push_goes_through_the_broker_into_the_inbox(rabbit_url, rabbit_prefix, bench, tmp_path):
    async def work():
        async with Service(bench, rabbit_url, rabbit_prefix, tmp_path / "j.db") as here:
            await until(lambda: here.queue.there)
            answers = [await here.push("D1", "D2"), await here.push("D1"), await here.http.get("/ready")]
            answers.append(await here.http.post("/webhooks/crm", content=b"garbage"))
            await until(lambda: here.queue.figures()["known"] == 1)
            await until(lambda: len(here.worked) == 2)
            health = (await here.http.get("/health")).json()
            return [(a.status_code, a.content) for a in answers], here.worked, health, here.told

    answers, worked, health, told = asyncio.run(work())
    assert answers == [(200, b"taken"), (200, b"taken"), (200, b'{"status":"ready"}'), (400, b"")]
    assert worked == [("party:A1", "D1"), ("party:A1", "D2")]
    assert health == {"status": "up", "broker": {"there": True, "accepted": 2, "known": 1, "dead": 0}}
    assert told == [True]


def test_while_the_broker_is_away_nothing_is_acknowledged_and_readiness_says_so(
    rabbit_url, rabbit_prefix, bench, tmp_path
):
    async def work():
        wire = Wire(rabbit_url)
        url = await wire.back()
        await wire.away()
        async with Service(bench, url, rabbit_prefix, tmp_path / "j.db") as here:
            seen = [await here.push("D1"), await here.http.get("/ready"), await here.http.get("/health")]
            await wire.back()
            await until(lambda: here.queue.there)
            seen += [await here.http.get("/ready"), await here.push("D1")]
            await until(lambda: here.worked)
            await wire.away()
            await until(lambda: here.told == [False, True, False])
            seen += [await here.http.get("/ready"), await here.push("D2")]
            await wire.back()
            await until(lambda: here.queue.there)
            await here.push("D2")
            await until(lambda: len(here.worked) == 2)
            await until(lambda: here.told == [False, True, False, True])
            await wire.away()
        return seen, here.worked

    seen, worked = asyncio.run(work())
    assert [answer.status_code for answer in seen] == [503, 503, 200, 200, 200, 503, 503]
    assert seen[0].headers["retry-after"] == "30"
    assert seen[0].json() == {"error": "the queue is away; push again later"}
    assert seen[1].json() == {"status": "not ready", "broker": "away"}
    assert seen[2].json() == {"status": "up", "broker": {"there": False, "accepted": 0, "known": 0, "dead": 0}}
    assert worked == [("party:A1", "D1"), ("party:A1", "D2")]


def test_cuts_restarts_and_redelivery_lose_nothing_double_nothing_and_keep_the_order(
    rabbit_url, rabbit_prefix, bench, tmp_path
):
    keys, each = 6, 40

    async def work():
        wire = Wire(rabbit_url)
        url = await wire.back()
        async with Service(bench, url, rabbit_prefix, tmp_path / "j.db") as here:

            async def sender(key):
                for n in range(each):
                    await here.deliver(f"{key}-{n}", lane=f"party:{key}")

            sending = asyncio.gather(*(sender(key) for key in range(keys)))
            for share in (0.2, 0.5, 0.8):
                await until(lambda share=share: len(here.worked) >= keys * each * share, 60)
                wire.cut()
            await until(lambda: here.queue.there)
            await wire.away()
            await asyncio.sleep(0.5)
            await wire.back()
            await asyncio.wait_for(sending, 60)
            await until(lambda: len(here.worked) >= keys * each, 60)
            await asyncio.sleep(0.5)
            figures = here.queue.figures()
        await wire.away()
        return here.worked, figures

    worked, figures = asyncio.run(work())
    by_lane = defaultdict(list)
    for lane, name in worked:
        by_lane[lane].append(name)
    assert by_lane == {f"party:{key}": [f"{key}-{n}" for n in range(each)] for key in range(keys)}
    assert (figures["accepted"], figures["dead"]) == (keys * each, 0)


def test_what_waits_in_the_broker_outlives_the_worker(rabbit_url, rabbit_prefix, bench, tmp_path):
    async def first_life():
        async with Service(bench, rabbit_url, rabbit_prefix, tmp_path / "first.db") as here:
            await until(lambda: here.queue.there)
            here.queue._intake._receive = lambda event: (_ for _ in ()).throw(OSError("the inbox is locked"))
            answer = await here.push("D1")
            return answer.status_code, here.journal.event("crm:D1")

    async def next_life():
        async with Service(bench, rabbit_url, rabbit_prefix, tmp_path / "next.db") as here:
            await until(lambda: here.worked)
            return here.worked

    assert asyncio.run(first_life()) == (200, None)
    assert asyncio.run(next_life()) == [("party:A1", "D1")]


# --- as a process --------------------------------------------------------------------------------------

NOTICE = """<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
 <notifications xmlns="http://soap.sforce.com/2005/09/outbound"><Notification><Id>04l0e0000000001AAA</Id>
 <sObject xsi:type="sf:Opportunity" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
 <sf:Id>{deal}</sf:Id><sf:AccountId>0015gAOKI</sf:AccountId>
 <sf:SystemModstamp>2026-01-05T08:00:00.000Z</sf:SystemModstamp>
 </sObject></Notification></notifications></soapenv:Body></soapenv:Envelope>"""


def _started(folder):
    with (folder / "engine.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "o2c_twin.cli.main", "engine", "run", "engine.yaml", "--json"],
            cwd=folder,
            env={**os.environ, "O2C_BROKER": folder.joinpath("broker").read_text()},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    told = ""
    while "}" not in told:
        line = process.stdout.readline()
        assert line, (folder / "engine.log").read_text()
        told += line
    return process, json.loads(told)["url"]


def _answer(url, path, body=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, body), timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()
    except OSError:
        return 0, b""


def _in_time(what):
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def test_a_worker_killed_again_and_again_loses_no_push_and_doubles_none(rabbit_url, rabbit_prefix, tmp_path):
    system = {"url": NOBODY, "credentials": {}}
    names = ("account", "consumer_key", "consumer_secret", "token_id", "token_secret")
    bank = {"client_id": "b", "client_secret": "s", "account_id": "1", "webhook_secret": "w" * 8}
    config = {
        "journal": "sqlite:///engine.db",
        "listen": {"port": 0},
        "profile": {"topology": "event-driven", "trigger": "webhook"},
        "edge": {"rabbitmq": {"url": "env:O2C_BROKER", "prefix": rabbit_prefix, "lanes": LANES}},
        "systems": {
            "crm": {**system, "vendor": "salesforce", "credentials": {"client_id": "c", "client_secret": "s"}},
            "erp": {**system, "vendor": "netsuite", "credentials": dict.fromkeys(names, "x")},
            "bank": {**system, "vendor": "bank_iso20022", "credentials": bank},
        },
    }
    (tmp_path / "broker").write_text(rabbit_url)
    (tmp_path / "engine.yaml").write_text(yaml.safe_dump(config))
    deals = [f"0065g{n:010d}" for n in range(30)]
    waiting = list(deals)
    process, url = _started(tmp_path)
    try:
        _in_time(lambda: _answer(url, "/ready")[0] == 200)
        for killed in range(3):
            for _ in range(10):
                if _answer(url, "/webhooks/crm", NOTICE.format(deal=waiting[0]).encode())[0] == 200:
                    waiting.pop(0)
            process.send_signal(signal.SIGKILL)
            process.wait(20)
            process.stdout.close()
            process, url = _started(tmp_path)
            _in_time(lambda url=url: _answer(url, "/ready")[0] == 200)
            assert len(waiting) == 30 - 10 * (killed + 1)
        _in_time(lambda: len(_inbox(tmp_path)) >= len(deals))
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(20)
        process.stdout.close()
    assert sorted(_inbox(tmp_path)) == deals
    assert "guest:guest" not in (tmp_path / "engine.log").read_text()


def _inbox(folder):
    db = sqlite3.connect(f"file:{folder / 'engine.db'}?mode=ro", uri=True)
    try:
        return [row[0] for row in db.execute("select object_id from inbox where flow = 'order'")]
    finally:
        db.close()

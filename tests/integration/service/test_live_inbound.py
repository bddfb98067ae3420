"""Systems that tell by a folder, an SFTP server and a staging table: `o2c engine run` in a real process takes it in."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import sqlalchemy
import yaml
from click.testing import CliRunner
from tests.integration.edges.test_sftp_folder import FAKE

from o2c_twin.cli.main import main

NOBODY = "http://127.0.0.1:9"
TOKEN = "operations-token-9Zx"
FLOW = {"crm": "order", "erp": "delivery", "bank": "cash"}


class Company:
    """The engine's file, the places three systems tell by, and the process."""

    def __init__(self, folder, staging):
        self.folder, self.staging, self.process, self.url = folder, staging, None, ""
        for place in ("erp", "bank"):
            for each in ("in", "archive", "error"):
                (folder / place / each).mkdir(parents=True)
        for name in ("key", "hosts"):
            (folder / name).write_text("x")
        bin_ = folder / "bin"
        bin_.mkdir()
        self.how = folder / "how"
        self.how.write_text("works")
        (bin_ / "sftp").write_text(FAKE.format(python=sys.executable, how=str(self.how)))
        (bin_ / "sftp").chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}", "O2C_STAGING": staging}
        self.rows = sqlalchemy.create_engine(staging)

    def config(self, **changed):
        names = ("account", "consumer_key", "consumer_secret", "token_id", "token_secret")
        bank = {"client_id": "b", "client_secret": "s", "account_id": "1", "webhook_secret": "w" * 8}
        table = {"url": "env:O2C_STAGING", "every_s": 0.1}
        sftp = {"url": f"sftp://o2c@host{self.folder}/bank", "key_file": "key", "known_hosts": "hosts", "every_s": 0.1}
        folder = {"url": f"file://{self.folder}/erp", "completion": "done", "every_s": 0.1}
        inbound = {"crm": {"table": table}, "erp": {"folder": folder}, "bank": {"folder": sftp}, **changed}
        systems = {
            "crm": {"vendor": "salesforce", "credentials": {"client_id": "c", "client_secret": "s"}},
            "erp": {"vendor": "netsuite", "credentials": dict.fromkeys(names, "x")},
            "bank": {"vendor": "bank_iso20022", "credentials": bank},
        }
        return {
            "journal": "sqlite:///engine.db",
            "listen": {"port": 0},
            "tokens": {"operations": TOKEN},
            "systems": {role: {"url": NOBODY, "inbound": inbound[role], **system} for role, system in systems.items()},
        }

    def run(self, *options, **changed):
        (self.folder / "engine.yaml").write_text(yaml.safe_dump(self.config(**changed)))
        command = [sys.executable, "-m", "o2c_twin.cli.main", "engine", "run", "engine.yaml", *options]
        with (self.folder / "engine.log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def starts(self):
        self.process, told = self.run("--json"), ""
        while "}" not in told:
            line = self.process.stdout.readline()
            assert line, (self.folder / "engine.log").read_text()
            told += line
        self.url = json.loads(told)["url"]
        in_time(lambda: self.status() is not None)

    def dies(self, sign=signal.SIGKILL):
        self.process.send_signal(sign)
        code = self.process.wait(30)
        self.process.stdout.close()
        return code

    def status(self):
        request = urllib.request.Request(f"{self.url}/api/status", headers={"Authorization": f"Bearer {TOKEN}"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.loads(answer.read())
        except OSError:
            return None

    def drops(self, place, name, *events, done=False):
        (self.folder / place / "in" / f"{name}.tmp").write_text(json.dumps(events))
        (self.folder / place / "in" / f"{name}.tmp").rename(self.folder / place / "in" / name)
        if done:
            (self.folder / place / "in" / f"{name}.done").write_text("")

    def inserts(self, **row):
        with self.rows.begin() as connection:
            names = ", ".join(row)
            told = f"insert into o2c_inbound ({names}) values ({', '.join(f':{name}' for name in row)})"
            connection.execute(sqlalchemy.text(told), row)

    def told(self, column="object_id"):
        db = sqlite3.connect(f"file:{self.folder / 'engine.db'}?mode=ro", uri=True)
        try:
            return sorted(row[0] for row in db.execute(f"select {column} from inbox"))
        finally:
            db.close()

    def places(self, place):
        return {
            each: sorted(p.name for p in (self.folder / place / each).iterdir()) for each in ("in", "archive", "error")
        }


def event(role, object_id, **changed):
    made = {"event_id": f"{role}:{object_id}", "flow": FLOW[role], "object_id": object_id}
    return {**made, "lane": f"{role}:{object_id}", "source_at": 1_767_650_400_000_000, **changed}


def in_time(what, seconds=30):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


@pytest.fixture(params=["sqlite", "postgres"])
def company(request, tmp_path):
    if request.param == "sqlite":
        staging = f"sqlite:///{tmp_path / 'staging.db'}"
    else:
        staging = request.getfixturevalue("postgres_url")
    here = Company(tmp_path, staging)
    made = CliRunner().invoke(main, ["engine", "staging-table", "env:O2C_STAGING"], env={"O2C_STAGING": staging})
    assert made.output == "table o2c_inbound is there; others insert event_id, flow, object_id, lane, source_at\n"
    yield here
    if here.process is not None and here.process.poll() is None:
        here.dies()
    here.rows.dispose()


def test_what_systems_put_down_is_in_the_inbox_once_over_a_kill(company):
    company.drops("erp", "a.json", event("erp", "SO1"), event("erp", "SO2"), done=True)
    company.drops("erp", "half.json", event("erp", "SO3"))
    company.drops("bank", "b.json", event("bank", "S1"))
    company.inserts(**event("crm", "A1"))
    company.starts()
    in_time(lambda: company.told() == ["A1", "S1", "SO1", "SO2"])
    in_time(lambda: company.places("erp")["archive"] == ["a.json", "a.json.done"])
    company.dies()
    # Told again, as after a crash between inbox and archive.
    company.drops("erp", "a.json", event("erp", "SO1"), event("erp", "SO2"), done=True)
    company.inserts(**event("crm", "A1"))
    (company.folder / "erp" / "in" / "half.json.done").write_text("")
    company.starts()
    in_time(lambda: company.told() == ["A1", "S1", "SO1", "SO2", "SO3"])
    in_time(lambda: company.places("erp")["in"] == [] and len(company.places("erp")["archive"]) == 6)
    in_time(lambda: company.status()["edges"]["crm.inbound"]["waiting"] == 0)
    assert company.dies(signal.SIGTERM) == 0
    assert company.told("state").count("open") + company.told("state").count("done") == 5
    log = (company.folder / "engine.log").read_text()
    assert TOKEN not in log


def test_what_cannot_be_worked_is_put_aside_with_the_reason_and_status_tells(company):
    company.drops("erp", "mine.json", event("erp", "SO1"), event("erp", "SO2", flow="undo"), done=True)
    company.drops("erp", "half.json", event("erp", "SO3"))
    company.drops("bank", "no.json", event("bank", "S1", lane=""))
    company.inserts(**event("crm", "A1", flow="write-off"))
    company.inserts(**event("crm", "A2"))
    company.starts()
    in_time(lambda: company.told() == ["A2"])
    in_time(lambda: all(edge["refused"] for edge in company.status()["edges"].values()))
    why = (company.folder / "erp" / "error" / "mine.json.why").read_text()
    assert why == ("mine.json: event 2: no flow 'undo' is told here; there are: delivery, invoice, order-status")
    why = (company.folder / "bank" / "error" / "no.json.why").read_text()
    assert why == "no.json: event 1: lane is empty; give it"
    with company.rows.begin() as connection:
        (note,) = connection.execute(sqlalchemy.text("select note from o2c_inbound where status_flg = 'E'")).one()
    assert "no flow 'write-off'; there are: customer, order" in note
    status = company.status()
    edges, now = status["edges"], status["now"]
    assert {name: (edge["kind"], edge["there"], edge["refused"]) for name, edge in edges.items()} == {
        "crm.inbound": ("table", True, 1),
        "erp.inbound": ("folder", True, 1),
        "bank.inbound": ("folder", True, 1),
    }
    assert edges["erp.inbound"]["waiting"] == 1
    assert 0 <= now - edges["erp.inbound"]["oldest"] < 60_000_000
    assert all(0 <= now - edge["seen_at"] < 60_000_000 for edge in edges.values())
    crm = status["sources"]["crm"]
    assert (crm["trigger"], crm["dead"]) == ("webhook", 0)
    environment = {**company.environment, "O2C_ENGINE_TOKEN": TOKEN}
    told = CliRunner().invoke(main, ["engine", "status", "--url", company.url], env=environment).output
    assert "erp.inbound     folder, 1 waiting, the oldest for " in told
    assert "1 put aside; looked at 0 s ago" in told or "1 put aside; looked at 1 s ago" in told


def test_a_place_that_goes_away_is_looked_at_again_and_status_says_so(company):
    company.starts()
    company.how.write_text("no login: Permission denied (publickey).")
    (company.folder / "erp").rename(company.folder / "unmounted")
    edges = lambda: company.status()["edges"]  # noqa: E731 - three times
    in_time(lambda: not edges()["bank.inbound"]["there"] and not edges()["erp.inbound"]["there"])
    assert "have the public key of key entered at the host" in edges()["bank.inbound"]["away"]
    # Status asks by itself: that a round found it too is in the log.
    log = company.folder / "engine.log"
    in_time(lambda: log.read_text().count("a system's place is away") == 2)
    company.how.write_text("works")
    (company.folder / "unmounted").rename(company.folder / "erp")
    company.drops("bank", "b.json", event("bank", "S1"))
    company.drops("erp", "a.json", event("erp", "SO1"), done=True)
    in_time(lambda: company.told() == ["S1", "SO1"])
    in_time(lambda: all(edge["there"] for edge in edges().values()))
    assert log.read_text().count("a system's place is away") == 2
    assert company.dies(signal.SIGTERM) == 0


def test_a_table_that_is_not_there_or_not_whole_stops_the_start_with_the_remedy(company):
    with company.rows.begin() as connection:
        connection.execute(sqlalchemy.text("create table halves (id integer, event_id text)"))
    for table, told in (
        ("none", "systems.crm.inbound.table.table: the database has no table 'none'; make it with 'o2c engine stag"),
        ("halves", "systems.crm.inbound.table.table: the table 'halves' has no column flow; add it, or make a"),
    ):
        process = company.run(crm={"table": {"url": "env:O2C_STAGING", "table": table}})
        process.communicate(timeout=60)
        assert process.returncode == 2
        assert told in Path(company.folder / "engine.log").read_text()

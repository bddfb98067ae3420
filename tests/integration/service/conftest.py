"""The service's HTTP side, spoken to in process: the application around an engine of the bench."""

import hashlib

import httpx
import pytest

from o2c_twin.integration.governance.roles import ROLES
from o2c_twin.integration.governance.secrets import Secret
from o2c_twin.integration.governance.vault import Vault
from o2c_twin.integration.service.api import service_app
from o2c_twin.integration.service.wiring import governed
from o2c_twin.integration.store.keys import SqlKeys
from o2c_twin.integration.store.postgres import PostgresJournal

PEOPLE = (*ROLES, "operations/ann", "operations/bert")
TOKENS = {name: f"token-of-{name}" for name in PEOPLE}


class Desk:
    """An engine with its application; ``call`` speaks to it as somebody."""

    def __init__(self, bench, vault=None, holds=(), start=True, **choices):
        self.bench, self.vault = bench, vault
        self.engine = bench.engine(**choices)
        self.operations = governed(self.engine, vault, holds)
        self.is_ready = True
        app = service_app(self.engine, self.operations, TOKENS, lambda: self.is_ready)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://engine")
        if start:
            self.engine.start()

    def call(self, method, path, who="operations", **given):
        headers = dict(given.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {TOKENS.get(who, who)}"
        return self.bench.do(self.http.request(method, path, headers=headers, **given))

    def get(self, path, who="operations", **given):
        return self.call("GET", path, who, **given)

    def post(self, path, body=None, who="operations", **given):
        return self.call("POST", path, who, json=body, **given)

    def approved(self, operation, subject, content=None, by="finance", who="operations"):
        """The id of an approval that was asked for and given."""
        asking = {"operation": operation, "subject": subject, "content": content or {}}
        made = self.post("/api/approvals", asking, who)
        assert made.status_code == 201, made.text
        id_ = made.json()["id"]
        assert self.post(f"/api/approvals/{id_}", {"action": "approve"}, by).json()["state"] == "approved"
        return id_

    def trail(self):
        """Who did what to what, with which outcome; without the engine's own entries."""
        told = self.operations._audit.entries()
        return [(e["who"], e["what"], e["object"], e["key"]) for e in told if e["who"] != "engine"]

    def refused_order(self, deal="D1", **party):
        """A won deal whose order the ERP refuses: there is a case."""
        self.bench.erp.trouble["put_order"].append(self.bench.failed("rejected"))
        self.engine.receive(self.bench.won(deal, **party))
        self.bench.pass_time(30)
        return self.bench.journal.cases("open")[-1]


@pytest.fixture
def desk(bench):
    return Desk(bench)


@pytest.fixture(params=["sqlite", "postgres"])
def either_desk(request, bench):
    """On either journal; the engine rests, or a worker on PostgreSQL would look for lanes all day."""
    if request.param == "postgres":
        bench.journal.close()
        bench.journal = PostgresJournal(request.getfixturevalue("postgres_url"), "anna")
    return Desk(bench, start=False)


@pytest.fixture
def make_desk(bench):
    """``make_desk(vault, holds, **choices)``: with a design of its own."""
    return lambda *given, **choices: Desk(bench, *given, **choices)


@pytest.fixture
def keys_file(tmp_path):
    return tmp_path / "keys.db"


@pytest.fixture
def vault(keys_file):
    drawn = iter(range(10**6))
    keys = SqlKeys(f"sqlite:///{keys_file}")
    yield Vault(
        keys,
        Secret("O2C_MASTER_KEY", "m" * 32),
        lambda size: hashlib.blake2b(f"{next(drawn)}".encode(), digest_size=size).digest(),
    )
    keys.close()

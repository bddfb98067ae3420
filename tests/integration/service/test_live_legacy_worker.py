"""The engine as a process between `o2c up`'s live systems, with an old ERP behind a shared folder and GoCardless."""

import asyncio
import hashlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
import yaml

from o2c_twin.mock_systems.vendors.legacy_erp import LegacyErpConfig, Media, make
from o2c_twin.mock_systems.vendors.legacy_erp.live_folder import LiveFolder
from o2c_twin.mock_systems.vendors.legacy_erp.rhythm import Round
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

API = "/services/data/v59.0"
PATIENCE_S = 60
SCENARIO = {
    "name": "collected",
    "extends": "to-be",
    "title": "An ERP beside the estate, invoices collected by direct debit",
    "story": "Only CRM, bank and provider are used.",
    "systems": {"payments": {"vendor": "gocardless"}},
}


class WallClock:
    def now(self):
        return time.time_ns() // 1_000


def keyed_draw(stream, *key):
    return (hashlib.blake2b(repr((stream, *key)).encode(), digest_size=1).digest()[0] + 0.5) / 256


class OldErp(threading.Thread):
    """The ERP at the other end of the folder, whose night comes five times a second; ``do`` is what its people do."""

    def __init__(self, root):
        super().__init__(name="old erp", daemon=True)
        self.root, self.ended, self.orders, self.invoices = root, threading.Event(), {}, {}

    def run(self):
        asyncio.run(self._nights())

    async def _nights(self):
        clock = WallClock()
        world = World(clock, keyed_draw, asyncio.sleep, asyncio.create_task, None)
        erp = make(world, LegacyErpConfig(edges=("file",)), Media(folder=LiveFolder(self.root)))
        erp.bind(MockServer("erp", erp, world))
        erp.core.add_item("SKU-0001", "Pump", 2_000, 1_200, "EUR", 1_000)
        await erp.load()
        while not self.ended.is_set():
            await erp.round(Round(clock.now(), True, True))
            for id_, order in list(erp.core.state.orders.items()):
                if id_ not in self.orders:
                    self.orders[id_] = (order.po_number, order.external_id)
                    erp.core.deliver(id_)
            self.invoices = {i.number: i.total_minor for i in erp.core.state.invoices.values()}
            await asyncio.sleep(0.2)


def _started(command, folder):
    with (folder / f"{command[0]}-{command[1]}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "o2c_twin.cli.main", *command],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    text = ""
    while True:
        line = process.stdout.readline()
        assert line, f"{command} ended: {text} {(folder / f'{command[0]}-{command[1]}.log').read_text()}"
        text += line
        try:
            return process, json.loads(text)
        except json.JSONDecodeError:
            continue


def _ended(process):
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    process.stdout.close()
    return code


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def estate(tmp_path, port):
    (tmp_path / "collected.yaml").write_text(yaml.safe_dump(SCENARIO))
    command = ["up", "collected.yaml", "--no-engine", "--webhook-base", f"http://127.0.0.1:{port}"]
    process, described = _started([*command, "--now", "--port", "0", "--json"], tmp_path)
    yield described["systems"]
    assert _ended(process) == 0


@pytest.fixture
def old_erp(tmp_path):
    erp = OldErp(tmp_path / "share")
    erp.start()
    until = time.monotonic() + PATIENCE_S
    while not (tmp_path / "share" / "out" / "archive").is_dir() and time.monotonic() < until:
        time.sleep(0.02)
    yield erp
    erp.ended.set()
    erp.join(10)


@pytest.fixture
def crm(estate):
    system = estate["crm"]
    form = {k: system["credentials"][k] for k in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
    token = httpx.post(f"{system['url']}/services/oauth2/token", data=form).json()["access_token"]
    with httpx.Client(base_url=system["url"], headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


def _created(crm, kind, **fields):
    answer = crm.post(f"{API}/sobjects/{kind}/", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def _read(crm, soql):
    return crm.get(f"{API}/query/", params={"q": soql}).json()["records"]


def _config(estate, port, share, details):
    def system(role, vendor, names, **more):
        credentials = {name: estate[role]["credentials"][name] for name in names}
        return {"vendor": vendor, "url": estate[role]["url"], "credentials": credentials, **more}

    bank = ("client_id", "client_secret", "account_id", "webhook_secret")
    options = {"bank_details": str(details)}
    return {
        "journal": "sqlite:///engine.db",
        "listen": {"port": port},
        "profile": {"trigger": "webhook", "trigger_erp": "poll"},
        "rhythm": {"poll_s": 0.5},
        "systems": {
            "crm": system("crm", "salesforce", ("client_id", "client_secret")),
            "erp": {"vendor": "legacy_erp", "url": f"file://{share}", "options": {"patience_s": "0.3"}},
            "bank": system("bank", "bank_iso20022", bank),
            "payments": system("payments", "gocardless", ("access_token", "webhook_secret"), options=options),
        },
    }


def test_a_won_deal_goes_through_the_folder_and_its_invoice_is_collected(estate, old_erp, crm, tmp_path, port):
    account = _created(crm, "Account", Name="Acme Ltd", Customer_Number__c="K1", Payment_Terms_Days__c=30)
    details = tmp_path / "details.csv"
    details.write_text(f"customer,holder,iban\n{account},Acme Ltd,DE02100100100006820101\n")
    config = tmp_path / "engine.yaml"
    config.write_text(yaml.safe_dump(_config(estate, port, tmp_path / "share", details)))
    engine, _ = _started(["engine", "run", "engine.yaml", "--json"], tmp_path)
    try:
        fields = {"Name": "Pumps", "StageName": "Prospecting", "CloseDate": "2026-01-05", "AccountId": account}
        deal = _created(crm, "Opportunity", **fields, PO_Number__c="ACME-77")
        (entry,) = _read(crm, "SELECT Id FROM PricebookEntry WHERE Product2.ProductCode = 'SKU-0001'")
        line = {"OpportunityId": deal, "PricebookEntryId": entry["Id"], "Quantity": 3, "UnitPrice": 20}
        _created(crm, "OpportunityLineItem", **line)
        won = crm.patch(f"{API}/sobjects/Opportunity/{deal}", json={"StageName": "Closed Won"})
        assert won.status_code == 204
        provider = httpx.Client(
            base_url=estate["payments"]["url"],
            headers={
                "Authorization": f"Bearer {estate['payments']['credentials']['access_token']}",
                "GoCardless-Version": "2015-07-06",
            },
        )
        until, payments = time.monotonic() + PATIENCE_S, []
        with provider:
            while not payments and time.monotonic() < until:
                time.sleep(0.2)
                payments = provider.get("/payments").json()["payments"]
        log = (tmp_path / "engine-run.log").read_text()
        assert [p["amount"] for p in payments] == [6_000], log
        assert list(old_erp.invoices.values()) == [6_000]
        assert [po for po, _ in old_erp.orders.values()] == ["ACME-77"]
        (told,) = _read(crm, f"SELECT Invoice_Number__c FROM Opportunity WHERE Id = '{deal}'")
        assert told["Invoice_Number__c"] in old_erp.invoices
    finally:
        assert _ended(engine) == 0
    rehearsal = subprocess.run(
        [sys.executable, "-m", "o2c_twin.cli.main", "engine", "run", "engine.yaml", "--dry-run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert rehearsal.returncode == 2
    assert (
        "systems.erp: legacy_erp cannot be read without taking what it tells; leave out --dry-run" in rehearsal.stderr
    )

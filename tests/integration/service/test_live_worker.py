"""The engine as a process: it starts, answers, rehearses and ends; its files hold spans and no secrets."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
import yaml

from o2c_twin.integration.governance.erasure import traces
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.store import SqliteJournal

SECRETS = {
    "O2C_CRM_SECRET": "crm-secret-7Kq2",
    "O2C_OPS": "operations-token-9Zx",
    "O2C_AUDITOR": "auditor-token-4Wd",
    "O2C_MASTER_KEY": "master-" + "m" * 32,
    "O2C_ROOTS_KEY": "roots-" + "r" * 32,
}
NOBODY = "http://127.0.0.1:9"


def _start(folder, config, *options):
    path = folder / "engine.yaml"
    path.write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "o2c_twin.cli.main", "engine", "run", str(path), *options]
    with (folder / "engine.log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=folder, env={**os.environ, **SECRETS}, stdout=subprocess.PIPE, stderr=log, text=True
        )


def _config(**more):
    bank = {"client_id": "b", "client_secret": "env:O2C_CRM_SECRET", "account_id": "1", "webhook_secret": "w" * 8}
    names = ("account", "consumer_key", "consumer_secret", "token_id", "token_secret")
    return {
        "journal": "sqlite:///engine.db",
        "listen": {"port": 0},
        "traces": "spans.jsonl",
        "keys": "sqlite:///keys.db",
        "master_key": "env:O2C_MASTER_KEY",
        "roots_key": "env:O2C_ROOTS_KEY",
        "tokens": {"operations": "env:O2C_OPS", "auditor": "env:O2C_AUDITOR"},
        "systems": {
            "crm": {
                "vendor": "salesforce",
                "url": NOBODY,
                "credentials": {"client_id": "c", "client_secret": "env:O2C_CRM_SECRET"},
            },
            "erp": {"vendor": "netsuite", "url": NOBODY, "credentials": dict.fromkeys(names, "env:O2C_CRM_SECRET")},
            "bank": {"vendor": "bank_iso20022", "url": NOBODY, "credentials": bank},
        },
        **more,
    }


def _call(url, path, token=None, body=None):
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data, headers), timeout=20) as answer:
        return answer.read().decode()


@pytest.fixture
def worker(tmp_path):
    # What an earlier life left open: an account changed that is no customer, so no system is needed to work it.
    journal = SqliteJournal(str(tmp_path / "engine.db"))
    journal.accept(Inbound("crm:customer:0015gAOKI:1", "customer", "0015gAOKI", "party:0015gAOKI", 0), 1)
    journal.close()
    process = _start(tmp_path, _config(), "--json")
    told = ""
    while "}" not in told:
        line = process.stdout.readline()
        assert line, (tmp_path / "engine.log").read_text()
        told += line
    yield process, json.loads(told)["url"], tmp_path
    if process.poll() is None:
        process.kill()
    process.wait(20)
    process.stdout.close()


def test_a_worker_starts_answers_and_ends_with_nothing_when_told_to(worker):
    process, url, folder = worker
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            assert json.loads(_call(url, "/health")) == {"status": "up"}
            break
        except OSError:
            time.sleep(0.05)
    assert json.loads(_call(url, "/ready")) == {"status": "ready"}
    assert "o2c_breaker_open" in _call(url, "/metrics")
    token = SECRETS["O2C_OPS"]
    assert json.loads(_call(url, "/api/status", token))["paused"] == []
    _call(url, "/api/flows/order/pause", token, {})
    outbound = folder / "verdict"
    command = [sys.executable, "-m", "o2c_twin.cli.main", "engine", "audit", "--verify", "--json", "--url", url]
    with outbound.open("w") as out:
        auditor = {**os.environ, "O2C_ENGINE_TOKEN": SECRETS["O2C_AUDITOR"]}
        assert subprocess.run(command, env=auditor, stdout=out, timeout=60, check=False).returncode == 0
    verdict = json.loads(outbound.read_text())
    assert (verdict["sound"], verdict["entries"] >= 2) == (True, True)
    with pytest.raises(urllib.request.HTTPError) as refused:
        _call(url, "/webhooks/bank", None, {"x": 1})
    assert refused.value.code in (400, 401)
    refused.value.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    log = (folder / "engine.log").read_text()
    assert not [secret for secret in SECRETS.values() if secret in log]
    (span,) = [json.loads(line) for line in (folder / "spans.jsonl").read_text().splitlines()]
    assert (span["name"], span["attributes"]["o2c.state"]) == ("customer", "done")
    pseudonym = span["attributes"]["o2c.object"]
    assert re.fullmatch(r"sub_[0-9a-f]{20}", pseudonym)
    assert span["attributes"]["o2c.lane"] == f"party:{pseudonym}"
    assert list(traces([("log", log.encode()), ("spans", (folder / "spans.jsonl").read_bytes())], ["0015gAOKI"])) == []
    assert "retention sweep" in log


def test_a_rehearsal_says_what_it_cannot_read_and_ends(tmp_path):
    # Nobody listens there: each system is a case, and no journal is made.
    process = _start(tmp_path, _config(profile={"delivery": "fire-and-forget"}), "--dry-run", "--json")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, (tmp_path / "engine.log").read_text()
    told = json.loads(out)
    assert told["writes"] == []
    assert not (tmp_path / "engine.db").exists()
    assert not (tmp_path / "keys.db").exists()
    assert (tmp_path / "engine.log").read_text() == ""

"""The engine under `kill -9`: deals are won while its workers die at random moments, and every order exists once.

Live: the mocks of `o2c up` in one process, the engine's workers (`o2c engine run`) in others, HTTP between them.
Options: --kills N, --workers N, --journal URL (SQLite file by default), --deals N, --seed N, --json. Exit code 1 when
an order is lost or doubled.
"""

import argparse
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import yaml

_O2C = (sys.executable, "-m", "o2c_twin.cli.main")
_API = "/services/data/v59.0"
_PATIENCE_S = 240.0


def _read_json(process: subprocess.Popen[str]) -> dict[str, Any]:
    text = ""
    while True:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError(f"ended without an answer: {text}")
        text += line
        try:
            return dict(json.loads(text))
        except json.JSONDecodeError:
            continue


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Crm:
    """Sales, over the CRM's own API."""

    def __init__(self, system: dict[str, Any]) -> None:
        given = system["credentials"]
        form = {k: given[k] for k in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
        self._http = httpx.Client(base_url=system["url"], timeout=30)
        token = self._http.post("/services/oauth2/token", data=form).json()["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"
        query = "SELECT Id, UnitPrice FROM PricebookEntry WHERE Product2.ProductCode = 'SKU-0001'"
        self._price = self._http.get(f"{_API}/query/", params={"q": query}).json()["records"][0]

    def create(self, kind: str, **fields: Any) -> str:
        """A record; its id."""
        answer = self._http.post(f"{_API}/sobjects/{kind}/", json=fields)
        answer.raise_for_status()
        return str(answer.json()["id"])

    def win(self, number: int) -> str:
        """A deal of a customer of its own is won; its purchase order number."""
        po = f"KILL-{number:05d}"
        account = self.create("Account", Name=f"Customer {number}", Customer_Number__c=f"K{number:05d}")
        fields = {"Name": po, "StageName": "Prospecting", "CloseDate": "2027-01-05", "AccountId": account}
        deal = self.create("Opportunity", **fields, PO_Number__c=po)
        price = self._price
        self.create(
            "OpportunityLineItem",
            OpportunityId=deal,
            PricebookEntryId=price["Id"],
            Quantity=1,
            UnitPrice=price["UnitPrice"],
        )
        self._http.patch(f"{_API}/sobjects/Opportunity/{deal}", json={"StageName": "Closed Won"}).raise_for_status()
        return po


class Worker:
    """One engine process, started again whenever it is killed."""

    def __init__(self, config: Path, port: int, name: str) -> None:
        self._command = (*_O2C, "engine", "run", str(config), "--port", str(port), "--worker", name, "--json")
        self.port = port
        self.process: subprocess.Popen[str] | None = None
        self.start_s: list[float] = []

    def start(self) -> None:
        """Start, and wait until it listens."""
        began = time.monotonic()
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
        )
        _read_json(self.process)
        self.start_s.append(time.monotonic() - began)

    def stop(self, how: signal.Signals) -> None:
        """Kill, or end in good order."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)


def _orders(system: dict[str, Any], clock_us: int) -> Counter[str]:
    from o2c_twin.integration.connectors.oauth1 import TokenSigner

    given = system["credentials"]
    names = ("account", "consumer_key", "consumer_secret", "token_id", "token_secret")
    signer = TokenSigner(*(given[name] for name in names))
    path, found = "/services/rest/query/v1/suiteql", Counter[str]()
    offset = asked = 0
    while True:
        asked += 1
        query = {"limit": "1000", "offset": str(offset)}
        header = signer.header("POST", system["url"] + path, query, time.time_ns() // 10**9, f"check{clock_us}x{asked}")
        answer = httpx.post(
            system["url"] + path,
            params=query,
            json={"q": "SELECT otherrefnum FROM transaction WHERE type = 'SalesOrd'"},
            headers={"Authorization": header, "Prefer": "transient"},
            timeout=30,
        )
        if answer.status_code == 429:
            # The workers are at it too, and the account takes so many calls at a time.
            time.sleep(0.2)
            continue
        answer.raise_for_status()
        page = answer.json()
        found.update(str(row.get("otherrefnum")) for row in page["items"])
        if not page["hasMore"]:
            return found
        offset += 1_000


def rehearse(kills: int, workers: int, journal: str | None, deals: int, seed: int) -> dict[str, Any]:
    """Play it; gives what was counted."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        ports = [_free_port() for _ in range(workers)]
        base = f"http://127.0.0.1:{ports[0]}"
        command = (*_O2C, "up", "to-be", "--now", "--no-engine", "--port", "0", "--webhook-base", base, "--json")
        mocks = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        team: list[Worker] = []
        try:
            systems = _read_json(mocks)["systems"]
            config = Path(folder) / "engine.yaml"
            sites = {
                role: {"vendor": system["vendor"].lower(), "url": system["url"], "credentials": system["credentials"]}
                for role, system in systems.items()
            }
            text = {
                "systems": sites,
                "journal": journal or f"sqlite:///{folder}/engine.db",
                "rhythm": {"sweep_s": 2.0, "in_flight": 8},
                "tokens": {"operations": "o"},
            }
            config.write_text(yaml.safe_dump(text), encoding="utf-8")
            team = [Worker(config, port, f"worker-{n}") for n, port in enumerate(ports)]
            for worker in team:
                worker.start()
            crm, won = Crm(systems["crm"]), []
            for kill in range(kills):
                share = deals * (kill + 1) // kills
                until = time.monotonic() + dice.uniform(0.05, 1.0)
                while len(won) < share or time.monotonic() < until:
                    if len(won) < share:
                        won.append(crm.win(len(won)))
                    else:
                        time.sleep(0.01)
                worker = dice.choice(team)
                worker.stop(signal.SIGKILL)
                worker.start()
            found: Counter[str] = Counter()
            calm = time.monotonic()
            while time.monotonic() - calm < _PATIENCE_S:
                found = _orders(systems["erp"], time.time_ns())
                open_events = httpx.get(
                    f"http://127.0.0.1:{team[0].port}/api/status", headers={"Authorization": "Bearer o"}, timeout=30
                ).json()["counts"]
                if all(found[po] for po in won) and not open_events.get("inbox.open"):
                    break
                time.sleep(0.5)
            starts = sorted(s for worker in team for s in worker.start_s)
            return {
                "kills": kills,
                "workers": workers,
                "deals": len(won),
                "lost": [po for po in won if not found[po]],
                "doubled": [po for po in won if found[po] > 1],
                "cases": open_events.get("case.open", 0),
                "start_p95_s": round(starts[int(0.95 * (len(starts) - 1))], 2),
                "calm_after_s": round(time.monotonic() - calm, 1),
            }
        finally:
            for worker in team:
                worker.stop(signal.SIGTERM)
            mocks.send_signal(signal.SIGTERM)
            mocks.wait(30)


def main() -> None:
    """Run it and print what was counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--journal")
    parser.add_argument("--deals", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    told = rehearse(options.kills, options.workers, options.journal, options.deals, options.seed)
    print(json.dumps(told, indent=2) if options.json else "\n".join(f"{k:<14}{v}" for k, v in told.items()))
    sys.exit(1 if told["lost"] or told["doubled"] else 0)


if __name__ == "__main__":
    main()

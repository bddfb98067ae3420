"""What durability costs: a step of the engine on SQLite, fully synchronous, beside a library for durable execution.

A step is an effect put on record with its arguments before its first byte, and its outcome with a cross-reference
in one commit after: two commits that reach the disk. Beside it, when it is installed, one step of a `dbos` workflow.
Then the recovery from a journal with 10,000 effects in flight, twice: the engine alone, from the start of a process to
the first resumed call of a connector; and the whole service (`o2c engine run`), from the start of the command to the
first bytes of its first resumed request at the socket of the system.
Options: --steps N, --effects N, --starts N, --json.
"""

import argparse
import json
import logging
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.store import Effect, Link, SqliteJournal

_CHILD = """
import asyncio, sys, time
from o2c_twin.integration.service.live_service import WallClock
from o2c_twin.integration.connectors.writes import WRITES
from o2c_twin.integration.capability import Capability
from o2c_twin.integration.flows import FLOWS
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.store import SqliteJournal

class Silent:
    sheet = tuple(Capability(write, write, "external-id") for write in WRITES)
    def __init__(self, name): self.system = name
    def __getattr__(self, name):
        async def called(*_):
            print(time.time(), flush=True)
            await asyncio.sleep(3600)
        return called

async def main():
    journal = SqliteJournal(sys.argv[1], "FULL")
    crm, erp, bank = Silent("crm"), Silent("erp"), Silent("bank")
    engine = Engine(DesignProfile(), crm, erp, bank, journal, FLOWS, clock=WallClock(), sleep=asyncio.sleep,
        spawn=lambda work, name: asyncio.get_running_loop().create_task(work), draw=lambda *_: 0.5)
    engine.start()
    await asyncio.sleep(3600)

asyncio.run(main())
"""


def _quantiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "p50_ms": round(statistics.median(ordered) * 1e3, 3),
        "p95_ms": round(ordered[int(0.95 * (len(ordered) - 1))] * 1e3, 3),
    }


def own_step(folder: Path, steps: int) -> dict[str, float]:
    """Seconds of a durable step of the engine's journal."""
    journal = SqliteJournal(str(folder / "own.db"), "FULL")
    took = []
    for n in range(steps):
        began = time.perf_counter()
        key = f"order:D{n}"
        journal.intend(Effect(key, "erp", "put_order", b"x" * 400, key, "l", "sent", None, 1, n, n, None))
        journal.settle(key, str(n), (Link("crm", "deal-of-order", str(n), f"D{n}"),))
        took.append(time.perf_counter() - began)
    journal.close()
    return _quantiles(took)


def dbos_step(folder: Path, steps: int) -> dict[str, float] | None:
    """Seconds of one step of a dbos workflow on SQLite; None when dbos is not installed."""
    try:
        from dbos import DBOS, DBOSConfig
    except ImportError:
        return None
    logging.disable(logging.WARNING)
    config: Any = DBOSConfig(name="bench", system_database_url=f"sqlite:///{folder / 'dbos.db'}")
    DBOS(config=config)

    @DBOS.step()
    def step(n: int) -> str:
        return f"{n}:{'x' * 400}"

    took: list[float] = []

    @DBOS.workflow()
    def workflow(count: int) -> None:
        for n in range(count):
            began = time.perf_counter()
            step(n)
            took.append(time.perf_counter() - began)

    DBOS.launch()
    workflow(steps)
    DBOS.destroy()
    return _quantiles(took)


def _in_flight(path: Path, effects: int) -> None:
    """A journal whose engine died with so many writes sent and none answered."""
    journal = SqliteJournal(str(path), "OFF")
    with journal.together():
        for n in range(effects):
            journal.accept(Inbound(f"erp:shipped:{n}", "delivery", f"S{n}", f"order:{n}", 0), n)
            key = f"bill:S{n}"
            journal.intend(Effect(key, "erp", "bill", b'["O1"]', key, f"order:{n}", "sent", None, 1, n, n, None))
    journal.close()


def _starts(seconds: list[float]) -> dict[str, Any]:
    """Of few starts the 95th percentile is the nearest rank above, so that it is never better than it was."""
    ordered = sorted(seconds)
    return {
        "starts": len(ordered),
        "p50_s": round(statistics.median(ordered), 2),
        "p95_s": round(ordered[-(-95 * len(ordered) // 100) - 1], 2),
        "worst_s": round(ordered[-1], 2),
    }


def recovery(folder: Path, effects: int, starts: int) -> dict[str, Any]:
    """Seconds from the start of a process to the first resumed call of an engine between connectors that are none."""
    path = folder / "recovery.db"
    _in_flight(path, effects)
    whole = []
    for _ in range(starts):
        began = time.time()
        child = subprocess.Popen((sys.executable, "-c", _CHILD, str(path)), stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        whole.append(float(child.stdout.readline()) - began)
        child.kill()
        child.wait()
    return {"effects": effects} | _starts(whole)


def service_recovery(folder: Path, effects: int, starts: int) -> dict[str, Any]:
    """Seconds from the start of `o2c engine run` to the first bytes of a request at its systems' socket.

    Nothing but resumed work is asked for then: what the service asks by itself is due hours later.
    """
    path, config = folder / "service.db", folder / "engine.yaml"
    _in_flight(path, effects)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as systems:
        url = f"http://127.0.0.1:{systems.getsockname()[1]}"
        logins = {
            "crm": ("salesforce", ("client_id", "client_secret")),
            "erp": ("netsuite", ("account", "consumer_key", "consumer_secret", "token_id", "token_secret")),
            "bank": ("bank_iso20022", ("client_id", "client_secret", "account_id", "webhook_secret")),
        }
        sites = {
            role: {"vendor": vendor, "url": url, "credentials": {name: f"bench-{name}" for name in names}}
            for role, (vendor, names) in logins.items()
        }
        text = {"systems": sites, "journal": f"sqlite:///{path}", "tokens": {"operations": "o"}}
        config.write_text(yaml.safe_dump(text), encoding="utf-8")
        command = (sys.executable, "-m", "o2c_twin.cli.main", "engine", "run", str(config), "--port", "0")
        whole = [_first_bytes(command, systems) for _ in range(starts)]
    return {"effects": effects} | _starts(whole)


def _first_bytes(command: tuple[str, ...], systems: socket.socket) -> float:
    """Seconds from the start of a command until it has sent something. Raises TimeoutError when it does not."""
    systems.settimeout(60)
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        peer, _ = systems.accept()
        with peer:
            peer.settimeout(60)
            if not peer.recv(1):
                raise TimeoutError("the engine connected and asked nothing")
            took = time.monotonic() - began
    finally:
        child.kill()
        child.wait()
    # Its other connections, left over in the queue, are not the next engine's.
    systems.setblocking(False)
    try:
        while True:
            systems.accept()[0].close()
    except BlockingIOError:
        return took


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2_000)
    parser.add_argument("--effects", type=int, default=10_000)
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told = {
            "engine step, synchronous=FULL": own_step(folder, options.steps),
            "dbos step": dbos_step(folder, min(options.steps, 500)),
            "recovery, process start to first resumed call": recovery(folder, options.effects, options.starts),
            "recovery, o2c engine run to first resumed request": service_recovery(
                folder, options.effects, options.starts
            ),
        }
    print(json.dumps(told, indent=2) if options.json else "\n".join(f"{k}: {v}" for k, v in told.items()))


if __name__ == "__main__":
    main()

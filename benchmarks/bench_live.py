"""Live throughput of one mock process, beside other mock servers in the same run.

Sixteen connections, kept where the server keeps them: GET a record; then POST one and GET it. Ours runs with state,
login, limits and journal on (the Salesforce mock of `o2c up`); the others serve a body of like size: mountebank,
@mockoon/cli and @stoplight/prism-cli (from npm: --npm names the folder they were installed in, or that of their
commands), moto (S3: --moto names moto_server). Those that are not named are left out. Server on core 0, load on core 1,
targets interleaved; prints requests per second and p99 in milliseconds (medians of the rounds), memory in MB, calls
that failed (in all rounds; they count for nothing else) and whether the server kept connections. A call that takes
longer than --timeout has failed. Options: --seconds, --rounds, --timeout, --npm, --moto, --json. Exit code 1 when a
target answered no call.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONNECTIONS = 16
Ask = tuple[str, str, dict[str, str], str]
"""Method, path, headers, body."""
_RECORD = {"Name": "Acme Tools Ltd", "Phone": "030 1234567", "BillingCity": "Berlin", "Description": "x" * 120}
_BODY = json.dumps(_RECORD)


@dataclass
class Target:
    """A running server and how a record is made and read there.

    ``failed`` counts calls without a good answer by what went wrong, ``closed`` the answers after which the server
    closed the connection.
    """

    name: str
    process: subprocess.Popen[str]
    port: int
    read: Ask
    make: Callable[[int], Ask]
    found: Callable[[bytes, int], str]
    answered: int = 0
    closed: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    rates: dict[str, list[float]] = field(default_factory=lambda: {"get": [], "post+get": []})
    p99s: dict[str, list[float]] = field(default_factory=lambda: {"get": [], "post+get": []})
    memory_mb: float = 0.0


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(command: list[str], **extra: Any) -> subprocess.Popen[str]:
    os.sched_setaffinity(0, {0})
    try:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **extra}
        return subprocess.Popen(command, text=True, **quiet)
    finally:
        os.sched_setaffinity(0, {1} if (os.cpu_count() or 1) > 1 else {0})


def _wait(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing listens on {port}")


def _ask(method: str, url: str, headers: dict[str, str], body: str = "") -> bytes:
    request = urllib.request.Request(url, body.encode() or None, headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return bytes(answer.read())


def ours(folder: Path) -> Target:
    """The Salesforce mock."""
    scenario = folder / "bench.yaml"
    # The scenario's own latency is simulated, and would be all that is measured.
    scenario.write_text("extends: to-be\ntitle: bench\nstory: bench\nsystems: {crm: {latency_s: 0}}\n")
    command = [sys.executable, "-m", "o2c_twin.cli.main", "up", str(scenario), "--no-engine", "--port", "0", "--json"]
    process = _start(command, stdout=subprocess.PIPE)
    text = ""
    while True:
        text += process.stdout.readline() if process.stdout else ""
        try:
            crm = json.loads(text)["systems"]["crm"]
            break
        except json.JSONDecodeError:
            continue
    given, api = crm["credentials"], "/services/data/v59.0/sobjects/Account"
    form = f"grant_type=client_credentials&client_id={given['client_id']}&client_secret={given['client_secret']}"
    login = _ask(
        "POST", f"{crm['url']}/services/oauth2/token", {"Content-Type": "application/x-www-form-urlencoded"}, form
    )
    headers = {"Authorization": f"Bearer {json.loads(login)['access_token']}", "Content-Type": "application/json"}
    made = json.loads(_ask("POST", f"{crm['url']}{api}/", headers, _BODY))["id"]
    return Target(
        "o2c-twin",
        process,
        int(crm["url"].rpartition(":")[2]),
        ("GET", f"{api}/{made}", headers, ""),
        lambda _: ("POST", f"{api}/", headers, _BODY),
        lambda body, _: f"{api}/{json.loads(body)['id']}",
    )


def mountebank(folder: Path, npm: Path) -> Target:
    """Two static stubs."""
    port, admin = _port(), _port()
    process = _start([str(npm / "mb"), "start", "--port", str(admin), "--nologfile", "--loglevel", "error"], cwd=folder)
    _wait(admin)
    answer = {"headers": {"Content-Type": "application/json"}, "body": _BODY}
    stubs = [
        {"predicates": [{"equals": {"method": "POST"}}], "responses": [{"is": {"statusCode": 201, **answer}}]},
        {"responses": [{"is": {"statusCode": 200, **answer}}]},
    ]
    imposter = json.dumps({"port": port, "protocol": "http", "stubs": stubs})
    _ask("POST", f"http://127.0.0.1:{admin}/imposters", {"Content-Type": "application/json"}, imposter)
    return _plain("mountebank", process, port)


def mockoon(folder: Path, npm: Path) -> Target:
    """A data bucket with its CRUD route."""
    port = _port()
    bucket = {"uuid": "b", "id": "acct", "name": "accounts", "value": json.dumps([{"id": "1", **_RECORD}])}
    answer = {"uuid": "r1", "body": "{}", "latency": 0, "statusCode": 200, "label": "", "headers": []}
    answer |= {"bodyType": "DATABUCKET", "filePath": "", "databucketID": "acct", "sendFileAsBody": False, "rules": []}
    answer |= {"rulesOperator": "OR", "disableTemplating": False, "fallbackTo404": False, "default": True}
    answer |= {"crudKey": "id", "callbacks": []}
    route = {
        "uuid": "r",
        "type": "crud",
        "documentation": "",
        "method": "",
        "endpoint": "accounts",
        "responses": [answer],
    }
    route |= {"responseMode": None, "streamingMode": None, "streamingInterval": 0}
    data = {"uuid": "e", "lastMigration": 33, "name": "bench", "port": port, "hostname": "127.0.0.1", "latency": 0}
    data |= {"endpointPrefix": "", "folders": [], "routes": [route], "rootChildren": [{"type": "route", "uuid": "r"}]}
    data |= {"data": [bucket], "headers": [], "proxyMode": False, "proxyHost": "", "cors": False, "callbacks": []}
    data |= {"proxyRemovePrefix": False, "proxyReqHeaders": [], "proxyResHeaders": []}
    data |= {
        "tlsOptions": {"enabled": False, "type": "CERT", "pfxPath": "", "certPath": "", "keyPath": "", "caPath": ""}
    }
    path = folder / "mockoon.json"
    path.write_text(json.dumps(data))
    process = _start([str(npm / "mockoon-cli"), "start", "--data", str(path), "--disable-log-to-file"], cwd=folder)
    _wait(port)
    target = _plain("@mockoon/cli", process, port)
    target.found = lambda body, _: f"/accounts/{json.loads(body)['id']}"
    return target


def prism(folder: Path, npm: Path) -> Target:
    """The examples of an OpenAPI document."""
    port = _port()
    shown = {"content": {"application/json": {"example": _RECORD}}, "description": "ok"}
    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    given = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    document = {
        "openapi": "3.0.3",
        "info": {"title": "bench", "version": "1"},
        "paths": {
            "/accounts": {"post": {"requestBody": body, "responses": {"201": shown}}},
            "/accounts/{id}": {"get": {"parameters": [given], "responses": {"200": shown}}},
        },
    }
    path = folder / "prism.json"
    path.write_text(json.dumps(document))
    process = _start([str(npm / "prism"), "mock", str(path), "-p", str(port), "-h", "127.0.0.1"], cwd=folder)
    _wait(port)
    return _plain("@stoplight/prism-cli", process, port)


def moto(folder: Path, server: Path) -> Target:
    """Objects in a bucket."""
    port = _port()
    process = _start([str(server), "-p", str(port)], cwd=folder)
    _wait(port)
    sign = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x"
    headers = {"Authorization": sign, "Content-Type": "application/json"}
    _ask("PUT", f"http://127.0.0.1:{port}/bench", headers)
    _ask("PUT", f"http://127.0.0.1:{port}/bench/one", headers, _BODY)
    return Target(
        "moto (S3)",
        process,
        port,
        ("GET", "/bench/one", headers, ""),
        lambda n: ("PUT", f"/bench/k{n % 1000}", headers, _BODY),
        lambda _, n: f"/bench/k{n % 1000}",
    )


def _plain(name: str, process: subprocess.Popen[str], port: int) -> Target:
    headers = {"Content-Type": "application/json"}
    return Target(
        name,
        process,
        port,
        ("GET", "/accounts/1", headers, ""),
        lambda _: ("POST", "/accounts", headers, _BODY),
        lambda _, __: "/accounts/1",
    )


class Failed(Exception):
    """A call without a good answer; the text says why."""


class Connection:
    """One client's connection to a target: opened when there is none, kept as long as the server keeps it."""

    def __init__(self, target: Target, timeout: float) -> None:
        self._target, self._timeout = target, timeout
        self._wire: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, ask: Ask) -> bytes:
        """The body of a good answer. Raises `Failed`."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._once(ask)
        except TimeoutError:
            why = f"no answer in {self._timeout:g} s"
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as bad:
            why = f"broken answer: {bad}"
        except OSError as bad:
            why = f"{type(bad).__name__}: {bad.strerror or bad}"
        except Failed as bad:
            why = str(bad)
        self.close()
        self._target.failed[why] += 1
        raise Failed(why)

    async def _once(self, ask: Ask) -> bytes:
        if self._wire is not None:
            try:
                return await self._exchange(*self._wire, ask)
            except (asyncio.IncompleteReadError, ConnectionError) as ended:
                if isinstance(ended, asyncio.IncompleteReadError) and ended.partial:
                    raise
                # The server gave the connection up after its last answer, without having said so.
                self.close()
                self._target.closed += 1
        self._wire = await asyncio.open_connection("127.0.0.1", self._target.port)
        return await self._exchange(*self._wire, ask)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ask: Ask) -> bytes:
        method, path, headers, body = ask
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        size = f"Content-Length: {len(body)}\r\n" if body else ""
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}{size}\r\n{body}".encode())
        told = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        keeps = "connection: close" not in told and (told.startswith("http/1.1") or "connection: keep-alive" in told)
        if "content-length:" in told:
            answer = await reader.readexactly(int(told.split("content-length:", 1)[1].split("\r\n", 1)[0]))
        elif "chunked" in told:
            answer = await _chunks(reader)
        elif told[9:12] in ("204", "304"):
            answer = b""
        else:
            # Without a length the body is what comes until the connection ends (RFC 9112, 6.3).
            answer, keeps = await reader.read(), False
        if not keeps:
            self.close()
            self._target.closed += 1
        if not 200 <= int(told[9:12]) < 300:
            raise Failed(f"{method} answered {told.splitlines()[0]}")
        self._target.answered += 1
        return answer

    def close(self) -> None:
        """Give the connection up."""
        if self._wire is not None:
            self._wire[1].close()
            self._wire = None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    whole = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        whole += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return whole


async def _load(target: Target, kind: str, seconds: float, timeout: float) -> tuple[float, float]:
    """Requests answered a second, and the 99th percentile of their milliseconds (0 when none was answered)."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def client(number: int) -> None:
        connection, turn = Connection(target, timeout), number
        while time.perf_counter() < until:
            try:
                ask = target.read
                if kind == "post+get":
                    body = await _timed(connection, target.make(turn), took)
                    ask = ("GET", target.found(body, turn), target.read[2], "")
                    turn += CONNECTIONS
                await _timed(connection, ask, took)
            except Failed:
                await asyncio.sleep(0.05)  # what is down is not asked in a tight loop
        connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(client(n) for n in range(CONNECTIONS)))
    lasted = time.perf_counter() - began
    took.sort()
    return len(took) / lasted, took[int(0.99 * (len(took) - 1))] * 1e3 if took else 0.0


async def _timed(connection: Connection, ask: Ask, took: list[float]) -> bytes:
    began = time.perf_counter()
    body = await connection.call(ask)
    took.append(time.perf_counter() - began)
    return body


def _memory_mb(pid: int) -> float:
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _kept(target: Target) -> str:
    if not target.closed:
        return "yes"
    return "no" if target.closed >= target.answered else f"{target.closed} of {target.answered} answers closed one"


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    # More would use up the day's calls of the Salesforce org, and 403s are quick.
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds a call may take")
    parser.add_argument("--npm", type=Path, help="folder in which mountebank, @mockoon/cli, @stoplight/prism-cli are")
    parser.add_argument("--moto", type=Path, help="path of moto_server")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    targets: list[Target] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            targets.append(ours(folder))
            if options.npm is not None:
                npm = options.npm.resolve()
                npm = npm / "node_modules" / ".bin" if (npm / "node_modules").is_dir() else npm
                for make in (mountebank, mockoon, prism):
                    targets.append(make(folder, npm))
            if options.moto is not None:
                targets.append(moto(folder, options.moto.resolve()))
            for turn in range(options.rounds + 1):
                for target in targets:
                    for kind in target.rates:
                        seconds = options.seconds if turn else min(1.0, options.seconds)
                        rate, p99 = asyncio.run(_load(target, kind, seconds, options.timeout))
                        if turn:
                            target.rates[kind].append(rate)
                            target.p99s[kind].append(p99)
                    target.memory_mb = _memory_mb(target.process.pid)
        finally:
            for target in targets:
                target.process.terminate()
    told = {
        target.name: {
            **{f"{kind} req/s": round(statistics.median(rates)) for kind, rates in target.rates.items()},
            **{f"{kind} p99 ms": round(statistics.median(p99s), 1) for kind, p99s in target.p99s.items()},
            "memory MB": round(target.memory_mb),
            "failed": sum(target.failed.values()),
            "connections kept": _kept(target),
        }
        for target in targets
    }
    if options.json:
        print(json.dumps(told, indent=2))
    else:
        for name, figures in told.items():
            print(f"{name:<22}" + "".join(f"{key}: {value:<10}" for key, value in figures.items()))
    for target in targets:
        for why, count in target.failed.most_common(3):
            print(f"{target.name}: {count} calls failed: {why}", file=sys.stderr)
    sys.exit(0 if all(target.answered for target in targets) else 1)


if __name__ == "__main__":
    main()

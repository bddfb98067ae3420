"""Live throughput of one mock process, beside other mock servers in the same run.

Sixteen connections, keep-alive: GET a record; then POST one and GET it. Ours runs with state, login, limits and
journal on (the Salesforce mock of `o2c up`); the others serve a body of like size: mountebank, @mockoon/cli and
@stoplight/prism-cli (from npm: --npm names the folder of their commands), moto (S3: --moto names moto_server). Those
that are not named are left out. Server on core 0, load on core 1, targets interleaved; prints requests per second
and p99 in milliseconds (medians of the rounds) and memory in MB. Options: --seconds, --rounds, --npm, --moto, --json.
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
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONNECTIONS = 16
_RECORD = {"Name": "Acme Tools Ltd", "Phone": "030 1234567", "BillingCity": "Berlin", "Description": "x" * 120}
_BODY = json.dumps(_RECORD)


@dataclass
class Target:
    """A running server and how a record is made and read there: (method, path, headers, body)."""

    name: str
    process: subprocess.Popen[str]
    port: int
    read: tuple[str, str, dict[str, str], str]
    make: Callable[[int], tuple[str, str, dict[str, str], str]]
    found: Callable[[bytes, int], str]
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


async def _call(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ask: tuple[str, str, dict[str, str], str]
) -> bytes:
    method, path, headers, body = ask
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    size = f"Content-Length: {len(body)}\r\n" if body else ""
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}{size}\r\n{body}".encode())
    told = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    if not 200 <= int(told[9:12]) < 300:
        raise RuntimeError(f"{method} {path}: {told.splitlines()[0]}")
    if "content-length:" in told:
        return await reader.readexactly(int(told.split("content-length:", 1)[1].split("\r\n", 1)[0]))
    whole = b""
    while "chunked" in told:
        size_of = int(await reader.readuntil(b"\r\n"), 16)
        whole += (await reader.readexactly(size_of + 2))[:-2]
        if size_of == 0:
            break
    return whole


async def _load(target: Target, kind: str, seconds: float) -> tuple[float, float]:
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def connection(number: int) -> None:
        wire = await asyncio.open_connection("127.0.0.1", target.port)

        async def call(ask: tuple[str, str, dict[str, str], str]) -> bytes:
            nonlocal wire
            try:
                return await _call(*wire, ask)
            except (asyncio.IncompleteReadError, ConnectionError):
                # A server that keeps no connection alive pays for a new one each time.
                wire = await asyncio.open_connection("127.0.0.1", target.port)
                return await _call(*wire, ask)

        turn = number
        while (began := time.perf_counter()) < until:
            ask = target.read
            if kind == "post+get":
                body = await call(target.make(turn))
                took.append(time.perf_counter() - began)
                began = time.perf_counter()
                ask = ("GET", target.found(body, turn), target.read[2], "")
                turn += CONNECTIONS
            await call(ask)
            took.append(time.perf_counter() - began)
        wire[1].close()

    await asyncio.gather(*(connection(n) for n in range(CONNECTIONS)))
    took.sort()
    return len(took) / seconds, took[int(0.99 * (len(took) - 1))] * 1e3


def _memory_mb(pid: int) -> float:
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--npm", type=Path, help="folder with mb, mockoon-cli and prism, such as node_modules/.bin")
    parser.add_argument("--moto", type=Path, help="path of moto_server")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        targets = [ours(folder)]
        if options.npm is not None:
            targets += [make(folder, options.npm.resolve()) for make in (mountebank, mockoon, prism)]
        if options.moto is not None:
            targets.append(moto(folder, options.moto.resolve()))
        try:
            for turn in range(options.rounds + 1):
                for target in targets:
                    for kind in target.rates:
                        rate, p99 = asyncio.run(_load(target, kind, options.seconds if turn else 1.0))
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
        }
        for target in targets
    }
    if options.json:
        print(json.dumps(told, indent=2))
        return
    for name, figures in told.items():
        print(f"{name:<22}" + "".join(f"{key}: {value:<10}" for key, value in figures.items()))


if __name__ == "__main__":
    main()

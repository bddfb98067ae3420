"""A business year of 25,000 sales orders: seconds, cost per API call, memory, and where the time goes.

The reference, measured in the same process just before and after: a bare Starlette route that reads a
JSON body and answers JSON, called directly as an ASGI application. The ratio is of processor times, so
that it holds on a busy machine too. The engine's journal is the one of a simulation, or with --journal sqlite
SQLite in memory. Options: --orders N, --journal, --profile (adds a table of the hottest functions).
"""

import argparse
import asyncio
import cProfile
import pstats
import tempfile
import time
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse
from starlette.routing import Route

from o2c_twin.integration.store import Journal, MemoryJournal, SqliteJournal
from o2c_twin.mock_systems.wire.asgi_driver import call_asgi
from o2c_twin.mock_systems.wire.message import Request
from o2c_twin.scenarios import load
from o2c_twin.twin.run import run

_BODY = b'{"entity":{"id":"101"},"item":{"items":[{"item":{"id":"1"},"quantity":2,"rate":25.0}]},"memo":"x"}'


async def _echo(request: StarletteRequest) -> JSONResponse:
    body = await request.json()
    return JSONResponse({"id": request.path_params["id"], "body": body})


def starlette_us(calls: int = 20_000) -> float:
    """Microseconds of one direct call of a bare Starlette route: the median of five rounds."""
    app = Starlette(routes=[Route("/record/v1/salesOrder/{id}", _echo, methods=["POST"])])

    async def rounds() -> list[float]:
        took = []
        for _ in range(5):
            began = time.process_time()
            for n in range(calls // 5):
                await call_asgi(app, Request("POST", f"/record/v1/salesOrder/{n}", {}, {}, _BODY))
            took.append((time.process_time() - began) / (calls // 5) * 1e6)
        return sorted(took)

    return asyncio.run(rounds())[2]


def _sqlite() -> Journal:
    return SqliteJournal(":memory:", "OFF")


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=25_000)
    parser.add_argument("--journal", choices=("memory", "sqlite"), default="memory")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    plan = load("to-be").plan(orders=options.orders)
    before = starlette_us()
    profile = cProfile.Profile() if options.profile else None
    with tempfile.TemporaryDirectory() as folder:
        if profile is not None:
            profile.enable()
        began = time.process_time()
        result = run(plan, Path(folder) / "record", journal=_sqlite if options.journal == "sqlite" else MemoryJournal)
        cpu_s = time.process_time() - began
        if profile is not None:
            profile.disable()
    reference = (before + starlette_us()) / 2
    per_call = cpu_s / result.api_calls * 1e6
    print(f"sales orders              {result.orders:>12,}")
    print(f"virtual days              {result.virtual_days:>12,}")
    print(f"API calls                 {result.api_calls:>12,}")
    print(f"wall time                 {result.wall_s:>12.1f} s")
    print(f"processor time            {cpu_s:>12.1f} s")
    print(f"per API call, all in      {per_call:>12.1f} us")
    print(f"bare Starlette route      {reference:>12.1f} us")
    print(f"ratio                     {per_call / reference:>12.2f}")
    print(f"per order                 {cpu_s / result.orders * 1e3:>12.3f} ms")
    print(f"peak memory               {result.peak_memory_mb:>12.0f} MB")
    print(f"violations                {len(result.violations):>12,}")
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    main()

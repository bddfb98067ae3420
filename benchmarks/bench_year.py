"""A business year of 25,000 sales orders: seconds, cost per API call, memory, and where the time goes.

The reference: a bare Starlette route that reads a JSON body and answers JSON, called directly as an ASGI application.
It is measured all through the run, some calls after each stage of the year, and their time is no part of the year's:
a machine that is slower for a while is slower for both. The ratio is of processor times, so that it holds on a busy
machine too; all of it stays on one core. The engine's journal is the one of a simulation, or with --journal sqlite
SQLite in memory. Options: --orders N, --journal, --profile (adds a table of the hottest functions).
"""

import argparse
import asyncio
import cProfile
import os
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


_WARM, _SAMPLE = 50, 400


async def _echo(request: StarletteRequest) -> JSONResponse:
    body = await request.json()
    return JSONResponse({"id": request.path_params["id"], "body": body})


class Reference:
    """A bare Starlette route, and what its calls have cost so far."""

    def __init__(self) -> None:
        self._app = Starlette(routes=[Route("/record/v1/salesOrder/{id}", _echo, methods=["POST"])])
        self.calls = 0
        self.cpu_s = 0.0
        """Processor time of the calls that are counted."""
        self.wall_s = 0.0
        self.spent_s = 0.0
        """Processor time of all there was to it: the loop, and the calls that are not counted."""
        self.sample(0.0)
        self.calls, self.cpu_s, self.wall_s, self.spent_s = 0, 0.0, 0.0, 0.0

    def sample(self, _: float) -> None:
        """Make some calls; the first ones find everything cold, which those of the year do not, and do not count."""
        wall, began = time.perf_counter(), time.process_time()
        asyncio.run(self._calls())
        self.spent_s += time.process_time() - began
        self.wall_s += time.perf_counter() - wall

    async def _calls(self) -> None:
        for count, counts in ((_WARM, False), (_SAMPLE, True)):
            began = time.process_time()
            for n in range(count):
                await call_asgi(self._app, Request("POST", f"/record/v1/salesOrder/{n}", {}, {}, _BODY))
            if counts:
                self.cpu_s += time.process_time() - began
                self.calls += count

    @property
    def us(self) -> float:
        """Microseconds of one call."""
        return self.cpu_s / self.calls * 1e6


def _sqlite() -> Journal:
    return SqliteJournal(":memory:", "OFF")


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=25_000)
    parser.add_argument("--journal", choices=("memory", "sqlite"), default="memory")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        # One core is what is asked for; a process that is moved about pays for cold caches, whatever it does.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    plan = load("to-be").plan(orders=options.orders)
    reference = Reference()
    profile = cProfile.Profile() if options.profile else None
    with tempfile.TemporaryDirectory() as folder:
        if profile is not None:
            profile.enable()
        began = time.process_time()
        journal = _sqlite if options.journal == "sqlite" else MemoryJournal
        result = run(plan, Path(folder) / "record", reference.sample, journal)
        cpu_s = time.process_time() - began - reference.spent_s
        if profile is not None:
            profile.disable()
    per_call = cpu_s / result.api_calls * 1e6
    print(f"sales orders              {result.orders:>12,}")
    print(f"virtual days              {result.virtual_days:>12,}")
    print(f"API calls                 {result.api_calls:>12,}")
    print(f"wall time                 {result.wall_s - reference.wall_s:>12.1f} s")
    print(f"processor time            {cpu_s:>12.1f} s")
    print(f"per API call, all in      {per_call:>12.1f} us")
    print(f"bare Starlette route      {reference.us:>12.1f} us")
    print(f"ratio                     {per_call / reference.us:>12.2f}")
    print(f"per order                 {cpu_s / result.orders * 1e3:>12.3f} ms")
    print(f"peak memory               {result.peak_memory_mb:>12.0f} MB")
    print(f"violations                {len(result.violations):>12,}")
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    main()

"""The rehearsal on the wall clock: every system is asked once, all that is found is worked, nothing is written."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from o2c_twin.integration.connectors.registry import UNREHEARSED, ConfigError
from o2c_twin.integration.governance.write_guard import guard
from o2c_twin.integration.live_http import LiveHttp
from o2c_twin.integration.runtime.steps import Observer
from o2c_twin.integration.service.config import ServiceConfig, maps_of, masters_of
from o2c_twin.integration.service.dry_run import DryConnector, compare_money
from o2c_twin.integration.service.live_service import (
    AtEnd,
    WallClock,
    build_engine,
    connectors,
    listings_for,
    money_rules,
)
from o2c_twin.integration.service.rates import RatesInUse
from o2c_twin.integration.store import SqliteJournal

_LOOK_EVERY_S = 0.02


async def rehearse(config: ServiceConfig, tell: Callable[[dict[str, Any]], None]) -> list[dict[str, Any]]:
    """List every write that would leave, through ``tell``; gives the cases that would be opened, with those of the
    comparison of money where the service reconciles.

    The journal is a new one in memory: what an engine has done already is found by what the systems say. Raises
    `ConfigError`.
    """
    for role, system in config.systems.items():
        if system.vendor in UNREHEARSED:
            told = f"systems.{role}: {system.vendor} cannot be read without taking what it tells"
            raise ConfigError(f"{told}; leave out --dry-run, or rehearse against another ERP")
    http, clock, journal = LiveHttp(), WallClock(), SqliteJournal(":memory:", "OFF")
    tasks: dict[asyncio.Task[None], None] = {}

    def spawn(work: Coroutine[Any, Any, None], name: str) -> object:
        task = asyncio.get_running_loop().create_task(work, name=name)
        tasks[task] = None
        task.add_done_callback(lambda ended: tasks.pop(ended, None))
        return task

    at_end: AtEnd = []
    try:
        maps = maps_of(config)
        real = connectors(config, http, clock, at_end, maps)
        made = {role: DryConnector(each, tell) for role, each in real.items()}
        engine = build_engine(config, made, journal, clock, spawn, Observer(), RatesInUse(config.rates, maps))
        engine.delivery.registry = guard(masters_of(config))
        listed = listings_for(config, real, clock) if config.reconcile and engine.careful else None
        if listed is not None:
            await compare_money(engine, listed[1], money_rules(config))
        for name in sorted(engine.systems):
            await engine.sweep(name)
        while not engine.idle:  # noqa: ASYNC110 - lanes end by themselves
            await asyncio.sleep(_LOOK_EVERY_S)
        engine.stop()
        return [
            {"case": case.case_id, "kind": case.kind, "flow": case.flow, "owner": case.owner, "reason": case.reason}
            for case in journal.cases("open")
        ]
    finally:
        for task in list(tasks):
            task.cancel()
        for close in at_end:
            await close()
        await http.close()
        journal.close()


def run_rehearsal(config: ServiceConfig, tell: Callable[[dict[str, Any]], None]) -> list[dict[str, Any]]:
    """`rehearse` to its end."""
    logging.disable(logging.WARNING)
    return asyncio.run(rehearse(config, tell))

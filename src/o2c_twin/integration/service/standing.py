"""How an engine stands: what an operator needs of each source and each edge, in instants (microseconds) and counts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from o2c_twin.integration.connectors.ports import Bank, Crm, Erp, Payments
from o2c_twin.integration.flows import TOLD_BY
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.store import KeptJournal

Edges = Mapping[str, Callable[[], Awaitable[dict[str, Any]]]]
"""By name of an edge, what tells how it is doing; it says itself when it is away."""
OWN = "engine"
"""The source of events the engine and its people tell themselves."""
PATIENCE_S = 10.0
"""So long an edge is waited for: who asks wants to know of the others."""
_STATES = ("open", "parked", "dead")


def sources_of(engine: Engine) -> dict[str, dict[str, Any]]:
    """By source: its events that are open, parked and dead, since when the oldest open one waits, how the engine hears
    of it, when it was last asked, and how many seconds that is ago.
    """
    now = engine.clock.now()
    told: dict[str, dict[str, Any]] = {}
    for source in (*sorted(engine.systems), OWN):
        told[source] = {**dict.fromkeys(_STATES, 0), "oldest_open": None}
        if source != OWN:
            asked = engine.asking.asked_at(source)
            lag = None if asked is None else (now - asked) / 1_000_000
            told[source] |= {"trigger": engine.triggers[source], "asked_at": asked, "asked_ago_s": lag}
    journal = engine.journal
    for backlog in journal.backlog() if isinstance(journal, KeptJournal) else ():
        at = told[_source_of(engine, backlog.flow)]
        at[backlog.state] = at.get(backlog.state, 0) + backlog.count
        if backlog.state == "open":
            known = at["oldest_open"]
            at["oldest_open"] = backlog.oldest if known is None else min(known, backlog.oldest)
    return told


def _source_of(engine: Engine, flow: str) -> str:
    roles: dict[str, Crm | Erp | Bank | Payments | None] = {
        "crm": engine.crm,
        "erp": engine.erp,
        "bank": engine.bank,
        "payments": engine.payments,
    }
    for role, flows in TOLD_BY.items():
        system = roles[role]
        if flow in flows and system is not None and system.system in engine.systems:
            return system.system
    return OWN


async def edges_of(edges: Edges) -> dict[str, dict[str, Any]]:
    """By name how each edge is doing; one that does not say so in time is told as away."""
    told = await asyncio.gather(*(_in_time(figures) for figures in edges.values()))
    return dict(zip(edges, told, strict=True))


async def _in_time(figures: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await figures()
    except TimeoutError:
        return {"kind": "edge", "there": False, "away": f"no answer within {PATIENCE_S:g} s"}

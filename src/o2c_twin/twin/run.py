"""One run: build the world of a plan, let its year happen, check it against the truth, write the record."""

import gc
import resource
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from time import perf_counter  # noqa: TID251 - what a run took is part of its result; it is read outside the simulated part
from typing import Any

import o2c_twin
from o2c_twin.integration.flows import FLOWS
from o2c_twin.integration.governance.systems_of_record import Refusal
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.steps import Observer, Synced
from o2c_twin.integration.store import Journal, MemoryJournal
from o2c_twin.mock_systems.wire.journal import Entry
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.run_record import RunRecordWriter
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.engines import Engines, engines_of
from o2c_twin.twin.estate import Estate, build_estate
from o2c_twin.twin.exchange import exchange_of, market_of
from o2c_twin.twin.plan import RunPlan
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch, guard, lifted
from o2c_twin.twin.trace import Trace
from o2c_twin.twin.transport import direct, lower, through_asgi
from o2c_twin.twin.world.business import Business
from o2c_twin.twin.world.closing import write_documents
from o2c_twin.twin.world.exceptions import Exceptions
from o2c_twin.twin.world.invariants import Violation, violations

_DAY = 86_400_000_000
# A run is reported on this often.
_STAGES = 50


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run found; ``record`` is its directory, None when none was written."""

    manifest: dict[str, Any]
    violations: list[Violation]
    record: Path | None
    trace_hash: str
    orders: int
    api_calls: int
    wall_s: float
    virtual_days: int
    peak_memory_mb: float


class Watch(Observer):
    """Hears what the engine does, for the record and for the people who settle its cases."""

    def __init__(self, record: RunRecordWriter, trace: Trace) -> None:
        self._synced = record.adder("sync")
        self._trace = trace
        self.settle: Callable[[str, str, str], None] = lambda case_id, flow, object_id: None
        self.dropped_events = self.refused_fields = 0

    def synced(self, what: Synced) -> None:
        """A change arrived in a system."""
        self._synced((what.flow, what.object_id, what.source, what.target, what.source_at, what.target_at))

    def case_opened(self, case_id: str, flow: str, object_id: str, reason: str, at: int) -> None:
        """A dead letter: somebody has to settle it."""
        self._trace.line(f"{at}|engine|case opened|{flow}|{object_id}|{reason}")
        self.settle(case_id, flow, object_id)

    def refused(self, refusal: Refusal) -> None:
        """What sales typed is put back."""
        self.refused_fields += 1
        self._trace.line(f"{refusal.at}|engine|refused|{refusal.object}.{refusal.field}|{refusal.key}|{refusal.system}")

    def dropped(self, event: Inbound, reason: str, at: int) -> None:
        """A naive engine gave up, and nobody is told."""
        self.dropped_events += 1
        self._trace.line(f"{at}|engine|dropped|{event.flow}|{event.object_id}|{reason}")


def journal_sink(trace: Trace, record: RunRecordWriter) -> Callable[[Entry], None]:
    """Takes every call of every mock into trace and record."""

    called = record.adder("api_calls")

    def sink(entry: Entry) -> None:
        trace.line(
            f"{entry.at}|{entry.system}|{entry.operation}|{entry.caller}|{entry.method}|{entry.path}"
            f"|{entry.status}|{entry.fault}|{entry.duration_us}",
            entry.request + entry.response,
        )
        called(
            (
                entry.at,
                entry.system,
                entry.operation,
                entry.caller,
                entry.status,
                entry.throttled,
                entry.fault,
                entry.duration_us,
            )
        )

    return sink


def run(
    plan: RunPlan,
    out: Path | None,
    progress: Callable[[float], None] | None = None,
    journal: Callable[[], Journal] = MemoryJournal,
) -> RunResult:
    """Run a plan in virtual time. ``out`` gets the run record; ``progress`` a share of the run, 0 to 1.

    ``journal`` makes each engine's memory: the run is the same with any, and fastest with the default.
    Raises ValueError when the plan's figures hold no run.
    """
    began = perf_counter()
    record = RunRecordWriter(out)
    trace = Trace()
    start = datetime.combine(plan.world.start, time(), UTC)
    # A year makes millions of short-lived objects and keeps few cycles: the default thresholds
    # would walk the whole estate thousands of times.
    thresholds = gc.get_threshold()
    frozen_before = gc.get_freeze_count() > 0
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000_000, 50, 1_000)
    try:
        with TwinEnvironment() as env:
            result = _virtual(plan, env, TwinClock(env, epoch(start)), record, trace, progress, journal)
    finally:
        gc.set_threshold(*thresholds)
        if not frozen_before:  # a caller's frozen heap stays frozen
            gc.unfreeze()
    company, estate, engines, found = result
    for violation in found:
        record.add("violations", (violation.invariant, violation.key, violation.detail))
    write_documents(company, engines.journals)
    calls = sum(server.journal.count for server in estate.servers.values())
    wall = perf_counter() - began
    manifest = _manifest(plan, start, trace, len(company.truth.deals), calls, len(found), wall)
    record.close(manifest)
    return RunResult(
        manifest,
        found,
        out,
        manifest["trace_hash"],
        len(company.truth.deals),
        calls,
        wall,
        plan.world.days + plan.world.drain_days,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def _virtual(
    plan: RunPlan,
    env: TwinEnvironment,
    clock: TwinClock,
    record: RunRecordWriter,
    trace: Trace,
    progress: Callable[[float], None] | None,
    journal: Callable[[], Journal],
) -> tuple[Any, Estate, Engines, list[Violation]]:
    chance = Chance(plan.seed)
    engines = Engines()

    async def post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        return engines.pushed(url.rpartition("/")[2], body, lower(headers))

    def spawn(work: Any, name: str) -> object:
        return env.spawn(work, name)

    world = World(clock, chance.sub("mocks").uniform, env.aio.sleep, env.start, post)
    people = chance.sub("world")
    rates = market_of(plan, people)
    estate = build_estate(plan, world, journal_sink(trace, record))
    integrated = plan.design.topology != "manual"
    wires = (direct if plan.transport == "direct" else through_asgi)(estate.servers, env.aio.sleep)
    business = Business(plan.world, env, clock, people, estate, record, trace, integrated, rates, plan.design)

    def make(hears: frozenset[str] | None) -> Engine:
        systems = estate.connectors(wires, lambda system: f"http://{system}.test")
        watch = Watch(record, trace)
        engine = Engine(
            plan.design,
            systems.crm,
            systems.erp,
            systems.bank,
            journal(),
            FLOWS,
            clock=clock,
            sleep=env.aio.sleep,
            spawn=spawn,
            draw=chance.sub("engine").uniform,
            observer=watch,
            rhythm=plan.rhythm,
            payments=systems.payments,
            hears=hears,
            exchange=exchange_of(rates),
            group=plan.group,
        )
        watch.settle = Exceptions(business.company, engine, estate.mapping_mended).settle
        return engine

    engines = engines_of(plan.design.topology, make)
    if engines.all:
        estate.subscribe(lambda system: f"http://engine.test/{system}")
    for engine in engines.all:
        engine.start()
    if plan.design.topology == "api-first":
        business.give_button(engines.orders)
    business.begin()
    days = plan.world.days + plan.world.drain_days
    # Setting up is not simulated: Faker seeds its own generator there. What happens from here on is.
    stage = days if progress is None else max(1, days // _STAGES)
    with guard():
        for day in range(stage, days + stage, stage):
            env.run(until=min(day, days) * _DAY)
            if progress is not None:
                with lifted():
                    progress(min(day, days) / days)
    for engine in engines.all:
        engine.stop()
    found = violations(business.company)
    return business.company, estate, engines, found


def _manifest(
    plan: RunPlan, start: datetime, trace: Trace, orders: int, calls: int, broken: int, wall: float
) -> dict[str, Any]:
    world = plan.world
    horizon = start.timestamp() + world.days * 86_400
    return {
        "scenario": plan.name,
        "title": plan.title,
        "story": plan.story,
        "seed": plan.seed,
        "design": plan.design.choices(),
        "settings": {name: str(getattr(world, name)) for name in world.__dataclass_fields__},
        "systems": {role: system.vendor for role, system in plan.systems.items()},
        "maps": {} if plan.maps is None else plan.maps.hashes(),
        "entity": "" if plan.maps is None else plan.maps.entity,
        "start": start.isoformat(),
        "horizon_end": datetime.fromtimestamp(horizon, UTC).isoformat(),
        "end": datetime.fromtimestamp(horizon + world.drain_days * 86_400, UTC).isoformat(),
        "currency": world.currency,
        "orders": orders,
        "api_calls": calls,
        "virtual_days": world.days + world.drain_days,
        "violations": broken,
        "trace_hash": trace.digest(),
        "versions": {"o2c_twin": o2c_twin.__version__},
        "wall_s": round(wall, 3),
    }

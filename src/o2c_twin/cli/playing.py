"""Playing scenarios: from a name and options to a plan, from a plan to a run record and its KPIs."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from o2c_twin.cli.errors import first_of
from o2c_twin.cli.places import record_at
from o2c_twin.cli.terminal import Progress, progress_of

if TYPE_CHECKING:
    from o2c_twin.reports import KpiSet, ObservedRun
    from o2c_twin.run_record import RunRecord
    from o2c_twin.scenarios import Scenario
    from o2c_twin.twin.plan import RunPlan
    from o2c_twin.twin.run import RunResult


@dataclass(frozen=True, slots=True)
class Figures:
    """What a command line may replace in any scenario; None leaves the scenario's own."""

    seed: int | None = None
    orders: int | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """One run that is over, with its record."""

    plan: "RunPlan"
    result: "RunResult"
    record: "RunRecord"


def found(name: str) -> "Scenario":
    """The scenario of that name or path. Raises `CommandError`."""
    from o2c_twin.scenarios import ScenarioError, load

    try:
        return load(name)
    except ScenarioError as error:
        raise first_of(error.problems) from error


def planned(
    scenario: "Scenario",
    figures: Figures,
    choices: Iterable[tuple[str, str]] = (),
    naive: bool = False,
    transport: str = "direct",
) -> "RunPlan":
    """The plan of one run; later choices of an axis replace earlier ones. Raises `CommandError`."""
    from o2c_twin.scenarios import ScenarioError

    try:
        return scenario.plan(dict(choices), naive, figures.seed, figures.orders, figures.days, transport)
    except ScenarioError as error:
        raise first_of(error.problems) from error


def place_of(plan: "RunPlan") -> Path:
    """Where a run's record goes unless the user says otherwise."""
    return Path("out") / f"{plan.name.replace(':', '-')}-{plan.seed}"


def play(plan: "RunPlan", out: Path) -> Played:
    """Run the plan, with a progress bar on a terminal, and put its record into ``out``.

    Raises `CommandError` when ``out`` holds something else or cannot be written.
    """
    with record_at(out) as making, progress_of(f"{plan.name}, seed {plan.seed}") as progress:
        result = simulate(plan, making, progress)
    from o2c_twin.run_record import RunRecord

    return Played(plan, result, RunRecord(out))


def simulate(plan: "RunPlan", out: Path, progress: Progress) -> "RunResult":
    """One run in virtual time, its record in ``out``."""
    from o2c_twin.twin.run import run

    return run(plan, out, progress)


def promises_missed(scenario: "Scenario", runs: "Mapping[str, ObservedRun]") -> list[str]:
    """What a scenario promises and its runs do not show; ``runs`` by design: naive, recommended, or both."""
    from o2c_twin.reports import compute_kpis

    kpis = {side: compute_kpis(run) for side, run in runs.items()}
    broken = {side: Counter(run.record.table("violations")["invariant"]) for side, run in runs.items()}
    missed = []
    for promise in scenario.expect:
        figures: dict[str, int | float | Decimal | None] = {}
        for side in runs:
            kpi = kpis[side].get(promise.subject)
            value = None if kpi is None else kpi.value
            figures[side] = broken[side][promise.subject] if promise.kind == "violation" else value
        missed += promise.failures(figures)
    return missed


def summary(played: Played, kpis: "KpiSet") -> dict[str, Any]:
    """What ``--json`` says of one run."""
    plan, result = played.plan, played.result
    return {
        "scenario": plan.name,
        "title": plan.title,
        "seed": plan.seed,
        "design": plan.design.choices(),
        "transport": plan.transport,
        "orders": result.orders,
        "virtual_days": result.virtual_days,
        "api_calls": result.api_calls,
        "wall_s": round(result.wall_s, 3),
        "peak_memory_mb": round(result.peak_memory_mb, 1),
        "trace_hash": result.trace_hash,
        "violations": [asdict(each) for each in result.violations],
        "kpis": kpis.to_dict(),
        "record": str(played.record.directory),
    }

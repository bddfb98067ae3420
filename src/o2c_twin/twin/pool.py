"""Many runs at once, in processes of their own: the same hashes as one after the other."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor  # noqa: TID251 - whole runs are spread over processes
from dataclasses import dataclass
from multiprocessing import get_context  # noqa: TID251 - the same
from pathlib import Path

from o2c_twin.twin.plan import RunPlan
from o2c_twin.twin.run import RunResult, run


@dataclass(frozen=True, slots=True)
class Job:
    """One run to make: its plan, and the directory of its record (None: figures only)."""

    plan: RunPlan
    out: Path | None = None


def _do(job: Job) -> RunResult:
    return run(job.plan, job.out)


def run_many(jobs: Sequence[Job], workers: int = 2) -> Iterator[RunResult]:
    """Run all jobs in ``workers`` fresh processes; results come in the order of the jobs."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_do, jobs)

"""The command line as a caller sees it, over a made-up run that takes no time."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from o2c_twin.cli.main import main
from o2c_twin.run_record import RunRecordWriter
from o2c_twin.twin.world.invariants import Violation

_DAY = 86_400_000_000


@dataclass(frozen=True)
class Answer:
    """What a command left: exit code, both outputs."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        """The one error line, without its beginning; fails when there is anything else."""
        assert self.code == 2, self
        assert self.out == ""
        assert self.err.startswith("o2c: error: ")
        assert self.err.count("\n") == 1
        assert self.err.endswith("\n")
        return self.err.removeprefix("o2c: error: ").rstrip("\n")


@pytest.fixture
def o2c(tmp_path, monkeypatch):
    """`o2c("run", "to-be")` in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def call(*args):
        result = CliRunner().invoke(main, [str(arg) for arg in args], catch_exceptions=False)
        return Answer(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def played(monkeypatch):
    """Runs are made up instead of simulated; gives the list of their plans."""
    plans = []

    def simulate(plan, out, progress):
        plans.append(plan)
        return made_up(plan, out, progress)

    monkeypatch.setattr("o2c_twin.cli.playing.simulate", simulate)
    return plans


def made_up(plan, out, progress):
    """A run of three deals, each delivered, billed and paid; where people re-key, one is entered twice."""
    writer = RunRecordWriter(out)
    start = datetime.combine(plan.world.start, time(), UTC)
    zero = int(start.timestamp()) * 1_000_000
    manual = plan.design.topology == "manual"
    writer.add("customers", ("C1", "Ada Ltd", "prompt", 30, 1_000_000, "EUR", None))
    for n in range(3):
        at = zero + (2 * n + 1) * plan.world.days * _DAY // 6
        deal, order, invoice, receipt = f"D{n}", f"SO{n}", f"INV{n}", f"R{n}"
        writer.add("deals", (deal, "C1", at, 10_000, "EUR", 1))
        writer.add("orders", (order, deal, "C1", at + 60, 10_000, "EUR", "manual", False, None, None))
        writer.add("deliveries", (f"DL{n}", order, deal, at + 120, 10_000, "EUR"))
        due = at + 180 + 30 * _DAY
        writer.add(
            "invoices",
            (invoice, "invoice", order, deal, f"DL{n}", "C1", at + 180, due, 10_000, "EUR", None, None, None, None),
        )
        writer.add("receipts", (receipt, "C1", at + _DAY, 10_000, "EUR"))
        writer.add("applications", (receipt, "receipt", invoice, at + _DAY, 10_000, "EUR", "sync"))
        if manual:
            writer.add("work", ("order_entry", "key order", deal, at, at, at + 390_000_000, 390))
        progress(n / 3)
    found = [Violation("won deal is ordered once", "D0", "2 orders: SO0, SO9")] if manual else []
    if manual:
        writer.add("orders", ("SO9", "D0", "C1", zero + 90, 10_000, "EUR", "manual", True, None, None))
        writer.add("violations", (found[0].invariant, found[0].key, found[0].detail))
    days = plan.world.days + plan.world.drain_days
    manifest = {
        "scenario": plan.name,
        "title": plan.title,
        "story": plan.story,
        "seed": plan.seed,
        "design": plan.design.choices(),
        "start": start.isoformat(),
        "horizon_end": (start + timedelta(days=plan.world.days)).isoformat(),
        "end": (start + timedelta(days=days)).isoformat(),
        "currency": "EUR",
        "orders": 3,
        "api_calls": 0,
        "virtual_days": days,
        "violations": len(found),
        "trace_hash": f"{plan.seed:032x}",
        "wall_s": 0.1,
    }
    writer.close(manifest)
    return SimpleNamespace(
        manifest=manifest,
        violations=found,
        record=out,
        trace_hash=manifest["trace_hash"],
        orders=3,
        api_calls=0,
        wall_s=0.1,
        virtual_days=days,
        peak_memory_mb=100.0,
    )

"""Runs of the whole estate: the same to the bit, without loss where the design promises it, and honest where not."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from o2c_twin.integration.store import SqliteJournal
from o2c_twin.run_record import RunRecord
from o2c_twin.scenarios import load
from o2c_twin.twin.plan import RunPlan
from o2c_twin.twin.pool import Job, run_many
from o2c_twin.twin.run import run


def small(name: str, *, naive: bool = False, seed: int = 7, orders: int = 60, days: int = 20) -> RunPlan:
    plan = load(name).plan(naive=naive, seed=seed, orders=orders, days=days)
    return replace(plan, world=replace(plan.world, drain_days=25))


def in_a_process(hash_seed: str, *arguments: str) -> dict:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-m", "o2c_twin.cli.main", "run", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["as-is", "to-be", "lost-replies"])
def test_same_seed_same_hash_in_processes_with_different_hash_seeds(name, tmp_path):
    arguments = (name, "--orders", "60", "--days", "20", "--seed", "3")
    first = in_a_process("1", *arguments, "--out", str(tmp_path / "a"))
    second = in_a_process("2", *arguments, "--out", str(tmp_path / "b"))
    other = in_a_process("1", *arguments[:-1], "4", "--out", str(tmp_path / "c"))
    assert first["trace_hash"] == second["trace_hash"]
    assert first["kpis"] == second["kpis"]
    assert other["trace_hash"] != first["trace_hash"]


def test_a_pool_gives_the_hashes_of_a_serial_run():
    plans = [small("to-be", seed=seed) for seed in (1, 2, 3)]
    serial = [run(plan, None).trace_hash for plan in plans]
    pooled = [result.trace_hash for result in run_many([Job(plan) for plan in plans], workers=2)]
    assert pooled == serial
    assert len(set(serial)) == 3


def test_direct_and_asgi_calls_give_one_hash():
    direct = small("lost-replies")
    through_asgi = replace(direct, transport="asgi")
    assert run(direct, None).trace_hash == run(through_asgi, None).trace_hash


@pytest.mark.parametrize("name", ["lost-replies", "credit-hold-loop"])
def test_an_engine_remembers_alike_in_dictionaries_and_in_a_file(name, tmp_path):
    plan, files = small(name), count()
    kept = run(plan, None, journal=lambda: SqliteJournal(str(tmp_path / f"{next(files)}.db"), "OFF"))
    assert run(plan, None).trace_hash == kept.trace_hash


def test_two_worlds_do_not_know_of_each_other():
    alone = run(small("to-be", seed=5), None).trace_hash
    run(small("as-is", seed=9), None)
    assert run(small("to-be", seed=5), None).trace_hash == alone


def test_lost_replies_make_no_duplicates_where_writes_are_idempotent_over_twenty_seeds():
    plans = [small("lost-replies", seed=seed, orders=100, days=30) for seed in range(20)]
    results = list(run_many([Job(plan) for plan in plans], workers=2))
    assert [result.violations for result in results] == [[]] * 20
    assert all(result.orders == 100 for result in results)


def test_lost_replies_make_duplicates_where_they_are_not_and_each_is_named(tmp_path):
    result = run(small("lost-replies", naive=True, orders=300, days=40), tmp_path / "record")
    record = RunRecord(tmp_path / "record")
    orders = record.table("orders")
    doubled = set(orders.loc[orders["duplicate"], "deal_id"])
    named = {v.key for v in result.violations if v.invariant == "won deal is ordered once"}
    assert doubled
    assert named == doubled


def test_both_designs_meet_the_same_deals_and_customers(tmp_path):
    run(small("as-is"), tmp_path / "as-is")
    run(small("to-be"), tmp_path / "to-be")
    for table in ("deals", "customers"):
        left, right = (RunRecord(tmp_path / name).table(table) for name in ("as-is", "to-be"))
        assert left.equals(right)


@pytest.mark.parametrize(
    ("name", "invariant"),
    [
        ("partial-shipments", "shipped equals invoiced"),
        ("duplicate-masters", "one master per customer"),
    ],
)
def test_the_naive_design_breaks_what_the_recommended_one_keeps(name, invariant):
    naive = Counter(v.invariant for v in run(small(name, naive=True, orders=200, days=30), None).violations)
    assert naive[invariant] > 0
    assert run(small(name, orders=200, days=30), None).violations == []


def test_re_keying_by_hand_costs_errors_and_hours_that_integration_does_not(tmp_path):
    manual = run(small("as-is", orders=600, days=60), tmp_path / "as-is")
    hub = run(small("to-be", orders=600, days=60), tmp_path / "to-be")
    assert hub.violations == []
    assert manual.api_calls == 0
    assert {v.invariant for v in manual.violations} >= {"order is as agreed"}
    hours = {name: RunRecord(tmp_path / name).table("work")["touch_s"].sum() / 3600 for name in ("as-is", "to-be")}
    assert hours["to-be"] < hours["as-is"]


def test_a_record_is_complete_and_leaves_nothing_else(tmp_path):
    out = tmp_path / "record"
    result = run(small("to-be"), out)
    record = RunRecord(out)
    assert record.manifest["orders"] == len(record.table("deals")) == 60
    assert record.manifest["api_calls"] == len(record.table("api_calls")) == result.api_calls
    assert not [p for p in Path(out).iterdir() if p.suffix not in (".parquet", ".json")]

"""The office that re-keys: a paper that never reaches the next desk is on record as news that never came."""

from dataclasses import replace

from o2c_twin.reports import compute_kpis
from o2c_twin.run_record import RunRecord
from o2c_twin.scenarios import load
from o2c_twin.twin.run import run


def test_a_misfiled_paper_is_a_change_that_never_arrived(tmp_path):
    plan = load("as-is").plan(orders=150, days=30)
    run(replace(plan, world=replace(plan.world, misfiled=0.1)), tmp_path / "record")
    record = RunRecord(tmp_path / "record")
    sync, orders = record.table("sync"), record.table("orders")
    never = sync[sync["target_at"].isna()]
    lost = set(record.table("deals")["deal_id"]) - set(orders["deal_id"])
    assert len(lost) >= 5
    assert set(never.loc[never["flow"] == "order", "object_id"]) == lost
    notes = set(never.loc[never["flow"] == "invoice", "object_id"])
    assert len(notes) >= 5
    assert notes <= set(record.table("deliveries")["delivery_id"])
    assert compute_kpis(record)["sync.never_arrived"].value == len(lost) + len(notes)

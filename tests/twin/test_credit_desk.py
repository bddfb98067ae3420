"""The credit desk as the run record tells of it: when a hold is looked at, and by how many."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from o2c_twin.reports.kpis.credit_hold import holds_of
from o2c_twin.run_record import RunRecord
from o2c_twin.scenarios import load
from o2c_twin.twin.run import run

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The credit-hold scenario where the CRM is told at once (hub), in the night, and never (by hand)."""
    folder = tmp_path_factory.mktemp("credit")
    scenario = load("credit-hold-loop")
    plans = {
        "hub": scenario.plan(orders=250, days=50),
        "nightly": scenario.plan(naive=True, orders=250, days=50),
        "by hand": scenario.plan({"topology": "manual"}, orders=250, days=50),
    }
    for name, plan in plans.items():
        # Tighter still than the scenario, so that a short run has holds enough.
        run(replace(plan, world=replace(plan.world, credit_factor=1.0)), folder / name)
    return {name: RunRecord(folder / name) for name in plans}


def looked_at(record):
    """Each hold with when it came on a controller's desk, when its first look began and how many looks it took."""
    looks = record.table("work")
    looks = looks[looks["role"] == "credit"]
    rows = []
    for hold in holds_of(record.table("events")).itertuples():
        mine = looks[
            (looks["object_id"] == hold.order_id)
            & (looks["started_at"] >= hold.held_at)
            & (looks["started_at"] < hold.released_at)
        ]
        told, first = mine["queued_at"].min(), mine["started_at"].min()
        rows.append((hold.order_id, hold.held_at, hold.released_at, told, first, len(mine)))
    return pd.DataFrame(rows, columns=["order_id", "held_at", "released_at", "told", "first", "looks"])


@pytest.mark.parametrize("name", ["hub", "nightly", "by hand"])
def test_a_hold_is_on_one_desk_however_its_news_came(runs, name):
    found = looked_at(runs[name])
    assert len(found) >= 20
    assert set(found["looks"]) <= {0, 1}, "who decides on sight looks once; none when money came first"
    assert (found["looks"] == 1).sum() >= 15


def test_a_hold_of_the_night_is_on_the_list_of_that_morning(runs):
    found = looked_at(runs["nightly"]).dropna(subset=["first"])
    night = found[(found["held_at"].dt.hour < 8) & (found["held_at"].dt.day_of_week < 5)]
    assert len(night) >= 10
    assert (night["first"].dt.date == night["held_at"].dt.date).all()


def test_where_sales_is_told_at_once_the_controller_hears_of_it_at_once(runs):
    # Also of a part-shipped order that is held again, of which the ERP's status says nothing: the picker calls.
    found = looked_at(runs["hub"]).dropna(subset=["first"])
    office = found[found["held_at"].dt.hour.between(8, 15) & (found["held_at"].dt.day_of_week < 5)]
    assert len(office) >= 10
    assert ((office["told"] - office["held_at"]) <= HOUR / 60).all()
    # Who is asked at once looks the same hour, unless others wait before.
    assert ((office["first"] - office["held_at"]) <= HOUR).mean() > 0.9


def test_of_a_hold_that_stops_a_picker_the_controller_hears_at_once_in_every_design(runs):
    for name in ("nightly", "by hand"):
        entered = runs[name].table("orders").set_index("order_id")["entered_at"]
        found = looked_at(runs[name]).dropna(subset=["first"])
        again = found[found["held_at"] - found["order_id"].map(entered) >= HOUR]
        assert (again["held_at"].dt.hour.between(6, 17) & (again["held_at"].dt.day_of_week < 5)).all()
        assert len(again) >= 10
        assert (again["told"] == again["held_at"]).all()


def test_by_hand_a_hold_at_entry_waits_for_the_next_list(runs):
    entered = runs["by hand"].table("orders").set_index("order_id")["entered_at"]
    found = looked_at(runs["by hand"]).dropna(subset=["first"])
    at_entry = found["held_at"] - found["order_id"].map(entered) < HOUR
    day = found[at_entry & (found["held_at"].dt.hour >= 9) & (found["held_at"].dt.day_of_week < 5)]
    assert len(day) >= 10
    assert (day["first"].dt.date > day["held_at"].dt.date).all()


def test_a_controller_waits_for_money_as_often_as_the_world_says(tmp_path):
    scenario = load("credit-hold-loop")
    plan = scenario.plan(orders=250, days=50)
    run(replace(plan, world=replace(plan.world, credit_waits=2)), tmp_path / "record")
    found = looked_at(RunRecord(tmp_path / "record"))
    assert found["looks"].max() == 3
    thrice = found[found["looks"] == 3]
    assert (thrice["released_at"] - thrice["held_at"] >= timedelta(days=3)).all()

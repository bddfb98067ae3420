"""What a choice of the design profile changes in the business: whole runs of one world, told apart by the design."""

from dataclasses import replace

import pandas as pd
import pytest

from o2c_twin.integration.profile import DesignProfile
from o2c_twin.run_record import RunRecord
from o2c_twin.scenarios import load
from o2c_twin.twin.run import RunResult, run


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """`played(axis=value...)` runs a small business under that design, once; gives its record and its result."""
    folder = tmp_path_factory.mktemp("designs")
    known: dict[tuple[str, float, DesignProfile], tuple[RunRecord, RunResult]] = {}

    def play(scenario="to-be", minutes_case=15.0, **choices) -> tuple[RunRecord, RunResult]:
        plan = load(scenario).plan(choices, orders=60, days=20)
        key = (scenario, minutes_case, plan.design)  # a default named is the default
        if key not in known:
            world = replace(plan.world, drain_days=60, no_reference=0.3, minutes_case=minutes_case)
            place = folder / str(len(known))
            result = run(replace(plan, world=world), place)
            known[key] = (RunRecord(place), result)
        return known[key]

    return play


def days_open(record):
    cases = record.table("cases")
    assert len(cases) >= 3
    assert cases["closed_at"].notna().all()
    return (cases["closed_at"] - cases["opened_at"]).dt.total_seconds() / 86_400


def work(record, task):
    done = record.table("work")
    return done[done["task"].str.contains(task)]


def test_clerks_bill_the_next_morning_what_no_engine_bills(played):
    record, result = played(invoice_trigger="manual")
    invoices, deliveries = record.table("invoices"), record.table("deliveries")
    assert len(work(record, "key invoice")) >= 50
    assert result.violations == []
    billed = invoices.merge(deliveries, on="delivery_id")
    assert (billed["issued_at_x"] - billed["issued_at_y"]).min() > pd.Timedelta(hours=1)


def test_who_is_told_later_settles_later(played):
    open_for = {m: days_open(played(monitoring=m)[0]) for m in ("off", "log", "alert")}
    assert open_for["alert"].median() < open_for["log"].median() < open_for["off"].median()
    closed = played(monitoring="off")[0].table("cases")["closed_at"].dt.day_of_week
    assert set(closed) == {0}, "they are found in the review on Monday"


def test_a_desk_that_cannot_keep_up_is_helped_where_cases_escalate(played):
    alone = days_open(played(monitoring="alert", minutes_case=1_500.0)[0])
    helped = days_open(played(monitoring="escalate", minutes_case=1_500.0)[0])
    assert helped.max() < alone.max()


def test_four_eyes_cost_the_work_of_a_second_person(played):
    one, two = played()[0], played(controls="four-eyes")[0]
    assert len(work(two, "settle")) == 2 * len(two.table("cases")) > 0
    assert len(work(one, "settle")) == len(one.table("cases"))
    assert set(work(two, "settle")["role"]) == {"receivables", "support"}
    assert days_open(two).mean() > days_open(one).mean()
    assert played(controls="four-eyes")[1].violations == []


def test_where_roles_settle_each_case_is_on_the_desk_of_its_owner(played):
    record, result = played(controls="roles")
    assert set(work(record, "settle cash")["role"]) == {"receivables"}
    assert result.violations == []


def test_a_rung_less_leaves_more_cash_to_people(played):
    cases = {cash: len(played(cash=cash)[0].table("cases")) for cash in ("exact", "full")}
    assert cases["exact"] > cases["full"]
    assert played(cash="exact")[1].violations == []


# --- topology ------------------------------------------------------------------------------------


def broken(result, invariant):
    return sum(violation.invariant == invariant for violation in result.violations)


def test_scripts_without_shared_links_leave_sales_in_the_dark(played):
    hub = played("lost-replies", delivery="naive-retry")[1]
    pairs = played("lost-replies", delivery="naive-retry", topology="point-to-point")[1]
    assert broken(pairs, "CRM agrees with ERP") > 3 * (1 + broken(hub, "CRM agrees with ERP"))
    assert played("lost-replies", topology="point-to-point")[1].violations == []


def test_sales_presses_again_when_the_button_failed_and_every_deal_has_its_order(played):
    record, result = played("lost-replies", topology="api-first")
    events = record.table("events")
    assert (events["activity"] == "button failed").sum() >= 1
    assert result.violations == []


def test_where_a_vendors_connector_stands_clerks_apply_the_cash(played, tmp_path):
    plan = load("to-be").plan({"topology": "native-connector"}, orders=30, days=10)
    plan = replace(plan, rhythm=replace(plan.rhythm, poll_s=7_200.0), world=replace(plan.world, drain_days=50))
    result = run(plan, tmp_path / "record")
    record = RunRecord(tmp_path / "record")
    assert len(work(record, "apply cash")) == len(record.table("receipts")) > 0
    assert set(record.table("orders")["channel"]) == {"sync"}
    assert result.violations == []


# --- credit --------------------------------------------------------------------------------------


def test_credit_asked_before_entry_keeps_orders_out_that_would_be_held(tmp_path):
    held, late = {}, {}
    for visibility in ("event", "order-entry"):
        plan = load("credit-hold-loop").plan({"credit_visibility": visibility}, orders=100, days=25)
        result = run(replace(plan, world=replace(plan.world, credit_factor=1.0)), tmp_path / visibility)
        record = RunRecord(tmp_path / visibility)
        events, orders = record.table("events"), record.table("orders").merge(record.table("deals"), on="deal_id")
        held[visibility] = events.loc[events["activity"] == "credit hold", "object_id"].nunique()
        late[visibility] = (orders["entered_at"] - orders["won_at"]).max()
        assert (len(orders), result.violations) == (100, [])
    assert held["order-entry"] < held["event"]
    assert late["order-entry"] > pd.Timedelta(hours=1) > late["event"]

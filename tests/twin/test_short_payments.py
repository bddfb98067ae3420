"""Payments that fall short or are mistyped: how they come about, and what each rung of the ladder makes of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.reports.kpis.compute import compute_kpis
from o2c_twin.run_record import RunRecord
from o2c_twin.scenarios import load
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.plan import SystemPlan
from o2c_twin.twin.run import run
from o2c_twin.twin.world.remittances import less, mangled, shortfall
from o2c_twin.twin.world.settings import WorldSettings

DUE = st.dictionaries(st.from_regex(r"INV[1-9][0-9]{3}", fullmatch=True), st.integers(1, 10_000_000), min_size=1)
ALL_SHORT = WorldSettings(bank_charges=0.5, deductions=0.5)


@given(DUE, st.integers(0, 1_000))
def test_a_short_payment_lacks_less_than_its_largest_invoice_and_the_rest_is_paid(due, seed):
    short = shortfall(ALL_SHORT, Chance(seed), "C-1", 20_000, due)
    if short is None:
        return
    paid = less(due, short.amount_minor)
    assert sum(due.values()) - sum(paid.values()) == short.amount_minor > 0
    assert all(0 < paid[number] <= due[number] for number in due)
    assert (short.due_minor, short.invoices) == (sum(due.values()), tuple(due))
    if short.reason == "bank charge":
        assert 500 <= short.amount_minor < 3_500
    else:
        assert short.amount_minor <= sum(due.values()) * 2 // 100


def test_nobody_pays_short_where_no_share_is_set():
    assert all(shortfall(WorldSettings(), Chance(7), "C-1", day, {"INV1001": 100_000}) is None for day in range(50))


@pytest.mark.parametrize(
    ("uniform", "read"), [(0.1, "1027"), (0.3, "INV102"), (0.6, "INVIO27"), (0.76, "INV0127"), (0.99, "INV1072")]
)
def test_a_number_is_mistyped_in_one_of_four_ways(uniform, read):
    assert mangled("INV1027", uniform) == read


@given(st.from_regex(r"INV[1-9][0-9]{3,6}", fullmatch=True), st.floats(0.001, 0.999))
def test_a_mangled_number_has_no_more_characters_and_is_not_the_number_unless_it_looks_so(number, uniform):
    found = mangled(number, uniform)
    assert 0 < len(found) <= len(number)
    assert found != number or not set(number) & set("0158")


@pytest.mark.parametrize("name", ["bank_charges", "deductions", "mangled_references"])
def test_shares_are_no_more_than_one(name):
    with pytest.raises(ValueError, match=rf"world\.{name}: is a share between 0 and 1, not 1\.5"):
        WorldSettings(**{name: 1.5})


def test_charges_and_deductions_are_shares_of_the_same_payments():
    with pytest.raises(ValueError, match=r"with world\.deductions more than all payments"):
        WorldSettings(bank_charges=0.6, deductions=0.6)


def test_each_rung_takes_cases_off_the_desk_and_leaves_the_argument_with_support(tmp_path):
    cases, settled, credited = {}, {}, {}
    for cash in ("exact", "tolerance", "mangled", "full"):
        plan = load("short-payments").plan({"cash": cash}, orders=100, days=15)
        world = replace(plan.world, drain_days=90, bank_charges=0.2, deductions=0.1, mangled_references=0.25)
        result = run(replace(plan, world=world), tmp_path / cash)
        record = RunRecord(tmp_path / cash)
        documents, work = record.table("invoices"), record.table("work")
        cases[cash] = len(record.table("cases"))
        settled[cash] = (work["task"] == "settle deduction").sum()
        memos = documents[documents["kind"] != "invoice"]
        costs = documents.loc[documents["kind"] == "write_off", "reason"]
        assert (len(costs), set(costs)) == ((memos["reason"] == "bank charge").sum(), {"bank charge"})
        credited[cash] = (len(memos), memos["amount_minor"].sum(), set(memos["reason"]))
        assert result.violations == []
    assert cases["exact"] > cases["tolerance"] > cases["mangled"] > cases["full"]
    assert credited["exact"] == credited["full"]
    assert credited["exact"][0] > settled["exact"] == settled["full"] > 0
    assert credited["exact"][2] == {"bank charge", "deduction"}


def test_discounts_earned_are_the_same_on_every_erp_and_in_every_design_and_only_late_ones_leak(tmp_path):
    told = {}
    for vendor in ("netsuite", "s4hana", "business_central"):
        for cash in ("exact", "full"):
            plan = load("early-payment").plan({"cash": cash}, orders=60, days=10)
            world = replace(plan.world, drain_days=90, no_reference=0.0, early_payers=0.8, late_discounts=0.3)
            systems = {**plan.systems, "erp": SystemPlan(vendor)}
            out = tmp_path / vendor / cash
            assert run(replace(plan, world=world, systems=systems), out).violations == []
            record = RunRecord(out)
            applied, documents, work = (record.table(name) for name in ("applications", "invoices", "work"))
            kpis = compute_kpis(record)
            granted = applied[applied["source_kind"] == "discount"]
            assert granted["amount_minor"].sum() == kpis["discounts.amount"].value * 100
            leaked = documents.loc[documents["reason"] == "unearned discount", "amount_minor"].sum()
            assert leaked > 0
            assert kpis["write_offs.amount"].value == 0
            by_hand = int((work["task"] == "grant discount").sum())
            assert by_hand > 5 if cash == "exact" else by_hand == 0
            told[vendor, cash] = (kpis["discounts.amount"].value, len(granted), leaked)
    assert len(set(told.values())) == 1


@pytest.mark.parametrize("name", ["early_discount", "early_payers", "late_discounts"])
def test_what_early_payers_do_are_shares(name):
    with pytest.raises(ValueError, match=rf"world\.{name}: is a share between 0 and 1, not 1\.5"):
        WorldSettings(**{name: 1.5})


def test_what_banks_keep_costs_the_same_on_every_erp_and_leaks_nowhere(tmp_path):
    plan = load("short-payments").plan({"cash": "full"}, orders=60, days=10)
    world = replace(plan.world, drain_days=90, bank_charges=0.4, deductions=0.0, mangled_references=0.0)
    told = {}
    for vendor in ("netsuite", "s4hana", "business_central"):
        systems = {**plan.systems, "erp": SystemPlan(vendor)}
        assert run(replace(plan, world=world, systems=systems), tmp_path / vendor).violations == []
        record = RunRecord(tmp_path / vendor)
        applied = record.table("applications")
        written_off = applied[applied["source_kind"] == "write_off"]
        kpis = compute_kpis(record)
        assert kpis["leakage.amount"].value == 0
        assert written_off["amount_minor"].sum() == kpis["write_offs.amount"].value * 100
        told[vendor] = (kpis["write_offs.amount"].value, len(written_off))
    assert len(set(told.values())) == 1
    assert told["s4hana"][0] > 0

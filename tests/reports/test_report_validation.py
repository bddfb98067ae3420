"""The validation box: a sound record passes every check, and each kind of unsoundness fails its own."""

import pytest

from o2c_twin.reports import checks_of, compute_kpis
from o2c_twin.reports.verdict import plain, verdict

NAMES = {
    "roll-forward": "Roll-forward of receivables to the cent",
    "over-applied": "No receipt or credit applied beyond its amount",
    "over-settled": "No invoice settled beyond its amount",
    "stray": "Every application names a known invoice and source",
    "duplicates": "Duplicate orders agree with a recount",
    "violations": "Invariant violations agree with the manifest",
}


def failed(record):
    return {check.name for check in checks_of(record) if not check.passed}


@pytest.mark.parametrize("design", ["by hand", "integrated"])
def test_a_sound_record_passes_every_check(business, design):
    assert {check.name for check in checks_of(business[design])} == set(NAMES.values())
    assert failed(business[design]) == set()


def test_cash_applied_to_an_unknown_invoice_breaks_the_roll_forward(record, golden_a_tables):
    golden_a_tables["applications"][-1]["document_id"] = "NOBODY"
    found = record(**golden_a_tables)
    assert failed(found) == {NAMES["roll-forward"], NAMES["stray"]}
    forward = checks_of(found)[0].found
    assert forward == (
        "20,000.00 + 118,000.00 invoiced − 87,900.00 cash − 0.00 credits = 72,500.00 EUR; difference −22,400.00"
    )


def test_a_receipt_spent_twice_is_found(record, golden_a_tables):
    golden_a_tables["applications"].append({**golden_a_tables["applications"][0], "document_id": "M3"})
    assert NAMES["over-applied"] in failed(record(**golden_a_tables))


def test_an_invoice_paid_twice_is_found(record, golden_a_tables):
    golden_a_tables["receipts"].append({**golden_a_tables["receipts"][0], "receipt_id": "R-again"})
    golden_a_tables["applications"].append({**golden_a_tables["applications"][0], "source_id": "R-again"})
    assert failed(record(**golden_a_tables)) == {NAMES["over-settled"]}


def test_an_unflagged_duplicate_is_found(record):
    row = {"deal_id": "D1", "amount_minor": 1, "channel": "sync", "duplicate": False, "entered_at": "2026-01-05"}
    found = record(orders=[{**row, "order_id": "O1"}, {**row, "order_id": "O2"}])
    assert failed(found) == {NAMES["duplicates"]}


def test_a_manifest_that_names_other_violations_is_found(record):
    assert failed(record(manifest={"violations": 3})) == {NAMES["violations"]}


def told(*records):
    sets = [compute_kpis(each) for each in records]
    return plain(verdict(sets, {kpis.label: checks_of(each) for kpis, each in zip(sets, records, strict=True)}))


def test_the_verdict_warns_first_when_figures_do_not_add_up(record, golden_a_tables):
    golden_a_tables["applications"][-1]["document_id"] = "NOBODY"
    sentence = told(record(**golden_a_tables))
    assert sentence.startswith("Do not use the figures of hand-made: “Roll-forward of receivables to the cent” failed")
    assert "balances to the cent" not in sentence


def test_the_verdict_tells_one_run_with_its_own_numbers(record, golden_a_tables):
    assert told(record(**golden_a_tables)) == (
        "hand-made: DSO is 38.2 d; the billing error rate is 0 %; 0 lost deals; 0 duplicate orders. "
        "The ledger balances to the cent. One run, seed 7: another seed gives other figures."
    )


def test_the_verdict_compares_two_runs_and_says_what_chance_may_do(record, golden_a_tables):
    first = record(**golden_a_tables, manifest={"scenario": "slow"})
    golden_a_tables["invoices"] = golden_a_tables["invoices"][:-1]
    second = record(**golden_a_tables, manifest={"scenario": "quick", "seed": 8})
    assert told(first, second) == (
        "quick against slow: DSO falls from 38.2 d to 33.9 d (−4.3 d); the billing error rate stays at 0 %; "
        "lost deals: 0 against 0; duplicate orders: 0 against 0. Both ledgers balance to the cent. "
        "The runs have different seeds (7 and 8): part of every difference is chance."
    )

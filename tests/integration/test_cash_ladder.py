"""The cash-application ladder on the golden cases of the trade, and its promises in general."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.integration.match.cash import Tolerance, allocate, references
from o2c_twin.integration.model import OpenItem

LEDGER = [
    OpenItem("1", "INV101", "C", 400_000, "2026-01-10"),
    OpenItem("2", "INV102", "C", 600_000, "2026-01-11"),
    OpenItem("3", "INV103", "C", 250_000, "2026-01-12"),
    OpenItem("4", "INV104", "C", 250_000, "2026-01-13"),
    OpenItem("5", "CN201", "C", -30_000, "2026-01-14"),
]


# Golden ladder of the domain sheet, 3.5 (early-payment discount is not modelled).
@pytest.mark.parametrize(
    ("amount", "named", "rule", "applied", "charges", "deduction", "on_account"),
    [
        (400_000, ["INV101"], 1, {"1": 400_000}, 0, 0, 0),
        (598_500, ["INV102"], 2, {"2": 598_500}, 1_500, 0, 0),
        (470_000, ["INV103", "INV104", "CN201"], 1, {"3": 250_000, "4": 250_000, "5": -30_000}, 0, 0, 0),
        (540_000, ["INV102"], 3, {"2": 540_000}, 0, 60_000, 0),
        (410_000, ["INV101"], 4, {"1": 400_000}, 0, 0, 10_000),
        (250_000, [], 0, {}, 0, 0, 250_000),
        (970_000, [], 6, {"1": 400_000, "2": 600_000, "5": -30_000}, 0, 0, 0),
    ],
)
def test_the_golden_ladder(amount, named, rule, applied, charges, deduction, on_account):
    decision = allocate(amount, named, LEDGER, Tolerance())
    assert decision.rule == rule
    assert {a.invoice_erp_id: a.amount_minor for a in decision.allocations} == applied
    assert decision.charges_minor == charges
    assert decision.deduction_minor == deduction
    assert decision.on_account_minor == on_account


def test_the_whole_balance_is_paid_by_rule_six_or_seven():
    # 14,700.00 without a remittance is both a unique combination and the whole balance.
    decision = allocate(1_470_000, [], LEDGER, Tolerance())
    assert decision.rule in (6, 7)
    assert len(decision.allocations) == 5


def test_a_disputed_item_is_only_paid_when_it_is_named():
    items = [OpenItem("1", "INV1", "C", 100, "2026-01-01", disputed=True)]
    assert allocate(100, [], items, Tolerance()).rule == 0
    assert allocate(100, ["INV1"], items, Tolerance()).rule == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("INV1001 INV1002", ["INV1001", "INV1002"]),
        ("pay inv-1001, INV 1001", ["INV1001"]),
        ("PAYMENT ACME", []),
    ],
)
def test_references_are_read_from_remittance_text(text, found):
    assert references(text) == found


@given(
    amount=st.integers(1, 2_000),
    opens=st.lists(st.integers(1, 1_000), max_size=8),
    named=st.lists(st.integers(0, 9), max_size=4, unique=True),
)
def test_nothing_is_applied_twice_or_beyond_what_is_open_or_received(amount, opens, named):
    items = [OpenItem(str(n), f"INV{n}", "C", open_, f"2026-01-{n + 1:02d}") for n, open_ in enumerate(opens)]
    decision = allocate(amount, [f"INV{n}" for n in named], items, Tolerance())
    applied = {a.invoice_erp_id: a.amount_minor for a in decision.allocations}
    assert len(applied) == len(decision.allocations)
    assert all(0 < taken <= opens[int(id_)] for id_, taken in applied.items())
    assert sum(applied.values()) + decision.on_account_minor == amount

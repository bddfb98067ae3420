"""A merge of customers is a record that can be taken back, with every cross-reference where it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.integration.match.merges import (
    CrossReference,
    Merge,
    MergeError,
    MergeLedger,
    Undo,
    linked_since,
    moved,
    owners,
)

CRM_A = CrossReference("crm", "customer", "001A", "A", 0)
CRM_B = CrossReference("crm", "customer", "001B", "B", 0)
ERP_B = CrossReference("erp", "customer", "77", "B", 0)
REFERENCES = (CRM_A, CRM_B, ERP_B)


def merge(id, survivor, absorbed, at=10):
    return Merge(id, survivor, absorbed, at, by="sweep", reason="the same VAT number")


def undo(id, at=20):
    return Undo(id, at, by="a.clerk", reason="two companies")


def test_a_merge_moves_the_references_of_the_absorbed_customer_and_an_undo_moves_them_back():
    apart = MergeLedger()
    together = apart.merged(merge("m1", "A", "B"))
    assert set(owners(REFERENCES, together).values()) == {"A"}
    assert [(m.reference, m.before, m.after) for m in moved(REFERENCES, apart, together)] == [
        (CRM_B, "B", "A"),
        (ERP_B, "B", "A"),
    ]
    again = together.undone(undo("m1"))
    assert owners(REFERENCES, again) == owners(REFERENCES, apart)
    assert moved(REFERENCES, apart, again) == ()


def test_who_merged_what_when_and_why_stays_on_record_after_the_undo():
    ledger = MergeLedger().merged(merge("m1", "A", "B")).undone(undo("m1"))
    assert ledger.rows == (merge("m1", "A", "B"), undo("m1"))
    assert list(ledger.standing()) == []


def test_merges_in_a_chain_are_undone_in_any_order():
    chain = MergeLedger().merged(merge("m1", "A", "B")).merged(merge("m2", "C", "A"))
    assert chain.current("B") == "C"
    first = chain.undone(undo("m1"))
    assert (first.current("B"), first.current("A")) == ("B", "C")
    both = first.undone(undo("m2"))
    assert owners(REFERENCES, both) == owners(REFERENCES, MergeLedger())


def test_what_was_linked_to_the_survivor_meanwhile_is_named_for_a_person_to_sort():
    made = merge("m1", "A", "B")
    meanwhile = CrossReference("erp", "invoice", "INV9", "A", 15)
    assert linked_since((*REFERENCES, meanwhile), made) == (meanwhile,)
    apart = MergeLedger().merged(made).undone(undo("m1"))
    assert owners((meanwhile,), apart)[meanwhile] == "A"


def test_a_merge_that_makes_no_sense_is_refused_with_a_remedy():
    ledger = MergeLedger().merged(merge("m1", "A", "B"))
    with pytest.raises(MergeError, match="'B' is merged into 'A'; merge 'A' instead"):
        ledger.merged(merge("m2", "C", "B"))
    with pytest.raises(MergeError, match="'B' is merged into 'A'"):
        ledger.merged(merge("m2", "B", "A"))
    with pytest.raises(MergeError, match="into itself"):
        ledger.merged(merge("m2", "C", "C"))
    with pytest.raises(MergeError, match="a merge 'm1' already"):
        ledger.merged(merge("m1", "A", "C"))
    with pytest.raises(MergeError, match="no merge 'm9' stands"):
        ledger.undone(undo("m9"))
    with pytest.raises(MergeError, match="no merge 'm1' stands"):
        ledger.undone(undo("m1")).undone(undo("m1"))


_PARTIES = "ABCDEF"
_STEPS = st.lists(st.tuples(st.sampled_from(_PARTIES), st.sampled_from(_PARTIES), st.booleans()), max_size=20)
_ALL = tuple(CrossReference("erp", "customer", f"{n}{party}", party, 0) for party in _PARTIES for n in range(2))


def _played(steps):
    """A ledger after random merges and undos; those refused leave it as it is."""
    ledger = MergeLedger()
    for number, (one, other, back) in enumerate(steps):
        standing = list(ledger.standing())
        if back and standing:
            ledger = ledger.undone(undo(standing[ord(one) % len(standing)].id))
        else:
            try:
                ledger = ledger.merged(merge(f"m{number}", one, other))
            except MergeError:
                continue
    return ledger


@given(_STEPS, st.sampled_from(_PARTIES), st.sampled_from(_PARTIES))
def test_merge_then_undo_restores_every_owner_from_any_history(steps, one, other):
    before = _played(steps)
    survivor, absorbed = before.current(one), before.current(other)
    if survivor == absorbed:
        return
    after = before.merged(merge("new", survivor, absorbed))
    assert after.current(other) == survivor
    assert owners(_ALL, after.undone(undo("new"))) == owners(_ALL, before)


@given(_STEPS, st.randoms(use_true_random=False))
def test_undoing_every_merge_in_any_order_gives_back_the_beginning(steps, chance):
    ledger = _played(steps)
    standing = list(ledger.standing())
    chance.shuffle(standing)
    for made in standing:
        ledger = ledger.undone(undo(made.id))
    assert owners(_ALL, ledger) == owners(_ALL, MergeLedger())

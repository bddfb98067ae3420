"""Money on a bank statement: posted once, to the customer it is from, or put before a person."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from o2c_twin.integration.model import OpenItem

HOUR = 3_600
IBAN = "DE02100100100006820101"


def _owes(bench, customer, *open_minor):
    """A customer's open invoices: INV1, INV2... counted over all customers."""
    for amount in open_minor:
        n = len(bench.erp.items) + 1
        bench.erp.items.append(OpenItem(f"i{n}", f"INV{n}", customer, amount, f"2026-01-{n:02d}"))


def _arrives(bench, *entries, day="2026-01-05"):
    bench.now_running.receive(bench.bank.closes(day, *entries))
    bench.pass_time(HOUR)


def test_a_payment_that_names_its_invoices_is_set_against_them(bench):
    bench.engine()
    _owes(bench, "C1", 4_000, 6_000)
    _arrives(bench, bench.credit("B1", 10_000, "pays INV1 and INV2"))
    assert bench.erp.payments == [("C1", 10_000, {"i1": 4_000, "i2": 6_000})]
    assert bench.reasons() == []
    assert [(s.flow, s.object_id) for s in bench.seen.syncs] == [("cash", "B1")]


def test_a_payer_nobody_knows_is_a_case_and_nothing_is_posted(bench):
    bench.engine()
    _owes(bench, "C1", 4_000)
    _arrives(bench, bench.credit("B1", 4_000, "thank you", IBAN))
    assert bench.erp.payments == []
    assert bench.reasons() == ["payer not identified: ACME, 'thank you'"]
    assert bench.seen.cases == [("cash", "B1", "payer not identified: ACME, 'thank you'")]


@pytest.mark.parametrize("known", [True, False])
def test_a_payment_that_names_invoices_of_two_customers_is_not_posted_to_one_of_them(bench, known):
    bench.engine()
    _owes(bench, "C1", 4_000, 500)
    _owes(bench, "C2", 6_000)
    if known:
        _arrives(bench, bench.credit("B0", 500, "INV2", IBAN))
    posted = list(bench.erp.payments)
    _arrives(bench, bench.credit("B1", 10_000, "INV1 INV3", IBAN), day="2026-01-06")
    assert bench.erp.payments == posted
    assert bench.reasons() == ["names invoices of several customers: ACME, 'INV1 INV3'"]


def test_one_credit_that_cannot_be_posted_does_not_hold_up_the_others(bench):
    bench.engine()
    _owes(bench, "C1", 4_000, 6_000)
    bench.erp.trouble["put_payment"] = [bench.failed("rejected")]
    _arrives(
        bench,
        bench.credit("B1", 4_000, "INV1"),
        bench.credit("B2", 99, "?"),
        bench.credit("B3", 6_000, "INV2"),
    )
    assert [amount for _, amount, _ in bench.erp.payments] == [6_000]
    assert [object_id for _, object_id, _ in bench.seen.cases] == ["B1", "B2"]


# --- bank charges -----------------------------------------------------------------------------------


def test_what_a_bank_kept_within_the_tolerance_is_written_off_with_the_payment(bench):
    bench.engine()
    _owes(bench, "C1", 100_000, 300)
    _arrives(bench, bench.credit("B1", 99_800, "INV1 INV2"))
    assert bench.erp.payments == [("C1", 99_800, {"i1": 99_800})]
    # The ladder sets the money against what fell due first: of that a part is open, and all of the other.
    assert bench.erp.written_off == [("i1", 200, "bank charge"), ("i2", 300, "bank charge")]
    assert bench.reasons() == []
    assert bench.journal.effect("charges:B1:i1").state == "done"


def test_what_is_beyond_the_tolerance_is_not_written_off(bench):
    bench.engine()
    _owes(bench, "C1", 100_000, 500)
    _arrives(bench, bench.credit("B0", 500, "INV2", IBAN))
    _arrives(bench, bench.credit("B1", 99_000, "INV1", IBAN), day="2026-01-06")
    assert (bench.erp.payments[-1], bench.erp.written_off) == (("C1", 99_000, {"i1": 99_000}), [])


def test_where_the_ledger_takes_no_write_off_it_stays_open_for_the_ledgers_own_list(bench):
    bench.engine()
    bench.erp.sheet = tuple(each for each in bench.erp.sheet if each.write != "write_off")
    _owes(bench, "C1", 100_000)
    _arrives(bench, bench.credit("B1", 99_900, "INV1"))
    assert (bench.erp.payments, bench.erp.written_off) == ([("C1", 99_900, {"i1": 99_900})], [])
    assert bench.reasons() == []


def test_a_write_off_that_is_refused_is_a_case_and_the_money_stays_posted(bench):
    bench.engine()
    bench.erp.trouble["write_off"] = [bench.failed("rejected")]
    _owes(bench, "C1", 100_000)
    _arrives(bench, bench.credit("B1", 99_900, "INV1"))
    assert (len(bench.erp.payments), bench.erp.written_off) == (1, [])
    assert [object_id for _, object_id, _ in bench.seen.cases] == ["B1"]


# --- early payment discounts --------------------------------------------------------------------------


def _owes_less_if_early(bench, customer, amount, discount, until):
    n = len(bench.erp.items) + 1
    item = OpenItem(f"i{n}", f"INV{n}", customer, amount, "2026-01-31", discount_minor=discount, discount_until=until)
    bench.erp.items.append(item)


def test_a_discount_that_was_earned_is_granted_with_the_payment_and_is_no_write_off(bench):
    bench.engine()
    _owes_less_if_early(bench, "C1", 400_000, 8_000, "2026-01-10")
    _owes_less_if_early(bench, "C1", 100_000, 2_000, "2026-01-05")
    _arrives(bench, bench.credit("B1", 490_000, "INV1 INV2"))
    assert bench.erp.payments == [("C1", 490_000, {"i1": 392_000, "i2": 98_000})]
    paid_on = "2026-01-05"
    assert bench.erp.granted == [
        ("i1", 8_000, paid_on, "early payment discount"),
        ("i2", 2_000, paid_on, "early payment discount"),
    ]
    assert (bench.erp.written_off, bench.reasons()) == ([], [])
    assert bench.journal.effect("discount:B1:i1").state == "done"


def test_a_discount_that_comes_a_day_too_late_is_not_granted_and_stays_open(bench):
    bench.engine()
    _owes_less_if_early(bench, "C1", 400_000, 8_000, "2026-01-04")
    _owes(bench, "C1", 500)
    _arrives(bench, bench.credit("B0", 500, "INV2", IBAN))
    _arrives(bench, bench.credit("B1", 392_000, "INV1", IBAN), day="2026-01-06")
    assert bench.erp.payments[-1] == ("C1", 392_000, {"i1": 392_000})
    assert (bench.erp.granted, bench.erp.written_off) == ([], [])


def test_a_discount_is_granted_once_however_often_the_bank_tells_of_the_payment(bench):
    bench.engine()
    _owes_less_if_early(bench, "C1", 400_000, 8_000, "2026-01-10")
    credit = bench.credit("B1", 392_000, "INV1")
    _arrives(bench, credit)
    bench.kill()
    bench.engine()
    _arrives(bench, credit, day="2026-01-06")
    assert (len(bench.erp.payments), len(bench.erp.granted)) == (1, 1)


@pytest.mark.parametrize("refused", [False, True])
def test_a_discount_the_ledger_does_not_take_is_a_case_and_the_money_stays_posted(bench, refused):
    bench.engine()
    if refused:
        bench.erp.trouble["grant_discount"] = [bench.failed("rejected")]
    else:
        bench.erp.sheet = tuple(each for each in bench.erp.sheet if each.write != "grant_discount")
    _owes_less_if_early(bench, "C1", 400_000, 8_000, "2026-01-10")
    _arrives(bench, bench.credit("B1", 392_000, "INV1"))
    assert (len(bench.erp.payments), bench.erp.granted) == (1, [])
    (reason,) = bench.reasons()
    assert [object_id for _, object_id, _ in bench.seen.cases] == ["B1"]
    assert ("rejected" in reason) if refused else ("takes no discount" in reason and "8000 of invoice i1" in reason)
    _arrives(bench, bench.credit("B1", 392_000, "INV1"), day="2026-01-06")
    assert (len(bench.erp.payments), len(bench.seen.cases)) == (1, 1)


# --- aliases ----------------------------------------------------------------------------------------


def test_an_account_is_learned_from_a_payment_that_named_what_it_paid(bench):
    bench.engine()
    _owes(bench, "C1", 4_000, 6_000)
    _arrives(bench, bench.credit("B1", 4_000, "INV1", IBAN))
    _arrives(bench, bench.credit("B2", 6_000, "thank you", IBAN), day="2026-01-06")
    assert bench.erp.payments[1] == ("C1", 6_000, {"i2": 6_000})
    assert bench.reasons() == []


def test_what_was_learned_is_still_known_after_a_crash(bench):
    bench.engine()
    _owes(bench, "C1", 4_000, 6_000)
    _arrives(bench, bench.credit("B1", 4_000, "INV1", IBAN))
    bench.kill()
    bench.engine()
    _arrives(bench, bench.credit("B2", 6_000, "thank you", IBAN), day="2026-01-06")
    assert len(bench.erp.payments) == 2


def test_a_payment_found_by_its_amount_alone_teaches_nothing(bench):
    bench.engine()
    other = "DE75512108001245126199"
    _owes(bench, "C1", 4_000, 6_000, 700)
    _arrives(bench, bench.credit("B1", 4_000, "INV1", IBAN))
    _arrives(bench, bench.credit("B2", 6_000, "thank you", IBAN), day="2026-01-06")
    assert bench.journal.remote("erp", "payer", other) is None
    _arrives(bench, bench.credit("B3", 700, "thank you", other), day="2026-01-07")
    assert len(bench.erp.payments) == 2
    assert bench.reasons() == ["payer not identified: ACME, 'thank you'"]


def test_an_account_that_has_paid_for_two_customers_identifies_neither(bench):
    bench.engine()
    _owes(bench, "C1", 4_000)
    _owes(bench, "C2", 6_000, 500)
    _arrives(bench, bench.credit("B1", 4_000, "INV1", IBAN))
    _arrives(bench, bench.credit("B2", 6_000, "INV2", IBAN), day="2026-01-06")
    _arrives(bench, bench.credit("B3", 500, "thank you", IBAN), day="2026-01-07")
    assert len(bench.erp.payments) == 2
    assert bench.reasons() == ["payer not identified: ACME, 'thank you'"]


def test_money_of_a_known_customer_that_fits_nothing_is_on_account_and_a_case(bench):
    bench.engine()
    _owes(bench, "C1", 4_000, 600, 600)
    _arrives(bench, bench.credit("B1", 4_000, "INV1", IBAN))
    _arrives(bench, bench.credit("B2", 600, "thank you", IBAN), day="2026-01-06")
    assert bench.erp.payments[1] == ("C1", 600, {})
    assert bench.reasons() == ["posted on account, nothing to apply it to: 'thank you'"]


# --- once -------------------------------------------------------------------------------------------


def test_the_same_entry_in_two_statements_is_posted_once(bench):
    bench.engine()
    _owes(bench, "C1", 4_000, 4_000)
    again = bench.credit("B1", 4_000, "INV1")
    _arrives(bench, again)
    _arrives(bench, again, bench.credit("B2", 4_000, "INV2"), day="2026-01-06")
    assert bench.erp.payments == [("C1", 4_000, {"i1": 4_000}), ("C1", 4_000, {"i2": 4_000})]
    assert bench.reasons() == []


def test_an_entry_that_is_with_a_person_is_left_to_them_though_its_payer_is_known_by_now(bench):
    # The clerk may have posted it by hand; posting it now would be the second time.
    bench.engine()
    _owes(bench, "C1", 4_000, 6_000)
    unclear = bench.credit("B1", 6_000, "thank you", IBAN)
    _arrives(bench, unclear)
    _arrives(bench, bench.credit("B2", 4_000, "INV1", IBAN), day="2026-01-06")
    _arrives(bench, unclear, day="2026-01-07")
    assert [amount for _, amount, _ in bench.erp.payments] == [4_000]
    assert len(bench.seen.cases) == 1


def test_a_naive_design_posts_a_repeated_entry_again(bench):
    bench.engine(delivery="naive-retry")
    _owes(bench, "C1", 4_000, 4_000)
    _arrives(bench, bench.credit("B0", 4_000, "INV1", IBAN))
    again = bench.credit("B1", 4_000, "thank you", IBAN)
    _arrives(bench, again, day="2026-01-06")
    _arrives(bench, again, day="2026-01-07")
    assert [amount for _, amount, _ in bench.erp.payments] == [4_000] * 3


def test_a_replay_posts_what_was_decided_though_the_invoices_are_paid_by_now(bench):
    # The payment is applied, and its answer dies with the process: the invoices are no longer open.
    bench.engine()
    _owes(bench, "C1", 4_000, 6_000)
    bench.erp.trouble["put_payment"] = [bench.LOST] * 3
    bench.now_running.receive(bench.bank.closes("2026-01-05", bench.credit("B1", 10_000, "INV1 INV2", IBAN)))
    while not bench.erp.payments:
        bench.pass_time(0.25)
    bench.kill()
    bench.engine().start()
    bench.pass_time(HOUR)
    assert bench.erp.payments == [("C1", 10_000, {"i1": 4_000, "i2": 6_000})]
    assert bench.reasons() == []
    assert bench.journal.remote("erp", "payer", IBAN) == "C1"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(["C1", "C2"]), st.integers(1, 9)), min_size=1, max_size=5),
    st.lists(
        st.tuples(st.integers(1, 12), st.lists(st.integers(1, 6), max_size=2), st.sampled_from([None, "I1", "I2"])),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 30),
)
def test_every_credit_is_posted_whole_once_or_is_a_case_whatever_happens(bench, debts, credits, kill_after_s):
    """Any debts, any credits told twice, a crash somewhere: no credit is lost, doubled or split between customers."""
    run = next(bench.runs)
    bench.erp.items, bench.erp.payments = [], []
    for customer, amount in debts:
        _owes(bench, customer, amount)
    before = {item.erp_id: item for item in bench.erp.items}
    entries = [
        bench.credit(f"B{run}.{n}", amount, " ".join(f"INV{i}" for i in named), iban and f"{run}{iban}")
        for n, (amount, named, iban) in enumerate(credits)
    ]
    engine = bench.engine()
    engine.receive(bench.bank.closes("2026-01-05", *entries))
    engine.receive(bench.bank.closes("2026-01-05", *entries[:2]))
    bench.pass_time(kill_after_s)
    bench.kill()
    bench.engine().start()
    bench.pass_time(HOUR)
    posted = sorted(amount for _, amount, _ in bench.erp.payments)
    cases = {c.object_id for c in bench.journal.cases() if "posted on account" not in c.reason}
    assert posted == sorted(e.amount_minor for e in entries if e.reference not in cases)
    for customer, amount, applied in bench.erp.payments:
        assert sum(applied.values()) <= amount
        assert {before[id_].customer_erp_id for id_ in applied} <= {customer}

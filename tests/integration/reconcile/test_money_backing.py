"""What is posted and nothing came in for: found on the real mocks, and never where somebody was only early or late."""

from datetime import date

import pytest

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.reconcile.digests import diff
from o2c_twin.integration.reconcile.money import Found, Known, Spans, money_remedy, sides_of_money
from o2c_twin.integration.reconcile.money_backing import nameless
from o2c_twin.integration.reconcile.money_ports import Incoming, Posting
from o2c_twin.integration.reconcile.money_sweep import MoneyReconciler, MoneyRules
from o2c_twin.integration.runtime.errors import CallFailed

HOUR = 3_600_000_000
DAY = 24 * HOUR
PAIRS = pytest.mark.parametrize(
    ("crm", "erp"), [("salesforce", "netsuite"), ("hubspot", "s4hana"), ("salesforce", "business_central")]
)


def said(plan):
    return [(r.action, r.kind, r.group) for r in plan.repairs]


def book(till, amount, reference=None):
    """A clerk posts a receipt of the first customer by hand."""
    books = till.here.estate.erp
    return books.receive_payment(next(iter(books.state.customers)), amount, reference=reference)


def days(till, count):
    """So many days pass, swept each morning; gives what was found."""
    found = []
    for _ in range(count):
        till.tomorrow()
        found += till.sweep()[0].repairs
    return found


@PAIRS
def test_a_posting_nothing_came_in_for_is_a_case_once_it_is_old_enough(cashier, crm, erp):
    till = cashier(crm=crm, erp=erp)
    till.pay()
    book(till, 7_777, "CHEQUE-9")
    assert days(till, 4) == []
    found = days(till, 3)
    assert [(r.action, r.kind, r.group, r.amount_minor) for r in found] == [("case", "posting", "backed", 7_777)]
    (case,) = till.here.journal.cases()
    assert (case.kind, case.owner) == ("divergence", "operations")
    assert "2026-01-06" in case.reason and "7777 instead of 0" in case.reason
    assert ("'CHEQUE-9'" in case.reason) == (erp != "business_central")
    assert days(till, 20) == [] and till.posted == [7_777, 10_000]


@PAIRS
def test_a_posting_of_the_same_amount_is_named_as_perhaps_the_same_money(cashier, crm, erp):
    till = cashier(crm=crm, erp=erp)
    till.pay()
    book(till, 10_000, "TYPING ERROR")
    days(till, 7)
    (case,) = till.here.journal.cases()
    assert "perhaps twice" in case.reason


@PAIRS
def test_what_is_posted_before_its_statement_is_nobodys_mistake(cashier, crm, erp):
    till = cashier(crm=crm, erp=erp)
    till.pay()
    till.here.deaf.add("bank")
    early = book(till, 4_321)
    assert days(till, 3) == []
    till.here.pay(date(2026, 1, 9), [("something", 4_321)])
    found = days(till, 6)
    # Its name is another one: a person sees to it, and the money is not posted a second time.
    assert [(r.action, r.kind) for r in found] == [("case", "entry")]
    assert (early.number if erp == "business_central" else early.id) in found[0].why
    assert till.posted == [4_321, 10_000]


@PAIRS
def test_what_a_clerk_posted_under_a_name_of_their_own_is_not_posted_again(cashier, crm, erp):
    till = cashier(crm=crm, erp=erp)
    till.here.deaf.add("bank")
    till.pay()
    book(till, 10_000)
    till.here.pass_time(2 * HOUR)
    plan, _ = till.sweep()
    assert said(plan) == [("case", "entry", "posted")] and "perhaps posted already" in plan.repairs[0].why
    assert till.posted == [10_000] and days(till, 12) == []


@PAIRS
def test_what_a_person_posted_weeks_later_is_theirs(cashier, crm, erp):
    till = cashier(crm=crm, erp=erp)
    till.open.insert(0, "no such number")
    till.pay()
    (case,) = till.here.journal.cases("open")
    assert days(till, 24) == []
    book(till, 10_000)
    till.here.engine.close_case(case.case_id, "finance", "posted by hand")
    assert days(till, 12) == []


@PAIRS
def test_a_service_that_was_restarted_knows_what_was_posted_for_money_before_its_window(cashier, crm, erp):
    till = cashier(crm=crm, erp=erp)
    for _ in range(3):
        till.pay()
    for _ in range(15):
        till.tomorrow()
        till.sweeper = MoneyReconciler(till.here.engine, till.here.money, MoneyRules())
        assert till.sweep()[0].repairs == ()


def test_a_search_for_older_money_is_made_once(cashier, monkeypatch):
    till = cashier()
    for _ in range(3):
        till.pay()
    book(till, 7_777)
    asked, read = [], till.here.money.bank.incoming

    async def counted(since, until):
        asked.append(till.day)
        return await read(since, until)

    monkeypatch.setattr(till.here.money.bank, "incoming", counted)
    days(till, 18)
    assert len(asked) == 18 + 1 and asked[:2] == [4, 4]


def test_a_bank_that_cannot_be_read_is_no_reason_to_doubt_the_books(cashier, monkeypatch):
    till = cashier()
    till.pay()
    book(till, 7_777)
    read = till.here.money.bank.incoming

    async def blind(since, until):
        raise CallFailed("bank", "statements", "rejected", "no right")

    monkeypatch.setattr(till.here.money.bank, "incoming", blind)
    assert days(till, 8) == []
    monkeypatch.setattr(till.here.money.bank, "incoming", read)
    assert [r.kind for r in days(till, 1)] == ["posting"]


def test_a_company_that_takes_money_elsewhere_has_its_postings_left_alone(cashier):
    till = cashier()
    till.sweeper = MoneyReconciler(till.here.engine, till.here.money, MoneyRules(unbacked=False))
    till.pay()
    book(till, 7_777)
    assert days(till, 10) == []


@pytest.mark.parametrize("told", [True, False])
def test_a_payment_that_was_taken_back_after_it_was_posted_is_asked_about_once(collected, told):
    till = collected("stripe")
    till.days(1)
    provider = till.here.estate.payments_stand.core
    if not told:
        till.here.deaf.add("payments")
    provider.customer_disputes(next(iter(provider.state.charges)))
    till.here.pass_time(HOUR)
    assert len(till.here.journal.cases()) == told
    found = [r for r in days(till, 8) if r.kind == "posting"]
    assert [r.action for r in found] == ([] if told else ["case"])


# --- the rules, without systems ----------------------------------------------------------------------


def posting(id_, amount, mark="", reference="", at=0):
    return Posting(id_, mark, reference, amount, at)


def entry(reference, amount, at=0):
    event = Inbound(f"bank:{reference}", "cash", f"S-{reference}", "bank", at)
    return Incoming("entry", f"cash:{reference}", reference, amount, "EUR", at, event)


def known(payouts=(), asked=()):
    return Known(
        lambda key: "none",
        lambda key: key in asked,
        lambda event: False,
        lambda each: each.reference in payouts,
        lambda reference: False,
        frozenset(asked),
    )


def found_of(incoming, postings, memory=None):
    memory = memory or known()
    spans = Spans(late=DAY, before=DAY, grace=DAY)
    sides = sides_of_money(Found(tuple(incoming), tuple(postings)), memory, lambda key: key, spans, 9 * DAY)
    return [
        money_remedy(
            d, sides.evidence[d.place], sides.about[d.place], memory, "erp", "bank", sides.notes.get(d.place, "")
        )
        for d in diff(sides.wanted, sides.found)
    ]


def test_what_was_posted_and_reversed_needs_no_money():
    assert nameless([posting("1", 500, "M"), posting("2", -500, "M"), posting("3", 0), posting("4", 7)], ()) == [
        posting("4", 7)
    ]
    (repair,) = found_of([entry("R", 500)], [posting("1", 500, "cash:R"), posting("2", -500, "cash:R")])
    assert (repair.action, repair.why) == ("case", "posted, and reversed again")


def test_one_posting_is_perhaps_one_sum_and_no_two():
    repairs = found_of([entry("A", 500), entry("B", 500)], [posting("1", 500)])
    assert [(r.key, r.action) for r in repairs] == [("A", "case"), ("B", "tell")]


def test_a_payout_posted_as_a_customers_money_is_a_case():
    (repair,) = found_of([entry("P", 900)], [posting("1", 900, "", "P")], known(payouts={"P"}))
    assert (repair.action, repair.why) == ("case", "a provider's payout, posted as a customer's money")
    assert found_of([entry("P", 900)], [posting("1", 900, "", "P")], known({"P"}, asked={"cash:P"})) == []


def test_nobody_can_say_whose_a_posting_is_that_is_older_than_all_the_bank_tells():
    assert found_of([entry("A", 5, 3 * DAY)], [posting("1", 5, "A", at=3 * DAY), posting("2", 6, at=2 * DAY)]) == []
    assert len(found_of([entry("A", 5, 3 * DAY)], [posting("1", 5, "A", at=3 * DAY), posting("2", 6, at=4 * DAY)])) == 1

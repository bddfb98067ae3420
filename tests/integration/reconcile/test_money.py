"""Reconciliation of money on the real mocks: what came in is posted once, and what was sent on arrived."""

import random
from datetime import date, timedelta

import msgspec
import pytest

from o2c_twin.integration.reconcile.money_sweep import MoneyReconciler, MoneyRules
from o2c_twin.integration.runtime.errors import CallFailed

MONDAY = date(2026, 1, 5)
MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
PAIRS = pytest.mark.parametrize(
    ("crm", "erp"), [("salesforce", "netsuite"), ("hubspot", "s4hana"), ("salesforce", "business_central")]
)


def said(plan):
    return [(r.action, r.kind, r.group, r.why) for r in plan.repairs]


@PAIRS
def test_money_that_is_posted_once_is_never_repaired(cashier, crm, erp):
    till = cashier(crm=crm, erp=erp)
    for _ in range(3):
        till.pay()
        plan, _ = till.sweep()
        assert said(plan) == [] and plan.places == till.day and not plan.blind and not plan.drifts
    assert till.posted == [10_000] * 3 and till.here.journal.cases() == []


@PAIRS
def test_a_statement_nobody_told_of_is_told_and_posted_once(cashier, crm, erp):
    till = cashier(crm=crm, erp=erp)
    till.here.deaf.add("bank")
    till.pay(2)
    assert till.posted == []
    plan, applied = till.sweep()
    assert {(r.action, r.kind, r.why) for r in plan.repairs} == {("tell", "entry", "money nobody told of")}
    assert sum(r.amount_minor for r in plan.repairs) == 20_000 and len(applied.begun) == 2
    assert till.posted == [10_000, 10_000]
    assert till.sweep()[0].repairs == () and till.posted == [10_000, 10_000]


def test_a_statement_of_which_part_was_never_posted_is_worked_once_more(cashier, monkeypatch):
    till = cashier()
    here = till.here
    read = here.engine.bank.entries

    async def half(statement_id):
        return (await read(statement_id))[:1]

    monkeypatch.setattr(here.engine.bank, "entries", half)
    till.pay(2)
    assert till.posted == [10_000]
    monkeypatch.undo()
    plan, _ = till.sweep()
    assert said(plan) == [("replay", "entry", "posted", "money that was told of and never posted")]
    assert till.posted == [10_000, 10_000] and till.sweep()[0].repairs == ()


@pytest.mark.parametrize(("crm", "erp"), [("salesforce", "netsuite"), ("hubspot", "s4hana")])
def test_what_a_clerk_posts_a_second_time_is_a_case_once(cashier, crm, erp):
    till = cashier(crm=crm, erp=erp)
    till.pay()
    book = till.here.estate.erp
    (first,) = book.state.payments.values()
    book.receive_payment(first.customer_id, first.amount_minor, reference=first.reference)
    till.here.pass_time(2 * DAY)
    plan, _ = till.sweep()
    assert said(plan) == [("case", "entry", "posted", "posted more than once")]
    (case,) = till.here.journal.cases("open")
    assert "20000 instead of 10000" in case.reason and case.kind == "divergence"
    assert till.sweep()[0].repairs == ()


def test_a_posting_that_was_deleted_is_a_case_once(cashier):
    till = cashier()
    till.pay()
    till.here.deaf.add("erp")
    (payment,) = till.here.estate.erp.state.payments
    till.here.estate.erp.delete_payment(payment)
    till.here.pass_time(2 * HOUR)
    plan, _ = till.sweep()
    why = "the engine posted it, and the books do not show it any more"
    assert said(plan) == [("case", "entry", "posted", why)]
    assert till.sweep()[0].repairs == () and till.posted == []


def test_what_a_clerk_posts_with_another_amount_is_a_case(cashier):
    till = cashier()
    till.here.deaf.add("bank")
    till.pay()
    till.here.deaf.clear()
    (entry,) = till.here.env.aio.run_until_complete(till.here.money.bank.incoming(0, till.here.clock.now()))
    (customer,) = till.here.estate.erp.state.customers
    till.here.estate.erp.receive_payment(customer, 9_999, reference=entry.reference)
    till.here.pass_time(2 * HOUR)
    assert said(till.look()) == [("case", "entry", "posted", "the amount is another one")]


def test_what_a_clerk_posted_by_hand_is_left_alone(cashier):
    till = cashier()
    till.here.deaf.add("bank")
    till.pay()
    (entry,) = till.here.env.aio.run_until_complete(till.here.money.bank.incoming(0, till.here.clock.now()))
    (customer,) = till.here.estate.erp.state.customers
    till.here.estate.erp.receive_payment(customer, 10_000, reference=entry.reference)
    till.here.pass_time(2 * HOUR)
    assert said(till.look()) == []


def test_money_that_is_with_a_person_is_left_to_them(cashier):
    till = cashier()
    till.open.insert(0, "no such number")
    till.pay()
    (case,) = till.here.journal.cases("open")
    assert case.kind == "unmatched-cash" and said(till.sweep()[0]) == []
    till.here.engine.close_case(case.case_id, "finance", "sent back")
    assert said(till.sweep()[0]) == []


def test_what_is_young_waits(cashier):
    till = cashier()
    till.here.deaf.add("bank")
    till.here.pay(MONDAY, [(till.open[0], 10_000)])
    till.here.pass_time(10 * MINUTE)
    plan = till.look()
    assert (plan.repairs, plan.young) == ((), 1)


def test_a_ledger_that_cannot_be_read_is_a_case_and_no_reason_to_post(cashier, monkeypatch):
    till = cashier()
    till.here.deaf.add("bank")
    till.pay()

    async def refuse(since):
        raise CallFailed("erp", "list", "rejected", "no right to read transactions")

    monkeypatch.setattr(till.here.money.erp, "postings", refuse)
    plan = till.here.env.aio.run_until_complete(till.sweeper.round())
    assert plan.repairs == () and "no right" in plan.blind[0]
    assert {case.kind for case in till.here.journal.cases()} == {"drift"}


def test_a_sweep_of_money_reads_each_statement_once(cashier):
    till = cashier()
    for _ in range(3):
        till.pay()
    calls = []
    for _ in range(3):
        before = till.here.calls
        till.look()
        calls.append(till.here.calls - before)
    # The list of statements and that of postings; at first the statements, too (and the bank's login).
    assert calls[0] >= 5 and calls[1:] == [2, 2]


def test_sweeps_of_money_go_by_their_rhythm(cashier):
    till = cashier()
    task = till.here.env.spawn(till.sweeper.run(), "money")
    till.here.pass_time(3 * DAY + MINUTE)
    assert till.sweeper.looks == 3
    till.here.engine.stop()
    till.here.pass_time(2 * DAY)
    assert till.sweeper.looks == 3 and task.done()


# --- a business of three weeks ---------------------------------------------------------------------


@PAIRS
def test_lost_notices_of_money_are_posted_within_one_sweep_at_a_twentieth_of_the_calls(
    company, crm, erp, record_property
):
    here = company(lost=0.05, crm=crm, erp=erp)
    sweeper, dice = MoneyReconciler(here.engine, here.money, MoneyRules()), random.Random(5)
    accounts = [here.account(n) for n in range(20)]
    paid, swept, repairs, false, late = {}, 0, [], [], []

    def posted():
        return {each.reference for each in here.estate.erp.state.payments.values()}

    for number in range(21):
        start = number * DAY
        for n in range(15):
            here.until(start + 8 * HOUR + n * 20 * MINUTE)
            here.win(dice.choice(accounts), dice.randint(2, 9))
        for deal in here.deals[-30:-15]:
            order = here.order_of(deal)
            if order is not None and any(line.committed for line in order.lines):
                here.estate.erp.deliver(order.id)
        here.until(start + 14 * HOUR)
        before = here.calls
        plan = here.env.aio.run_until_complete(sweeper.look())
        swept += here.calls - before
        repairs += plan.repairs
        false += [each.key for each in plan.repairs if each.key in posted()]
        sweeper.apply(plan)
        here.until(start + 15 * HOUR)
        late += [each.key for each in plan.repairs if each.key not in posted()]
        here.until(start + 19 * HOUR)
        due = {
            invoice.number: invoice.open_minor
            for invoice in here.estate.erp.state.invoices.values()
            if invoice.number not in paid and here.clock.now() - invoice.issued_at > 5 * DAY
        }
        paid |= due
        # One statement in eight is told of to nobody; of all other webhooks one in twenty.
        here.deaf = {"bank"} if number % 8 == 7 else set()
        here.pay(MONDAY + timedelta(number), due.items())
        here.until(start + 20 * HOUR)
        here.deaf = set()
    share = swept / here.calls
    record_property("sweep share of calls", share)
    entries = here.env.aio.run_until_complete(here.money.bank.incoming(0, here.clock.now()))
    booked = {each.reference for each in entries}
    print(
        f"{len(booked)} receipts, {len(repairs)} nobody was told of, {len(false)} false repairs, {len(late)} not posted"
        f" within one sweep; {swept} of {here.calls} calls ({share:.1%})"
    )
    assert len(repairs) >= 10 and {each.action for each in repairs} == {"tell"}
    assert (false, late) == ([], []) and share <= 0.05
    assert posted() == booked and len(here.estate.erp.state.payments) == len(booked)
    assert here.journal.cases() == []


# --- providers -------------------------------------------------------------------------------------


# A debit is taken when the invoice is due, thirty days after it.
PROVIDERS = pytest.mark.parametrize(("payments", "days"), [("stripe", 12), ("gocardless", 42)])


@PROVIDERS
def test_collections_and_payouts_that_are_told_of_are_never_repaired(collected, payments, days):
    till = collected(payments)
    for _ in range(days // 3):
        till.days(3)
        plan, _ = till.sweep()
        assert said(plan) == [] and not plan.blind and not plan.drifts
    assert till.posted == [10_000, 10_000]
    assert till.look().places >= 4
    assert till.here.journal.cases() == []


@PROVIDERS
def test_collections_and_payouts_nobody_told_of_are_told(collected, payments, days):
    till = collected(payments)
    till.here.deaf |= {"payments", "bank"}
    till.days(days)
    assert till.posted == []
    plan, _ = till.sweep()
    told = {(r.action, r.kind, r.group) for r in plan.repairs}
    assert {("tell", "collection", "posted"), ("tell", "payout", "heard")} <= told
    assert till.posted == [10_000, 10_000]
    till.sweep()
    # What the statement shows of the payout is known for what it is, and posted nowhere.
    assert till.posted == [10_000, 10_000]
    assert till.sweep()[0].repairs == ()


def test_a_payout_that_never_reaches_the_bank_is_a_case(collected):
    till = collected("stripe")
    till.withheld = True
    till.days(13)
    plan, _ = till.sweep()
    assert [(r.action, r.kind, r.group, r.system) for r in plan.repairs] == [("case", "payout", "arrived", "bank")]
    assert till.sweep()[0].repairs == ()


def test_a_payout_that_is_not_the_sum_of_its_parts_is_a_case_of_the_flow_or_of_the_sweep(collected, monkeypatch):
    till = collected("stripe")
    till.days(9)
    payments = till.here.engine.payments
    read = payments.payout

    async def short(payout_id):
        whole = await read(payout_id)
        return msgspec.structs.replace(whole, lines=whole.lines[:-1])

    monkeypatch.setattr(payments, "payout", short)
    plan, _ = till.sweep()
    assert {(r.action, r.kind, r.group) for r in plan.repairs} == {("case", "payout", "sum")}

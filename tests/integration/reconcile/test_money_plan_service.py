"""The plan of money over the service's API and on the command line: shown, applied, much of it by two."""

import json
from datetime import date

import pytest

from o2c_twin.integration.governance.roles import ROLES
from o2c_twin.integration.reconcile.money_sweep import MoneyRules
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.integration.service.api import service_app
from o2c_twin.integration.service.dry_run import compare_money
from o2c_twin.integration.service.wiring import governed
from o2c_twin.integration.store import SqliteJournal

HOUR = 3_600_000_000
TOKENS = {name: f"token-of-{name}" for name in (*ROLES, "operations/ann")}


@pytest.fixture
def counter(cashier, office):
    """A company whose customers pay while the bank tells nobody, its service, and the people at it."""

    def make(*amounts):
        till = cashier(max(1, len(amounts)))
        here = till.here
        here.operations = governed(here.engine, reconciler=here.reconciler, money=till.sweeper)
        app = service_app(here.engine, here.operations, TOKENS, lambda: True)
        till.office = office(app, TOKENS, here.env.aio.run_until_complete)
        here.deaf.add("bank")
        for amount in amounts:
            till.pay(1, amount)
        here.deaf.clear()
        here.pass_time(2 * HOUR)
        return till

    return make


def test_the_plan_of_money_is_shown_beside_that_of_the_records(counter):
    till = counter(10_000)
    told = json.loads(till.office.o2c("sweep", "--plan", "--json").output)
    assert (told["repairs"], told["asking"]) == ([], None)
    (repair,) = told["money"]["repairs"]
    assert (repair["action"], repair["kind"], repair["amount_minor"]) == ("tell", "entry", 10_000)
    text = till.office.o2c("sweep", "--plan").output
    assert "records: 5 places compared" in text and "money nobody" in text
    assert "money: 1 places compared, 1 repairs" in text
    till.here.pass_time(HOUR)
    assert till.posted == []


def test_money_nobody_told_of_is_told_and_posted_once(counter):
    till = counter(10_000)
    answer = till.office.o2c("sweep", "--apply")
    assert "1 begun, 0 made a case, 0 left to work under way, 0 held" in answer.output
    till.here.pass_time(HOUR)
    assert till.posted == [10_000]
    assert json.loads(till.office.o2c("sweep", "--apply", "--json").output)["money"]["repairs"] == []


def test_much_money_on_one_statement_waits_for_a_second_person(counter):
    till = counter(6_000_000)
    answer = till.office.o2c("sweep", "--apply")
    assert "0 begun, 0 made a case, 0 left to work under way, 1 held" in answer.output
    assert "1 need approval" in till.office.o2c("sweep", "--plan").output
    till.here.pass_time(HOUR)
    assert till.posted == []
    assert "apr-1: asked" in till.office.o2c("sweep", "--ask").output
    (asked,) = till.office.call("GET", "/api/approvals").json()
    assert (asked["content"]["repairs"], asked["content"]["amount_minor"]) == ("1", "6000000")
    assert till.office.o2c("sweep", "--apply", "--approval", "apr-1").exit_code == 2
    assert till.office.o2c("approve", "apr-1", who="finance").exit_code == 0
    done = till.office.call("POST", "/api/repairs/apply", json={"approval": "apr-1"}).json()
    assert (done["begun"], len(done["money"]["begun"]), done["money"]["held"]) == ([], 1, [])
    till.here.pass_time(HOUR)
    assert till.posted == [6_000_000]
    told = till.here.operations._audit.entries()
    assert ("finance", "approve repair plan") in {(each["who"], each["what"]) for each in told}


def test_all_of_a_statement_is_held_or_nothing(counter):
    till = counter()
    till.here.deaf.add("bank")
    till.open.append("nothing of ours")
    till.pay(2, 3_000_000)
    till.here.deaf.clear()
    till.here.pass_time(2 * HOUR)
    plan = till.office.call("GET", "/api/repairs/plan").json()
    assert len(plan["money"]["repairs"]) == len(plan["money"]["held"]) == 2


def test_an_approval_of_money_is_not_one_of_what_it_has_become(counter):
    till = counter(6_000_000)
    till.office.o2c("sweep", "--ask")
    till.office.o2c("approve", "apr-1", who="operations/ann")
    till.here.deaf.add("bank")
    till.here.pay(date(2026, 1, 6), [("another", 7_000_000)])
    till.here.pass_time(2 * HOUR)
    till.here.deaf.clear()
    answer = till.office.call("POST", "/api/repairs/apply", json={"approval": "apr-1"})
    assert answer.status_code == 409 and "something else was approved" in answer.json()["error"]
    till.here.pass_time(HOUR)
    assert till.posted == []


def test_what_only_a_person_can_say_becomes_a_case_and_needs_no_approval(counter):
    till = counter(6_000_000)
    books = till.here.estate.erp
    books.receive_payment(next(iter(books.state.customers)), 6_000_000, reference="by hand")
    answer = till.office.call("POST", "/api/repairs/apply", json={}).json()
    assert (len(answer["money"]["cases"]), answer["money"]["held"]) == (1, [])
    assert "perhaps posted already" in till.here.journal.cases("open")[0].reason


def test_a_rehearsal_of_a_service_that_reconciles_tells_what_people_would_be_asked(counter):
    till = counter(10_000)
    here, books = till.here, till.here.estate.erp
    customer = next(iter(books.state.customers))
    books.receive_payment(customer, 7_777, reference="CHEQUE")
    for _ in range(6):
        till.tomorrow()
    before = len(books.state.payments)
    rehearsed = here.worker(SqliteJournal(":memory:", "OFF"))
    here.env.aio.run_until_complete(compare_money(rehearsed, here.money, MoneyRules()))
    (case,) = rehearsed.journal.cases("open")
    assert "'CHEQUE'" in case.reason and rehearsed.journal.pending() == []
    assert len(books.state.payments) == before and here.journal.cases() == []
    rehearsed.journal.close()


def test_a_rehearsal_says_which_side_of_the_money_it_could_not_read(counter, monkeypatch):
    here = counter().here

    async def refuse(since):
        raise CallFailed("erp", "list posting", "rejected", "no right to read transactions")

    monkeypatch.setattr(here.money.erp, "postings", refuse)
    rehearsed = here.worker(SqliteJournal(":memory:", "OFF"))
    here.env.aio.run_until_complete(compare_money(rehearsed, here.money, MoneyRules()))
    assert ["no right" in case.reason for case in rehearsed.journal.cases("open")] == [True]
    rehearsed.journal.close()

"""Sweeps of a company with customers in two currencies: money is held against money of its own currency only."""

from datetime import date

import pytest

from o2c_twin.integration.reconcile.money_sweep import MoneyReconciler, MoneyRules

MONDAY = date(2026, 1, 5)
MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

DOLLARS = {"USD": 0.5}


class Abroad:
    """A company with one billed order of 10,000 in dollars, and the sweeps of its records and its money."""

    def __init__(self, company, **settings):
        self.here = here = company(foreign=DOLLARS, **settings)
        self.money = MoneyReconciler(here.engine, here.money, MoneyRules())
        self.account = here.account(1, "USD")
        here.win(self.account, currency="USD")
        here.pass_time(20 * MINUTE)
        self.order = here.order_of(here.deals[0])
        here.estate.erp.deliver(self.order.id)
        here.pass_time(3 * HOUR)
        (self.invoice,) = here.estate.erp.state.invoices.values()

    def pays(self, amount=10_000):
        self.here.pay(MONDAY, [(self.invoice.number, amount)], "USD")
        self.here.until(2 * DAY)

    def sweep_money(self):
        plan = self.here.env.aio.run_until_complete(self.money.look())
        self.money.apply(plan)
        self.here.pass_time(HOUR)
        return plan

    @property
    def posted(self):
        return [(p.amount_minor, p.currency) for p in self.here.estate.erp.state.payments.values()]


@pytest.fixture
def abroad(company):
    return lambda **settings: Abroad(company, **settings)


@pytest.mark.parametrize(
    ("design", "billed", "posted"),
    [("document", (10_000, "USD"), [(10_000, "USD")]), ("converted", (9_000, "EUR"), [(9_000, "EUR")])],
)
def test_what_is_posted_as_the_design_says_is_never_repaired(abroad, design, billed, posted):
    there = abroad(design={"currencies": design})
    there.pays()
    assert (there.invoice.total_minor, there.invoice.currency) == billed and there.posted == posted
    plan = there.sweep_money()
    assert plan.places == 1 and plan.repairs == () and plan.blind == ()
    records, _ = there.here.sweep()
    assert records.repairs == () and not records.blind and not records.unread
    assert there.here.journal.cases() == []


def test_a_statement_of_the_other_account_that_nobody_told_of_is_told(abroad):
    there = abroad()
    there.here.deaf.add("bank")
    there.pays()
    assert there.posted == []
    plan = there.sweep_money()
    assert [(r.action, r.why) for r in plan.repairs] == [("tell", "money nobody told of")]
    assert there.posted == [(10_000, "USD")] and there.sweep_money().repairs == ()


def test_as_many_euros_as_dollars_came_in_are_not_the_same_money(abroad):
    there = abroad()
    there.here.deaf.add("bank")
    there.pays()
    erp = there.here.estate.erp
    (entry,) = there.here.estate.bank.account(there.here.estate.bank_accounts["USD"]).statements[0].entries
    erp.receive_payment(erp.add_customer("Somebody", "EUR").id, 10_000, reference=entry.reference)
    there.here.pass_time(2 * DAY)
    plan = there.sweep_money()
    assert [(r.action, r.why) for r in plan.repairs] == [("case", "posted in another currency")]
    (case,) = there.here.journal.cases("open")
    assert "currency: EUR instead of USD" in case.reason


def test_what_a_person_was_asked_about_and_changed_is_left_to_that_person(abroad):
    there = abroad(design={"currencies": "relabelled"})
    there.pays()
    (case,) = there.here.journal.cases("open")
    assert case.reason.startswith("paid in USD, and the books are in EUR") and there.posted == []
    there.here.estate.erp.receive_payment(there.invoice.customer_id, 9_100, reference=case.object_id)
    there.here.pass_time(2 * DAY)
    assert there.sweep_money().repairs == ()


def test_a_plan_adds_up_amounts_in_the_currency_of_the_books(abroad):
    there = abroad()
    there.here.deaf |= {"crm", "erp"}
    there.here.win(there.account, currency="USD")
    there.here.pass_time(2 * HOUR)
    plan = there.here.look()
    assert [(r.kind, r.action, r.amount_minor) for r in plan.repairs] == [("deal", "tell", 9_000)]
    assert plan.currency == "EUR"


def test_a_record_without_a_rate_is_named_and_not_repaired(abroad):
    there = abroad(rate=None)
    there.here.deaf |= {"crm", "erp"}
    there.here.win(there.account, currency="USD")
    there.here.pass_time(2 * HOUR)
    plan = there.here.look()
    assert plan.repairs == () and any("no rate USD to EUR on 2026-01-05" in each for each in plan.unread)

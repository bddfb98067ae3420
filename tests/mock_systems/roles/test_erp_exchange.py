"""Documents in another currency than the books: each keeps its own, and the books say what it was worth that day."""

from decimal import Decimal

import pytest

from o2c_twin.mock_systems.roles.erp import Entity, ErpCore
from o2c_twin.mock_systems.roles.records import RuleError


class Books:
    """An ERP with a customer in dollars and one in euros; the dollar's rate is set by the test."""

    def __init__(self):
        self.rate = Decimal("0.90")
        self.erp = ErpCore(lambda: 1_767_225_600_000_000)
        self.erp.exchange = lambda currency, at: None if currency == "EUR" else self.rate
        self.item = self.erp.add_item("P", "P", 100, 40, "EUR", 1_000).id
        self.there = self.erp.add_customer("There", "USD").id
        self.here = self.erp.add_customer("Here", "EUR").id

    def bill(self, customer, price):
        order = self.erp.enter_order(customer, [(self.item, 1, price)])
        self.erp.deliver(order.id)
        return self.erp.invoice_order(order.id)


@pytest.fixture
def books():
    return Books()


def test_what_the_rate_moved_between_invoice_and_receipt_is_an_exchange_gain(books):
    invoice = books.bill(books.there, 10_000)
    books.rate = Decimal("0.95")
    books.erp.receive_payment(books.there, 10_000, [(invoice.id, 10_000)])
    own = books.erp.trial_balance()
    assert own["bank"] == 9_500 and own["revenue"] == -9_000
    assert own["exchange differences"] == -500
    assert own["receivables"] == own["unapplied cash"] == 0
    assert books.erp.foreign_balances() == {
        "USD": {"bank": 10_000, "revenue": -10_000, "receivables": 0, "unapplied cash": 0}
    }


def test_a_falling_rate_is_a_loss_and_taking_the_payment_back_takes_it_back(books):
    invoice = books.bill(books.there, 10_000)
    books.rate = Decimal("0.85")
    payment = books.erp.receive_payment(books.there, 10_000, [(invoice.id, 10_000)])
    assert books.erp.trial_balance()["exchange differences"] == 500
    books.erp.unapply_payment(payment.id, invoice.id, 10_000)
    own = books.erp.trial_balance()
    assert (own["exchange differences"], own["receivables"], own["unapplied cash"]) == (0, 9_000, -8_500)


def test_parts_clear_an_invoice_to_the_cent_whatever_each_is_rounded_to(books):
    books.rate = Decimal("0.333333")
    invoice = books.bill(books.there, 1_000)
    for part in (1, 1, 1, 331, 666):
        books.erp.receive_payment(books.there, part, [(invoice.id, part)])
    assert books.erp.trial_balance()["receivables"] == 0


def test_a_credit_memo_takes_back_what_its_invoice_was_worth(books):
    invoice = books.bill(books.there, 10_000)
    books.rate = Decimal("2")
    books.erp.issue_credit_memo(invoice.id, 10_000, "price")
    own = books.erp.trial_balance()
    assert own["revenue"] == own["receivables"] == 0 and "exchange differences" not in own


def test_documents_in_the_books_currency_have_no_rate_and_no_foreign_posting(books):
    invoice = books.bill(books.here, 10_000)
    books.erp.receive_payment(books.here, 10_000, [(invoice.id, 10_000)])
    assert invoice.exchange_rate is None and books.erp.state.foreign_postings == []


def test_money_is_not_moved_to_a_customer_in_another_currency(books):
    payment = books.erp.receive_payment(books.there, 10_000)
    with pytest.raises(RuleError, match="is in EUR"):
        books.erp.move_payment(payment.id, books.here)


class Group(Books):
    """The same ERP with the books of two legal entities; both customers are the home entity's."""

    def __init__(self):
        super().__init__()
        self.erp = ErpCore(lambda: 1_767_225_600_000_000, entities=(Entity("DE01"), Entity("US01")))
        self.erp.exchange = lambda currency, at: None if currency == "EUR" else self.rate
        self.item = self.erp.add_item("P", "P", 100, 40, "EUR", 1_000).id
        self.there = self.erp.add_customer("There", "USD").id
        self.here = self.erp.add_customer("Here", "EUR").id


def test_what_is_billed_again_by_another_entity_is_in_the_books_at_the_rate_of_its_own_day():
    group = Group()
    wrong = group.bill(group.there, 10_000)
    group.erp.issue_credit_memo(wrong.id, 10_000, "entity")
    group.erp.assign_customer(group.there, "US01")
    group.rate = Decimal("0.95")
    again = group.erp.bill_again(wrong.id, "US01")
    assert (again.currency, again.total_minor, again.exchange_rate) == ("USD", 10_000, Decimal("0.95"))
    own = group.erp.trial_balance()
    assert (own["revenue"], own["receivables"]) == (-9_500, 9_500)
    assert group.erp.foreign_balances()["USD"] == {"receivables": 10_000, "revenue": -10_000, "unapplied cash": 0}


def test_what_is_open_to_each_entity_is_told_in_the_currency_of_the_books():
    group = Group()
    group.bill(group.there, 10_000)
    group.bill(group.here, 500)
    assert group.erp.receivables_by_entity() == {"DE01": 9_500}


def test_what_entities_charge_each_other_in_another_currency_cancels_in_it_and_in_the_books():
    group = Group()
    group.erp.charge_between("DE01", "US01", 7_001, "USD", "INV1")
    own, foreign = group.erp.trial_balance(), group.erp.foreign_balances()["USD"]
    assert own["intercompany receivables"] == 6_301 == own["intercompany cost"]
    assert foreign["intercompany payables"] == -7_001 == foreign["intercompany revenue"]
    assert sum(own.values()) == sum(foreign.values()) == 0

"""The ERP's rules one by one: credit, reservation, delivery, billing, application of cash."""

from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.mock_systems.roles.erp import Customer, ErpCore, rules
from o2c_twin.mock_systems.roles.records import RuleError

DAY_US = 86_400_000_000


class Shop:
    """An ERP with one customer and one item, priced 1.00 and costing 0.40."""

    def __init__(self, limit=None, stock=0):
        self.now = 0
        self.erp = ErpCore(self.tick)
        self.customer = self.erp.add_customer("Nordwind", "EUR", credit_limit_minor=limit).id
        self.item = self.erp.add_item("SKU", "Item", 100, 40, "EUR", on_hand=0).id
        if stock:
            self.erp.receive_stock(self.item, stock)

    def tick(self):
        return self.now

    def order(self, quantity, **kwargs):
        return self.erp.enter_order(self.customer, [(self.item, quantity, 100)], **kwargs)

    def sold(self, quantity):
        """An invoice for that much."""
        order = self.order(quantity)
        self.erp.deliver(order.id)
        return self.erp.invoice_order(order.id)


@contextmanager
def refused(code):
    """The block must be refused by the rule of that name."""
    with pytest.raises(RuleError) as error:
        yield
    assert error.value.code == code


# ------------------------------------------------------------------------------------------ credit


def test_credit_exposure_of_the_domain_sheet():
    """Domain sheet 2.5: 62,000 + 21,500 + 9,800 - 4,200 = 89,100; with 12,000 more, 101,100 > 100,000: hold."""
    shop = Shop(stock=1_000_000)
    shop.sold(62_000)
    shop.order(21_500)
    shop.erp.deliver(shop.order(9_800).id)
    shop.erp.receive_payment(shop.customer, 4_200_00)
    customer = shop.erp.update_customer(shop.customer, credit_limit_minor=100_000_00)
    assert rules.exposure_minor(customer) == 89_100_00
    held = shop.order(12_000)
    assert (held.credit, held.hold_reason) == ("hold", "exposure 10110000 over limit 10000000")


def test_an_order_up_to_the_limit_passes():
    shop = Shop(limit=100_00)
    assert shop.order(60).credit == "passed"
    assert shop.order(40).credit == "passed"
    assert shop.order(1).credit == "hold"


@given(
    balance=st.integers(0, 10**9),
    orders=st.integers(0, 10**9),
    unbilled=st.integers(0, 10**9),
    unapplied=st.integers(0, 10**9),
    limit=st.integers(0, 10**9),
    new=st.integers(0, 10**9),
)
def test_an_order_is_held_exactly_when_exposure_with_it_is_over_the_limit(
    balance, orders, unbilled, unapplied, limit, new
):
    customer = Customer("1", "C1", "Nordwind", "EUR", credit_limit_minor=limit)
    customer.balance_minor, customer.open_orders_minor = balance, orders
    customer.unbilled_minor, customer.unapplied_minor = unbilled, unapplied
    over = balance + orders + unbilled - unapplied + new > limit
    assert (rules.credit_reason(customer, new) is not None) == over
    customer.hold = "OFF"
    assert rules.credit_reason(customer, new) is None
    customer.hold = "ON"
    assert rules.credit_reason(customer, new) is not None


def test_no_limit_holds_nothing():
    assert Shop(limit=None).order(10**9).credit == "passed"


def test_goods_on_hold_do_not_leave():
    shop = Shop(limit=0, stock=10)
    order = shop.order(1)
    with refused("credit-hold"):
        shop.erp.deliver(order.id)
    shop.erp.release_credit(order.id)
    assert shop.erp.deliver(order.id).lines[0].quantity == 1


def test_a_payment_releases_the_orders_that_fit_oldest_first():
    shop = Shop(limit=100_00, stock=1_000)
    invoice = shop.sold(100)
    first, second, third = shop.order(50), shop.order(60), shop.order(30)
    shop.erp.receive_payment(shop.customer, 90_00, [(invoice.id, 90_00)])
    assert [o.credit for o in (first, second, third)] == ["passed", "hold", "passed"]


def test_two_held_orders_too_large_together_do_not_hold_each_other_for_ever():
    shop = Shop(limit=100_00, stock=1_000)
    invoice = shop.sold(100)
    first, second = shop.order(80), shop.order(80)
    shop.erp.receive_payment(shop.customer, 100_00, [(invoice.id, 100_00)])
    assert (first.credit, second.credit) == ("passed", "hold")


def test_a_held_order_does_not_stop_one_that_passed_before_its_goods_leave():
    shop = Shop(limit=100_00, stock=1_000)
    passed, held = shop.order(90), shop.order(50)
    assert shop.erp.recheck_order(passed.id, 0).credit == "passed"
    assert held.credit == "hold"


def test_a_passed_order_is_held_again_when_its_customer_is_blocked_before_goods_leave():
    shop = Shop(limit=100_00, stock=10)
    order = shop.order(10)
    shop.erp.update_customer(shop.customer, hold="ON")
    assert shop.erp.recheck_order(order.id, 0).credit == "hold"


def test_a_manual_release_holds_for_its_days():
    shop = Shop(limit=0, stock=10)
    order = shop.order(10)
    shop.erp.release_credit(order.id)
    shop.now += 5 * DAY_US
    assert shop.erp.recheck_order(order.id, 5).credit == "released"
    shop.now += 1
    assert shop.erp.recheck_order(order.id, 5).credit == "hold"


@pytest.mark.parametrize("free", ["cancel_order", "delete_order", "close_lines"])
def test_an_order_that_is_given_up_makes_room_for_a_held_one(free):
    shop = Shop(limit=100_00)
    large, waiting = shop.order(90), shop.order(20)
    assert waiting.credit == "hold"
    getattr(shop.erp, free)(*(large.id, [1]) if free == "close_lines" else (large.id,))
    assert waiting.credit == "passed"


def test_a_cancelled_order_cannot_be_released():
    shop = Shop(limit=0)
    order = shop.order(1)
    shop.erp.cancel_order(order.id)
    with refused("order-cancelled"):
        shop.erp.release_credit(order.id)


# ------------------------------------------------------------------------------------------- stock


def test_goods_received_go_to_the_orders_that_wait_first_come_first_served():
    shop = Shop(stock=3)
    orders = [shop.order(4) for _ in range(3)]
    shop.erp.receive_stock(shop.item, 6)
    assert [o.lines[0].committed for o in orders] == [4, 4, 1]
    assert shop.erp.backlog(shop.item) == 3


@pytest.mark.parametrize("free", ["cancel_order", "delete_order", "close_lines"])
def test_goods_reserved_for_an_order_that_is_given_up_go_to_those_who_wait(free):
    shop = Shop(stock=5)
    first, waiting = shop.order(5), shop.order(4)
    getattr(shop.erp, free)(*(first.id, [1]) if free == "close_lines" else (first.id,))
    assert waiting.lines[0].committed == 4


def test_goods_that_come_back_go_to_those_who_wait_and_come_back_once():
    shop = Shop(stock=5)
    invoice = shop.sold(5)
    waiting = shop.order(4)
    shop.erp.return_goods(invoice.id)
    assert waiting.lines[0].committed == 4
    with refused("already-returned"):
        shop.erp.return_goods(invoice.id)


def test_a_ship_complete_order_waits_for_all_and_leaves_whole():
    shop = Shop(stock=5)
    order = shop.order(8, ship_complete=True)
    with refused("nothing-to-ship"):
        shop.erp.deliver(order.id)
    shop.erp.receive_stock(shop.item, 3)
    with refused("ship-complete"):
        shop.erp.deliver(order.id, {1: 5})
    assert shop.erp.deliver(order.id, {1: 8}).lines[0].quantity == 8


def test_more_than_is_reserved_does_not_leave():
    shop = Shop(stock=5)
    order = shop.order(8)
    with refused("over-delivery"):
        shop.erp.deliver(order.id, {1: 6})
    shop.erp.deliver(order.id, {1: 5})
    assert rules.fulfilment_status(order) == "part shipped"
    shop.erp.receive_stock(shop.item, 3)
    shop.erp.deliver(order.id)
    assert rules.fulfilment_status(order) == "shipped"


# ----------------------------------------------------------------------------- billing and cash


def test_only_what_was_shipped_is_billed():
    shop = Shop(stock=10)
    order = shop.order(10)
    with refused("nothing-to-bill"):
        shop.erp.invoice_order(order.id)
    shop.erp.deliver(order.id, {1: 6})
    with refused("over-billing"):
        shop.erp.invoice_order(order.id, {1: 7})
    with refused("unknown-line"):
        shop.erp.invoice_order(order.id, {1: 6, 2: 1})
    assert shop.erp.invoice_order(order.id, {1: 2}).total_minor == 2_00
    assert shop.erp.invoice_order(order.id).total_minor == 4_00
    assert rules.billing_status(order) == "part billed"


def test_an_invoice_of_nothing_is_not_open():
    shop = Shop(stock=1)
    order = shop.erp.enter_order(shop.customer, [(shop.item, 1, 0)])
    shop.erp.deliver(order.id)
    shop.erp.invoice_order(order.id)
    assert not shop.erp.open_invoices.get(shop.customer)


def test_a_payment_may_cover_several_invoices_and_leave_the_rest_on_account():
    shop = Shop(stock=100)
    first, second = shop.sold(10), shop.sold(20)
    payment = shop.erp.receive_payment(shop.customer, 35_00, [(first.id, 10_00), (second.id, 15_00)])
    assert (first.open_minor, second.open_minor, payment.unapplied_minor) == (0, 5_00, 10_00)
    shop.erp.apply_payment(payment.id, [(second.id, 5_00)])
    assert (second.open_minor, payment.unapplied_minor) == (0, 5_00)
    assert shop.erp.trial_balance()["receivables"] == 0


def test_an_application_can_be_taken_back_up_to_what_was_applied():
    shop = Shop(stock=100)
    first, second = shop.sold(10), shop.sold(20)
    payment = shop.erp.receive_payment(shop.customer, 25_00, [(first.id, 10_00), (second.id, 15_00)])
    with refused("over-application"):
        shop.erp.unapply_payment(payment.id, first.id, 10_01)
    shop.erp.unapply_payment(payment.id, first.id, 4_00)
    assert (first.open_minor, payment.unapplied_minor) == (4_00, 4_00)
    assert list(shop.erp.open_invoices[shop.customer]) == [first.id, second.id], "oldest first, as before"
    with refused("over-application"):
        shop.erp.unapply_payment(payment.id, first.id, 6_01)


def test_cash_cannot_be_applied_to_what_is_not_owed():
    shop = Shop(stock=100)
    invoice = shop.sold(10)
    other = shop.erp.add_customer("Other", "EUR").id
    for customer, amount, to, code in (
        (shop.customer, 20_00, [(invoice.id, 10_01)], "over-application"),
        (shop.customer, 9_00, [(invoice.id, 10_00)], "over-application"),
        (shop.customer, 10_00, [(invoice.id, 5_00), (invoice.id, 5_00)], "over-application"),
        (other, 10_00, [(invoice.id, 10_00)], "other-customer"),
        (shop.customer, 10_00, [("999", 10_00)], "unknown-invoice"),
        (shop.customer, 0, [], "bad-amount"),
    ):
        with refused(code):
            shop.erp.receive_payment(customer, amount, to)
    assert shop.erp.state.payments == {}


def test_a_credit_of_a_paid_invoice_stays_on_account():
    shop = Shop(stock=100)
    invoice = shop.sold(10)
    shop.erp.receive_payment(shop.customer, 8_00, [(invoice.id, 8_00)])
    memo = shop.erp.issue_credit_memo(invoice.id, 5_00, "price")
    assert (invoice.open_minor, memo.unapplied_minor) == (0, 3_00)
    with refused("over-credit"):
        shop.erp.issue_credit_memo(invoice.id, 5_01, "price")


def test_an_external_id_belongs_to_one_customer_and_follows_a_change():
    shop = Shop()
    other = shop.erp.add_customer("Other", "EUR", external_id="crm-1").id
    with refused("duplicate-external-id"):
        shop.erp.update_customer(shop.customer, external_id="crm-1")
    shop.erp.update_customer(other, external_id="crm-2")
    shop.erp.update_customer(shop.customer, external_id="crm-1")
    assert shop.erp.by_external_id("customer", "crm-1") == shop.customer
    assert shop.erp.by_external_id("customer", "crm-2") == other

"""What people decide, at Business Central: orders cancelled, invoices credited, remainders written off, once each."""

import pytest
from tests.integration.connectors.test_business_central_connector import Bench, _lose

from o2c_twin.integration.model import Allocation, WriteOff

UNDO = "undo:bill:1"


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def billed(bench):
    """An order shipped and invoiced, of 6,497; the invoice's id."""
    order = bench.order()
    bench.shipped()
    return bench.do(bench.erp.bill(order, "bill:1", "c"))


def pay(bench, invoice, amount):
    customer = bench.do(bench.erp.customer_by_number("K-1"))
    bench.do(bench.erp.put_payment(bench.entry(amount), customer, [Allocation(invoice, amount)], "cash:B1", "c"))


def books(bench):
    balances = bench.core.trial_balance()
    return {name: balances.get(name, 0) for name in ("receivables", "revenue", "bank", "write-offs", "unapplied cash")}


# --- orders -----------------------------------------------------------------------------------------


def test_an_order_nothing_left_of_is_deleted_and_stays_so(bench):
    order = bench.order()
    bench.do(bench.erp.cancel_order(order, "c"))
    assert bench.core.state.orders == {}
    bench.do(bench.connect().cancel_order(order, "c"))
    assert bench.calls[-1].startswith("GET") and "salesInvoices" in bench.calls[-1]


def test_a_cancellation_whose_answer_was_lost_is_done_once(bench):
    order = bench.order()
    _lose(bench, "record.delete")
    assert bench.fails(bench.erp.cancel_order(order, "c")).cause == "unknown-outcome"
    again = bench.connect()
    assert bench.do(again.find("cancel_order", "undo:order:D1")) is None
    bench.do(again.cancel_order(order, "c"))
    assert bench.core.state.orders == {}


def test_an_order_that_has_shipped_or_is_invoiced_is_not_deleted(bench):
    order = bench.order()
    bench.shipped(_1=1)
    assert "associated with a shipment" in bench.fails(bench.erp.cancel_order(order, "c")).detail
    bench.shipped()
    bench.do(bench.erp.bill(order, "bill:1", "c"))
    failure = bench.fails(bench.erp.cancel_order(order, "c"))
    assert (failure.cause, failure.detail) == ("rejected", f"order {order} is invoiced; credit its invoices")
    assert len(bench.core.state.orders) == 1


# --- invoices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [False, True])
def test_an_unpaid_invoice_is_cancelled_once(bench, billed, lost):
    if lost:
        _lose(bench, "salesInvoices.cancel")
        assert bench.fails(bench.erp.credit_invoice(billed, UNDO, "c")).cause == "unknown-outcome"
    memo = bench.do(bench.connect().credit_invoice(billed, UNDO, "c"))
    (made,) = bench.core.state.credit_memos.values()
    assert memo == bench.dialect.shapes.credit_id(made.id)
    assert (made.amount_minor, bench.do(bench.erp.invoice(billed)).open_minor) == (6_497, 0)
    assert bench.do(bench.erp.credit_invoice(billed, UNDO, "c")) == memo
    assert len(bench.core.state.credit_memos) == 1


@pytest.mark.parametrize("lost", [None, "salesCreditMemos.create", "post"])
def test_of_an_invoice_paid_in_part_the_rest_is_credited_once(bench, billed, lost):
    pay(bench, billed, 2_000)
    if lost:
        _lose(bench, lost)
        assert bench.fails(bench.erp.credit_invoice(billed, UNDO, "c")).cause == "unknown-outcome"
    memo = bench.do(bench.connect().credit_invoice(billed, UNDO, "c"))
    assert bench.do(bench.connect().credit_invoice(billed, UNDO, "c")) == memo
    (made,) = bench.core.state.credit_memos.values()
    # What was paid of it is the customer's again.
    assert (made.amount_minor, made.unapplied_minor, made.account) == (6_497, 2_000, "revenue")
    assert bench.dialect.state.credits == {}
    failure = bench.fails(bench.erp.credit_invoice(billed, "undo:bill:2", "c"))
    assert failure.detail.startswith("nothing is left to credit")


# --- remainders -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [False, True])
def test_a_remainder_is_written_off_as_a_cost_once(bench, billed, lost):
    pay(bench, billed, 6_397)
    key, what = f"decided:write-off:{billed}:1", WriteOff(billed, 100, "USD", "bank charges")
    if lost:
        _lose(bench, "batch")
        assert bench.fails(bench.erp.write_off(what, key, "c")).cause == "unknown-outcome"
        document = bench.do(bench.connect().find("write_off", key))
    else:
        document = bench.do(bench.erp.write_off(what, key, "c"))
        assert bench.do(bench.erp.find("write_off", key)) == document
    assert document is not None
    assert bench.do(bench.erp.find("write_off", "decided:write-off:other:1")) is None
    assert bench.do(bench.erp.invoice(billed)).open_minor == 0
    assert books(bench) == {
        "receivables": 0, "revenue": -6_497, "bank": 6_397, "write-offs": 100, "unapplied cash": 0
    }  # fmt: skip


def test_more_than_is_open_and_another_currency_are_refused_and_leave_nothing(bench, billed):
    assert bench.fails(bench.erp.write_off(WriteOff(billed, 6_498, "USD", "x"), "k", "c")).cause == "rejected"
    assert bench.fails(bench.erp.write_off(WriteOff(billed, 100, "EUR", "x"), "k", "c")).cause == "rejected"
    assert (bench.dialect.state.lines, books(bench)["write-offs"]) == ({}, 0)


def test_without_a_journal_for_it_the_remedy_is_named(bench, billed):
    bench.dialect.state.journals.pop("2")
    failure = bench.fails(bench.erp.write_off(WriteOff(billed, 100, "USD", "x"), "k", "c"))
    assert failure.detail.startswith("no payment journal WRITEOFF; make it")

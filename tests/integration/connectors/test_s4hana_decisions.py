"""What people decide, at S/4HANA: orders released or rejected, invoices credited, remainders written off, once each."""

import pytest
from tests.integration.connectors.s4hana_bench import Bench, pay

from o2c_twin.integration.connectors.s4hana_partners import Organisation
from o2c_twin.integration.model import WriteOff

UNDO = "undo:bill:80000001"


@pytest.fixture
def bench():
    return Bench()


# --- orders -----------------------------------------------------------------------------------------


@pytest.fixture
def held(bench):
    customer = bench.customer()
    bench.core.update_customer(customer, hold="ON")
    return bench.order(customer)


@pytest.mark.parametrize("lost", [False, True])
def test_a_held_order_is_released_and_stays_so(bench, held, lost):
    if lost:
        bench.lost("creditBlock.releaseCreditBlock")
        assert bench.failure(bench.erp.release_order(held, "c")).cause == "unknown-outcome"
    bench.run(bench.connect().release_order(held, "c"))
    bench.run(bench.connect().release_order(held, "c"))
    assert bench.run(bench.erp.order(held)).credit == "passed"
    assert bench.core.state.orders[held].credit == "released"


def test_a_release_that_is_refused_of_an_order_that_is_held_says_so(bench, held):
    body = b'{"d":{"ReleaseCreditBlock":{"MessageType":"E","Message":"No authorization."}}}'
    bench.canned["POST /sap/opu/odata/sap/API_SLS_DOC_WITH_CREDIT_BLOCK/ReleaseCreditBlock"] = (200, body)
    failure = bench.failure(bench.erp.release_order(held, "c"))
    assert (failure.cause, failure.detail) == ("rejected", "No authorization.")
    assert bench.failure(bench.erp.release_order("99", "c")).cause == "missing"


@pytest.mark.parametrize("at", [None, 0, 1])
def test_an_order_is_rejected_item_by_item_wherever_it_is_interrupted(bench, at):
    bench.erp = bench.connect(organisation=Organisation(rejection_reason="50"))
    order = bench.order(bench.customer())
    if at is not None:
        for _ in range(at):
            bench.core.close_lines(order, [1])
        bench.lost("salesOrder.update")
        assert bench.failure(bench.erp.cancel_order(order, "c")).cause == "unknown-outcome"
    bench.run(bench.erp.cancel_order(order, "c"))
    bench.run(bench.erp.cancel_order(order, "c"))
    assert bench.run(bench.erp.order(order)).fulfilment == "cancelled"
    made = bench.core.state.orders[order]
    assert made.cancelled or all(line.closed for line in made.lines)
    kept = bench.dialect.books.extras.lines
    assert kept[f"{order}/2"]["SalesDocumentRjcnReason"] == "50"


def test_an_order_that_is_on_its_way_is_not_rejected(bench):
    _, order, _ = bench.shipped()
    failure = bench.failure(bench.erp.cancel_order(order, "c"))
    assert (failure.cause, failure.detail) == ("rejected", f"order {order} is delivered, in part or whole")
    assert bench.failure(bench.erp.cancel_order("99", "c")).cause == "missing"


def test_an_order_that_moves_between_reading_and_rejecting_is_read_again(bench):
    order = bench.order(bench.customer())
    real = bench.send

    async def moved(request):
        if request.method == "PATCH":
            bench.send = real
            bench.clock.us += 1_000_000
            bench.core.deliver(order, {1: 1})
        return await real(request)

    bench.erp = bench.connect()
    bench.send = moved
    assert bench.failure(bench.connect().cancel_order(order, "c")).cause == "unavailable"
    assert bench.failure(bench.erp.cancel_order(order, "c")).cause == "rejected"
    assert not bench.core.state.orders[order].cancelled


# --- invoices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("paid", [0, 2_000])
@pytest.mark.parametrize("lost", [None, "creditMemoRequest.create", "billingDocument.createFromSdDocument"])
def test_what_is_left_of_an_invoice_is_credited_once(bench, lost, paid):
    customer, invoice = bench.invoiced()
    if paid:
        bench.run(pay(bench, customer, paid, (invoice, paid)))
    if lost:
        bench.lost(lost)
        assert bench.failure(bench.erp.credit_invoice(invoice, UNDO, "c")).cause == "unknown-outcome"
        done = lost.startswith("billing")
        assert (bench.run(bench.connect().find("credit_invoice", UNDO)) is not None) is done
    memo = bench.run(bench.connect().credit_invoice(invoice, UNDO, "c"))
    assert bench.run(bench.connect().credit_invoice(invoice, UNDO, "c")) == memo
    assert bench.run(bench.erp.find("credit_invoice", UNDO)) == memo
    (made,) = bench.core.state.credit_memos.values()
    assert (made.id, made.amount_minor, made.unapplied_minor, made.account) == (memo, 6_497, paid, "revenue")
    assert len(bench.dialect.books.extras.credit_requests) == 1
    failure = bench.failure(bench.erp.credit_invoice(invoice, "undo:bill:other", "c"))
    assert failure.detail == f"nothing is left to credit of {invoice}"


def test_what_a_person_credited_is_not_credited_again(bench):
    _, invoice = bench.invoiced()
    bench.core.issue_credit_memo(invoice, 1_000, "price")
    bench.run(bench.erp.credit_invoice(invoice, None, "c"))
    assert [memo.amount_minor for memo in bench.core.state.credit_memos.values()] == [1_000, 5_497]


# --- remainders -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [None, "journalEntry.post", "journalEntry.clear"])
def test_a_remainder_is_written_off_as_a_cost_once(bench, lost):
    customer, invoice = bench.invoiced()
    bench.run(pay(bench, customer, 6_397, (invoice, 6_397)))
    key, what = f"decided:write-off:{invoice}:1", WriteOff(invoice, 100, "USD", "bank charges")
    if lost:
        bench.lost(lost)
        assert bench.failure(bench.erp.write_off(what, key, "c")).cause == "unknown-outcome"
        cleared = bench.run(bench.connect().find("write_off", key))
        assert (cleared is not None) is (lost == "journalEntry.clear")
    document = bench.run(bench.connect().write_off(what, key, "c"))
    assert bench.run(bench.connect().find("write_off", key)) == document
    # A receipt is another kind of document.
    assert bench.run(bench.erp.find("put_payment", key)) is None
    assert bench.run(bench.erp.invoice(invoice)).open_minor == 0
    balances = {name: amount for name, amount in bench.core.trial_balance().items() if amount}
    assert (balances["bank"], balances["write-offs"], balances["revenue"]) == (6_397, 100, -6_497)
    assert "receivables" not in balances and "unapplied cash" not in balances


def test_a_write_off_of_what_is_not_there_or_in_another_currency_is_refused(bench):
    _, invoice = bench.invoiced()
    assert bench.failure(bench.erp.write_off(WriteOff("99", 1, "USD", "x"), "k", "c")).cause == "missing"
    assert bench.failure(bench.erp.write_off(WriteOff(invoice, 1, "EUR", "x"), "k", "c")).cause == "rejected"
    assert bench.core.state.payments == {}

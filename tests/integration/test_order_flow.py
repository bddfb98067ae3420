"""Won deal to sales order, and what sales reads of it afterwards."""

import msgspec
import pytest

from o2c_twin.integration.model import Inbound, InvoiceStatus, Shipment

HOUR = 3_600
SECOND = 1_000_000


def _order(bench):
    (order_id,) = bench.erp.orders
    return order_id


def test_a_won_deal_becomes_one_customer_one_order_and_one_note(bench):
    bench.engine().receive(bench.won(number="K-1"))
    bench.pass_time(HOUR)
    order_id = _order(bench)
    assert bench.crm.notes["D1"] == {
        "order_number": f"SO{order_id}",
        "order_id": order_id,
        "credit": "passed",
        "fulfilment": "open",
    }
    assert bench.crm.erp_ids == {"A1": bench.erp.orders[order_id].customer_erp_id}
    assert bench.erp.calls.count("put_order") == bench.erp.calls.count("put_customer") == 1
    assert [(s.flow, s.object_id) for s in bench.seen.syncs] == [("customer", "K-1"), ("order", "R-D1")]


def test_a_deal_that_has_an_order_of_somebody_else_is_left_alone(bench):
    event = bench.won()
    bench.crm.notes["D1"]["order_id"] = "4711"
    bench.engine().receive(event)
    bench.pass_time(HOUR)
    assert bench.erp.calls == []


def test_the_second_deal_of_an_account_finds_its_customer(bench):
    engine = bench.engine()
    engine.receive(bench.won("D1"))
    engine.receive(bench.won("D2"))
    bench.pass_time(HOUR)
    assert len(bench.erp.customers) == 1
    assert len(bench.erp.orders) == 2


def test_accounts_with_one_customer_number_are_one_customer_where_they_are_matched(bench):
    engine = bench.engine(matching="exact-key")
    engine.receive(bench.won("D1", "A1", number="K-1"))
    bench.pass_time(HOUR)
    engine.receive(bench.won("D2", "A2", number="K-1", name="ACME HEAD OFFICE"))
    bench.pass_time(HOUR)
    assert [c.name for c in bench.erp.customers.values()] == ["Acme"]
    assert len(bench.erp.orders) == 2


def test_two_accounts_of_one_customer_won_in_the_same_second_are_one_customer(bench):
    engine = bench.engine(matching="exact-key")
    engine.receive(bench.won("D1", "A1", number="K-1"))
    engine.receive(bench.won("D2", "A2", number="K-1"))
    bench.pass_time(HOUR)
    assert len(bench.erp.customers) == 1
    assert {order.customer_erp_id for order in bench.erp.orders.values()} == set(bench.erp.customers)
    assert bench.reasons() == []


def test_unmatched_each_account_becomes_a_customer_without_a_number(bench):
    engine = bench.engine(matching="off")
    engine.receive(bench.won("D1", "A1", number="K-1"))
    engine.receive(bench.won("D2", "A2", number="K-1"))
    bench.pass_time(HOUR)
    assert [c.number for c in bench.erp.customers.values()] == [None, None]


def test_an_account_that_cannot_be_noted_is_a_case_and_the_order_goes_on(bench):
    bench.crm.trouble["note_party"] = [bench.failed("rejected")]
    bench.engine().receive(bench.won())
    bench.pass_time(HOUR)
    assert len(bench.erp.orders) == 1
    assert bench.crm.notes["D1"]["order_id"] == _order(bench)
    assert [(flow, object_id) for flow, object_id, _ in bench.seen.cases] == [("customer", "A1")]


def test_an_order_that_is_refused_is_a_case_and_the_next_deal_of_the_account_goes_on(bench):
    bench.erp.trouble["put_order"] = [bench.failed("rejected")]
    engine = bench.engine()
    engine.receive(bench.won("D1"))
    engine.receive(bench.won("D2"))
    bench.pass_time(HOUR)
    assert [(flow, object_id) for flow, object_id, _ in bench.seen.cases] == [("order", "D1")]
    assert [order.po_number for order in bench.erp.orders.values()] == ["PO-D2"]


# --- credit and delivery status ---------------------------------------------------------------------


def _noted(bench):
    notes = bench.crm.notes["D1"]
    return notes["credit"], notes["fulfilment"]


def test_sales_reads_each_change_of_an_order_once(bench):
    engine = bench.engine()
    engine.receive(bench.won())
    bench.pass_time(HOUR)
    notice = bench.erp.moves_on(_order(bench), credit="on hold")
    engine.receive(notice)
    bench.pass_time(HOUR)
    assert _noted(bench) == ("on hold", "open")
    told = bench.crm.calls.count("note_deal")
    engine.receive(bench.erp.moves_on(_order(bench)))
    bench.pass_time(HOUR)
    assert bench.crm.calls.count("note_deal") == told
    assert [s.flow for s in bench.seen.syncs][-1] == "credit"


def test_an_order_that_moves_on_while_sales_is_being_told_of_it_is_told_as_it_is(bench):
    # The order is read, then put on hold, and the notice of that handled, before sales has the first note.
    engine = bench.engine()
    bench.crm.takes_s = 30.0
    engine.receive(bench.won())
    while not bench.erp.orders:
        bench.pass_time(1)
    bench.pass_time(3)  # the flow has read the order by now, and its note is under way
    assert bench.erp.calls[-1] == "order"
    engine.receive(bench.erp.moves_on(_order(bench), credit="on hold"))
    bench.pass_time(HOUR)
    assert _noted(bench) == ("on hold", "open")


def test_when_a_person_had_to_tell_sales_of_the_order_its_later_changes_are_ours_again(bench):
    engine = bench.engine()
    bench.crm.trouble["note_deal"] = [bench.failed("rejected")]
    engine.receive(bench.won())
    bench.pass_time(HOUR)
    assert [flow for flow, _, _ in bench.seen.cases] == ["order"]
    engine.receive(bench.erp.moves_on(_order(bench), fulfilment="shipped"))
    bench.pass_time(HOUR)
    assert _noted(bench) == ("passed", "shipped")


def test_an_order_nobody_won_is_nobodys_news(bench):
    engine = bench.engine()
    bench.do(bench.erp.put_order(bench.crm.deals.setdefault("D1", _deal(bench)), "C1", {}, None, ""))
    engine.receive(bench.erp.moves_on(_order(bench), fulfilment="shipped"))
    bench.pass_time(HOUR)
    assert bench.crm.calls == []


def _deal(bench):
    bench.won("D9")
    return bench.crm.deals.pop("D9")


# --- the customer behind it -----------------------------------------------------------------------


def _account_changes(bench, at=None, **changes):
    at = bench.clock.now() // SECOND * SECOND if at is None else at
    bench.crm.parties["A1"] = msgspec.structs.replace(bench.crm.parties["A1"], modified_at=at, **changes)
    return Inbound(f"crm:party:A1:{at}", "customer", "A1", "party:A1", at)


def test_a_changed_account_changes_its_customer_once(bench):
    engine = bench.engine()
    engine.receive(bench.won())
    bench.pass_time(HOUR)
    engine.receive(_account_changes(bench, credit_limit_minor=5_000))
    bench.pass_time(HOUR)
    (customer,) = bench.erp.customers.values()
    assert customer.credit_limit_minor == 5_000
    engine.receive(_account_changes(bench))
    bench.pass_time(HOUR)
    assert bench.erp.calls.count("update_customer") == 1


def test_two_changes_of_one_second_both_reach_the_customer(bench):
    engine = bench.engine()
    engine.receive(bench.won())
    bench.pass_time(HOUR)
    stamp = bench.clock.now() // SECOND * SECOND
    bench.crm.takes_s = 0.1
    engine.receive(_account_changes(bench, stamp - 9 * SECOND))  # an old notice: the flow reads at once
    bench.crm.parties["A1"] = _limit(bench, stamp, 5_000)
    bench.pass_time(0.3)
    bench.crm.parties["A1"] = _limit(bench, stamp, 7_000)
    engine.receive(Inbound(f"crm:party:A1:{stamp}", "customer", "A1", "party:A1", stamp))
    bench.pass_time(HOUR)
    (customer,) = bench.erp.customers.values()
    assert customer.credit_limit_minor == 7_000


def _limit(bench, stamp, limit):
    return msgspec.structs.replace(bench.crm.parties["A1"], modified_at=stamp, credit_limit_minor=limit)


def test_the_journal_keeps_no_names_of_customers(bench):
    bench.engine().receive(bench.won(name="Ada Lovelace", email="ada@example.com"))
    bench.pass_time(HOUR)
    dump = "\n".join(bench.journal._db.iterdump())
    assert "Lovelace" not in dump
    assert "ada@" not in dump


def test_an_account_that_never_bought_is_no_customer(bench):
    bench.won()
    bench.engine().receive(_account_changes(bench))
    bench.pass_time(HOUR)
    assert bench.erp.calls == []


# --- deliveries and invoices ------------------------------------------------------------------------


def _ships(bench, shipment_id, order_id="O1"):
    bench.erp.shipments[shipment_id] = Shipment(shipment_id, f"IF{shipment_id}", order_id, bench.clock.now())
    return Inbound(f"erp:delivery:{shipment_id}", "delivery", shipment_id, f"order:{order_id}", bench.clock.now())


@pytest.mark.parametrize(("partials", "bills"), [("per-delivery", 3), ("first-only", 1)])
def test_each_delivery_is_billed_or_only_the_first(bench, partials, bills):
    engine = bench.engine(partials=partials)
    for name in ("S1", "S2", "S3"):
        engine.receive(_ships(bench, name))
    bench.pass_time(HOUR)
    assert len(bench.erp.invoices) == bills


def test_the_first_delivery_is_billed_although_the_engine_dies_in_the_middle_of_it(bench):
    bench.engine(partials="first-only").receive(_ships(bench, "S1"))
    while "bill" not in bench.erp.calls:
        bench.pass_time(0.1)
    bench.kill()
    bench.engine(partials="first-only").start()
    bench.pass_time(HOUR)
    assert len(bench.erp.invoices) == 1


def test_a_delivery_that_was_billed_with_another_is_no_news(bench):
    engine = bench.engine()

    async def nothing_left(order_id, key, correlation):
        return ""

    bench.erp.bill = nothing_left
    engine.receive(_ships(bench, "S1"))
    bench.pass_time(HOUR)
    assert bench.seen.syncs == []
    assert bench.reasons() == []


def _billed(bench, invoice_id, number, order_id, open_minor=100):
    at = bench.clock.now() // SECOND * SECOND
    bench.erp.invoices[invoice_id] = InvoiceStatus(invoice_id, number, order_id, 100, open_minor, at)
    return Inbound(f"erp:invoice:{invoice_id}:{at}", "invoice", invoice_id, f"order:{order_id}", at)


def test_sales_reads_the_invoices_of_a_deal_by_their_numbers_whatever_order_the_news_comes_in(bench):
    engine = bench.engine()
    engine.receive(bench.won())
    bench.pass_time(HOUR)
    order_id = _order(bench)
    engine.receive(_billed(bench, "900", "INV1000", order_id))
    engine.receive(_billed(bench, "901", "INV999", order_id))
    bench.pass_time(HOUR)
    notes = bench.crm.notes["D1"]
    assert (notes["invoice_number"], notes["payment"]) == ("INV999,INV1000", "Open")
    engine.receive(_billed(bench, "900", "INV1000", order_id, open_minor=0))
    bench.pass_time(HOUR)
    assert notes["payment"] == "Open"
    engine.receive(_billed(bench, "901", "INV999", order_id, open_minor=0))
    bench.pass_time(HOUR)
    assert notes["payment"] == "Paid"


def test_an_invoice_that_was_made_from_no_order_is_nobodys_news(bench):
    engine = bench.engine()
    engine.receive(_billed(bench, "900", "INV1", None))
    bench.pass_time(HOUR)
    assert bench.crm.calls == []
    assert bench.reasons() == []

"""The connector of an old ERP against its mock, in virtual time: every method, while nights pass."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest
from tests.integration.connectors.legacy_erp_rig import DAY, EDGES, HOUR, PARTY, failure_of, rigs, sending

from o2c_twin.integration.connectors.legacy_erp import SHEETS
from o2c_twin.integration.connectors.legacy_erp_edges import reference
from o2c_twin.integration.model import Allocation, BankEntry
from o2c_twin.mock_systems.vendors.legacy_erp import LegacyErpDialect
from o2c_twin.twin.time import guard


@pytest.fixture
def rig():
    with rigs() as build:
        yield build


# --- every method -----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", EDGES)
def test_an_order_goes_all_the_way_to_its_money(rig, way):
    r = rig(way)
    customer = r.write("put_customer", "customer:A1", PARTY)
    made = r.core.state.customers[customer]
    assert (made.number, made.name, made.terms_days, made.credit_limit_minor, made.email) == (
        ("K-7", "Müller & Söhne", 45, 500_000, "a@b.example")
    )
    items = r.do(r.erp.item_ids())
    assert items == {"WIDGET": "101"}
    assert r.do(r.erp.customer_by_number("K-7")) == customer
    assert r.do(r.erp.customer_by_number("K-0")) is None
    order_id = r.write("put_order", "order:D1", r.deal(), customer, items)
    status = r.do(r.erp.order(order_id))
    assert (status.number, status.external_id, status.po_number, status.customer_erp_id) == (
        (r.core.state.orders[order_id].number, "order:D1", "PO-D1", customer)
    )
    assert (status.credit, status.fulfilment) == ("passed", "open")
    since = r.clock.now()
    delivery = r.core.deliver(order_id)
    r.sleep(DAY)
    events, until = r.do(r.erp.changes(since))
    assert [(e.flow, e.object_id, e.lane) for e in events if e.flow == "delivery"] == [
        ("delivery", delivery.id, f"order:{order_id}")
    ]
    assert until > since
    shipment = r.do(r.erp.shipment(delivery.id))
    assert (shipment.number, shipment.order_erp_id) == (delivery.number, order_id)
    assert shipment.issued_at == delivery.issued_at // 1_000_000 * 1_000_000
    assert r.do(r.erp.order(order_id)).fulfilment == "shipped"
    invoice_id = r.write("bill", "bill:1", order_id)
    bill = r.do(r.erp.invoice(invoice_id))
    assert (bill.order_erp_id, bill.total_minor, bill.open_minor) == (order_id, 5_997, 5_997)
    assert r.do(r.erp.invoice_by_key("bill:1")) == invoice_id
    assert r.do(r.erp.invoice_by_key("bill:2")) is None
    (item,) = r.do(r.erp.open_items(customer))
    assert (item.erp_id, item.number, item.open_minor) == (invoice_id, bill.number, 5_997)
    assert r.do(r.erp.items_named([bill.number, "INV0"])) == [item]
    entry = BankEntry("B1", 5_997, "EUR", "2026-01-07", None, bill.number, "Müller", None)
    r.write("put_payment", "cash:B1", entry, customer, [Allocation(invoice_id, 5_997)])
    (payment,) = r.core.state.payments.values()
    assert (payment.reference, payment.external_id, payment.unapplied_minor) == ("B1", "cash:B1", 0)
    r.sleep(DAY)
    r.do(r.erp.changes(r.clock.now()))
    assert r.do(r.erp.invoice(invoice_id)).open_minor == 0
    assert r.do(r.erp.open_items(customer)) == []
    changed = msgspec.structs.replace(PARTY, name="Müller AG", terms_days=30)
    r.write("update_customer", "customer:A1:2", customer, changed)
    after = r.core.state.customers[customer]
    assert (after.name, after.terms_days, after.number) == ("Müller AG", 30, "K-7")
    assert len(r.core.state.customers) == 2 and len(r.core.state.orders) == 1


@pytest.mark.parametrize("way", EDGES)
def test_nothing_happens_before_the_night(rig, way):
    r = rig(way)
    r.do(r.erp.changes(0))
    failure = failure_of(r, r.erp.put_order(r.deal(), r.old.id, {"WIDGET": "101"}, "order:D1", "c"))
    assert (failure.cause, failure.retry_after_s) == ("pending", 900.0)
    if way != "queue":
        r.until(21)
        assert failure_of(r, r.erp.find("put_order", "order:D1")).cause == "pending"
    assert r.core.state.orders == {}
    r.until(23)
    (order_id,) = r.core.state.orders
    assert r.do(r.erp.put_order(r.deal(), r.old.id, {"WIDGET": "101"}, "order:D1", "c")) == order_id
    if way != "queue":
        assert r.do(r.erp.find("put_order", "order:D1")) == order_id
        assert r.do(r.erp.find("put_order", "order:D2")) is None


@pytest.mark.parametrize("way", EDGES)
def test_a_document_the_erp_refuses_is_a_refusal_with_its_words(rig, way):
    r = rig(way)
    r.do(r.erp.changes(0))
    taken = msgspec.structs.replace(PARTY, number="K-1")
    assert failure_of(r, r.erp.put_customer(taken, "customer:A1", "c")).cause == "pending"
    r.until(23)
    failure = failure_of(r, r.erp.put_customer(taken, "customer:A1", "c"))
    assert failure.cause == "rejected" and "NUMBER-TAKEN" in failure.detail
    if way != "queue":
        sent = len(r.journal(sending(way)))
        assert r.do(r.erp.find("put_customer", "customer:A1")) is None
        assert failure_of(r, r.erp.put_customer(taken, "customer:A1", "c")).cause == "rejected"
        assert len(r.journal(sending(way))) == sent


@pytest.mark.parametrize("way", EDGES)
def test_a_write_without_a_key_waits_in_the_call(rig, way):
    r = rig(way)
    r.do(r.erp.changes(0))
    order_id = r.do(r.erp.put_order(r.deal(), r.old.id, {"WIDGET": "101"}, None, "c"))
    assert list(r.core.state.orders) == [order_id]
    assert datetime.fromtimestamp(r.clock.now() / 1e6, UTC).hour == 22


def test_a_write_without_a_key_gives_up_in_the_end_and_is_doubled_by_who_sends_it_again(rig):
    r = rig(connector={"answer_within_s": 4 * HOUR})
    r.do(r.erp.changes(0))
    for _ in range(2):
        failure = failure_of(r, r.erp.put_order(r.deal(), r.old.id, {"WIDGET": "101"}, None, "c"))
        assert failure.cause == "pending"
    r.until(23)
    assert len(r.core.state.orders) == 2


def test_what_shipped_is_billed_once_whoever_asks(rig):
    r = rig(night_billing=True)
    order_id = r.order()
    r.core.deliver(order_id)
    r.sleep(DAY)
    assert r.write("bill", "bill:1", order_id) == ""
    assert len(r.core.state.invoices) == 1


@pytest.mark.parametrize("write", ["put_order", "put_payment"])
def test_an_amount_in_another_currency_is_refused_and_not_sent(rig, write):
    r = rig(connector={"currency": "USD"})
    entry = BankEntry("B1", 100, "EUR", "2026-01-05", None, "", None, None)
    call = (
        r.erp.put_order(r.deal(), r.old.id, {"WIDGET": "1"}, "k", "c")
        if write == "put_order"
        else r.erp.put_payment(entry, r.old.id, [], "k", "c")
    )
    assert failure_of(r, call).cause == "rejected"
    assert r.journal("partner.file.write") == []


def test_a_product_the_erp_does_not_have_is_refused_and_not_sent(rig):
    r = rig()
    failure = failure_of(r, r.erp.put_order(r.deal(), r.old.id, {}, "k", "c"))
    assert (failure.cause, failure.detail) == ("rejected", "no item WIDGET in the ERP")


def test_before_the_masters_were_loaded_nothing_is_said_about_them(rig):
    r = rig(initial_load=False)
    for call in (r.erp.item_ids(), r.erp.customer_by_number("K-1")):
        failure = failure_of(r, call)
        assert (failure.cause, failure.retry_after_s) == ("pending", 900.0)
    # It asked for them: the next window brings them.
    r.until(23)
    assert r.do(r.erp.item_ids()) == {"WIDGET": "101"}
    assert r.do(r.erp.customer_by_number("K-1")) == r.old.id


def test_a_push_is_somebody_elses(rig):
    r = rig()
    with pytest.raises(ValueError, match="no notices"):
        r.erp.pushed(b"{}", {})


# --- the sheet --------------------------------------------------------------------------------------


@pytest.mark.parametrize("edge", ["file", "table", "queue"])
def test_the_sheet_claims_what_the_mock_promises(edge):
    promised = {promise.operation: promise for promise in LegacyErpDialect.promises}
    for claim in SHEETS[edge]:
        promise = promised.pop(claim.operation)
        assert (claim.guard, claim.retention_s, claim.index_lag_s) == (
            (promise.guard, promise.retention_s, promise.index_lag_s)
        )
        assert (claim.version_guard, claim.bulk_limit, claim.partial, claim.deletes_visible) == (
            (promise.version_guard, promise.bulk_limit, promise.partial, promise.deletes_visible)
        )
    assert [name for name in promised if name.startswith(f"{edge}.")] == []


# --- the feed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", EDGES)
def test_the_feed_tells_of_everything_once_by_when_it_arrived(rig, way):
    r = rig(way)
    r.do(r.erp.changes(0))
    began = r.clock.now()
    orders = [r.core.enter_order(r.old.id, [("101", 1, 2_000)]) for _ in range(150)]
    r.until(21)
    assert r.do(r.erp.changes(began)) == ([], began)  # it happened, and nobody knows
    r.until(23)
    asked = r.clock.now()
    events, until = r.do(r.erp.changes(began))
    assert sorted(e.object_id for e in events) == sorted(order.id for order in orders)
    assert {e.flow for e in events} == {"order-status"} and until == asked
    assert r.do(r.erp.changes(asked + 1))[0] == []
    # Told again to who asks again for the time it arrived in.
    assert len(r.do(r.erp.changes(asked - 1))[0]) == 150


@pytest.mark.parametrize("way", ["file", "markers", "table"])
def test_a_new_life_knows_what_the_old_one_read(rig, way):
    r = rig(way)
    order_id = r.order()
    r.core.deliver(order_id)
    r.sleep(DAY)
    r.do(r.erp.changes(0))
    new = r.connect()
    assert r.do(new.order(order_id)) == r.do(r.erp.order(order_id))
    assert r.do(new.item_ids()) == {"WIDGET": "101"}
    assert r.do(new.find("put_order", "order:D1")) == order_id
    assert new.mirror.shipments == r.erp.mirror.shipments
    # What the night before the last question brought is not told again, what came since is.
    assert r.do(new.changes(r.clock.now() - 1))[0] == []
    assert {e.flow for e in r.do(new.changes(0))[0]} == {"order-status", "delivery"}


def test_a_new_life_at_a_queue_asks_for_everything_and_gets_it_by_night(rig):
    r = rig("queue")
    order_id = r.order()
    r.do(r.erp.changes(0))
    new = r.connect()
    assert failure_of(r, new.order(order_id)).cause == "pending"
    r.sleep(DAY)
    assert r.do(new.order(order_id)).erp_id == order_id
    assert r.do(new.item_ids()) == {"WIDGET": "101"}


def test_a_document_that_makes_no_sense_stops_no_other(rig):
    r = rig("queue")
    r.do(r.erp.changes(0))
    for body in (b"{", b'{"type":"ORD","head":{},"lines":[]}', b'{"type":"OST","head":{"AT":"x"},"lines":[]}'):
        r.do(r.dialect.media.queues.publish("erp.out", body, "m", "x"))
    assert r.order() in r.core.state.orders
    assert r.erp.mirror.unread == 3


@pytest.mark.parametrize("way", EDGES)
def test_a_week_of_it_touches_no_clock_thread_or_socket(rig, way):
    r = rig(way)

    async def polls():
        while True:
            await r.erp.changes(0)
            await asyncio.sleep(1_800)

    r.env.spawn(polls(), "polls")
    with guard():
        r.env.run(until=round(3 * DAY * 1e6))
    assert r.dialect.state.rounds > 60 and r.erp.mirror.items == {"WIDGET": "101"}


# --- references -------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["order:0060e0000000001AAA", "bill:103", "cash:B000000001"])
def test_the_usual_keys_are_their_own_references(key):
    assert reference(key) == key


@pytest.mark.parametrize("key", ["", "k" * 41, "cash:1 2", "cash:ü", "#cash", "a\nb"])
def test_other_keys_get_a_reference_that_fits_and_stands_for_them_alone(key):
    ref = reference(key)
    assert len(ref) == 33 and ref[0] == "#" and ref.isascii()
    assert ref != reference(key + "x")

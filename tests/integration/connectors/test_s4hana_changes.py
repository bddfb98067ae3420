"""How the S/4HANA connector hears what changed: the feed, and pushes."""

import asyncio
import json
import re

import pytest
from tests.integration.connectors.s4hana_bench import DEAL, PARTY, SECOND, Bench

from o2c_twin.integration.runtime.errors import NotAuthentic
from o2c_twin.mock_systems.vendors.s4hana import S4HanaConfig, Subscription


@pytest.fixture
def bench():
    return Bench()


# --- changes ----------------------------------------------------------------------------------------


def test_changes_are_events_in_the_lane_of_their_order(bench):
    _, order, delivery = bench.shipped()
    invoice = bench.run(bench.erp.bill(order, f"bill:{delivery}", "b"))
    events, until = bench.run(bench.erp.changes(0))
    assert [(event.flow, event.object_id, event.lane) for event in events] == [
        ("order-status", order, f"order:{order}"),
        ("delivery", delivery, f"order:{order}"),
        ("invoice", invoice, f"order:{order}"),
    ]
    assert until == max(event.source_at for event in events)
    again, later = bench.run(bench.erp.changes(until))
    assert {event.event_id for event in again} <= {event.event_id for event in events}
    assert later == until


def test_no_change_is_missed_by_polls_that_follow_each_other(bench):
    customer = bench.customer()
    seen, since = set(), 0
    for n in range(12):
        order = bench.order(customer, f"order:{n}")
        bench.clock.us += n * 377_123
        if n % 2:
            bench.core.deliver(order)
        if n % 3 == 2:
            events, since = bench.run(bench.erp.changes(since))
            seen |= {event.event_id for event in events}
    events, since = bench.run(bench.erp.changes(since))
    seen |= {event.event_id for event in events}
    for kind, table in (("order-status", bench.core.state.orders), ("delivery", bench.core.state.deliveries)):
        assert {event.split(":")[2] for event in seen if f":{kind}:" in event} == set(table)


def test_a_change_between_two_lists_of_one_poll_is_seen_by_the_next(bench):
    customer = bench.customer()
    first = bench.order(customer, "order:1")
    send, moved = bench.send, []

    async def meddled(request):
        if "OUTB" in request.path.upper() and not moved:
            bench.clock.us += SECOND
            moved.append(bench.core.update_order(first, memo="meanwhile").modified_at)
            bench.clock.us += SECOND
            bench.core.deliver(first)
        return await send(request)

    bench.send = meddled
    seen, since = bench.run(bench.erp.changes(0))
    more, _ = bench.run(bench.erp.changes(since))
    stamps = {event.source_at for event in [*seen, *more] if event.flow == "order-status"}
    assert bench.core.state.orders[first].modified_at // 1_000 * 1_000 in stamps


def test_more_changes_than_a_page_holds_are_all_found():
    bench = Bench(S4HanaConfig(page_size=3))
    customer = bench.customer()
    at = bench.clock.us
    for n in range(10):
        bench.clock.us = at + (n // 5) * SECOND  # five of each instant
        bench.core.enter_order(customer, [(bench.core.items_by_sku["TG11"].id, 1, 100)], po_number=str(n))
    events, _ = bench.run(bench.erp.changes(0))
    assert {event.object_id for event in events} == set(bench.core.state.orders)


# --- pushes -----------------------------------------------------------------------------------------


def test_a_push_is_the_event_a_poll_would_have_found(bench):
    bench = Bench(push_authorization="Bearer broker")
    bench.dialect.subscribe(Subscription("http://engine/erp", "Bearer broker"))

    async def story():
        customer = await bench.erp.put_customer(PARTY, None, "c")
        order = await bench.erp.put_order(DEAL, customer, {"TG11": "TG11", "TG12": "TG12"}, None, "o")
        await asyncio.sleep(0)
        partners = {(each.flow, each.object_id, each.lane) for each in (await bench.erp.customer_changes(0))[0]}
        return order, (await bench.erp.changes(0))[0], partners

    order, polled, partners = bench.run(story())
    pushed = []
    for headers, body in bench.outbox:
        lowered = {name.lower(): value for name, value in headers.items()}
        events, acknowledgement = bench.erp.pushed(body, lowered)
        assert acknowledgement == b""
        pushed += events
        with pytest.raises(NotAuthentic):
            bench.erp.pushed(body, {**lowered, "authorization": "Bearer other"})
    assert order == "1"
    assert [event for event in pushed if event.flow != "customer-master"] == polled
    assert {(e.flow, e.object_id, e.lane) for e in pushed if e.flow == "customer-master"} == partners
    assert len(partners) == 1


@pytest.mark.parametrize("id_", ["../x", "", "1/2", "٣", "9" * 11])
def test_an_id_that_is_none_is_refused_before_it_gets_into_an_address(bench, id_):
    for kind in ("SalesOrder", "BusinessPartner"):
        event = {"type": f"sap.s4.beh.{kind.lower()}.v1.{kind}.Changed.v1", "time": "2026-01-05T10:00:00Z"}
        with pytest.raises(ValueError, match=f"no {kind} has this number"):
            bench.erp.pushed(json.dumps({**event, "data": {kind: id_}}).encode(), {})


@pytest.mark.parametrize("kind", ["billingdocument.v1.BillingDocument.Created", "salesorder.v1.SalesOrder.Deleted"])
def test_what_is_left_to_the_poll_is_taken_and_forgotten(bench, kind):
    event = {"type": f"sap.s4.beh.{kind}.v1", "time": "2026-01-05T10:00:00Z", "data": {"SalesOrder": "1"}}
    assert bench.erp.pushed(json.dumps(event).encode(), {}) == ([], b"")


def test_every_call_carries_its_correlation(bench):
    bench.order(bench.customer())
    writes = [request for request in bench.sent if request.method == "POST"]
    assert {request.headers["x-correlation-id"] for request in writes} == {"c", "o"}
    assert all(re.fullmatch(r"Basic \S+", request.headers["authorization"]) for request in bench.sent)

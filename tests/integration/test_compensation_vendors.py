"""Compensation over the real mocks of Salesforce and each ERP: an order is cancelled, an invoice credited, once each.

The two stories are told as those of `test_crash_points` are, with a mishap at every edge from the moment a person says
what is to be undone.
"""

import asyncio

import pytest
from tests.integration.crash_edges import Died
from tests.integration.test_crash_points import HOUR, MINUTE, _won_deal
from tests.integration.vendor_stage import broken_at_any_edge


def _person(stage, keys):
    """Says what is to be undone, and says it again when the process died over it."""

    async def say():
        while True:
            if stage.engine is not None:
                try:
                    stage.engine.undo(keys)
                except Died:
                    continue
                return
            await asyncio.sleep(120)

    stage.counted = True
    stage.env.spawn(say(), "person")
    stage.env.run(until=stage.env.now + 2 * HOUR)


def withdrawn(stage):
    """A deal is taken back after its order was entered."""
    stage.estate.erp.add_item("WIDGET", "Widget", 2_500, 1_000, "EUR", 6)
    stage.start()
    stage.env.run(until=10 * MINUTE)
    _won_deal(stage, 4)
    stage.env.run(until=20 * MINUTE)
    (deal,) = stage.estate.crm.state.opportunities
    _person(stage, [f"order:{deal}", f"note:order:{deal}"])


def returned(stage):
    """Goods come back after their invoice."""
    erp = stage.estate.erp
    erp.add_item("WIDGET", "Widget", 2_500, 1_000, "EUR", 6)
    stage.start()
    stage.env.run(until=10 * MINUTE)
    _won_deal(stage, 4)
    stage.env.run(until=20 * MINUTE)
    (order,) = erp.state.orders
    delivery = erp.deliver(order).id
    # Some ERPs tell of a goods issue, others are asked.
    while not erp.state.invoices:
        stage.env.run(until=stage.env.now + 10 * MINUTE)
    stage.env.run(until=stage.env.now + 10 * MINUTE)
    _person(stage, [f"bill:{stage.erp_name('shipment', delivery)}"])


def _seen(stage):
    erp, crm, fields = stage.estate.erp.state, stage.estate.crm.state, stage.estate.crm_fields
    (deal,) = crm.opportunities.values()
    return {
        "orders cancelled": [order.cancelled for order in erp.orders.values()],
        "credited and open": [(each.credited_minor, each.open_minor) for each in erp.invoices.values()],
        "credit memos": [(each.amount_minor, each.unapplied_minor) for each in erp.credit_memos.values()],
        "sales reads": tuple(deal.custom.get(name) or "" for name in (fields.erp_order_number, fields.fulfilment)),
        "cases": [case.reason for case in stage.journal.cases()],
        "open events": [event.event_id for event in stage.journal.pending()],
        "effects without an outcome": [effect.key for effect in stage.journal.unsettled()],
    }


END = {"cases": [], "open events": [], "effects without an outcome": []}
# Business Central has no order that is cancelled: it is deleted.
ORDERS = {"netsuite": [True], "business_central": [], "s4hana": [True]}
STORIES = {
    withdrawn: {
        **END,
        "credited and open": [],
        "credit memos": [],
        # Its number is gone; what becomes of the order is news like any other.
        "sales reads": ("", "cancelled"),
    },
    returned: {
        **END,
        "orders cancelled": [False],
        "credited and open": [(10_000, 0)],
        "credit memos": [(10_000, 0)],
    },
}


@pytest.mark.parametrize("vendor", ORDERS)
@pytest.mark.parametrize("story", STORIES)
def test_a_mishap_at_any_edge_of_it_doubles_nothing_and_loses_nothing(story, vendor, record_property):
    end = {"orders cancelled": ORDERS[vendor], **STORIES[story]}
    broken, points = broken_at_any_edge(vendor, story, _seen, end)
    record_property("crash points", points)
    assert broken == {}
    assert points > 20

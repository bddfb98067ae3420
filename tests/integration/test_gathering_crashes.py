"""Effectively once with gathered notes, by exhaustion: the engine dies at every edge there is, bulk calls among them.

As `test_crash_points`, with three deals that are won at once and told to sales in calls for many, over Salesforce's
collections and HubSpot's batches; one deal is deleted in the CRM before the second round of notes, so that each bulk
call of it has a bad item among good ones.
"""

from dataclasses import replace

import pytest
from tests.integration.crash_edges import CALL_EDGES, WRITE_EDGES
from tests.integration.test_crash_points import HOUR, MINUTE, PLAN, Point, Stage

from o2c_twin.integration.profile import DesignProfile
from o2c_twin.twin.plan import SystemPlan
from o2c_twin.twin.world.views import news_of_order

DEALS = 3
BULK = {
    "salesforce": "PATCH /services/data/v59.0/composite/sobjects",
    "hubspot": "POST /crm/v3/objects/deals/batch/update",
}


def _staged(vendor, batching):
    class Gathering(Stage):
        plan = replace(PLAN, systems={**PLAN.systems, "crm": SystemPlan(vendor, latency_s=0.20)})
        design = DesignProfile(batching=batching)

        def __init__(self, mishaps=()):
            super().__init__(mishaps)
            self.bulk = 0

        async def send(self, request):
            self.bulk += self.counted and f"{request.method} {request.path}" == BULK[vendor]
            return await super().send(request)

    return Gathering


def _won_at_once(stage):
    """As many customers of whom the ERP has never heard buy for 500.00 each, and may owe 250.00."""
    crm, fields = stage.estate.crm, stage.estate.crm_fields
    product = crm.create("product", {"code": "WIDGET", "name": "Widget", "price_minor": 2_500})
    won = []
    for n in range(DEALS):
        custom = {fields.customer_number: f"K-{n}", fields.terms_days: 30, fields.credit_limit: 250}
        account = crm.create("account", {"name": f"Acme {n}", "city": "Berlin"}, custom)
        values = {"name": "Deal", "stage": "Negotiation/Review", "close_date": "2026-01-05", "account_id": account.id}
        custom = {fields.po_number: f"PO-{n}", fields.deal_ref: f"D-{n}"}
        deal = crm.create("opportunity", {**values, "currency": "EUR"}, custom)
        line = {"opportunity_id": deal.id, "product_id": product.id, "quantity": 20, "unit_price_minor": 2_500}
        crm.create("line", line)
        won.append(deal.id)
    for deal_id in won:
        crm.update("opportunity", deal_id, {"stage": "Closed Won"})
    return won


def _story(stage):
    """Deals over the credit limit become orders on hold; one is deleted, then all customers are trusted with more."""
    erp = stage.estate.erp
    erp.add_item("WIDGET", "Widget", 2_500, 1_000, "EUR", 6)
    stage.start()
    stage.counted = True
    stage.env.run(until=10 * MINUTE)
    won = _won_at_once(stage)
    stage.env.run(until=HOUR)
    stage.estate.crm.delete("opportunity", won[1])
    for order in list(erp.state.orders.values()):
        erp.release_credit(order.id)
    stage.env.run(until=2 * HOUR)


def _seen(stage):
    erp, crm, fields, journal = stage.estate.erp, stage.estate.crm.state, stage.estate.crm_fields, stage.journal
    by_po = {order.po_number: order for order in erp.state.orders.values()}
    wrong = {}
    for deal in crm.opportunities.values():
        order = by_po[deal.custom[fields.po_number]]
        for name, value in news_of_order(erp, order, order.id).items():
            if deal.custom.get(getattr(fields, name)) != value:
                wrong[deal.custom[fields.po_number], name] = (deal.custom.get(getattr(fields, name)), value)
    return {
        "customers": sorted(c.number for c in erp.state.customers.values()),
        "orders": sorted((o.po_number, sum(line.quantity for line in o.lines)) for o in erp.state.orders.values()),
        "deals": len(crm.opportunities),
        "what sales reads that is not so": wrong,
        "cases": [(case.kind, case.flow) for case in journal.cases()],
        "open events": [event.event_id for event in journal.pending()],
        "effects without an outcome": journal._run(
            "select state, write from effect where state not in ('done', 'dead')"
        ).fetchall(),
        "dead": journal._run("select write from effect where state = 'dead'").fetchall(),
    }


END = {
    "customers": [f"K-{n}" for n in range(DEALS)],
    "orders": [(f"PO-{n}", 20) for n in range(DEALS)],
    "deals": DEALS - 1,
    "what sales reads that is not so": {},
    "cases": [("refused", "order-status")],
    "open events": [],
    "effects without an outcome": [],
    "dead": [("note_deal",)],
}


def _told(staged, *mishaps):
    stage = staged(mishaps)
    try:
        _story(stage)
        return _seen(stage), stage
    finally:
        stage.close()


@pytest.mark.parametrize(("vendor", "batching"), [("salesforce", "large"), ("hubspot", "small")])
def test_one_mishap_at_any_edge_of_gathered_notes_doubles_nothing_and_loses_nothing(vendor, batching, record_property):
    staged = _staged(vendor, batching)
    found, whole = _told(staged)
    assert found == END
    # The orders' own numbers, then the released credit: what is told twice is told together.
    assert whole.bulk == 2
    points = [Point(edge, n) for n in range(whole.calls) for edge in CALL_EDGES]
    points += [Point(edge, n) for edge in WRITE_EDGES for n in range(whole.writes[edge])]
    broken = {}
    for point in points:
        found, stage = _told(staged, point)
        assert stage.lives == (2 if point.edge.startswith("dies") else 1), f"{point}: never reached"
        if found != END:
            broken[point] = {name: found[name] for name in END if found[name] != END[name]}
    print(f"{vendor}, {batching}: {whole.calls} calls, {whole.bulk} of them bulk, {len(points)} crash points")
    record_property("crash points", len(points))
    assert broken == {}
    assert len(points) > 200

"""What people decide, and what the cash ladder does, over the real mocks of each ERP: done once at any mishap.

An order is released from its hold, a remainder is written off, and so is what a bank kept of a payment; a discount that
was earned by paying early is granted.
"""

import asyncio

import pytest
from tests.integration.crash_edges import Died
from tests.integration.test_crash_points import HOUR, MINUTE, MONDAY, _won_deal
from tests.integration.vendor_stage import broken_at_any_edge

from o2c_twin.integration.flows.decided import decide, release_event, write_off_event
from o2c_twin.integration.model import WriteOff
from o2c_twin.mock_systems.roles.erp import EarlyPayment
from o2c_twin.twin.world.settings import WorldSettings

_ACCOUNTS = ("bank", "write-offs", "discounts granted", "receivables", "unapplied cash")
VENDORS = ("netsuite", "s4hana", "business_central")


def _decides(stage, event, decision):
    """A person decides, and decides the same again when the process died over it."""

    async def say():
        while True:
            if stage.engine is not None:
                try:
                    with stage.journal.together():
                        decide(stage.engine, event, decision)
                except Died:
                    continue
                return
            await asyncio.sleep(120)

    stage.counted = True
    stage.env.spawn(say(), "person")
    stage.env.run(until=stage.env.now + 2 * HOUR)


def _invoiced(stage):
    """An invoice of 100.00 that was there before the engine; it is not told of it."""
    erp = stage.estate.erp
    item = erp.add_item("WIDGET", "Widget", 2_500, 1_000, "EUR", 100)
    customer = erp.add_customer("Acme", "EUR")
    order = erp.enter_order(customer.id, [(item.id, 4, 2_500)])
    erp.deliver(order.id)
    invoice = erp.invoice_order(order.id)
    stage.env.run(until=10 * MINUTE)
    stage.start()
    stage.journal.move("erp", str(stage.clock.now()))
    return customer, invoice


def released(stage):
    """A deal over the limit is an order on hold, until credit control lets it go."""
    erp = stage.estate.erp
    erp.add_item("WIDGET", "Widget", 2_500, 1_000, "EUR", 100)
    stage.start()
    stage.env.run(until=10 * MINUTE)
    _won_deal(stage, 20)
    stage.env.run(until=HOUR)
    (order,) = erp.state.orders.values()
    assert order.credit == "hold"
    _decides(stage, release_event(stage.erp_name("order", order.id), 1, stage.clock.now()), {"by": "ann"})


def written_off(stage):
    """A customer has paid half a euro less, and nobody asks for it any more."""
    customer, invoice = _invoiced(stage)
    stage.estate.erp.receive_payment(customer.id, 9_950, [(invoice.id, 9_950)], reference="B1")
    what = WriteOff(stage.erp_name("invoice", invoice.id), 50, "EUR", "short")
    _decides(stage, write_off_event(what, None, 1, stage.clock.now()), what)


def charged(stage):
    """A bank kept half a euro of a payment that names its invoice."""
    _, invoice = _invoiced(stage)
    stage.counted = True
    bank = stage.estate.bank
    account, text = stage.estate.bank_account_id, (invoice.number,)
    bank.credit(account, 9_950, end_to_end_id=None, remittance=text, counterparty="ACME", counterparty_iban=None)
    bank.close_day(MONDAY)
    stage.env.run(until=2 * HOUR)


def early(stage):
    """A customer pays within ten days, less the two per cent its terms let it keep."""
    stage.estate.erp.early_payment = EarlyPayment(200, 10)
    _, invoice = _invoiced(stage)
    stage.counted = True
    bank = stage.estate.bank
    account, text = stage.estate.bank_account_id, (invoice.number,)
    bank.credit(account, 9_800, end_to_end_id=None, remittance=text, counterparty="ACME", counterparty_iban=None)
    bank.close_day(MONDAY)
    stage.env.run(until=2 * HOUR)


def _seen(stage):
    erp = stage.estate.erp
    balances = erp.trial_balance()
    return {
        "orders": [order.credit for order in erp.state.orders.values()],
        "open": [invoice.open_minor for invoice in erp.state.invoices.values()],
        "books": {name: balances.get(name, 0) for name in _ACCOUNTS},
        "revenue": balances.get("revenue", 0),
        "cases": [case.reason for case in stage.journal.cases()],
        "open events": [event.event_id for event in stage.journal.pending()],
        "effects without an outcome": [effect.key for effect in stage.journal.unsettled()],
    }


END = {"cases": [], "open events": [], "effects without an outcome": []}
PAID = {
    **END,
    "open": [0],
    "books": {"bank": 9_950, "write-offs": 50, "discounts granted": 0, "receivables": 0, "unapplied cash": 0},
    "revenue": -10_000,
}
EARLY = {
    **PAID,
    "books": {"bank": 9_800, "write-offs": 0, "discounts granted": 200, "receivables": 0, "unapplied cash": 0},
}
STORIES = {released: {**END, "orders": ["released"]}, written_off: PAID, charged: PAID, early: EARLY}


@pytest.mark.parametrize(
    ("story", "vendor"),
    [(story, vendor) for story in STORIES for vendor in VENDORS if (story, vendor) != (released, "business_central")],
)
def test_a_mishap_at_any_edge_of_it_doubles_nothing_and_loses_nothing(story, vendor, record_property):
    world = WorldSettings(early_discount=0.02) if story is early else WorldSettings()
    broken, points = broken_at_any_edge(vendor, story, _seen, STORIES[story], world)
    record_property("crash points", points)
    assert broken == {}
    assert points > 20

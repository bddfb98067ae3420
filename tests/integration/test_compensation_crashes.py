"""Compensation at every edge: what is undone is undone once, and what is not is on somebody's desk.

Two stories, told as those of `test_crash_classes` are: a flow whose rule it is to undo what it did when it dies, and a
person who names what is to be undone.
"""

import asyncio

import pytest
from tests.integration.conftest import START
from tests.integration.crash_edges import Died
from tests.integration.test_crash_classes import GUARDS, GuardedCrm, GuardedErp, broken_at, order_story, play

from o2c_twin.integration.model import Inbound, OrderStatus, Shipment
from o2c_twin.integration.runtime.errors import CallFailed


class _TakenBack(GuardedCrm):
    """Its deals were taken back: nothing can be noted on them any more."""

    async def note_deal(self, deal_id, notes, correlation):
        def refuse():
            raise CallFailed("crm", "note_deal", "rejected", "the deal is gone")

        await self._do("note_deal", refuse)


class _Cancelling(GuardedErp):
    """Counts orders as they are cancelled, by the key of what cancels them; and credits as any record that is made."""

    async def cancel_order(self, order_id, correlation):
        def cancel():
            order = self.orders[order_id]
            if order.fulfilment != "cancelled":
                self.made[f"undo:{order.external_id}"] += 1
                self.moves_on(order_id, fulfilment="cancelled")

        await self._do("cancel_order", cancel)

    async def credit_invoice(self, invoice_id, key, correlation):
        return await self._do("credit_invoice", lambda: self._put(key, lambda id_: f"C{id_}"))


def _recast(stage):
    stage.crm.__class__, stage.erp.__class__ = _TakenBack, _Cancelling


def withdrawn_story(stage):
    """Two deals that are taken back after their orders were entered."""
    _recast(stage)
    stage.compensates = frozenset({"order"})
    wanted = order_story(stage)
    for deal in ("D1", "D2"):
        stage.expected.add(f"note:order:{deal}")
    # What stays of the first is its customer; of the second nothing does.
    stage.expected.add("undo:crm:won:D1")
    return wanted | {"undo:order:D1", "undo:order:D2"}


def returned_story(stage):
    """Goods came back after their invoice: a person names the bills, and again when the process dies over it."""
    _recast(stage)
    stage.erp.orders["7"] = OrderStatus("7", "SO7", "order:D1", "PO-1", "1", "passed", "shipped", START)
    for name in ("S1", "S2"):
        stage.erp.shipments[name] = Shipment(name, f"SHP-{name}", "7", START)
    stage.tell(*(Inbound(f"erp:shipped:{n}", "delivery", n, "order:7", START) for n in ("S1", "S2")))
    stage.env.spawn(_person(stage, ["bill:S1", "bill:S2"]), "person")
    return {"bill:S1", "bill:S2", "undo:bill:S1", "undo:bill:S2"}


async def _person(stage, keys):
    while True:
        await asyncio.sleep(600)
        if stage.engine is not None:
            try:
                stage.engine.undo(keys)
            except (Died, KeyError):
                continue
            return


STORIES = (withdrawn_story, returned_story)


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("story", STORIES, ids=["withdrawn", "returned"])
def test_at_every_edge_what_is_undone_is_undone_once_and_the_rest_is_on_a_desk(story, guard, record_property):
    wrong, whole = play(story, guard)
    assert wrong == []
    broken, played = broken_at(story, guard, whole)
    print(f"{story.__name__} {guard}: {played} crash points")
    record_property("crash points", played)
    assert broken == {}
    assert played > 200

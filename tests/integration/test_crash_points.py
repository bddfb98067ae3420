"""Effectively once, by exhaustion: the engine dies at every edge there is, comes back, and nothing is doubled or lost.

One business story runs over the real mocks (Salesforce, NetSuite, bank) in virtual time. Its HTTP calls and journal
writes are counted once; then the story is told again for each of them with one mishap in just that place: the process
dies before a call is sent, or when the call is applied and its answer unread; the answer is lost on the way; the
process dies before or after a journal write. It starts again on the same journal file a while later. Webhooks that
come while it is down are lost; those the vendor repeats are repeated.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import pytest

from o2c_twin.integration.flows import FLOWS
from o2c_twin.integration.ports import NoAnswer
from o2c_twin.integration.runtime.engine import Engine, Rhythm
from o2c_twin.integration.runtime.journal import Journal
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.estate import build_estate
from o2c_twin.twin.plan import RunPlan
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch
from o2c_twin.twin.transport import direct
from o2c_twin.twin.world.views import news_of_order

START = date(2026, 1, 5)  # a Monday
SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
WRITES = ("accept", "finish", "intend", "again", "settle", "link", "move", "open_case")
DOWN_S = 45.0
PO = "PO-7"


class Died(BaseException):
    """The process is gone: what runs now is only its shadow."""


@dataclass(frozen=True)
class Point:
    """Where what happens: the n-th call or journal write of the story. Point("none", -1) lets all go well."""

    edge: str
    number: int


NOWHERE = Point("nowhere", -1)


class Story:
    """The estate, one engine at a time, and one mishap."""

    def __init__(self, journal_path, point=NOWHERE):
        self.point = point
        self.path = journal_path
        self.calls = self.writes = self.lives = 0
        self.counting = True
        self.env = TwinEnvironment()
        self.clock = TwinClock(self.env, epoch(datetime.combine(START, time(), UTC)))
        plan = RunPlan("crash", "crash", "crash")
        self.chance = Chance(plan.seed)
        world = World(self.clock, self.chance.sub("mocks").uniform, asyncio.sleep, self.env.spawn, self.post)
        self.estate = build_estate(plan, world)
        self.wire = direct(self.estate.servers, asyncio.sleep)
        self.engine = None
        self.tasks = []

    # --- the engine's life -------------------------------------------------------------------------

    def start(self):
        self.lives += 1
        self.journal = _Watched(str(self.path), "OFF")
        self.journal.story = self
        crm, erp, bank = self.estate.connectors(self, lambda system: f"http://{system}.test")
        self.tasks = []
        self.engine = Engine(
            RunPlan("", "", "").design, crm, erp, bank, self.journal, FLOWS,
            clock=self.clock, sleep=asyncio.sleep, spawn=self.spawn, draw=self.chance.sub("engine").uniform,
            rhythm=Rhythm(sweep_s=6 * 3_600.0),
        )  # fmt: skip
        self.engine.start()

    def spawn(self, work, name):
        async def one_life():
            try:
                await work
            except Died:
                pass

        task = self.env.spawn(one_life(), name)
        self.tasks.append(task)
        return task

    def die(self):
        self.engine = None
        self.journal.close()
        current = asyncio.current_task()
        for task in self.tasks:
            if task is not current:
                task.cancel()
        self.env.spawn(self.come_back(), "the supervisor")
        raise Died

    async def come_back(self):
        await asyncio.sleep(DOWN_S)
        self.start()

    def here(self, edge, number):
        return self.counting and self.point == Point(edge, number)

    # --- what the engine meets ---------------------------------------------------------------------

    async def send(self, request):
        number = self.calls
        self.calls += self.counting
        if self.here("before call", number):
            self.die()
        answer = await self.wire.send(request)
        if self.here("answer unread", number):
            self.die()
        if self.here("answer lost", number):
            raise NoAnswer("the answer is lost")
        return answer

    async def post(self, url, headers, body):
        if self.engine is None:
            return 0, b""
        try:
            return self.engine.pushed(url.rpartition("/")[2], body)
        except Died:
            return 0, b""


class _Watched(Journal):
    story = None


def _watched(name):
    def write(self, *arguments):
        story = self.story
        number = story.writes
        story.writes += story.counting
        if story.here("before write", number):
            story.die()
        result = getattr(Journal, name)(self, *arguments)
        if story.here("after write", number):
            story.die()
        return result

    return write


for _name in WRITES:
    setattr(_Watched, _name, _watched(_name))


# --- the story: a deal is won, shipped in two parts, billed and paid ---------------------------------


def tell(story):
    crm, erp, bank = story.estate.crm, story.estate.erp, story.estate.bank
    fields = story.estate.crm_fields
    item = erp.add_item("WIDGET", "Widget", 2_500, 1_000, "EUR", 6)
    product = crm.create("product", {"code": "WIDGET", "name": "Widget", "price_minor": 2_500})
    story.estate.subscribe(lambda system: f"http://engine.test/{system}")
    story.start()
    run = story.env.run
    run(until=9 * HOUR)
    custom = {fields.customer_number: "K-1", fields.terms_days: 30, fields.credit_limit: 10_000}
    account = crm.create("account", {"name": "Acme", "city": "Berlin"}, custom)
    values = {"name": "Deal", "stage": "Negotiation/Review", "close_date": "2026-01-05", "account_id": account.id}
    deal = crm.create(
        "opportunity", {**values, "currency": "EUR"}, {fields.po_number: PO, fields.deal_ref: "D-7"}
    )
    crm.create(
        "line", {"opportunity_id": deal.id, "product_id": product.id, "quantity": 10, "unit_price_minor": 2_500}
    )
    crm.update("opportunity", deal.id, {"stage": "Closed Won"})
    run(until=19 * HOUR)
    (order, *_) = _orders(erp)
    erp.deliver(order.id)
    run(until=DAY + 5 * HOUR)
    erp.receive_stock(item.id, 10)
    erp.deliver(order.id)
    run(until=DAY + 14 * HOUR)
    numbers = " ".join(invoice.number for invoice in erp.state.invoices.values())
    bank.credit(
        story.estate.bank_account_id, 25_000, end_to_end_id="E2E-1", remittance=(numbers,),
        counterparty="ACME GMBH", counterparty_iban="DE02100100100006820101",
    )  # fmt: skip
    run(until=DAY + 20 * HOUR)
    bank.close_day(date(2026, 1, 6))
    run(until=3 * DAY)
    return deal


def _orders(erp):
    return [erp.state.orders[id_] for id_ in erp.orders_by_po.get(PO, ())]


def wrongs(story, deal):
    """What is not as it must be when all has come to rest."""
    erp, crm, fields = story.estate.erp, story.estate.crm, story.estate.crm_fields
    found = []

    def check(name, seen, wanted):
        if seen != wanted:
            found.append(f"{name}: {seen!r}, must be {wanted!r}")

    orders = _orders(erp)
    check("customers", [c.number for c in erp.state.customers.values()], ["K-1"])
    check("orders", len(orders), 1)
    check("invoices", sorted(i.total_minor for i in erp.state.invoices.values()), [10_000, 15_000])
    check("open items", [i.open_minor for i in erp.state.invoices.values()], [0, 0])
    check("payments", [(p.amount_minor, p.unapplied_minor) for p in erp.state.payments.values()], [(25_000, 0)])
    (account,) = crm.state.accounts.values()
    check("ERP id on the account", account.custom.get("ERP_Id__c"), orders[0].customer_id)
    for name, value in news_of_order(erp, orders[0]).items():
        check(f"CRM {name}", deal.custom.get(getattr(fields, name)), value)
    check("cases", [c.reason for c in story.journal.cases()], [])
    check("open events", [e.event_id for e in story.journal.pending()], [])
    left = story.journal._db.execute("select key from effect where state <> 'done'").fetchall()
    check("effects without outcome", [row[0] for row in left], [])
    return found


def test_all_points(tmp_path):
    whole = Story(tmp_path / "whole.db")
    deal = tell(whole)
    assert wrongs(whole, deal) == []
    print(whole.calls, whole.writes)
    points = [Point(e, n) for n in range(whole.calls) for e in ("before call", "answer unread", "answer lost")]
    points += [Point(e, n) for n in range(whole.writes) for e in ("before write", "after write")]
    broken = {}
    import time as t
    t0 = t.process_time()
    for n, point in enumerate(points):
        story = Story(tmp_path / f"{n}.db", point)
        try:
            deal = tell(story)
            bad = wrongs(story, deal)
        except BaseException as e:
            bad = [repr(e)]
        if bad: broken[point] = bad
        story.env.close()
    print(len(points), t.process_time() - t0)
    for p, b in broken.items():
        print(p, b)
    assert not broken

"""Effectively once, by exhaustion: the engine dies at every edge there is, comes back, and nothing is doubled or lost.

Four stories run over the real mocks (Salesforce, NetSuite, bank) in virtual time. A story is told once to count its
HTTP calls and journal writes, then again for each of them with one mishap in just that place: the process dies before
a call is sent, or when it is applied and its answer unread; the answer is lost on the way, or nobody listens, or a
server error is answered, with the call applied or not; the process dies before or after a journal write. It comes
back a while later with what was committed of its journal. What NetSuite pushes while it is down is lost, for a sweep
to find; Salesforce and the bank push again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import NamedTuple

import pytest
from tests.integration.crash_edges import CALL_EDGES, WRITE_EDGES, Died, WatchedJournal

from o2c_twin.integration.flows import FLOWS
from o2c_twin.integration.ports import HttpAnswer, NoAnswer, NotSent
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.engine import Engine, Rhythm
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.estate import build_estate
from o2c_twin.twin.plan import RunPlan
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch
from o2c_twin.twin.transport import direct
from o2c_twin.twin.world.views import news_of_order

MONDAY = date(2026, 1, 5)
MINUTE = 60_000_000
HOUR = 60 * MINUTE
DOWN_S = 45.0
PLAN = RunPlan("crash points", "", "")


class Point(NamedTuple):
    """The mishap: what happens at the n-th call or journal write, counted from the start of a life."""

    edge: str
    number: int


class Stage:
    """The estate, and one engine at a time; ``mishaps`` are one for each of its lives."""

    plan, design = PLAN, DesignProfile()

    def __init__(self, mishaps=()):
        self.mishaps = list(mishaps)
        self.counted = False
        self.calls = self.writes = self.lives = 0
        self.env = TwinEnvironment()
        self.clock = TwinClock(self.env, epoch(datetime.combine(MONDAY, time(), UTC)))
        chance = Chance(self.plan.seed)
        world = World(self.clock, chance.sub("mocks").uniform, asyncio.sleep, self.env.spawn, self.post)
        self.estate = build_estate(self.plan, world)
        self.estate.subscribe(lambda system: f"http://engine.test/{system}")
        self.draw = chance.sub("engine").uniform
        self.wire = direct(self.estate.servers, asyncio.sleep)
        self.engine = None
        self.committed = None
        self.alive = []

    # --- the life of an engine -------------------------------------------------------------------

    def start(self):
        self.lives += 1
        self.calls = 0
        self.writes = dict.fromkeys(WRITE_EDGES, 0)
        self.journal = WatchedJournal()
        self.journal.stage = self
        if self.committed is not None:
            self.journal.restore(self.committed)
        systems = self.estate.connectors(self, lambda system: f"http://{system}.test")
        self.engine = Engine(
            self.design,
            systems.crm,
            systems.erp,
            systems.bank,
            self.journal,
            FLOWS,
            clock=self.clock,
            sleep=asyncio.sleep,
            spawn=self.spawn,
            draw=self.draw,
            rhythm=Rhythm(sweep_s=5_400.0),
        )
        self.engine.start()

    def spawn(self, work, name):
        async def until_death():
            try:
                await work
            except Died:
                pass

        task = self.env.spawn(until_death(), name)
        task.add_done_callback(lambda _: work.close())
        self.alive.append(task)
        return task

    def die(self):
        self.engine = None
        self.mishaps.pop(0)
        self.committed = self.journal.committed()
        for task in self.alive:
            if task is not asyncio.current_task():
                task.cancel()
        self.alive = []
        self.env.spawn(self.come_back(), "supervisor")
        raise Died

    async def come_back(self):
        await asyncio.sleep(DOWN_S)
        self.start()

    def edge(self, name):
        number = self.writes[name]
        self.writes[name] += self.counted
        if self.strikes(name, number):
            self.die()

    def strikes(self, edge, number):
        return bool(self.mishaps) and self.counted and self.mishaps[0] == (edge, number)

    # --- what the engine meets -------------------------------------------------------------------

    async def send(self, request):
        number = self.calls
        self.calls += self.counted
        if self.strikes("dies before the call", number):
            self.die()
        if self.strikes("nobody listens", number):
            raise NotSent("nobody listens")
        for status in (500, 503):
            if self.strikes(f"not applied, answered {status}", number):
                return HttpAnswer(status, {}, b"")
        answer = await self.wire.send(request)
        if self.strikes("dies with the answer unread", number):
            self.die()
        if self.strikes("answer lost", number):
            raise NoAnswer("the answer is lost")
        return HttpAnswer(500, {}, b"") if self.strikes("applied, answered 500", number) else answer

    async def post(self, url, headers, body):
        if self.engine is None:
            return 0, b""
        try:
            return self.engine.pushed(url.rpartition("/")[2], body, headers)
        except Died:
            return 0, b""

    def close(self):
        self.env.close()
        if self.engine is not None:
            self.journal.close()


# --- the stories -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Story:
    """``tell`` lets it happen, ``end`` says what there must be in the end, ``seen`` what there is."""

    tell: Callable[[Stage], None]
    end: dict[str, object]
    stage: type[Stage] = Stage


def _won_deal(stage, quantity):
    """A customer of whom the ERP has never heard buys widgets at 25.00."""
    crm, fields = stage.estate.crm, stage.estate.crm_fields
    product = crm.create("product", {"code": "WIDGET", "name": "Widget", "price_minor": 2_500})
    custom = {fields.customer_number: "K-1", fields.terms_days: 30, fields.credit_limit: 250}
    account = crm.create("account", {"name": "Acme", "city": "Berlin"}, custom)
    values = {"name": "Deal", "stage": "Negotiation/Review", "close_date": "2026-01-05", "account_id": account.id}
    custom = {fields.po_number: "PO-7", fields.deal_ref: "D-7"}
    deal = crm.create("opportunity", {**values, "currency": "EUR"}, custom)
    line = {"opportunity_id": deal.id, "product_id": product.id, "quantity": quantity, "unit_price_minor": 2_500}
    crm.create("line", line)
    crm.update("opportunity", deal.id, {"stage": "Closed Won"})


def order_story(stage):
    """A deal over the credit limit becomes an order on hold; later the customer is trusted with more."""
    erp = stage.estate.erp
    erp.add_item("WIDGET", "Widget", 2_500, 1_000, "EUR", 6)
    stage.start()
    stage.counted = True
    stage.env.run(until=10 * MINUTE)
    _won_deal(stage, 20)
    stage.env.run(until=HOUR)
    (order,) = erp.state.orders.values()
    erp.release_credit(order.id)
    stage.env.run(until=2 * HOUR)


def shipping_story(stage):
    """An order leaves in two parts, and each is billed."""
    erp = stage.estate.erp
    item = erp.add_item("WIDGET", "Widget", 2_500, 1_000, "EUR", 6)
    stage.start()
    stage.env.run(until=10 * MINUTE)
    _won_deal(stage, 10)
    stage.env.run(until=20 * MINUTE)
    stage.counted = True
    (order,) = erp.state.orders.values()
    erp.deliver(order.id)
    stage.env.run(until=HOUR)
    erp.receive_stock(item.id, 10)
    erp.deliver(order.id)
    stage.env.run(until=2 * HOUR)


def cash_story(stage):
    """A statement: one credit names two invoices, one its third by the amount, one comes from nobody."""
    erp, bank, account_id = stage.estate.erp, stage.estate.bank, stage.estate.bank_account_id
    item = erp.add_item("WIDGET", "Widget", 2_500, 1_000, "EUR", 100)
    customer = erp.add_customer("Acme", "EUR")
    numbers = []
    for quantity in (4, 6, 7):
        order = erp.enter_order(customer.id, [(item.id, quantity, 2_500)])
        erp.deliver(order.id)
        numbers.append(erp.invoice_order(order.id).number)
    stage.env.run(until=10 * MINUTE)
    stage.start()
    # What was before is not the engine's business.
    stage.journal.move("erp", str(stage.clock.now()))
    stage.counted = True
    for amount, text, iban in (
        (25_000, f"{numbers[0]} {numbers[1]}", "DE02100100100006820101"),
        (17_500, "thank you", "DE02100100100006820101"),
        (99, "hello", None),
    ):
        bank.credit(
            account_id,
            amount,
            end_to_end_id=None,
            remittance=(text,),
            counterparty="ACME",
            counterparty_iban=iban,
        )
    bank.close_day(MONDAY)
    stage.env.run(until=2 * HOUR)


class MastersStage(Stage):
    """Of a customer's name the later change counts, of its terms and limit what the ERP holds."""

    design = DesignProfile(master_customer="last-change", master_credit="erp")
    plan = RunPlan("crash points", "", "", design=design)


def masters_story(stage):
    """Credit cuts a limit, sales types another one and a new name, and a clerk corrects the name."""
    erp, crm, fields = stage.estate.erp, stage.estate.crm, stage.estate.crm_fields
    erp.add_item("WIDGET", "Widget", 2_500, 1_000, "EUR", 6)
    stage.start()
    stage.env.run(until=10 * MINUTE)
    _won_deal(stage, 2)
    stage.env.run(until=20 * MINUTE)
    stage.counted = True
    (customer,), (account,) = erp.state.customers.values(), crm.state.accounts.values()
    erp.update_customer(customer.id, terms_days=14, credit_limit_minor=10_000)
    stage.env.run(until=40 * MINUTE)
    crm.update("account", account.id, {"name": "Acme Ltd"}, {fields.terms_days: 90, fields.credit_limit: 900})
    stage.env.run(until=HOUR)
    erp.update_customer(customer.id, name="ACME Limited")
    stage.env.run(until=3 * HOUR)


ORDER = {
    "customers": ["K-1"],
    "orders": [("PO-7", 20)],
    "shipped and billed": (0, 0),
    "billed and open": (0, 0),
    "payments": [],
    "what both sides say": [("Acme", 30, 25_000), ("Acme", 30, 25_000)],
    "what sales reads that is not so": {},
    "accounts that do not name their customer": [],
    "cases": [],
    "open events": [],
    "effects without an outcome": [],
}
STORIES = {
    "order": Story(order_story, ORDER),
    "shipping": Story(
        shipping_story,
        {
            **ORDER,
            "orders": [("PO-7", 10)],
            "shipped and billed": (10, 10),
            "billed and open": (25_000, 25_000),
        },
    ),
    "cash": Story(
        cash_story,
        {
            **ORDER,
            "customers": ["C1001"],
            "orders": [(None, 4), (None, 6), (None, 7)],
            "shipped and billed": (17, 17),
            "billed and open": (42_500, 0),
            "payments": [(17_500, 0), (25_000, 0)],
            "what both sides say": [("Acme", 30, None)],
            "cases": ["payer not identified: ACME, 'hello'"],
        },
    ),
    "masters": Story(
        masters_story,
        {
            **ORDER,
            "orders": [("PO-7", 2)],
            "what both sides say": [("ACME Limited", 14, 10_000), ("ACME Limited", 14, 10_000)],
        },
        MastersStage,
    ),
}


def seen(stage):
    """What there is when all has come to rest."""
    erp, crm, fields, journal = stage.estate.erp.state, stage.estate.crm.state, stage.estate.crm_fields, stage.journal
    wrong = {}
    for deal, order in zip(crm.opportunities.values(), erp.orders.values(), strict=False):
        for name, value in news_of_order(stage.estate.erp, order, order.id).items():
            if deal.custom.get(getattr(fields, name)) != value:
                wrong[name] = (deal.custom.get(getattr(fields, name)), value)
    lines = [line for order in erp.orders.values() for line in order.lines]
    invoices = erp.invoices.values()
    return {
        "customers": [c.number for c in erp.customers.values()],
        "orders": [(o.po_number, sum(line.quantity for line in o.lines)) for o in erp.orders.values()],
        # In how many invoices is chance: one bill takes all that has shipped by then.
        "shipped and billed": (sum(line.shipped for line in lines), sum(line.billed for line in lines)),
        "billed and open": (sum(i.total_minor for i in invoices), sum(i.open_minor for i in invoices)),
        "payments": sorted((p.amount_minor, p.unapplied_minor) for p in erp.payments.values()),
        "what both sides say": [
            *((c.name, c.terms_days, c.credit_limit_minor) for c in erp.customers.values()),
            *(
                (a.name, int(a.custom[fields.terms_days]), int(a.custom[fields.credit_limit] * 100))
                for a in crm.accounts.values()
            ),
        ],
        "what sales reads that is not so": wrong,
        "accounts that do not name their customer": [
            a.name for a in crm.accounts.values() if a.custom.get("ERP_Id__c") not in erp.customers
        ],
        "cases": [case.reason for case in journal.cases()],
        "open events": [event.event_id for event in journal.pending()],
        "effects without an outcome": journal._run("select key from effect where state <> 'done'").fetchall(),
    }


def told(story, *mishaps):
    """What there is after the story with these mishaps, and the stage it was told on."""
    stage = story.stage(mishaps)
    try:
        story.tell(stage)
        return seen(stage), stage
    finally:
        stage.close()


def _wrong(found, wanted):
    return {name: (found[name], wanted[name]) for name in wanted if found[name] != wanted[name]}


@pytest.mark.parametrize("name", STORIES)
def test_one_mishap_at_any_edge_doubles_nothing_and_loses_nothing(name, record_property):
    story = STORIES[name]
    found, whole = told(story)
    assert _wrong(found, story.end) == {}
    points = [Point(edge, n) for n in range(whole.calls) for edge in CALL_EDGES]
    points += [Point(edge, n) for edge in WRITE_EDGES for n in range(whole.writes[edge])]
    assert len(points) > 100
    broken = {}
    for point in points:
        found, stage = told(story, point)
        assert stage.lives == (2 if point.edge.startswith("dies") else 1), f"{point}: never reached"
        if wrong := _wrong(found, story.end):
            broken[point] = wrong
    print(f"{name}: {whole.calls} calls, {sum(whole.writes.values())} edges of the journal, {len(points)} crash points")
    record_property("crash points", len(points))
    assert broken == {}


def test_a_second_death_while_the_first_is_mended_changes_nothing():
    story = STORIES["order"]
    _, whole = told(story)
    first = [Point("dies with the answer unread", n) for n in range(whole.calls)]
    first += [Point("dies after the write", n) for n in range(whole.writes["dies after the write"])]
    again = [Point("dies with the answer unread", n) for n in (0, 2)]
    pairs = [(one, two) for one in first for two in again]
    broken = {}
    for pair in pairs:
        found, _ = told(story, *pair)
        if wrong := _wrong(found, story.end):
            broken[pair] = wrong
    print(f"{len(pairs)} pairs of crash points")
    assert broken == {}

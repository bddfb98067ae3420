"""A small business over the real mocks (a CRM, an ERP, a bank) in virtual time, whose pushes may be lost and whose
records may change behind the engine's back, with a judge who reads the systems themselves.
"""

import asyncio
import random
import re
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from o2c_twin.integration.connectors.listings import listings_of, money_of
from o2c_twin.integration.exchange import Exchange
from o2c_twin.integration.flows import FLOWS
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.reconcile.money_sweep import MoneyReconciler, MoneyRules
from o2c_twin.integration.reconcile.reconciler import Reconciler, Rules
from o2c_twin.integration.reconcile.repairing import repair_flows
from o2c_twin.integration.runtime.engine import Engine, Rhythm
from o2c_twin.integration.store import SqliteJournal
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.estate import build_estate
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch
from o2c_twin.twin.transport import direct
from o2c_twin.twin.world.views import news_of_order

MONDAY = date(2026, 1, 5)
MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
PLAN = RunPlan("reconciliation", "", "")
ERP_ID = {"salesforce": "ERP_Id__c", "hubspot": "erp_customer_id"}
POLLED = {"s4hana": {"trigger_erp": "hybrid"}}
"""S/4HANA's events of deliveries and invoices name no order: the engine asks for these."""
NEVER_S = 1e9
RATE = Decimal("0.9")
ACK = (
    b'<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)


class Company:
    """The estate, one engine that hears of changes by push alone, and its reconciler.

    ``lost`` is the share of pushes somebody acknowledges and forgets; what ``hushed`` names is never told of,
    nor anything by the systems in ``deaf``.
    """

    def __init__(
        self,
        lost=0.0,
        rules=None,
        seed=1,
        crm="salesforce",
        erp="netsuite",
        payments="",
        journal=None,
        foreign=None,
        rate=RATE,
        design=(),
        entities=None,
    ):
        self.lost, self.dice = lost, random.Random(seed)
        self.pushes = self.forgotten = self.calls = self.sweep_calls = 0
        self.hushed = {}
        self.looking = ContextVar("looking", default=False)
        self.deaf = set()
        self.harmed, self.stuck = [], []
        self.env = TwinEnvironment()
        self.clock = TwinClock(self.env, epoch(datetime.combine(MONDAY, time(), UTC)))
        self.erp_vendor, self.erp_id = erp, ERP_ID[crm]
        own = {"crm": SystemPlan(crm), "erp": SystemPlan(erp)}
        if payments:
            own["payments"] = SystemPlan(payments)
        abroad = foreign or {}
        self.design = DesignProfile().with_choices({**POLLED.get(erp, {}), **dict(design)})
        world = replace(PLAN.world, foreign=abroad)
        if entities:
            self.design = self.design.with_choices({"entities": "by-customer"})
            world = replace(world, home_entity="DE01", entities=entities)
        plan = replace(PLAN, systems={**PLAN.systems, **own}, world=world, design=self.design)
        self.exchange = Exchange("EUR", lambda day, base, target: rate if base in abroad else None)
        chance = Chance(plan.seed)
        world = World(self.clock, chance.sub("mocks").uniform, asyncio.sleep, self.env.spawn, self.post)
        self.estate = build_estate(plan, world)
        self.estate.subscribe(lambda system: f"http://engine.test/{system}")
        self.wire = direct(self.estate.servers, asyncio.sleep)
        self.journal = journal or SqliteJournal(":memory:", "OFF")
        systems = self.estate.connectors(self, lambda system: f"http://{system}.test")
        self.names = self.estate.erp_stand.names
        self.listings = listings_of(crm, systems.crm, erp, systems.erp, self.clock)
        self.money = money_of(systems.bank, erp, systems.erp, payments, systems.payments)
        self._systems, self._chance = systems, chance
        self.engine = self.worker(self.journal)
        self.reconciler = Reconciler(self.engine, self.listings, rules or Rules())
        self.engine.start()
        self.plans = []
        self.item = self.estate.erp.add_item("WIDGET", "Widget", 2_500, 1_000, "EUR", 100_000)
        self.product = self.estate.crm.create("product", {"code": "WIDGET", "name": "Widget", "price_minor": 2_500})
        self.accounts = []
        self.deals = []

    def worker(self, journal):
        """An engine of this company on a journal: the only one, or one of several."""
        systems = self._systems
        return Engine(
            self.design,
            systems.crm,
            systems.erp,
            systems.bank,
            journal,
            {**FLOWS, **repair_flows(self.listings)},
            clock=self.clock,
            sleep=asyncio.sleep,
            spawn=self.env.spawn,
            draw=self._chance.sub("engine").uniform,
            payments=systems.payments,
            rhythm=Rhythm(poll_s=3_600.0, sweep_s=NEVER_S),
            exchange=self.exchange,
        )

    # --- between the systems -----------------------------------------------------------------------

    async def send(self, request):
        self.calls += 1
        # Of a sweep: all a look or a repair asks for, logins and the bank's statements too.
        about = request.headers.get("x-correlation-id", "")
        self.sweep_calls += about == "sweep" or about.startswith("repair:") or self.looking.get()
        return await self.wire.send(request)

    async def post(self, url, headers, body):
        system = url.rpartition("/")[2]
        self.pushes += 1
        hushed = any(
            until > self.clock.now() and re.search(rf'[>"(]{id_}[<")]|: ?{id_}[,}}]', body.decode())
            for id_, until in self.hushed.items()
        )
        if hushed or (system != "bank" and self.dice.random() < self.lost) or (system in self.deaf):
            self.forgotten += 1
            return 200, ACK
        return self.engine.pushed(system, body, {name.lower(): value for name, value in headers.items()})

    # --- what people do ----------------------------------------------------------------------------

    def account(self, number, currency="EUR", entity=None):
        fields = self.estate.crm_fields
        custom = {
            fields.customer_number: f"K-{number}",
            fields.terms_days: 30,
            fields.credit_limit: 1_000_000,
        }
        if entity is not None:
            custom[fields.entity] = entity
        known = {"name": f"Customer {number}", "city": "Berlin", "currency": currency}
        made = self.estate.crm.create("account", known, custom)
        self.accounts.append(made.id)
        return made.id

    def win(self, account_id, quantity=4, currency="EUR"):
        crm, fields, n = self.estate.crm, self.estate.crm_fields, len(self.deals) + 1
        values = {"name": f"Deal {n}", "stage": "Negotiation/Review", "close_date": "2026-01-05"}
        custom = {fields.po_number: f"PO-{n}", fields.deal_ref: f"D-{n}"}
        deal = crm.create("opportunity", {**values, "account_id": account_id, "currency": currency}, custom)
        line = {"opportunity_id": deal.id, "product_id": self.product.id, "unit_price_minor": 2_500}
        crm.create("line", {**line, "quantity": quantity})
        crm.update("opportunity", deal.id, {"stage": "Closed Won"})
        self.deals.append(deal.id)
        return deal.id

    def order_of(self, deal_id):
        """The live order of a deal, as the ERP's own clerks find it."""
        po = self.estate.crm.state.opportunities[deal_id].custom[self.estate.crm_fields.po_number]
        found = self.estate.erp.orders_by_po.get(po, [])
        return self.estate.erp.state.orders[found[0]] if found else None

    def is_gone(self, order):
        """Whether an order is no more to whoever asks the ERP: Business Central deletes what is cancelled."""
        return order is None or (order.cancelled and self.erp_vendor == "business_central")

    def name(self, kind, core_id):
        """What the ERP's interface calls a record of the core."""
        return self.names.name_of(kind, core_id)

    def pay(self, day, numbers_and_amounts, currency="EUR"):
        bank = self.estate.bank
        for number, amount in numbers_and_amounts:
            bank.credit(
                self.estate.bank_accounts[currency],
                amount,
                end_to_end_id=None,
                remittance=(number,),
                counterparty="ACME",
                counterparty_iban="DE02100100100006820101",
            )
        bank.close_day(day)

    def hush(self, *ids):
        """Nobody is told of changes of these records (by their names outside) for the next hour."""
        for id_ in ids:
            self.hushed[id_] = self.clock.now() + HOUR

    # --- time ----------------------------------------------------------------------------------------

    def pass_time(self, us):
        self.env.run(until=self.env.now + us)

    def until(self, at):
        self.env.run(until=at)

    def look(self):
        """One look, with what the systems themselves say of it at the same instant."""
        plan = self.looked(self.reconciler)
        self.plans.append((plan, self.disagreements()))
        return plan

    def looked(self, sweeper):
        """One look, whose calls are counted as the sweeps'."""
        before = self.looking.set(True)
        try:
            return self.env.aio.run_until_complete(sweeper.look())
        finally:
            self.looking.reset(before)

    def sweep(self, **people):
        plan = self.look()
        applied = self.env.aio.run_until_complete(self.reconciler.apply(plan, **people))
        return plan, applied

    # --- the judge -------------------------------------------------------------------------------------

    def disagreements(self):
        """What does not agree, by record, read from the systems' own books."""
        crm, erp, fields = self.estate.crm.state, self.estate.erp.state, self.estate.crm_fields
        wrong = {}
        for deal_id in self.deals:
            deal = crm.opportunities.get(deal_id)
            if deal is None:
                continue
            order = self.order_of(deal_id)
            if self.is_gone(order):
                wrong[deal_id] = "no order"
                gone = self.journal.outcome(f"order:{deal_id}")
                if gone is not None:
                    wrong[gone] = "order gone"
                continue
            for name, value in news_of_order(self.estate.erp, order, self.name("order", order.id)).items():
                if (deal.custom.get(getattr(fields, name)) or None) != value:
                    wrong.setdefault(deal_id, {})[name] = (deal.custom.get(getattr(fields, name)), value)
        for delivery in erp.deliveries.values():
            if delivery.invoice_id is None:
                wrong[self.name("shipment", delivery.id)] = "not billed"
        by_number = {customer.number: customer for customer in erp.customers.values()}
        for account_id in self.accounts:
            account = crm.accounts.get(account_id)
            if account is None:
                continue
            customer = by_number.get(account.custom[fields.customer_number])
            if customer is None:
                continue
            seen = (customer.name, customer.terms_days, customer.credit_limit_minor)
            told = (account.name, int(account.custom[fields.terms_days]), account.custom[fields.credit_limit] * 100)
            if seen != told:
                wrong[account_id] = (seen, told)
            if account.custom.get(self.erp_id) != self.name("customer", customer.id):
                wrong[account_id] = "lost its customer"
        return wrong

    def without_case(self):
        """Disagreements nobody has been asked about."""
        asked = {case.object_id for case in self.journal.cases()}
        wrong = self.disagreements()
        for order_id in asked:
            deal_id = self.journal.remote("crm", "deal-of-order", order_id)
            wrong.pop(order_id, None)
            wrong.pop(deal_id, None)
        return wrong

    def close(self):
        self.engine.stop()
        self.env.close()
        self.journal.close()


@pytest.fixture
def company():
    """``company(lost=0.05)``: a company to work with; closed when the test ends."""
    made = []

    def make(**settings):
        made.append(Company(**settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


def day(n):
    return MONDAY + timedelta(n)


class Cashier:
    """A company with shipped and billed orders, whose customers pay, and the sweep of its money."""

    def __init__(self, here, orders=3):
        self.here, self.day = here, 0
        self.sweeper = MoneyReconciler(here.engine, here.money, MoneyRules())
        account = here.account(1)
        for _ in range(orders):
            here.win(account)
            here.pass_time(20 * MINUTE)
            here.estate.erp.deliver(here.order_of(here.deals[-1]).id)
        here.pass_time(3 * HOUR)
        self.open = [invoice.number for invoice in here.estate.erp.state.invoices.values()]
        assert len(self.open) == orders

    def tomorrow(self):
        self.day += 1
        self.here.until(self.day * DAY + 8 * HOUR)

    def pay(self, count=1, amount=10_000):
        """The customer pays invoices in full by transfer; the bank closes the day."""
        numbers, self.open = self.open[:count], self.open[count:]
        self.here.pay(MONDAY + timedelta(self.day), [(number, amount) for number in numbers])
        self.tomorrow()

    def look(self):
        return self.here.env.aio.run_until_complete(self.sweeper.look())

    def sweep(self):
        plan = self.look()
        applied = self.sweeper.apply(plan)
        self.here.pass_time(HOUR)
        return plan, applied

    @property
    def posted(self):
        return sorted(p.amount_minor for p in self.here.estate.erp.state.payments.values())


@pytest.fixture
def cashier(company):
    return lambda orders=3, **systems: Cashier(company(**systems), orders)


class Collected(Cashier):
    """The same with a provider, whose payouts come to the bank unless they are ``withheld``."""

    def __init__(self, here, orders=2):
        super().__init__(here, orders)
        self.withheld = False
        here.estate.payments_stand.on_payout(self._arrives)

    def _arrives(self, amount, reference):
        if self.withheld:
            return
        bank = self.here.estate.bank
        text = {"end_to_end_id": None, "remittance": (reference,)}
        bank.credit(self.here.estate.bank_account_id, amount, **text, counterparty="PROVIDER", counterparty_iban=None)

    def days(self, count):
        """Customers pay what they are asked for on the provider's page; nobody pays into the bank."""
        for number in self.open:
            self.here.estate.payments_stand.pay(number, 10_000)
        self.open = []
        for _ in range(count):
            self.pay(0)


@pytest.fixture
def collected(company):
    return lambda payments, orders=2, **systems: Collected(company(payments=payments, **systems), orders)

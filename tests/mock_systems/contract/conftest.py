"""A system of any vendor in its role, reached over its own wire by the engine's connector, in virtual time."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from o2c_twin.integration.capability import guard_of
from o2c_twin.integration.model import BankEntry, Deal, DealLine, Party
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.mock_systems.wire.faults import LostReply
from o2c_twin.mock_systems.wire.message import Request
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.estate import build_estate
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.stands import STANDS
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch
from o2c_twin.twin.transport import direct

MONDAY = date(2026, 1, 5)
START = datetime.combine(MONDAY, time(9), UTC)
CURRENCY = "EUR"
INDEXED_S = 120.0
"""Longer than any vendor's search takes to learn of a change."""
NIGHT_S = 26 * 3_600.0
"""A system without an API takes in and gives out at night."""
SKUS = ("WIDGET", "GADGET", "CABLE")


class Patient:
    """The connector, asked again as the engine does when a system has taken a document in and not answered yet."""

    def __init__(self, connector, sleep):
        self.impatient = self._connector = connector
        self._sleep = sleep
        for name in ("sheet", "pushed", "customer_fields", "party_fields"):
            if hasattr(connector, name):
                setattr(self, name, getattr(connector, name))

    def __getattr__(self, name):
        method = getattr(self._connector, name)

        async def asked(*arguments):
            for _ in range(200):
                try:
                    return await method(*arguments)
                except CallFailed as failure:
                    if failure.cause != "pending":
                        raise
                    await self._sleep(failure.retry_after_s or 900.0)
            raise AssertionError(f"{name}: no answer in 200 attempts")

        return asked


class Bench:
    """One system of a role in an estate of its own. ``system`` is the connector, ``core`` what people act on."""

    def __init__(self, env, role, vendor):
        self.env = env
        self.role = role
        self.vendor = vendor
        self.clock = TwinClock(env, epoch(START))
        self.posted = []
        systems = {**RunPlan("contract", "", "").systems, role: SystemPlan(vendor, latency_s=0.0)}
        systems = {name: replace(system, latency_s=0.0) for name, system in systems.items()}
        plan = RunPlan("contract", "", "", systems=systems)
        world = World(self.clock, Chance(7).uniform, env.aio.sleep, env.spawn, self._post)
        self.estate = build_estate(plan, world)
        self.stand, self.server = self.estate.stands[role], self.estate.servers[role]
        self.core = self.stand.core
        wires = direct(self.estate.servers, env.aio.sleep)
        self.system = Patient(self.stand.connector(role, f"http://{role}.test", wires, self.clock), env.aio.sleep)
        self.settled_s = INDEXED_S if self.server.dialect.routes else NIGHT_S

    async def _post(self, url, headers, body):
        self.posted.append(({name.lower(): value for name, value in headers.items()}, body))
        return 200, b""

    def do(self, call):
        """What a call of the connector gives."""
        return self.env.aio.run_until_complete(call)

    def fails(self, call):
        with pytest.raises(CallFailed) as caught:
            self.do(call)
        return caught.value

    def later(self, seconds=None):
        """Let time pass: without a figure so long that a change is told and found."""
        self.env.run(until=self.env.now + round((seconds or self.settled_s) * 1e6))

    def until(self, days):
        """The morning of the day that many days after the first Monday."""
        at = epoch(datetime.combine(self.on_day(days), time(9), UTC))
        if at > self.clock.now():
            self.later((at - self.clock.now()) / 1e6)

    def ask(self, path, method="GET"):
        """One bare call, as nobody's client makes it."""
        return self.do(self.server.call(Request(method, path)))

    def lost_then_resent(self, write, key, send):
        """``send()`` loses its answer; then it is sent again as the sheet's guard of that write allows.

        Gives what the second attempt gave.
        """
        guards = [each for each in self.system.sheet if each.write == write]
        for guard in guards:
            # Without an API the steps of a partner at the media are what can be lost, not those of the ERP.
            struck = guard.operation if self.server.dialect.routes else "partner.*"
            self.server.faults.add(LostReply(operations=(struck,), next=1, how="reset"))
        for _ in guards:
            assert self.fails(send()).cause == "unknown-outcome"
        self.server.faults.clear()
        guard = guard_of(self.system.sheet, write)
        assert guard.guard != "none", f"{write} cannot be sent again by anybody"
        if guard.guard == "query":
            self.later(guard.index_lag_s + 1)
            found = self.do(self.system.find(write, key))
            if found is not None:
                return found
        return self.do(send())

    def on_day(self, days):
        return MONDAY + timedelta(days=days)


def benches(role):
    """The fixture of a role: one bench for every vendor that is registered for it."""

    @pytest.fixture(params=sorted(STANDS[role]))
    def bench(request):
        with TwinEnvironment() as env:
            yield Bench(env, role, request.param)

    return bench


erp = benches("erp")
crm = benches("crm")
bank = benches("bank")
payments = benches("payments")


@pytest.fixture(params=[(role, vendor) for role in sorted(STANDS) for vendor in sorted(STANDS[role])], ids="-".join)
def any_system(request):
    with TwinEnvironment() as env:
        yield Bench(env, *request.param)


# --- a business that every ERP can do ---------------------------------------------------------------


class Trade:
    """A customer's orders in an ERP, entered over the wire, with stock and deliveries made by people."""

    def __init__(self, bench, limit_minor=10_000_000, on_hand=100, prices=(1_999, 500, 1)):
        self.bench = bench
        self.prices = dict(zip(SKUS, prices, strict=True))
        for sku, price in self.prices.items():
            bench.core.add_item(sku, sku.title(), price, price // 2, CURRENCY, on_hand)
        self.party = Party("A1", "Acme GmbH", "K-1", "ap@acme.example", 30, limit_minor, CURRENCY)
        self.customer = bench.do(bench.system.put_customer(self.party, "customer:A1", "c"))
        self.items = bench.do(bench.system.item_ids())

    def deal(self, number=1, **lines):
        sold = tuple(DealLine(sku, count, self.prices[sku]) for sku, count in (lines or {"WIDGET": 5}).items())
        return Deal(f"D{number}", f"R-{number}", f"PO-{number}", self.party, sold, CURRENCY, 0)

    def put(self, deal):
        key = f"order:{deal.crm_id}"
        return self.bench.system.put_order(deal, self.customer, self.items, key, f"order:{deal.reference}")

    def order(self, number=1, **lines):
        """An order over the wire: its id there, and the core's record."""
        known = set(self.bench.core.state.orders)
        name = self.bench.do(self.put(self.deal(number, **lines)))
        (made,) = set(self.bench.core.state.orders) - known
        return name, self.bench.core.state.orders[made]

    def told(self):
        """What people did until now is told: time passes, and the engine polls."""
        self.bench.later()
        self.bench.do(self.bench.system.changes(self.bench.clock.now() - 60_000_000))

    def status(self, name):
        """The order as it stands."""
        self.told()
        return self.bench.do(self.bench.system.order(name))

    def bill_key(self, delivery):
        """The engine's key of a bill: a delivery is billed once."""
        return f"bill:{self.bench.stand.names.name_of('shipment', delivery.id)}"

    def bill(self, name, delivery):
        """The invoice of a delivery; None when there is nothing to bill, which some ERPs say with an error."""
        self.told()
        try:
            made = self.bench.do(self.bench.system.bill(name, self.bill_key(delivery), "c"))
        except CallFailed as failure:
            assert failure.cause == "rejected", failure
            return None
        if not made:
            return None
        self.told()
        return self.bench.do(self.bench.system.invoice(made))

    def invoice(self, name):
        """An invoice as it stands."""
        self.told()
        return self.bench.do(self.bench.system.invoice(name))

    def entry(self, amount_minor, number=1):
        reference = f"B{number:09d}"
        return BankEntry(reference, amount_minor, CURRENCY, "2026-01-05", None, "INV", self.party.name, None)

    def pay(self, amount_minor, *allocations, number=1):
        entry = self.entry(amount_minor, number)
        return self.bench.system.put_payment(entry, self.customer, list(allocations), f"cash:{entry.reference}", "c")

    def open_minor(self):
        """What the customer has open, by invoice number."""
        self.told()
        items = self.bench.do(self.bench.system.open_items(self.customer))
        return {item.number: item.open_minor for item in items if item.open_minor > 0}


@pytest.fixture
def open_trade(erp):
    """`open_trade(limit_minor=…, on_hand=…, prices=…)`"""
    return lambda **how: Trade(erp, **how)


@pytest.fixture
def trade(open_trade):
    return open_trade()

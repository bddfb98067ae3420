"""An S/4HANA mock, a connector to it, and what goes over the wire between them."""

import asyncio

import pytest

from o2c_twin.integration.connectors.s4hana import S4HanaErp
from o2c_twin.integration.model import Allocation, BankEntry, Deal, DealLine, Party
from o2c_twin.integration.ports import HttpAnswer, NoAnswer, NotSent
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.mock_systems.vendors.s4hana import make
from o2c_twin.mock_systems.wire.faults import LostReply
from o2c_twin.mock_systems.wire.message import Request, TransportFault
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

START = 1_767_607_200_000_000  # 2026-01-05 10:00
SECOND = 1_000_000
PARTY = Party("001A1", "Acme Incorporated", "K-1", "ap@acme.example", 14, 1_000_050, "USD")
DEAL = Deal("006D1", "R-1", "PO-1", PARTY, (DealLine("TG11", 3, 1_999), DealLine("TG12", 1, 500)), "USD", 0)


class Clock:
    us = START

    def now(self):
        return self.us


class Bench:
    """A mock, a connector to it, and what goes over the wire between them."""

    def __init__(self, config=None, **connector):
        self.clock = Clock()
        self.outbox = []

        async def sleep(seconds):
            self.clock.us += round(seconds * SECOND)

        async def post(url, headers, body):
            self.outbox.append((headers, body))
            return 200, b""

        def spawn(work, name):
            asyncio.get_running_loop().create_task(work)

        world = World(self.clock, lambda *key: 0.5, sleep, spawn, post)
        self.dialect = make(world, config)
        self.server = MockServer("erp", self.dialect, world)
        self.core = self.dialect.core
        self.sent = []
        self.canned = {}
        self.lose = []
        self.erp = self.connect(**connector)
        for sku in ("TG11", "TG12"):
            self.core.add_item(sku, sku, 1_000, 500, "USD", 100)

    def connect(self, **connector):
        """A connector as a new process makes it: it remembers nothing."""
        user = self.dialect.config.users[0]
        return S4HanaErp("erp", "http://erp", self, self.clock, user.name, user.password, "USD", **connector)

    async def send(self, request):
        self.clock.us += SECOND // 10
        self.sent.append(request)
        canned = self.canned.pop(f"{request.method} {request.path}", None)
        if isinstance(canned, Exception):
            raise canned
        if canned is not None:
            status, body, *headers = canned
            return HttpAnswer(status, headers[0] if headers else {}, body)
        sent = Request(request.method, request.path, request.query, request.headers, request.body, request.url)
        try:
            answer = await self.server.call(sent)
        except TransportFault as fault:
            raise (NotSent if fault.kind == "refused" else NoAnswer)(fault.kind) from None
        return HttpAnswer(answer.status, {name.lower(): v for name, v in answer.headers.items()}, answer.body)

    def lost(self, operation):
        """The next answer of that operation is lost, after it was done."""
        self.server.faults.add(LostReply(operations=(operation,), next=1))

    def run(self, work):
        return asyncio.run(work)

    def failure(self, work):
        with pytest.raises(CallFailed) as failed:
            asyncio.run(work)
        return failed.value

    # --- a business to work with

    def customer(self, key="customer:001A1"):
        return self.run(self.erp.put_customer(PARTY, key, "c"))

    def order(self, customer, key="order:006D1"):
        return self.run(self.erp.put_order(DEAL, customer, {"TG11": "TG11", "TG12": "TG12"}, key, "o"))

    def shipped(self):
        """Customer, order and delivery."""
        customer = self.customer()
        order = self.order(customer)
        self.clock.us += SECOND
        return customer, order, self.core.deliver(order).id

    def invoiced(self):
        """Customer and invoice of 64.97."""
        customer, order, delivery = self.shipped()
        return customer, self.run(self.erp.bill(order, f"bill:{delivery}", "b"))


def entry(minor, reference="B000000001"):
    return BankEntry(reference, minor, "USD", "2026-01-05", None, "INV1001", "ACME", None)


def pay(bench, customer, minor, *allocations, key="cash:B000000001", reference="B000000001"):
    rows = [Allocation(invoice, amount) for invoice, amount in allocations]
    return bench.erp.put_payment(entry(minor, reference), customer, rows, key, "p")

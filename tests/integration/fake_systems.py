"""Systems of few words that hold dictionaries: a CRM, an ERP and a bank, and an observer of what the engine tells.

Each keeps what it was asked to do, takes a second for a call, and fails as a test tells it to:
``erp.trouble["put_order"] = [failed(), LOST]`` refuses the first call of that name and loses the
answer of the second, after doing what was asked.
"""

import asyncio
import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import msgspec

from o2c_twin.integration.capability import Capability
from o2c_twin.integration.connectors.writes import WRITES
from o2c_twin.integration.mappings.documents import CustomerMaster
from o2c_twin.integration.model import (
    BankEntry,
    Deal,
    Inbound,
    InvoiceStatus,
    OpenItem,
    OrderStatus,
    Party,
    Shipment,
)
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.integration.runtime.steps import Observer

SECOND = 1_000_000
LOST = "the change is made, its answer is lost"


def keyed_draw(stream: str, *key: str | int) -> float:
    digest = hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / 2**64


def failed(cause="unavailable", retry_after_s=0.0):
    return CallFailed("test", "call", cause, "as told", retry_after_s)


FIELDS = frozenset({"name", "number", "email", "terms_days", "credit_limit_minor"})


def given(change):
    return {name: value for name in FIELDS if (value := getattr(change, name)) is not None}


SHEET = tuple(Capability(write, write, "external-id") for write in WRITES)


class System:
    """What the three have in common: a second a call, a log of the calls, trouble to order."""

    def __init__(self, system, clock):
        self.system = system
        self.sheet = SHEET
        self.clock = clock
        self.trouble = defaultdict(list)
        self.calls = []
        self.takes_s = 1.0
        self.changed: list[Inbound] = []
        self.asked_since = []

    async def _do(self, operation, act):
        self.calls.append(operation)
        await asyncio.sleep(self.takes_s)
        trouble = self.trouble[operation].pop(0) if self.trouble[operation] else None
        if isinstance(trouble, BaseException):
            raise trouble
        result = act()
        if trouble == LOST:
            raise CallFailed(self.system, operation, "unknown-outcome", LOST)
        return result

    async def changes(self, since):
        self.asked_since.append(since)
        found = [event for event in self.changed if event.source_at >= since]
        return await self._do("changes", lambda: (found, max((e.source_at for e in found), default=since)))

    def pushed(self, body, headers):
        try:
            return msgspec.convert(json.loads(body), list[Inbound]), b"taken"
        except msgspec.ValidationError as bad:
            raise ValueError(str(bad)) from bad


class FakeCrm(System):
    def __init__(self, clock):
        super().__init__("crm", clock)
        self.deals: dict[str, Deal] = {}
        self.parties: dict[str, Party] = {}
        self.notes = defaultdict(dict)
        self.erp_ids = {}

    async def deal(self, deal_id):
        return await self._do("deal", lambda: self._deal(deal_id))

    def _deal(self, deal_id):
        deal = self.deals[deal_id]
        return msgspec.structs.replace(deal, erp_order_id=self.notes[deal_id].get("order_id"))

    async def party(self, party_id):
        return await self._do("party", lambda: self.parties[party_id])

    async def note_deal(self, deal_id, notes, correlation):
        await self._do("note_deal", lambda: self.notes[deal_id].update(notes))

    async def note_party(self, party_id, erp_id, correlation):
        await self._do("note_party", lambda: self.erp_ids.update({party_id: erp_id}))

    party_fields = FIELDS - {"email"}

    async def change_party(self, party_id, change, correlation):
        await self._do("change_party", lambda: self.types(party_id, **given(change)))

    def types(self, party_id, **changes):
        """Somebody changes an account; gives the notice of it."""
        now = self.clock.now() // SECOND * SECOND
        self.parties[party_id] = msgspec.structs.replace(self.parties[party_id], modified_at=now, **changes)
        return Inbound(f"crm:party:{party_id}:{now}", "customer", party_id, f"party:{party_id}", now)


class FakeErp(System):
    def __init__(self, clock):
        super().__init__("erp", clock)
        self.customers: dict[str, Party] = {}
        self.orders: dict[str, OrderStatus] = {}
        self.shipments: dict[str, Shipment] = {}
        self.invoices: dict[str, InvoiceStatus] = {}
        self.items: list[OpenItem] = []
        self.payments = []
        self.credited = defaultdict(list)
        self.written_off = []
        self.granted = []
        self.changed_customers: list[Inbound] = []
        self.by_key: dict[str, str] = {}

    def _put(self, key, make):
        """Make a record, or find the one of that key."""
        if key is not None and key in self.by_key:
            return self.by_key[key]
        id_ = make(str(100 + len(self.customers) + len(self.orders) + len(self.invoices) + len(self.payments)))
        if key is not None:
            self.by_key[key] = id_
        return id_

    async def item_ids(self):
        return await self._do("item_ids", lambda: {"WIDGET": "1"})

    async def put_customer(self, party, key, correlation):
        def make(id_):
            if party.number is not None and any(c.number == party.number for c in self.customers.values()):
                raise CallFailed("erp", "put_customer", "rejected", "that number is taken")
            self.customers[id_] = party
            return id_

        return await self._do("put_customer", lambda: self._put(key, make))

    async def customer_by_number(self, number, entity=None):
        return await self._do(
            "customer_by_number", lambda: next((id_ for id_, c in self.customers.items() if c.number == number), None)
        )

    async def update_customer(self, erp_id, party, correlation):
        await self._do("update_customer", lambda: self.customers.update({erp_id: party}))

    customer_fields = FIELDS

    async def customer(self, erp_id):
        def read():
            held = self.customers[erp_id]
            fields = {name: getattr(held, name) for name in FIELDS}
            return CustomerMaster(erp_id, modified_at=held.modified_at, **fields)

        return await self._do("customer", read)

    async def customer_changes(self, since):
        found = [event for event in self.changed_customers if event.source_at >= since]
        return await self._do("customer_changes", lambda: (found, since))

    async def change_customer(self, erp_id, change, correlation):
        await self._do("change_customer", lambda: self.grants(erp_id, **given(change)))

    def grants(self, erp_id, **changes):
        """Somebody changes a customer; gives the notice of it."""
        now = self.clock.now() // SECOND * SECOND
        self.customers[erp_id] = msgspec.structs.replace(self.customers[erp_id], modified_at=now, **changes)
        return Inbound(f"erp:customer-master:{erp_id}:{now}", "customer-master", erp_id, f"customer:{erp_id}", now)

    async def put_order(self, deal, customer_id, items, key, correlation):
        def make(id_):
            now = self.clock.now()
            self.orders[id_] = OrderStatus(
                id_, f"SO{id_}", key, deal.po_number, customer_id, "passed", "open", now // SECOND * SECOND
            )
            return id_

        return await self._do("put_order", lambda: self._put(key, make))

    async def order(self, order_id):
        return await self._do("order", lambda: self.orders[order_id])

    async def cancel_order(self, order_id, correlation):
        await self._do("cancel_order", lambda: self.moves_on(order_id, fulfilment="cancelled"))

    def moves_on(self, order_id, **changes):
        """The order changes, as people and the warehouse change it; gives the notice of it."""
        now = self.clock.now() // SECOND * SECOND
        self.orders[order_id] = msgspec.structs.replace(self.orders[order_id], modified_at=now, **changes)
        return Inbound(f"erp:order-status:{order_id}:{now}", "order-status", order_id, f"order:{order_id}", now)

    async def shipment(self, shipment_id):
        return await self._do("shipment", lambda: self.shipments[shipment_id])

    async def bill(self, order_id, key, correlation):
        def make(id_):
            self.invoices[id_] = InvoiceStatus(id_, f"INV{id_}", order_id, 100, 100, self.clock.now())
            return id_

        return await self._do("bill", lambda: self._put(key, make))

    async def credit_invoice(self, invoice_id, key, correlation):
        def make(id_):
            self.credited[invoice_id].append(id_)
            return f"C{id_}"

        return await self._do("credit_invoice", lambda: self._put(key, make))

    async def write_off(self, what, key, correlation):
        def make(id_):
            self.written_off.append((what.invoice_erp_id, what.amount_minor, what.reason))
            return f"W{id_}"

        return await self._do("write_off", lambda: self._put(key, make))

    async def grant_discount(self, what, key, correlation):
        def make(id_):
            self.granted.append((what.invoice_erp_id, what.amount_minor, what.paid_on, what.reason))
            return f"D{id_}"

        return await self._do("grant_discount", lambda: self._put(key, make))

    async def invoice(self, invoice_id):
        return await self._do("invoice", lambda: self.invoices[invoice_id])

    async def invoice_by_key(self, key):
        return self.by_key.get(key)

    async def open_items(self, customer_id):
        return await self._do("open_items", lambda: [i for i in self.items if i.customer_erp_id == customer_id])

    async def items_named(self, numbers):
        return await self._do("items_named", lambda: [i for i in self.items if i.number in numbers])

    async def put_payment(self, entry, customer_id, allocations, key, correlation):
        def make(id_):
            self.payments.append(
                (customer_id, entry.amount_minor, {a.invoice_erp_id: a.amount_minor for a in allocations})
            )
            paid = {a.invoice_erp_id for a in allocations}
            self.items = [item for item in self.items if item.erp_id not in paid]
            return id_

        return await self._do("put_payment", lambda: self._put(key, make))


class FakeBank(System):
    def __init__(self, clock):
        super().__init__("bank", clock)
        self.files: dict[str, list[BankEntry]] = {}
        self.listed: list[tuple[str, Inbound]] = []

    def closes(self, day, *entries):
        """A day ends with these credits; gives the notice of the statement."""
        id_ = f"S{len(self.files) + 1}"
        self.files[id_] = list(entries)
        event = Inbound(f"bank:statement:{id_}", "cash", id_, "bank:1", self.clock.now())
        self.listed.append((day, event))
        return event

    async def statements(self, since):
        self.asked_since.append(since)
        found = [(day, event) for day, event in self.listed if day > since]
        return await self._do(
            "statements", lambda: ([event for _, event in found], max((day for day, _ in found), default=since))
        )

    async def entries(self, statement_id):
        return await self._do("entries", lambda: self.files[statement_id])


@dataclass
class Seen(Observer):
    """What the engine told of itself."""

    syncs: list[Any] = field(default_factory=list)
    cases: list[tuple[str, str, str]] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)
    refusals: list[Any] = field(default_factory=list)

    def synced(self, what):
        self.syncs.append(what)

    def case_opened(self, case_id, flow, object_id, reason, at):
        self.cases.append((flow, object_id, reason))

    def refused(self, refusal):
        self.refusals.append(refusal)

    def dropped(self, event, reason, at):
        self.lost.append((event.flow, event.object_id))

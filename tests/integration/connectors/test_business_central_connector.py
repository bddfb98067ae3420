"""The Business Central connector against the mock, in virtual time: every method, lost answers, pages, pushes."""

import asyncio
import hashlib
import json

import pytest

from o2c_twin.integration.capability import guard_of
from o2c_twin.integration.connectors.business_central import SHEET, BusinessCentralErp
from o2c_twin.integration.connectors.business_central_client import BusinessCentralClient, code_of
from o2c_twin.integration.model import Allocation, BankEntry, Deal, DealLine, Party
from o2c_twin.integration.ports import HttpAnswer, NoAnswer, NotSent
from o2c_twin.integration.runtime.errors import CallFailed, NotAuthentic
from o2c_twin.mock_systems.vendors.business_central import BusinessCentralConfig, make
from o2c_twin.mock_systems.wire.faults import LostReply, ServerError, Throttled
from o2c_twin.mock_systems.wire.message import Request, TransportFault
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

START_US = 1_767_571_200_000_000
HOOK = "http://hub/webhooks/erp"
PARTY = Party("A1", "Acme", "K-1", email="ap@acme.example", credit_limit_minor=1_000_050, currency="USD", terms_days=45)


class Bench:
    """A company of two items, and a connector that calls it."""

    def __init__(self, config=None):
        self.us = START_US
        self.calls = []
        self.posted = []
        self._waiting = []

        async def sleep(seconds):
            self.us += round(seconds * 1e6)

        async def post(url, headers, body):
            self.posted.append(body)
            return 200, b""

        def draw(stream, *key):
            return (
                int.from_bytes(hashlib.blake2b(repr((stream, *key)).encode(), digest_size=8).digest()) + 0.5
            ) / 2**64

        self.world = World(self, draw, sleep, lambda work, name: self._waiting.append(work), post)
        self.dialect = make(self.world, config)
        self.server = MockServer("erp", self.dialect, self.world)
        self.core = self.dialect.core
        for sku in ("WIDGET", "GADGET"):
            self.core.add_item(sku, sku.title(), 2_500, 1_000, "USD", 50)
        self.erp = self.connect()

    def now(self):
        return self.us

    def connect(self, **credentials):
        """A connector as a new process makes it: it remembers nothing."""
        config, app = self.dialect.config, self.dialect.config.apps[0]
        arguments = {"client_id": app.client_id, "client_secret": app.client_secret, **credentials}
        place = (config.tenant, config.environment, self.dialect.company_id)
        client = BusinessCentralClient("erp", "http://bc.example", self, *place, **arguments)
        return BusinessCentralErp(client, "USD", "s3cret")

    async def send(self, request):
        self.us += 1_000_000
        self.calls.append(f"{request.method} {request.path.partition('/api/v2.0/')[2] or 'token'}")
        asked = Request(
            request.method, request.path, request.query, request.headers, request.body, request.url, request.path
        )
        try:
            answer = await self.server.call(asked)
        except TransportFault as fault:
            raise (NotSent if fault.kind == "refused" else NoAnswer)(fault.kind) from fault
        return HttpAnswer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.body)

    def do(self, call):
        return asyncio.run(call)

    def fails(self, call):
        with pytest.raises(CallFailed) as caught:
            asyncio.run(call)
        return caught.value

    def notices(self):
        while self._waiting:
            asyncio.run(self._waiting.pop(0))
        return self.posted

    # --- a business ------------------------------------------------------------------------------

    def customer(self, party=PARTY, key="customer:A1"):
        return self.do(self.erp.put_customer(party, key, "c"))

    def order(self, key="order:D1", po="PO-1", quantity=3, erp=None):
        erp = erp or self.erp
        deal = Deal("D1", "R-1", po, PARTY, (DealLine("WIDGET", quantity, 1_999), DealLine("GADGET", 1, 500)), "USD", 0)
        customer = self.do(erp.customer_by_number("K-1")) or self.customer()
        return self.do(erp.put_order(deal, customer, self.do(erp.item_ids()), key, "order:R-1"))

    def core_order(self):
        return list(self.core.state.orders.values())[-1]

    def shipped(self, **lines):
        """The warehouse ships what is reserved, or so many by line; the id of the shipment."""
        delivery = self.core.deliver(self.core_order().id, {int(k[1:]): v for k, v in lines.items()} or None)
        return self.dialect.guids.of("shipment", delivery.id)

    def entry(self, amount, reference="B000000001"):
        return BankEntry(reference, amount, "USD", "2026-01-05", None, "INV", "ACME", None)


@pytest.fixture
def bench():
    return Bench()


# --- the whole way ----------------------------------------------------------------------------------


def test_order_to_cash(bench):
    erp = bench.erp
    order = bench.order()
    made = bench.core_order()
    assert (made.po_number, made.channel) == ("PO-1", "api")
    assert [(x.quantity, x.unit_price_minor) for x in made.lines] == [(3, 1_999), (1, 500)]
    status = bench.do(erp.order(order))
    assert (status.external_id, status.po_number, status.credit, status.fulfilment) == (
        "order:D1",
        "PO-1",
        "passed",
        "open",
    )
    shipment = bench.do(erp.shipment(bench.shipped(_1=2, _2=1)))
    assert shipment.order_erp_id == order
    assert bench.do(erp.order(order)).fulfilment == "part shipped"
    first = bench.do(erp.bill(order, "bill:1", "c"))
    assert [(x.shipped, x.billed) for x in made.lines] == [(2, 2), (1, 1)], "a bill ships nothing"
    bill = bench.do(erp.invoice(first))
    assert (bill.order_erp_id, bill.total_minor, bill.open_minor) == (order, 4_498, 4_498)
    bench.shipped()
    second = bench.do(erp.bill(order, "bill:2", "c"))
    assert bench.do(erp.invoice(second)).total_minor == 1_999
    customer = bench.do(erp.customer_by_number("K-1"))
    items = bench.do(erp.open_items(customer))
    assert [(i.number, i.open_minor, i.due_on) for i in items] == [
        ("INV1001", 4_498, "2026-02-19"),
        ("INV1002", 1_999, "2026-02-19"),
    ]
    assert bench.do(erp.items_named(["INV1002", "O'X", "INV9"])) == items[1:]
    paid = [Allocation(first, 4_498), Allocation(second, 999)]
    document = bench.do(erp.put_payment(bench.entry(6_000), customer, paid, "cash:B000000001", "c"))
    assert document == "CASH:B000000001"
    (payment,) = bench.core.state.payments.values()
    assert (payment.reference, payment.amount_minor, payment.unapplied_minor) == ("B000000001", 6_000, 503)
    assert [i.open_minor for i in bench.do(erp.open_items(customer))] == [1_000]


def test_an_order_that_is_gone_with_its_last_invoice_is_told_from_it(bench):
    order = bench.order()
    bench.shipped()
    bench.do(bench.erp.bill(order, "bill:1", "c"))
    again = bench.connect()
    status = bench.do(again.order(order))
    assert (status.erp_id, status.number, status.fulfilment) == (order, "SO1001", "shipped")
    assert (status.external_id, status.po_number) == ("order:D1", "PO-1")
    assert bench.do(again.find("put_order", "order:D1")) == order
    assert bench.do(again.bill(order, "bill:1", "c")) == ""


def test_an_order_that_was_deleted_is_missing(bench):
    order = bench.order()
    bench.core.cancel_order(bench.core_order().id)
    assert bench.fails(bench.erp.order(order)).cause == "missing"


def test_an_order_on_hold_says_so(bench):
    bench.customer(Party("A1", "Acme", "K-1", credit_limit_minor=100, currency="USD"))
    assert bench.do(bench.erp.order(bench.order())).credit == "on hold"


# --- lost answers -----------------------------------------------------------------------------------


def _lose(bench, operation):
    bench.server.faults.add(LostReply(operations=(operation,), next=1))


@pytest.mark.parametrize("remembers", [True, False])
def test_an_order_whose_answer_was_lost_is_found_by_its_key(bench, remembers):
    customer = bench.customer()
    items = bench.do(bench.erp.item_ids())
    bench.order("order:D0", "PO-1")  # another order of the same reference
    deal = Deal("D1", "R-1", "PO-1", PARTY, (DealLine("WIDGET", 1, 100),), "USD", 0)
    _lose(bench, "salesOrders.create")
    assert bench.fails(bench.erp.put_order(deal, customer, items, "order:D1", "c")).cause == "unknown-outcome"
    erp = bench.erp if remembers else bench.connect()
    found = bench.do(erp.find("put_order", "order:D1"))
    assert bench.do(erp.order(found)).number == "SO1002"
    assert bench.do(erp.find("put_order", "order:D9")) is None


@pytest.mark.parametrize("remembers", [True, False])
def test_a_bill_whose_answer_was_lost_bills_nothing_twice(bench, remembers):
    order = bench.order()
    bench.shipped(_1=1)
    _lose(bench, "batch")
    assert bench.fails(bench.erp.bill(order, "bill:1", "c")).cause == "unknown-outcome"
    erp = bench.erp if remembers else bench.connect()
    assert bench.do(erp.find("bill", "bill:1")) is None
    made = bench.do(erp.bill(order, "bill:1", "c"))
    assert made == (bench.dialect.guids.of("invoice", next(iter(bench.core.state.invoices))) if remembers else "")
    assert len(bench.core.state.invoices) == 1


def test_a_payment_whose_answer_was_lost_is_found_in_the_ledger(bench):
    customer = bench.customer()
    _lose(bench, "batch")
    call = bench.erp.put_payment(bench.entry(500), customer, [], "cash:B000000001", "c")
    assert bench.fails(call).cause == "unknown-outcome"
    assert bench.do(bench.connect().find("put_payment", "cash:B000000001")) == "CASH:B000000001"
    assert bench.do(bench.connect().find("put_payment", "cash:B000000002")) is None


@pytest.mark.parametrize("number", ["K-1", None])
def test_a_customer_whose_answer_was_lost_is_made_once(bench, number):
    party = Party("A1", "Acme", number, currency="USD")
    _lose(bench, "customers.create")
    assert bench.fails(bench.erp.put_customer(party, "customer:A1", "c")).cause == "unknown-outcome"
    renamed = Party("A1", "Acme Ltd", number, currency="USD")
    bench.do(bench.connect().put_customer(renamed, "customer:A1", "c"))
    assert [c.name for c in bench.core.state.customers.values()] == ["Acme Ltd"]


def test_a_naive_customer_of_a_known_number_is_refused(bench):
    bench.customer()
    assert bench.fails(bench.erp.put_customer(PARTY, None, "c")).cause == "rejected"


def test_the_sheet_claims_what_the_mock_promises():
    promises = {promise.operation: promise for promise in make(Bench().world).promises}
    for capability in SHEET:
        promise = promises[capability.operation]
        for name in ("guard", "retention_s", "index_lag_s", "version_guard", "bulk_limit", "partial"):
            assert getattr(capability, name) == getattr(promise, name), (capability.write, name)
    assert guard_of(SHEET, "put_order").guard == "query"


# --- writes that are refused ------------------------------------------------------------------------


def test_a_payment_that_is_refused_leaves_no_line_in_the_journal(bench):
    order = bench.order()
    bench.shipped()
    invoice = bench.do(bench.erp.bill(order, "bill:1", "c"))
    customer = bench.do(bench.erp.customer_by_number("K-1"))
    call = bench.erp.put_payment(bench.entry(9_000), customer, [Allocation(invoice, 9_000)], "cash:B000000001", "c")
    assert bench.fails(call).cause == "rejected"
    assert (bench.core.state.payments, bench.dialect.state.lines) == ({}, {})
    bench.do(bench.erp.put_payment(bench.entry(100), customer, [Allocation(invoice, 100)], "cash:B000000002", "c"))


def test_goods_that_leave_between_reading_and_billing_are_read_again(bench):
    order = bench.order()
    bench.shipped(_1=1)
    send, left = bench.send, []

    async def meanwhile(request):
        if request.path.endswith("$batch") and not left:
            left.append(bench.shipped(_1=1))
        return await send(request)

    bench.erp._client.wire._http.send = meanwhile
    assert bench.fails(bench.erp.bill(order, "bill:1", "c")).cause == "unavailable"
    bench.do(bench.erp.bill(order, "bill:1", "c"))
    assert (bench.core_order().lines[0].shipped, bench.core_order().lines[0].billed) == (2, 2)


def test_what_cannot_be_right_is_not_sent(bench):
    customer = bench.customer()
    before = len(bench.calls)
    foreign = BankEntry("B1", 1, "EUR", "2026-01-05", None, "", None, None)
    assert bench.fails(bench.erp.put_payment(foreign, customer, [], "cash:B1", "c")).cause == "rejected"
    deal = Deal("D1", "R", None, PARTY, (DealLine("NONE", 1, 1),), "USD", 0)
    assert bench.fails(bench.erp.put_order(deal, customer, {}, "order:D1", "c")).cause == "rejected"
    assert len(bench.calls) == before
    nothing = Party("A2", "No credit", "K-2", credit_limit_minor=0, currency="USD")
    assert "0 means none" in bench.fails(bench.erp.put_customer(nothing, "customer:A2", "c")).detail


def test_terms_that_do_not_exist_are_made_once(bench):
    bench.do(bench.erp.put_customer(Party("A1", "Acme", "K-1", terms_days=33), "customer:A1", "c"))
    bench.do(bench.erp.put_customer(Party("A2", "Bcme", "K-2", terms_days=33), "customer:A2", "c"))
    assert [c.terms_days for c in bench.core.state.customers.values()] == [33, 33]
    assert (
        sum(call.endswith("POST paymentTerms") or ("POST" in call and "paymentTerms" in call) for call in bench.calls)
        == 1
    )


# --- failures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Throttled(next=1), "throttled"),
        (ServerError(status=503, next=1), "unavailable"),
        (ServerError(status=504, next=1), "unknown-outcome"),
        (LostReply(next=1), "unknown-outcome"),
    ],
)
def test_failures_are_sorted(bench, fault, cause):
    bench.customer()
    bench.server.faults.add(fault)
    other = Party("A2", "Bcme", "K-2", terms_days=30)
    assert bench.fails(bench.erp.put_customer(other, "customer:A2", "c")).cause == cause


def test_a_token_that_has_expired_is_fetched_anew(bench):
    bench.do(bench.erp.item_ids())
    bench.us += 3_700_000_000
    bench.do(bench.erp.item_ids())
    assert bench.calls.count("POST token") == 2


def test_a_wrong_secret_is_a_login_failure(bench):
    assert bench.fails(bench.connect(client_secret="wrong").item_ids()).cause == "login"
    assert bench.fails(bench.connect(client_id="wrong").item_ids()).cause == "login"


# --- changes and pushes -----------------------------------------------------------------------------


def test_changes_are_complete_over_pages_and_instants():
    bench = Bench(BusinessCentralConfig(page_size=7))
    since = bench.us
    orders = [bench.order(f"order:D{n}", f"PO-{n}", 1) for n in range(20)]
    for order in list(bench.core.state.orders.values())[:10]:
        bench.core.deliver(order.id)
    bench.do(bench.erp.bill(orders[0], "bill:1", "c"))
    events, until = bench.do(bench.connect().changes(since))
    kinds = {flow: [e.object_id for e in events if e.flow == flow] for flow in ("order-status", "delivery", "invoice")}
    assert set(kinds["order-status"]) == set(orders), "the one that is gone is told by its invoice"
    assert (len(set(kinds["delivery"])), len(kinds["invoice"])) == (10, 1)
    assert len({e.event_id for e in events}) == len(events)
    assert {e.lane for e in events if e.object_id == orders[0]} == {"order:SO1001"}
    later, _ = bench.do(bench.erp.changes(until + 1_000))
    assert later == []
    again, _ = bench.do(bench.erp.changes(until))
    assert {e.event_id for e in again} <= {e.event_id for e in events}


def test_a_push_is_an_event_a_poll_finds_too(bench):
    bench.dialect.subscribe(HOOK, ("salesOrders", "salesShipments", "salesInvoices"), "s3cret")
    since = bench.us
    order = bench.order()
    bench.shipped()
    bench.do(bench.erp.bill(order, "bill:1", "c"))
    pushed = [event for body in bench.notices() for event in bench.erp.pushed(body, {})[0]]
    polled, _ = bench.do(bench.erp.changes(since))
    assert {(e.flow, e.object_id) for e in pushed} == {(e.flow, e.object_id) for e in polled}
    assert {(e.flow) for e in pushed} == {"order-status", "delivery", "invoice"}


def test_a_push_without_the_secret_is_not_believed(bench):
    bench.dialect.subscribe(HOOK, ("salesOrders",), "another")
    bench.order()
    with pytest.raises(NotAuthentic):
        bench.erp.pushed(bench.notices()[0], {})


@pytest.mark.parametrize("resource", ["", "companies(x)/salesOrders(1)", "../x", "companies(%s)/salesOrders(../../x)"])
def test_a_notice_that_names_no_record_is_refused(bench, resource):
    notice = {"resource": resource, "changeType": "updated", "lastModifiedDateTime": "2026-01-05T00:00:00Z"}
    body = json.dumps({"value": [{**notice, "clientState": "s3cret"}]}).encode()
    with pytest.raises(ValueError, match="not a record"):
        bench.erp.pushed(body, {})


def test_a_collection_notice_names_no_records_and_the_sweep_finds_them():
    bench = Bench(BusinessCentralConfig(webhook_batch=2))
    bench.dialect.subscribe(HOOK, ("salesOrders",), "s3cret")
    for n in range(5):
        bench.order(f"order:D{n}", f"PO-{n}", 1)
    bodies = bench.notices()
    assert any(b'"collection"' in body for body in bodies)
    assert sum(len(bench.erp.pushed(body, {})[0]) for body in bodies) == 0


def test_other_keys_have_other_codes():
    keys = ["cash:B000000001", "cash:b000000001", "cash:2026/01 5%", "order:0060e0000000001AAA", "k" * 200]
    codes = [code_of(key) for key in keys]
    assert len(set(codes)) == len(keys)
    assert all(len(code) <= 20 and code == code.upper() for code in codes)

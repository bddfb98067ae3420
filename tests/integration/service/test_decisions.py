"""Held orders released and remainders written off, over HTTP and with `o2c engine`, at the NetSuite mock."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from o2c_twin.integration.connectors.registry import LACKING
from o2c_twin.integration.flows import FLOWS
from o2c_twin.integration.flows.decided import decide, release_event
from o2c_twin.integration.governance.roles import ROLES
from o2c_twin.integration.model import Inbound
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime import engine as running
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.service.api import service_app
from o2c_twin.integration.service.wiring import governed
from o2c_twin.integration.store import SqliteJournal
from o2c_twin.integration.store.postgres import PostgresJournal
from o2c_twin.mock_systems.wire.faults import LostReply, ServerError
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.estate import build_estate
from o2c_twin.twin.plan import RunPlan
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch
from o2c_twin.twin.transport import direct

MINUTE = 60_000_000
PEOPLE = (*ROLES, "credit/ann", "finance/bo")
TOKENS = {name: f"token-of-{name}" for name in PEOPLE}
PLAN = RunPlan("decisions", "", "")


class Company:
    """The mocks in virtual time, an engine between them, its service and the people at it."""

    def __init__(self, office, monkeypatch, journal, delivery="effectively-once"):
        self.monkeypatch = monkeypatch
        self.env = TwinEnvironment()
        self.clock = TwinClock(self.env, epoch(datetime(2026, 1, 5, tzinfo=UTC)))
        chance = Chance(PLAN.seed)
        world = World(self.clock, chance.sub("mocks").uniform, asyncio.sleep, self.env.spawn, self.post)
        self.estate = build_estate(PLAN, world)
        self.estate.subscribe(lambda system: f"http://engine.test/{system}")
        self.journal = journal
        self.draw = chance.sub("engine").uniform
        self.engine = self.worker(journal, delivery)
        self.operations = governed(self.engine)
        app = service_app(self.engine, self.operations, TOKENS, lambda: True)
        self.office = office(app, TOKENS, self.env.aio.run_until_complete)
        self.engine.start()
        self.erp, self.crm = self.estate.erp, self.estate.crm
        self.erp.add_item("WIDGET", "Widget", 2_500, 1_000, "EUR", 100_000)
        self.product = self.crm.create("product", {"code": "WIDGET", "name": "Widget", "price_minor": 2_500})

    def worker(self, journal, delivery="effectively-once"):
        """An engine between these systems; several may share a journal."""
        systems = self.estate.connectors(direct(self.estate.servers, asyncio.sleep), lambda s: f"http://{s}.test")
        return Engine(
            DesignProfile(delivery=delivery),
            systems.crm,
            systems.erp,
            systems.bank,
            journal,
            FLOWS,
            clock=self.clock,
            sleep=asyncio.sleep,
            spawn=self.env.spawn,
            draw=self.draw,
        )

    async def post(self, url, headers, body):
        return self.engine.pushed(url.rpartition("/")[2], body, headers)

    def won(self, quantity, limit):
        """A customer with a credit limit in euros buys; gives the deal's id."""
        fields = self.estate.crm_fields
        custom = {fields.customer_number: "K-1", fields.terms_days: 30, fields.credit_limit: limit}
        account = self.crm.create("account", {"name": "Acme", "city": "Berlin"}, custom)
        values = {"name": "Deal", "stage": "Negotiation/Review", "close_date": "2026-01-05", "account_id": account.id}
        deal = self.crm.create("opportunity", {**values, "currency": "EUR"}, {fields.po_number: "PO-1"})
        line = {"opportunity_id": deal.id, "product_id": self.product.id, "unit_price_minor": 2_500}
        self.crm.create("line", {**line, "quantity": quantity})
        self.crm.update("opportunity", deal.id, {"stage": "Closed Won"})
        self.pass_time(10)
        return deal.id

    @property
    def order(self):
        (order,) = self.erp.state.orders.values()
        return order

    def part_paid(self, quantity, short):
        """An invoice of which all but ``short`` minor units was paid."""
        self.won(quantity, 1_000_000)
        self.erp.deliver(self.order.id)
        self.pass_time(10)
        (invoice,) = self.erp.state.invoices.values()
        paid = invoice.total_minor - short
        self.erp.receive_payment(invoice.customer_id, paid, [(invoice.id, paid)])
        self.pass_time(10)
        return invoice

    def pass_time(self, minutes):
        # On PostgreSQL a worker looks for lanes; fifty looks are enough for any of these stories.
        self.monkeypatch.setattr(running, "_CLAIM_EVERY_S", minutes * 60 / 50)
        self.env.run(until=self.env.now + minutes * MINUTE)

    def trail(self):
        told = self.operations._audit.entries()
        return [(e["who"], e["what"], e["object"], e["key"]) for e in told if e["who"] != "engine"]

    def close(self):
        self.engine.stop()
        self.env.close()
        self.journal.close()


@pytest.fixture(params=["sqlite", "postgres"])
def company(request, office, monkeypatch):
    made = []

    def make(**settings):
        if request.param == "sqlite":
            journal = SqliteJournal(":memory:", "OFF")
        else:
            journal = PostgresJournal(request.getfixturevalue("postgres_url"), "anna")
        made.append(Company(office, monkeypatch, journal, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def held(company):
    here = company()
    here.deal = here.won(10, 100)
    assert here.order.credit == "hold"
    return here


# --- holds ---------------------------------------------------------------------------------------------


def test_a_held_order_is_released_by_two_and_sales_reads_it(held):
    fields = held.estate.crm_fields
    assert held.crm.state.opportunities[held.deal].custom[fields.credit] == "on hold"
    told = held.office.o2c("release-hold", held.order.id, who="credit").output
    assert told.startswith("apr-1: asked; somebody else of credit or finance says 'o2c engine approve apr-1'")
    own = held.office.o2c("approve", "apr-1", who="credit")
    assert "credit asked for it; somebody else must decide" in own.stderr
    assert held.office.o2c("approve", "apr-1", who="credit/ann").exit_code == 0
    answer = held.office.o2c("release-hold", held.order.id, "--approval", "apr-1", who="credit")
    assert answer.output == f"order {held.order.number}: is being released\n"
    held.pass_time(10)
    assert held.order.credit == "released"
    assert held.crm.state.opportunities[held.deal].custom[fields.credit] == "passed"
    assert held.trail() == [
        ("credit", "look at hold", held.order.id, "done"),
        ("credit", "ask: release hold", held.order.id, "apr-1"),
        ("credit", "approve", "apr-1", "refused"),
        ("credit/ann", "approve", "apr-1", "done"),
        ("credit", "release hold", held.order.id, "done"),
    ]


def test_an_order_is_known_by_its_deal_too(held):
    shown = held.office.call("GET", f"/api/holds/{held.deal}", "credit").json()
    assert (shown["order"], shown["number"], shown["credit"]) == (held.order.id, held.order.number, "on hold")


def test_without_approval_an_order_stays_held(held):
    answer = held.office.call("POST", f"/api/holds/{held.order.id}/release", "credit", json={})
    assert (answer.status_code, "needs a second pair of eyes" in answer.json()["error"]) == (403, True)
    held.pass_time(10)
    assert held.order.credit == "hold"


def _approved(here, asking, asker, approver):
    made = here.office.call("POST", "/api/approvals", asker, json=asking)
    assert made.status_code == 201, made.text
    id_ = made.json()["id"]
    assert here.office.call("POST", f"/api/approvals/{id_}", approver, json={"action": "approve"}).status_code == 200
    return id_


def test_an_order_that_changed_since_it_was_asked_for_is_not_what_was_approved(held):
    asking = held.office.call("GET", f"/api/holds/{held.order.id}", "credit").json()["asking"]
    approval = _approved(held, asking, "credit", "finance")
    held.erp.update_order(held.order.id, memo="twice as much")
    answer = held.office.call("POST", f"/api/holds/{held.order.id}/release", "credit", json={"approval": approval})
    assert (answer.status_code, "something else was approved" in answer.json()["error"]) == (409, True)


def test_what_is_not_held_or_not_there_is_not_released(company):
    here = company()
    here.won(1, 1_000_000)
    answer = here.office.call("GET", f"/api/holds/{here.order.id}", "credit")
    said = f"order {here.order.number} is not held: its credit status is passed"
    assert (answer.status_code, answer.json()["error"]) == (409, said)
    assert here.office.call("GET", "/api/holds/999999", "credit").status_code == 404


def test_a_release_is_done_once_though_it_is_said_twice_and_its_answer_is_lost(held):
    asking = held.office.call("GET", f"/api/holds/{held.order.id}", "credit").json()["asking"]
    approvals = [_approved(held, asking, "credit", "finance") for _ in range(2)]
    held.estate.servers["erp"].faults.add(LostReply(operations=("salesOrder.update",), next=1))
    path = f"/api/holds/{held.order.id}/release"
    first = held.office.call("POST", path, "credit", json={"approval": approvals[0]})
    second = held.office.call("POST", path, "credit", json={"approval": approvals[1]})
    assert (first.status_code, second.status_code) == (202, 409)
    assert "is being released already" in second.json()["error"]
    held.pass_time(60)
    assert held.order.credit == "released"
    assert [e["state"] for e in held.office.call("GET", "/api/approvals").json()] == ["used", "approved"]


def test_nobody_releases_by_sending_an_event(held):
    event = Inbound("decided:x", "release-hold", held.order.id, f"order:{held.order.id}", 0)
    held.engine.receive(event)
    held.engine.receive(Inbound("decided:y", "write-off", "1", "order:1", 0))
    held.pass_time(10)
    assert held.order.credit == "hold"
    assert held.journal.cases("open") == []


# --- remainders ----------------------------------------------------------------------------------------


def test_a_small_remainder_is_written_off_by_one(company):
    here = company()
    invoice = here.part_paid(200, 2_500)
    answer = here.office.o2c("write-off", invoice.number, "--reason", "bank charges", who="finance")
    assert answer.output == f"invoice {invoice.number}: 2500 EUR minor units are being written off\n"
    here.pass_time(10)
    (memo,) = here.erp.state.credit_memos.values()
    assert (invoice.open_minor, memo.amount_minor, memo.unapplied_minor, memo.reason) == (0, 2_500, 0, "bank charges")
    assert here.erp.trial_balance()["receivables"] == 0
    assert here.trail()[-1] == ("finance", "write-off", invoice.number, "2500 EUR minor units")
    assert here.office.call("GET", "/api/approvals").json() == []


def test_a_larger_remainder_is_written_off_by_two(company):
    here = company()
    invoice = here.part_paid(200, 2_501)
    path = f"/api/remainders/{invoice.number}"
    alone = here.office.call("POST", f"{path}/write-off", "finance", json={"reason": "short"})
    assert (alone.status_code, "needs a second pair of eyes" in alone.json()["error"]) == (403, True)
    asked = json.loads(
        here.office.o2c("write-off", invoice.number, "--reason", "short", "--json", who="finance").output
    )
    assert asked["content"] == {"amount_minor": "2501", "currency": "EUR", "reason": "short"}
    assert (asked["amount_minor"], asked["currency"]) == (2_501, "EUR")
    assert here.office.o2c("approve", asked["id"], who="finance/bo").exit_code == 0
    again = ("write-off", invoice.number, "--approval", asked["id"], "--reason")
    other = here.office.o2c(*again, "another reason", who="finance")
    assert (other.exit_code, "something else was approved" in other.stderr) == (2, True)
    assert here.office.o2c(*again, "short", who="finance").exit_code == 0
    here.pass_time(10)
    assert (invoice.open_minor, len(here.erp.state.credit_memos)) == (0, 1)


def test_a_remainder_whose_answer_is_lost_is_written_off_once(company):
    here = company()
    invoice = here.part_paid(200, 1_000)
    here.estate.servers["erp"].faults.add(LostReply(operations=("invoice.transform.creditMemo",), next=1))
    body = {"reason": "bank charges"}
    assert (
        here.office.call("POST", f"/api/remainders/{invoice.number}/write-off", "finance", json=body).status_code == 202
    )
    here.pass_time(60)
    (memo,) = here.erp.state.credit_memos.values()
    assert (memo.amount_minor, invoice.open_minor, here.journal.cases("open")) == (1_000, 0, [])


def test_a_remainder_that_was_paid_meanwhile_is_a_case_and_not_written_off(company):
    here = company()
    invoice = here.part_paid(200, 1_000)
    here.engine.pause("write-off")
    body = {"reason": "bank charges"}
    here.office.call("POST", f"/api/remainders/{invoice.number}/write-off", "finance", json=body)
    here.erp.receive_payment(invoice.customer_id, 400, [(invoice.id, 400)])
    here.engine.resume("write-off")
    here.pass_time(60)
    (case,) = here.journal.cases("open")
    assert "has 600 open, and 1000 were to be written off (minor units); decide anew" in case.reason
    assert here.erp.state.credit_memos == {}


@pytest.mark.parametrize(
    ("short", "body", "status", "told"),
    [
        (500_000, {"reason": "x"}, 409, "only what is left of a part-paid invoice is written off"),
        (1_000, {"reason": " "}, 422, "reason: say why it is written off"),
        (1_000, {}, 422, "Field required"),
    ],
)
def test_what_may_not_be_written_off_is_refused(company, short, body, status, told):
    here = company()
    invoice = here.part_paid(200, 1_000)
    if short > 1_000:
        invoice.open_minor = invoice.total_minor
    answer = here.office.call("POST", f"/api/remainders/{invoice.number}/write-off", "finance", json=body)
    assert (answer.status_code, told in answer.text) == (status, True)
    assert here.erp.state.credit_memos == {}


def test_an_invoice_that_is_not_open_is_not_found(company):
    answer = company().office.call("GET", "/api/remainders/INV9?reason=x", "finance")
    assert (answer.status_code, "no open invoice 'INV9'" in answer.json()["error"]) == (404, True)


# --- who, and where not --------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_the_table_says_who_decides(held, role):
    for may, path in (("credit", f"/api/holds/{held.order.id}/release"), ("finance", "/api/remainders/X/write-off")):
        answer = held.office.call("POST", path, role, json={"reason": "x"} if "remainders" in path else {})
        if role != may:
            assert answer.status_code == 403
            assert f"{role} may not" in answer.json()["error"]
        else:
            assert "may not" not in answer.json()["error"]


@pytest.mark.parametrize(
    ("vendor", "method"), [(vendor, method) for vendor, methods in LACKING.items() for method in methods]
)
def test_a_vendor_without_an_api_for_it_says_just_that(bench, office, vendor, method, monkeypatch):
    monkeypatch.delattr(type(bench.erp), method, raising=False)
    operations = governed(bench.engine(), lacking=LACKING[vendor])
    at = office(service_app(bench.now_running, operations, TOKENS, lambda: True), TOKENS, bench.do)
    asked = {"release_order": ("credit", "/api/holds/1"), "write_off": ("finance", "/api/remainders/1")}
    who, path = asked[method]
    answer = at.call("GET", path, who)
    assert answer.status_code == 409
    assert answer.json()["error"] == f"this vendor offers no API for it: {LACKING[vendor][method]}"


def test_a_design_without_a_journal_of_its_writes_decides_nothing(company):
    here = company(delivery="naive-retry")
    here.won(10, 100)
    answer = here.office.call("GET", f"/api/holds/{here.order.id}", "credit")
    assert (answer.status_code, "choose delivery effectively-once" in answer.json()["error"]) == (409, True)


def test_an_erp_that_does_not_answer_decides_nothing(held):
    held.estate.servers["erp"].faults.add(ServerError(operations=("salesOrder.get",), status=503))
    answer = held.office.call("GET", f"/api/holds/{held.order.id}", "credit")
    assert (answer.status_code, "try again when the ERP answers" in answer.json()["error"]) == (503, True)


# --- two workers ---------------------------------------------------------------------------------------


SHARED = pytest.mark.parametrize("company", ["postgres"], indirect=True)


@pytest.fixture
def second(request, office, held):
    """A second worker beside that of the held order, with an office of its own."""
    journal = PostgresJournal(request.getfixturevalue("postgres_url"), "bert")
    engine = held.worker(journal)
    engine.start()
    engine.operations = governed(engine)
    app = service_app(engine, engine.operations, TOKENS, lambda: True)
    engine.office = office(app, TOKENS, held.env.aio.run_until_complete)
    yield engine
    engine.stop()
    journal.close()


def _released(held):
    return [e.operation for e in held.estate.servers["erp"].journal.entries if e.operation == "salesOrder.update"]


@SHARED
@pytest.mark.parametrize("approvals", [1, 2])
def test_what_is_said_at_two_workers_is_done_once(held, second, approvals):
    asking = held.office.call("GET", f"/api/holds/{held.order.id}", "credit").json()["asking"]
    given = [_approved(held, asking, "credit", "finance") for _ in range(approvals)]
    path = f"/api/holds/{held.order.id}/release"
    first = held.office.call("POST", path, "credit", json={"approval": given[0]})
    other = second.office.call("POST", path, "credit", json={"approval": given[-1]})
    assert (first.status_code, other.status_code) == (202, 409)
    held.pass_time(30)
    assert (held.order.credit, len(_released(held))) == ("released", 1)
    assert held.engine.handled + second.handled > 0


@SHARED
def test_of_two_who_decide_at_the_same_instant_the_later_ones_approval_is_not_used_up(held, second, monkeypatch):
    asking = held.office.call("GET", f"/api/holds/{held.order.id}", "credit").json()["asking"]
    late = _approved(held, asking, "credit", "finance")
    use = held.operations.decisions._approvals.use

    def decided_elsewhere_meanwhile(*given):
        event = release_event(held.order.id, int(asking["content"]["modified_at"]), held.clock.now())
        with second.journal.together():
            assert decide(second, event, {"order": held.order.id, "by": "credit/ann"})
        return use(*given)

    monkeypatch.setattr(held.operations.decisions._approvals, "use", decided_elsewhere_meanwhile)
    answer = held.office.call("POST", f"/api/holds/{held.order.id}/release", "credit", json={"approval": late})
    assert (answer.status_code, "is being released already" in answer.json()["error"]) == (409, True)
    assert [e["state"] for e in held.office.call("GET", "/api/approvals").json()] == ["approved"]
    held.pass_time(30)
    assert (held.order.credit, len(_released(held))) == ("released", 1)

"""A write against the system of record does not leave: it is refused, on the trail, and a person's."""

import asyncio

import msgspec
import pytest

from o2c_twin.integration.connectors.writes import WRITES
from o2c_twin.integration.governance.audit import entries
from o2c_twin.integration.governance.field_groups import SHIPPED, registry_of
from o2c_twin.integration.governance.systems_of_record import Mastery, Registry
from o2c_twin.integration.governance.write_guard import guard, intended
from o2c_twin.integration.mappings.documents import PartyChange
from o2c_twin.integration.model import (
    Allocation,
    BankEntry,
    Charge,
    Deal,
    DealLine,
    Discount,
    Party,
    PaymentClaim,
    WriteOff,
)
from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.service.wiring import governed
from o2c_twin.integration.store.audit_log import JournalAuditLog

PARTY = Party("A1", "Acme", "K-1", "a@b.example", 30, 5_000)
DEAL = Deal("D1", "R-1", "PO-1", PARTY, (DealLine("W", 1, 100),), "EUR", 0)
ENTRY = BankEntry("B1", 100, "EUR", "2026-01-05", None, "INV1", "ACME", "DE1")
CLAIM = PaymentClaim("INV1", "P1", 100, "EUR", "2026-02-01")
BOTH_WAYS = registry_of(DesignProfile(master_customer="last-change", master_credit="last-change"))
CHANGE = PartyChange("A1", "EUR", "Acme", "K-1", "a@b.example", 30, 5_000)
SAMPLES = {
    "put_customer": (PARTY,),
    "update_customer": ("101", PARTY),
    "change_customer": ("101", CHANGE),
    "change_party": ("A1", CHANGE),
    "put_order": (DEAL, "101", {"W": "1"}),
    "cancel_order": ("201",),
    "bill": ("201",),
    "credit_invoice": ("301",),
    "put_payment": (ENTRY, "101", [Allocation("301", 100)]),
    "put_charge": (Charge("DE01", "UK01", 80, "EUR", "INV1"),),
    "release_order": ("201",),
    "write_off": (WriteOff("301", 100, "EUR", "bank charges"),),
    "grant_discount": (Discount("301", 100, "EUR", "2026-01-05", "early payment discount"),),
    "note_deal": ("D1", {"order_id": "201", "credit": "passed", "invoice_number": "INV1", "payment": "Paid"}),
    "note_party": ("A1", "101"),
    "put_payer": (PARTY,),
    "collect": (CLAIM,),
}


@pytest.mark.parametrize("write", sorted(WRITES))
def test_what_the_flows_write_the_shipped_registry_allows(write):
    refused = []
    told = list(intended(write, SAMPLES[write], "k", 7))
    assert told
    registry = BOTH_WAYS if write == "change_party" else SHIPPED
    assert guard(registry, refused.append)(write, SAMPLES[write], "k", 7) is None
    assert refused == []


@pytest.mark.parametrize(
    ("write", "values"),
    [
        ("change_customer", {"master_customer": "erp"}),
        ("change_customer", {"master_credit": "erp"}),
        ("change_party", {"master_customer": "crm"}),
        ("update_customer", {"master_credit": "erp"}),
    ],
)
def test_what_an_axis_gives_to_one_side_the_other_may_not_write(write, values):
    registry = registry_of(
        DesignProfile(**{"master_customer": "last-change", "master_credit": "last-change", **values})
    )
    ((axis, master),) = values.items()
    field = "name" if axis == "master_customer" else "terms_days"
    why = guard(registry)(write, SAMPLES[write], "k", 7)
    other = "crm" if master == "erp" else "erp"
    assert why == f"{master} is master of Party.{field} in stage customer, not {other}; change it there"


@pytest.mark.parametrize(
    ("write", "rule"),
    [
        ("put_customer", Mastery("Party", "*", "*", "erp")),
        ("update_customer", Mastery("Party", "*", "*", "erp")),
        ("change_customer", Mastery("Party", "*", "*", "erp")),
        ("change_party", Mastery("Party", "*", "*", "crm")),
        ("put_order", Mastery("DealLine", "*", "*", "erp")),
        ("bill", Mastery("InvoiceStatus", "*", "*", "crm")),
        ("put_payment", Mastery("Allocation", "*", "*", "erp")),
        ("release_order", Mastery("OrderStatus", "*", "*", "crm")),
        ("write_off", Mastery("WriteOff", "*", "*", "erp")),
        ("grant_discount", Mastery("Discount", "*", "*", "erp")),
        ("note_deal", Mastery("OrderStatus", "*", "*", "crm")),
        ("note_party", Mastery("Party", "erp_id", "*", "erp")),
        ("put_payer", Mastery("Party", "*", "*", "erp")),
        ("collect", Mastery("PaymentClaim", "*", "*", "erp")),
    ],
)
def test_every_write_is_refused_by_another_master(write, rule):
    own = {(each.object, each.field, each.stage): each for each in SHIPPED.rules if each.object != rule.object}
    registry = Registry((*own.values(), rule))
    refused = []
    why = guard(registry, refused.append)(write, SAMPLES[write], "k", 7)
    assert why == refused[0].message
    assert f"{rule.master} is master of {rule.object}." in why


def test_an_order_that_is_worked_on_is_not_written_over():
    late = msgspec.structs.replace(DEAL, erp_order_id="201")
    why = guard()("put_order", (late, "101", {}), "k", 7)
    assert why == "erp is master of Deal.party in stage ordered, not crm; change it there"


@pytest.fixture
def erp_names_customers(bench):
    """An engine whose company lets the ERP alone change a customer's name; what it was told of refusals."""
    engine, refused = bench.engine(), []
    others = [rule for rule in SHIPPED.rules if (rule.field, rule.stage) != ("name", "customer")]
    rules = [*others, Mastery("Party", "name", "customer", "erp")]
    governed(engine, registry=Registry(rules), refused=refused.append)
    engine.receive(bench.won("D1", "A1", "K-1"))
    bench.pass_time(60)
    return engine, refused


def test_a_refused_write_never_leaves_and_is_a_case_and_on_the_trail(bench, erp_names_customers):
    engine, refused = erp_names_customers
    before = list(bench.erp.customers.values())
    bench.crm.parties["A1"] = msgspec.structs.replace(bench.crm.parties["A1"], name="Other", modified_at=9)
    event = bench.won("D1", "A1", "K-1", name="Other")
    engine.receive(msgspec.structs.replace(event, event_id="crm:customer:A1", flow="customer", object_id="A1"))
    bench.pass_time(60)
    assert "update_customer" not in bench.erp.calls
    assert list(bench.erp.customers.values()) == before
    (case,) = bench.journal.cases("open")
    assert case.reason == "erp is master of Party.name in stage customer, not crm; change it there"
    assert case.effect_key is not None
    assert bench.journal.effect(case.effect_key) is None
    (refusal,) = refused
    assert (refusal.object, refusal.field, refusal.system, refusal.master) == ("Party", "name", "crm", "erp")
    told = [entry.what for entry in entries(JournalAuditLog(bench.journal).rows())]
    assert f"erp update_customer refused: {case.reason}" in told


def test_what_was_intended_before_a_rule_changed_is_carried_to_its_end(bench):
    engine = bench.engine()
    bench.erp.trouble["put_order"].append(bench.LOST)
    engine.receive(bench.won())
    bench.pass_time(6.5)
    assert bench.journal.effect("order:D1").state == "sent"
    bench.kill()
    engine = bench.engine()
    others = [rule for rule in SHIPPED.rules if rule.object != "DealLine"]
    governed(engine, registry=Registry([*others, Mastery("DealLine", "*", "*", "erp")]))
    engine.start()
    bench.pass_time(600)
    assert bench.journal.effect("order:D1").state == "done"
    assert len(bench.erp.orders) == 1


def test_without_a_registry_nothing_is_asked(bench):
    engine = bench.engine()
    assert engine.delivery.registry is None
    asked = []
    real = bench.journal.effect
    bench.journal.effect = lambda key: asked.append(key) or real(key)
    bench.do(engine.delivery.write(bench.erp, "bill", "bill:1", ("201",), "c"))
    assert asked == []
    assert asyncio.iscoroutinefunction(engine.delivery.write)

"""A rehearsal reads the real systems and lists what would be written; nothing of it leaves."""

from tests.integration.bulk_crm import BulkCrm

from o2c_twin.integration.connectors.writes import WRITES
from o2c_twin.integration.service.dry_run import DryConnector


def test_every_write_of_a_won_deal_is_listed_and_none_leaves(bench):
    told = []
    deal = bench.won("D1", "A1", "K-1")
    crm, erp, bank = bench.crm, bench.erp, bench.bank
    bench.crm, bench.erp, bench.bank = (DryConnector(each, told.append) for each in (crm, erp, bank))
    engine = bench.engine()
    engine.receive(deal)
    bench.pass_time(60)
    assert [(each["system"], each["write"], each["key"]) for each in told] == [
        ("erp", "put_customer", "customer:A1"),
        ("crm", "note_party", None),
        ("erp", "put_order", "order:D1"),
        ("crm", "note_deal", None),
    ]
    assert told[0]["arguments"][0]["number"] == "K-1"
    assert told[2]["arguments"][1] == "dry-run-put_customer-1"
    assert told[3]["correlation"] == "note:R-D1"
    assert (erp.customers, erp.orders, crm.notes["D1"], crm.erp_ids) == ({}, {}, {}, {})
    assert not set(crm.calls + erp.calls) & set(WRITES)
    assert "deal" in crm.calls
    assert bench.journal.cases() == []


def test_what_would_be_gathered_is_listed_item_by_item_and_does_not_leave_either(bench):
    told = []
    crm, erp = BulkCrm(bench.clock), bench.erp
    bench.crm = crm
    deals = [bench.won(f"D{n}", f"A{n}", f"K-{n}") for n in range(3)]
    bench.crm, bench.erp, bench.bank = (DryConnector(each, told.append) for each in (crm, erp, bench.bank))
    engine = bench.engine(batching="large")
    for deal in deals:
        engine.receive(deal)
    bench.pass_time(120)
    notes = [each["arguments"][0] for each in told if each["write"] == "note_deal"]
    assert notes == ["D0", "D1", "D2"]
    assert (crm.loads, crm.alone, crm.applied) == ([], [], {})
    assert bench.journal.cases() == []

"""What was done before a flow died: kept, and undone when a person or the flow's rule says so, last step first."""

from collections import Counter

import pytest

from o2c_twin.integration.connectors.writes import WRITES
from o2c_twin.integration.flows.undo import UNDOING, Undone
from o2c_twin.integration.model import Inbound, Shipment
from o2c_twin.integration.service.principals import Principal
from o2c_twin.integration.service.wiring import governed

HOUR = 3_600.0


@pytest.fixture
def bench(either_bench):
    return either_bench


def _stranded(bench, note=None, **choices):
    """An order is entered, and sales cannot be told: the deal was taken back meanwhile. Gives engine and case."""
    engine = bench.engine(**choices)
    bench.crm.trouble["note_deal"] = [note or bench.failed("missing")]
    engine.receive(bench.won())
    bench.pass_time(60)
    (case,) = bench.journal.cases("open")
    assert [order.fulfilment for order in bench.erp.orders.values()] == ["open"]
    return engine, case


def _open_reasons(bench):
    return [case.reason for case in bench.journal.cases("open")]


def test_every_write_says_what_undoes_it_or_why_nothing_does():
    undoing = {how.write for how in UNDOING.values() if isinstance(how, Undone)} - set(UNDOING)
    assert set(UNDOING) | undoing == set(WRITES)


def test_an_order_whose_deal_was_taken_back_is_cancelled_when_a_person_says_so(bench):
    engine, case = _stranded(bench)
    engine.compensate_case(case.case_id, "operations", "the deal was lost after all")
    bench.pass_time(60)
    assert [order.fulfilment for order in bench.erp.orders.values()] == ["cancelled"]
    kept = bench.journal.case(case.case_id)
    assert (kept.state, kept.closed_by, kept.note) == ("compensated", "operations", "the deal was lost after all")
    order = next(iter(bench.erp.orders))
    assert bench.journal.outcome("undo:order:D1") == order
    (left,) = bench.journal.cases("open")
    assert (left.flow, left.kind, left.owner) == ("undo", "divergence", "operations")
    assert left.reason.endswith(
        "undone as far as it can be; note:customer:A1 (crm 100) stays, for the customer it names stays: clear the field"
        " if the customer is set inactive; customer:A1 (erp 100) stays, for other orders may be for the customer by"
        " now: set it inactive if nobody else needs it"
    )


def test_without_a_word_nothing_is_undone(bench):
    _stranded(bench)
    bench.pass_time(72 * HOUR)
    assert "cancel_order" not in bench.erp.calls
    assert len(bench.journal.cases("open")) == 1


def test_the_rule_of_a_flow_undoes_by_itself_and_the_case_says_so(bench):
    engine = bench.engine(compensates=frozenset({"order"}))
    bench.crm.trouble["note_deal"] = [bench.failed("missing")]
    engine.receive(bench.won())
    bench.pass_time(60)
    assert [order.fulfilment for order in bench.erp.orders.values()] == ["cancelled"]
    first, left = bench.journal.cases()
    assert (first.state, first.closed_by, first.note) == ("compensated", "engine", "by the rule of its flow")
    assert (left.state, left.flow) == ("open", "undo")
    assert [flow for flow, _, _ in bench.seen.cases] == ["undo"]


def test_a_rule_for_a_flow_that_does_not_exist_is_refused(bench):
    with pytest.raises(ValueError, match="no flow \\['ordre'\\]; there are: order, "):
        bench.engine(compensates=frozenset({"ordre"}))


def test_what_nobody_knows_the_outcome_of_is_found_out_before_anything_is_undone(bench):
    bench.crm.sheet = tuple(_blind(capability) for capability in bench.crm.sheet)
    engine, case = _stranded(bench, bench.failed("unknown-outcome"))
    with pytest.raises(ValueError, match="nobody knows what became of note:order:D1; find out, and replay or close"):
        engine.compensate_case(case.case_id, "operations")
    assert bench.journal.case(case.case_id).state == "open"


def _blind(capability):
    """The capability of a system that can neither recognise nor find what it was sent."""
    return type(capability)(capability.write, capability.operation, "none")


def test_where_nothing_was_done_there_is_nothing_to_undo(bench):
    engine = bench.engine()
    bench.erp.trouble["put_customer"] = [bench.failed("rejected")]
    engine.receive(bench.won())
    bench.pass_time(60)
    (case,) = bench.journal.cases("open")
    with pytest.raises(ValueError, match="nothing was done for its event before; close it or replay it"):
        engine.compensate_case(case.case_id, "operations")


def test_a_step_that_can_no_longer_be_undone_stops_it_and_the_case_lists_what_is_left(bench):
    engine, case = _stranded(bench)
    bench.erp.trouble["cancel_order"] = [bench.failed("rejected")]
    engine.compensate_case(case.case_id, "operations")
    bench.pass_time(60)
    (left,) = bench.journal.cases("open")
    assert left.effect_key == "undo:order:D1"
    assert left.reason.endswith("cancel or close it by hand; not undone either: note:customer:A1, customer:A1")
    engine.replay_case(left.case_id, "operations")
    bench.pass_time(60)
    assert [order.fulfilment for order in bench.erp.orders.values()] == ["cancelled"]
    assert len(_open_reasons(bench)) == 1


def test_a_system_without_a_call_for_it_leaves_it_to_a_person(bench):
    engine, case = _stranded(bench)
    bench.erp.sheet = tuple(each for each in bench.erp.sheet if each.write != "cancel_order")
    engine.compensate_case(case.case_id, "operations")
    bench.pass_time(60)
    (reason,) = _open_reasons(bench)
    assert "stays, for its system offers no cancel_order: cancel or close it by hand" in reason
    assert "cancel_order" not in bench.erp.calls


def test_it_is_undone_once_whatever_becomes_of_the_answers_and_of_the_process(bench):
    engine, case = _stranded(bench)
    bench.erp.trouble["cancel_order"] = [bench.LOST, bench.failed("unavailable")]
    engine.compensate_case(case.case_id, "operations")
    bench.pass_time(1.5)
    bench.kill()
    engine = bench.engine()
    engine.start()
    bench.pass_time(600)
    assert bench.journal.outcome("undo:order:D1") is not None
    assert len(_open_reasons(bench)) == 1
    with pytest.raises(KeyError, match="no open case"):
        engine.compensate_case(case.case_id, "operations")


def test_every_step_undone_is_on_the_audit_trail(bench):
    engine, case = _stranded(bench)
    operations = governed(engine)
    engine.compensate_case(case.case_id, "operations")
    bench.pass_time(60)
    told = [(entry["what"], entry["key"]) for entry in operations.audit(Principal("auditor", "auditor"))]
    assert told == [("erp cancel_order", "undo:order:D1")]


@pytest.mark.parametrize("controls", ["roles", "four-eyes"])
def test_the_controls_of_the_design_hold_for_it_too(bench, controls):
    engine, case = _stranded(bench, controls=controls)
    with pytest.raises(PermissionError):
        engine.compensate_case(case.case_id, "finance")
    assert Counter(bench.erp.calls)["cancel_order"] == 0


def test_a_step_whose_contents_are_not_kept_any_more_is_a_persons(bench):
    engine, case = _stranded(bench)
    bench.journal.replace_arguments("order:D1", b"")
    engine.compensate_case(case.case_id, "operations")
    bench.pass_time(60)
    (reason,) = _open_reasons(bench)
    assert "stays, for what was sent is not kept any more: cancel or close it by hand" in reason
    assert "cancel_order" not in bench.erp.calls


# --- what a person names ------------------------------------------------------------------------------


def test_a_deal_that_was_taken_back_is_undone_by_the_keys_of_its_writes(bench):
    engine = bench.engine()
    engine.receive(bench.won())
    bench.pass_time(60)
    assert bench.crm.notes["D1"]["order_number"]
    engine.undo(["order:D1", "note:order:D1"])
    bench.pass_time(60)
    assert set(bench.crm.notes["D1"].values()) == {""}
    assert [order.fulfilment for order in bench.erp.orders.values()] == ["cancelled"]
    # Last first: sales no longer reads an order before it is cancelled.
    assert bench.crm.calls[-1] == "note_deal"
    assert bench.journal.effect("undo:note:order:D1").created_at < bench.journal.effect("undo:order:D1").created_at
    assert bench.journal.cases() == []
    engine.undo(["order:D1"])
    bench.pass_time(60)
    assert bench.erp.calls.count("cancel_order") == 1


def test_an_invoice_of_goods_that_came_back_is_credited_once(bench):
    engine = bench.engine()
    bench.erp.shipments["S1"] = Shipment("S1", "DN-1", "7", bench.clock.now())
    engine.receive(Inbound("erp:shipped:S1", "delivery", "S1", "order:7", bench.clock.now()))
    bench.pass_time(60)
    bench.erp.trouble["credit_invoice"] = [bench.LOST]
    engine.undo(["bill:S1"])
    bench.pass_time(60)
    assert bench.erp.calls.count("credit_invoice") == 2
    assert {len(memos) for memos in bench.erp.credited.values()} == {1}


@pytest.mark.parametrize("keys", [["order:D2"], ["order:D1", "decide:cash:B1"], ["customer:A2"]])
def test_only_what_is_done_can_be_undone_and_all_of_it_or_nothing(bench, keys):
    engine = bench.engine()
    engine.receive(bench.won())
    bench.pass_time(60)
    bench.journal.record("decide:cash:B1", "{}", 0)
    with pytest.raises(KeyError, match=f"no write '{keys[-1]}' is done"):
        engine.undo(keys)
    bench.pass_time(60)
    assert "cancel_order" not in bench.erp.calls

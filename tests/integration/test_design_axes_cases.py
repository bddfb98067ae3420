"""What a choice of the design profile changes in cases: who is told, who may settle, and what stops a flow."""

import pytest

from o2c_twin.integration.runtime.errors import CallFailed

HOUR = 3_600
DAY = 24 * HOUR


# --- monitoring, controls ------------------------------------------------------------------------


def _refused(bench, **choices):
    engine = bench.engine(**choices)
    bench.erp.trouble["put_order"] = [bench.failed("rejected")]
    engine.receive(bench.won())
    bench.pass_time(60)
    (case,) = bench.journal.cases("open")
    return engine, case


@pytest.mark.parametrize(("monitoring", "told"), [("off", 0), ("log", 1), ("alert", 1), ("escalate", 1)])
def test_a_case_is_on_record_whoever_is_told(bench, monitoring, told):
    _refused(bench, monitoring=monitoring)
    assert len(bench.seen.cases) == told


@pytest.mark.parametrize(("monitoring", "level"), [("alert", 0), ("escalate", 1)])
def test_only_where_it_escalates_an_overdue_case_goes_up(bench, monitoring, level):
    engine = bench.engine(monitoring=monitoring)
    engine.start()
    bench.erp.trouble["put_order"] = [bench.failed("rejected")]
    engine.receive(bench.won())
    bench.pass_time(60)
    assert bench.journal.cases()[0].level == 0
    bench.pass_time(DAY + 12 * HOUR)
    assert bench.journal.cases()[0].level == level


@pytest.mark.parametrize(
    ("controls", "by", "approved_by", "may"),
    [
        ("none", "anybody", None, True),
        ("roles", "sales", None, True),
        ("roles", "operations", None, True),
        ("roles", "finance", None, False),
        ("four-eyes", "sales", None, False),
        ("four-eyes", "sales", "sales", False),
        ("four-eyes", "sales", "finance", True),
    ],
)
def test_who_may_settle_a_case_is_the_choice_of_controls(bench, controls, by, approved_by, may):
    engine, case = _refused(bench, controls=controls)
    for settle in (engine.close_case, engine.replay_case):
        if may:
            settle(case.case_id, by, approved_by=approved_by)
            assert bench.journal.cases("open") == []
            return
        with pytest.raises(PermissionError, match=by):
            settle(case.case_id, by, approved_by=approved_by)
    assert len(bench.journal.cases("open")) == 1


# --- contract ------------------------------------------------------------------------------------


def _strange(bench):
    return CallFailed("crm", "deal", "rejected", "answer not understood: KeyError: 'lines'")


@pytest.mark.parametrize(
    ("contract", "kind", "others", "paused"),
    [("evolve", "refused", 1, ()), ("freeze", "drift", 0, ("order",)), ("discard", "drift", 1, ())],
)
def test_a_record_of_unknown_shape_is_a_case_and_may_stop_its_flow(bench, contract, kind, others, paused):
    engine = bench.engine(contract=contract)
    bench.crm.trouble["deal"] = [_strange(bench)]
    engine.receive(bench.won("D1", "A1"))
    bench.pass_time(5)
    engine.receive(bench.won("D2", "A2"))
    bench.pass_time(60)
    assert [(case.kind, case.object_id) for case in bench.journal.cases("open")] == [(kind, "D1")]
    assert (len(bench.erp.orders), engine.paused) == (others, paused)


def test_a_frozen_flow_goes_on_where_it_stopped_when_the_mapping_is_mended(bench):
    engine = bench.engine(contract="freeze")
    # Read again while it is still strange, it is asked about again.
    bench.crm.trouble["deal"] = [_strange(bench), _strange(bench)]
    engine.receive(bench.won("D1", "A1"))
    for _ in range(2):
        bench.pass_time(60)
        (case,) = bench.journal.cases("open")
        engine.close_case(case.case_id, "operations")
        engine.resume("order")
    bench.pass_time(60)
    assert (len(bench.erp.orders), len(bench.journal.cases())) == (1, 2)


def test_a_discarded_record_is_left_out_for_good(bench):
    engine = bench.engine(contract="discard")
    bench.crm.trouble["deal"] = [_strange(bench)]
    event = bench.won("D1", "A1")
    engine.receive(event)
    bench.pass_time(60)
    engine.close_case(bench.journal.cases("open")[0].case_id, "operations")
    engine.receive(event)
    bench.pass_time(DAY)
    assert bench.erp.orders == {}


def test_a_refusal_is_no_drift(bench):
    engine, case = _refused(bench, contract="freeze")
    assert (case.kind, engine.paused) == ("refused", ())

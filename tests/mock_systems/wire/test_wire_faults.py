"""Each fault as a client meets it, its triggers, and the promise that the same call meets the same fault."""

import json
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.mock_systems.wire.faults import (
    CATALOGUE,
    NOTICE,
    ChangedRecord,
    FaultPlan,
    Latency,
    LostReply,
    LostWebhook,
    ServerError,
)
from o2c_twin.mock_systems.wire.limits import LimitPolicy, Window
from o2c_twin.mock_systems.wire.message import Response, TransportFault

# --------------------------------------------------------------------------------- one fault each


def test_latency_takes_time_of_the_call(notes):
    notes.arm("latency", median_s=3.0, sigma=0.0)
    before = notes.clock.us
    assert notes.create("x").status == 201
    assert notes.clock.us - before == 3_000_000
    assert (notes.journal()[-1]["fault"], notes.journal()[-1]["duration_us"]) == ("latency", 3_000_000)


def test_latency_of_the_system_itself_is_no_fault(open_notes):
    notes = open_notes(latency=Latency(median_s=0.2, sigma=0.5))
    for i in range(40):
        notes.create(f"n{i}")
    took = [entry["duration_us"] / 1e6 for entry in notes.journal()]
    assert len(set(took)) == 40, "each call has a latency of its own"
    assert 0.1 < median(took) < 0.4
    assert {entry["fault"] for entry in notes.journal()} == {None}


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [("connection-refused", ["refused", "reset"]), ("connection-reset", ["reset"]), ("timeout-before", ["silent"])],
)
def test_a_call_the_network_swallows_changes_nothing(notes, fault, kinds):
    notes.arm(fault, next=1, operations=["note.create"])
    with pytest.raises(TransportFault) as lost:
        notes.create("x")
    assert lost.value.kind in kinds  # over a real socket a refusal comes after the connection was made
    assert not lost.value.applied
    assert notes.texts() == []
    entry = notes.journal(status=0)[-1]
    assert (entry["operation"], entry["fault"], entry["response"]) == ("note.create", fault, "")
    assert notes.create("x").status == 201, "only the next call was to be struck"


@pytest.mark.parametrize("fault", ["connection-refused", "connection-reset", "timeout-before"])
def test_a_call_the_network_swallows_uses_no_quota(open_notes, fault):
    notes = open_notes(LimitPolicy("test", windows=(Window("one", 1, 60, "user"),)))
    notes.arm(fault, next=1)
    with pytest.raises(TransportFault):
        notes.create("x")
    assert notes.create("x").status == 201


def test_a_lost_reply_leaves_the_change_made(notes):
    notes.arm("lost-reply", operations=["note.create"], next=1)
    with pytest.raises(TransportFault) as lost:
        notes.create("paid twice")
    assert lost.value.kind == "silent"
    if notes.transport != "socket":  # which no client can see
        assert lost.value.applied
    assert notes.texts() == ["paid twice"]
    notes.create("paid twice")
    assert notes.texts() == ["paid twice", "paid twice"], "the retry is where the duplicate comes from"


def test_a_reply_may_be_lost_by_a_reset_of_the_connection(notes):
    notes.arm("lost-reply", how="reset", next=1)
    with pytest.raises(TransportFault) as lost:
        notes.create("made")
    assert lost.value.kind == "reset"
    assert notes.texts() == ["made"]


def test_the_lost_reply_of_a_refused_change_has_changed_nothing(notes):
    notes.arm("lost-reply", next=1)
    with pytest.raises(TransportFault) as lost:
        notes.create("")
    assert not lost.value.applied
    assert notes.texts() == []


def test_a_lost_reply_strikes_writes_only(notes):
    notes.arm("lost-reply")
    assert notes.call("GET", "/v1/report").status == 200


def test_throttled_by_a_fault_the_vendor_answers_in_its_own_way(notes):
    notes.arm("throttled", next=1)
    refused = notes.create("x")
    assert (refused.status, json.loads(refused.body)) == (403, {"error": "slow down"})
    assert notes.journal()[-1]["throttled"] is True
    assert notes.texts() == []


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_the_vendors_own_and_changes_nothing(notes, status):
    notes.arm("server-error", status=status, next=1)
    failed = notes.create("x")
    assert (failed.status, json.loads(failed.body)) == (status, {"error": "our fault"})
    assert notes.texts() == []


def test_a_malformed_body_is_half_an_answer_to_a_whole_change(notes):
    notes.arm("malformed-body", operations=["note.create"], next=1)
    created = notes.create("x")
    assert created.status == 201
    with pytest.raises(json.JSONDecodeError):
        json.loads(created.body)
    assert notes.texts() == ["x"]


def test_maintenance_is_a_window_of_time(notes):
    notes.arm("maintenance", from_s=60, until_s=120)
    assert notes.create("before").status == 201
    notes.later(60)
    assert notes.create("during").status == 503
    notes.later(59.999)
    assert notes.create("still").status == 503
    notes.later(0.001)
    assert notes.create("after").status == 201
    assert notes.texts() == ["before", "after"]


def test_the_network_wins_over_a_failing_system(notes):
    notes.arm("server-error")
    notes.arm("connection-reset")
    with pytest.raises(TransportFault):
        notes.create("x")
    assert notes.journal()[-1]["fault"] == "server-error,connection-reset"


def test_latency_comes_before_the_failure(notes):
    notes.arm("server-error")
    notes.arm("latency", median_s=30.0, sigma=0.0)
    before = notes.clock.us
    assert notes.create("x").status == 500
    assert notes.clock.us - before == 30_000_000


def test_a_release_of_the_vendor_renames_a_field_wherever_it_stands():
    body = b'{"total":100.50,"rows":[{"from":{"id":"7"},"total":0.10}],"Total":1}'
    changed = ChangedRecord(field="total").after(Response(200, body, {"a": "b"}))
    assert changed.body == b'{"totalV2":100.50,"rows":[{"from":{"id":"7"},"totalV2":0.10}],"Total":1}'
    assert (changed.status, changed.headers) == (200, {"a": "b"})


def test_a_release_of_the_vendor_drops_a_field():
    changed = ChangedRecord(field="from", how="dropped").after(Response(200, b'{"total":1,"from":{"id":"7"}}'))
    assert changed.body == b'{"total":1}'


@pytest.mark.parametrize(("status", "body"), [(404, b'{"id":"no such record"}'), (200, b"id,name\n7,x"), (204, b"")])
def test_refusals_and_answers_that_are_not_json_stay_as_they_are(status, body):
    assert ChangedRecord(field="id").after(Response(status, body)).body == body


def test_a_changed_record_is_one_of_the_operations_it_names_from_an_instant_on(notes):
    notes.arm("changed-record", field="id", operations=["note.create"], from_s=3_600.0)
    assert "id" in json.loads(notes.create("x").body)
    notes.clock.us += 3_600_000_000
    assert "idV2" in json.loads(notes.create("x").body)


# --------------------------------------------------------------------------------------- triggers


def _statuses(notes, n):
    return [notes.create(f"n{i}", x_correlation_id=f"deal-{i}").status for i in range(n)]


def test_next_strikes_the_first_matching_calls(notes):
    notes.arm("server-error", next=2, operations=["note.create"])
    assert notes.call("GET", "/v1/report").status == 200, "another operation does not match"
    assert _statuses(notes, 4) == [500, 500, 201, 201]


def test_every_strikes_each_nth_matching_call(notes):
    notes.arm("server-error", every=3)
    assert _statuses(notes, 7) == [201, 201, 500, 201, 201, 500, 201]


def test_an_operation_may_be_named_by_its_prefix(notes):
    notes.arm("server-error", operations=["note.*"])
    assert notes.create("x").status == 500
    assert notes.call("GET", "/v1/report").status == 200


def test_probability_strikes_that_share_of_calls(notes):
    notes.arm("server-error", probability=0.3)
    struck = _statuses(notes, 100).count(500)
    assert 18 <= struck <= 42


def test_a_retry_of_a_call_has_dice_of_its_own(notes):
    notes.arm("server-error", probability=0.5)
    tries = [notes.create("x", x_correlation_id="deal-1").status for _ in range(20)]
    assert set(tries) == {201, 500}


def test_disarmed_it_strikes_no_more(notes):
    number = notes.arm("server-error")
    notes.arm("latency", median_s=1.0)
    assert notes.control("DELETE", f"/faults/{number}").status == 204
    assert notes.create("x").status == 201


def test_faults_of_calls_do_not_count_notices_nor_notices_calls():
    plan = FaultPlan("s", _no_draw, 0, [ServerError(next=1), LostWebhook(next=1)])
    assert [f.name for f, _ in plan.strikes("webhook.note", NOTICE, "k", 0)] == ["lost-webhook"]
    assert [f.name for f, _ in plan.strikes("note.create", "POST", "k", 0)] == ["server-error"]


def _no_draw(stream, *key):
    raise AssertionError(f"nothing to draw for {stream} {key}")


def test_the_catalogue_has_each_fault_by_its_name():
    assert CATALOGUE["lost-reply"] is LostReply
    assert all(fault().name == name for name, fault in CATALOGUE.items())


# --------------------------------------------------------------------- the same call, the same fault

_calls = st.lists(
    st.tuples(st.sampled_from(["a.read", "a.write"]), st.sampled_from(["deal-1", "deal-2", "deal-3"])), max_size=30
)
_chances = st.sampled_from([0.1, 0.5, 0.9, 1.0])


def _decisions(draw, chance, calls, mine):
    # What happens to the calls of one operation and key, in their order, wherever others come between.
    plan = FaultPlan("s", draw, 0, [ServerError(probability=chance), Latency(probability=chance)])
    seen = []
    for operation, key in calls:
        struck = plan.strikes(operation, "POST", key, 0)
        if (operation, key) == mine:
            seen.append([(fault.name, size) for fault, size in struck])
    return seen


@given(calls=_calls, chance=_chances, data=st.data())
def test_the_order_of_other_calls_changes_nothing_for_mine(draw, calls, chance, data):
    mine = data.draw(st.sampled_from(calls)) if calls else ("a.read", "deal-1")
    alone = [call for call in calls if call == mine]
    shuffled = data.draw(st.permutations(calls))
    expected = _decisions(draw, chance, alone, mine)
    assert _decisions(draw, chance, calls, mine) == expected
    assert _decisions(draw, chance, shuffled, mine) == expected


@given(chance=_chances, keys=st.lists(st.text(max_size=5), unique=True, max_size=20))
def test_arming_another_fault_shifts_no_dice(draw, chance, keys):
    one = FaultPlan("s", draw, 0, [ServerError(probability=chance)])
    more = FaultPlan("s", draw, 0, [Latency(), ServerError(probability=chance), LostReply(probability=0.5)])
    for key in keys:
        strikes = [fault.name for fault, _ in more.strikes("a.write", "POST", key, 0)]
        assert ("server-error" in strikes) == bool(one.strikes("a.write", "POST", key, 0))


def test_two_faults_of_a_kind_have_dice_of_their_own(draw):
    plan = FaultPlan("s", draw, 0, [ServerError(probability=0.5), ServerError(probability=0.5, status=503)])
    struck = [{f.status for f, _ in plan.strikes("a", "GET", f"k{i}", 0)} for i in range(50)]
    assert {500} in struck
    assert {503} in struck


def test_a_fault_armed_again_strikes_the_same_calls(draw):
    plan = FaultPlan("s", draw, 0)
    runs = []
    for _ in range(2):
        number = plan.add(ServerError(probability=0.5))
        runs.append([bool(plan.strikes("a", "GET", f"k{i}", 0)) for i in range(50)])
        plan.remove(number)
    assert runs[0] == runs[1]
    assert set(runs[0]) == {True, False}

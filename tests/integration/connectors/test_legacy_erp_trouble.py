"""Media fail on the way to an old ERP, and nothing is doubled or lost."""

from datetime import UTC, datetime

import msgspec
import pytest
from tests.integration.connectors.legacy_erp_rig import DAY, EDGES, HOUR, PARTY, failure_of, rigs, sending

from o2c_twin.mock_systems.wire.faults import (
    ConnectionRefused,
    DuplicatedFile,
    HalfWrittenFile,
    LockedTable,
    LostFile,
    LostReply,
    MalformedBody,
    RedeliveredMessage,
    TimeoutBefore,
)


@pytest.fixture
def rig():
    with rigs() as build:
        yield build


# A queue cannot be asked: a restart there is a test of its own.
@pytest.mark.parametrize(
    ("way", "restarts"), [(way, again) for way in EDGES for again in (False, True) if way != "queue" or not again]
)
@pytest.mark.parametrize(
    "fault",
    [LostReply(next=2), LostReply(next=2, how="reset"), TimeoutBefore(next=2), ConnectionRefused(next=2)],
    ids=["lost", "reset", "before", "refused"],
)
def test_a_lost_answer_on_the_way_makes_no_second_order(rig, way, fault, restarts):
    r = rig(way)
    r.do(r.erp.changes(0))
    r.arm(msgspec.structs.replace(fault, operations=(sending(way),)))
    order_id = r.order(restarts=restarts)
    r.sleep(2 * DAY)
    assert list(r.core.state.orders) == [order_id]


def test_a_message_published_twice_after_a_restart_is_known_to_the_erp(rig):
    r = rig("queue")
    r.do(r.erp.changes(0))
    arguments = (r.deal(), r.old.id, {"WIDGET": "101"}, "order:D1", "c")
    assert failure_of(r, r.erp.put_order(*arguments)).cause == "pending"
    known = dict(r.erp.mirror.numbers)
    r.erp = r.connect()
    r.erp.mirror.numbers = known
    assert failure_of(r, r.erp.put_order(*arguments)).cause == "pending"
    r.until(23)
    assert len(r.core.state.orders) == 1
    assert [entry.response for entry in r.journal("queue.take") if b"ORD" in entry.request] == [b"", b"known"]


@pytest.mark.parametrize("way", ["file", "markers"])
def test_a_file_that_vanished_is_sent_again(rig, way):
    r = rig(way)
    r.arm(LostFile(operations=("file.take",), next=1))
    order_id = r.order()
    assert list(r.core.state.orders) == [order_id]
    assert len([e for e in r.journal("file.take") if e.status == 404]) == 1


def test_a_file_cut_in_half_is_sent_again(rig):
    r = rig()
    r.arm(HalfWrittenFile(operations=("file.take",), next=1))
    order_id = r.order()
    assert list(r.core.state.orders) == [order_id]
    assert [e.status for e in r.journal("file.take")] == [422, 200]


def test_a_file_that_lies_there_twice_is_refused_by_its_number(rig):
    r = rig()
    r.arm(DuplicatedFile(operations=("file.take",)))
    order_id = r.order()
    r.sleep(DAY)
    assert list(r.core.state.orders) == [order_id]


def test_an_acknowledgement_that_is_lost_is_asked_for_again_by_its_number(rig):
    r = rig()
    r.do(r.erp.changes(0))
    r.until(21)
    r.arm(LostFile(operations=("file.write",), next=3))  # the order's status, its acknowledgement, the open items
    order_id = r.order()
    assert list(r.core.state.orders) == [order_id]
    assert any(e.path.startswith("/again:") for e in r.journal("file.request"))


def test_half_an_extract_is_left_until_it_is_whole(rig):
    r = rig()
    r.arm(HalfWrittenFile(operations=("file.write",), whole_after_s=1_800.0))
    r.do(r.erp.changes(0))
    assert failure_of(r, r.erp.item_ids()).cause == "pending"
    r.sleep(1_801)
    assert r.do(r.erp.item_ids()) == {"WIDGET": "101"}
    assert r.order() in r.core.state.orders


def test_half_an_extract_whose_writer_died_is_asked_for_again(rig):
    r = rig()
    r.arm(HalfWrittenFile(operations=("file.write",), next=1, whole_after_s=30 * DAY))
    r.do(r.erp.changes(0))
    for _ in range(5):
        r.sleep(DAY / 2)
        r.do(r.erp.changes(r.clock.now()))
    assert r.do(r.erp.item_ids()) == {"WIDGET": "101"}


def test_an_extract_that_was_cut_on_the_way_here_is_read_again(rig):
    r = rig()
    r.arm(MalformedBody(operations=("partner.file.read",), next=3))
    r.do(r.erp.changes(0))
    assert r.erp.mirror.items == {}
    assert r.do(r.erp.item_ids()) == {"WIDGET": "101"}


def test_an_extract_that_comes_twice_tells_of_nothing_new(rig):
    r = rig()
    r.arm(DuplicatedFile(operations=("file.write",)))
    order_id = r.order()
    since = r.clock.now() - round(HOUR * 1e6)
    r.sleep(DAY)
    events, _ = r.do(r.erp.changes(since))
    assert [e.object_id for e in events if e.flow == "order-status"].count(order_id) == 1


def test_a_locked_table_holds_the_row_up_and_loses_nothing(rig):
    r = rig("table")
    r.arm(LockedTable(until_s=15 * HOUR))  # until 23:00
    order_id = r.order()
    assert list(r.core.state.orders) == [order_id]
    assert datetime.fromtimestamp(r.clock.now() / 1e6, UTC).hour == 23
    assert {e.status for e in r.journal("table.claim")} == {200, 423}


def test_a_redelivered_message_is_worked_once(rig):
    r = rig("queue")
    r.arm(RedeliveredMessage())
    order_id = r.order()
    r.sleep(DAY)
    assert list(r.core.state.orders) == [order_id]


@pytest.mark.parametrize("way", EDGES)
def test_while_the_medium_is_away_every_call_says_so(rig, way):
    r = rig(way)
    r.do(r.erp.changes(0))
    number = r.arm(ConnectionRefused(operations=("partner.*",)))
    calls = [
        r.erp.changes(0),
        r.erp.item_ids(),
        r.erp.order("0"),
        r.erp.open_items("0"),
        r.erp.put_customer(PARTY, "customer:A1", "c"),
    ]
    assert [failure_of(r, call).cause for call in calls] == ["unavailable"] * 5
    assert r.server.faults.remove(number)
    r.do(r.erp.changes(0))

"""The engine's memory: what it holds, and what is still there when the file is opened again."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.store import Case, Effect, SqliteJournal


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "journal.db")


@pytest.fixture
def reopened(path):
    """``reopened(writes)``: a journal on a file that another one has written, with every commit on disk."""
    open_now = []

    def reopen(writes):
        before = SqliteJournal(path, "FULL")
        writes(before)
        before.close()
        open_now.append(SqliteJournal(path, "FULL"))
        return open_now[0]

    yield reopen
    for journal in open_now:
        journal.close()


def _effect(key, now=1):
    return Effect(key, "erp", "bill", b'["O1"]', "c", "order:1", "sent", None, 1, now, now, None)


def _case(name, flow, object_id, key, reason, at):
    return Case(name, "refused", flow, object_id, "order:1", key, reason, "sales", at, at + 100)


def _event(name, lane="order:1", at=1):
    return Inbound(name, "order", "D1", lane, at)


def test_an_event_is_accepted_once(reopened):
    def writes(journal):
        assert journal.accept(_event("crm:won:1"), 10)
        assert not journal.accept(_event("crm:won:1"), 20)

    assert not reopened(writes).accept(_event("crm:won:1"), 30)


def test_open_events_come_back_in_the_order_they_came_in(reopened):
    # Several in one instant: a poll brings many, and their names say nothing about their order.
    names = ["b", "c", "a", "z", "m"]
    journal = reopened(lambda journal: [journal.accept(_event(name), 10) for name in names])
    assert [event.event_id for event in journal.pending()] == names


def test_events_that_are_done_or_dead_do_not_come_back(reopened):
    def writes(journal):
        for name in ("done", "dead", "open"):
            journal.accept(_event(name), 1)
        journal.finish("done", "done")
        journal.finish("dead", "dead")

    journal = reopened(writes)
    assert [event.event_id for event in journal.pending()] == ["open"]
    assert not journal.accept(_event("dead"), 2)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=20))
def test_pending_is_what_was_accepted_and_not_finished(told):
    journal = SqliteJournal(":memory:", "OFF")
    wanted: dict[str, None] = {}
    finished: set[str] = set()
    for name, finish in told:
        assert journal.accept(_event(name), 1) == (name not in wanted and name not in finished)
        if name not in finished:
            wanted[name] = None
        if finish:
            journal.finish(name, "done")
            wanted.pop(name, None)
            finished.add(name)
    assert [event.event_id for event in journal.pending()] == list(wanted)
    journal.close()


def test_an_effect_is_on_record_as_sent_until_it_is_settled(reopened):
    def writes(journal):
        assert journal.intend(_effect("order:D1", 100)) is None

    journal = reopened(writes)
    row = journal.intend(_effect("order:D1", 999))
    assert (row.state, row.result, row.attempts, row.created_at, row.next_at) == ("sent", None, 1, 100, None)
    assert journal.effect("order:D1") == row
    assert journal.outcome("order:D1") is None
    journal.settle("order:D1", "4711")
    row = journal.intend(_effect("order:D1", 999))
    assert (row.state, row.result) == ("done", "4711")
    assert journal.outcome("order:D1") == "4711"


def test_when_the_next_attempt_is_due_survives(reopened):
    def writes(journal):
        journal.intend(_effect("order:D1", 100))
        journal.again("order:D1", 4, 5_000, unknown=False)

    row = reopened(writes).intend(_effect("order:D1", 999))
    assert (row.state, row.attempts, row.next_at) == ("due", 4, 5_000)


def test_a_decision_is_recorded_once(reopened):
    def writes(journal):
        journal.record("decide:cash:B1", "to Acme", 1)
        journal.record("decide:cash:B1", "to Bolt", 2)

    assert reopened(writes).outcome("decide:cash:B1") == "to Acme"


def test_cross_references_survive_and_the_last_word_counts(reopened):
    def writes(journal):
        journal.link("erp", "customer", "A1", "101")
        journal.link("erp", "customer", "A1", "102")
        assert journal.remote("erp", "customer", "A1") == "102"

    journal = reopened(writes)
    assert journal.remote("erp", "customer", "A1") == "102"
    assert journal.remote("crm", "customer", "A1") is None
    assert journal.remote("erp", "payer", "A1") is None


def test_cursors_survive(reopened):
    def writes(journal):
        assert journal.cursor("erp", "0") == "0"
        journal.move("erp", "100")
        journal.move("erp", "200")

    journal = reopened(writes)
    assert (journal.cursor("erp", "0"), journal.cursor("crm", "none")) == ("200", "none")


def test_cases_survive_and_the_same_case_is_opened_once(reopened):
    late = _case("case:2", "cash", "B2", None, "later", 20)
    early = _case("case:1", "order", "D1", "order:D1", "because", 10)

    def writes(journal):
        assert journal.open_case(late)
        assert journal.open_case(early)
        assert not journal.open_case(_case("case:1", "order", "D1", "order:D1", "again", 99))
        journal.close_case("case:1", 30, "Ann", "by hand")

    journal = reopened(writes)
    assert [(case.case_id, case.reason, case.closed_at) for case in journal.cases()] == [
        ("case:1", "because", 30),
        ("case:2", "later", None),
    ]
    assert journal.case("case:1").closed_by == "Ann"
    assert journal.case("case:3") is None


def test_a_commit_reaches_the_disk_before_it_returns(path):
    journal = SqliteJournal(path)
    full = 2
    assert journal._db.execute("pragma synchronous").fetchone() == (full,)
    journal.intend(_effect("order:D1", 1))
    # Another process sees it at once: nothing waits in an open transaction.
    other = sqlite3.connect(path)
    assert other.execute("select key, state from effect").fetchall() == [("order:D1", "sent")]
    other.close()
    journal.close()

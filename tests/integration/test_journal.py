"""The engine's memory: what it holds, and what is still there when the file is opened again."""

import functools
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.store import ApprovalRow, Case, Effect, JournalInUse, Link, SqliteJournal, migrate
from o2c_twin.integration.store.migrate import upgrade
from o2c_twin.integration.store.postgres import PostgresJournal
from o2c_twin.integration.store.tables import METADATA


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "journal.db")


@pytest.fixture(params=["sqlite", "postgres"])
def reopened(request, path):
    """``reopened(writes)``: a journal on what another one has committed, in a file or in a shared database."""
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
        make = functools.partial(PostgresJournal, url)
    else:
        make = functools.partial(SqliteJournal, path, "FULL")
    open_now = []

    def reopen(writes):
        before = make() if request.param == "sqlite" else make("first")
        writes(before)
        before.close()
        open_now.append(make() if request.param == "sqlite" else make("second"))
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


def test_a_case_that_was_replayed_is_opened_again_and_one_that_was_closed_is_not(reopened):
    again = _case("case:1", "order", "D1", "order:D1", "again", 20)

    def writes(journal):
        assert journal.open_case(_case("case:1", "order", "D1", "order:D1", "because", 10))
        journal.close_case("case:1", 15, "Ann", "mended", "replayed")
        assert journal.open_case(again)
        assert journal.case("case:1") == again
        journal.close_case("case:1", 30, "Ann", "by hand")
        assert not journal.open_case(again)

    assert [(case.state, case.reason) for case in reopened(writes).cases()] == [("closed", "again")]


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


def test_what_is_done_together_is_committed_together_or_not_at_all(reopened):
    def writes(journal):
        with journal.together():
            journal.intend(_effect("order:D1"))
            journal.settle("order:D1", "4711", (Link("crm", "deal-of-order", "4711", "D1"),))
        with pytest.raises(ZeroDivisionError), journal.together():
            journal.intend(_effect("order:D2"))
            journal.link("crm", "deal-of-order", "4712", "D2")
            raise ZeroDivisionError

    journal = reopened(writes)
    assert (journal.outcome("order:D1"), journal.remote("crm", "deal-of-order", "4711")) == ("4711", "D1")
    assert (journal.effect("order:D2"), journal.remote("crm", "deal-of-order", "4712")) == (None, None)


def test_what_is_parked_waits_for_its_effect_and_comes_back_in_order(reopened):
    def writes(journal):
        for name in ("a", "b", "c"):
            journal.accept(_event(name), 1)
        journal.finish("b", "parked", "customer:A1")
        journal.finish("a", "parked", "customer:A1")
        journal.finish("c", "parked", "customer:A2")

    journal = reopened(writes)
    assert journal.pending() == []
    assert [event.event_id for event in journal.release("customer:A1")] == ["a", "b"]
    assert [event.event_id for event in journal.pending()] == ["a", "b"]
    assert journal.release("customer:A1") == []


def test_an_effect_that_was_given_up_is_revived_or_voided_and_a_done_one_is_neither(reopened):
    def writes(journal):
        for key in ("order:D1", "order:D2", "order:D3"):
            journal.intend(_effect(key))
        journal.give_up("order:D1")
        journal.revive("order:D1", 50)
        journal.give_up("order:D2")
        journal.void("order:D2")
        journal.settle("order:D3", "x")
        journal.give_up("order:D3")
        journal.void("order:D3")
        journal.revive("order:D3", 50)

    journal = reopened(writes)
    revived = journal.effect("order:D1")
    assert (revived.state, revived.attempts, revived.created_at) == ("due", 1, 50)
    assert journal.effect("order:D2") is None
    assert journal.outcome("order:D3") == "x"
    assert [effect.key for effect in journal.unsettled()] == ["order:D1"]
    assert journal.counts() == {"effect.due": 1, "effect.done": 1}


def test_a_second_engine_on_the_same_file_is_refused(path):
    journal = SqliteJournal(path)
    with pytest.raises(JournalInUse, match="another engine"):
        SqliteJournal(path)
    journal.close()
    SqliteJournal(path).close()


def test_the_head_is_the_last_step():
    folder = Path(migrate.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == migrate.HEAD


def test_sqlite_and_migrations_make_the_declared_tables(tmp_path, postgres_url):
    urls = {"migrated sqlite": f"sqlite:///{tmp_path / 'migrated.db'}", "postgres": postgres_url}
    for name, url in urls.items():
        engine = create_engine(url)
        upgrade(engine)
        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), METADATA) == [], name
        engine.dispose()
    SqliteJournal(str(tmp_path / "raw.db")).close()
    raw, migrated = (inspect(create_engine(f"sqlite:///{tmp_path / name}.db")) for name in ("raw", "migrated"))
    for table in set(METADATA.tables) - {"lane"}:
        assert [c["name"] for c in raw.get_columns(table)] == [c["name"] for c in migrated.get_columns(table)], table


# --- what governance keeps ----------------------------------------------------------------------------


def _approval(id_, version=1, state="asked", at=1):
    return ApprovalRow(id_, version, "backfill", state, at, f"{id_} {version}".encode())


def test_an_approval_has_one_next_version(reopened):
    def writes(journal):
        assert journal.put_approval(_approval("apr-2", at=2))
        assert journal.put_approval(_approval("apr-1"))
        assert not journal.put_approval(_approval("apr-1", at=9))
        assert journal.put_approval(_approval("apr-1", 2, "approved"))
        assert not journal.put_approval(_approval("apr-1", 2, "refused"))
        assert not journal.put_approval(_approval("apr-1", 4, "used"))
        assert not journal.put_approval(_approval("apr-3", 2))

    journal = reopened(writes)
    assert journal.approval("apr-1") == _approval("apr-1", 2, "approved")
    assert journal.approval("apr-3") is None
    assert [row.id for row in journal.approvals()] == ["apr-1", "apr-2"]
    assert [row.id for row in journal.approvals("asked")] == ["apr-2"]


def test_things_are_renamed_wherever_they_are_named(reopened):
    def writes(journal):
        journal.accept(_event("crm:customer:A_1", "party:A_1"), 5)
        journal.accept(_event("crm:customer:AX1", "party:AX1"), 6)
        journal.intend(_effect("customer:A_1"))
        journal.open_case(_case("case:A_1", "customer", "A_1", "customer:A_1", "A_1 said no", 1))
        journal.link("erp", "customer", "A_1", "101")
        # An underscore is no wildcard.
        mentioned = journal.mentions("A_1")
        assert [(name, state) for name, state, _ in mentioned] == [
            ("crm:customer:A_1", "open"),
            ("customer:A_1", "sent"),
            ("case:A_1", "open"),
        ]
        assert mentioned[0][2] == ("crm:customer:A_1", "D1", "party:A_1")
        assert journal.rename("A_1", lambda text: text.replace("A_1", "sub")) == 4
        assert journal.remote("erp", "customer", "A_1") is None

    journal = reopened(writes)
    assert [(e.event_id, e.lane) for e in journal.pending()] == [
        ("crm:customer:sub", "party:sub"),
        ("crm:customer:AX1", "party:AX1"),
    ]
    case = journal.case("case:sub")
    assert (case.object_id, case.effect_key, case.reason) == ("sub", "customer:sub", "A_1 said no")
    assert journal.effect("customer:sub").key == "customer:sub"
    assert journal.links("erp", "customer") == [Link("erp", "customer", "sub", "101")]
    journal.compact()
    journal.unlink(Link("erp", "customer", "sub", "101"))
    assert journal.links("erp", "customer") == []
    assert journal.remote("erp", "customer", "sub") is None


def test_of_the_newest_events_it_tells_those_that_are_done_and_when_they_came(reopened):
    def writes(journal):
        for at, name in enumerate(("old", "a", "open", "b"), 10):
            journal.accept(_event(name), at)
        for name in ("old", "a", "b"):
            journal.finish(name, "done")

    journal = reopened(writes)
    assert journal.lately_done(3) == [(_event("b"), 13), (_event("a"), 11)]
    assert [event.event_id for event, _ in journal.lately_done(100)] == ["b", "a", "old"]
    assert journal.lately_done(0) == []


def test_what_is_over_is_deleted_and_what_is_not_stays(reopened):
    def writes(journal):
        for name in ("a", "b", "open"):
            journal.accept(_event(name), 10)
        journal.finish("a", "done")
        journal.finish("b", "done")
        journal.open_case(_case("case:1", "order", "D1", None, "because", 1))
        journal.open_case(_case("case:2", "order", "D2", None, "because", 2))
        journal.close_case("case:1", 3)
        assert journal.finished_before(10) == []
        assert journal.finished_before(11) == [("a", 10), ("b", 10)]
        journal.purge(["a", "open"], ["case:1", "case:2"])
        journal.intend(_effect("order:1"))
        journal.settle("order:1", "x")
        journal.replace_arguments("order:1", b"")

    journal = reopened(writes)
    assert journal.event("a") is None
    assert [journal.event(name)[1] for name in ("b", "open")] == ["done", "open"]
    assert [case.case_id for case in journal.cases()] == ["case:2"]
    (effect,) = journal.effects()
    assert (effect.arguments, effect.result, journal.outcome("order:1")) == (b"", "x", "x")


# --- several workers on one memory -------------------------------------------------------------------

LEASE = 30_000_000


@pytest.fixture
def workers(postgres_url):
    pair = [PostgresJournal(postgres_url, name) for name in ("anna", "bert")]
    yield pair
    for journal in pair:
        journal.close()


def test_a_lane_belongs_to_one_worker_until_it_lets_go_or_is_not_heard_of(workers):
    anna, bert = workers
    for n in range(4):
        anna.accept(_event(f"e{n}", f"order:{n % 2}"), n)
    mine = anna.claim(0, LEASE, 1)
    assert [event.event_id for event in mine] == ["e0", "e2"]
    assert [event.event_id for event in bert.claim(0, LEASE, 10)] == ["e1", "e3"]
    assert bert.claim(LEASE - 1, LEASE, 10) == bert.claim(1, LEASE, 0)
    # Anna is not heard of for longer than her lease.
    assert [event.event_id for event in bert.claim(LEASE + 1, LEASE, 10)] == ["e0", "e1", "e2", "e3"]


def test_a_lane_that_was_let_go_is_anybodys(workers):
    anna, bert = workers
    anna.accept(_event("a"), 1)
    assert len(anna.claim(0, LEASE, 5)) == 1
    assert bert.claim(0, LEASE, 5) == []
    anna.yield_lane("order:1")
    assert len(bert.claim(0, LEASE, 5)) == 1


def test_one_worker_at_a_time_asks_a_system(workers):
    anna, bert = workers
    assert anna.lease("ask:erp", 0, LEASE)
    assert not bert.lease("ask:erp", 1, LEASE)
    assert anna.lease("ask:erp", 2, LEASE)
    assert bert.lease("ask:erp", 2 + LEASE + 1, LEASE)


def test_what_is_known_of_a_record_is_known_to_all_workers(workers):
    anna, bert = workers
    for name in ("a", "b"):
        anna.accept(_event(name), 1)
    anna.accept(Inbound("other", "order", "D2", "order:2", 1), 1)
    assert (bert.told("order", "D1"), bert.told("invoice", "D1")) == ((2, -1), (0, -1))
    anna.reading("a", 500)
    anna.finish("a", "done")
    assert bert.told("order", "D1") == (1, 500)
    bert.reading("b", 400)
    assert anna.told("order", "D1") == (1, 500)

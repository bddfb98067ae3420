"""Two workers on one journal in PostgreSQL: what is gathered and what people decide is done once, whoever does it."""

from collections import Counter

import pytest
from tests.integration.bulk_crm import BulkCrm
from tests.integration.conftest import START
from tests.integration.stores import Pair

from o2c_twin.integration.model import Inbound, OrderStatus
from o2c_twin.integration.runtime.engine import Rhythm
from o2c_twin.integration.store.postgres import PostgresJournal


@pytest.fixture
def pair(tmp_path, postgres_url, monkeypatch):
    bench = Pair(tmp_path / "journal.db", postgres_url, monkeypatch)
    yield bench
    bench.close()


def _stranded(pair, **choices):
    """An order is entered, and sales cannot be told of it. Gives the case."""
    pair.start(**choices)
    pair.crm.trouble["note_deal"] = [pair.failed("missing")]
    pair.anna.receive(pair.won())
    pair.pass_time(60)
    (case,) = pair.journal.cases("open")
    return case


# --- gathering -----------------------------------------------------------------------------------------


def test_what_two_workers_gather_is_told_once_each_whoever_gathers_it(pair):
    pair.crm = BulkCrm(pair.clock)
    pair.start(batching="small")
    # A worker has 64 lanes at a time: the other takes the rest.
    for n in range(100):
        pair.anna.receive(pair.won(f"D{n}", account=f"A{n}"))
    pair.pass_time(120)
    assert pair.crm.applied == {f"D{n}": 1 for n in range(100)}
    assert len(pair.erp.orders) == 100
    assert min(pair.anna.handled, pair.bert.handled) > 0
    assert pair.anna.handled + pair.bert.handled == 100
    assert sum(map(len, pair.crm.loads)) + len(pair.crm.alone) == 100
    assert len(pair.crm.loads) < 20
    assert [pair.journal.counts()[name] for name in ("inbox.done", "effect.done")] == [100, 400]


@pytest.mark.parametrize("state", ["due", "sent"])
def test_what_a_worker_had_gathered_when_it_was_killed_the_other_tells_once(pair, state):
    pair.crm = BulkCrm(pair.clock, guard="query")
    anna = pair.joins("anna", batching="small")
    for n in range(6):
        anna.receive(pair.won(f"D{n}", account=f"A{n}"))
    keys = [f"note:order:D{n}" for n in range(6)]
    for _ in range(200):
        pair.pass_time(0.1)
        kept = [pair.journal.effect(key) for key in keys]
        if all(each is not None and each.state == state for each in kept):
            break
    else:
        pytest.fail(f"never all {state}")
    pair.dies("anna")
    pair.joins("bert", batching="small")
    pair.pass_time(300)
    assert pair.crm.applied == {f"D{n}": 1 for n in range(6)}
    assert [pair.journal.effect(key).state for key in keys] == ["done"] * 6
    assert pair.journal.cases() == []


# --- what people decide --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("close_case", "replay_case"),
        ("replay_case", "close_case"),
        ("compensate_case", "compensate_case"),
        ("compensate_case", "replay_case"),
    ],
)
def test_of_two_who_settle_a_case_at_once_at_two_workers_one_is_first(pair, monkeypatch, first, second):
    case = _stranded(pair)
    look = pair.bert._open_case

    def looks_and_is_late(case_id):
        found = look(case_id)
        getattr(pair.anna, first)(case.case_id, "operations", "I was first")
        return found

    monkeypatch.setattr(pair.bert, "_open_case", looks_and_is_late)
    before = pair.journal.counts()
    with pytest.raises(KeyError, match="no open case"):
        getattr(pair.bert, second)(case.case_id, "operations", "I was late")
    after = pair.journal.counts()
    assert sum(after[name] for name in after if name.startswith("inbox.")) - sum(
        before[name] for name in before if name.startswith("inbox.")
    ) == (first == "compensate_case")
    assert pair.journal.case(case.case_id).note == "I was first"
    pair.pass_time(120)
    assert Counter(pair.erp.calls)["cancel_order"] == (first == "compensate_case")


def test_what_one_worker_was_told_to_undo_is_undone_once_though_it_dies_over_it(pair):
    case = _stranded(pair)
    pair.erp.takes_s = 20.0
    pair.anna.compensate_case(case.case_id, "operations", "the deal was lost after all")
    for _ in range(50):
        pair.pass_time(1)
        if "cancel_order" in pair.erp.calls:
            break
    (worker,) = pair.at_work("lane.")
    pair.dies(worker)
    pair.erp.takes_s = 1.0
    pair.pass_time(120)
    assert [order.fulfilment for order in pair.erp.orders.values()] == ["cancelled"]
    assert pair.journal.effect("undo:order:D1").state == "done"
    assert len(pair.journal.cases("open")) == 1


def test_a_flow_that_is_paused_at_one_worker_is_paused_at_all(pair):
    pair.start()
    pair.anna.pause("order")
    pair.pass_time(2)
    assert pair.bert.paused == ("order",)
    for n in range(80):
        pair.bert.receive(pair.won(f"D{n}", account=f"A{n}"))
    pair.pass_time(60)
    assert pair.erp.orders == {}
    pair.bert.resume("order")
    pair.pass_time(120)
    assert (pair.anna.paused, len(pair.erp.orders)) == ((), 80)


# --- a design without an inbox -------------------------------------------------------------------------


def test_a_naive_design_works_what_it_is_told_on_a_shared_journal_too(pair):
    pair.start(delivery="naive-retry")
    pair.anna.receive(pair.won())
    pair.pass_time(60)
    assert len(pair.erp.orders) == 1
    assert (pair.anna.handled, pair.bert.handled) == (1, 0)


# --- what was read by any of them ----------------------------------------------------------------------


def test_what_one_worker_has_read_the_others_sweeps_do_not_have_read_again(pair, record_property):
    """Each sweep tells of five minutes of changes once more: none of them is read again for that."""
    pair.start(rhythm=Rhythm(sweep_s=2.0))
    for worker in (pair.anna, pair.bert):
        worker.start()
        # They do not look for lanes at the same instant.
        pair.pass_time(0.1)
    orders = _orders(pair, 40)
    for n, order in enumerate(orders):
        pair.erp.changed.append(pair.erp.moves_on(order, fulfilment="picking"))
        pair.erp.takes_s = 0.93 + 0.04 * (n % 5)
        pair.pass_time(n * 0.7 % 3)
    pair.pass_time(40)
    reads = Counter(pair.erp.calls)["order"]
    print(f"{len(orders)} changes, {reads} reads, {Counter(pair.erp.calls)['changes']} sweeps")
    record_property("reads a change", reads / len(orders))
    assert min(pair.anna.handled, pair.bert.handled) > 0
    assert reads == len(orders)


def _orders(pair, count):
    """Orders of the past that sales knows of."""
    for n in range(count):
        id_ = str(n)
        status = OrderStatus(id_, f"SO{id_}", f"order:D{n}", f"PO-{n}", "1", "passed", "open", START)
        pair.erp.orders[id_] = status
        pair.journal.link("crm", "deal-of-order", id_, f"D{n}")
    return list(pair.erp.orders)


# --- workers that died ---------------------------------------------------------------------------------


def test_a_worker_finds_free_lanes_behind_all_that_dead_workers_hold(postgres_url):
    journals = [PostgresJournal(postgres_url, f"w{n}") for n in range(6)]
    try:
        for n in range(24):
            journals[0].accept(Inbound(f"e{n}", "delivery", f"S{n}", f"order:{n}", 0), n)
        # Each takes two lanes and is never heard of again.
        claimed = [
            [event.lane for event in journal.claim(1_000 + n, 30_000_000, 2)] for n, journal in enumerate(journals)
        ]
    finally:
        for journal in journals:
            journal.close()
    assert [len(lanes) for lanes in claimed] == [2] * 6
    assert len({lane for lanes in claimed for lane in lanes}) == 12

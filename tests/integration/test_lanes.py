"""Events in: accepted once, worked in order within a business key, side by side across keys."""

import asyncio
from itertools import pairwise

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.errors import DeadLetter, Dropped
from o2c_twin.integration.store.postgres import PostgresJournal

SECOND = 1_000_000


class Log:
    """A flow that writes down when it began and ended with which event; ``fate`` says how events end."""

    def __init__(self, bench, takes_s=10.0):
        self.bench, self.takes_s = bench, takes_s
        self.began, self.ended = [], []
        self.last_at = 0
        self.fate = {}

    async def __call__(self, engine, event):
        self.began.append((event.event_id, self.bench.env.now // SECOND))
        self.last_at = self.bench.clock.now()
        await asyncio.sleep(self.takes_s)
        if event.event_id in self.fate:
            raise self.fate[event.event_id]
        self.ended.append((event.event_id, self.bench.env.now // SECOND))


@pytest.fixture
def log(bench):
    return Log(bench)


def _engine(bench, log, **choices):
    return bench.engine({"delivery": log, "order-status": log}, **choices)


def _event(name, lane, flow="delivery", at=0):
    return Inbound(name, flow, name, lane, at)


def test_events_of_one_key_are_worked_one_at_a_time_in_the_order_they_came(bench, log):
    engine = _engine(bench, log)
    for name in "cab":
        assert engine.receive(_event(name, "order:1"))
    bench.pass_time(100)
    assert log.began == [("c", 0), ("a", 10), ("b", 20)]
    assert engine.idle
    assert engine.handled == 3


def test_different_keys_are_worked_side_by_side(bench, log):
    engine = _engine(bench, log)
    for n in range(20):
        engine.receive(_event(f"e{n}", f"order:{n}"))
    bench.pass_time(10.5)
    assert {when for _, when in log.ended} == {10}
    assert len(log.ended) == 20


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 30)), min_size=1, max_size=20))
def test_whenever_they_come_each_key_keeps_its_order_and_nothing_waits_for_another(bench, arrivals):
    log = Log(bench)
    engine = _engine(bench, log)
    run = next(bench.runs)
    came = []
    for n, (key, pause) in enumerate(arrivals):
        name = f"{run}.{n}"
        engine.receive(_event(name, f"order:{key}"))
        came.append((key, name))
        bench.pass_time(pause + 0.001)
    bench.pass_time(1_000)
    began = [name for name, _ in log.began]
    for key in range(4):
        mine = [name for k, name in came if k == key]
        assert [name for name in began if name in mine] == mine
        times = [when for name, when in log.began if name in mine]
        assert all(later - earlier >= 10 for earlier, later in pairwise(times))
    assert len(log.ended) == len(arrivals)


def test_a_dead_event_becomes_a_case_and_does_not_hold_up_the_next(bench, log):
    log.fate["a"] = DeadLetter("bill:1", "refused")
    engine = _engine(bench, log)
    engine.receive(_event("a", "order:1"))
    engine.receive(_event("b", "order:1"))
    bench.pass_time(100)
    assert log.ended == [("b", 20)]
    assert bench.reasons() == ["refused"]
    assert bench.seen.cases == [("delivery", "a", "refused")]
    assert list(bench.journal.pending()) == []


def test_each_event_that_dies_of_one_effect_has_a_case_of_its_own(bench, log):
    # Two orders of a customer who cannot be created: whoever settles one must hear of the other.
    log.fate = {"a": DeadLetter("customer:A1", "refused"), "b": DeadLetter("customer:A1", "refused")}
    engine = _engine(bench, log)
    engine.receive(_event("a", "order:1"))
    engine.receive(_event("b", "order:1"))
    bench.pass_time(100)
    assert [object_id for _, object_id, _ in bench.seen.cases] == ["a", "b"]
    assert len(bench.journal.cases()) == 2


def test_a_replay_that_fails_as_well_is_on_somebodys_desk_again(bench):
    engine = bench.engine()
    bench.erp.trouble["put_order"] = [bench.failed("rejected")] * 2
    engine.receive(bench.won())
    for _ in range(2):
        bench.pass_time(60)
        (case,) = bench.journal.cases("open")
        engine.replay_case(case.case_id, "operations")
    bench.pass_time(60)
    assert len(bench.seen.cases) == 2
    assert bench.journal.cases("open") == []
    assert len(bench.erp.orders) == 1


def test_a_case_is_told_once_though_the_event_is_worked_again_after_a_crash(bench, log):
    log.fate["a"] = DeadLetter("bill:1", "refused")
    engine = _engine(bench, log)
    engine.receive(_event("a", "order:1"))

    # Dies between the case and the end of the event.
    def dies(event_id, state):
        raise asyncio.CancelledError

    bench.journal.finish = dies
    bench.pass_time(10.5)
    bench.kill()
    _engine(bench, log).start()
    bench.pass_time(100)
    assert len(log.began) == 2
    assert bench.seen.cases == [("delivery", "a", "refused")]


def test_in_a_naive_design_the_event_is_gone_and_the_next_one_comes(bench, log):
    log.fate["a"] = Dropped("gave up")
    engine = _engine(bench, log, delivery="naive-retry")
    engine.receive(_event("a", "order:1"))
    engine.receive(_event("b", "order:1"))
    bench.pass_time(100)
    assert log.ended == [("b", 20)]
    assert bench.seen.lost == [("delivery", "a")]
    assert bench.reasons() == []


def test_an_exception_that_is_a_bug_stops_the_run_loudly(bench, log):
    log.fate["a"] = ZeroDivisionError("a bug")
    _engine(bench, log).receive(_event("a", "order:1"))
    with pytest.raises(ZeroDivisionError, match="a bug") as stopped:
        bench.pass_time(100)
    assert "lane.order:1" in "".join(stopped.value.__notes__)
    # The event is not given up: it is open for the engine that has the bug mended.
    assert [event.event_id for event in bench.journal.pending()] == ["a"]


def test_after_a_crash_each_lane_goes_on_where_it_was(bench, log):
    engine = _engine(bench, log)
    for name, lane in (("b", "order:1"), ("a", "order:1"), ("c", "order:2")):
        engine.receive(_event(name, lane))
    bench.pass_time(15)  # b and c are done, a is under way
    bench.kill()
    _engine(bench, log).start()
    bench.pass_time(15)
    assert [name for name, _ in log.ended] == ["b", "c", "a"]


def test_recovered_events_keep_the_order_in_which_one_instant_brought_them(bench, log):
    engine = _engine(bench, log)
    for name in ("z", "m", "a"):
        engine.receive(_event(name, "order:1"))
    bench.kill()
    _engine(bench, log).start()
    bench.pass_time(100)
    assert [name for name, _ in log.ended] == ["z", "m", "a"]


# --- receive ---------------------------------------------------------------------------------------


def test_an_event_told_twice_is_worked_once_even_after_a_crash(bench, log):
    engine = _engine(bench, log)
    assert engine.receive(_event("a", "order:1"))
    assert not engine.receive(_event("a", "order:1"))
    bench.pass_time(100)
    assert not engine.receive(_event("a", "order:1"))
    bench.kill()
    assert not _engine(bench, log).receive(_event("a", "order:1"))
    bench.pass_time(100)
    assert len(log.began) == 1


def test_a_naive_design_works_it_twice(bench, log):
    engine = _engine(bench, log, delivery="naive-retry")
    engine.receive(_event("a", "order:1"))
    engine.receive(_event("a", "order:1"))
    bench.pass_time(100)
    assert len(log.began) == 2


def _status(at, object_id="O1"):
    return Inbound(f"erp:order-status:{object_id}:{at}", "order-status", object_id, f"order:{object_id}", at)


def test_a_notice_of_a_state_that_was_read_since_is_void(bench, log):
    engine = _engine(bench, log)
    start = bench.clock.now()
    bench.pass_time(100)
    assert engine.receive(_status(start + 90 * SECOND))
    bench.pass_time(50)
    assert not engine.receive(_status(start + 80 * SECOND))
    assert not engine.receive(_status(start + 90 * SECOND))
    assert engine.receive(_status(start + 90 * SECOND, "O2"))
    assert len(log.began) == 1


def test_a_change_after_our_read_within_the_same_second_is_not_lost(bench, log):
    # The vendor's stamps have whole seconds: 100.2 and 100.8 are one stamp.
    engine = _engine(bench, log)
    start = bench.clock.now()
    bench.pass_time(95.3)
    engine.receive(_status(start + 95 * SECOND))
    bench.pass_time(4.9)  # 100.2: a change; the notice comes while the first read goes on
    assert engine.receive(_status(start + 100 * SECOND))
    bench.pass_time(0.6)  # 100.8: another change of that second
    engine.receive(_status(start + 100 * SECOND))
    bench.pass_time(100)
    assert log.began[-1][1] >= 101
    # And told once more a minute later, it is void: what the stamp stands for has been read.
    assert not engine.receive(_status(start + 100 * SECOND))


def test_a_state_is_read_when_the_second_of_its_change_is_over(bench, log):
    engine = _engine(bench, log)
    bench.pass_time(50.25)
    engine.receive(_status(bench.clock.now() // SECOND * SECOND))
    bench.pass_time(5)
    assert log.began[0][1] == 51


def test_while_a_read_waits_in_its_lane_another_notice_adds_nothing(bench, log):
    engine = _engine(bench, log)
    start = bench.clock.now()
    bench.pass_time(10)
    engine.receive(_event("a", "order:O1"))
    bench.pass_time(1)
    assert engine.receive(_status(start + 5 * SECOND))
    assert not engine.receive(_status(start + 9 * SECOND))
    bench.pass_time(100)
    assert len(log.began) == 2


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.floats(0, 3), st.floats(0, 2)), min_size=1, max_size=12),
    st.floats(0.01, 2.5),
    st.randoms(use_true_random=False),
)
def test_however_notices_come_the_last_read_is_after_the_last_change(bench, changes, takes_s, random):
    """Changes at any instant, notices late and reordered: the flow has seen the record as it is in the end."""
    log = Log(bench, takes_s)
    engine = _engine(bench, log)
    name = f"O{next(bench.runs)}"
    last_change = 0
    for pause, delay in changes:
        bench.pass_time(pause + 0.001)
        last_change = bench.clock.now()
        notice = _status(last_change // SECOND * SECOND, name)
        bench._spawn(_told_later(engine, notice, delay * random.random()), "notice")
    bench.pass_time(60)
    assert log.last_at >= last_change


async def _told_later(engine, event, delay):
    await asyncio.sleep(delay)
    engine.receive(event)


def test_workers_of_one_memory_keep_two_notices_of_a_record_at_most(bench, postgres_url):
    """One may be under way, and the other is read after it: a third would tell nothing."""
    bench.journal.close()
    bench.journal = PostgresJournal(postgres_url, "anna")
    engine = bench.engine()
    notices = [Inbound(f"erp:order-status:O1:{n}", "order-status", "O1", "order:O1", n * SECOND) for n in range(4)]
    assert [engine.receive(notice) for notice in notices] == [True, True, False, False]
    assert engine.receive(Inbound("erp:delivery:S1", "delivery", "S1", "order:O1", SECOND))
    bench.journal.finish(bench.journal.pending()[0].event_id, "done")
    assert [engine.receive(notice) for notice in notices[2:]] == [True, False]


class Calls:
    """A flow that makes one call, which leaves a few rounds of the loop after it was asked for."""

    def __init__(self):
        self.told = []

    async def __call__(self, engine, event):
        self.told.append(("begun", event.event_id))
        for _ in range(5):
            await asyncio.sleep(0)
        self.told.append(("left", event.event_id))

    def of(self, what):
        return [name for told, name in self.told if told == what]


def test_the_first_call_after_a_crash_does_not_wait_until_thousands_of_lanes_have_begun(bench):
    for n in range(2_000):
        bench.journal.accept(_event(f"e{n}", f"order:{n}"), 0)
    calls = Calls()
    _engine(bench, calls).start()
    bench.pass_time(1)
    assert calls.of("begun") == calls.of("left") == [f"e{n}" for n in range(2_000)]
    assert calls.told.index(("left", "e0")) < calls.told.index(("begun", "e1000"))


def test_what_comes_while_lanes_are_begun_after_a_crash_stays_behind_what_came_before(bench):
    for n in range(400):
        bench.journal.accept(_event(f"e{n}", f"order:{n % 200}"), 0)
    calls = Calls()
    engine = _engine(bench, calls)
    engine.start()
    engine.receive(_event("new", "order:199"))
    bench.pass_time(1)
    assert [name for name in calls.of("begun") if name in ("e199", "e399", "new")] == ["e199", "e399", "new"]
    assert engine.handled == 401
    assert not bench.journal.pending()


def test_what_an_earlier_life_read_is_not_read_again_when_a_sweep_tells_of_it_once_more(bench, log):
    changed = bench.clock.now()
    done, died, under_way, busy = (_event(name, f"order:{name}", "order-status", changed) for name in "abcd")
    log.fate["b@" + str(changed)] = DeadLetter("b", "refused")
    engine = _engine(bench, log)
    for event in (done, died):
        assert engine.receive(event)
    bench.pass_time(20)
    for event in (under_way, busy):
        assert engine.receive(event)
    bench.pass_time(5)
    bench.kill()
    engine = _engine(bench, log)
    engine.start()
    before = len(log.began)
    assert not engine.receive(done)
    # What nobody knows to have been read is read: the event that died, and those that were under way.
    assert engine.receive(died)
    assert engine.receive(under_way)
    # And a change in the second after the one that was read.
    assert engine.receive(msgspec.structs.replace(done, source_at=bench.clock.now()))
    bench.pass_time(60)
    assert sorted(name[0] for name, _ in log.began[before:]) == ["a", "b", "c", "c", "d"]

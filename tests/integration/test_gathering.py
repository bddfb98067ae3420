"""Writes that wait for each other: when they leave, what becomes of each, and what the line has to say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.integration.bulk_crm import BulkCrm
from tests.integration.conftest import Bench
from tests.integration.fake_systems import failed

from o2c_twin.integration.profile import DesignProfile
from o2c_twin.integration.runtime.errors import CallFailed, DeadLetter
from o2c_twin.integration.runtime.gathering import RULES, GatherRule, Waiting, load
from o2c_twin.integration.runtime.line import worth_of_work
from o2c_twin.integration.runtime.quota import Worth

SECOND = 1_000_000


@pytest.fixture
def bench(either_bench):
    return either_bench


class Notes:
    """Notes written through an engine's delivery, each a task of its own; ``ended`` says what became of them."""

    def __init__(self, bench, crm, **choices):
        self.bench, self.crm, self.ended = bench, crm, {}
        bench.crm = crm
        self.delivery = bench.engine(**choices).delivery

    def write(self, *deals, after_s=0.0, worth=Worth.ORDER, key="note:{}"):
        for deal in deals:
            self.bench._spawn(self._write(deal, after_s, worth, key.format(deal)), f"note {deal}")

    async def _write(self, deal, after_s, worth, key):
        await self.delivery.sleep(after_s)
        worth_of_work.set(worth)
        try:
            made = await self.delivery.write(self.crm, "note_deal", key, (deal, {"order_id": deal}), key, result="ok")
        except DeadLetter as letter:
            made = letter.kind
        assert key not in self.ended
        self.ended[key] = (made, self.bench.env.now / SECOND)

    def outcomes(self):
        return {key.removeprefix("note:"): made for key, (made, _) in self.ended.items()}


@pytest.fixture
def notes(bench):
    def made(batching="small", limit=200, guard="external-id", **choices):
        return Notes(bench, BulkCrm(bench.clock, guard, limit), batching=batching, **choices)

    return made


def deals(count, first=0):
    return [f"D{n}" for n in range(first, first + count)]


# --- when they leave ---------------------------------------------------------------------------------


@given(st.integers(1, 300), st.integers(0, 100), st.integers(0, 10**8), st.integers(1, 200))
def test_a_load_leaves_when_it_is_full_or_its_first_item_has_waited_long_enough(waiting, wait_s, elapsed, most):
    rule = GatherRule(most, float(wait_s))
    wait = rule.wait_us(waiting, 0, elapsed)
    assert wait >= 0
    assert (wait == 0) == (waiting >= most or elapsed >= wait_s * SECOND)
    assert waiting >= most or rule.wait_us(waiting, 0, elapsed + wait) == 0


def _item(n, record, worth):
    return Waiting(str(n), (record,), "", None, worth, False, n, None)


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(Worth)), max_size=30), st.integers(1, 10))
def test_the_most_valuable_leave_first_and_no_record_twice(wanted, most):
    waiting = [_item(n, record, worth) for n, (record, worth) in enumerate(wanted)]
    leaving, staying = load(waiting, most)
    assert sorted([*leaving, *staying], key=lambda i: i.since) == waiting
    assert [i.since for i in leaving] == sorted(i.since for i in leaving)
    assert [i.since for i in staying] == sorted(i.since for i in staying)
    gone = {i.arguments[0]: i for i in leaving}
    assert len(gone) == len(leaving) <= most
    assert not waiting or leaving
    for item in staying:
        rival = gone.get(item.arguments[0])
        if rival is not None:
            assert (rival.worth, rival.since) < (item.worth, item.since)
        else:
            assert len(leaving) == most
            assert all(each.worth <= item.worth for each in leaving)


def test_each_value_of_the_axis_is_a_rule_or_none():
    assert (RULES["small"], RULES["large"]) == (GatherRule(25, 2.0), GatherRule(200, 60.0))


@pytest.mark.parametrize(("batching", "most", "wait_s"), [("small", 25, 2.0), ("large", 200, 60.0)])
def test_a_full_load_leaves_at_once_and_the_rest_when_its_time_is_over(notes, bench, batching, most, wait_s):
    told = notes(batching)
    told.write(*deals(most + 3))
    bench.pass_time(wait_s + 5)
    assert [len(each) for each in told.crm.loads] == [most, 3]
    ends = [at for _, at in told.ended.values()]
    assert ends == [1.0] * most + [wait_s + 1.0] * 3


def test_a_write_that_nobody_joins_is_an_ordinary_call(notes, bench):
    told = notes("large")
    told.write("D1")
    bench.pass_time(62)
    assert (told.crm.loads, told.crm.alone) == ([], ["D1"])
    assert told.ended == {"note:D1": ("ok", 61.0)}


def test_a_load_is_no_larger_than_the_system_takes(notes, bench):
    told = notes("large", limit=10)
    told.write(*deals(25))
    bench.pass_time(62)
    assert [len(each) for each in told.crm.loads] == [10, 10, 5]


@pytest.mark.parametrize("choices", [{"batching": "off"}, {"batching": "large", "delivery": "naive-retry"}])
def test_off_and_naive_designs_gather_nothing(notes, bench, choices):
    told = notes(**choices)
    told.write(*deals(30))
    bench.pass_time(60)
    assert (told.crm.loads, len(told.crm.alone)) == ([], 30)


def test_a_system_that_takes_no_many_is_called_one_by_one(bench):
    engine = bench.engine(batching="large")
    bench._spawn(engine.delivery.write(bench.crm, "note_deal", "k", ("D1", {}), "c"), "note")
    bench.pass_time(2)
    assert bench.crm.calls == ["note_deal"]


def test_two_writes_of_one_record_are_two_calls_in_their_order(notes, bench):
    told = notes()
    told.write("D1", "D2", key="first:{}")
    told.write("D1", after_s=0.5, key="second:{}")
    bench.pass_time(10)
    assert (told.crm.loads, told.crm.alone) == ([["D1", "D2"]], ["D1"])
    assert list(told.ended) == ["first:D1", "first:D2", "second:D1"]


# --- what becomes of each ------------------------------------------------------------------------------


def test_one_refused_item_is_a_case_of_its_own_and_the_others_are_done_and_not_sent_again(notes, bench):
    told = notes("large")
    told.crm.bad = {"D7"}
    told.write(*deals(200))
    bench.pass_time(300)
    assert told.outcomes() == {deal: "refused" if deal == "D7" else "ok" for deal in deals(200)}
    assert (len(told.crm.loads), told.crm.alone) == (1, [])
    assert bench.journal.counts() == {"effect.done": 199, "effect.sent": 1}


def test_only_the_items_that_were_not_done_are_sent_again(notes, bench):
    told = notes()
    told.crm.passing = {"D1": ["unavailable"], "D2": ["throttled", "throttled"], "D3": ["unknown-outcome"]}
    told.write(*deals(25))
    bench.pass_time(60)
    assert set(told.outcomes().values()) == {"ok"}
    assert set(told.crm.applied.values()) == {1}
    sent_again = [deal for each in told.crm.loads[1:] for deal in each] + told.crm.alone
    assert sorted(sent_again) == ["D1", "D2", "D2", "D3"]


def test_a_call_the_vendor_refuses_as_a_whole_is_sent_item_by_item(notes, bench):
    told = notes()
    told.crm.strict, told.crm.bad = True, {"D3"}
    told.write(*deals(25))
    bench.pass_time(60)
    assert told.outcomes() == {deal: "refused" if deal == "D3" else "ok" for deal in deals(25)}
    assert (len(told.crm.loads), sorted(told.crm.alone)) == (1, sorted(deals(25)))


def test_a_lost_answer_of_a_blind_system_is_a_case_an_item_and_nothing_is_sent_again(notes, bench):
    told = notes(guard="none")
    told.crm.whole = ["lost"]
    told.write(*deals(5))
    bench.pass_time(60)
    assert set(told.outcomes().values()) == {"unknown-outcome"}
    assert (len(told.crm.loads), set(told.crm.applied.values())) == (1, {1})


_TROUBLE = st.sampled_from(["unavailable", "throttled", "unknown-outcome", "applied, and nobody knows"])
_WHOLE = st.sampled_from([None, "lost", *(failed(c) for c in ("unavailable", "throttled", "unknown-outcome"))])


@given(
    guard=st.sampled_from(["external-id", "query", "none"]),
    arrivals=st.lists(st.floats(0, 90), min_size=1, max_size=12),
    bad=st.sets(st.integers(0, 11), max_size=3),
    passing=st.dictionaries(st.integers(0, 11), st.lists(_TROUBLE, max_size=3), max_size=6),
    whole=st.lists(_WHOLE, max_size=5),
    strict=st.booleans(),
    batching=st.sampled_from(["small", "large"]),
    limit=st.integers(2, 8),
)
def test_whatever_the_outcomes_each_item_is_done_once_or_is_one_case(
    tmp_path_factory, guard, arrivals, bad, passing, whole, strict, batching, limit
):
    bench = Bench(tmp_path_factory.mktemp("journal") / "journal.db")
    crm = BulkCrm(bench.clock, guard, limit, lag_s=20.0 if guard == "query" else 0.0)
    crm.bad, crm.strict, crm.whole = {f"D{n}" for n in bad}, strict, list(whole)
    crm.passing = {f"D{n}": list(causes) for n, causes in passing.items()}
    told = Notes(bench, crm, batching=batching)
    for n, after_s in enumerate(arrivals):
        told.write(f"D{n}", after_s=after_s)
    bench.pass_time(12 * 3_600)
    try:
        ended = told.outcomes()
        assert sorted(ended) == sorted(deals(len(arrivals)))
        for deal, made in ended.items():
            if made == "ok":
                assert crm.applied[deal] >= 1
                assert crm.notes[deal] == {"order_id": deal}
            elif made == "refused":
                assert deal in crm.bad
            else:
                # Of a system that cannot be asked, and only of it, a person is to find out.
                assert (made, guard) == ("unknown-outcome", "none")
            if guard != "external-id":
                # Setting the same again is the same; here it would be a second one.
                assert crm.applied[deal] <= 1
            if guard != "none":
                assert (made == "ok") == (deal not in crm.bad)
        done = [key for key in told.ended if bench.journal.effect(key).state == "done"]
        assert sorted(done) == sorted(key for key, (made, _) in told.ended.items() if made == "ok")
    finally:
        bench.close()


# --- the line ------------------------------------------------------------------------------------------


def test_whoever_comes_while_the_line_is_closed_goes_with_the_call_that_waits(notes, bench):
    told = notes()
    told.crm.whole = [failed("throttled", 600.0)]
    told.write(*deals(2))
    for n in range(10):
        told.write(f"L{n}", after_s=30.0 + 50 * n)
    bench.pass_time(1_300)
    assert set(told.outcomes().values()) == {"ok"}
    # One that was throttled, and one for all that came meanwhile; what was throttled waits a little longer.
    assert told.crm.loads[:2] == [["D0", "D1"], [f"L{n}" for n in range(10)]]
    assert told.crm.applied == dict.fromkeys([*deals(2), *(f"L{n}" for n in range(10))], 1)


@pytest.mark.parametrize(("joins", "calls"), [((), ["master", "note_deal"]), ((Worth.CASH,), ["note_deals", "master"])])
def test_the_most_valuable_item_decides_whose_turn_it_is(notes, bench, joins, calls):
    told = notes()
    line = told.delivery.lines["crm"]

    async def throttled():
        raise failed("throttled", 60.0)

    async def master():
        worth_of_work.set(Worth.MASTER)

        async def call():
            told.crm.calls.append("master")

        await line.call(call, "master")

    with pytest.raises(CallFailed):
        bench.do(line.call(throttled, "closes the line"))
    told.write("S0", worth=Worth.SWEEP)
    bench.pass_time(5)
    bench._spawn(master(), "master")
    for worth in joins:
        told.write("C0", worth=worth)
    bench.pass_time(100)
    assert told.crm.calls == calls
    assert set(told.outcomes().values()) == {"ok"}


def test_a_call_whose_items_all_failed_before_is_a_repeat_and_one_with_a_new_item_is_not(notes, bench):
    told = notes("large")
    line = told.delivery.lines["crm"]
    turns, call = [], line.call

    async def watched(make, key, again=False):
        turns.append(again)
        return await call(make, key, again)

    line.call = watched
    told.crm.passing = {"D0": ["unavailable"] * 2, "D1": ["unavailable"]}
    told.write("D0", "D1")
    bench.pass_time(62)
    told.write("N0", after_s=10)
    bench.pass_time(300)
    assert told.crm.loads == [["D0", "D1"], ["D0", "D1", "N0"]]
    assert told.crm.alone == ["D0"]
    assert turns == [False, False, True]


# --- a life that ends ------------------------------------------------------------------------------------


@pytest.mark.parametrize("guard", ["external-id", "none"])
def test_what_had_not_left_when_the_process_died_is_sent_by_the_next_one(notes, bench, guard):
    told = notes("large", guard=guard)
    told.write(*deals(3))
    bench.pass_time(30)
    assert [bench.journal.effect(f"note:{deal}").state for deal in deals(3)] == ["due"] * 3
    bench.kill()
    again = Notes(bench, told.crm, batching="large")
    again.write(*deals(3))
    bench.pass_time(90)
    assert again.outcomes() == dict.fromkeys(deals(3), "ok")
    assert told.crm.applied == dict.fromkeys(deals(3), 1)


def test_what_had_left_is_found_out_item_by_item(notes, bench):
    told = notes("small", guard="none")
    told.write(*deals(3))
    bench.pass_time(2.5)
    assert [bench.journal.effect(f"note:{deal}").state for deal in deals(3)] == ["sent"] * 3
    bench.kill()
    again = Notes(bench, told.crm, batching="small")
    again.write(*deals(3))
    bench.pass_time(90)
    assert again.outcomes() == dict.fromkeys(deals(3), "unknown-outcome")


def test_notes_of_won_deals_are_gathered_and_each_flow_goes_on_with_its_own(bench):
    bench.crm = BulkCrm(bench.clock)
    bench.crm.bad = {"D2"}
    engine = bench.engine(batching="small")
    for n in range(4):
        engine.receive(bench.won(f"D{n}", account=f"A{n}"))
    bench.pass_time(60)
    assert bench.crm.loads == [["D0", "D1", "D2", "D3"]]
    assert [flow for flow, _, _ in bench.seen.cases] == ["order"]
    assert bench.crm.applied == {"D0": 1, "D1": 1, "D3": 1}
    assert engine.idle


def test_the_axis_is_chosen_as_any_other():
    assert DesignProfile().batching == "off"
    assert DesignProfile().with_choices({"batching": "large"}).batching == "large"

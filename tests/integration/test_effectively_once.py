"""A write that is on record before its first byte, and never made twice."""

import asyncio

import pytest

from o2c_twin.integration.capability import Capability
from o2c_twin.integration.runtime.errors import CallFailed, DeadLetter, Dropped

HOUR = 3_600.0


class Remote:
    """A system that makes a record for each call without a key, and one for each key."""

    system = "erp"
    sheet = (Capability("bill", "bill", "external-id"),)

    def __init__(self, bench):
        self.bench = bench
        self.keys = []
        self.made = {}
        self.trouble = []
        self.at_call = lambda: None

    async def bill(self, order_id, key, correlation):
        self.keys.append(key)
        self.at_call()
        await asyncio.sleep(1)
        trouble = self.trouble.pop(0) if self.trouble else None
        if isinstance(trouble, CallFailed):
            raise trouble
        name = key or f"#{len(self.made)}"
        made = self.made.setdefault(name, f"id {len(self.made) + 1}")
        if trouble == self.bench.LOST:
            raise self.bench.failed("unknown-outcome")
        return made


@pytest.fixture
def remote(bench):
    return Remote(bench)


def test_the_effect_is_on_record_before_the_first_byte_leaves(bench, remote):
    seen = []
    remote.at_call = lambda: seen.append(bench.journal.effect("order:D1"))
    bench.do(bench.engine().delivery.write(remote, "bill", "order:D1", ("O1",), "c"))
    assert [effect.state for effect in seen] == ["sent"]


def test_a_recorded_outcome_is_never_sent_again(bench, remote):
    delivery = bench.engine().delivery
    first = bench.do(delivery.write(remote, "bill", "order:D1", ("O1",), "c"))
    assert bench.do(delivery.write(remote, "bill", "order:D1", ("O1",), "c")) == first == "id 1"
    bench.kill()
    assert bench.do(bench.engine().delivery.write(remote, "bill", "order:D1", ("O1",), "c")) == "id 1"
    assert remote.keys == ["order:D1"]


def test_after_a_lost_answer_the_same_key_is_sent_again_and_one_record_is_made(bench, remote):
    remote.trouble = [bench.LOST, bench.failed("unavailable"), bench.failed("throttled", 30.0)]
    assert bench.do(bench.engine().delivery.write(remote, "bill", "order:D1", ("O1",), "c")) == "id 1"
    assert remote.keys == ["order:D1"] * 4
    assert list(remote.made) == ["order:D1"]


def test_a_write_that_was_only_now_applied_is_looked_for_when_it_must_be_visible_now(bench, remote):
    remote.sheet = (Capability("bill", "bill", "query", index_lag_s=20.0),)
    made_at = {}

    async def find(write, key):
        seen = key in made_at and bench.clock.now() >= made_at[key] + 20_000_000
        return remote.made[key] if seen else None

    remote.find = find
    # The first try never arrives and the second leaves a minute later: its lag counts from then.
    remote.trouble = [bench.failed("unavailable", 60.0), bench.LOST]
    remote.at_call = lambda: made_at.update({} if len(remote.keys) == 1 else {"bill:S1": bench.clock.now() + 1_000_000})
    assert bench.do(bench.engine().delivery.write(remote, "bill", "bill:S1", ("O1",), "c")) == "id 1"
    assert remote.keys == ["bill:S1"] * 2


def test_a_key_ages_from_its_first_use_whatever_later_tries_are_answered(bench, remote):
    remote.sheet = (Capability("bill", "bill", "key", retention_s=3_600.0),)
    remote.trouble = [bench.LOST, *[bench.failed("unavailable", 900.0)] * 10]
    with pytest.raises(DeadLetter, match="key is remembered") as letter:
        bench.do(bench.engine().delivery.write(remote, "bill", "order:D1", ("O1",), "c"))
    assert letter.value.kind == "unknown-outcome"
    assert len(remote.keys) < 7


def test_a_read_has_no_outcome_to_find_out(bench):
    async def call():
        raise bench.failed("unknown-outcome")

    with pytest.raises(DeadLetter) as letter:
        bench.do(bench.engine().delivery.read("erp", "read", call))
    assert letter.value.kind == "deadline"


def test_a_throttled_call_waits_at_least_as_long_as_it_was_asked_to(bench, remote):
    remote.trouble = [bench.failed("throttled", 600.0)]
    bench.do(bench.engine().delivery.write(remote, "bill", "order:D1", ("O1",), "c"))
    assert bench.env.now >= 602 * 1_000_000


def test_a_retry_sleeps_through_a_crash_and_goes_on_when_it_was_due(bench, remote):
    remote.trouble = [bench.failed("throttled", 600.0)]
    bench._spawn(bench.engine().delivery.write(remote, "bill", "order:D1", ("O1",), "c"), "first life")
    bench.pass_time(60)
    due = bench.journal.effect("order:D1").next_at
    bench.kill()
    assert bench.do(bench.engine().delivery.write(remote, "bill", "order:D1", ("O1",), "c")) == "id 1"
    assert remote.keys == ["order:D1"] * 2
    assert bench.clock.now() == due + 1_000_000  # the call itself takes a second
    assert bench.journal.effect("order:D1").attempts == 2


def test_a_call_that_was_under_way_when_the_process_died_is_sent_again_with_its_key(bench, remote):
    bench._spawn(bench.engine().delivery.write(remote, "bill", "order:D1", ("O1",), "c"), "first life")
    bench.pass_time(0.5)
    bench.kill()
    assert bench.do(bench.engine().delivery.write(remote, "bill", "order:D1", ("O1",), "c")) == "id 1"
    assert remote.keys == ["order:D1"] * 2


def test_the_deadline_counts_from_the_first_intention_not_from_the_restart(bench, remote):
    remote.trouble = [bench.failed("unavailable")] * 10_000
    bench._spawn(bench.engine().delivery.write(remote, "bill", "order:D1", ("O1",), "c"), "first life")
    bench.pass_time(48 * HOUR)
    bench.kill()
    restarted = bench.env.now
    with pytest.raises(DeadLetter, match="order:D1"):
        bench.do(bench.engine().delivery.write(remote, "bill", "order:D1", ("O1",), "c"))
    assert 23 * HOUR < (bench.env.now - restarted) / 1e6 <= 24 * HOUR


def test_what_is_refused_is_a_dead_letter_at_once(bench, remote):
    remote.trouble = [bench.failed("rejected")]
    with pytest.raises(DeadLetter, match="rejected"):
        bench.do(bench.engine().delivery.write(remote, "bill", "order:D1", ("O1",), "c"))
    assert remote.keys == ["order:D1"]


def test_a_decision_is_taken_once_and_a_replay_gets_it(bench):
    asked = []

    async def decide():
        asked.append(1)
        return f"decision {len(asked)}"

    assert bench.do(bench.engine().delivery.decided("decide:B1", decide)) == "decision 1"
    bench.kill()
    assert bench.do(bench.engine().delivery.decided("decide:B1", decide)) == "decision 1"
    assert len(asked) == 1


def test_a_decision_that_could_not_be_taken_is_not_on_record(bench):
    async def cannot():
        raise DeadLetter("cash:B1", "nobody knows")

    with pytest.raises(DeadLetter):
        bench.do(bench.engine().delivery.decided("decide:B1", cannot))
    assert bench.journal.outcome("decide:B1") is None


# --- what the naive designs do instead ---------------------------------------------------------------


def test_the_naive_script_doubles_what_it_sends_again(bench, remote):
    remote.trouble = [bench.LOST, bench.LOST]
    bench.do(bench.engine(delivery="naive-retry").delivery.write(remote, "bill", "order:D1", ("O1",), "c"))
    assert remote.keys == [None] * 3
    assert len(remote.made) == 3


def test_fire_and_forget_takes_a_lost_answer_for_a_lost_order(bench, remote):
    remote.trouble = [bench.LOST]
    with pytest.raises(Dropped):
        bench.do(bench.engine(delivery="fire-and-forget").delivery.write(remote, "bill", "order:D1", ("O1",), "c"))
    assert len(remote.made) == 1


@pytest.mark.parametrize("delivery", ["fire-and-forget", "naive-retry"])
def test_naive_designs_put_nothing_on_record(bench, remote, delivery):
    bench.do(bench.engine(delivery=delivery).delivery.write(remote, "bill", "order:D1", ("O1",), "c"))
    assert bench.journal.effect("order:D1") is None


# --- how many calls at once --------------------------------------------------------------------------


@pytest.mark.parametrize(("delivery", "most"), [("effectively-once", 4), ("naive-retry", 9)])
def test_the_careful_engine_bounds_the_calls_in_flight_to_a_system(bench, delivery, most):
    flying = {"erp": 0, "crm": 0}
    peak = {"erp": 0, "crm": 0}

    def call(system):
        async def fly(key=None):
            flying[system] += 1
            peak[system] = max(peak[system], flying[system])
            await asyncio.sleep(1)
            flying[system] -= 1
            return ""

        return fly

    engine = bench.engine(delivery=delivery)
    for n in range(9):
        bench._spawn(engine.delivery.read("erp", f"write {n}", call("erp")), f"write {n}")
    for n in range(2):
        bench._spawn(engine.delivery.read("crm", f"read {n}", call("crm")), f"read {n}")
    bench.pass_time(10)
    assert peak == {"erp": most, "crm": 2}

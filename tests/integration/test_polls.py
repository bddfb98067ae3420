"""Asking for changes: when, from where on, and what happens when nobody answers."""

import pytest

from o2c_twin.integration.model import Inbound
from o2c_twin.integration.runtime.engine import Rhythm

SECOND = 1_000_000
HOUR = 3_600
OVERLAP = 300 * SECOND


class Taken:
    """A flow that writes down what came."""

    def __init__(self):
        self.ids = []

    async def __call__(self, engine, event):
        self.ids.append(event.object_id)


@pytest.fixture
def taken():
    return Taken()


def _engine(bench, taken, rhythm=None, **choices):
    flows = dict.fromkeys(("order", "delivery", "order-status", "cash"), taken)
    return bench.engine(flows, rhythm or Rhythm(poll_s=300, sweep_s=6 * HOUR), **choices)


def _shipped(bench, name):
    """Goods go out of the ERP, and nobody tells."""
    event = Inbound(f"erp:delivery:{name}", "delivery", name, "order:1", bench.clock.now() // SECOND * SECOND)
    bench.erp.changed.append(event)
    return event


def _asked(bench, system="erp"):
    """The times a system was asked what is new."""
    return [call for call in getattr(bench, system).calls if call in ("changes", "statements")]


def test_a_poll_asks_each_system_every_interval(bench, taken):
    _engine(bench, taken, trigger="poll").start()
    bench.pass_time(299)
    assert (_asked(bench, "crm"), _asked(bench, "erp"), _asked(bench, "bank")) == ([], [], [])
    bench.pass_time(602)
    assert [len(_asked(bench, name)) for name in ("crm", "erp", "bank")] == [3, 3, 3]


def test_what_has_changed_is_taken_once_however_often_it_is_told(bench, taken):
    _engine(bench, taken, trigger="poll").start()
    bench.pass_time(100)
    _shipped(bench, "S1")
    bench.pass_time(3_000)
    assert taken.ids == ["S1"]


def test_the_cursor_moves_only_after_success(bench, taken):
    engine = _engine(bench, taken, trigger="poll")
    engine.start()
    bench.pass_time(310)
    before = bench.journal.cursor("erp", "0")
    bench.erp.trouble["changes"] = [bench.failed()] * 100
    bench.pass_time(HOUR)
    assert bench.journal.cursor("erp", "0") == before
    _shipped(bench, "S1")
    bench.erp.trouble["changes"] = []
    bench.pass_time(HOUR)
    assert taken.ids == ["S1"]
    assert int(bench.journal.cursor("erp", "0")) > int(before)


def test_a_system_that_is_down_holds_up_no_other(bench, taken):
    _engine(bench, taken, trigger="poll").start()
    bench.crm.trouble["changes"] = [bench.failed()] * 1_000
    _shipped(bench, "S1")
    bench.pass_time(12 * HOUR)
    assert taken.ids == ["S1"]
    assert len(_asked(bench, "bank")) > 100


def test_a_system_that_cannot_be_asked_is_a_case_and_only_one(bench, taken):
    # Wrong credentials fail at once and for ever; without a case nobody would ever know.
    _engine(bench, taken, trigger="poll").start()
    bench.erp.trouble["changes"] = [bench.failed("login")] * 1_000
    bench.pass_time(12 * HOUR)
    assert [(flow, object_id) for flow, object_id, _ in bench.seen.cases] == [("ask", "erp")]
    assert bench.reasons() == ["test call: login: as told"]


@pytest.mark.parametrize("late_s", [1, 240])
def test_a_change_that_is_committed_late_is_found(bench, taken, late_s):
    # Its stamp is older than the last one we were told of, as after a long transaction.
    _engine(bench, taken, trigger="poll").start()
    bench.pass_time(295)
    stamp = bench.clock.now()
    _shipped(bench, "S1")
    bench.pass_time(10)
    assert taken.ids == ["S1"]
    event = Inbound("erp:delivery:S2", "delivery", "S2", "order:2", stamp - late_s * SECOND)
    bench.erp.changed.append(event)
    bench.pass_time(600)
    assert taken.ids == ["S1", "S2"]


def test_two_changes_of_one_second_are_found_though_the_answer_came_between_them(bench, taken):
    _engine(bench, taken, trigger="poll").start()
    bench.pass_time(300.5)
    first = _shipped(bench, "S1")
    bench.pass_time(1)
    second = _shipped(bench, "S2")
    bench.erp.changed[-1] = Inbound(second.event_id, "delivery", "S2", "order:2", first.source_at)
    bench.pass_time(600)
    assert taken.ids == ["S1", "S2"]


def test_the_naive_poll_trusts_its_clock_and_misses_what_is_committed_late(bench, taken):
    _engine(bench, taken, trigger="poll", delivery="naive-retry").start()
    bench.pass_time(310)
    late = Inbound("erp:delivery:S1", "delivery", "S1", "order:1", bench.clock.now() - 60 * SECOND)
    bench.erp.changed.append(late)
    bench.pass_time(HOUR)
    assert taken.ids == []


def test_a_naive_poll_that_fails_is_not_looked_at_again_until_the_next_round(bench, taken):
    _engine(bench, taken, trigger="poll", delivery="fire-and-forget").start()
    bench.erp.trouble["changes"] = [bench.failed()]
    _shipped(bench, "S1")
    bench.pass_time(310)
    assert bench.seen.lost == [("ask", "erp")]
    assert bench.reasons() == []
    bench.pass_time(300)
    assert taken.ids == ["S1"]


# --- once a night -----------------------------------------------------------------------------------


def test_the_nightly_run_is_at_its_hour_and_only_then(bench, taken):
    rhythm = Rhythm(nightly_hour_utc=2)
    _engine(bench, taken, rhythm, trigger="nightly").start()
    times = []
    changes = bench.erp.changes

    async def noted(since):
        times.append(bench.env.now / SECOND / HOUR)
        return await changes(since)

    bench.erp.changes = noted
    bench.pass_time(75 * HOUR)
    assert times == [2, 26, 50, 74]


def test_a_start_at_the_very_hour_waits_for_the_next_night(bench, taken):
    bench.pass_time(2 * HOUR)
    _engine(bench, taken, Rhythm(nightly_hour_utc=2), trigger="nightly").start()
    bench.pass_time(23 * HOUR)
    assert _asked(bench) == []
    bench.pass_time(2 * HOUR)
    assert len(_asked(bench)) == 1


# --- the sweep behind the webhooks ------------------------------------------------------------------


def test_a_sweep_catches_the_webhook_that_never_came(bench, taken):
    _engine(bench, taken).start()
    _shipped(bench, "S1")
    bench.pass_time(6 * HOUR - 10)
    assert taken.ids == []
    bench.pass_time(20)
    assert taken.ids == ["S1"]


def test_what_the_webhook_brought_the_sweep_does_not_bring_again(bench, taken):
    engine = _engine(bench, taken)
    engine.start()
    engine.receive(_shipped(bench, "S1"))
    bench.pass_time(20 * HOUR)
    assert taken.ids == ["S1"]


@pytest.mark.parametrize("delivery", ["naive-retry", "fire-and-forget"])
def test_in_a_naive_design_a_webhook_that_never_came_is_lost(bench, taken, delivery):
    _engine(bench, taken, delivery=delivery).start()
    _shipped(bench, "S1")
    bench.pass_time(30 * 24 * HOUR)
    assert taken.ids == []


def test_an_engine_that_is_restarted_more_often_than_it_sweeps_still_sweeps(bench, taken):
    _shipped(bench, "S1")
    for _ in range(9):
        _engine(bench, taken).start()
        bench.pass_time(HOUR)
        bench.kill()
    assert taken.ids == ["S1"]


# --- the bank -----------------------------------------------------------------------------------------


def test_each_statement_is_taken_once_and_a_late_one_is_found(bench, taken):
    _engine(bench, taken, trigger="poll").start()
    bench.bank.closes("2026-01-05")
    bench.bank.closes("2026-01-07")
    bench.pass_time(HOUR)
    assert taken.ids == ["S1", "S2"]
    bench.bank.closes("2026-01-06")  # a day's statement that comes after the next day's
    bench.bank.closes("2026-01-07")  # and a second one of a day
    bench.pass_time(HOUR)
    assert taken.ids == ["S1", "S2", "S3", "S4"]
    assert bench.journal.cursor("bank", "") == "2026-01-07"


def test_a_naive_poll_takes_the_last_day_for_done(bench, taken):
    _engine(bench, taken, trigger="poll", delivery="naive-retry").start()
    bench.bank.closes("2026-01-07")
    bench.pass_time(HOUR)
    bench.bank.closes("2026-01-06")
    bench.pass_time(HOUR)
    assert taken.ids == ["S1"]


# --- the end ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trigger", ["poll", "nightly", "webhook"])
def test_a_stopped_engine_asks_no_more(bench, taken, trigger):
    engine = _engine(bench, taken, trigger=trigger)
    engine.start()
    bench.pass_time(25 * HOUR)
    asked = len(_asked(bench))
    assert asked > 0
    engine.stop()
    bench.pass_time(72 * HOUR)
    assert len(_asked(bench)) == asked

"""Limits as a client meets them, and the promises of the counting for any traffic."""

import asyncio
import json
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.mock_systems.wire.faults import Latency
from o2c_twin.mock_systems.wire.limits import Concurrency, Limiter, LimitPolicy, Window
from o2c_twin.mock_systems.wire.route import Principal

SECOND = 1_000_000
ANN = Principal("acme", "sync", "ann")


def windows(*rules):
    return LimitPolicy("test", windows=rules)


@pytest.mark.parametrize(
    ("kind", "retry_after_s"),
    [("fixed", 60 - 12), ("sliding", 61), ("bucket", 20)],
    ids=["fixed: at the next full minute", "sliding: a minute and a slot later", "bucket: when a token is back"],
)
def test_over_the_limit_the_vendor_throttles_and_says_when_to_come_back(open_notes, kind, retry_after_s):
    notes = open_notes(windows(Window("per minute", 3, 60, kind=kind)))
    notes.later(12)
    for i in range(3):
        assert notes.create(f"n{i}").status == 201
    refused = notes.create("n3")
    assert refused.status == 403
    assert json.loads(refused.body) == {"error": "per minute", "used": 3}
    assert refused.headers["retry-after"] == str(retry_after_s)
    entry = notes.journal()[-1]
    assert (entry["operation"], entry["throttled"]) == ("note.create", True)

    notes.later(retry_after_s - 1)
    assert notes.create("too early").status == 403
    notes.later(1)
    assert notes.create("in time").status == 201
    assert notes.server.dialect.notes["4"].text == "in time"


def test_a_refused_call_uses_nothing(open_notes):
    notes = open_notes(windows(Window("dear", 5, 60), Window("cheap", 6, 60)))
    assert notes.call("GET", "/v1/report").status == 200
    assert notes.call("GET", "/v1/report").status == 403
    assert notes.dialect.limiter.used("cheap", ANN, notes.clock.us) == 5


def test_a_dear_call_uses_its_cost(open_notes):
    notes = open_notes(windows(Window("units", 6, 60)))
    assert notes.call("GET", "/v1/report").status == 200
    assert [notes.create(f"n{i}").status for i in range(2)] == [201, 403]


@pytest.mark.parametrize(
    ("scope", "sharing", "apart"),
    [
        ("tenant", "acme/other/bob", "bolt/sync/ann"),
        ("app", "bolt/sync/bob", "acme/other/ann"),
        ("user", "bolt/other/ann", "acme/sync/bob"),
    ],
)
def test_a_limit_counts_by_tenant_app_or_user(open_notes, scope, sharing, apart):
    notes = open_notes(windows(Window("one", 1, 60, scope)))
    assert notes.create("first").status == 201
    assert notes.create("shares the limit", who=sharing).status == 403
    assert notes.create("has its own", who=apart).status == 201


def test_of_two_full_windows_the_one_that_opens_last_is_named(open_notes):
    notes = open_notes(windows(Window("minute", 2, 60), Window("hour", 2, 3600)))
    for _ in range(2):
        notes.create("x")
    refused = notes.create("x")
    assert json.loads(refused.body)["error"] == "hour"
    assert refused.headers["retry-after"] == "3600"


def test_open_operations_are_not_counted(open_notes):
    notes = open_notes(windows(Window("one", 1, 60)))
    assert [notes.call("POST", "/v1/session", who=None).status for _ in range(3)] == [200, 200, 200]
    assert notes.create("x").status == 201


async def _two_at_once(notes, gap_s):
    notes.clock.holding = True
    first = asyncio.ensure_future(notes.send("GET", "/v1/report"))
    while notes.clock.sleeping < 1:
        await asyncio.sleep(0)
    await notes.clock.advance(gap_s)
    second = asyncio.ensure_future(notes.send("GET", "/v1/report"))
    while notes.clock.sleeping < 2 and not second.done():
        await asyncio.sleep(0)
    await notes.clock.advance(120)
    return [(await call).status for call in (first, second)]


@pytest.mark.parametrize(
    ("counts_after_s", "gap_s", "statuses"),
    [(0.0, 0.0, [200, 403]), (20.0, 19.0, [200, 200]), (20.0, 20.0, [200, 403])],
    ids=["any call counts", "a young call does not count", "an old call counts"],
)
def test_calls_at_the_same_time_are_limited(open_notes, counts_after_s, gap_s, statuses):
    policy = LimitPolicy("test", concurrency=(Concurrency("long calls", 1, "tenant", counts_after_s),))
    notes = open_notes(policy, latency=Latency(median_s=60.0, sigma=0.0))
    assert notes.run(_two_at_once(notes, gap_s)) == statuses
    notes.clock.holding = False
    assert notes.call("GET", "/v1/report").status == 200, "the first call is over and no longer counts"


def test_concurrency_is_counted_by_its_own_scope(open_notes):
    policy = LimitPolicy("test", concurrency=(Concurrency("calls", 1, "user"),))
    notes = open_notes(policy, latency=Latency(median_s=60.0, sigma=0.0))

    async def ann_and_bob():
        notes.clock.holding = True
        calls = [asyncio.ensure_future(notes.send("GET", "/v1/report", who=f"acme/sync/{u}")) for u in ("ann", "bob")]
        while notes.clock.sleeping < 2:
            await asyncio.sleep(0)
        await notes.clock.advance(60)
        return [(await call).status for call in calls]

    assert notes.run(ann_and_bob()) == [200, 200]


# ------------------------------------------------------------------------------- for any traffic

_kinds = st.sampled_from(["fixed", "sliding", "bucket"])
_gaps = st.lists(st.integers(0, 90 * SECOND) | st.integers(0, 1000), min_size=1, max_size=60)


@given(kind=_kinds, limit=st.integers(1, 8), seconds=st.sampled_from([1, 7, 60]), gaps=_gaps, cost=st.integers(1, 3))
def test_never_more_than_the_limit_is_admitted_in_a_window(kind, limit, seconds, gaps, cost):
    limiter = Limiter(windows(Window("w", limit, seconds, kind=kind)))
    span = seconds * SECOND
    admitted = [at for at in accumulate(gaps, initial=0) if limiter.admit(ANN, cost, at) is None]
    for i, start in enumerate(admitted):
        for j in range(i, len(admitted)):
            elapsed, units = admitted[j] - start, (j - i + 1) * cost
            if kind == "fixed" and start // span == admitted[j] // span:
                assert units <= limit
            if kind == "sliding" and elapsed < span:
                assert units <= limit
            if kind == "bucket":  # what was in it, and what ran in meanwhile
                assert units * span <= limit * span + limit * elapsed


@given(
    rules=st.lists(st.tuples(_kinds, st.integers(3, 9), st.sampled_from([1, 10, 60])), min_size=1, max_size=3),
    calls=st.lists(st.tuples(st.integers(0, 9 * SECOND) | st.integers(0, 1000), st.integers(1, 3)), max_size=60),
)
def test_a_call_made_when_the_refusal_says_is_admitted_and_one_just_before_is_not(rules, calls):
    limiter = Limiter(windows(*(Window(f"w{i}", n, s, kind=k) for i, (k, n, s) in enumerate(rules))))
    at = 0
    for gap, cost in calls:
        at += gap
        verdict = limiter.admit(ANN, cost, at)
        if verdict is not None:
            assert verdict.retry_after_us > 0
            assert limiter.admit(ANN, cost, at + verdict.retry_after_us - 1) is not None
            at += verdict.retry_after_us
            assert limiter.admit(ANN, cost, at) is None


@given(kind=_kinds, calls=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, SECOND)), max_size=40))
def test_what_one_tenant_uses_is_nothing_to_another(kind, calls):
    policy = windows(Window("w", 5, 10, kind=kind))
    shared, alone = Limiter(policy), Limiter(policy)
    at = 0
    for tenant, gap in calls:
        at += gap
        verdict = shared.admit(Principal(tenant, "x", "y"), 1, at)
        if tenant == "a":
            assert verdict == alone.admit(Principal(tenant, "x", "y"), 1, at)


@given(kind=_kinds, gaps=_gaps)
def test_used_is_what_a_quota_header_may_show(kind, gaps):
    limiter = Limiter(windows(Window("w", 4, 60, kind=kind)))
    for at in accumulate(gaps):
        before = limiter.used("w", ANN, at)
        assert 0 <= before <= 4
        if limiter.admit(ANN, 1, at) is None:
            assert limiter.used("w", ANN, at) == before + 1
        else:
            assert limiter.used("w", ANN, at) == before == 4


def test_a_name_that_is_no_window_is_named_in_the_error():
    with pytest.raises(ValueError, match=r"no window 'day' in plan 'test'"):
        Limiter(windows(Window("hour", 1, 3600))).used("day", ANN, 0)

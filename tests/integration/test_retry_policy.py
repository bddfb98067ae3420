"""When, and whether, a call that failed is tried again."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.integration.profile import AXES
from o2c_twin.integration.runtime.errors import RETRYABLE, CallFailed, Cause
from o2c_twin.integration.runtime.retry import NaiveRetry, NoRetry, RetryPolicy, policy_for

CAUSES = get_args(Cause)
attempts = st.integers(1, 10_000)
elapsed = st.floats(0, 10 * 86_400)
uniforms = st.floats(0, 1, exclude_min=True, exclude_max=True)
wishes = st.floats(0, 100_000)


def _failure(cause="unavailable", retry_after_s=0.0):
    return CallFailed("erp", "put_order", cause, "x", retry_after_s)


@given(st.sampled_from(sorted(RETRYABLE)), attempts, elapsed, uniforms, wishes)
def test_what_the_system_asks_for_is_a_floor_and_jitter_comes_on_top(cause, attempt, passed, uniform, wish):
    wait = RetryPolicy().wait_s(_failure(cause, wish), attempt, passed, uniform)
    if wait is not None:
        assert wait >= wish


@given(attempts, uniforms)
def test_full_jitter_lies_between_nothing_and_an_exponential_ceiling(attempt, uniform):
    policy = RetryPolicy(base_s=2.0, cap_s=900.0, deadline_s=float("inf"))
    wait = policy.wait_s(_failure(), attempt, 0.0, uniform)
    ceiling = min(900.0, 2.0 * 2.0 ** min(attempt - 1, 20))
    assert wait == pytest.approx(ceiling * uniform)
    assert 0 < wait < ceiling


def test_the_ceiling_doubles_with_each_attempt_up_to_the_cap():
    waits = [RetryPolicy().wait_s(_failure(), attempt, 0.0, 0.5) for attempt in range(1, 13)]
    assert waits[:4] == [1.0, 2.0, 4.0, 8.0]
    assert waits[9:] == [450.0, 450.0, 450.0]


@given(attempts, uniforms, wishes, st.floats(0, 1_000_000))
def test_nothing_is_tried_after_the_deadline(attempt, uniform, wish, passed):
    policy = RetryPolicy(deadline_s=10_000.0)
    wait = policy.wait_s(_failure(retry_after_s=wish), attempt, passed, uniform)
    if wait is None:
        assert passed + wish + 900.0 > policy.deadline_s
    else:
        assert passed + wait <= policy.deadline_s


def test_after_the_deadline_it_is_given_up_whatever_the_jitter():
    assert RetryPolicy(deadline_s=60.0).wait_s(_failure(), 1, 60.0, 1e-9) is None
    assert RetryPolicy(deadline_s=60.0).wait_s(_failure(retry_after_s=61.0), 1, 0.0, 1e-9) is None


@given(st.sampled_from(sorted(set(CAUSES) - RETRYABLE)), attempts, uniforms, wishes)
def test_what_cannot_succeed_later_is_never_tried_again(cause, attempt, uniform, wish):
    assert RetryPolicy().wait_s(_failure(cause, wish), attempt, 0.0, uniform) is None


def test_throttling_trouble_on_the_way_unknown_and_pending_outcomes_may_pass_and_nothing_else():
    assert {cause for cause in CAUSES if _failure(cause).retryable} == {
        "throttled",
        "unavailable",
        "unknown-outcome",
        "pending",
    }


@given(st.sampled_from(CAUSES), elapsed, uniforms, wishes)
def test_the_naive_script_tries_three_times_five_seconds_apart_whatever_went_wrong(cause, passed, uniform, wish):
    waits = [NaiveRetry().wait_s(_failure(cause, wish), attempt, passed, uniform) for attempt in (1, 2, 3)]
    assert waits == [5.0, 5.0, None]


@given(st.sampled_from(CAUSES), attempts, elapsed, uniforms)
def test_fire_and_forget_never_tries_again(cause, attempt, passed, uniform):
    assert NoRetry().wait_s(_failure(cause), attempt, passed, uniform) is None


def test_every_delivery_of_the_profile_has_its_policy():
    assert {value: type(policy_for(value)) for value in AXES["delivery"]} == {
        "fire-and-forget": NoRetry,
        "naive-retry": NaiveRetry,
        "effectively-once": RetryPolicy,
    }

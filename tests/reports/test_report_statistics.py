"""Golden D: percentiles, intervals and attribution; and their rules."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.reports import attribution, durations, intervals

LATENCIES = [10.0 * n for n in range(1, 21)]
BASELINE = [47.1, 46.3, 48.0, 45.9, 47.4]
DESIGN = [41.9, 41.4, 42.6, 40.8, 42.2]


def test_golden_d_percentiles_by_both_methods():
    per_mille = (500, 950, 990)
    assert [durations.percentile_linear(LATENCIES, p) for p in per_mille] == pytest.approx([105.0, 190.5, 198.1])
    assert [durations.percentile_nearest_rank(LATENCIES, p) for p in per_mille] == [100.0, 190.0, 200.0]


def test_golden_d_paired_difference_and_unpaired_on_the_same_data():
    paired = intervals.paired_difference(BASELINE, DESIGN)
    assert f"{paired.estimate:.2f} [{paired.low:.3f}, {paired.high:.3f}]" == "-5.16 [-5.386, -4.934]"
    assert f"{(paired.high - paired.low) / 2:.6f}" == "0.225559"
    unpaired = intervals.welch_difference(BASELINE, DESIGN)
    assert f"{(unpaired.high - unpaired.low) / 2:.6f}" == "1.138720"


@pytest.mark.parametrize(
    ("probability", "degrees", "expected"),
    [(0.975, 4, 2.776445), (0.975, 1, 12.706205), (0.95, 10, 1.812461), (0.995, 30, 2.749996), (0.5, 7, 0.0)],
)
def test_t_quantiles_match_the_tables(probability, degrees, expected):
    assert intervals.t_quantile(probability, degrees) == pytest.approx(expected, abs=1e-6)
    assert intervals.t_quantile(1 - probability, degrees) == pytest.approx(-expected, abs=1e-6)


def test_wilson_intervals_of_the_domain_sheet():
    few = intervals.wilson(11, 1_000)
    assert f"{few.low * 100:.2f}–{few.high * 100:.2f}" == "0.62–1.96"
    none = intervals.wilson(0, 500)
    assert none.low == 0 and f"{none.high * 100:.2f}" == "0.76"
    assert intervals.wilson(0, 0) is None


@pytest.mark.parametrize(("hits", "n"), [(-1, 5), (6, 5)])
def test_impossible_proportions_are_refused(hits, n):
    with pytest.raises(ValueError, match="0 <= hits <= n"):
        intervals.wilson(hits, n)


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_interval_holds_its_estimate_and_stays_a_proportion(hits, misses):
    found = intervals.wilson(hits, hits + misses)
    if hits + misses:
        assert 0 <= found.low <= found.estimate <= found.high <= 1


@pytest.mark.parametrize("call", [lambda: intervals.paired_difference([1.0], [1.0, 2.0]),
                                  lambda: intervals.mean_interval([1.0]),
                                  lambda: intervals.welch_difference([1.0], [1.0, 2.0]),
                                  lambda: intervals.t_quantile(1.0, 4)])  # fmt: skip
def test_intervals_refuse_what_they_cannot_bound(call):
    with pytest.raises(ValueError):
        call()


def test_identical_replications_have_an_interval_of_no_width():
    assert intervals.welch_difference([2.0, 2.0], [3.0, 3.0]) == intervals.Interval(1.0, 1.0, 1.0)


def curve(finished, unfinished=()):
    return durations.duration_curve(np.array(finished, dtype=float), np.array(unfinished, dtype=float))


@given(st.lists(st.integers(0, 50).map(float), min_size=1, max_size=60), st.integers(1, 1000))
def test_without_censoring_the_curve_gives_the_nearest_rank(values, per_mille):
    assert curve(values).quantile(per_mille) == durations.percentile_nearest_rank(values, per_mille)


def test_changes_that_never_arrive_push_the_tail_out_instead_of_vanishing():
    arrived = curve([1.0] * 98)
    with_stuck = curve([1.0] * 98, [500.0, 600.0])
    assert arrived.quantile(990) == 1.0
    assert with_stuck.quantile(950) == 1.0
    assert with_stuck.quantile(990) is None
    assert (with_stuck.n, with_stuck.censored) == (100, 2)


def test_a_change_watched_only_briefly_counts_for_as_long_as_it_was_watched():
    # Kaplan-Meier by hand: 1 of 4 done at 1; at 3 only two are still watched, one is done; then the last.
    found = curve([1.0, 3.0, 5.0], [2.0])
    assert list(found.done) == pytest.approx([1 / 4, 1 - 3 / 4 * 1 / 2, 1.0])


def test_at_equal_durations_a_finish_counts_before_a_censoring():
    assert list(curve([2.0], [2.0]).done) == [0.5]


def test_an_empty_curve_has_no_quantiles():
    assert curve([]).quantile(500) is None
    with pytest.raises(ValueError, match="at least one value"):
        durations.percentile_linear([], 500)


def test_golden_d_attribution_is_independent_of_the_switching_order():
    outcome = {frozenset(): 48, frozenset("A"): 45, frozenset("B"): 44, frozenset("AB"): 42}
    effects = attribution.shapley(("A", "B"), {chosen: Fraction(value) for chosen, value in outcome.items()})
    assert effects == {"A": Fraction(-5, 2), "B": Fraction(-7, 2)}
    assert sum(effects.values()) == 42 - 48


def test_attribution_names_the_combination_that_was_not_run():
    with pytest.raises(ValueError, match=r"\['A', 'B'\]"):
        attribution.shapley(("A", "B"), {frozenset(c): Fraction(1) for c in ("", "A", "B")})
    with pytest.raises(ValueError, match="at most 8"):
        attribution.shapley(tuple("ABCDEFGHI"), {})

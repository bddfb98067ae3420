"""Chance by key: what is drawn depends on the seed and the key, and on nothing else."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.twin.chance import Chance, beta_probability, beta_quantile

parts = st.one_of(st.text(max_size=8), st.integers())
keys = st.lists(parts, max_size=4).map(tuple)
seeds = st.integers(-(2**70), 2**70)


class System(StrEnum):
    ERP = "erp"


# -- the key --------------------------------------------------------------------------------------------------


def test_the_draws_of_a_seed_are_pinned() -> None:
    chance = Chance(42)
    assert chance.uniform("credit-check", "SO-000123", 2) == 0.39146748068052883
    assert chance.uniform("s") == 0.3101906778812823
    assert chance.sub("bank").uniform("s", "ü", -1) == 0.5548751285745469
    assert chance.integer(1, 100, "i", "a") == 85
    assert chance.shuffle("abcdef", "sh", "x") == ["d", "f", "c", "e", "a", "b"]


@given(seeds, st.text(max_size=8), keys, st.lists(keys, max_size=5))
def test_a_draw_depends_on_no_other_draw(seed: int, stream: str, key: Any, others: list[Any]) -> None:
    alone = Chance(seed).uniform(stream, *key)
    chance = Chance(seed)
    for other in others:
        chance.uniform(stream, *other)
        chance.uniform("another stream", *key)
    assert chance.uniform(stream, *key) == alone
    assert chance.uniform(stream, *key) == alone


@given(st.lists(st.tuples(st.text(max_size=3), keys), min_size=2, max_size=20, unique_by=repr))
def test_different_keys_draw_different_numbers(calls: list[tuple[str, Any]]) -> None:
    chance = Chance(7)
    draws = [chance.uniform(stream, *key) for stream, key in calls]
    assert len(set(draws)) == len(draws)


def test_the_parts_of_a_key_do_not_run_together() -> None:
    chance = Chance(1)
    draws = [
        chance.uniform("s", "a", "bc"),
        chance.uniform("s", "ab", "c"),
        chance.uniform("s", "abc"),
        chance.uniform("s", "a', 'bc"),
        chance.uniform("s", "a", "b", "c"),
        chance.uniform("s", 1),
        chance.uniform("s", "1"),
        chance.uniform("s"),
        chance.uniform("s", ""),
        chance.uniform("sa", "bc"),
        chance.uniform("sa"),
        chance.sub("s").uniform("a"),
        chance.sub("s").uniform("s"),
        chance.sub("sa").uniform("s"),
        chance.sub("s").sub("a").uniform("s"),
        chance.sub("a").sub("s").uniform("s"),
        Chance(2).uniform("s"),
        Chance(-1).uniform("s"),
    ]
    assert len(set(draws)) == len(draws)


def test_an_enum_member_draws_as_its_value_does() -> None:
    assert Chance(1).uniform("s", System.ERP, True) == Chance(1).uniform("s", "erp", 1)


@pytest.mark.parametrize("part", [1.5, None, ("a",), b"a", object()])
def test_a_key_of_anything_but_strings_and_whole_numbers_is_refused(part: Any) -> None:
    with pytest.raises(TypeError, match="strings and whole numbers"):
        Chance(1).uniform("s", "a", part)


# -- distributions --------------------------------------------------------------------------------------------


@given(seeds, keys, st.booleans())
def test_a_uniform_lies_strictly_between_0_and_1(seed: int, key: Any, antithetic: bool) -> None:
    assert 0.0 < Chance(seed, antithetic=antithetic).uniform("s", *key) < 1.0


def test_uniforms_fill_the_interval_evenly_and_streams_are_unrelated() -> None:
    chance = Chance(5)
    here = [chance.uniform("a", number) for number in range(20_000)]
    there = [chance.uniform("b", number) for number in range(20_000)]
    tenths = Counter(int(u * 10) for u in here)
    # Chi-squared with 9 degrees of freedom exceeds 27.9 once in a thousand seeds; this seed is fixed.
    assert sum((tenths[tenth] - 2_000) ** 2 / 2_000 for tenth in range(10)) < 27.9
    assert abs(statistics.correlation(here, there)) < 0.03


@given(seeds, keys)
def test_an_antithetic_draw_is_the_mirror_image(seed: int, key: Any) -> None:
    plain, mirrored = Chance(seed), Chance(seed, antithetic=True)
    assert plain.uniform("s", *key) + mirrored.uniform("s", *key) == 1.0
    assert plain.sub("x").uniform("s", *key) + mirrored.sub("x").uniform("s", *key) == 1.0
    assert math.isclose(plain.normal(0, 1, "s", *key), -mirrored.normal(0, 1, "s", *key), abs_tol=1e-9)


DRAWS: dict[str, tuple[Any, float, float]] = {  # the draw, and the probability below a known point
    "uniform": (lambda chance, key: chance.uniform("s", key), 0.3, 0.3),
    "exponential": (lambda chance, key: chance.exponential(5.0, "s", key), 5.0, 1 - math.exp(-1)),
    "lognormal, median": (lambda chance, key: chance.lognormal(30.0, 0.8, "s", key), 30.0, 0.5),
    "lognormal, one sigma": (lambda chance, key: chance.lognormal(30.0, 0.8, "s", key), 30 * math.exp(0.8), 0.8413),
    "normal": (lambda chance, key: chance.normal(10.0, 2.0, "s", key), 8.0, 0.1587),
    "weibull": (lambda chance, key: chance.weibull(4.0, 1.5, "s", key), 4.0, 1 - math.exp(-1)),
    "beta, uniform": (lambda chance, key: chance.beta(1.0, 1.0, "s", key), 0.3, 0.3),
    "beta, skewed": (lambda chance, key: chance.beta(1.0, 3.0, "s", key), 0.2, 1 - 0.8**3),
    "beta, arcsine": (lambda chance, key: chance.beta(0.5, 0.5, "s", key), 0.25, 1 / 3),
    "integer": (lambda chance, key: chance.integer(1, 6, "s", key), 2.5, 1 / 3),
}


@pytest.mark.parametrize(("draw", "point", "probability"), DRAWS.values(), ids=DRAWS.keys())
def test_draws_follow_their_distribution(draw: Any, point: float, probability: float) -> None:
    chance = Chance(99)
    below = sum(draw(chance, key) < point for key in range(4_000)) / 4_000
    assert abs(below - probability) < 4 * math.sqrt(probability * (1 - probability) / 4_000)


@pytest.mark.parametrize("draw", [draw for draw, _, _ in DRAWS.values()], ids=DRAWS.keys())
def test_every_draw_grows_with_the_one_uniform_behind_it(draw: Any) -> None:
    chance = Chance(3)
    by_uniform = sorted(range(300), key=lambda key: chance.uniform("s", key))
    values = [draw(chance, key) for key in by_uniform]
    assert values == sorted(values)


def test_no_spread_means_no_chance() -> None:
    assert Chance(3).normal(7.0, 0.0, "s") == 7.0
    assert Chance(3).lognormal(7.0, 0.0, "s") == 7.0


def test_a_weibull_of_shape_1_is_the_exponential() -> None:
    chance = Chance(3)
    assert chance.weibull(7.0, 1.0, "s", 1) == pytest.approx(chance.exponential(7.0, "s", 1))


@given(st.floats(0.3, 500), st.floats(0.3, 500), st.floats(1e-6, 1 - 1e-6))
def test_the_beta_quantile_inverts_the_beta_probability(alpha: float, beta: float, probability: float) -> None:
    x = beta_quantile(probability, alpha, beta)
    assert 0 <= x <= 1
    if x < 1 - 1e-6:  # nearer to 1 the steps between floating-point numbers show
        assert beta_probability(x, alpha, beta) == pytest.approx(probability, abs=1e-8)


@pytest.mark.parametrize(
    ("x", "alpha", "beta", "probability"),
    [
        (0.5, 2, 3, 11 / 16),  # whole parameters: a binomial sum
        (0.2, 5, 1, 0.2**5),
        (0.75, 0.5, 0.5, 2 / 3),  # arcsine law
        (0.0, 2, 3, 0.0),
        (1.0, 2, 3, 1.0),
        (0.5, 4000, 4000, 0.5),
    ],
)
def test_the_beta_probability_has_its_known_values(x: float, alpha: float, beta: float, probability: float) -> None:
    assert beta_probability(x, alpha, beta) == pytest.approx(probability, abs=1e-10)


@given(st.integers(-(10**6), 10**6), st.integers(0, 10**6), keys)
def test_an_integer_lies_between_its_bounds(low: int, width: int, key: Any) -> None:
    assert low <= Chance(1).integer(low, low + width, "s", *key) <= low + width


def test_both_bounds_of_an_integer_are_drawn() -> None:
    assert {Chance(1).integer(1, 3, "s", key) for key in range(100)} == {1, 2, 3}


def test_picks_follow_the_weights_and_never_take_a_weight_of_nothing() -> None:
    chance = Chance(8)
    weighted = [("never", 0), ("often", 3.0), ("seldom", 1), ("never either", 0.0)]
    picked = Counter(chance.pick(weighted, "s", key) for key in range(8_000))
    assert set(picked) == {"often", "seldom"}
    assert abs(picked["seldom"] - 2_000) < 160


@given(st.lists(st.tuples(st.integers(), st.floats(0, 1e300)), max_size=6), keys)
def test_a_pick_is_one_of_the_items_with_weight(weighted: list[tuple[int, float]], key: Any) -> None:
    if sum(weight for _, weight in weighted) == 0:
        with pytest.raises(ValueError, match="nothing to pick"):
            Chance(1).pick(weighted, "s", *key)
    else:
        assert Chance(1).pick(weighted, "s", *key) in [item for item, weight in weighted if weight > 0]


@given(st.lists(st.integers(), max_size=12), keys)
def test_a_shuffle_keeps_the_items_and_leaves_the_list_alone(items: list[int], key: Any) -> None:
    before = list(items)
    assert Counter(Chance(1).shuffle(items, "s", *key)) == Counter(items)
    assert items == before


def test_every_order_of_a_shuffle_is_about_as_likely() -> None:
    orders = Counter(tuple(Chance(1).shuffle("abc", "s", key)) for key in range(3_000))
    assert set(orders) == set(itertools.permutations("abc"))
    assert all(abs(count - 500) < 90 for count in orders.values())


@pytest.mark.parametrize(
    "draw",
    [
        lambda chance: chance.integer(2, 1, "s"),
        lambda chance: chance.pick([], "s"),
        lambda chance: chance.pick([("a", -1)], "s"),
        lambda chance: chance.pick([("a", math.inf)], "s"),
        lambda chance: chance.exponential(0, "s"),
        lambda chance: chance.lognormal(-1, 1, "s"),
        lambda chance: chance.lognormal(1, -1, "s"),
        lambda chance: chance.normal(0, -1, "s"),
        lambda chance: chance.weibull(1, 0, "s"),
        lambda chance: chance.weibull(math.nan, 1, "s"),
        lambda chance: chance.beta(0, 1, "s"),
    ],
)
def test_impossible_parameters_are_refused(draw: Any) -> None:
    with pytest.raises(ValueError):
        draw(Chance(1))

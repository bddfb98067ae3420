"""Seeded draws: they land on the exact answer, repeat, and keep what is declared."""

from decimal import Decimal
from statistics import correlation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.reports.roi import Pert, RoiError, Triangular, simulate
from o2c_twin.reports.roi.monte_carlo import spread
from o2c_twin.reports.roi.sensitivity import npv_at

D = Decimal
DAYS = Triangular(D(3), D(7), D(9))


def ranks(values):
    place = {value: rank for rank, value in enumerate(sorted(values))}
    return [place[value] for value in values]


@pytest.fixture(scope="module")
def many(golden_c_build, golden_c_drivers):
    return simulate(golden_c_build, golden_c_drivers, {"dso_days_gained": DAYS}, seed=2026, draws=200_000)


def test_with_days_alone_uncertain_the_npv_is_a_straight_line(golden_c_build, golden_c_drivers):
    at_zero = npv_at(golden_c_build, golden_c_drivers, dso_days_gained=D(0))
    slope = npv_at(golden_c_build, golden_c_drivers, dso_days_gained=D(1)) - at_zero
    assert (round(at_zero, 2), round(slope, 2)) == (D("-187188.20"), D("39861.66"))


@pytest.mark.parametrize(("share", "days"), [("0.1", "4.549193"), ("0.5", "6.464102"), ("0.9", "7.904555")])
def test_the_triangle_has_its_exact_quantiles(share, days):
    assert round(DAYS.quantile(D(share)), 6) == D(days)


@pytest.mark.parametrize(
    ("figure", "exact"), [("mean", "65268.98"), ("p10", "-5849.80"), ("p50", "70481.62"), ("p90", "127900.48")]
)
def test_200_000_draws_land_within_three_standard_errors_of_the_exact_npv(many, figure, exact):
    error = getattr(many.npv, f"{figure}_error")
    assert abs(getattr(many.npv, figure) - D(exact)) < 3 * error
    assert 0 < error < 400  # an error bar that says nothing would pass anything


def test_200_000_draws_land_within_three_standard_errors_of_the_exact_chance_of_a_loss(many):
    assert abs(many.probability_npv_negative - D("0.11984")) < 3 * many.probability_error
    assert 0 < many.probability_error < D("0.001")


def test_200_000_draws_land_within_three_standard_errors_of_the_released_cash(many):
    assert abs(many.cash_released.p50 - D("2125184.09")) < 3 * many.cash_released.p50_error
    assert many.cash_released.p50_error < 5000


def test_the_outcome_says_what_was_drawn(many):
    assert (many.draws, many.seed, many.replications) == (200_000, 2026, 0)
    assert many.drivers == {"dso_days_gained": DAYS}
    assert many.rank_correlation == {}


def test_the_same_seed_gives_the_same_figures_and_another_seed_others(golden_c_build, golden_c_drivers):
    def run(seed):
        return simulate(golden_c_build, golden_c_drivers, {"dso_days_gained": DAYS}, seed=seed, draws=50)

    assert run(1) == run(1)
    assert run(1).npv != run(2).npv


def test_one_more_uncertain_driver_does_not_change_what_the_others_draw(golden_c_build, golden_c_drivers):
    def released(uncertain):
        return simulate(golden_c_build, golden_c_drivers, uncertain, seed=5, draws=200).cash_released

    more = {"wacc": Triangular(D("0.07"), D("0.09"), D("0.12")), "dso_days_gained": DAYS}
    assert released({"dso_days_gained": DAYS}) == released(more)


def test_without_uncertain_drivers_every_draw_is_the_base_case(golden_c_build, golden_c_drivers):
    outcome = simulate(golden_c_build, golden_c_drivers, {}, seed=1, draws=5)
    assert outcome.npv.p10 == outcome.npv.p90 == npv_at(golden_c_build, golden_c_drivers)
    assert outcome.npv.mean_error == 0


def test_measured_replications_are_drawn_whole(golden_c_build, golden_c_drivers):
    runs = [
        {"dso_days_gained": D(2), "error_rate_after": D("0.030")},
        {"dso_days_gained": D(8), "error_rate_after": D("0.010")},
    ]
    outcome = simulate(golden_c_build, golden_c_drivers, {}, seed=1, draws=400, replications=runs)
    possible = {npv_at(golden_c_build, golden_c_drivers, **run) for run in runs}
    assert {outcome.npv.percentiles[0], outcome.npv.percentiles[100]} == possible
    assert set(outcome.npv.percentiles[:25] + outcome.npv.percentiles[75:]) == possible
    assert outcome.replications == 2


@pytest.mark.parametrize("rho", [0.7, -0.6])
def test_a_declared_rank_correlation_is_kept_and_leaves_each_driver_its_own_distribution(
    golden_c_build, golden_c_drivers, rho
):
    seen: list[tuple[Decimal, Decimal]] = []

    def build(drivers):
        seen.append((drivers["dso_days_gained"], drivers["realisation"]))
        return golden_c_build(drivers)

    uncertain = {"dso_days_gained": DAYS, "realisation": Triangular(D("0.25"), D("0.5"), D("0.75"))}
    simulate(build, golden_c_drivers, uncertain, seed=3, draws=4000)
    independent = list(seen)
    # Undeclared pairs are independent: 4,000 draws leave a correlation of about 0.016 by chance.
    assert abs(correlation(ranks([a for a, _ in seen]), ranks([b for _, b in seen]))) < 0.06
    seen.clear()
    pair = {("realisation", "dso_days_gained"): rho}
    simulate(build, golden_c_drivers, uncertain, seed=3, draws=4000, rank_correlation=pair)
    # The estimate of a rank correlation from 4,000 pairs has a standard error of about 0.01.
    assert correlation(ranks([a for a, _ in seen]), ranks([b for _, b in seen])) == pytest.approx(rho, abs=0.04)
    for n in (0, 1):
        assert sorted(pair[n] for pair in seen) == sorted(pair[n] for pair in independent)


@given(st.decimals(min_value=0, max_value=1, places=6), st.lists(st.integers(-50, 50), min_size=3, max_size=3))
def test_a_triangle_stays_within_its_limits_and_inverts_its_area(share, limits):
    low, mode, high = (D(v) for v in sorted(limits))
    value = Triangular(low, mode, high).quantile(share)
    assert low <= value <= high
    if low == high:
        return
    if value <= mode and mode > low:
        area = (value - low) ** 2 / ((high - low) * (mode - low))
    else:
        area = 1 - (high - value) ** 2 / ((high - low) * (high - mode)) if high > mode else D(1)
    assert abs(area - share) < D("1e-12")


def test_a_pert_draw_has_the_mean_of_its_formula(golden_c_build, golden_c_drivers):
    outcome = simulate(golden_c_build, golden_c_drivers, {"dso_days_gained": Pert(D(3), D(7), D(9))}, seed=9)
    mean_days = (D(3) + 4 * D(7) + D(9)) / 6
    exact = mean_days * D("120000000") / 365
    assert abs(outcome.cash_released.mean - exact) < 3 * outcome.cash_released.mean_error
    assert outcome.cash_released.percentiles[0] >= 3 * D("120000000") / 365


def test_percentiles_are_interpolated_linearly_between_ordered_values():
    ten_to_200 = [D(10 * n) for n in range(20, 0, -1)]
    summary = spread(ten_to_200)
    assert (summary.p50, summary.percentiles[95], summary.percentiles[99]) == (D(105), D("190.5"), D("198.1"))
    assert summary.mean == D(105)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"uncertain": {"wac": DAYS}}, "no driver 'wac'; the case has"),
        ({"replications": [{"dso": D(1)}]}, "no driver 'dso'"),
        ({"draws": 1}, "1 draws have no spread"),
        ({"rank_correlation": {("wacc", "dso_days_gained"): 0.5}}, "'wacc', which is not drawn"),
        (
            {
                "uncertain": {"wacc": DAYS, "dso_days_gained": DAYS},
                "rank_correlation": {("wacc", "dso_days_gained"): 1.0},
            },
            "give a number between -1 and 1",
        ),
        (
            {
                "uncertain": {"wacc": DAYS, "dso_days_gained": DAYS, "realisation": DAYS},
                "rank_correlation": {
                    ("wacc", "dso_days_gained"): 0.9,
                    ("wacc", "realisation"): 0.9,
                    ("realisation", "dso_days_gained"): -0.9,
                },
            },
            "contradict",
        ),
    ],
)
def test_draws_that_cannot_be_made_are_refused_with_a_remedy(golden_c_build, golden_c_drivers, options, message):
    options = {"uncertain": {"dso_days_gained": DAYS}, "seed": 1, "draws": 10, **options}
    with pytest.raises(RoiError, match=message):
        simulate(golden_c_build, golden_c_drivers, **options)


def test_limits_out_of_order_are_refused():
    with pytest.raises(RoiError, match="not in order"):
        Triangular(D(3), D(2), D(9))
    with pytest.raises(RoiError, match="not in order"):
        Pert(D(3), D(10), D(9))

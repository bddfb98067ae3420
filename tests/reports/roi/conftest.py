"""The worked example that every ROI figure is checked against: golden example C of the domain sheet."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType

import pytest

from o2c_twin.reports.roi import BusinessCase, CashReleased, Cost, FinancingValue, HoursSaved, RateReduced

D = Decimal

GOLDEN_C_DRIVERS = MappingProxyType(
    {
        "realisation": D("0.50"),
        "implementation": D("420000.00"),
        "run_cost": D("210000.00"),
        "dso_days_gained": D("7"),
        "leakage_after": D("0.0012"),
        "error_rate_after": D("0.011"),
        "wacc": D("0.09"),
    }
)


def build_golden_c(drivers: Mapping[str, Decimal]) -> BusinessCase:
    """Golden C from its drivers; everything else as printed in section 2.4."""
    revenue = D("120000000.00")
    realised = drivers["realisation"]
    return BusinessCase(
        currency="EUR",
        benefits=(
            HoursSaved("order entry time", D(90_000) * D("6.5") / 60, D("42.00"), realised, D("0.15")),
            RateReduced(
                "billing error rework", D(96_000), D("0.032"), drivers["error_rate_after"], D("0.10"), D("48.00")
            ),
            HoursSaved(
                "cash application time", D(72_000) * (D("0.88") - D("0.55")) * 7 / 60, D("38.00"), realised, D("0.15")
            ),
            RateReduced("leakage recovered", revenue, D("0.0020"), drivers["leakage_after"], D("0.30")),
            RateReduced("bad debt", revenue, D("0.0035"), D("0.0032"), D("0.20")),
        ),
        costs=(
            Cost("implementation", drivers["implementation"], D("0.10"), year=0),
            Cost("run", drivers["run_cost"], D("0.05")),
        ),
        ramp=(D("0.5"), D(1), D(1)),
        discount_rate=drivers["wacc"],
        borrowing_rate=D("0.065"),
        start=date(2026, 1, 1),
        cash=CashReleased(D(48), D(48) - drivers["dso_days_gained"], revenue),
        financing=FinancingValue(D("0.065"), D("0.10")),
    )


@pytest.fixture(scope="session")
def golden_c_drivers() -> Mapping[str, Decimal]:
    return GOLDEN_C_DRIVERS


@pytest.fixture(scope="session")
def golden_c_build() -> Callable[[Mapping[str, Decimal]], BusinessCase]:
    return build_golden_c


@pytest.fixture(scope="session")
def golden_c() -> BusinessCase:
    return build_golden_c(GOLDEN_C_DRIVERS)

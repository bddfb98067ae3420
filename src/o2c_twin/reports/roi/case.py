"""The business case: what a change is worth a year, what it costs, how fast and how surely.

Amounts are `Decimal` in the case's one currency, rates and shares are shares (15 % is ``0.15``),
years count from the decision (year 0). Cash released by a lower DSO is a one-off movement of the
balance sheet and never a benefit: it is shown as a memo and enters the figures either through its
yearly financing value or as a dated inflow. A case with both is refused.
Method: order-to-cash domain sheet, section 2.1.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from o2c_twin.reports.roi.cash_flow import RoiError

_DAYS_IN_YEAR = 365
_RELEASED_CASH = "released cash"


class DoubleCount(RoiError):
    """The same money is claimed by two lines of the case."""


def _share(name: str, value: Decimal, most: Decimal = Decimal(1)) -> None:
    if not 0 <= value <= most:
        raise RoiError(f"{name} is {value}; give a share from 0 to {most} (15 % is 0.15)")


@dataclass(frozen=True, slots=True)
class HoursSaved:
    """Working time a year that is no longer needed.

    ``hours`` a year × ``loaded_rate`` an hour × ``realisation``, the share that leaves the budget or
    goes to named other work. ``hard`` only when a post, overtime, a contractor or a planned hire goes
    away. Negative hours are extra work and count in full: it has to be paid whatever is realised.
    ``claims`` names the money claimed; two lines may not claim the same (default: the name).
    """

    name: str
    hours: Decimal
    loaded_rate: Decimal
    realisation: Decimal
    risk_cut: Decimal
    hard: bool = False
    claims: str = ""

    def __post_init__(self) -> None:
        _share(f"{self.name}: realisation", self.realisation)
        _share(f"{self.name}: risk cut", self.risk_cut)

    @property
    def annual(self) -> Decimal:
        return self.hours * self.loaded_rate * (self.realisation if self.hours > 0 else 1)

    @property
    def capacity_not_realised(self) -> Decimal:
        """Worth of the hours saved that stay in the budget: shown, never counted."""
        return self.hours * self.loaded_rate - self.annual


@dataclass(frozen=True, slots=True)
class RateReduced:
    """Errors, leakage or bad debt that no longer happen: ``base`` × (``before`` − ``after``) × ``value_each``.

    ``base`` is a year's documents, or a year's revenue with ``value_each`` 1. ``claims`` as in `HoursSaved`.
    """

    name: str
    base: Decimal
    before: Decimal
    after: Decimal
    risk_cut: Decimal
    value_each: Decimal = Decimal(1)
    hard: bool = True
    claims: str = ""

    def __post_init__(self) -> None:
        _share(f"{self.name}: risk cut", self.risk_cut)

    @property
    def annual(self) -> Decimal:
        return self.base * (self.before - self.after) * self.value_each


@dataclass(frozen=True, slots=True)
class CashReleased:
    """Receivables turned into cash once: DSO difference in days × a year's credit revenue ÷ 365.

    Both figures are of the same DSO variant, named in ``basis``. Negative when DSO rises.
    """

    dso_before: Decimal
    dso_after: Decimal
    annual_credit_revenue: Decimal
    basis: str = "dso.ledger"

    @property
    def amount(self) -> Decimal:
        return (self.dso_before - self.dso_after) * self.annual_credit_revenue / _DAYS_IN_YEAR


@dataclass(frozen=True, slots=True)
class FinancingValue:
    """Released cash counted as a yearly benefit: amount × ``rate``.

    ``rate`` is the marginal borrowing rate where debt is repaid, otherwise the cost of capital.
    """

    rate: Decimal
    risk_cut: Decimal

    def __post_init__(self) -> None:
        _share("financing on released cash: risk cut", self.risk_cut)


@dataclass(frozen=True, slots=True)
class CashInflow:
    """Released cash counted when it arrives: ``shares`` of it at the end of years 1, 2, ...

    ``reversed_in_year`` takes what had arrived back out; without it the release is assumed to last
    beyond the horizon, which flatters the case and should be said.
    """

    shares: tuple[Decimal, ...]
    reversed_in_year: int | None
    risk_cut: Decimal

    def __post_init__(self) -> None:
        for share in self.shares:
            _share("released cash: share of a year", share)
        _share("released cash: sum of the yearly shares", sum(self.shares, Decimal(0)))
        _share("released cash: risk cut", self.risk_cut)


@dataclass(frozen=True, slots=True)
class Cost:
    """What the change costs: ``amount`` in ``year``, or in each year from 1 on when ``year`` is None."""

    name: str
    amount: Decimal
    risk_raise: Decimal
    year: int | None = None

    def __post_init__(self) -> None:
        if self.amount < 0:
            raise RoiError(f"{self.name}: cost is {self.amount}; costs are positive amounts, savings are benefits")
        _share(f"{self.name}: risk raise", self.risk_raise, most=Decimal(10))

    @property
    def adjusted(self) -> Decimal:
        return self.amount * (1 + self.risk_raise)


Benefit = HoursSaved | RateReduced


@dataclass(frozen=True, slots=True)
class BusinessCase:
    """All that the appraisal needs, before tax.

    ``ramp`` is the share of the benefits reached in each year and sets the horizon; yearly costs run in
    full from year 1. ``borrowing_rate`` finances outflows in the modified rate of return.
    Raises `DoubleCount` when two lines claim the same money, `RoiError` on figures out of range.
    """

    currency: str
    benefits: tuple[Benefit, ...]
    costs: tuple[Cost, ...]
    ramp: tuple[Decimal, ...]
    discount_rate: Decimal
    borrowing_rate: Decimal
    start: date
    cash: CashReleased | None = None
    financing: FinancingValue | None = None
    inflow: CashInflow | None = None

    def __post_init__(self) -> None:
        if not self.ramp:
            raise RoiError("the ramp is empty; give the share of the benefits reached in each year, e.g. 0.5, 1, 1")
        for year, share in enumerate(self.ramp, 1):
            _share(f"ramp of year {year}", share)
        self._check_double_counts()
        if self.cash is None and (self.financing or self.inflow):
            raise RoiError("released cash is valued but not given; add the DSO before and after and the revenue")
        if self.inflow is not None:
            self._check_inflow(self.inflow)
        for cost in self.costs:
            if cost.year is not None and not 0 <= cost.year <= self.years:
                raise RoiError(f"{cost.name}: year {cost.year} lies outside the horizon of {self.years} years")

    def _check_double_counts(self) -> None:
        if self.financing is not None and self.inflow is not None:
            raise DoubleCount(
                "released cash is counted twice, as a yearly financing benefit and as an inflow; keep one of them"
            )
        claimed: dict[str, str] = {}
        if self.financing is not None or self.inflow is not None:
            claimed[_RELEASED_CASH] = "the valuation of released cash"
        for benefit in self.benefits:
            claim = benefit.claims or benefit.name
            if claim in claimed:
                raise DoubleCount(f"{claim!r} is claimed by {claimed[claim]} and by {benefit.name!r}; keep one of them")
            claimed[claim] = repr(benefit.name)

    def _check_inflow(self, inflow: CashInflow) -> None:
        if len(inflow.shares) > self.years:
            raise RoiError(
                f"released cash arrives over {len(inflow.shares)} years but the horizon is {self.years}; "
                "shorten the schedule or lengthen the ramp"
            )
        back = inflow.reversed_in_year
        if back is not None and not len(inflow.shares) <= back <= self.years:
            raise RoiError(
                f"released cash is reversed in year {back}; choose a year from {len(inflow.shares)} to {self.years}"
            )

    @property
    def years(self) -> int:
        """The horizon in years."""
        return len(self.ramp)

    @property
    def cash_released(self) -> Decimal:
        """The memo: one-off cash from the balance sheet, not profit."""
        return Decimal(0) if self.cash is None else self.cash.amount


def without_risk(case: BusinessCase) -> BusinessCase:
    """The case with no benefit cut and no cost raised."""
    none = Decimal(0)
    return replace(
        case,
        benefits=tuple(replace(b, risk_cut=none) for b in case.benefits),
        costs=tuple(replace(c, risk_raise=none) for c in case.costs),
        financing=case.financing and replace(case.financing, risk_cut=none),
        inflow=case.inflow and replace(case.inflow, risk_cut=none),
    )

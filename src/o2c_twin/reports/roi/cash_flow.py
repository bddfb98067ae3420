"""Arithmetic of dated money: present values, rates of return, paybacks.

Cash flows are `Decimal` amounts of one currency, index 0 paid today, index *t* at the end of year *t*.
Rates are shares a year (``Decimal("0.09")`` is 9 %). Nothing is rounded here.
Conventions: order-to-cash domain sheet, section 2.1.
"""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Literal

NoSingleRate = Literal["none", "several"]

_ZERO = Decimal(0)
_ONE = Decimal(1)
_HALF_YEAR = Decimal("0.5")
_DAYS_IN_YEAR = Decimal(365)
# Far below a hundredth of a basis point, well above the 28 digits Decimal works with.
_RATE_TOLERANCE = Decimal("1e-18")


class RoiError(ValueError):
    """Money figures that cannot be appraised as given; the message says what to change."""


def npv(rate: Decimal, flows: Sequence[Decimal]) -> Decimal:
    """Net present value: CF0 undiscounted + Σ CF_t ÷ (1 + rate)^t, year-end flows."""
    return _discounted(rate, [(Decimal(t), flow) for t, flow in enumerate(flows)])


def npv_mid_year(rate: Decimal, flows: Sequence[Decimal]) -> Decimal:
    """Net present value with each year's flow in the middle of its year; CF0 undiscounted."""
    return _discounted(rate, [(t - _HALF_YEAR if t else _ZERO, flow) for t, flow in enumerate(flows)])


def xnpv(rate: Decimal, flows: Sequence[Decimal], dates: Sequence[date]) -> Decimal:
    """Net present value at the first date, by actual days ÷ 365. Raises `RoiError` on unequal lengths."""
    return _discounted(rate, _dated(flows, dates))


def irr(flows: Sequence[Decimal]) -> Decimal | NoSingleRate:
    """Internal rate of return: the rate at which `npv` is zero.

    "none" when the flows never change sign, "several" when they do more than once: then more than
    one rate may fit and none of them is a return.
    """
    return _rate_of_return([(Decimal(t), flow) for t, flow in enumerate(flows)])


def xirr(flows: Sequence[Decimal], dates: Sequence[date]) -> Decimal | NoSingleRate:
    """The rate at which `xnpv` is zero; "none" and "several" as in `irr`."""
    return _rate_of_return(_dated(flows, dates))


def mirr(flows: Sequence[Decimal], finance_rate: Decimal, reinvest_rate: Decimal) -> Decimal | NoSingleRate:
    """Modified internal rate of return: outflows financed at one rate, inflows reinvested at another.

    "none" without both an outflow and an inflow.
    """
    years = len(flows) - 1
    outflows = npv(finance_rate, [min(flow, _ZERO) for flow in flows])
    inflows = npv(reinvest_rate, [max(flow, _ZERO) for flow in flows]) * (1 + reinvest_rate) ** max(years, 0)
    if years < 1 or outflows == 0 or inflows == 0:
        return "none"
    return (inflows / -outflows) ** (_ONE / years) - 1


def payback(flows: Sequence[Decimal]) -> Decimal | None:
    """Years until the cumulative undiscounted flow first reaches zero, interpolated within the year.

    None when it never does.
    """
    cumulative = _ZERO
    for year, flow in enumerate(flows):
        before, cumulative = cumulative, cumulative + flow
        if cumulative >= 0:
            return Decimal(year - 1) - before / flow if year else _ZERO
    return None


def discounted_payback(rate: Decimal, flows: Sequence[Decimal]) -> Decimal | None:
    """`payback` of the flows discounted to today."""
    return payback([flow / (1 + rate) ** year for year, flow in enumerate(flows)])


def check_quoted_npv(quoted: Decimal, rate: Decimal, flows: Sequence[Decimal]) -> None:
    """Refuse a net present value from a spreadsheet that does not follow from its own flows.

    ``quoted`` must equal `npv` to the cent. Raises `RoiError`, and says so where it comes from the
    spreadsheet function NPV() applied to CF0 too, which discounts its first argument by a year.
    """
    cent = Decimal("0.005")
    right = npv(rate, flows)
    if abs(quoted - right) <= cent:
        return
    if abs(quoted - right / (1 + rate)) <= cent:
        raise RoiError(
            f"NPV {quoted} discounts today's flow by a year; use CF0 + NPV(rate, CF1, ...), which gives {right:.2f}"
        )
    raise RoiError(f"NPV {quoted} does not follow from the flows at rate {rate}; they give {right:.2f}")


def anniversaries(start: date, years: int) -> tuple[date, ...]:
    """``start`` and the same day of the following ``years`` years; 29 February falls back to the 28th."""
    return tuple(_in_year(start, start.year + n) for n in range(years + 1))


def _in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def _discounted(rate: Decimal, timed: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    if rate <= -1:
        raise RoiError(f"discount rate {rate} is not above -100 %; rates are shares a year, 9 % is 0.09")
    return sum((flow / (1 + rate) ** years for years, flow in timed), _ZERO)


def _dated(flows: Sequence[Decimal], dates: Sequence[date]) -> list[tuple[Decimal, Decimal]]:
    if len(flows) != len(dates):
        raise RoiError(f"{len(flows)} cash flows but {len(dates)} dates; give one date for each flow")
    if list(dates) != sorted(dates):
        raise RoiError("the dates of the cash flows are not in order; sort flows and dates by date")
    return [((day - dates[0]).days / _DAYS_IN_YEAR, flow) for day, flow in zip(dates, flows, strict=True)]


def _rate_of_return(timed: Sequence[tuple[Decimal, Decimal]]) -> Decimal | NoSingleRate:
    signs = [flow > 0 for _, flow in timed if flow]
    changes = sum(a != b for a, b in pairwise(signs))
    if changes != 1:
        return "several" if changes else "none"

    # With one change of sign, the value as a function of x = 1 / (1 + rate) crosses zero exactly once
    # (Descartes' rule, which holds for fractional powers too).
    def value(x: Decimal) -> Decimal:
        return sum((flow * x**years for years, flow in timed if flow), _ZERO)

    early_sign = signs[0]
    low = high = _ONE
    while (value(high) > 0) == early_sign and value(high) != 0:
        high *= 2
    while (value(low) > 0) != early_sign and value(low) != 0:
        low /= 2
    return 1 / bisect(value, low, high) - 1


def bisect(function: Callable[[Decimal], Decimal], low: Decimal, high: Decimal) -> Decimal:
    """A zero of a continuous ``function`` between ``low`` and ``high``, at which its signs differ."""
    at_low = function(low)
    if at_low == 0:
        return low
    if function(high) == 0:
        return high
    while high - low > _RATE_TOLERANCE * max(_ONE, abs(low)):
        middle = (low + high) / 2
        at_middle = function(middle)
        if at_middle == 0:
            return middle
        if (at_middle > 0) == (at_low > 0):
            low = middle
        else:
            high = middle
    return low

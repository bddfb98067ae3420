"""What has to be believed: each driver's swing of the net present value, and where it breaks even.

A driver is a named number from which a case is built. Drivers move one at a time while the others
keep their base value. Domain sheet 2.1, tornado.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from o2c_twin.reports.roi.appraisal import net_present_value
from o2c_twin.reports.roi.case import BusinessCase
from o2c_twin.reports.roi.cash_flow import RoiError, bisect

Drivers = Mapping[str, Decimal]
CaseBuilder = Callable[[Drivers], BusinessCase]

_WIDEST = 10


@dataclass(frozen=True, slots=True)
class Range:
    """Where a driver may lie: ``low`` to ``high`` for the tornado, ``least`` to ``most`` at the very extreme.

    Break-evens are sought between the extremes; without ``most``, up to ten times the largest value given.
    """

    low: Decimal
    high: Decimal
    least: Decimal = Decimal(0)
    most: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TornadoBar:
    """One driver: NPV at its worse and its better end, and the value at which NPV is zero.

    ``break_even`` is None when no value within the driver's extremes brings NPV to zero.
    """

    driver: str
    base: Decimal
    worse: Decimal
    better: Decimal
    npv_low: Decimal
    npv_high: Decimal
    break_even: Decimal | None

    @property
    def swing(self) -> Decimal:
        return self.npv_high - self.npv_low


def npv_at(build: CaseBuilder, drivers: Drivers, **changed: Decimal) -> Decimal:
    """NPV with some drivers changed. Raises `RoiError` for a driver the case does not have."""
    unknown = sorted(changed.keys() - drivers.keys())
    if unknown:
        raise RoiError(f"no driver {unknown[0]!r}; the case has {', '.join(sorted(drivers))}")
    return net_present_value(build({**drivers, **changed}))


def tornado(build: CaseBuilder, drivers: Drivers, ranges: Mapping[str, Range]) -> tuple[TornadoBar, ...]:
    """Every driver in ``ranges`` between its own ends, the widest swing first."""
    bars = []
    for name, span in ranges.items():
        ends = sorted((npv_at(build, drivers, **{name: value}), value) for value in (span.low, span.high))
        bars.append(
            TornadoBar(
                driver=name,
                base=drivers[name],
                worse=ends[0][1],
                better=ends[1][1],
                npv_low=ends[0][0],
                npv_high=ends[1][0],
                break_even=break_even(build, drivers, name, span),
            )
        )
    return tuple(sorted(bars, key=lambda bar: (-bar.swing, bar.driver)))


def break_even(build: CaseBuilder, drivers: Drivers, name: str, span: Range) -> Decimal | None:
    """The value of one driver at which NPV is zero, the others at base; None without one in its extremes."""
    most = span.most if span.most is not None else _WIDEST * max(span.high, drivers[name], Decimal(1))

    def value(driver: Decimal) -> Decimal:
        return npv_at(build, drivers, **{name: driver})

    at_least, at_most = value(span.least), value(most)
    if at_least == at_most or (at_least > 0) == (at_most > 0):
        return None
    return bisect(value, span.least, most)

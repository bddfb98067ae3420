"""How figures are written for people: rounding, units and signs happen here and nowhere else."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from o2c_twin.reports.kpis.compare import Comparison
from o2c_twin.reports.kpis.model import Kpi, Unit

NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
# Seconds, minutes, hours and days with the largest figure that still reads well in the smaller unit.
_STEPS = (("s", 1.0, 120.0), ("min", 60.0, 7_200.0), ("h", 3_600.0, 172_800.0), ("d", 86_400.0, float("inf")))
_IN_SECONDS = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0}
_SHORT = {"days": "d", "hours": "h", "minutes": "min"}


@dataclass(frozen=True, slots=True)
class Scale:
    """What the decimals and the unit of time follow: the ``size`` of the larger of two values, and their
    ``difference``, of which two digits must stay visible. Both in the KPI's unit."""

    size: float
    difference: float = 0.0

    def times(self, factor: float) -> "Scale":
        return Scale(self.size * factor, self.difference * factor)


def written(
    value: Decimal | float | int | None, unit: Unit, currency: str | None = None, scale: Scale | None = None
) -> str:
    """A value with its unit, as ``42.1 d``, ``1,234.50 EUR`` or ``3.59 %``; an en dash when there is none.

    ``scale`` chooses the decimals where the value stands beside another; without it the value's own size.
    """
    if value is None:
        return NOTHING
    if unit == "money":
        return f"{_signed_minus(f'{Decimal(value):,}')} {currency or ''}".rstrip()
    if unit == "count":
        return _signed_minus(f"{value:,}")
    number = float(value)
    scale = scale or Scale(abs(number))
    if unit == "share":
        return f"{_rounded(number * 100, scale.times(100))} %"
    if unit == "ratio":
        return _rounded(number, scale)
    return _duration(number, scale, unit)


def written_sides(comparison: Comparison) -> tuple[str, str]:
    """Both values of a comparison, in decimals that show their difference."""
    scale, kpi = _scale(comparison), comparison.kpi
    first, second = (None if side is None else side.value for side in (comparison.first, comparison.second))

    def side(value: Decimal | float | int | None) -> str:
        # Seconds beside days keep their own unit: what is a tenth of the other needs no shared decimals.
        near = value is not None and abs(float(value)) * 10 >= scale.size
        return written(value, kpi.unit, kpi.currency, scale if near else None)

    return side(first), side(second)


def written_difference(comparison: Comparison) -> str:
    """Second less first with its sign, in the decimals of the larger one; shares in percentage points."""
    difference, unit = comparison.difference, comparison.kpi.unit
    text = written(difference, unit, comparison.kpi.currency, _scale(comparison))
    if difference is None or not _differs(text):
        return text
    if unit == "share":
        text = text.replace("%", "pp")
    return text if difference < 0 else f"+{text}"


def written_relative(comparison: Comparison) -> str:
    """The relative difference as a signed percentage; empty where a percentage says nothing more."""
    if comparison.relative is None or comparison.kpi.unit == "share" or not visible(comparison):
        return ""
    percent = comparison.relative * 100
    # Half a per cent of 2 and of 2,000 differ in use: whole per cents above ten, one digit below.
    text = f"{percent:,.0f}" if abs(percent) >= 10 else f"{percent:.1f}"
    return f"{'+' if percent > 0 else ''}{_signed_minus(text)} %"


def visible(comparison: Comparison) -> bool:
    """False when the difference rounds to nothing in the form it is shown."""
    return comparison.difference is not None and _differs(written_difference(comparison))


def _scale(comparison: Comparison) -> Scale:
    sides = (comparison.first, comparison.second)
    sizes = [abs(float(side.value)) for side in sides if side is not None and side.value is not None]
    return Scale(max(sizes, default=0.0), abs(float(comparison.difference or 0)))


def written_interval(kpi: Kpi) -> str:
    """The interval of a share, as ``[3.02, 4.31] %``; empty when the KPI has none."""
    if kpi.interval is None:
        return ""
    low, high = kpi.interval
    return f"[{_rounded(low * 100, Scale(low * 100))}, {_rounded(high * 100, Scale(high * 100))}] %"


def written_seconds(seconds: float, scale: Scale | None = None) -> str:
    """A duration in the unit that reads best: ``4.57 s``, ``35.2 min``, ``19.8 h``, ``3.10 d``."""
    scale = scale or Scale(abs(seconds))
    name, in_seconds = next((name, in_seconds) for name, in_seconds, most in _STEPS if scale.size < most)
    return f"{_rounded(seconds / in_seconds, scale.times(1 / in_seconds))} {name}"


def _duration(value: float, scale: Scale, unit: Unit) -> str:
    # A figure of almost nothing in its own unit (a lag of seconds in days) is written in a smaller one.
    if unit == "seconds" or 0 < scale.size < 0.05:
        return written_seconds(value * _IN_SECONDS[unit], scale.times(_IN_SECONDS[unit]))
    return f"{_rounded(value, scale)} {_SHORT[unit]}"


def _rounded(value: float, scale: Scale) -> str:
    """Three figures of the size, and two of the difference; two decimals at most, four below 0.01."""
    digits = 4 if scale.size < 0.01 else 2 if scale.size < 10 else 1 if scale.size < 100 else 0
    if 0 < scale.difference < 10 and digits < 2:
        digits = max(digits, 2 if scale.difference < 1 else 1)
    text = f"{Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,}"
    return _signed_minus("0" if not _differs(text) else text)


def _signed_minus(text: str) -> str:
    return text.replace("-", MINUS)


def _differs(text: str) -> bool:
    return any(digit in text for digit in "123456789")

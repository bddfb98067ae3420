"""Makes `Kpi` values for one run: looks the definition up, fills in period and currency."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from o2c_twin.reports.intervals import wilson
from o2c_twin.reports.kpis.catalogue import DEFINITIONS
from o2c_twin.reports.kpis.model import Kpi
from o2c_twin.reports.money import decimal_amount
from o2c_twin.reports.observed_run import ObservedRun


class Measure:
    """Builds KPIs of one run; ``part`` makes a detail (id and label get its name appended)."""

    def __init__(self, run: ObservedRun) -> None:
        self._run = run
        self.period = (run.first, run.last)
        self.whole_run = (run.first, run.last_seen)

    def number(
        self,
        id: str,
        value: Fraction | float | int | None,
        n: int,
        *,
        part: str = "",
        censored: int = 0,
        period: tuple[date, date] | None = None,
        interval: tuple[float, float] | None = None,
        note: str = "",
    ) -> Kpi:
        """A KPI that is not money; exact fractions become floats here and nowhere earlier."""
        definition = DEFINITIONS[id]
        shown = int(value) if definition.unit == "count" and value is not None else value
        return Kpi(
            definition=definition,
            id=f"{id}.{part}" if part else id,
            label=f"{definition.label}: {part.replace('_', ' ')}" if part else definition.label,
            value=float(shown) if isinstance(shown, Fraction) else shown,
            n=n,
            period=period or self.period,
            censored=censored,
            interval=interval,
            note=note,
        )

    def share(
        self, id: str, hits: int, n: int, *, censored: int = 0, period: tuple[date, date] | None = None, note: str = ""
    ) -> Kpi:
        """A proportion with its Wilson interval; undefined when nothing was observed."""
        interval = wilson(hits, n)
        if interval is None:
            return self.number(id, None, 0, period=period, censored=censored, note=note or "nothing to observe")
        bounds = (interval.low, interval.high)
        return self.number(id, hits / n, n, period=period, censored=censored, interval=bounds, note=note)

    def money(
        self,
        id: str,
        minor: int | None,
        n: int,
        *,
        part: str = "",
        period: tuple[date, date] | None = None,
        note: str = "",
    ) -> Kpi:
        """An amount: integer minor units in, decimal in the run's currency out."""
        definition = DEFINITIONS[id]
        value: Decimal | None = None if minor is None else decimal_amount(minor, self._run.currency)
        return Kpi(
            definition=definition,
            id=f"{id}.{part}" if part else id,
            label=f"{definition.label}: {part.replace('_', ' ')}" if part else definition.label,
            value=value,
            n=n,
            period=period or self.period,
            currency=self._run.currency,
            note=note,
        )

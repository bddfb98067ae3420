"""Two runs side by side: the difference of each KPI and which run is better."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from o2c_twin.reports.kpis.catalogue import DEFINITIONS
from o2c_twin.reports.kpis.model import Kpi, KpiSet

Verdict = Literal["better", "worse", "same", "neutral", "unknown"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One KPI of both runs. ``difference`` is second - first in the KPI's unit; ``relative`` divides
    it by the first's absolute value. ``verdict`` judges the second run; ``neutral`` when neither way
    is better, ``unknown`` when a side has no value."""

    first: Kpi | None
    second: Kpi | None
    difference: Decimal | float | int | None
    relative: float | None
    verdict: Verdict

    @property
    def kpi(self) -> Kpi:
        """Either side's KPI, for its label, unit and definition."""
        kpi = self.first or self.second
        assert kpi is not None
        return kpi

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; a money difference is a decimal string."""
        return {
            "first": None if self.first is None else self.first.to_dict()["value"],
            "second": None if self.second is None else self.second.to_dict()["value"],
            "difference": str(self.difference) if isinstance(self.difference, Decimal) else self.difference,
            "relative": self.relative,
            "unit": self.kpi.unit,
            "verdict": self.verdict,
        }


def compare(first: KpiSet, second: KpiSet) -> Mapping[str, Comparison]:
    """Every KPI that either run has, by id, in catalogue order.

    Raises ValueError when the runs keep their books in different currencies.
    """
    currencies = {kpi.currency for kpis in (first, second) for kpi in kpis if kpi.currency}
    if len(currencies) > 1:
        raise ValueError(
            f"cannot compare {first.label} with {second.label}: their money is in {' and '.join(sorted(currencies))}; "
            "run both in one currency"
        )
    by_id = {kpi.id: kpi for kpi in first}, {kpi.id: kpi for kpi in second}
    pairs = [_compare(by_id[0].get(id), by_id[1].get(id)) for id in dict.fromkeys([*by_id[0], *by_id[1]])]
    place = {id: n for n, id in enumerate(DEFINITIONS)}
    # A part that only the second run has (a flow, a system) belongs beside its like, not at the end.
    pairs.sort(key=lambda pair: (place[pair.kpi.definition.id], pair.kpi.is_detail))
    return {pair.kpi.id: pair for pair in pairs}


def _compare(first: Kpi | None, second: Kpi | None) -> Comparison:
    if first is None or second is None or first.value is None or second.value is None:
        return Comparison(first, second, None, None, "unknown")
    difference: Decimal | float | int
    if isinstance(first.value, Decimal) or isinstance(second.value, Decimal):
        difference = Decimal(second.value) - Decimal(first.value)
    else:
        difference = second.value - first.value
    relative = float(difference) / abs(float(first.value)) if first.value else None
    return Comparison(first, second, difference, relative, _verdict(first, difference))


def _verdict(kpi: Kpi, difference: Decimal | float | int) -> Verdict:
    if difference == 0:
        return "same"
    if kpi.better == "neither":
        return "neutral"
    return "better" if (difference < 0) == (kpi.better == "lower") else "worse"

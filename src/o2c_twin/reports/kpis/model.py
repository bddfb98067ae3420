"""What a KPI is: a value with its unit, variant, period, basis and count, and which way is better."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

Unit = Literal["days", "hours", "minutes", "seconds", "share", "ratio", "count", "money"]
Better = Literal["lower", "higher", "neither"]


@dataclass(frozen=True, slots=True)
class Definition:
    """How one KPI is measured; ``text`` is what the report prints under Definitions."""

    id: str
    label: str
    group: str
    unit: Unit
    better: Better
    text: str
    variant: str = ""
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Kpi:
    """One measured figure.

    ``value`` is Decimal for money, int for counts, float otherwise (a share lies between 0 and 1) and
    None when it is undefined: ``note`` then says why. ``n`` counts what was observed, ``censored``
    what was still unfinished when observation ended. ``period`` is first and last day, both included.
    """

    definition: Definition
    id: str
    label: str
    value: Decimal | float | int | None
    n: int
    period: tuple[date, date]
    censored: int = 0
    interval: tuple[float, float] | None = None
    currency: str | None = None
    note: str = ""

    @property
    def unit(self) -> Unit:
        return self.definition.unit

    @property
    def better(self) -> Better:
        return self.definition.better

    @property
    def group(self) -> str:
        return self.definition.group

    @property
    def variant(self) -> str:
        return self.definition.variant

    @property
    def basis(self) -> str:
        return self.definition.basis

    @property
    def is_detail(self) -> bool:
        """True for a part of a KPI (one role, one flow, one reason)."""
        return self.id != self.definition.id

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; money as a decimal string beside its currency, other values as numbers."""
        return {
            "label": self.label,
            "value": str(self.value) if isinstance(self.value, Decimal) else self.value,
            "unit": self.unit,
            "currency": self.currency,
            "n": self.n,
            "censored": self.censored,
            "interval": None if self.interval is None else list(self.interval),
            "variant": self.variant,
            "period": [day.isoformat() for day in self.period],
            "basis": self.basis,
            "better": self.better,
            "group": self.group,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class KpiSet:
    """All KPIs of one run, in catalogue order. ``label`` names the run, ``seed`` its dice."""

    label: str
    scenario: str
    seed: int | str | None
    kpis: tuple[Kpi, ...]

    def __iter__(self) -> Iterator[Kpi]:
        return iter(self.kpis)

    def get(self, id: str) -> Kpi | None:
        return next((kpi for kpi in self.kpis if kpi.id == id), None)

    def __getitem__(self, id: str) -> Kpi:
        kpi = self.get(id)
        if kpi is None:
            raise KeyError(f"no KPI {id!r}; there are {', '.join(k.id for k in self.kpis)}")
        return kpi

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """``{id: {value, unit, ...}}``, ready for JSON."""
        return {kpi.id: kpi.to_dict() for kpi in self.kpis}

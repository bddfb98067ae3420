"""KPI tables as plain rows, for a terminal or a page to lay out."""

from dataclasses import dataclass
from typing import Literal

from o2c_twin.reports.display import (
    visible,
    written,
    written_difference,
    written_interval,
    written_relative,
    written_sides,
)
from o2c_twin.reports.kpis.compare import Comparison, Verdict, compare
from o2c_twin.reports.kpis.model import Kpi, KpiSet

Shown = Literal["all", "headline"]
HEADLINE = (
    "dso.simple",
    "dso.countback",
    "ar.closing",
    "cash.collected",
    "order_to_invoice.median",
    "dso.invoice_lag",
    "order_to_cash",
    "cash_application.median",
    "credit.hold_rate",
    "credit.hold_time.mean",
    "billing.error_rate",
    "leakage.amount",
    "leakage.share",
    "orders.lost",
    "orders.duplicate",
    "invariants.violations",
    "touch.hours",
    "touch.minutes_per_order",
    "orders.touchless",
    "sync.latency.p95",
    "api.calls",
    "api.throttled_share",
    "cases.open",
    "deals.won",
)


@dataclass(frozen=True, slots=True)
class KpiRow:
    """One line of a KPI table, every cell as text. ``second``, ``difference``, ``relative`` and
    ``verdict`` are empty for a single run; ``detail`` marks a part of the KPI above it, whose
    definition is ``definition_id``."""

    group: str
    id: str
    label: str
    first: str
    second: str
    difference: str
    relative: str
    verdict: Verdict | Literal[""]
    detail: bool
    note: str
    definition_id: str


def kpi_rows(first: KpiSet, second: KpiSet | None = None, shown: Shown = "all") -> list[KpiRow]:
    """The KPIs of one run, or of two side by side, in catalogue order.

    ``shown`` picks all KPIs or the headline ones. A difference too small to see in the shown digits
    is judged ``same``.
    """
    if second is None:
        rows = [
            KpiRow(
                k.group,
                k.id,
                k.label,
                written(k.value, k.unit, k.currency),
                "",
                "",
                "",
                "",
                k.is_detail,
                _note(k),
                k.definition.id,
            )
            for k in first
        ]
    else:
        rows = []
        for id, pair in compare(first, second).items():
            kpi = pair.kpi
            before, after = written_sides(pair)
            same = pair.verdict != "unknown" and not visible(pair)
            rows.append(
                KpiRow(
                    group=kpi.group,
                    id=id,
                    label=kpi.label,
                    first=before,
                    second=after,
                    difference="0" if same else written_difference(pair),
                    relative=written_relative(pair),
                    verdict="same" if same else pair.verdict,
                    detail=kpi.is_detail,
                    note=_notes(first, second, pair),
                    definition_id=kpi.definition.id,
                )
            )
    return [row for row in rows if shown == "all" or row.id in HEADLINE]


def _notes(first: KpiSet, second: KpiSet, pair: Comparison) -> str:
    said = [(each.label, _note(kpi)) for each, kpi in ((first, pair.first), (second, pair.second)) if kpi is not None]
    if len({note for _, note in said}) == 1:
        return said[0][1]
    return "; ".join(f"{label} {note}" for label, note in said if note)


def _note(kpi: Kpi) -> str:
    parts = [kpi.note, written_interval(kpi), f"{kpi.censored:,} unfinished" if kpi.censored else ""]
    return ", ".join(part for part in parts if part)

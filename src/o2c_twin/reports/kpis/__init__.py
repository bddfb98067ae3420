"""KPIs of a run record: `compute_kpis` measures one run, `compare` sets two side by side."""

from o2c_twin.reports.kpis.catalogue import DEFINITIONS
from o2c_twin.reports.kpis.compare import Comparison, compare
from o2c_twin.reports.kpis.compute import compute_kpis
from o2c_twin.reports.kpis.model import Definition, Kpi, KpiSet

__all__ = ["DEFINITIONS", "Comparison", "Definition", "Kpi", "KpiSet", "compare", "compute_kpis"]

"""What a run meant: KPIs, figures and a one-file HTML report, all read from run records.

`compute_kpis` measures one run, `compare` sets two side by side, `kpi_rows` lays them out as a table,
`all_figures` draws them and `write_report` puts everything on one page, an ROI study as `roi_section`.
"""

from o2c_twin.reports.figures import Plot, all_figures
from o2c_twin.reports.html import ReportSection, SectionGroup, report_html, roi_section, write_report
from o2c_twin.reports.kpis import Comparison, Kpi, KpiSet, compare, compute_kpis
from o2c_twin.reports.money import MixedCurrencies
from o2c_twin.reports.observed_run import ObservedRun
from o2c_twin.reports.rows import KpiRow, kpi_rows
from o2c_twin.reports.validation import Check, checks_of

__all__ = [
    "Check",
    "Comparison",
    "Kpi",
    "KpiRow",
    "KpiSet",
    "MixedCurrencies",
    "ObservedRun",
    "Plot",
    "ReportSection",
    "SectionGroup",
    "all_figures",
    "checks_of",
    "compare",
    "compute_kpis",
    "kpi_rows",
    "report_html",
    "roi_section",
    "write_report",
]

"""Return on investment: what a design is worth in money, in a form that finance can attack.

`roi_from_records` compares two runs (`roi_from_pairs` many), `study` appraises any case, `roi_rows` turns
a result into plain rows. Figures of the world come from an assumptions file (`load_assumptions`),
figures of the business from run records.
"""

from o2c_twin.reports.roi.appraisal import Appraisal, BridgeStep, SimpleView, appraise, bridge, simple_view
from o2c_twin.reports.roi.assumption_file import (
    AssumptionsError,
    default_assumptions_text,
    demo_assumptions,
    demo_assumptions_text,
    load_assumptions,
    parse_assumptions,
)
from o2c_twin.reports.roi.assumptions import Assumption, Assumptions
from o2c_twin.reports.roi.case import (
    BusinessCase,
    CashInflow,
    CashReleased,
    Cost,
    DoubleCount,
    FinancingValue,
    HoursSaved,
    RateReduced,
    without_risk,
)
from o2c_twin.reports.roi.cash_flow import RoiError
from o2c_twin.reports.roi.from_records import roi_from_pairs, roi_from_records
from o2c_twin.reports.roi.measures import RunMeasures, RunsNotComparable, measure_run
from o2c_twin.reports.roi.monte_carlo import MonteCarlo, Pert, Triangular, simulate
from o2c_twin.reports.roi.result import BreakEven, MeasuredFigure, RoiResult, study
from o2c_twin.reports.roi.rows import RoiRow, roi_rows
from o2c_twin.reports.roi.sensitivity import Range, TornadoBar, break_even, tornado

__all__ = [
    "Appraisal",
    "Assumption",
    "Assumptions",
    "AssumptionsError",
    "BreakEven",
    "BridgeStep",
    "BusinessCase",
    "CashInflow",
    "CashReleased",
    "Cost",
    "DoubleCount",
    "FinancingValue",
    "HoursSaved",
    "MeasuredFigure",
    "MonteCarlo",
    "Pert",
    "Range",
    "RateReduced",
    "RoiError",
    "RoiResult",
    "RoiRow",
    "RunMeasures",
    "RunsNotComparable",
    "SimpleView",
    "TornadoBar",
    "Triangular",
    "appraise",
    "break_even",
    "bridge",
    "default_assumptions_text",
    "demo_assumptions",
    "demo_assumptions_text",
    "load_assumptions",
    "measure_run",
    "parse_assumptions",
    "roi_from_pairs",
    "roi_from_records",
    "roi_rows",
    "simple_view",
    "simulate",
    "study",
    "tornado",
    "without_risk",
]

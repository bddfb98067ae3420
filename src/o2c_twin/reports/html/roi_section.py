"""An ROI study as a section of the report: verdict, figures, the tables finance asks for, every assumption."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby

from o2c_twin.reports.display import MINUS
from o2c_twin.reports.figures.investment import cash_flow_by_year, value_swing
from o2c_twin.reports.html.page import ReportSection, SectionGroup
from o2c_twin.reports.roi.result import RoiResult
from o2c_twin.reports.roi.rows import RoiRow, roi_rows

# What the page shows of all rows: the bridge, the Monte Carlo's errors and the runs are in the full table.
_SHOWN = (
    "Decision view",
    "Simple calculator view",
    "Benefits a year",
    "Costs",
    "Net cash flow",
    "Break-even values",
    "Monte Carlo",
    "Measured in the runs",
    "Assumptions",
)


def roi_section(result: RoiResult) -> ReportSection:
    """The section for `write_report`, with its figures drawn."""
    return ReportSection(
        title="Return on investment",
        lead=" ".join(_verdict(result)),
        groups=_groups(row for row in roi_rows(result) if _is_shown(row)),
        notes=result.notes,
        figures=(cash_flow_by_year(result), value_swing(result)),
    )


def _is_shown(row: RoiRow) -> bool:
    # A driver that cannot bring the value to zero has nothing to say here.
    return row.section.startswith(_SHOWN) and not (row.section == "Break-even values" and row.value is None)


def _verdict(result: RoiResult) -> list[str]:
    years, placeholders = len(result.case.ramp), sum(a.is_placeholder for a in result.assumptions)
    brings = "brings more than it costs" if result.npv > 0 else "costs more than it brings"
    sentences = [
        f"On these assumptions the design {brings}: net present value {_whole(result.npv)} {result.currency} over "
        f"{years} years, {_whole(result.net_annual_benefit)} {result.currency} a year at full run rate, before tax.",
        "Hours, errors, leakage and days are measured in the two runs; rates, costs and shares are assumed.",
    ]
    if placeholders:
        sentences.append(
            f"{placeholders} of {len(result.assumptions)} assumptions are placeholders: until they are replaced, this "
            "shows the method and no company's return."
        )
    return sentences


def _groups(rows: Iterable[RoiRow]) -> list[SectionGroup]:
    return [
        SectionGroup(section, [(row.label.replace("_", " "), row.shown, row.note) for row in members])
        for section, members in groupby(rows, key=lambda row: row.section)
    ]


def _whole(amount: Decimal) -> str:
    return f"{amount.quantize(Decimal(1), ROUND_HALF_UP):,}".replace("-", MINUS)

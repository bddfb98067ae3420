"""Tables for a terminal: KPIs of one run or two, violations, an ROI."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from o2c_twin.reports import KpiRow
    from o2c_twin.reports.roi import RoiRow
    from o2c_twin.twin.world.invariants import Violation

_COLOURS = {"better": "green", "worse": "red"}
_SHOWN = 10


def kpi_table(rows: Sequence["KpiRow"], labels: Sequence[str]) -> Table:
    """KPIs by group; with two labels, both runs and their difference."""
    table = _plain(*labels, *(("difference", "") if len(labels) == 2 else ()), first="KPI")
    for group, members in groupby(rows, key=lambda row: row.group):
        table.add_row(Text(group, style="bold"))
        for row in members:
            style = _COLOURS.get(row.verdict, "")
            cells = [row.first]
            if len(labels) == 2:
                cells += [row.second, row.difference, row.relative]
            name = Text(f"    {row.label}" if row.detail else f"  {row.label}", style="dim" if row.detail else "")
            table.add_row(name, *(Text(cell, style=style if n >= 2 else "") for n, cell in enumerate(cells)))
    return table


def violation_table(violations: Sequence["Violation"]) -> Table:
    """How often each invariant was broken, and the first few in full."""
    table = _plain("", first="Invariants broken")
    table.columns[1].justify = "left"
    for invariant, count in Counter(each.invariant for each in violations).items():
        table.add_row(Text(f"  {invariant}"), Text(f"{count:,}", style="red"))
    for each in violations[:_SHOWN]:
        table.add_row(Text(f"  {each.key}", style="dim"), Text(f"{each.invariant}: {each.detail}", style="dim"))
    if len(violations) > _SHOWN:
        table.add_row(Text(f"  and {len(violations) - _SHOWN:,} more", style="dim"))
    return table


def roi_tables(rows: Sequence["RoiRow"]) -> Iterator[Text | Table]:
    """ROI rows: each section's name and its table, all with the same columns."""
    for n, (section, members) in enumerate(groupby(rows, key=lambda row: row.section)):
        yield Text(f"\n{section}" if n else section, style="bold")
        table = Table.grid(padding=(0, 2))
        table.add_column(width=48)
        table.add_column(width=22, justify="right")
        table.add_column()
        for row in members:
            table.add_row(Text(f"  {row.label}"), Text(row.shown), Text(row.note, style="dim"))
        yield table


def _plain(*columns: str, first: str) -> Table:
    from rich import box

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(first)
    for column in columns:
        table.add_column(Text(column), justify="right")
    return table

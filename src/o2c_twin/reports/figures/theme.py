"""The look of every figure: one restrained style, colours that colour-blind readers can tell apart.

Hues are Okabe and Ito's (2008). The first run is drawn dashed as well, so a black-and-white print
still tells the runs apart.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#1d2731", "#5c6773", "#dde2e7", "#ffffff"
FIRST, SECOND = "#b34700", "#0072b2"
ALERT = "#cc3d7a"
# From not yet due to long overdue: ever darker, so that the order survives a grey print.
AGEING = ("#c9d6df", "#f3d28b", "#e69f00", "#b34700", "#5e1f05")
# The integration's own stages in colour, the goods' and the customer's in grey.
STAGES = ("#0072b2", "#aab4bd", "#e69f00", "#c9d6df", "#009e73")
WIDTH_IN = 5.4
NOTE_PT = 9.0
_LABEL_CHARS = 24

_RC = MappingProxyType(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "o2c-twin",
        "font.family": ["sans-serif"],
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 10.0,
        "text.color": INK,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "axes.titlesize": 10.0,
        "axes.titlelocation": "left",
        "axes.titlepad": 8.0,
        "axes.formatter.useoffset": False,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 9.5,
        "ytick.labelsize": 9.5,
        "ytick.major.size": 0.0,
        "lines.linewidth": 1.8,
        "lines.solid_capstyle": "round",
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "legend.frameon": False,
        "legend.fontsize": 9.5,
        "figure.constrained_layout.use": True,
        "path.simplify": True,
    }
)


@contextmanager
def theme() -> Iterator[None]:
    """Matplotlib's defaults with ours on top, whatever the user's own settings; undone on leaving."""
    with style.context(["default", dict(_RC)]):
        yield


def sheet(height_in: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of the house width with its panels, row by row; call it inside `theme`."""
    figure = Figure(figsize=(WIDTH_IN, height_in))
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, [axis for row in axes for axis in row]


def run_style(position: int, of: int) -> dict[str, Any]:
    """Line style of a run: the first of two dashed and warm, the second, or an only one, solid and blue."""
    if of == 2 and position == 0:
        return {"color": FIRST, "linestyle": (0, (4, 1.6))}
    return {"color": SECOND, "linestyle": "solid"}


def run_colour(position: int, of: int) -> str:
    colour: str = run_style(position, of)["color"]
    return colour


def short(label: str) -> str:
    """A run's label, cut where it would run out of its panel."""
    return label if len(label) <= _LABEL_CHARS else label[: _LABEL_CHARS - 1] + "\N{HORIZONTAL ELLIPSIS}"


def legend_below(figure: Figure, handles: Sequence[Any], labels: Sequence[str], columns: int = 2) -> None:
    """Names what is drawn under the figure, where neither a line nor a long label can be in the way."""
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, handlelength=2.0, columnspacing=1.6)


def date_axis(axis: Axes) -> None:
    """Few, short date labels."""
    locator = AutoDateLocator(minticks=3, maxticks=7)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))


def empty(axis: Axes, why: str) -> None:
    """Says in the panel why there is nothing to draw."""
    for drawn in [*axis.get_lines(), *axis.patches]:
        drawn.set_visible(False)
    axis.set_axis_off()
    axis.text(0.5, 0.5, why, ha="center", va="center", color=MUTED, transform=axis.transAxes)


def version() -> str:
    """Matplotlib's version: figures are byte-identical only within one."""
    return str(mpl.__version__)

"""A figure with its words: title, description for who cannot see it, and SVG of stable bytes."""

import re
from dataclasses import dataclass
from html import escape
from io import StringIO

from matplotlib.figure import Figure

from o2c_twin.reports.figures import theme

# Colours that a page may restyle (dark mode): drawn as custom properties that fall back to themselves.
_VARIABLES = {
    theme.INK: "--o2c-ink",
    theme.MUTED: "--o2c-muted",
    theme.GRID: "--o2c-grid",
    theme.FIRST: "--o2c-first",
    theme.SECOND: "--o2c-second",
    theme.PAPER: "--o2c-paper",
}


@dataclass(frozen=True, slots=True)
class Plot:
    """One drawn figure. ``name`` is its id in a page and its file name; ``description`` reads it aloud."""

    name: str
    title: str
    description: str
    figure: Figure

    def __post_init__(self) -> None:
        # Each drawing would move constrained panels by a hair: lay out once, so that every SVG is the same.
        with theme.theme():
            self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")

    def to_svg(self) -> str:
        """A stand-alone SVG document, the same bytes for the same record and Matplotlib version."""
        return '<?xml version="1.0" encoding="utf-8"?>\n' + self._svg().replace(
            "<svg ", '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ', 1
        )

    def to_inline_svg(self) -> str:
        """The SVG element for an HTML page: as wide as its place, ids its own, no namespaces needed."""
        return self._svg().replace("xlink:href", "href")

    def _svg(self) -> str:
        out = StringIO()
        with theme.theme():
            self.figure.savefig(out, format="svg", metadata={"Date": None})
        text = out.getvalue()
        # What is left of the metadata names outside addresses, which a page of ours must not.
        body = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg ") :], flags=re.DOTALL)
        box = re.search(r'viewBox="([^"]+)"', body)
        assert box is not None, "Matplotlib writes a viewBox"
        content = body[body.index(">") + 1 :]
        for colour, variable in _VARIABLES.items():
            content = re.sub(rf"(?<=[ :]){colour}\b", f"var({variable}, {colour})", content)
        # A hundredth of a point is far below what an eye or a printer can tell; it halves the page.
        content = re.sub(r"(\d\.\d\d)\d+", r"\1", content)
        # Several figures share a page: their ids must not meet.
        content = re.sub(r'(\bid="|href="#|url\(#)', rf"\1{self.name}-", content)
        return (
            f'<svg viewBox="{box.group(1)}" role="img" aria-labelledby="{self.name}-title {self.name}-desc">\n'
            f'<title id="{self.name}-title">{escape(self.title)}</title>\n'
            f'<desc id="{self.name}-desc">{escape(self.description)}</desc>{content}'
        )

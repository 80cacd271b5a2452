"""Theme: the colours and type of pictures, in light and dark; colours from Okabe and Ito's colour-blind-safe set.

Draw inside `theme_context(theme)`, which sets type and colours for the block and leaves matplotlib as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colours as #rrggbb.

    Attributes:
        ink: Text and axes.
        faint: Secondary text.
        paper: Background.
        grid: Grid lines.
        accent: Marks that lead the eye.
        wrong: What went wrong.
        colour_map: Matplotlib's name of the map that confusion matrices are shaded with.
        series: One for each line, in order.
    """

    ink: str
    faint: str
    paper: str
    grid: str
    accent: str
    wrong: str
    colour_map: str
    series: tuple[str, ...]

    def colour(self, place: int) -> str:
        """The colour of a line by its place; after the last one the first."""
        return self.series[place % len(self.series)]


LIGHT = Theme(
    ink="#1b1f24",
    faint="#59636e",
    paper="#ffffff",
    grid="#e3e6ea",
    accent="#0072b2",
    wrong="#b34700",
    colour_map="Blues",
    series=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"),
)
DARK = Theme(
    ink="#e6e9ee",
    faint="#9aa4b1",
    paper="#14171c",
    grid="#2b313a",
    accent="#56b4e9",
    wrong="#f0a35e",
    colour_map="Blues",
    series=("#56b4e9", "#f0894b", "#2fc39b", "#dd9cc3", "#8ab8ff", "#f0c052"),
)
_LINE_STYLES = ("-", "--", "-.", ":")


def line_style(place: int) -> str:
    """The style of a line by its place; after the last one the first."""
    return _LINE_STYLES[place % len(_LINE_STYLES)]


@contextmanager
def theme_context(theme: Theme = LIGHT) -> Iterator[Theme]:
    """A block in which pictures are drawn in a theme."""
    import matplotlib as mpl

    with mpl.rc_context(rc_params(theme)):
        yield theme


def new_figure(size: tuple[float, float], theme: Theme) -> Figure:
    """An empty figure of the given width and height in inches; it draws without a screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=180, facecolor=theme.paper)
    FigureCanvasAgg(figure)
    return figure


def set_unit_axes(axes: Axes, xlabel: str, ylabel: str) -> None:
    """Square axes from 0 to 1."""
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=xlabel, ylabel=ylabel)
    axes.set_aspect("equal")


def draw_diagonal(axes: Axes, theme: Theme) -> None:
    """A dotted line from (0, 0) to (1, 1), behind what is drawn later."""
    axes.plot([0, 1], [0, 1], color=theme.faint, lw=0.8, linestyle=(0, (2, 3)))


def rc_params(theme: Theme) -> dict[Any, Any]:
    """Matplotlib settings for `matplotlib.rc_context`: everything a picture is drawn within."""
    return {
        "font.family": "sans-serif",
        "font.size": 9,
        "text.parse_math": False,  # a class may be named "$x$"
        "text.color": theme.ink,
        "axes.facecolor": theme.paper,
        "axes.edgecolor": theme.faint,
        "axes.labelcolor": theme.ink,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": theme.grid,
        "grid.linewidth": 0.8,
        "xtick.color": theme.faint,
        "ytick.color": theme.faint,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "figure.titlesize": 11,
        "figure.titleweight": "bold",
        "lines.linewidth": 1.6,
        "lines.solid_capstyle": "round",
    }

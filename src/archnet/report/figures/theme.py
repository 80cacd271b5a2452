"""Theme: fonts and colours of Matplotlib pictures; colours from Okabe and Ito's colour-blind-safe set.

Draw inside `theme_context()`, which sets fonts and colours for the block and then restores Matplotlib's settings.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colours as #rrggbb.

    Attributes:
        ink: Text and axes.
        faint: Secondary text.
        paper: Background.
        grid: Grid lines.
        series: One for each line, in order.
    """

    ink: str
    faint: str
    paper: str
    grid: str
    series: tuple[str, ...]


LIGHT = Theme(
    ink="#1b1f24",
    faint="#59636e",
    paper="#ffffff",
    grid="#e3e6ea",
    series=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"),
)


@contextmanager
def theme_context() -> Iterator[None]:
    """Draw pictures in the `LIGHT` theme while the block runs."""
    _import_quietly()
    import matplotlib as mpl

    with mpl.rc_context(rc_params()):
        yield


def _import_quietly() -> None:
    """Import Matplotlib without its warning about an unwritable home folder: it then caches elsewhere."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        import_module("matplotlib.font_manager")
    finally:
        logger.setLevel(level)


def new_figure(size: tuple[float, float]) -> Figure:
    """An empty figure of the given width and height in inches; it draws without a screen."""
    _import_quietly()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=180, facecolor=LIGHT.paper)
    FigureCanvasAgg(figure)
    return figure


def rc_params() -> dict[Any, Any]:
    """Matplotlib settings for `matplotlib.rc_context`: everything a picture is drawn within."""
    return {
        "font.family": "sans-serif",
        "font.size": 9,
        "text.parse_math": False,  # a class may be named "$x$"
        "text.color": LIGHT.ink,
        "axes.facecolor": LIGHT.paper,
        "axes.edgecolor": LIGHT.faint,
        "axes.labelcolor": LIGHT.ink,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": LIGHT.grid,
        "grid.linewidth": 0.8,
        "xtick.color": LIGHT.faint,
        "ytick.color": LIGHT.faint,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "figure.titlesize": 11,
        "figure.titleweight": "bold",
        "lines.linewidth": 1.6,
        "lines.solid_capstyle": "round",
        "svg.fonttype": "none",
    }

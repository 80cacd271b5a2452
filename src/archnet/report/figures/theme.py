"""Theme: the colours of pages, SVG figures and Matplotlib pictures.

Networks have the colours of `networks` in the order of their comparison, sets those of `sets`, on every page and in
every file. Colours differ in lightness as well as hue, to be distinguishable with protanopia or deuteranopia. Text
colours have a contrast of at least 4.5:1 with the paper, all others of at least 3:1.

Draw Matplotlib pictures inside `theme_context()`, which sets fonts and colours for the block and then restores
Matplotlib's settings.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colours as #rrggbb.

    Attributes:
        ink: Text and axes.
        faint: Secondary text.
        paper: Background.
        line: Grid lines and rules, which carry no information.
        panel: Background of table cells, controls and code.
        accent: Links, controls, and data that belong to no network and no set.
        right: Correct predictions.
        wrong: Errors.
        caution: Background of cautions.
        caution_line: Border of cautions.
        networks: Colour of each network, in the order of a comparison.
        sets: Colours by name of the set.
        layers: Colour of each family of layers in the figure of a network.
    """

    ink: str
    faint: str
    paper: str
    line: str
    panel: str
    accent: str
    right: str
    wrong: str
    caution: str
    caution_line: str
    networks: tuple[str, ...]
    sets: Mapping[str, str]
    layers: tuple[str, ...]

    def variables(self) -> dict[str, str]:
        """The colours by their names in style sheets and drawings."""
        plain = ("ink", "faint", "paper", "line", "panel", "accent", "right", "wrong", "caution")
        return {
            **{name: getattr(self, name) for name in plain},
            "caution-line": self.caution_line,
            **{network_name(place): value for place, value in enumerate(self.networks)},
            **self.sets,
            **{f"k{place}": value for place, value in enumerate(self.layers)},
        }

    def style_rule(self) -> str:
        """The colours as a rule of a style sheet."""
        return ":root { " + " ".join(f"--{name}: {value};" for name, value in self.variables().items()) + " }"


LIGHT: Final = Theme(
    ink="#1b1f24",
    faint="#59636e",
    paper="#ffffff",
    line="#d9dee3",
    panel="#f5f7f9",
    accent="#0072b2",
    right="#00766c",
    wrong="#b34700",
    caution="#fff4e0",
    caution_line="#a86e00",
    networks=("#0072b2", "#d55e00", "#1c9d6f", "#601e49", "#2742d8", "#463a12"),
    sets={"train": "#7d8794", "validation": "#8359d1", "test": "#015244"},
    layers=("#5b7a99", "#8a7158", "#648667", "#7d6b91", "#59636e"),
)

DARK: Final = Theme(
    ink="#e6e9ee",
    faint="#9aa4b1",
    paper="#14171c",
    line="#313842",
    panel="#1b1f26",
    accent="#56b4e9",
    right="#3fc7b5",
    wrong="#f0a35e",
    caution="#2e2614",
    caution_line="#e69f00",
    networks=("#56b4e9", "#f0894b", "#5ef8b8", "#d53a86", "#4377ea", "#ffe10d"),
    sets={"train": "#8a94a1", "validation": "#a272f8", "test": "#a0f2dd"},
    layers=("#8fa9c4", "#c2a78a", "#9dbb9f", "#b3a2c7", "#9aa4b1"),
)


def network_name(place: int) -> str:
    """The colour of a network by its index in the comparison; colours repeat after the last one.

    >>> network_name(0), network_name(7)
    ('s0', 's1')
    """
    return f"s{place % NUM_NETWORK_COLOURS}"


NUM_NETWORK_COLOURS: Final = len(LIGHT.networks)
"""Number of networks with distinct colours."""


@contextmanager
def theme_context() -> Iterator[None]:
    """Draw pictures in the `LIGHT` theme while the block runs."""
    _import_quietly()
    import matplotlib as mpl

    with mpl.rc_context(rc_params()):
        yield


def _import_quietly() -> None:
    """Import Matplotlib without its warning about an unwritable home folder; it uses a temporary cache then."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        import_module("matplotlib.font_manager")
    finally:
        logger.setLevel(level)


def new_figure(size: tuple[float, float]) -> Figure:
    """An empty figure of the given width and height in inches, which needs no display."""
    _import_quietly()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=180, facecolor=LIGHT.paper)
    FigureCanvasAgg(figure)
    return figure


def rc_params() -> dict[Any, Any]:
    """Matplotlib settings for `matplotlib.rc_context`."""
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
        "grid.color": LIGHT.line,
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

"""Curve figure: ROC or precision-recall curves with their areas; a ring marks where the threshold stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archnet.report.curves import ROC, Curve, Plot
from archnet.report.figures.theme import LIGHT, Theme, draw_diagonal, line_style, new_figure, set_unit_axes
from archnet.report.wording import decimals

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def curve_figure(plot: Plot, curves: Sequence[Curve], title: str, theme: Theme = LIGHT) -> Figure:
    """Curves over each other.

    Args:
        plot: What the axes say; ROC gets the diagonal of a guess.
        curves: Drawn in the order of the theme's colours.
        title: Above.
        theme: Colours.
    """
    figure = new_figure((4.6, 4.5), theme)
    axes = figure.add_subplot()
    if plot is ROC:
        draw_diagonal(axes, theme)
    for place, curve in enumerate(curves):
        colour = theme.colour(place)
        label = f"{curve.name}, {plot.area} {decimals(curve.area)}"
        axes.plot(curve.x, curve.y, color=colour, linestyle=line_style(place), label=label)
        if curve.mark is not None:
            axes.plot(*curve.mark, "o", ms=8, mfc=theme.paper, mec=colour, mew=1.8, zorder=3)
    set_unit_axes(axes, plot.x, plot.y)
    axes.set_title(title)
    axes.legend(loc="lower right" if plot is ROC else "lower left")
    figure.tight_layout()
    return figure

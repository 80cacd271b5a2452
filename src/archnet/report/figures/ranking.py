"""Curve drawing: ROC, precision-recall or FROC curves with their areas; a ring marks the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from archnet.evaluation.ranking import Floats
from archnet.report.curves import ROC, Curve, Plot
from archnet.report.figures.panel import (
    AXIS_HEIGHT,
    LINE_HEIGHT,
    UNIT_TICKS,
    Axis,
    Panel,
    legend,
    legend_width,
    unit_axis,
)
from archnet.report.figures.svg import Drawing, colour, dashes, element, series_colour
from archnet.report.wording import decimals

Band = tuple[Floats, Floats, Floats]
"""Confidence band of a curve: x, lower bound, upper bound."""

_LEFT: Final = 50
_TOP: Final = 30
_SIDE: Final = 390


def curve_drawing(
    plot: Plot,
    curves: Sequence[Curve],
    title: str,
    ticks: Sequence[tuple[float, str]] = UNIT_TICKS,
    bands: Sequence[Band | None] = (),
) -> Drawing:
    """Draw curves in one plot, from 0 to 1 on both axes.

    Args:
        plot: Labels of the axes; ROC gets a diagonal for chance.
        curves: Curves, in the order of their colours.
        title: Title above the plot.
        ticks: Ticks of the x axis.
        bands: Confidence band of each curve, if any.
    """
    panel = unit_panel(unit_axis(plot.x, ticks), plot.y)
    shades = [_band(panel, band, place) for place, band in enumerate(bands) if band]
    lines = [
        panel.line(curve.x, curve.y, series_colour(place), stroke_dasharray=dashes(place))
        for place, curve in enumerate(curves)
    ]
    marks = [_mark(panel, curve, place) for place, curve in enumerate(curves)]
    names = [f"{curve.name}, {plot.area} {decimals(curve.area)}" for curve in curves]
    parts = [panel.axes(title), *shades, diagonal(panel) if plot is ROC else "", *lines, *marks]
    return square_drawing("".join(parts), names, areas_text(plot, curves))


def unit_panel(x: Axis, y_label: str) -> Panel:
    """A square panel whose axes range from 0 to 1."""
    return Panel(left=_LEFT, top=_TOP, width=_SIDE, height=_SIDE, x=x, y=unit_axis(y_label))


def square_drawing(elements: str, names: Sequence[str], alt: str) -> Drawing:
    """A drawing of a `unit_panel`, with a legend below.

    The page's script finds the square by its data attributes and moves the marks in it.
    """
    top = _TOP + _SIDE + AXIS_HEIGHT + 20
    square = element("g", elements, data_left=_LEFT, data_top=_TOP, data_side=_SIDE)
    return Drawing(
        width=_LEFT + max(_SIDE + 12, legend_width(names)),
        height=top + LINE_HEIGHT * (len(names) - 1) + 8,
        elements=square + legend(names, _LEFT, top),
        alt=alt,
    )


def diagonal(panel: Panel) -> str:
    """Draw a dotted line from (0, 0) to (1, 1)."""
    return panel.line([0, 1], [0, 1], colour("faint"), stroke_width=1, stroke_dasharray="2 4")


def areas_text(plot: Plot, curves: Sequence[Curve]) -> str:
    """Alternative text of a plot: its title and the area under each curve."""
    areas = "; ".join(f"{curve.name}: {plot.area} {decimals(curve.area)}" for curve in curves)
    return f"{plot.title}. {areas}."


def _band(panel: Panel, band: Band, place: int) -> str:
    """Draw a band as a polygon: forward along its lower bound, back along the upper one."""
    x, low, high = band
    outline = np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])
    return panel.line(*outline, stroke="none", fill=series_colour(place), fill_opacity=0.16)


def _mark(panel: Panel, curve: Curve, place: int) -> str:
    """Draw a ring at the threshold, which the page's script moves; hidden if the point is undefined."""
    x, y = curve.mark or (0.0, 0.0)
    look = {"stroke": series_colour(place), "stroke_width": 2.4, "fill": colour("paper")}
    style = "display: none" if curve.mark is None else None
    return panel.dot(x, y, 6, **look, class_="mark", data_column=curve.name, style=style)

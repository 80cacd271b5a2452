"""Figure of ROC, precision-recall or FROC curves with their areas; a ring marks the operating point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from archnet.evaluation.curve_bands import Band
from archnet.report.curves import ROC, Curve, Plot
from archnet.report.figures.panel import (
    AXIS_HEIGHT,
    LINE_HEIGHT,
    UNIT_TICKS,
    Axis,
    LegendEntry,
    Panel,
    fits_legend,
    legend,
    unit_axis,
)
from archnet.report.figures.svg import (
    NARROW,
    Drawing,
    Stroke,
    colour,
    element,
    named_stroke,
    series_stroke,
    shorten,
)
from archnet.report.wording import bounds, decimals

_LEFT: Final = 50
_TOP: Final = 30
_SIDE: Final = 300
_LEGEND_LEFT: Final = 12
_CHANCE: Final = "1 4"


def curve_drawing(
    plot: Plot, curves: Sequence[Curve], title: str, ticks: Sequence[tuple[float, str]] = UNIT_TICKS
) -> Drawing:
    """Draw curves in one plot, from 0 to 1 on both axes.

    Args:
        plot: Labels of the axes; ROC gets a diagonal for chance.
        curves: Curves with their bands and colours. Curves of seeds are thin.
        title: Title above the plot.
        ticks: Ticks of the x axis.
    """
    panel = unit_panel(unit_axis(plot.x, ticks), plot.y)
    strokes = [named_stroke(curve.hue) if curve.hue else series_stroke(place) for place, curve in enumerate(curves)]
    pairs = list(zip(curves, strokes, strict=True))
    chances = _chance_strokes(pairs)
    parts = [
        panel.axes(title),
        *(_band(panel, curve.band, stroke) for curve, stroke in pairs if curve.band),
        diagonal(panel) if plot is ROC else _chance_lines(panel, chances),
        *(_seed_lines(panel, curve, stroke) for curve, stroke in pairs),
        *(panel.line(curve.x, curve.y, stroke.colour, stroke_dasharray=stroke.dashes) for curve, stroke in pairs),
        *(_mark(panel, curve, stroke) for curve, stroke in pairs),
    ]
    entries = [line for curve, stroke in pairs for line in _legend_lines(plot, curve, stroke)]
    entries += [(f"prevalence {decimals(chance)}", stroke) for chance, stroke in chances.items()]
    return square_drawing("".join(parts), entries, areas_text(plot, curves))


def unit_panel(x: Axis, y_label: str) -> Panel:
    """A square panel whose axes range from 0 to 1."""
    return Panel(left=_LEFT, top=_TOP, width=_SIDE, height=_SIDE, x=x, y=unit_axis(y_label))


def square_drawing(elements: str, entries: Sequence[LegendEntry], alt: str) -> Drawing:
    """A drawing of a `unit_panel`, with a legend below.

    The page's script finds the square by its data attributes and moves the marks in it.
    """
    top = _TOP + _SIDE + AXIS_HEIGHT + 20
    square = element("g", elements, data_left=_LEFT, data_top=_TOP, data_side=_SIDE)
    return Drawing(
        width=NARROW,
        height=top + LINE_HEIGHT * (len(entries) - 1) + 8,
        elements=square + legend(entries, _LEGEND_LEFT, top),
        alt=alt,
    )


def diagonal(panel: Panel) -> str:
    """Draw a dotted line from (0, 0) to (1, 1)."""
    return panel.line([0, 1], [0, 1], colour("faint"), stroke_width=1.2, stroke_dasharray=_CHANCE)


def areas_text(plot: Plot, curves: Sequence[Curve]) -> str:
    """Alternative text of a plot: its title, the area under each curve, and the precision of random scores."""
    areas = "; ".join(f"{curve.name}: {_area_text(plot, curve, curve.interval)}" for curve in curves)
    chances = dict.fromkeys(decimals(curve.chance) for curve in curves if curve.chance is not None)
    return f"{plot.title}. {areas}." + (f" Prevalence {', '.join(chances)}." if chances else "")


def _area_text(plot: Plot, curve: Curve, interval: list[float] | None) -> str:
    ends = bounds(interval)
    return f"{plot.area} {decimals(curve.area)}" + (f" (95% CI {ends})" if ends else "")


def _legend_lines(plot: Plot, curve: Curve, stroke: Stroke) -> list[LegendEntry]:
    """The name with the area and, for curves with a band, its interval; on two lines if one is too short."""
    area = _area_text(plot, curve, curve.interval if curve.band else None)
    name = shorten(curve.name)
    if fits_legend(f"{name}, {area}", NARROW - _LEGEND_LEFT):
        return [(f"{name}, {area}", stroke)]
    return [(name, stroke), (area, None)]


def _band(panel: Panel, band: Band, stroke: Stroke) -> str:
    """Draw a band as a polygon: forward along its lower bound, back along the upper one."""
    x, low, high = band
    outline = np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])
    return panel.line(*outline, stroke="none", fill=stroke.colour, fill_opacity=0.16)


def _chance_strokes(pairs: Sequence[tuple[Curve, Stroke]]) -> dict[float, Stroke]:
    """Draw the prevalences, which are the precisions of random scores, in grey or in the colours of the classes."""
    strokes = {curve.chance: stroke.colour for curve, stroke in pairs if curve.chance is not None}
    hues = [colour("faint")] if len(strokes) == 1 else list(strokes.values())
    return {chance: Stroke(colour=hue, dashes=_CHANCE) for chance, hue in zip(strokes, hues, strict=True)}


def _chance_lines(panel: Panel, chances: Mapping[float, Stroke]) -> str:
    return "".join(
        panel.line([0, 1], [chance, chance], stroke.colour, stroke_width=1.2, stroke_dasharray=stroke.dashes)
        for chance, stroke in chances.items()
    )


def _seed_lines(panel: Panel, curve: Curve, stroke: Stroke) -> str:
    return "".join(panel.line(*points, stroke.colour, stroke_width=0.9, stroke_opacity=0.45) for points in curve.seeds)


def _mark(panel: Panel, curve: Curve, stroke: Stroke) -> str:
    """Draw a ring at the operating point, which the page's script moves; hidden if the point is undefined."""
    x, y = curve.mark or (0.0, 0.0)
    look = {"stroke": stroke.colour, "stroke_width": 2.4, "fill": colour("paper")}
    style = "display: none" if curve.mark is None else None
    return panel.dot(x, y, 6, **look, class_="mark", data_column=curve.name, style=style)

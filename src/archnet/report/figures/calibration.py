"""Calibration drawing: observed frequency against predicted probability (a reliability diagram)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archnet.report.figures.panel import Panel, unit_axis
from archnet.report.figures.ranking import diagonal, square_drawing, unit_panel
from archnet.report.figures.svg import Drawing, Stroke, colour, dashes

_LARGEST_DOT = 10.0  # radius of a bin that holds all cases


def reliability_drawing(
    curves: Mapping[str, Sequence[Mapping[str, Any]]],
    title: str,
    alt: str,
    hue: str,
    outcome: str = "observed frequency",
) -> Drawing:
    """Reliability diagrams (DeGroot and Fienberg 1983, doi:10.2307/2987588).

    Each bin is a dot whose area grows with its number of cases; a line is its 95% interval if it can be estimated. The
    first curve has filled dots; the others have hollow dots in the same colour.

    Args:
        curves: The bins of `calibration` by name in the legend; the first curve shows the intervals.
        title: Above.
        alt: Alternative text.
        hue: The name of the set, which determines the colour.
        outcome: Label of the quantity compared with the probabilities.
    """
    panel = unit_panel(unit_axis("predicted probability"), outcome)
    parts = [_curve(panel, bins, hue, place) for place, bins in enumerate(curves.values())]
    entries = [(name, Stroke(colour=colour(hue), dashes=dashes(place))) for place, name in enumerate(curves)]
    return square_drawing("".join([panel.axes(title), diagonal(panel), *parts]), entries, alt)


def _curve(panel: Panel, bins: Sequence[Mapping[str, Any]], hue: str, place: int) -> str:
    stroke, total = colour(hue), sum(entry["n"] for entry in bins)
    fill = stroke if place == 0 else colour("paper")
    x, y = [entry["probability"] for entry in bins], [entry["share"] for entry in bins]
    line = panel.line(x, y, stroke, stroke_width=1.2, stroke_dasharray=dashes(place))
    radii = [_LARGEST_DOT * (entry["n"] / total) ** 0.25 for entry in bins]
    dots = [panel.dot(*dot, fill=fill, stroke=stroke, stroke_width=1.4) for dot in zip(x, y, radii, strict=True)]
    bars = [
        panel.line([entry["probability"]] * 2, entry["interval"], stroke, stroke_opacity=0.6)
        for entry in bins
        if entry["interval"] is not None
    ]
    return "".join([line, *(bars if place == 0 else []), *dots])

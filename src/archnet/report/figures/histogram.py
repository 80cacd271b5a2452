"""Histogram of the voxel values of each class, with the input range of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from archnet.report.figures.panel import AXIS_HEIGHT, LINE_HEIGHT, Panel, legend, linear_axis
from archnet.report.figures.svg import NARROW, WIDE, Drawing, colour, element, series_stroke, shorten

_HEIGHT: Final = 220
_LEFT: Final = 64
_TOP: Final = 16


def histogram_drawing(values: Mapping[str, Any], limits: Sequence[float]) -> Drawing:
    """Draw the share of voxels in each bin, one line per class; the range scaled to 0 to 1 is shaded.

    Args:
        values: "classes" with `class_name` and `histogram`, and the `edges` of the bins.
        limits: Values that are scaled to 0 and 1.
    """
    return replace(_layout(values, limits, WIDE), narrow=_layout(values, limits, NARROW))


def _layout(values: Mapping[str, Any], limits: Sequence[float], width: float) -> Drawing:
    edges, classes = values["edges"], values["classes"]
    shares = [share for entry in classes for share in entry["histogram"]]
    x = linear_axis("value of a voxel", edges, margin=0.02)
    y = linear_axis("share of voxels", [0, *shares], num_ticks=4)
    panel = Panel(left=_LEFT, top=_TOP, width=width - _LEFT - 12, height=_HEIGHT, x=x, y=y)
    names = [shorten(entry["class_name"]) for entry in classes]
    entries = [(name, series_stroke(place)) for place, name in enumerate(names)]
    lines = [
        panel.line(*_outline(edges, entry["histogram"]), stroke.colour, stroke_dasharray=stroke.dashes)
        for entry, (_, stroke) in zip(classes, entries, strict=True)
    ]
    top = _TOP + _HEIGHT + AXIS_HEIGHT + 20
    low, high = limits
    return Drawing(
        width=width,
        height=top + LINE_HEIGHT * (len(names) - 1) + 8,
        elements=_window(panel, low, high) + panel.axes() + "".join(lines) + legend(entries, _LEFT, top),
        alt=f"Histograms of the voxel values of {', '.join(names)}. {low:g} to {high:g} are scaled to 0 to 1.",
    )


def _outline(edges: Sequence[float], shares: Sequence[float]) -> tuple[list[float], list[float]]:
    """The steps of a histogram as points of a line."""
    x = [edge for edge in edges for _ in range(2)]
    return x, [0.0, *(share for share in shares for _ in range(2)), 0.0]


def _window(panel: Panel, low: float, high: float) -> str:
    """The range scaled to 0 to 1, as a shaded area."""
    (left, _), (right, _) = panel.points([low, high], [panel.y.low] * 2).tolist()
    return element("rect", x=left, y=panel.top, width=right - left, height=panel.height, fill=colour("panel"))

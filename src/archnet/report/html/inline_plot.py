"""Inline plot: curves as SVG paths for a page, which colours them and moves their marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from archnet.evaluation.ranking import Floats
from archnet.report.curves import ROC, Curve, Plot, Point
from archnet.report.wording import decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where the square of a plot lies in its drawing, in pixels.

    Attributes:
        left: Of the square.
        top: Of the square.
        side: Of the square.
        width: Of the drawing.
        height: Of the drawing.
    """

    left: int = 44
    top: int = 8
    side: int = 320
    width: int = 376
    height: int = 372

    def to_pixels(self, point: Point) -> Point:
        """Pixels from left and top of a point whose coordinates go from 0 to 1."""
        x, y = point
        return round(self.left + self.side * x, 1), round(self.top + self.side * (1 - y), 1)


Band = tuple[Floats, Floats, Floats]

FRAME: Final = Frame()
TICKS: Final = {f"{tick / 10:.1f}": tick / 10 for tick in range(0, 11, 2)}


def inline_plot(
    plot: Plot, curves: Sequence[Curve], ticks: Mapping[str, float] = TICKS, bands: Sequence[Band | None] = ()
) -> dict[str, Any]:
    """What the template draws a plot from.

    Args:
        plot: What the axes say.
        curves: From 0 to 1 on both axes.
        ticks: Of the x axis, by what they say.
        bands: Of each curve, if any: x, and the lower and upper end there.
    """
    return {
        "title": plot.title,
        "x": plot.x,
        "y": plot.y,
        "alt": areas_text(plot, curves),
        "frame": FRAME,
        "x_ticks": [(label, FRAME.to_pixels((tick, 0))[0]) for label, tick in ticks.items()],
        "y_ticks": [(label, FRAME.to_pixels((0, tick))[1]) for label, tick in TICKS.items()],
        "bands": [band and svg_path(*_outline(*band)) for band in bands],
        "has_diagonal": plot is ROC,
        "curves": [
            {
                "name": curve.name,
                "area": f"{plot.area} {decimals(curve.area)}",
                "path": svg_path(curve.x, curve.y),
                "mark": curve.mark and FRAME.to_pixels(curve.mark),
            }
            for curve in curves
        ],
    }


def areas_text(plot: Plot, curves: Sequence[Curve]) -> str:
    """A plot in words: its title and the area of each curve."""
    areas = "; ".join(f"{curve.name}: {plot.area} {decimals(curve.area)}" for curve in curves)
    return f"{plot.title}. {areas}."


def _outline(x: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """A band's edge: forth along its lower end and back along the upper one."""
    return np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])


def svg_path(x: Floats, y: Floats, frame: Frame = FRAME) -> str:
    """A line through points, without those that lie between two others on the same level or upright.

    >>> svg_path(np.array([0, 0, 0, 0.5, 1]), np.array([0, 0.2, 1, 1, 1]))
    'M44 328L44 8L364 8'
    """
    points = np.stack([frame.left + frame.side * x, frame.top + frame.side * (1 - y)], axis=1).round(1)
    is_new = np.append(True, (np.diff(points, axis=0) != 0).any(axis=1))
    points = points[is_new]
    is_same = np.diff(points, axis=0) == 0
    is_kept = np.append(np.append(True, ~(is_same[1:] & is_same[:-1]).any(axis=1)), True)[: len(points)]
    return "M" + "L".join(f"{left:g} {top:g}" for left, top in points[is_kept].tolist())

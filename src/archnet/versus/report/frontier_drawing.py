"""The Pareto front of cost and quality: the AUC of each variant against its multiply-adds, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from archnet.report.figures.panel import AXIS_HEIGHT, LINE_HEIGHT, Axis, Panel, linear_axis
from archnet.report.figures.svg import HALO, NARROW, WIDE, Drawing, colour, element, series_colour, shorten, text
from archnet.report.wording import decimals, short_count
from archnet.sweep.report.pareto_drawing import cost_axis, staircase

_LEFT: Final = 58
_TOP: Final = 22
_HEIGHT: Final = 250
_APART: Final = 18  # pixels between variants of similar cost


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierPoint:
    """One variant.

    Attributes:
        number: The number of its dot, from 1.
        label: Name with its form.
        place: Index of its form, which determines its colour.
        cost: Multiply-adds of one case.
        value: Its quality.
        interval: 95% interval of the quality; None where it cannot be estimated.
        is_on_frontier: Whether no other variant is better at as many or fewer multiply-adds.
    """

    number: int
    label: str
    place: int
    cost: float
    value: float
    interval: Sequence[float] | None
    is_on_frontier: bool


def frontier_drawing(points: Sequence[FrontierPoint], label: str) -> Drawing:
    """Draw the variants: numbered dots with intervals, filled on the frontier, and the frontier as a line.

    Args:
        points: The variants, in their order.
        label: Name of the quality measure.
    """
    alt = _alt_text(points, label)
    wide, narrow = (_layout(points, label, alt, width) for width in (WIDE, NARROW))
    return replace(wide, narrow=narrow)


def _alt_text(points: Sequence[FrontierPoint], label: str) -> str:
    """The text alternative of the figure, with its numbers."""
    texts = [
        f"{point.label} {decimals(point.value)}{_interval_text(point)} at {short_count(point.cost)}" for point in points
    ]
    front = sorted((point for point in points if point.is_on_frontier), key=lambda point: point.cost)
    return (
        f"{label} against multiply-adds per case: {'; '.join(texts)}. On the frontier: "
        f"{', '.join(point.label for point in front)}."
    )


def _interval_text(point: FrontierPoint) -> str:
    return f" ({decimals(point.interval[0])} to {decimals(point.interval[1])})" if point.interval else ""


def _layout(points: Sequence[FrontierPoint], label: str, alt: str, width: float) -> Drawing:
    panel = Panel(
        left=_LEFT,
        top=_TOP,
        width=width - _LEFT - 14,
        height=_HEIGHT,
        x=cost_axis("multiply-adds per case", [point.cost for point in points]),
        y=_value_axis(points, label),
    )
    shown = spread_costs(points, panel)
    front = sorted((point for point in shown if point.is_on_frontier), key=lambda point: point.cost)
    line = staircase(panel, [(point.cost, point.value) for point in front]) if len(front) > 1 else ""
    legend_top = panel.bottom + AXIS_HEIGHT + 20
    return Drawing(
        width=width,
        height=legend_top + LINE_HEIGHT * len(points) - 8,
        elements="".join(
            [panel.axes(), line, *(_draw_point(panel, point) for point in shown), _legend(points, legend_top)]
        ),
        alt=alt,
    )


def _value_axis(points: Sequence[FrontierPoint], label: str) -> Axis:
    values = [number for point in points for number in (point.value, *(point.interval or ()))]
    return linear_axis(label, values, num_ticks=6, margin=0.12)


def spread_costs(points: Sequence[FrontierPoint], panel: Panel) -> list[FrontierPoint]:
    """Place points of similar cost side by side, so that their intervals do not overlap."""
    ordered = sorted(points, key=lambda point: (point.cost, point.number))
    wanted = panel.points([point.cost for point in ordered], [point.value for point in ordered])[:, 0].tolist()
    groups: list[list[float]] = []
    for x in wanted:
        if groups and x - _group_end(groups[-1]) < _APART:
            groups[-1].append(x)
        else:
            groups.append([x])
    lefts = [left for group in groups for left in _spread(group)]
    return [replace(point, cost=_cost_at(panel, left)) for point, left in zip(ordered, lefts, strict=True)]


def _spread(group: Sequence[float]) -> list[float]:
    """Positions at equal distances around the middle of a group."""
    middle = sum(group) / len(group)
    return [middle + _APART * (place - (len(group) - 1) / 2) for place in range(len(group))]


def _group_end(group: Sequence[float]) -> float:
    return max(_spread(group))


def _cost_at(panel: Panel, left: float) -> float:
    """The cost at a position of the logarithmic axis."""
    share = (left - panel.left) / panel.width
    return panel.x.low * math.exp(share * math.log(panel.x.high / panel.x.low))


def _draw_point(panel: Panel, point: FrontierPoint) -> str:
    hue = series_colour(point.place)
    fill = hue if point.is_on_frontier else colour("paper")
    line = "" if point.interval is None else panel.line([point.cost] * 2, point.interval, hue, stroke_width=2.4)
    top = point.interval[1] if point.interval else point.value
    ((x, y),) = panel.points(point.cost, top).tolist()
    number: dict[str, Any] = {"text_anchor": "middle", "fill": colour("ink"), "font_weight": 600, **HALO}
    dot = panel.dot(point.cost, point.value, 5, fill=fill, stroke=hue, stroke_width=2)
    return line + dot + text(str(point.number), x, y - 8, **number)


def _legend(points: Sequence[FrontierPoint], top: float) -> str:
    parts = []
    for row, point in enumerate(points):
        y, hue = top + LINE_HEIGHT * row, series_colour(point.place)
        fill = hue if point.is_on_frontier else colour("paper")
        parts.append(element("circle", cx=_LEFT + 6, cy=y - 4, r=5, fill=fill, stroke=hue, stroke_width=2))
        parts.append(text(f"{point.number}  {shorten(point.label)}", _LEFT + 18, y, fill=colour("ink")))
    return "".join(parts)

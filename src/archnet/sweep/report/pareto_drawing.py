"""The Pareto front of a sweep: the metric against three costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from archnet.report.figures.panel import AXIS_HEIGHT, LINE_HEIGHT, Axis, Panel, dot_legend, linear_ticks
from archnet.report.figures.svg import NARROW, WIDE, Drawing, colour, series_colour, text, text_width
from archnet.report.units import count_text
from archnet.spec.metrics import is_lower_better
from archnet.sweep.report.axis_labels import arch_places, logarithmic_axis, metric_label
from archnet.sweep.results.analysis import pareto_front
from archnet.sweep.results.leaderboard import Leaderboard, LeaderboardRow

MIN_VALUE_RANGE: Final = 0.005
"""Smallest range of the metric axis, so that noise does not fill the figure."""

_LEFT: Final = 58
_TOP: Final = 14
_GAP: Final = 24
_HEIGHT: Final = 240
_PITCH: Final = _TOP + _HEIGHT + AXIS_HEIGHT + 12
_LABEL_HEIGHT: Final = 12


def pareto_drawing(board: Leaderboard, alt: str) -> Drawing:
    """The metric against parameters, multiply-adds and seconds; a line joins the trials on the Pareto front."""
    return replace(_layout(board, alt, WIDE, num_columns=3), narrow=_layout(board, alt, NARROW, num_columns=1))


def _layout(board: Leaderboard, alt: str, width: float, num_columns: int) -> Drawing:
    rows = [row for row in board.rows if row.is_ranked]
    costs_by_name = {
        "parameters": [float(row.trial.parameters or 0) for row in rows],
        "multiply-adds per case": [float(row.trial.macs or 0) for row in rows],
        "training seconds": [row.seconds for row in rows],
    }
    y = _value_axis(board, [row.value or 0.0 for row in rows])
    panel_width = (width - _LEFT - 12 - _GAP * (num_columns - 1)) / num_columns
    panels = []
    for place, (name, costs) in enumerate(costs_by_name.items()):
        row, column = divmod(place, num_columns)
        panel = Panel(
            left=_LEFT + column * (panel_width + _GAP),
            top=_TOP + row * _PITCH,
            width=panel_width,
            height=_HEIGHT,
            x=cost_axis(name, costs),
            y=_inner_axis(y) if column else y,
        )
        panels.append(_draw_panel(board, rows, costs, panel))
    places = arch_places(board)
    names = {name: places[name] for name in places if name in _group_by_arch(rows)}
    legend_top = _PITCH * -(-len(costs_by_name) // num_columns) + 8
    has_legend = len(names) > 1
    elements = "".join(panels) + (dot_legend(names, _LEFT, legend_top) if has_legend else "")
    height = legend_top + (LINE_HEIGHT * len(names) if has_legend else -12)
    return Drawing(width=width, height=height, elements=elements, alt=alt)


def _inner_axis(axis: Axis) -> Axis:
    """The shared axis of a panel beside another one: its grid without its labels."""
    return replace(axis, label="", ticks=tuple((value, "") for value, _ in axis.ticks))


def _draw_panel(board: Leaderboard, rows: Sequence[LeaderboardRow], costs: Sequence[float], panel: Panel) -> str:
    values = [row.value or 0.0 for row in rows]
    front = _front(board, rows, costs)
    places = arch_places(board)
    hues = [series_colour(places[row.trial.arch or ""]) for row in rows]
    dots = [
        panel.dot(costs[k], values[k], 5, stroke=hue, stroke_width=1.8, fill=hue if k in front else colour("paper"))
        for k, hue in enumerate(hues)
    ]
    dots += [
        panel.dot(costs[k], values[k], 9, stroke=colour("ink"), stroke_width=1.6, fill="none")
        for k, row in enumerate(rows)
        if row is board.best
    ]
    return "".join([panel.axes(), staircase(panel, [(costs[k], values[k]) for k in front]), *dots,
                    *_front_labels(panel, [(rows[k].trial.number, costs[k], values[k]) for k in front])])  # fmt: skip


def staircase(panel: Panel, points: Sequence[tuple[float, float]]) -> str:
    """A line that keeps the value of each point up to the cost of the next."""
    costs, values = zip(*points, strict=True)
    return panel.line(np.repeat(costs, 2)[1:], np.repeat(values, 2)[:-1], colour("faint"), stroke_width=1.4)


def _front(board: Leaderboard, rows: Sequence[LeaderboardRow], costs: Sequence[float]) -> list[int]:
    sign = 1 if is_lower_better(board.sweep.metric) else -1
    return pareto_front(costs, [sign * (row.value or 0.0) for row in rows])


def _front_labels(panel: Panel, points: Sequence[tuple[int, float, float]]) -> list[str]:
    """The number of each trial on the front above its point, or higher where that overlaps another number."""
    labels, positions = [], list[tuple[float, float]]()
    for number, cost, value in points:
        ((x, y),) = panel.points(cost, value).tolist()
        y -= 13
        while any(
            abs(x - left) < text_width(str(number)) + 4 and abs(y - top) < _LABEL_HEIGHT for left, top in positions
        ):
            y -= _LABEL_HEIGHT
        positions.append((x, y))
        labels.append(text(str(number), x, y, text_anchor="middle", fill=colour("ink")))
    return labels


def cost_axis(name: str, costs: Sequence[float]) -> Axis:
    """A logarithmic cost axis with a few round numbers."""
    low, high = min(costs), max(costs)
    margin = max((high / low) ** 0.12, 1.15)
    axis = logarithmic_axis(name, low / margin, high * margin, (1, 2, 5) if high / low < 20 else (1,))
    if len(axis.ticks) < 2:
        return replace(axis, ticks=tuple((cost, count_text(cost)) for cost in dict.fromkeys((low, high))))
    return axis


def _value_axis(board: Leaderboard, values: Sequence[float]) -> Axis:
    """The metric axis, with room for numbers above the points and the best values at the top."""
    low, high = min(values), max(values)
    margin = max(0.14 * (high - low), (MIN_VALUE_RANGE - (high - low)) / 2)
    ends = (low - margin, high + margin)
    bottom, top = reversed(ends) if is_lower_better(board.sweep.metric) else ends
    return Axis(label=metric_label(board), low=bottom, high=top, ticks=linear_ticks(*ends))


def _group_by_arch(rows: Sequence[LeaderboardRow]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(row.trial.arch or "", []).append(index)
    return groups

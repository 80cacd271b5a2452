"""The Pareto front of a sweep: the metric against three costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from archnet.report.figures.theme import Theme, new_figure
from archnet.report.units import count_text
from archnet.spec.metrics import is_lower_better
from archnet.sweep.report.axis_labels import label_logarithmic, metric_label
from archnet.sweep.results.analysis import pareto_front
from archnet.sweep.results.leaderboard import Leaderboard, LeaderboardRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MIN_VALUE_RANGE: Final = 0.005
"""Smallest range of the metric on a figure, so that noise is not drawn large."""


def pareto_figure(board: Leaderboard, theme: Theme) -> Figure:
    """The metric against parameters, multiply-adds and seconds; a line joins the trials on the Pareto front."""
    figure = new_figure((10.4, 3.5), theme)
    rows = [row for row in board.rows if row.is_ranked]
    panels = {
        "parameters": [float(row.trial.parameters or 0) for row in rows],
        "multiply-adds per case": [float(row.trial.macs or 0) for row in rows],
        "training seconds": [row.seconds for row in rows],
    }
    for column, (name, costs) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(1, 3, column)
        _draw_pareto(axes, board, rows, costs, theme)
        axes.set_xlabel(name)
        if column == 1:
            axes.set_ylabel(metric_label(board))
    names = list(dict.fromkeys(row.trial.arch or "" for row in rows))
    if len(names) > 1:
        figure.axes[0].legend(loc="best")
    figure.tight_layout()
    for axes, costs in zip(figure.axes, panels.values(), strict=True):
        _label_front(axes, board, rows, costs)
    return figure


def _draw_pareto(
    axes: Axes, board: Leaderboard, rows: Sequence[LeaderboardRow], costs: Sequence[float], theme: Theme
) -> None:
    values = [row.value or 0.0 for row in rows]
    front = _front(board, rows, costs)
    front_costs, front_values = [costs[k] for k in front], [values[k] for k in front]
    axes.plot(front_costs, front_values, drawstyle="steps-post", color=theme.faint, lw=1.2, zorder=1)
    for color, (name, indices) in zip(theme.series * len(rows), _group_by_arch(rows).items(), strict=False):
        for k in indices:
            fill = color if k in front else theme.paper
            axes.plot(costs[k], values[k], "o", ms=6, mec=color, mfc=fill, mew=1.4)
        axes.plot([], [], "o", ms=6, color=color, label=name)
    _label_costs(axes, costs)
    _set_value_limits(axes, values)
    if is_lower_better(board.sweep.metric):
        axes.invert_yaxis()


def _front(board: Leaderboard, rows: Sequence[LeaderboardRow], costs: Sequence[float]) -> list[int]:
    sign = 1 if is_lower_better(board.sweep.metric) else -1
    return pareto_front(costs, [sign * (row.value or 0.0) for row in rows])


def _label_front(axes: Axes, board: Leaderboard, rows: Sequence[LeaderboardRow], costs: Sequence[float]) -> None:
    """Write the number of each trial on the front above its point, or higher where that overlaps another number."""
    size, label_positions = axes.figure.dpi / 72, list[tuple[float, float]]()
    for k in _front(board, rows, costs):
        text = str(rows[k].trial.number)
        x, y = axes.transData.transform((costs[k], rows[k].value or 0.0)) / size
        rise = 5
        while any(
            abs(x - other) < 5 * len(text) + 4 and abs(y + rise - height) < 9 for other, height in label_positions
        ):
            rise += 9
        label_positions.append((x, y + rise))
        axes.annotate(
            text, (costs[k], rows[k].value or 0.0), (0, rise), textcoords="offset points", ha="center", size=8
        )


def _label_costs(axes: Axes, costs: Sequence[float]) -> None:
    """Label the costs with a few round numbers."""
    low, high = min(costs), max(costs)
    margin = max((high / low) ** 0.12, 1.15)
    steps = (1, 2, 5) if high / low < 100 else (1,)
    label_logarithmic(axes, (low / margin, high * margin), steps)
    if len(axes.get_xticks()) < 2:
        axes.set_xticks([low, high], [count_text(low), count_text(high)])


def _set_value_limits(axes: Axes, values: Sequence[float]) -> None:
    """Leave room above the points for their numbers, and keep small differences small."""
    low, high = min(values), max(values)
    margin = max(0.14 * (high - low), (MIN_VALUE_RANGE - (high - low)) / 2)
    axes.set_ylim(low - margin, high + margin)
    axes.ticklabel_format(axis="y", useOffset=False)


def _group_by_arch(rows: Sequence[LeaderboardRow]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(row.trial.arch or "", []).append(index)
    return groups

"""The pictures of a sweep's report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from archnet.report.figures.theme import Theme, new_figure
from archnet.report.units import count_text
from archnet.spec.metrics import METRICS, is_lower_better
from archnet.spec.sweeps.search_space import Choice, Hyperparameter, Range, grid_values
from archnet.sweep.analysis import pareto_front, value_index
from archnet.sweep.leaderboard import Leaderboard, LeaderboardRow, hyperparameter_names, hyperparameter_text
from archnet.sweep.trials import STOPPED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_TICKS = 8
"""Values of an axis that parallel coordinates name."""

LINE_LENGTH = 120
"""Characters that the names under parallel coordinates have room for, side by side."""

MIN_VALUE_RANGE = 0.005
"""Of the metric between the bottom and the top of a picture; less is noise, and would be drawn as large."""


def metric_label(board: Leaderboard) -> str:
    """The metric as an axis of a picture is called."""
    return f"validation {METRICS[board.sweep.metric].full_label}"


def pareto_figure(board: Leaderboard, theme: Theme) -> Figure:
    """The metric against parameters, multiply-adds and seconds; a line joins those that none beats at their cost."""
    figure = new_figure((10.4, 3.5), theme)
    rows = [row for row in board.rows if row.is_ranked]
    panels = {
        "parameters": [float(row.trial.parameters or 0) for row in rows],
        "multiply-adds per case": [float(row.trial.macs or 0) for row in rows],
        "training seconds": [row.seconds for row in rows],
    }
    for place, (name, costs) in enumerate(panels.items()):
        axes = figure.add_subplot(1, 3, place + 1)
        _draw_pareto(axes, board, rows, costs, theme)
        axes.set_xlabel(name)
        if place == 0:
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
    steps = [costs[k] for k in front], [values[k] for k in front]
    axes.plot(*steps, drawstyle="steps-post", color=theme.faint, lw=1.2, zorder=1)
    for colour, (name, members) in zip(theme.series * len(rows), _group_by_arch(rows).items(), strict=False):
        for k in members:
            is_on = k in front
            axes.plot(costs[k], values[k], "o", ms=6, mec=colour, mfc=colour if is_on else theme.paper, mew=1.4)
        axes.plot([], [], "o", ms=6, color=colour, label=name)
    _label_costs(axes, costs)
    _set_value_limits(axes, values)
    if is_lower_better(board.sweep.metric):
        axes.invert_yaxis()


def _front(board: Leaderboard, rows: Sequence[LeaderboardRow], costs: Sequence[float]) -> list[int]:
    sign = 1 if is_lower_better(board.sweep.metric) else -1
    return pareto_front(costs, [sign * (row.value or 0.0) for row in rows])


def _label_front(axes: Axes, board: Leaderboard, rows: Sequence[LeaderboardRow], costs: Sequence[float]) -> None:
    """The numbers of the trials on the front, above their points; where there is no room, above the last one's."""
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
    """A few round numbers."""
    low, high = min(costs), max(costs)
    margin = max((high / low) ** 0.12, 1.15)
    steps = (1, 2, 5) if high / low < 100 else (1,)
    _label_logarithmic(axes, (low / margin, high * margin), steps)
    if len(axes.get_xticks()) < 2:
        axes.set_xticks([low, high], [count_text(low), count_text(high)])


def _label_logarithmic(axes: Axes, limits: tuple[float, float], steps: Sequence[int]) -> None:
    """Labels of our own, since Matplotlib's powers of ten need its own formulas."""
    ticks = [step * 10.0**power for power in range(-3, 16) for step in steps]
    visible_ticks = [tick for tick in ticks if limits[0] <= tick <= limits[1]]
    axes.set_xscale("log")
    axes.set_xticks(visible_ticks, [count_text(tick) for tick in visible_ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(limits)


def _set_value_limits(axes: Axes, values: Sequence[float]) -> None:
    """Room above the points for their names, and no differences drawn large that are none."""
    low, high = min(values), max(values)
    margin = max(0.14 * (high - low), (MIN_VALUE_RANGE - (high - low)) / 2)
    axes.set_ylim(low - margin, high + margin)
    axes.ticklabel_format(axis="y", useOffset=False)


def _group_by_arch(rows: Sequence[LeaderboardRow]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.trial.arch or "", []).append(place)
    return places


def parallel_figure(board: Leaderboard, theme: Theme) -> Figure:
    """A line for each trial through its values and its metric; the darker the better, the best one in colour."""
    rows = [row for row in board.rows if row.is_compared]
    hyperparameters = list(board.sweep.space.items())
    figure = new_figure((10.4, 3.6), theme)
    axes = figure.add_subplot()
    values = np.array([row.value for row in rows], np.float64)
    low, high = float(values.min()), float(values.max())
    heights = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    places = np.argsort(np.argsort(-values if is_lower_better(board.sweep.metric) else values))
    shades = ((places + 1) / len(rows)) ** 2  # by place, as one bad trial would else make all others dark
    for row, height, shade in sorted(zip(rows, heights, shades, strict=True), key=lambda entry: entry[2]):
        points = [*(_height(hyperparameter, row.trial.values[key]) for key, hyperparameter in hyperparameters), height]
        is_best = row is board.best
        colour = theme.wrong if is_best else theme.accent
        axes.plot(range(len(points)), points, color=colour, lw=2.6 if is_best else 1.3, alpha=0.1 + 0.8 * shade)
    _label_parallel(axes, board, (low, high), theme)
    figure.tight_layout()
    return figure


def _label_parallel(axes: Axes, board: Leaderboard, limits: tuple[float, float], theme: Theme) -> None:
    axes.grid(visible=False)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)
    space = board.sweep.space
    names = [*hyperparameter_names(list(space)), metric_label(board)]
    axes.set_xticks(range(len(names)), [_wrap_name(name, LINE_LENGTH // len(names)) for name in names])
    axes.tick_params(axis="x", length=0, pad=10, labelcolor=theme.ink)
    low, high = limits
    ticks = [*map(_ticks, space.values()), [(0.0, f"{low:.3f}"), (1.0, f"{high:.3f}")]]
    for place, entries in enumerate(ticks):
        axes.axvline(place, color=theme.faint, lw=1, zorder=0)
        for height, text in entries:
            axes.text(place + 0.02, height, text, size=8, va="center", color=theme.ink,
                      bbox={"boxstyle": "square,pad=0.1", "fc": theme.paper, "ec": "none", "alpha": 0.8})  # fmt: skip
    axes.set_xlim(-0.05, len(names) - 0.8)


def _wrap_name(name: str, length: int) -> str:
    r"""A name in lines of at most so many characters, broken within words only where they don't fit.

    >>> _wrapped("layers[1].layers[2].num_output", 20), _wrapped("training.learning_rate", 9)
    ('layers[1].layers[2].\nnum_output', 'training.\nlearning_\nrate')
    """
    parts, lines = re.findall(r"[^. ]+[. ]?", name), [""]
    if max(map(len, parts)) > length:
        parts = re.findall(r"[^._ ]*[._ ]|[^._ ]+", name)
    for part in parts:
        if lines[-1] and len(lines[-1] + part) > length:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _height(hyperparameter: Hyperparameter, value: Any) -> float:
    """Where a value stands on its axis, from 0 to 1."""
    if isinstance(hyperparameter, Choice):
        return value_index(hyperparameter.values, value) / max(len(hyperparameter.values) - 1, 1)
    low, high = hyperparameter.low, hyperparameter.high
    if isinstance(hyperparameter, Range) and hyperparameter.type == "log_uniform":
        return float(np.log(value / low) / np.log(high / low))
    return float((value - low) / (high - low))


def _ticks(hyperparameter: Hyperparameter) -> list[tuple[float, str]]:
    """Height and text of the values that are named: all, or the ends of a range, or some of a choice, evenly."""
    values = grid_values(hyperparameter) or ()
    if not 0 < len(values) <= MAX_TICKS:
        candidates = (
            hyperparameter.values if isinstance(hyperparameter, Choice) else (hyperparameter.low, hyperparameter.high)
        )
        values = [
            candidates[round(place)] for place in np.linspace(0, len(candidates) - 1, min(len(candidates), MAX_TICKS))
        ]
    return [(_height(hyperparameter, value), hyperparameter_text(value)) for value in values]


def importance_figure(shares: Sequence[tuple[str, float | None]], theme: Theme) -> Figure:
    """A bar for each axis, the longest first."""
    ordered = sorted(shares, key=lambda entry: entry[1] or 0.0)
    figure = new_figure((6.4, 0.9 + 0.34 * len(ordered)), theme)
    axes = figure.add_subplot()
    axes.barh([name for name, _ in ordered], [share or 0.0 for _, share in ordered], color=theme.accent, height=0.6)
    for place, (_, share) in enumerate(ordered):
        text = "too few trials" if share is None else f"{share:.0%}"
        axes.text((share or 0.0) + 0.01, place, text, size=8, va="center", color=theme.ink)
    axes.set_xlim(0, 1.08)
    axes.set_xlabel("share of the variance between trials")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    figure.tight_layout()
    return figure


def learning_figure(board: Leaderboard, theme: Theme) -> Figure:
    """The metric of each run after each epoch; ended early dashed, the best trial in colour.

    Epochs are logarithmic where trials were ended early: ASHA compares them after 1, 3, 9, ... epochs.
    """
    figure = new_figure((10.4, 3.4), theme)
    axes = figure.add_subplot()
    for row in reversed(board.rows):
        is_best, is_stopped = row is board.best, row.trial.state == STOPPED
        for curve in row.curves:
            epochs = range(1, len(curve.values) + 1)
            line = "--" if is_stopped else "-"
            if is_best:
                axes.plot(epochs, curve.values, line, color=theme.wrong, lw=2.2, zorder=3)
            else:
                axes.plot(epochs, curve.values, line, color=theme.accent, lw=1, alpha=0.45)
            if is_stopped or len(curve.values) == 1:
                axes.plot(epochs[-1:], curve.values[-1:], "o", color=theme.accent, ms=3.5)
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric_label(board))
    axes.ticklabel_format(axis="y", useOffset=False)
    longest = max(len(curve.values) for row in board.rows for curve in row.curves)
    if any(row.trial.state == STOPPED for row in board.rows) and longest > 1:
        _label_logarithmic(axes, (1 / 1.03, longest * 1.03), (1, 2, 3, 5))
    else:
        axes.locator_params(axis="x", integer=True)
    figure.tight_layout()
    return figure

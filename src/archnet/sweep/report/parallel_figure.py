"""Parallel coordinates: a line for each trial through the values of its hyperparameters and its metric."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from archnet.report.figures.theme import Theme, new_figure
from archnet.spec.metrics import is_lower_better
from archnet.spec.sweeps.search_space import Choice, Hyperparameter, grid_values
from archnet.sweep.report.axis_labels import metric_label
from archnet.sweep.results.analysis import value_index
from archnet.sweep.results.hyperparameter_text import hyperparameter_names, hyperparameter_text
from archnet.sweep.results.leaderboard import Leaderboard, LeaderboardRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_TICKS: Final = 8
"""Largest number of values of a hyperparameter that are labelled."""

LINE_LENGTH: Final = 120
"""Characters that fit side by side under the figure, shared by the names of all axes."""


def parallel_figure(board: Leaderboard, theme: Theme) -> Figure:
    """A line for each trial through its values and its metric: better trials darker, the best one in another color."""
    rows = [row for row in board.rows if row.is_compared]
    figure = new_figure((10.4, 3.6), theme)
    axes = figure.add_subplot()
    values = np.array([row.value for row in rows], np.float64)
    low, high = float(values.min()), float(values.max())
    heights = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    ranks = np.argsort(np.argsort(-values if is_lower_better(board.sweep.metric) else values))
    shades = ((ranks + 1) / len(rows)) ** 2  # by rank: by value, one bad trial would make all others dark
    for row, height, shade in sorted(zip(rows, heights, shades, strict=True), key=lambda entry: entry[2]):
        points = [*_value_heights(board, row), height]
        color, width = (theme.wrong, 2.6) if row is board.best else (theme.accent, 1.3)
        axes.plot(range(len(points)), points, color=color, lw=width, alpha=0.1 + 0.8 * shade)
    _label_parallel(axes, board, (low, high), theme)
    figure.tight_layout()
    return figure


def _value_heights(board: Leaderboard, row: LeaderboardRow) -> list[float]:
    return [_height(hyperparameter, row.trial.values[key]) for key, hyperparameter in board.sweep.space.items()]


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
    for x, labels in enumerate(ticks):
        axes.axvline(x, color=theme.faint, lw=1, zorder=0)
        for height, text in labels:
            axes.text(x + 0.02, height, text, size=8, va="center", color=theme.ink,
                      bbox={"boxstyle": "square,pad=0.1", "fc": theme.paper, "ec": "none", "alpha": 0.8})  # fmt: skip
    axes.set_xlim(-0.05, len(names) - 0.8)


def _wrap_name(name: str, length: int) -> str:
    r"""A name in lines of at most `length` characters, broken after dots, and after underscores where that is too long.

    >>> _wrap_name("layers[1].layers[2].num_output", 20), _wrap_name("training.learning_rate", 9)
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
    """The height of a value on its axis, from 0 to 1."""
    if isinstance(hyperparameter, Choice):
        return value_index(hyperparameter.values, value) / max(len(hyperparameter.values) - 1, 1)
    low, high = hyperparameter.low, hyperparameter.high
    if hyperparameter.type == "log_uniform":
        return float(np.log(value / low) / np.log(high / low))
    return float((value - low) / (high - low))


def _ticks(hyperparameter: Hyperparameter) -> list[tuple[float, str]]:
    """Height and text of the labelled values."""
    return [(_height(hyperparameter, value), hyperparameter_text(value)) for value in _labelled_values(hyperparameter)]


def _labelled_values(hyperparameter: Hyperparameter) -> Sequence[Any]:
    """All values of a hyperparameter if they are few; otherwise the ends of a range, or evenly chosen values."""
    values = grid_values(hyperparameter) or ()
    if 0 < len(values) <= MAX_TICKS:
        return values
    if not isinstance(hyperparameter, Choice):
        return hyperparameter.low, hyperparameter.high
    return [values[round(index)] for index in np.linspace(0, len(values) - 1, MAX_TICKS)]

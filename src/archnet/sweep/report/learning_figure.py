"""The learning curves of all runs of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archnet.report.figures.theme import Theme, new_figure
from archnet.sweep.report.axis_labels import label_logarithmic, metric_label
from archnet.sweep.results.leaderboard import Leaderboard, LeaderboardRow
from archnet.sweep.results.trials import STOPPED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def learning_figure(board: Leaderboard, theme: Theme) -> Figure:
    """The metric of each run after each epoch: stopped runs dashed, the best trial in another color.

    Epochs are logarithmic if trials were stopped early: ASHA compares them after 1, 3, 9, ... epochs.
    """
    figure = new_figure((10.4, 3.4), theme)
    axes = figure.add_subplot()
    for row in reversed(board.rows):
        _draw_row(axes, row, theme, is_best=row is board.best)
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric_label(board))
    axes.ticklabel_format(axis="y", useOffset=False)
    longest = max(len(curve.values) for row in board.rows for curve in row.curves)
    if any(row.trial.state == STOPPED for row in board.rows) and longest > 1:
        label_logarithmic(axes, (1 / 1.03, longest * 1.03), (1, 2, 3, 5))
    else:
        axes.locator_params(axis="x", integer=True)
    figure.tight_layout()
    return figure


def _draw_row(axes: Axes, row: LeaderboardRow, theme: Theme, *, is_best: bool) -> None:
    """Draw the curve of each run of a trial, with a dot at the end of a curve that stops early or has one epoch."""
    is_stopped = row.trial.state == STOPPED
    color, width, alpha, order = (theme.wrong, 2.2, 1.0, 3) if is_best else (theme.accent, 1.0, 0.45, 2)
    for curve in row.curves:
        epochs = range(1, len(curve.values) + 1)
        line = "--" if is_stopped else "-"
        axes.plot(epochs, curve.values, line, color=color, lw=width, alpha=alpha, zorder=order)
        if is_stopped or len(curve.values) == 1:
            axes.plot(epochs[-1:], curve.values[-1:], "o", color=theme.accent, ms=3.5)

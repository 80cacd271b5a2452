"""Figures: one function a picture, each from plain data to a matplotlib figure; `write_figures` draws a whole run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from archnet.evaluation.ranking import Floats
from archnet.files.atomic import atomic_write
from archnet.report.curves import run_curves
from archnet.report.figures.montage import NUM_PICTURES, gallery_pictures, montage_figure
from archnet.report.figures.ranking import curve_figure
from archnet.report.figures.theme import LIGHT, Theme, line_style, new_figure, theme_context
from archnet.report.run_files import RunFiles
from archnet.report.wording import SET_NAMES, percent
from archnet.spec.metrics import Metric, history_column, metrics_shown_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def confusion_matrix_figure(
    matrix: Sequence[Sequence[int]], classes: Sequence[str], title: str, theme: Theme = LIGHT
) -> Figure:
    """A confusion matrix: counts, and each cell's share of its row (the truth), which also shades it."""
    counts = np.asarray(matrix, dtype=np.float64)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    side = 1.6 + 0.95 * len(classes)
    figure = new_figure((side + 0.8, side), theme)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap=theme.colour_map, vmin=0, vmax=1.15)
    _label_cells(axes, counts, shares)
    _label_classes(axes, classes, [int(total) for total in totals.ravel()])
    axes.set_title(title, pad=12)
    figure.tight_layout()
    return figure


def _label_cells(axes: Axes, counts: Floats, shares: Floats) -> None:
    for (row, column), number in np.ndenumerate(counts):
        colour = "#ffffff" if shares[row, column] > 0.55 else "#1b1f24"
        weight = "bold" if row == column else "normal"
        axes.text(column, row - 0.1, f"{number:,.0f}", ha="center", va="center", size=13, color=colour, weight=weight)
        share = percent(float(shares[row, column])) if counts[row].sum() else "no case"
        axes.text(column, row + 0.2, share, ha="center", va="center", size=8, color=colour)


def _label_classes(axes: Axes, classes: Sequence[str], totals: list[int]) -> None:
    ticks = range(len(classes))
    axes.set_xticks(ticks, classes)
    axes.set_yticks(ticks, [f"{name}\n{total:,} cases" for name, total in zip(classes, totals, strict=True)])
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def training_curves_figure(history: Mapping[str, Sequence[float]], theme: Theme = LIGHT) -> Figure:
    """Loss and metrics against the epoch, training and validation together."""
    panels = [
        metric
        for metric in metrics_shown_in("training_curves")
        if any(history_column(part, metric.name) in history for part in ("train", "validation"))
    ]
    figure = new_figure((2.9 * len(panels) + 0.3, 2.7), theme)
    for place, metric in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), place + 1)
        _draw_history(axes, history, metric, theme)
        if place == 0:
            axes.legend(loc="upper right")
    figure.tight_layout(w_pad=2.0)
    return figure


def _draw_history(axes: Axes, history: Mapping[str, Sequence[float]], metric: Metric, theme: Theme) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = history["epoch"]
    for place, part in enumerate(("train", "validation")):
        column = history_column(part, metric.name)
        if column in history:
            axes.plot(
                epochs,
                history[column],
                color=theme.colour(place),
                linestyle=line_style(place),
                marker="o" if len(epochs) < 3 else None,
                label=SET_NAMES[part],
            )
    axes.set_title(metric.label[0].upper() + metric.label[1:])
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    if metric.range:
        low, high = metric.range
        axes.set_ylim(low - 0.02, high + 0.02)


def interval_figure(
    names: Sequence[str],
    panels: Mapping[str, Sequence[tuple[float | None, Sequence[float] | None]]],
    theme: Theme = LIGHT,
) -> Figure:
    """Each metric's number and 95% interval, a dot and a line for each run, the runs below each other.

    Args:
        names: Of the runs.
        panels: For each metric's title, (number, interval) of each run; None where undefined.
        theme: Colours.
    """
    figure = new_figure((9.4, 0.9 + 0.36 * len(names)), theme)
    first_axes = None
    for place, (title, entries) in enumerate(panels.items()):
        axes = figure.add_subplot(1, len(panels), place + 1, sharey=first_axes)
        first_axes = first_axes or axes
        _draw_intervals(axes, entries, theme)
        axes.set_title(title)
        axes.tick_params(axis="y", length=0, labelleft=place == 0)
    if first_axes is not None:
        first_axes.set_yticks(range(len(names)), names)
        first_axes.set_ylim(len(names) - 0.5, -0.5)
    figure.tight_layout(w_pad=1.5)
    return figure


def _draw_intervals(axes: Axes, entries: Sequence[tuple[float | None, Sequence[float] | None]], theme: Theme) -> None:
    from matplotlib.ticker import MaxNLocator

    for row, (value, interval) in enumerate(entries):
        colour = theme.colour(row)
        if interval is not None:
            axes.plot(interval, [row, row], color=colour, lw=2.2)
        if value is not None:
            axes.plot(value, row, "o", ms=6, mfc=colour, mec=theme.paper, mew=1)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)


def write_figures(run: RunFiles) -> list[Path]:
    """Draw a run's pictures into its `figures` folder: what there is data for, each by atomic rename.

    Returns:
        The files written.
    """
    folder = run.folder / "figures"
    with theme_context(LIGHT) as theme:
        return [_save_figure(folder / f"{name}.png", figure) for name, figure in _run_figures(run, theme)]


def _run_figures(run: RunFiles, theme: Theme) -> Iterator[tuple[str, Figure]]:
    for name in run.sets:
        title = f"{run.name}, {SET_NAMES[name]} set"
        matrix = run.metrics[name]["confusion_matrix"]
        yield f"confusion_matrix_{name}", confusion_matrix_figure(matrix, run.classes, title, theme)
    if run.history.get("epoch"):
        yield "training_curves", training_curves_figure(run.history, theme)
    for plot, curves in run_curves(run).items():
        yield plot.name, curve_figure(plot, curves, f"{plot.title}, {run.name}", theme)
    for name, kind, title in (
        ("samples", "sample", "Training cases"),
        ("wrong_cases", "wrong", "Most confidently wrong"),
    ):
        shown = gallery_pictures(run, kind)[:NUM_PICTURES]
        if shown:
            yield name, montage_figure(shown, title, theme=theme)


def _save_figure(path: Path, figure: Figure) -> Path:
    with atomic_write(path) as draft:
        figure.savefig(draft)
    return path

"""Figures: one function a picture, each from plain data to a matplotlib figure; `write_figures` draws a whole run.

Draw inside `drawing(theme)`, which sets type and colours for the block and leaves matplotlib as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from archnet.evaluation.predictions import Predictions
from archnet.evaluation.ranking import Floats, roc_curve
from archnet.evaluation.run_folder import replaced
from archnet.report.montage import montage_figure, pictures
from archnet.report.run_files import RunFiles, read_run
from archnet.report.theme import LIGHT, LINES, Theme, new_figure, style
from archnet.report.wording import SET_NAMES, decimals, percent, reported_set

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS = {"loss": "Loss", "accuracy": "Accuracy", "recall": "Recall", "auc": "AUC"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """One ROC curve.

    Attributes:
        name: What the legend says.
        false_positive_rate: Shape (S,), rising.
        recall: Shape (S,), rising.
        auc: Area under it; None where unknown.
        mark: (false-positive rate, recall) at the run's threshold, or None.
    """

    name: str
    false_positive_rate: Floats
    recall: Floats
    auc: float | None
    mark: tuple[float, float] | None = None


@contextmanager
def drawing(theme: Theme = LIGHT) -> Iterator[Theme]:
    """A block in which pictures are drawn in a theme."""
    import matplotlib as mpl

    with mpl.rc_context(style(theme)):
        yield theme


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
    """Loss, accuracy, recall and AUC against the epoch, training and validation together."""
    panels = [key for key in _PANELS if any(f"{part}_{key}" in history for part in ("train", "validation"))]
    figure = new_figure((2.9 * len(panels) + 0.3, 2.7), theme)
    for place, key in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), place + 1)
        _draw_history(axes, history, key, theme)
        if place == 0:
            axes.legend(loc="upper right")
    figure.tight_layout(w_pad=2.0)
    return figure


def _draw_history(axes: Axes, history: Mapping[str, Sequence[float]], key: str, theme: Theme) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = history["epoch"]
    for place, part in enumerate(("train", "validation")):
        if f"{part}_{key}" in history:
            axes.plot(
                epochs,
                history[f"{part}_{key}"],
                color=theme.series[place],
                linestyle=LINES[place],
                marker="o" if len(epochs) < 3 else None,
                label=SET_NAMES[part],
            )
    axes.set_title(_PANELS[key])
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    if key != "loss":
        axes.set_ylim(-0.02, 1.02)


def roc_figure(curves: Sequence[Curve], title: str, theme: Theme = LIGHT) -> Figure:
    """ROC curves with their areas; a ring marks where the run's threshold stands."""
    figure = new_figure((4.6, 4.5), theme)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=theme.faint, lw=0.8, linestyle=(0, (2, 3)))
    for place, curve in enumerate(curves):
        colour, line = theme.series[place % len(theme.series)], LINES[place % len(LINES)]
        label = f"{curve.name}, AUC {decimals(curve.auc)}"
        axes.plot(curve.false_positive_rate, curve.recall, color=colour, linestyle=line, label=label)
        if curve.mark is not None:
            axes.plot(*curve.mark, "o", ms=8, mfc=theme.paper, mec=colour, mew=1.8, zorder=3)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="false-positive rate", ylabel="recall")
    axes.set_aspect("equal")
    axes.set_title(title)
    axes.legend(loc="lower right")
    figure.tight_layout()
    return figure


def roc_curves(run: RunFiles) -> list[Curve]:
    """The curve of each set for two classes; of each class against the rest, on the reported set, for more."""
    if len(run.classes) == 2:
        found = [roc_curve_of(run, name, run.positive, SET_NAMES[name]) for name in run.sets]
    else:
        name = reported_set(run.sets)
        found = [roc_curve_of(run, name, k, label) for k, label in enumerate(run.classes)]
    return [curve for curve in found if curve is not None]


def roc_curve_of(run: RunFiles, set_name: str, k: int, label: str) -> Curve | None:
    """The ROC curve of class k in one set; None where the class or its rest is missing."""
    part = run.predictions.only(set_name)
    is_positive = part.y_true == k
    if is_positive.all() or not is_positive.any():
        return None
    false_positive_rate, recall = roc_curve(part.probabilities[:, k], is_positive)
    area = run.metrics[set_name]["auc"]
    return Curve(
        name=label,
        false_positive_rate=false_positive_rate,
        recall=recall,
        auc=area["per_class"][run.classes[k]] if isinstance(area, dict) else area,
        mark=_operating_point(part, k, run.metrics[set_name]["threshold"]),
    )


def _operating_point(part: Predictions, k: int, threshold: float | None) -> tuple[float, float] | None:
    """False-positive rate and recall of class k at a threshold."""
    if threshold is None:
        return None
    flagged, is_positive = part.probabilities[:, k] >= threshold, part.y_true == k
    return float(flagged[~is_positive].mean()), float(flagged[is_positive].mean())


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
    shared = None
    for place, (title, entries) in enumerate(panels.items()):
        axes = figure.add_subplot(1, len(panels), place + 1, sharey=shared)
        shared = shared or axes
        _draw_intervals(axes, entries, theme)
        axes.set_title(title)
        axes.tick_params(axis="y", length=0, labelleft=place == 0)
    if shared is not None:
        shared.set_yticks(range(len(names)), names)
        shared.set_ylim(len(names) - 0.5, -0.5)
    figure.tight_layout(w_pad=1.5)
    return figure


def _draw_intervals(axes: Axes, entries: Sequence[tuple[float | None, Sequence[float] | None]], theme: Theme) -> None:
    from matplotlib.ticker import MaxNLocator

    for row, (value, interval) in enumerate(entries):
        colour = theme.series[row % len(theme.series)]
        if interval is not None:
            axes.plot(interval, [row, row], color=colour, lw=2.2)
        if value is not None:
            axes.plot(value, row, "o", ms=6, mfc=colour, mec=theme.paper, mew=1)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)


def write_figures(folder: Path) -> list[Path]:
    """Draw a run's pictures into its `figures` folder: what there is data for, each by atomic rename.

    Returns:
        The files written.
    """
    run = read_run(folder)
    with drawing(LIGHT) as theme:
        return [_written(folder / "figures" / f"{name}.png", figure) for name, figure in _figures(run, theme)]


def _figures(run: RunFiles, theme: Theme) -> Iterator[tuple[str, Figure]]:
    for name in run.sets:
        title = f"{run.name}, {SET_NAMES[name]} set"
        matrix = run.metrics[name]["confusion_matrix"]
        yield f"confusion_matrix_{name}", confusion_matrix_figure(matrix, run.classes, title, theme)
    if run.history.get("epoch"):
        yield "training_curves", training_curves_figure(run.history, theme)
    curves = roc_curves(run)
    if curves:
        yield "roc", roc_figure(curves, f"ROC, {run.name}", theme)
    for name, kind, title in (
        ("samples", "sample", "Training cases"),
        ("wrong_cases", "wrong", "Most confidently wrong"),
    ):
        shown = pictures(run, kind)
        if shown:
            yield name, montage_figure(shown, title, theme=theme)


def _written(path: Path, figure: Figure) -> Path:
    with replaced(path) as draft:
        figure.savefig(draft)
    return path

"""Calibration figure: what a network's probabilities say against what comes true (a reliability diagram)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archnet.report.figures.theme import Theme, draw_diagonal, line_style, new_figure, set_unit_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def reliability_figure(curves: Mapping[str, Sequence[Mapping[str, Any]]], title: str, theme: Theme) -> Figure:
    """Reliability diagrams (DeGroot and Fienberg 1983, doi:10.2307/2987588).

    Each bin is a dot, the larger the more cases it has, and its 95% interval a line.

    Args:
        curves: For each name in the legend the bins of `calibration`; the first one carries the intervals.
        title: Above.
        theme: Colours.
    """
    figure = new_figure((4.6, 4.5), theme)
    axes = figure.add_subplot()
    draw_diagonal(axes, theme)
    for place, (name, bins) in enumerate(curves.items()):
        _draw_curve(axes, name, bins, place, theme)
    set_unit_axes(axes, "predicted probability", "observed frequency")
    axes.set_title(title)
    axes.legend(loc="upper left")
    figure.tight_layout()
    return figure


def _draw_curve(axes: Axes, name: str, bins: Sequence[Mapping[str, Any]], place: int, theme: Theme) -> None:
    colour, confidences = theme.colour(place), [entry["probability"] for entry in bins]
    shares, total = [entry["share"] for entry in bins], sum(entry["n"] for entry in bins)
    axes.plot(
        confidences, shares, color=colour, linestyle=line_style(place), lw=1, marker="os"[place], ms=3, label=name
    )
    axes.scatter(
        confidences, shares, s=[200 * (entry["n"] / total) ** 0.5 for entry in bins], color=colour, marker="os"[place]
    )
    if place == 0:
        ends = [entry["interval"] for entry in bins]
        axes.vlines(confidences, [low for low, _ in ends], [high for _, high in ends], color=colour, lw=1, alpha=0.6)

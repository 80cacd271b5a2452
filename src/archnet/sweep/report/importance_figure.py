"""The importance of each hyperparameter of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archnet.report.figures.theme import Theme, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def importance_figure(shares: Sequence[tuple[str, float | None]], theme: Theme) -> Figure:
    """A bar for each hyperparameter, the most important first."""
    ordered = sorted(shares, key=lambda entry: entry[1] or 0.0)
    figure = new_figure((6.4, 0.9 + 0.34 * len(ordered)), theme)
    axes = figure.add_subplot()
    axes.barh([name for name, _ in ordered], [share or 0.0 for _, share in ordered], color=theme.accent, height=0.6)
    for y, (_, share) in enumerate(ordered):
        text = "too few trials" if share is None else f"{share:.0%}"
        axes.text((share or 0.0) + 0.01, y, text, size=8, va="center", color=theme.ink)
    axes.set_xlim(0, 1.08)
    axes.set_xlabel("share of the variance between trials")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    figure.tight_layout()
    return figure

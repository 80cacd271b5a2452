"""A heat map over the case that it explains: slices without it, and below them with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from archnet.report.figures.slices import label_slice, spread_indices
from archnet.report.figures.theme import LIGHT, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUM_SLICES: Final = 8
"""Slices shown, at most."""

COLOUR_MAP: Final = "inferno"
_SIDE = 1.35  # inches of a picture
_MAX_OPACITY = 0.75  # how far the hottest place hides the image


def heat_figure(image: NDArray[np.float32], heat: NDArray[np.float32], title: str, meaning: str) -> Figure:
    """Slices of a case above, the same slices under their heat below; what is not above 0 stays uncovered.

    Args:
        image: (height, width, depth) in [0, 1].
        heat: (height, width, depth).
        title: Of the figure; its second line is set smaller.
        meaning: What the values of the heat map are.
    """
    indices = slice_indices(heat)
    width, height = _SIDE * len(indices) + 1.0, 2 * _SIDE + 0.75
    figure = new_figure((max(width, 6.0), height))
    right = (width - 0.9) / max(width, 6.0)
    grid = figure.subplots(2, len(indices), squeeze=False)
    figure.subplots_adjust(left=0.01, right=right, bottom=0.02, top=1 - 0.66 / height, hspace=0.03, wspace=0.03)
    max_heat = float(max(heat.max(), 0)) or 1.0
    for column, index in enumerate(indices):
        for row, axes in enumerate(grid[:, column]):
            axes.set_axis_off()
            axes.imshow(image[:, :, index], cmap="gray", vmin=0, vmax=1)
            if row:
                _overlay_heat(axes, heat[:, :, index], max_heat)
        label_slice(grid[0, column], index)
    _draw_bar(figure, right, max_heat, meaning)
    heading, _, detail = title.partition("\n")
    figure.text(0.01, 1 - 0.1 / height, heading, size=10, weight="bold", va="top", color=LIGHT.ink)
    figure.text(0.01, 1 - 0.36 / height, detail, size=8, va="top", color=LIGHT.faint)
    return figure


def slice_indices(heat: NDArray[np.float32]) -> list[int]:
    """Slices evenly spread over the depth, the hottest one in place of its nearest.

    >>> hot = np.zeros((2, 2, 30), np.float32)
    >>> hot[0, 0, 11] = 1
    >>> slice_indices(hot)
    [0, 4, 8, 11, 17, 21, 25, 29]
    """
    indices = spread_indices(heat.shape[2], NUM_SLICES)
    hottest = int(heat.max(axis=(0, 1)).argmax())
    if heat.max() > 0:
        indices[np.abs(indices - hottest).argmin()] = hottest
    slices: list[int] = indices.tolist()
    return slices


def _overlay_heat(axes: Axes, heat: NDArray[np.float32], max_heat: float) -> None:
    share = np.clip(heat / max_heat, 0, 1)
    axes.imshow(share, cmap=COLOUR_MAP, vmin=0, vmax=1, alpha=_MAX_OPACITY * np.sqrt(share))


def _draw_bar(figure: Figure, right: float, max_heat: float, meaning: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    axes = figure.add_axes((right + 0.012, 0.06, 0.012, 0.66))
    bar = figure.colorbar(ScalarMappable(Normalize(0, max_heat), COLOUR_MAP), cax=axes)
    bar.ax.tick_params(labelsize=6, color=LIGHT.faint, labelcolor=LIGHT.ink)
    bar.set_label(meaning, size=6, color=LIGHT.ink)

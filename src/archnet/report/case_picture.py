"""One case before training: its slices, and what augmentation does to the central one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.report.montage import central_slice
from archnet.report.theme import LIGHT, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NUM_SLICES: Final = 10
"""Slices shown of a volume, evenly spread over its depth."""


def case_figure(image: NDArray[Any], title: str, augmented: Mapping[str, NDArray[Any]]) -> Figure:
    """The slices of a case in the first row, one augmentation in each row below.

    Args:
        image: (height, width[, depth]) in [0, 1].
        title: Of the figure.
        augmented: By name, results (num_draws, height, width[, depth]) in [0, 1].
    """
    rows: list[tuple[str, list[tuple[int | None, NDArray[Any]]]]] = [("slices", _slices(image))]
    rows += [(name, [(None, one) for one in results]) for name, results in augmented.items()]
    columns = max(len(pictures) for _, pictures in rows)
    figure = new_figure((1.25 * columns + 0.2, 1.4 * len(rows) + 0.4), LIGHT)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=1 - 0.6 / (1.4 * len(rows) + 0.4), hspace=0.25)
    for axes in grid.flat:
        axes.set_axis_off()
    for line, (name, pictures) in zip(grid, rows, strict=True):
        for axes, (index, pixels) in zip(line, pictures, strict=False):
            axes.imshow(central_slice(pixels), cmap="gray", vmin=0, vmax=1)
            axes.set_title("" if index is None else str(index), size=7, pad=2)
        line[0].set_title(
            f"{name}" + (f" {pictures[0][0]}" if pictures[0][0] is not None else ""), size=8, loc="left", pad=2
        )
    figure.suptitle(title, size=10, x=0.01, ha="left")
    return figure


def _slices(image: NDArray[Any]) -> list[tuple[int | None, NDArray[Any]]]:
    """Axial slices with their index; an image as the only one."""
    if image.ndim == 2:
        return [(None, image)]
    depth = image.shape[2]
    indices = np.unique(np.linspace(0, depth - 1, min(depth, NUM_SLICES)).round().astype(int))
    return [(int(index), image[:, :, index]) for index in indices]

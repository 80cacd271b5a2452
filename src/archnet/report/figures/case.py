"""One case before training: its slices and augmented versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.report.figures.slices import central_index, label_slice, spread_indices
from archnet.report.figures.theme import LIGHT, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUM_SLICES: Final = 10
"""Number of slices shown for a volume, evenly spaced over its depth."""

PictureRow = tuple[str, list[tuple[int | None, NDArray[Any]]]]
"""A heading and its pictures: index of the slice and its pixels (height, width)."""


def case_figure(image: NDArray[Any], title: str, augmentations: Sequence[tuple[str, NDArray[Any]]]) -> Figure:
    """Draw the slices of a case in the first row and one augmentation in each row below.

    Args:
        image: (height, width[, depth]) in [0, 1].
        title: Title of the figure.
        augmentations: Headings and results (num_draws, height, width[, depth]) in [0, 1].
    """
    rows: list[PictureRow] = [("slices" if image.ndim == 3 else "image", _spread_slices(image))]
    rows += [
        (heading, [_representative_slice(result, image) for result in results]) for heading, results in augmentations
    ]
    columns = max(len(pictures) for _, pictures in rows)
    height = 1.5 * len(rows) + 0.4
    figure = new_figure((1.25 * columns + 0.2, height))
    grid = figure.subplots(len(rows), columns, squeeze=False)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.1 / height, top=1 - 0.65 / height, hspace=0.25, wspace=0.06)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes_row, (heading, pictures) in zip(grid, rows, strict=True):
        for axes, (index, pixels) in zip(axes_row, pictures, strict=False):
            _draw_slice(axes, index, pixels)
        axes_row[0].set_title(heading, size=8, loc="left", pad=3, color=LIGHT.ink)
    figure.suptitle(title, size=10, x=0.01, y=1 - 0.08 / height, ha="left", va="top")
    return figure


def _draw_slice(axes: Axes, index: int | None, pixels: NDArray[Any]) -> None:
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1)
    if index is not None:
        label_slice(axes, index)


def _representative_slice(result: NDArray[Any], image: NDArray[Any]) -> tuple[int | None, NDArray[Any]]:
    """The central slice of a result; if it is unchanged, the slice that changed most."""
    if result.ndim == 2:
        return None, result
    changes = np.abs(result - image).sum(axis=(0, 1))
    index = central_index(result.shape[2])
    if changes[index] == 0 and changes.any():
        index = int(changes.argmax())
    return index, result[:, :, index]


def _spread_slices(image: NDArray[Any]) -> list[tuple[int | None, NDArray[Any]]]:
    """Axial slices with their index; an image is a single slice."""
    if image.ndim == 2:
        return [(None, image)]
    return [(int(index), image[:, :, index]) for index in spread_indices(image.shape[2], NUM_SLICES)]

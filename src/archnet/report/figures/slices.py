"""Slices of a volume: selection, images, and labels in a figure."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NUM_NEIGHBOURS: Final = 2  # number in a strip, on each side of the central slice


def central_index(depth: int) -> int:
    """Index of the central one of `depth` slices."""
    return depth // 2


def strip_indices(num_slices: int, central: int) -> list[int]:
    """Indices of the central slice and its neighbours on both sides; empty for a single slice.

    Deep volumes are subsampled, so that the strip spans about half of the depth of a crop.

    >>> strip_indices(10, 5), strip_indices(64, 32), strip_indices(1, 0)
    ([3, 4, 5, 6, 7], [20, 26, 32, 38, 44], [])
    """
    step = max(1, num_slices // 10)
    indices = [central + step * offset for offset in range(-_NUM_NEIGHBOURS, _NUM_NEIGHBOURS + 1)]
    return [index for index in indices if 0 <= index < num_slices] if num_slices > 1 else []


def spread_indices(depth: int, num_slices: int) -> NDArray[np.int64]:
    """At most `num_slices` indices, evenly spaced over the depth, including the first and the last.

    >>> spread_indices(30, 4).tolist(), spread_indices(2, 4).tolist()
    ([0, 10, 19, 29], [0, 1])
    """
    indices = np.linspace(0, depth - 1, min(depth, num_slices)).round().astype(np.int64)
    return np.unique(indices)


def image_uri(pixels: NDArray[np.uint8]) -> str:
    """Encode a greyscale image (height, width) as a data URI; 0 is black and 255 white."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def label_slice(axes: Axes, index: int) -> None:
    """Draw a slice's index in its lower left corner."""
    box: dict[str, Any] = {"facecolor": "black", "edgecolor": "none", "pad": 1}
    axes.text(0.03, 0.04, str(index), size=6, color="white", bbox=box, transform=axes.transAxes)

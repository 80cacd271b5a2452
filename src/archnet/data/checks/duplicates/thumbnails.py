"""Thumbnails of cases: 16 x 16 x 8 means, normalized so that a * x + b has the same thumbnail as x."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.files.progress import Progress, no_progress

SIDE: Final = 16
"""Number of cells along the height and the width."""
MAX_DEPTH: Final = 8
"""Maximum number of cells along the depth; fewer if there are fewer slices."""
_CHUNK_VOXELS: Final = 2**20

Floats = NDArray[np.float32]


def thumbnail_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Shape of the thumbnail of a case.

    >>> thumbnail_shape((64, 64, 10)), thumbnail_shape((64, 64, 5)), thumbnail_shape((28, 28))
    ((16, 16, 8), (16, 16, 5), (16, 16, 1))
    """
    return SIDE, SIDE, min(MAX_DEPTH, shape[2]) if len(shape) == 3 else 1


def make_thumbnails(cases: NDArray[Any]) -> Floats:
    """Compute sums over the cells of a grid, normalized to mean 0 and standard deviation 1; zeros for a constant case.

    Args:
        cases: (n, height, width[, depth]) of any type.

    Returns:
        (n, 16, 16, cells along the depth)
    """
    volumes = as_volumes(cases)
    x = volumes.astype(np.float32)
    x -= x[:, :1, :1, :1].copy()  # a large offset would cost precision
    sums = apply_along_axes(
        x, [_cell_weights(*sizes) for sizes in zip(x.shape[1:], thumbnail_shape(cases.shape[1:]), strict=True)]
    )
    return normalize(sums)


def measure_thumbnails(values: NDArray[Any], progress: Progress = no_progress) -> NDArray[np.float16]:
    """Compute the thumbnails of all cases, in chunks.

    Args:
        values: (n, height, width[, depth]), at least one; may be memory-mapped.
        progress: Wraps the chunks.
    """
    thumbnails = np.zeros((len(values), *thumbnail_shape(values.shape[1:])), np.float16)
    size = max(1, _CHUNK_VOXELS // values[0].size)
    starts = range(0, len(values), size)
    for start in progress(starts, "Making thumbnails", len(starts)):
        thumbnails[start : start + size] = make_thumbnails(values[start : start + size])
    return thumbnails


def as_volumes(cases: NDArray[Any]) -> NDArray[Any]:
    """Cases as volumes; images get a depth of 1."""
    return cases[..., np.newaxis] if cases.ndim == 3 else cases


def normalize(thumbnails: Floats) -> Floats:
    """Normalize thumbnails to mean 0 and standard deviation 1, or to 0 if all cells are equal."""
    axes = tuple(range(1, thumbnails.ndim))
    centred = thumbnails - thumbnails.mean(axes, keepdims=True)
    scale = centred.std(axes, keepdims=True)
    largest = np.abs(thumbnails).max(axes, keepdims=True)
    is_flat = scale <= 1e-6 * largest
    result: Floats = np.divide(centred, scale, out=np.zeros_like(thumbnails), where=~is_flat)
    return result


def zoom_thumbnails(thumbnails: Floats, scale: float, depth_scale: float) -> Floats:
    """Interpolate the central part of thumbnails to all cells, like a copy zoomed by 1/scale."""
    side, deep = interpolation(SIDE, scale), interpolation(thumbnails.shape[3], depth_scale)
    return normalize(apply_along_axes(thumbnails, [side, side, deep]))


def apply_along_axes(volumes: Floats, weights: Sequence[Floats]) -> Floats:
    """Multiply volumes (n, height, width, depth) by a matrix (new length, length) along each axis.

    With two matrices, the depth keeps its length.
    """
    num, height, width, depth = volumes.shape
    rows = weights[0] @ volumes.reshape(num, height, width * depth)
    columns = weights[1] @ rows.reshape(num * len(weights[0]), width, depth)
    result: Floats = columns if len(weights) == 2 else columns.reshape(-1, depth) @ weights[2].T
    return result.reshape(num, len(weights[0]), len(weights[1]), -1)


@lru_cache(maxsize=64)
def interpolation(length: int, scale: float) -> Floats:
    """Weights (length, length) that interpolate the central `scale` of an axis linearly to its whole length."""
    centre = (length - 1) / 2
    places = centre + (np.arange(length) - centre) * scale
    weights: Floats = np.maximum(0, 1 - np.abs(places[:, np.newaxis] - np.arange(length))).astype(np.float32)
    return weights


@lru_cache(maxsize=64)
def _cell_weights(length: int, num_cells: int) -> Floats:
    """Weights (num_cells, length) of the voxels of each cell; a cell may begin or end inside a voxel."""
    edges = np.linspace(0, length, num_cells + 1)
    voxels = np.arange(length)
    overlap = np.minimum(edges[1:, np.newaxis], voxels + 1) - np.maximum(edges[:-1, np.newaxis], voxels)
    weights: Floats = np.maximum(overlap, 0).astype(np.float32)
    return weights

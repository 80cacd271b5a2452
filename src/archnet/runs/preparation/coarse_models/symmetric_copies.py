"""Coarse cases and their flipped and rotated copies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.dataset import Dataset
from archnet.runs.preparation.coarse_models.baseline_models import axis_block_means
from archnet.spec.augmentations import AXES
from archnet.spec.view import scale_to_unit

GRIDS: Final = {2: (16, 16), 3: (8, 8, 8)}
"""Maximum number of blocks along each axis, whose means are the features of the regression."""

_VOXELS_AT_ONCE: Final = 2**24

RIGHT_ANGLES: Final = "right angles"

Images = NDArray[np.float32]


def name_symmetries(names: Sequence[str]) -> str:
    """Describe symmetries in words.

    >>> name_symmetries(["height", "width", "depth", "right angles"]), name_symmetries(["right angles"])
    ('flips along height, width and depth and rotations by right angles', 'rotations by right angles')
    """
    axes = [name for name in names if name != RIGHT_ANGLES]
    *others, last = axes or [""]
    flips = [f"flips along {' and '.join([*([', '.join(others)] if others else []), last])}"] if axes else []
    return " and ".join([*flips, *(["rotations by right angles"] if RIGHT_ANGLES in names else [])])


def coarse_images(dataset: Dataset, rows: NDArray[np.int64]) -> Images:
    """The cases as means over blocks that are symmetric about the centre of each axis, (N, blocks, ...).

    If the network has several input channels, they are the last axis.
    """
    rank = len(dataset.shape)
    portion = max(1, _VOXELS_AT_ONCE // math.prod(dataset.shape) // len(dataset.limits.channels))
    starts = range(0, len(rows), portion)
    return np.concatenate([_coarsen(_scaled_cases(dataset, rows[start : start + portion]), rank) for start in starts])


def _scaled_cases(dataset: Dataset, rows: NDArray[np.int64]) -> Images:
    return scale_to_unit(dataset.crops(rows).values, dataset.limits)


def _coarsen(images: Images, rank: int) -> Images:
    for axis, (size, number) in enumerate(zip(images.shape[1 : 1 + rank], GRIDS[rank], strict=True), 1):
        means = axis_block_means(np.eye(size, dtype=np.float32), 0, min(number, size))
        weights = np.float32(0.5) * (means + means[::-1, ::-1])
        images = np.moveaxis(np.tensordot(images, weights, (axis, 1)), -1, axis)
    return images


def make_copies(images: Images, names: Sequence[str]) -> list[Images]:
    """The images under all distinct combinations of symmetries; the first is the original.

    With rotations, a flip along the width equals a flip along the height rotated twice.

    Args:
        images: (N, height, width[, depth]), with or without channels.
        names: Axes to flip, and `RIGHT_ANGLES`.

    >>> len(make_copies(np.zeros((5, 4, 4, 2), np.float32), ["height", "width", "depth", RIGHT_ANGLES]))
    16
    """
    turns = range(4) if RIGHT_ANGLES in names else range(1)
    flips = [number for number, axis in enumerate(AXES, 1) if axis in names]
    if len(turns) > 1 and flips[:2] == [1, 2]:
        del flips[1]
    choices = product(*([(), (axis,)] for axis in flips))
    return [np.rot90(np.flip(images, sum(axes, ())), turn, axes=(1, 2)) for axes in choices for turn in turns]

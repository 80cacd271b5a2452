"""Spatial augmentations for whole batches: rotations, flips, shifts, zooms and cutout.

Voxels that only change positions are gathered by flat index, whole columns along the depth where possible: exactly and
in one pass. Positions between voxels are interpolated linearly with air (0) outside, like SciPy's
`ndimage.affine_transform` with `order=1, mode="grid-constant"`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from archnet.network.augmentation.distributions import rescale_uniforms, uniform_integers
from archnet.spec.augmentations import AXES, Cutout, Flip, RightAngles, Rotate, RotatedCopies, Shift, Zoom

Tensor = Any


def rotate_right_angles(entry: RightAngles | RotatedCopies, images: Tensor, uniforms: Tensor) -> Tensor:
    """Rotate each case by 0, 90, 180 or 270 degrees; see `shape_problem` for slices that are not square."""
    slice_shape = images.shape[1:3]
    pixels = np.arange(math.prod(slice_shape), dtype=np.int32).reshape(slice_shape)
    tables = np.stack([np.rot90(pixels, turns).reshape(slice_shape) for turns in range(4)])
    return _gather(images, ops.take(tables, uniform_integers(uniforms[:, 0], 4), axis=0))


def flip(entry: Flip, images: Tensor, uniforms: Tensor) -> Tensor:
    """Flip each case along each axis with probability 1/2."""
    sources = [
        ops.where(uniforms[:, axis, None] < 0.5, ops.flip(source, 1), source) if AXES[axis] in entry.axes else source
        for axis, source in enumerate(_axis_positions(images))
    ]
    return _gather(images, _flat_index(sources if "depth" in entry.axes else sources[:2]))


def shift(entry: Shift, images: Tensor, uniforms: Tensor) -> Tensor:
    """Shift each case by whole voxels, and fill the gap with air."""
    limits = (entry.height, entry.width, entry.depth) if entry.depth else (entry.height, entry.width)
    sources = [
        source - (uniform_integers(uniforms[:, axis, None], 2 * limit + 1) - limit)
        for axis, (source, limit) in enumerate(zip(_axis_positions(images), limits, strict=False))
    ]
    is_inside = True
    for axis, source in enumerate(sources):
        is_inside = ops.logical_and(
            is_inside, _broadcast_along_axis(axis, _is_inside(source, 0, source.shape[1]), images)
        )
    nearest = [ops.clip(source, 0, source.shape[1] - 1) for source in sources]
    return ops.where(is_inside, _gather(images, _flat_index(nearest)), 0.0)


def cut_out(entry: Cutout, images: Tensor, uniforms: Tensor) -> Tensor:
    """Fill a box inside each case with air (after DeVries and Taylor 2017, arXiv:1708.04552)."""
    is_cut = True
    for axis, place in enumerate(_axis_positions(images)):
        length = round(entry.share * place.shape[1])
        start = uniform_integers(uniforms[:, axis, None], place.shape[1] - length + 1)
        is_cut = ops.logical_and(is_cut, _broadcast_along_axis(axis, _is_inside(place, start, start + length), images))
    return ops.where(is_cut, 0.0, images)


def rotate(entry: Rotate, images: Tensor, uniforms: Tensor) -> Tensor:
    """Rotate each case around its centre in the axial plane by one of the entry's angles."""
    height, width = images.shape[1:3]
    down = np.arange(height, dtype=np.float32)[:, np.newaxis] - (height - 1) / 2
    right = np.arange(width, dtype=np.float32) - (width - 1) / 2
    radians = np.deg2rad(np.asarray(entry.degrees))
    angles = np.stack([np.cos(radians) - 1, np.sin(radians)]).astype(np.float32)
    angle_index = uniform_integers(uniforms[:, 0, None, None], len(radians))
    cosine, sine = ops.take(angles[0], angle_index), ops.take(angles[1], angle_index)
    return _interpolate(images, cosine * down + sine * right, cosine * right - sine * down)


def zoom(entry: Zoom, images: Tensor, uniforms: Tensor) -> Tensor:
    """Zoom into each case around its centre, one axis after the other."""
    factors = rescale_uniforms(entry.factor, uniforms[:, 0])
    shape = ops.shape(images)
    for axis, size in enumerate(images.shape[1:-1]):
        if AXES[axis] in entry.axes:
            before, after = math.prod(images.shape[1 : axis + 1]), math.prod(images.shape[axis + 2 :])
            weights = _zoom_weights(size, factors)
            if after == 1:  # one large matrix product per case instead of many small ones
                images = ops.matmul(ops.reshape(images, (-1, before, size)), ops.swapaxes(weights, 1, 2))
            else:
                images = ops.matmul(weights[:, None], ops.reshape(images, (-1, before, size, after)))
            images = ops.reshape(images, shape)
    return ops.clip(images, 0.0, 1.0)  # on a GPU, rounding can make the weights of a product sum to more than 1


def _zoom_weights(size: int, factors: Tensor) -> Tensor:
    """(N, size, size) weight of each old voxel (last axis) in each new voxel, along one axis."""
    steps = np.arange(size, dtype=np.float32)
    from_centre = (steps - (size - 1) / 2)[:, np.newaxis]
    distance = (1 / factors - 1)[:, None, None] * from_centre - (steps - steps[:, np.newaxis])
    return _hat(distance)


def _axis_positions(images: Tensor) -> list[Tensor]:
    """Position of each voxel along each spatial axis, (1, size)."""
    return [ops.arange(size, dtype="int32")[None] for size in images.shape[1:-1]]


def _is_inside(positions: Tensor, start: Tensor, end: Tensor) -> Tensor:
    return ops.logical_and(positions >= start, positions < end)


def _broadcast_along_axis(axis: int, values: Tensor, images: Tensor) -> Tensor:
    """Reshape (N, size) values along one spatial axis for broadcasting over images."""
    shape = [1] * (len(images.shape) - 1)
    shape[axis] = values.shape[1]
    return ops.reshape(values, (-1, *shape))


def _flat_index(sources: Sequence[Tensor]) -> Tensor:
    """Flat indices (N, size, size, ..) from the indices (N, size) along each axis."""
    flat = sources[0]
    for source in sources[1:]:
        spread = ops.reshape(source, (-1, *(1,) * (len(flat.shape) - 1), source.shape[1]))
        flat = flat[..., None] * source.shape[1] + spread
    return flat


def _gather(images: Tensor, index: Tensor) -> Tensor:
    """Gather the voxels of images, or columns of voxels, from other positions in the same case.

    Args:
        images: (N, height, width[, depth], channels).
        index: (N, height, width[, depth]) flat index over these axes; without depth, whole columns are gathered.
    """
    num_axes = len(index.shape) - 1
    num_places = math.prod(images.shape[1 : num_axes + 1])
    first = ops.reshape(ops.arange(ops.shape(images)[0], dtype="int32") * num_places, (-1, *(1,) * num_axes))
    return ops.take(ops.reshape(images, (-1, *images.shape[num_axes + 1 :])), index + first, axis=0)


def _interpolate(images: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Interpolate each column of images between four columns.

    Args:
        images: (N, height, width[, depth], channels).
        down: (N, height, width) displacement along the height of the source of each column. A displacement has
            a higher precision than a position because it is smaller.
        right: The same along the width.
    """
    rows, columns = (places[0] for places in _axis_positions(images)[:2])
    result = 0.0
    for (row, above), (column, beside) in itertools.product(
        _neighbours(rows[:, None], down, images.shape[1]), _neighbours(columns, right, images.shape[2])
    ):
        weights = ops.reshape(above * beside, (-1, *images.shape[1:3], *(1,) * (len(images.shape) - 3)))
        result += _gather(images, row * images.shape[2] + column) * weights
    return ops.clip(result, 0.0, 1.0)


def _neighbours(positions: Tensor, displacements: Tensor, size: int) -> list[tuple[Tensor, Tensor]]:
    """The two neighbours of each source position along one axis, with their weights, which are 0 outside."""
    before = ops.floor(displacements)
    sides = []
    for side in (0, 1):
        place = positions + ops.cast(before, "int32") + side
        weight = ops.where(_is_inside(place, 0, size), _hat(displacements - before - side), 0.0)
        sides.append((ops.clip(place, 0, size - 1), weight))
    return sides


def _hat(distance: Tensor) -> Tensor:
    """Weight of linear interpolation for a voxel at a distance, in voxels."""
    return ops.maximum(1 - ops.abs(distance), 0.0)

"""The full-resolution correlation that decides whether one case is a copy of another.

Large structures make whole images correlate: crops with similar borders between lung and chest wall reach 0.98. Two
scans differ in their fine structures, so only details of one to two voxels in the plane are compared, and the square
roots of their magnitudes, so that a single sharp edge does not dominate.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from archnet.data.checks.duplicates.orientations import MAX_SHIFT
from archnet.data.checks.duplicates.thumbnails import Floats, apply_along_axes

_FINE, _COARSE = 1.0, 2.0
"""Standard deviations, in voxels, of the two Gaussians whose difference is compared."""
_BLOCK: Final = (72, 72, 16)
"""Shape of the central part that is compared first."""
_REQUIRED: Final = ((441, 0.96), (2116, 0.85), (6400, 0.88), (20_000, 0.77))
"""Number of compared voxels, and the minimum correlation of copies.

The highest values of unrelated cases were 0.94 (4,053 LUNA16 slices at half the resolution, 21 x 21 pixels inside the
border), 0.93 (their central 24 x 24 pixels), 0.82 (8,106 slices, 46 x 46), 0.86 (336 LIDC cubes, 20 x 20 x 16: two
chest walls), 0.76 (1,008 crops of the phantom, 60 x 60 x 10) and below 0.6 (134 LIDC nodules, 47 x 47 x 16; 110 crops
of two CTs, 60 x 60 x 10).
"""
MIN_PIXELS: Final = 1200
MIN_VOXELS: Final = 6400
"""Smaller slices and volumes have too few details to distinguish copies from similar cases."""
_SLICE_SIDE: Final = 48
"""Size of the central part of a slice that is compared first."""
_MIN_ROOT_CORRELATION: Final = 0.7
MIN_DETAILS: Final = 50
_TINY: Final = np.finfo(np.float32).tiny
"""Divisor in the place of 0."""


def correlate(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Correlate the details of pairs of cases at the best shift of up to two voxels.

    Args:
        first: (n, height, width, depth)
        second: (n, height, width, depth)

    Returns:
        (n,) from 0 to 1: the mean of the correlations of the details and of their roots, or half of the latter if it is
        below 0.7. The sign of the contrast is ignored. 0 if there are too few details to recognize a case.
    """
    bands = extract_bands(first), extract_bands(second)
    scores = _best_correlations(*map(_root, bands)) / 2
    scores[np.minimum(count_details(bands[0]), count_details(bands[1])) < MIN_DETAILS] = 0
    likely = scores >= _MIN_ROOT_CORRELATION / 2
    if likely.any():
        scores[likely] += _best_correlations(bands[0][likely], bands[1][likely]) / 2
    for row in np.flatnonzero(scores >= required_correlation(second.shape[1:])).tolist():
        scores[row] = min(scores[row], _correlate_outside_padding(first[row], second[row]))
    return scores


def required_correlation(shape: tuple[int, ...]) -> float:
    """Minimum correlation of the details of two cases (height, width, depth) that are copies.

    >>> round(required_correlation((64, 64, 10)), 2), round(required_correlation((28, 28, 1)), 2)
    (0.77, 0.94)
    """
    num_voxels = num_compared_voxels(shape)
    counts, correlations = zip(*_REQUIRED, strict=True)
    return float(np.interp(np.log(num_voxels), np.log(counts), correlations))


def num_compared_voxels(shape: tuple[int, ...]) -> int:
    """Number of voxels of two cases (height, width, depth) that are compared."""
    height, width, depth = map(min, shape, _BLOCK)
    return (height - 2 * _border(height)) * (width - 2 * _border(width)) * depth


def correlate_slices(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Correlate the central slice of the second case of each pair with the central slices of the first.

    A copy that is shifted or flipped along the depth also contains this slice, so most pairs need no other comparison.

    Args:
        first: (n, height, width, depth)
        second: (n, height, width, depth)

    Returns:
        (n,) correlations of the roots of details, in the best slice and at the best shift in the plane.
    """
    centre = second.shape[3] // 2
    slices = slice(max(0, centre - MAX_SHIFT - 1), min(second.shape[3], centre + MAX_SHIFT + 1))
    plane = tuple(
        slice(max(0, (length - _SLICE_SIDE) // 2), (length + _SLICE_SIDE) // 2) for length in second.shape[1:3]
    )
    found = _root(extract_bands(first[:, *plane, slices]))
    wanted = _root(extract_bands(second[:, *plane, centre : centre + 1]))
    products = _cross_correlate(found, wanted, (1, 2))
    weights = [_overlaps(length) for length in wanted.shape[1:3]]
    energy = apply_along_axes(found**2, weights) * apply_along_axes(wanted**2, weights)[:, ::-1, ::-1]
    best: NDArray[np.float64] = (
        (np.abs(products) / np.sqrt(np.maximum(energy, _TINY))).max((1, 2, 3)).astype(np.float64)
    )
    return best


def central_block(case: NDArray[Any]) -> NDArray[Any]:
    """The central block of a case, which flips and rotations preserve: at most 72 x 72 x 16 voxels."""
    margins = [max(0, (length - wanted + 1) // 2) for length, wanted in zip(case.shape, _BLOCK, strict=True)]
    return case[tuple(slice(margin, length - margin) for margin, length in zip(margins, case.shape, strict=True))]


def _best_correlations(first: Floats, second: Floats) -> NDArray[np.float64]:
    """Absolute correlations of arrays (n, height, width, depth) at their best shifts: (n,)."""
    products = _cross_correlate(first, second, (1, 2, 3))
    weights = [_overlaps(length) for length in second.shape[1:]]
    energy = apply_along_axes(first**2, weights) * apply_along_axes(second**2, weights)[:, ::-1, ::-1, ::-1]
    correlations = np.abs(products) / np.sqrt(np.maximum(energy, _TINY))
    best: NDArray[np.float64] = correlations.max((1, 2, 3)).astype(np.float64)
    return best


def _root(bands: Floats) -> Floats:
    result: Floats = np.sign(bands) * np.sqrt(np.abs(bands))
    return result


def _correlate_outside_padding(first: NDArray[Any], second: NDArray[Any]) -> float:
    """The correlation of `correlate` outside flat areas, because two scans may have the same padding.

    The result is infinite if too few details are left.
    """
    masks = np.stack([_cut_border(~_find_flat(case)) for case in (first, second)]).astype(np.float32)
    bands = extract_bands(np.stack([first, second])) * masks
    if count_details(bands).min() < MIN_DETAILS:
        return np.inf
    return (_masked_correlation(*bands, *masks) + _masked_correlation(*_root(bands), *masks)) / 2


def _masked_correlation(first: Floats, second: Floats, first_mask: Floats, second_mask: Floats) -> float:
    """Absolute correlation where both masks are 1, at the best shift."""
    axes = tuple(range(second.ndim))
    products = _cross_correlate(first, second, axes)
    energy = _cross_correlate(first**2, second_mask, axes) * _cross_correlate(first_mask, second**2, axes)
    return float((np.abs(products) / np.sqrt(np.maximum(energy, 1e-6 * energy.max() + _TINY))).max())


def _find_flat(case: NDArray[Any]) -> NDArray[np.bool_]:
    """Mask of the voxels of a case (height, width, depth) near an area of equal values, such as padding."""
    is_equal = np.ones(case.shape, bool)
    is_equal[1:] &= case[1:] == case[:-1]
    is_equal[:, 1:] &= case[:, 1:] == case[:, :-1]
    is_area = ndimage.binary_erosion(is_equal, np.ones((5, 5, 1)), border_value=True)
    near: NDArray[np.bool_] = ndimage.binary_dilation(is_area, np.ones((15, 15, 1)))
    return near


def _cut_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The part of a case that `extract_bands` returns."""
    borders = [_border(length) for length in mask.shape[:2]]
    return mask[tuple(slice(border, length - border) for border, length in zip(borders, mask.shape, strict=False))]


def _cross_correlate(first: Floats, second: Floats, axes: tuple[int, ...]) -> Floats:
    """Sums of products of two arrays at each shift along these axes."""
    shifts = [_shifts(second.shape[axis]) for axis in axes]
    sizes = [fft.next_fast_len(second.shape[axis] + max(by), real=True) for axis, by in zip(axes, shifts, strict=True)]
    products: Floats = fft.irfftn(fft.rfftn(first, sizes, axes) * fft.rfftn(second, sizes, axes).conj(), sizes, axes)
    for axis, by in zip(axes, shifts, strict=True):
        products = np.take(products, by, axis)
    return products


def extract_bands(cases: NDArray[Any]) -> Floats:
    """Filter cases (n, height, width, depth) to structures of one to two voxels in the plane, without the border."""
    x = cases.astype(np.float32)
    x -= x[:, :1, :1, :1].copy()
    _, height, width, _ = x.shape
    fine, coarse = (
        apply_along_axes(x, [_gaussian(height, sigma), _gaussian(width, sigma)]) for sigma in (_FINE, _COARSE)
    )
    bands: Floats = fine - coarse
    bands[np.abs(bands) <= 1e-5 * np.abs(x).max((1, 2, 3), keepdims=True)] = 0  # rounding errors
    return bands


def count_details(bands: Floats) -> Floats:
    """Effective number of voxels with details in each case: (n,)."""
    strengths, squares = (values.sum((1, 2, 3)) for values in (np.abs(bands), bands**2))
    counts: Floats = strengths**2 / np.maximum(squares, _TINY)
    return counts


@lru_cache(maxsize=64)
def _gaussian(length: int, sigma: float) -> Floats:
    """Weights (length without the border, length) of a Gaussian filter along an axis."""
    places = np.arange(length)
    border = _border(length)
    weights = np.exp(-0.5 * ((places[:, np.newaxis] - places) / sigma) ** 2)
    smooth: Floats = (weights / weights.sum(1, keepdims=True)).astype(np.float32)[border : length - border]
    return smooth


def _border(length: int) -> int:
    """Number of voxels at either end of an axis where the filter lacks neighbours."""
    return 2 if length >= 24 else 0


def _shifts(length: int) -> range:
    """The shifts to try along an axis: up to two voxels, but at most a quarter of the axis."""
    most = min(MAX_SHIFT, length // 4)
    return range(-most, most + 1)


@lru_cache(maxsize=64)
def _overlaps(length: int) -> Floats:
    """Mask of the voxels of an axis that overlap at each shift: (shifts, length) of 0 and 1."""
    shifts, places = np.array(_shifts(length))[:, np.newaxis], np.arange(length)
    return ((places >= shifts) & (places < length + shifts)).astype(np.float32)

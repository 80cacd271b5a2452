"""Encode voxels as text in a page: rounding, differences of neighbours, deflate, base64.

PNG files would need no decompression in a script, but browsers with fingerprinting protection alter the pixels read
from a canvas. `scripts/viewer.js` has the inverse.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MAX_CASE_VOXELS: Final = 64**3
"""Maximum number of voxels of a case on a page; larger cases are averaged over blocks."""

_SHORTEST_SIDE: Final = 48
_RAW_DEFLATE: Final = -15
_LEVEL: Final = 6
"""Compression level; 9 takes four times as long, for a text that is shorter by 1%."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedVoxels:
    """The voxels of a case as text.

    Attributes:
        shape: (height, width, depth) after block means; the depth of an image is 1.
        factors: Number of voxels along each axis that were averaged into one.
        factor: The stored value is `factor` times the decoded number plus `offset`.
        offset: See `factor`.
        text: The numbers in the order (depth, height, width).
    """

    shape: tuple[int, int, int]
    factors: tuple[int, int, int]
    factor: int
    offset: int
    text: str


def encode_voxels(values: NDArray[Any], step: int = 1, max_voxels: int = MAX_CASE_VOXELS) -> EncodedVoxels:
    """Encode a case.

    Args:
        values: (height, width[, depth]) uint8 or int16.
        step: Values are rounded to multiples of this above the smallest value.
        max_voxels: Maximum number of voxels after block means.
    """
    volume = values if values.ndim == 3 else values[..., np.newaxis]
    factors = block_factors(volume.shape, max_voxels)
    means = block_means(volume.astype(np.float64), factors)
    low = int(np.floor(means.min()))
    numbers = np.rint((means - low) / step).astype(np.int64)
    height, width, depth = numbers.shape
    return EncodedVoxels(
        shape=(height, width, depth), factors=factors, factor=step, offset=low, text=encode_numbers(numbers)
    )


def encode_numbers(numbers: NDArray[np.int64]) -> str:
    """Encode numbers from 0 to 65,535, shape (height, width, depth).

    Differences of neighbours are folded so that small ones of both signs have a high byte of 0; all low bytes come
    before all high bytes.
    """
    flat = numbers.transpose(2, 0, 1).reshape(-1)
    differences = np.diff(flat, prepend=0).astype(np.uint16).view(np.int16).astype(np.int32)
    folded = ((differences << 1) ^ (differences >> 31)).astype(np.uint16)
    content = (folded & 0xFF).astype(np.uint8).tobytes() + (folded >> 8).astype(np.uint8).tobytes()
    compressor = zlib.compressobj(level=_LEVEL, wbits=_RAW_DEFLATE)
    return base64.b64encode(compressor.compress(content) + compressor.flush()).decode("ascii")


def block_factors(shape: tuple[int, ...], max_voxels: int) -> tuple[int, int, int]:
    """Voxels along (height, width, depth) to average, so that at most `max_voxels` remain.

    First, slices are reduced down to 48 voxels on their shorter side, then the depth, then the slices further.

    >>> block_factors((64, 64, 10), 64**3), block_factors((128, 128, 64), 64**3), block_factors((512, 512, 300), 64**3)
    ((1, 1, 1), (2, 2, 1), (10, 10, 3))
    """
    height, width, depth = shape
    plane, along = 1, 1
    while (height // plane) * (width // plane) * (depth // along) > max_voxels:
        is_wide = min(height, width) // (plane + 1) >= _SHORTEST_SIDE
        if is_wide or depth // (along + 1) < 1 or depth // along <= min(height, width) // plane:
            plane += 1
        else:
            along += 1
    return plane, plane, along


def block_means(volume: NDArray[np.float64], factors: tuple[int, int, int]) -> NDArray[np.float64]:
    """Means over blocks; incomplete blocks are dropped."""
    if factors == (1, 1, 1):
        return volume
    counts = [size // factor for size, factor in zip(volume.shape, factors, strict=True)]
    covered = volume[tuple(slice(count * factor) for count, factor in zip(counts, factors, strict=True))]
    paired = [size for pair in zip(counts, factors, strict=True) for size in pair]
    means: NDArray[np.float64] = covered.reshape(paired).mean(axis=(1, 3, 5))
    return means

"""The cases of a set, as arrays, and the batches that they are gathered in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_SMALL_TYPES: Final = tuple(map(np.dtype, (np.uint8, np.int8, np.int16, np.float16, np.float32)))
"""Dtypes that a graph takes unchanged and casts to float32 itself."""

UNLABELLED: Final = -1
"""The hard label of a training case that has only a soft one; it counts as a case of no class."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """Cases of one set, as arrays.

    Attributes:
        images: (all cases, height, width[, depth], channels) raw values; may be memory-mapped.
        rows: (N,) rows of this set's cases in `images`.
        labels: (N,) index of the class, or `UNLABELLED`.
        soft: (N, classes) share of each class in the label, float32; None where the labels are hard.
        weights: (N,) positive weight of each case in the loss, float32; None where all count equally.
    """

    images: NDArray[Any]
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    soft: NDArray[np.float32] | None = None
    weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Gather the images of some cases of this set; see `gather_images`."""
        return gather_images(self.images, self.rows[rows])


def gather_images(images: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Gather images into memory: in their own dtype if that is small, so that less is moved, else float32."""
    return np.ascontiguousarray(images[rows], None if images.dtype in _SMALL_TYPES else np.float32)


def split_batches(order: NDArray[np.int64], batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Split an order into batches; the last one may be smaller."""
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]

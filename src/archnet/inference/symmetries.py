"""Test-time augmentation: the ways to look at a case that leave its class what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.inference.trained_run import CaseKind

Images = NDArray[Any]


def symmetries(kind: CaseKind, shape: tuple[int, ...]) -> list[Callable[[Images], Images]]:
    """Exact views of cases (N, height, width[, depth]), the first of which is the case itself.

    What a crop shows has no upright in its axial slice: the eight symmetries of a square, or the four of an oblong. A
    whole chest lies as it lies: itself and its mirror image, left for right.

    >>> len(symmetries("candidates", (64, 64, 10))), len(symmetries("candidates", (64, 48, 10)))
    (8, 4)
    >>> len(symmetries("whole scans", (128, 128, 64)))
    2
    """
    if kind == "whole scans":
        return [_view(0, is_mirrored=False), _view(0, is_mirrored=True)]
    turns = range(4) if shape[0] == shape[1] else (0, 2)
    return [_view(turn, is_mirrored=is_mirrored) for turn in turns for is_mirrored in (False, True)]


def _view(turns: int, *, is_mirrored: bool) -> Callable[[Images], Images]:
    """Mirrored along the width, then turned by a multiple of 90 degrees in the axial plane."""

    def view(images: Images) -> Images:
        return np.rot90(images[:, :, ::-1] if is_mirrored else images, turns, axes=(1, 2))

    return view

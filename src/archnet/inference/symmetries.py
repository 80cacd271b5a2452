"""Test-time augmentation: the symmetries of a case that preserve its class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.spec.datasets import CaseKind

Images = NDArray[Any]


def symmetries(kind: CaseKind, shape: tuple[int, ...]) -> list[Callable[[Images], Images]]:
    """Exact views of cases (N, height, width[, depth]); the first is the identity.

    A crop has no preferred orientation in its axial slice: eight symmetries if it is square, else four. A whole chest
    has one: the identity and the left-right mirror image.

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
    """Mirror along the width, then rotate by a multiple of 90 degrees in the axial plane."""

    def view(images: Images) -> Images:
        return np.rot90(images[:, :, ::-1] if is_mirrored else images, turns, axes=(1, 2))

    return view

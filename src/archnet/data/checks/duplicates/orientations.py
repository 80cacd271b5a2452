"""Flips and right-angle rotations: rank those that map one thumbnail to another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.duplicates.thumbnails import SIDE, Floats

_FREQUENCIES: Final = np.arange(-5, 6)
"""Frequencies in cycles per axis; of each frequency and its negative, one is used."""
_CHOSEN: Final = (_FREQUENCIES[:, np.newaxis] > 0) | ((_FREQUENCIES[:, np.newaxis] == 0) & (_FREQUENCIES > 0))
_FREQUENCY_WEIGHTS: Final = np.hypot(_FREQUENCIES[:, np.newaxis], _FREQUENCIES)[_CHOSEN].astype(np.float32)
_STEPS: Final = 5
"""Shifts to try along each axis."""
MAX_SHIFT: Final = 2
"""Voxels by which a copy may be shifted along each axis."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """A flip and a rotation.

    Attributes:
        num_turns: Number of right angles by which the first two axes are rotated.
        is_flipped: Whether the second axis is flipped after the rotation.
        is_upside_down: Whether the third axis is flipped.
    """

    num_turns: int = 0
    is_flipped: bool = False
    is_upside_down: bool = False

    def apply(self, cases: NDArray[Any], first_axis: int = 0) -> NDArray[Any]:
        """View volumes (..., height, width, depth) in this orientation."""
        turned = np.rot90(cases, self.num_turns, (first_axis, first_axis + 1))
        flipped = np.flip(turned, first_axis + 1) if self.is_flipped else turned
        return np.flip(flipped, first_axis + 2) if self.is_upside_down else flipped


def orientations_of(shape: tuple[int, ...]) -> tuple[Orientation, ...]:
    """The orientations in the plane that preserve the shape of a case: eight for a square, four for a rectangle."""
    turns = range(4) if shape[0] == shape[1] else (0, 2)
    return tuple(Orientation(num_turns, is_flipped) for num_turns in turns for is_flipped in (False, True))


def rank_orientations(first: Floats, second: Floats, shape: tuple[int, ...]) -> Floats:
    """Similarity of the first thumbnail of each pair, in each orientation of the plane, to the second.

    The means along the depth are compared at the best of 25 shifts of up to two voxels.

    Args:
        first: (n, 16, 16, depth)
        second: (n, 16, 16, depth)
        shape: Shape of a case.

    Returns:
        (n, orientations) correlations from -1 to 1; the sign of the contrast is ignored.
    """
    wanted = _coefficients(second.mean(3))
    shifts = _shift_waves(shape[0], shape[1])
    scores = []
    for orientation in orientations_of(shape):
        turned = _coefficients(orientation.apply(first.mean(3, keepdims=True), 1)[..., 0])
        scores.append(np.abs(((turned * wanted.conj()) @ shifts).real).max(1))
    return np.stack(scores, axis=1)


def _coefficients(images: Floats) -> NDArray[np.complex64]:
    """Low frequencies of images (n, 16, 16), with larger weights for finer ones, normalized: (n, m)."""
    window = np.sin(np.pi * (np.arange(SIDE) + 1) / (SIDE + 1)).astype(np.float32)
    weights = window[:, np.newaxis] * window
    centred = (images - (images * weights).sum((1, 2), keepdims=True) / weights.sum()) * weights
    waves = np.exp(-2j * np.pi * np.outer(_FREQUENCIES, np.arange(SIDE)) / SIDE).astype(np.complex64)
    spectrum = (waves @ centred @ waves.T)[:, _CHOSEN] * _FREQUENCY_WEIGHTS
    norms = np.sqrt((np.abs(spectrum) ** 2).sum(1, keepdims=True))
    result: NDArray[np.complex64] = spectrum / np.maximum(norms, np.finfo(np.float32).tiny)
    return result


@lru_cache(maxsize=8)
def _shift_waves(height: int, width: int) -> NDArray[np.complex64]:
    """Factors by which shifts of the first image multiply its frequencies: (m, 25)."""
    shifts = np.linspace(-MAX_SHIFT, MAX_SHIFT, _STEPS)
    y, x = (np.exp(2j * np.pi * np.outer(_FREQUENCIES, shifts) / length) for length in (height, width))
    waves: NDArray[np.complex64] = (
        np.einsum("is,jt->ijst", y, x)[_CHOSEN].reshape(_CHOSEN.sum(), -1).astype(np.complex64)
    )
    return waves

"""Apply the augmentations of `spec/augmentations.py` to whole batches inside the graph, in 2D and 3D.

Images are (N, height, width[, depth], channels), scaled to [0, 1]. All randomness comes from uniform numbers in [0, 1),
drawn on the host for each case from (seed, epoch, case), so the transformation of a case depends neither on the order
of cases nor on the batch size.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from archnet.network.augmentation.intensity import add_noise, rescale_intensity
from archnet.network.augmentation.spatial import cut_out, flip, rotate, rotate_right_angles, shift, zoom
from archnet.network.random_numbers import Stream, epoch_generator
from archnet.spec.augmentations import (
    Augmentation,
    Cutout,
    Flip,
    Intensity,
    Noise,
    RightAngles,
    Rotate,
    RotatedCopies,
    Shift,
    Zoom,
)

Tensor = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentationRule:
    """One augmentation: the number of uniform numbers that it needs per case, and its function."""

    num_uniforms: int
    apply: Callable[[Any, Tensor, Tensor], Tensor]


AUGMENTATION_RULES: Final[dict[type[Augmentation], AugmentationRule]] = {
    RotatedCopies: AugmentationRule(num_uniforms=1, apply=rotate_right_angles),
    RightAngles: AugmentationRule(num_uniforms=1, apply=rotate_right_angles),
    Flip: AugmentationRule(num_uniforms=3, apply=flip),
    Rotate: AugmentationRule(num_uniforms=1, apply=rotate),
    Shift: AugmentationRule(num_uniforms=3, apply=shift),
    Zoom: AugmentationRule(num_uniforms=1, apply=zoom),
    Intensity: AugmentationRule(num_uniforms=2, apply=rescale_intensity),
    Noise: AugmentationRule(num_uniforms=2, apply=add_noise),
    Cutout: AugmentationRule(num_uniforms=3, apply=cut_out),
}


def num_uniforms(entries: Sequence[Augmentation]) -> int:
    """Number of uniform numbers per case."""
    return sum(AUGMENTATION_RULES[type(entry)].num_uniforms for entry in entries)


def augment(entries: Sequence[Augmentation], images: Tensor, uniforms: Tensor) -> Tensor:
    """Apply all augmentations to images, in order.

    Args:
        entries: Entries of `training.augmentation`.
        images: (N, height, width[, depth], channels) in [0, 1].
        uniforms: (N, num_uniforms(entries)) in [0, 1), float32.

    Returns:
        Images of the same shape, float32.

    Raises:
        ValueError: The uniform numbers are in a different precision; rounding would change their meaning.
    """
    dtype = keras.backend.standardize_dtype(uniforms.dtype)
    if dtype != "float32":
        raise ValueError(f"the uniform numbers are {dtype}, expected float32. Keep them out of mixed precision.")
    images = ops.cast(images, "float32")
    for entry, columns in zip(entries, _columns(entries), strict=True):
        images = AUGMENTATION_RULES[type(entry)].apply(entry, images, uniforms[:, columns])
    return images


def _columns(entries: Sequence[Augmentation]) -> list[slice]:
    """The slice of the uniform numbers of a case that each entry uses."""
    ends = list(itertools.accumulate((AUGMENTATION_RULES[type(entry)].num_uniforms for entry in entries), initial=0))
    return [slice(*pair) for pair in itertools.pairwise(ends)]


def add_rotated_copies(
    entries: Sequence[Augmentation], is_positive: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Extend the training set with its rotated copies.

    Args:
        entries: Entries of `training.augmentation`; each `RotatedCopies` adds its own copies.
        is_positive: (N,) whether each training case is in the positive class.

    Returns:
        For each case and copy, its row (M,) in the training set, and the uniform number (M,) that encodes its rotation.
    """
    rows = [np.arange(is_positive.size)]
    turns = [np.zeros(is_positive.size, np.float32)]
    for entry in entries:
        copied_everywhere = entry.copy_angles(is_positive=False)
        for angle in entry.copy_angles(is_positive=True):
            members = np.flatnonzero(is_positive | (angle in copied_everywhere))
            rows.append(members)
            turns.append(np.full(members.size, angle / 360, np.float32))
    return np.concatenate(rows), np.concatenate(turns)


def draw_uniforms(
    entries: Sequence[Augmentation], turns: NDArray[np.float32], seed: int, epoch: int
) -> NDArray[np.float32]:
    """Draw the uniform numbers of one epoch, (M, num_uniforms(entries)): row i belongs to sample i.

    Args:
        entries: Entries of `training.augmentation`.
        turns: Result of `add_rotated_copies`; they replace the random numbers for `RotatedCopies`.
        seed: Seed of the training.
        epoch: Index of the epoch, from 0.
    """
    uniforms = epoch_generator(Stream.AUGMENTATION, seed, epoch).random(
        (turns.size, num_uniforms(entries)), dtype=np.float32
    )
    for entry, columns in zip(entries, _columns(entries), strict=True):
        if entry.copy_angles(is_positive=True):
            uniforms[:, columns] = turns[:, np.newaxis]
    return uniforms

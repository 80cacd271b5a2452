"""What the augmentations of `spec/augmentations.py` do: on whole batches, inside the graph, 2D and 3D alike.

Images are (N, height, width[, depth], channels), scaled to [0, 1]. All randomness comes in as uniform numbers in
[0, 1), drawn on the host for each case from (seed, epoch, case), so that neither the order of cases nor the size of a
batch changes what happens to a case.
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
    """One augmentation: how many uniform numbers it takes for a case, and what it does with them."""

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
    """Uniform numbers that one case takes."""
    return sum(AUGMENTATION_RULES[type(entry)].num_uniforms for entry in entries)


def augment(entries: Sequence[Augmentation], images: Tensor, uniforms: Tensor) -> Tensor:
    """The images after every augmentation, in order.

    Args:
        entries: Of `training.augmentation`.
        images: (N, height, width[, depth], channels) in [0, 1].
        uniforms: (N, num_uniforms(entries)) in [0, 1), float32.

    Returns:
        Images of the same shape, float32.

    Raises:
        ValueError: The uniform numbers come in another precision: rounded, they stand for something else.
    """
    dtype = keras.backend.standardize_dtype(uniforms.dtype)
    if dtype != "float32":
        raise ValueError(f"the uniform numbers are {dtype}, expected float32. Keep them out of mixed precision.")
    images = ops.cast(images, "float32")
    for entry, columns in zip(entries, _columns(entries), strict=True):
        images = AUGMENTATION_RULES[type(entry)].apply(entry, images, uniforms[:, columns])
    return images


def _columns(entries: Sequence[Augmentation]) -> list[slice]:
    """Each entry's share of a case's uniform numbers."""
    ends = list(itertools.accumulate((AUGMENTATION_RULES[type(entry)].num_uniforms for entry in entries), initial=0))
    return [slice(*pair) for pair in itertools.pairwise(ends)]


def add_rotated_copies(
    entries: Sequence[Augmentation], is_positive: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The training set with its rotated copies.

    Args:
        entries: Of `training.augmentation`; each `RotatedCopies` adds its own copies.
        is_positive: (N,) for the training cases.

    Returns:
        For each case and copy its row (M,) in the training set, and the uniform number (M,) that stands for its turn.
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
    """The uniform numbers of one epoch, (M, num_uniforms(entries)): row i belongs to training entry i.

    Args:
        entries: Of `training.augmentation`.
        turns: Of `add_rotated_copies`; they take the place of random numbers for `RotatedCopies`.
        seed: Of the training.
        epoch: From 0.
    """
    uniforms = epoch_generator(Stream.AUGMENTATION, seed, epoch).random(
        (turns.size, num_uniforms(entries)), dtype=np.float32
    )
    for entry, columns in zip(entries, _columns(entries), strict=True):
        if entry.copy_angles(is_positive=True):
            uniforms[:, columns] = turns[:, np.newaxis]
    return uniforms

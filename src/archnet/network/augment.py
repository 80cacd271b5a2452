"""What the augmentations of `spec/augmentations.py` do: on whole batches, inside the graph, 2D and 3D alike.

Images are (N, height, width[, depth], channels), scaled to [0, 1]. All randomness comes in as uniform numbers in
[0, 1), drawn on the host for each case from (seed, epoch, case), so that neither the order of cases nor the size of a
batch changes what happens to a case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from keras import ops
from numpy.typing import NDArray

from archnet.spec.augmentations import Augmentation, Flip, RightAngles, Rotate, RotatedCopies

Tensor = Any

_AXES: Final = {"height": 1, "width": 2, "depth": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One augmentation: how many uniform numbers it takes for a case, and what it does with them."""

    num_uniforms: Callable[[Any], int]
    apply: Callable[[Any, Tensor, Tensor], Tensor]


def _right_angles(entry: RightAngles | RotatedCopies, images: Tensor, uniforms: Tensor) -> Tensor:
    turns = ops.minimum(ops.floor(uniforms[:, 0] * 4), 3)
    if images.shape[1] == images.shape[2]:  # otherwise only half turns come this far, see `shape_problem`
        images = _where(_is_one_of(turns, 1, 3), ops.swapaxes(images, 1, 2), images)
    images = _where(_is_one_of(turns, 1, 2), ops.flip(images, 1), images)
    return _where(_is_one_of(turns, 2, 3), ops.flip(images, 2), images)


def _flip(entry: Flip, images: Tensor, uniforms: Tensor) -> Tensor:
    for column, axis in enumerate(entry.axes):
        if _AXES[axis] < len(images.shape) - 1:
            images = _where(uniforms[:, column] < 0.5, ops.flip(images, _AXES[axis]), images)
    return images


def _rotate(entry: Rotate, images: Tensor, uniforms: Tensor) -> Tensor:
    chosen = ops.minimum(ops.floor(uniforms[:, 0] * len(entry.degrees)), len(entry.degrees) - 1)
    radians = ops.take(ops.convert_to_tensor(np.deg2rad(entry.degrees).astype("float32")), ops.cast(chosen, "int32"))
    return ops.clip(_turned(images, radians), 0.0, 1.0)


def _turned(images: Tensor, radians: Tensor) -> Tensor:
    """Images turned counter-clockwise about their centre in the axial plane; depth rides along as channels."""
    shape = ops.shape(images)
    height, width = images.shape[1], images.shape[2]
    flat = ops.reshape(images, (shape[0], height, width, -1))
    centre_y, centre_x = (height - 1) / 2, (width - 1) / 2
    cosine, sine, zero = ops.cos(radians), ops.sin(radians), ops.zeros_like(radians)
    transforms = ops.stack(
        [
            cosine, -sine, centre_x - cosine * centre_x + sine * centre_y,
            sine, cosine, centre_y - sine * centre_x - cosine * centre_y,
            zero, zero,
        ],
        axis=1,
    )  # fmt: skip
    turned = ops.image.affine_transform(
        flat, transforms, interpolation="bilinear", fill_mode="constant", fill_value=0.0, data_format="channels_last"
    )
    return ops.reshape(turned, shape)


def _where(chosen: Tensor, images: Tensor, others: Tensor) -> Tensor:
    """Case by case, one batch's images where chosen, else the other's."""
    return ops.where(ops.reshape(chosen, (-1, *(1,) * (len(images.shape) - 1))), images, others)


def _is_one_of(values: Tensor, first: int, second: int) -> Tensor:
    return ops.logical_or(ops.equal(values, first), ops.equal(values, second))


ROWS: Final[dict[type[Augmentation], Row]] = {
    RotatedCopies: Row(num_uniforms=lambda entry: 1, apply=_right_angles),
    RightAngles: Row(num_uniforms=lambda entry: 1, apply=_right_angles),
    Flip: Row(num_uniforms=lambda entry: len(entry.axes), apply=_flip),
    Rotate: Row(num_uniforms=lambda entry: 1, apply=_rotate),
}


def num_uniforms(entries: Sequence[Augmentation]) -> int:
    """Uniform numbers that one case takes."""
    return sum(ROWS[type(entry)].num_uniforms(entry) for entry in entries)


def augment(entries: Sequence[Augmentation], images: Tensor, uniforms: Tensor) -> Tensor:
    """The images after every augmentation, in order.

    Args:
        entries: Of `training.augmentation`.
        images: (N, height, width[, depth], channels) in [0, 1].
        uniforms: (N, num_uniforms(entries)) in [0, 1).
    """
    column = 0
    for entry in entries:
        row = ROWS[type(entry)]
        width = row.num_uniforms(entry)
        images = row.apply(entry, images, uniforms[:, column : column + width])
        column += width
    return images


def shape_problem(entries: Sequence[Augmentation], shape: tuple[int, ...]) -> str | None:
    """Why the augmentations cannot act on images of (height, width[, depth]), if so."""
    turning = [entry for entry in entries if isinstance(entry, RightAngles | RotatedCopies)]
    half_turns = all(isinstance(entry, RotatedCopies) and set(entry.angles) <= {180} for entry in turning)
    if turning and not half_turns and shape[0] != shape[1]:
        return f"turning by 90 degrees needs square slices, but these are {shape[0]}x{shape[1]}. Leave it out."
    return None


def copies(
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
        if isinstance(entry, RotatedCopies):
            copied = np.flatnonzero(is_positive) if entry.of == "positive" else np.arange(is_positive.size)
            for angle in entry.angles:
                rows.append(copied)
                turns.append(np.full(copied.size, angle / 360, np.float32))
    return np.concatenate(rows), np.concatenate(turns)


def draw_uniforms(
    entries: Sequence[Augmentation], turns: NDArray[np.float32], seed: int, epoch: int
) -> NDArray[np.float32]:
    """The uniform numbers of one epoch, (M, num_uniforms(entries)): row i belongs to training entry i.

    Args:
        entries: Of `training.augmentation`.
        turns: Of `copies`; they take the place of random numbers for `RotatedCopies`.
        seed: Of the training.
        epoch: From 0.
    """
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, epoch], np.uint64)))
    uniforms = generator.random((turns.size, num_uniforms(entries)), dtype=np.float32)
    column = 0
    for entry in entries:
        if isinstance(entry, RotatedCopies):
            uniforms[:, column] = turns
        column += ROWS[type(entry)].num_uniforms(entry)
    return uniforms

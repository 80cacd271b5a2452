"""Dropout whose mask depends only on the case, not on the order of cases or the batch size.

Keras's layer draws its masks from a state that advances with each call: the mask of a case changes if the batch is
split into micro-batches, and a saved model does not store the state. Here, each case has a key, 32 random bits drawn on
the host from (seed, epoch, position in the epoch), and the mask is a hash of key, layer and element.
"""

from __future__ import annotations

import math
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from archnet.network.random_numbers import Stream, epoch_generator, hashes

Tensor = Any

_WORD: Final = 1 << 16
"""Number of values of the 16 bits of a hash that an element uses; drop probabilities are multiples of 1/65536."""

_PLANES: Final = -1
"""Hash input for the planes of a case, in place of the number of a dropout layer."""


def draw_keys(count: int, seed: int, epoch: int) -> NDArray[np.uint32]:
    """Draw a key for each sample of an epoch, shape (count,).

    Args:
        count: Number of samples of the epoch.
        seed: Seed of the training.
        epoch: Index of the epoch, from 0.
    """
    return epoch_generator(Stream.DROPOUT, seed, epoch).integers(0, 1 << 32, count, np.uint32)


def plane_keys(keys: Tensor, num_planes: int) -> Tensor:
    """Keys of the planes of all cases, (N * planes,) uint32: hashes of the case's key and the plane, case by case."""
    return ops.reshape(hashes(keys, num_planes, _PLANES), (-1,))


class CaseKeys:
    """Holds the keys of the current batch, (N,) uint32, for the dropout layers of a network."""

    batch: Tensor = None


class CaseDropout(keras.layers.Layer):
    """Sets elements to 0 with probability `rate` and scales the others up, as `keras.layers.Dropout` does.

    Attributes:
        rate: Share of elements to drop, 0 to below 1.
        number: Index of the layer among the dropout layers of its network.
        keys: Keys of the batch.
        num_planes: Rows of the input per case: the planes of a volume that are folded into the batch.
        noise_shape: Axes of length 1 share a random draw; None draws for each element. The first axis is the cases.
    """

    def __init__(
        self,
        rate: float,
        number: int,
        keys: CaseKeys,
        noise_shape: tuple[int | None, ...] | None = None,
        num_planes: int = 1,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.threshold = min(round(rate * _WORD), _WORD - 1)
        self.number = number
        self.keys = keys
        self.noise_shape = noise_shape
        self.num_planes = num_planes

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """The inputs, (N * planes, ...), with their masks applied if `training`."""
        if not training:
            return inputs
        lengths = inputs.shape[1:]
        if self.noise_shape:
            lengths = tuple(free or given for free, given in zip(self.noise_shape[1:], lengths, strict=True))
        size = math.prod(lengths)
        keys = plane_keys(self.keys.batch, self.num_planes) if self.num_planes > 1 else self.keys.batch
        bits = ops.view(hashes(keys, (size + 1) // 2, self.number), "uint16")[:, :size]
        is_kept = ops.reshape(bits >= ops.cast(self.threshold, "uint16"), (-1, *lengths))
        return inputs * (ops.cast(is_kept, inputs.dtype) * (_WORD / (_WORD - self.threshold)))

    def compute_output_spec(self, inputs: Tensor, training: bool = False) -> Tensor:
        """The shape of the input, in the compute dtype of the layer."""
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)

"""Dropout whose mask follows from the case alone, so that neither the order of cases nor the size of a batch matters.

Keras's layer draws its masks from a state that advances with each call: the same case gets another mask when the batch
is cut into parts, and a saved model does not keep the state. Here a case brings a key, 32 random bits drawn on the host
from (seed, epoch, place in the epoch), and the mask is a hash of key, layer and element.
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
"""A hash of 32 bits serves two elements; each is dropped with a probability that is a multiple of 1/65536."""

_PLANES: Final = -1
"""Hash input for the planes of a case, in place of the number of a dropout layer."""


def draw_keys(count: int, seed: int, epoch: int) -> NDArray[np.uint32]:
    """A key for each of an epoch's cases, shape (count,).

    Args:
        count: Number of samples of the epoch.
        seed: The training's.
        epoch: From 0.
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
        rate: Share that is dropped, 0 to below 1.
        number: The layer's place among the dropout layers of its network.
        keys: Of the batch.
        num_planes: Rows of the input per case: the planes of a volume that are folded into the batch.
        noise_shape: Axes of length 1 share a random draw; null draws for each element. The first axis is the cases.
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
        """As its input, in the precision in which the layer computes."""
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)

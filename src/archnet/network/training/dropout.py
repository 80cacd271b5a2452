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

Tensor = Any

_KEY_STREAM: Final = 2 << 32
"""Keeps the keys' random numbers apart from those of the data order and of the augmentation."""

_WORD: Final = 1 << 16
"""A hash of 32 bits serves two elements; each is dropped with a probability that is a multiple of 1/65536."""


def draw_keys(count: int, seed: int, epoch: int) -> NDArray[np.uint32]:
    """A key for each of an epoch's cases, shape (count,).

    Args:
        count: Cases that the epoch goes through.
        seed: Of the training.
        epoch: From 0.
    """
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, _KEY_STREAM + epoch], np.uint64)))
    return generator.integers(0, 1 << 32, count, np.uint32)


class CaseKeys:
    """Where the dropout layers of a network find the keys of the batch in hand, (N,) uint32."""

    batch: Tensor = None


class CaseDropout(keras.layers.Layer):
    """Sets elements to 0 with probability `rate` and scales the others up, as `keras.layers.Dropout` does.

    Attributes:
        rate: Share that is dropped, 0 to below 1.
        number: The layer's place among the dropout layers of its network.
        keys: Of the batch.
    """

    def __init__(self, rate: float, number: int, keys: CaseKeys, **options: Any) -> None:
        super().__init__(**options)
        self.threshold = min(round(rate * _WORD), _WORD - 1)
        self.number = number
        self.keys = keys

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """The inputs, (N, ...), with their masks applied if `training`."""
        if not training:
            return inputs
        size = math.prod(inputs.shape[1:])
        bits = ops.view(hashes(self.keys.batch, (size + 1) // 2, self.number), "uint16")[:, :size]
        is_kept = ops.reshape(bits >= ops.cast(self.threshold, "uint16"), ops.shape(inputs))
        return inputs * (ops.cast(is_kept, inputs.dtype) * (_WORD / (_WORD - self.threshold)))

    def compute_output_spec(self, inputs: Tensor, training: bool = False) -> Tensor:
        """As its input, in the precision in which the layer computes."""
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)


def hashes(keys: Tensor, size: int, number: int) -> Tensor:
    """Hashes of (key, layer number, element), (N, size) uint32.

    An odd key times an odd random number of the element is well mixed in its upper bits (multiplicative hashing); xor,
    shift and another multiplication bring these down to the lower ones. What depends on the element alone is computed
    for one case, so that a case costs four operations for two elements.
    """
    elements = _mix(ops.cast(ops.arange(size, dtype="int32"), "uint32") + _word(number * 0x9E3779B9 + 1))
    products = ops.expand_dims(_make_odd(keys), 1) * ops.expand_dims(_make_odd(elements), 0)
    return _fold(products, 15) * _word(0x846CA68B)


def _mix(words: Tensor) -> Tensor:
    """Each word's hash; the constants are of Wellons's lowbias32."""
    words = _fold(words, 16) * _word(0x7FEB352D)
    words = _fold(words, 15) * _word(0x846CA68B)
    return _fold(words, 16)


def _fold(words: Tensor, shift: int) -> Tensor:
    return ops.bitwise_xor(words, ops.right_shift(words, _word(shift)))


def _make_odd(words: Tensor) -> Tensor:
    return ops.bitwise_or(words, _word(1))


def _word(value: int) -> Tensor:
    return ops.convert_to_tensor(np.uint32(value % (1 << 32)))

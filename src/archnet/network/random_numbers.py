"""Random numbers that depend only on seed, epoch and case: generators on the host, hashes in the graph."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from keras import ops

Tensor = Any


class Stream(IntEnum):
    """The purposes of random numbers; each has its own stream."""

    AUGMENTATION = 0
    ORDER = 1
    DROPOUT = 2
    MIXUP = 3


def epoch_generator(stream: Stream, seed: int, epoch: int) -> np.random.Generator:
    """Create the random number generator of one epoch.

    Args:
        stream: The purpose of the numbers.
        seed: Seed of the training.
        epoch: Index of the epoch, from 0.
    """
    return np.random.Generator(np.random.Philox(key=np.array([seed, (stream << 32) + epoch], np.uint64)))


def hashes(keys: Tensor, size: int, number: int) -> Tensor:
    """Compute hashes of (key, layer number, element), (N, size) uint32.

    The product of an odd key and an odd random number of the element is well mixed in its upper bits (multiplicative
    hashing); xor, shift and another multiplication mix these into the lower bits. Factors that depend only on the
    element are computed once for all cases, so a case costs four operations for two elements.
    """
    elements = _mix(ops.cast(ops.arange(size, dtype="int32"), "uint32") + _word(number * 0x9E3779B9 + 1))
    products = ops.expand_dims(_make_odd(keys), 1) * ops.expand_dims(_make_odd(elements), 0)
    return _fold(products, 15) * _word(0x846CA68B)


def _mix(words: Tensor) -> Tensor:
    """Hash each word with the constants of Wellons's lowbias32."""
    words = _fold(words, 16) * _word(0x7FEB352D)
    words = _fold(words, 15) * _word(0x846CA68B)
    return _fold(words, 16)


def _fold(words: Tensor, shift: int) -> Tensor:
    return ops.bitwise_xor(words, ops.right_shift(words, _word(shift)))


def _make_odd(words: Tensor) -> Tensor:
    return ops.bitwise_or(words, _word(1))


def _word(value: int) -> Tensor:
    return ops.convert_to_tensor(np.uint32(value % (1 << 32)))

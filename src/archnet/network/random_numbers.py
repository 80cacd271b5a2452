"""Random numbers that depend on the seed, the epoch and the case alone: host generators, hashes in the graph."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from keras import ops

Tensor = Any


class Stream(IntEnum):
    """What random numbers are drawn for; each has a stream of its own."""

    AUGMENTATION = 0
    ORDER = 1
    DROPOUT = 2


def epoch_generator(stream: Stream, seed: int, epoch: int) -> np.random.Generator:
    """The random numbers of one epoch.

    Args:
        stream: What they are drawn for.
        seed: The training's.
        epoch: From 0.
    """
    return np.random.Generator(np.random.Philox(key=np.array([seed, (stream << 32) + epoch], np.uint64)))


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

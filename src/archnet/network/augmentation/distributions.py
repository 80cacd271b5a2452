"""From uniform numbers, one for each case, to other random numbers; in the graph."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops

from archnet.network.random_numbers import hashes

Tensor = Any


def uniform_integers(uniforms: Tensor, count: int) -> Tensor:
    """int32 numbers in 0 .. count - 1, as likely as each other, from uniform numbers in [0, 1)."""
    return ops.cast(ops.floor(uniforms * count), "int32")


def rescale_uniforms(limits: tuple[float, float], uniforms: Tensor) -> Tensor:
    """Numbers between two limits from uniform numbers in [0, 1)."""
    return limits[0] + uniforms * (limits[1] - limits[0])


def standard_normals(seeds: Tensor, count: int) -> Tensor:
    """(N, count) numbers of the standard normal distribution; each row depends on its own seed alone.

    The halves of each hash are a radius and an angle (Box and Muller 1958, 10.1214/aoms/1177706645), which give two
    numbers; 16 bits of radius reach 4.85 standard deviations.

    Args:
        seeds: (N,) uniform numbers in [0, 1), of which 24 bits count.
        count: Numbers for each seed.
    """
    keys = ops.cast(seeds * (1 << 24), "uint32") * np.uint32(0x9E3779B1)  # spreads neighbours over all 32 bits
    words = hashes(keys, (count + 1) // 2, 0)
    low, high = (ops.cast(ops.bitwise_and(half, 0xFFFF), "float32") for half in (words, ops.right_shift(words, 16)))
    radius = ops.sqrt(-2 * ops.log((low + 0.5) / (1 << 16)))
    angle = high * (2 * math.pi / (1 << 16))
    return ops.concatenate([radius * ops.cos(angle), radius * ops.sin(angle)], axis=1)[:, :count]

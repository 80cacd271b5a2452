"""Transform uniform numbers, one per case, to other distributions, inside the graph."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops

from archnet.network.random_numbers import hashes

Tensor = Any


def uniform_integers(uniforms: Tensor, count: int) -> Tensor:
    """Convert uniform numbers in [0, 1) to uniformly distributed int32 numbers from 0 to count - 1."""
    return ops.cast(ops.floor(uniforms * count), "int32")


def rescale_uniforms(limits: tuple[float, float], uniforms: Tensor) -> Tensor:
    """Rescale uniform numbers in [0, 1) to a range."""
    return limits[0] + uniforms * (limits[1] - limits[0])


def standard_normals(seeds: Tensor, count: int) -> Tensor:
    """Draw (N, count) standard normal numbers; each row depends only on its own seed.

    The halves of each hash are a radius and an angle (Box and Muller 1958, doi:10.1214/aoms/1177706645), which give two
    numbers; 16 bits of radius reach 4.85 standard deviations.

    Args:
        seeds: (N,) uniform numbers in [0, 1), of which 24 bits are used.
        count: Number of values per seed.
    """
    keys = ops.cast(seeds * (1 << 24), "uint32") * np.uint32(0x9E3779B1)  # spreads similar seeds over all 32 bits
    words = hashes(keys, (count + 1) // 2, 0)
    low, high = (ops.cast(ops.bitwise_and(half, 0xFFFF), "float32") for half in (words, ops.right_shift(words, 16)))
    radius = ops.sqrt(-2 * ops.log((low + 0.5) / (1 << 16)))
    angle = high * (2 * math.pi / (1 << 16))
    return ops.concatenate([radius * ops.cos(angle), radius * ops.sin(angle)], axis=1)[:, :count]

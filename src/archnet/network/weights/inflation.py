"""Kernels of 2D convolutions for 3D ones, and kernels that saw other channels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.spec.experiment import Inflation

Array = NDArray[Any]


def inflate_kernel(kernel: Array, depth: int, inflate: Inflation) -> Array:
    """A 2D kernel as a 3D one.

    "mean" repeats it along the depth and divides by the depth, so that a volume which is constant along the depth gives
    the 2D response (Carreira and Zisserman 2017, doi:10.1109/CVPR.2017.502). "centre" puts it on the central slice
    between zeros, so that each slice gives its 2D response until the other slices are learned (the "zero weight"
    initialization of Mansimov et al. 2015, arXiv:1503.07274).

    Args:
        kernel: (height, width, inputs, outputs).
        depth: Slices of the result.
        inflate: How.

    Returns:
        (height, width, depth, inputs, outputs).

    >>> inflate_kernel(np.full((1, 1, 1, 1), 6.0), 3, "mean").ravel().tolist()
    [2.0, 2.0, 2.0]
    >>> inflate_kernel(np.full((1, 1, 1, 1), 6.0), 3, "centre").ravel().tolist()
    [0.0, 6.0, 0.0]
    """
    if inflate == "mean":
        return np.repeat(kernel[:, :, np.newaxis], depth, axis=2) / depth
    inflated = np.zeros((*kernel.shape[:2], depth, *kernel.shape[2:]), kernel.dtype)
    inflated[:, :, (depth - 1) // 2] = kernel
    return inflated


def spread_channels(kernel: Array, num_channels: int) -> Array:
    """A kernel for another number of input channels: to each goes the same share of the sum over the old ones.

    It responds to an image in all its channels as the old kernel did to the image in all of its: a network that saw RGB
    gets a grey image as it would get it as RGB. The mean over the channels, the usual name, would give a third of that.

    Args:
        kernel: (..., inputs, outputs).
        num_channels: Inputs of the result.

    >>> spread_channels(np.array([[1.0], [2.0], [3.0]]), 1).ravel().tolist()
    [6.0]
    """
    total = kernel.sum(axis=-2, keepdims=True)
    return np.repeat(total / num_channels, num_channels, axis=-2)

"""Weight inflation of 2D kernels to 3D, and kernels for a different number of input channels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.spec.experiment import Inflation

Array = NDArray[Any]


def inflate_kernel(kernel: Array, depth: int, inflate: Inflation) -> Array:
    """Inflate a 2D kernel to 3D.

    "mean" repeats it along the depth and divides by the depth, so a volume that is constant along the depth yields the
    2D response (Carreira and Zisserman 2017, doi:10.1109/CVPR.2017.502). "centre" places it on the central slice and
    sets the other slices to zero, so each slice initially yields its 2D response (the "zero weight" initialization of
    Mansimov et al. 2015, arXiv:1503.07274).

    Args:
        kernel: (height, width, inputs, outputs).
        depth: Depth of the result.
        inflate: The rule, "mean" or "centre".

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
    """Adapt a kernel to a different number of input channels: each gets an equal share of the sum over the old ones.

    The response to an image repeated in all channels does not change: an RGB network responds to a gray image as to its
    RGB version. The mean over the channels, which is the usual choice, would give a third of that.

    Args:
        kernel: (..., inputs, outputs).
        num_channels: Number of input channels of the result.

    >>> spread_channels(np.array([[1.0], [2.0], [3.0]]), 1).ravel().tolist()
    [6.0]
    """
    total = kernel.sum(axis=-2, keepdims=True)
    return np.repeat(total / num_channels, num_channels, axis=-2)

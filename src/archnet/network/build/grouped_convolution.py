"""Grouped convolutions that are fast on a CPU. The layers, their weights and their files remain those of Keras.

Keras compiles a grouped convolution with XLA. On a CPU, a training step takes 20 to 80 times as long as the dense
convolution's, and in 3D the forward pass alone 35 to 55 times. `archnet bench --layers` measures the implementations
below.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import keras
import numpy as np
from keras import ops

Tensor = Any

BUNDLE_CHANNELS: Final = 16
"""Input channels of one dense convolution: oneDNN processes 16 at once, so fewer channels save no time."""

_GROUPED: Final = (keras.layers.Conv2D, keras.layers.Conv3D)


def accelerate(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Give a Keras layer a faster implementation if it is a grouped convolution, and return it.

    The values are equal up to rounding. The layer's class, configuration and weights do not change, so saved
    models contain only Keras's layers; exports contain the faster implementation.

    Args:
        layer: Any layer.
    """
    if isinstance(layer, _GROUPED) and layer.groups > 1:
        layer.convolution_op = partial(_convolve, layer)
    return layer


def _convolve(layer: keras.layers.Layer, inputs: Tensor, kernel: Tensor) -> Tensor:
    """Choose the implementation for a layer; replaces Keras's `convolution_op`."""
    is_depthwise = layer.groups == inputs.shape[-1]
    if layer.rank == 3 and is_depthwise and layer.kernel_size[2] == 1:
        return _convolve_slices(layer, inputs, kernel)
    if layer.rank == 3 and is_depthwise and layer.kernel_size[0] == 1:
        return _convolve_rows(layer, inputs, kernel)
    return _convolve_bundles(layer, inputs, kernel)


def _convolve_bundles(layer: keras.layers.Layer, inputs: Tensor, kernel: Tensor) -> Tensor:
    """Dense convolutions over several groups each, with block-diagonal kernels."""
    num_inputs, num_outputs = kernel.shape[-2], kernel.shape[-1] // layer.groups
    outputs = [
        ops.conv(
            inputs[..., start * num_inputs : stop * num_inputs],
            _block_diagonal(kernel[..., start * num_outputs : stop * num_outputs], stop - start),
            strides=list(layer.strides),
            padding=layer.padding,
            dilation_rate=layer.dilation_rate,
        )
        for start, stop in _bundles(layer.groups, num_inputs)
    ]
    return ops.concatenate(outputs, axis=-1)


def _bundles(num_groups: int, num_inputs: int) -> Iterator[tuple[int, int]]:
    """The range of groups (start, stop) of each bundle, for `num_inputs` channels per group."""
    size = max(BUNDLE_CHANNELS // num_inputs, 1)
    for start in range(0, num_groups, size):
        yield start, min(start + size, num_groups)


def _block_diagonal(kernel: Tensor, num_groups: int) -> Tensor:
    """Expand a grouped kernel, (..., inputs of a group, outputs), to a dense one, (..., inputs, outputs)."""
    if num_groups == 1:
        return kernel
    *sizes, num_inputs, num_outputs = kernel.shape
    is_inside = np.kron(np.eye(num_groups), np.ones((num_inputs, num_outputs // num_groups)))
    repeated = ops.tile(kernel, (*[1] * len(sizes), num_groups, 1))
    return repeated * ops.convert_to_tensor(is_inside, dtype=kernel.dtype)


def _convolve_slices(layer: keras.layers.Layer, inputs: Tensor, kernel: Tensor) -> Tensor:
    """A depthwise convolution within each slice (kernel depth 1): slices are folded into the channels."""
    inputs = inputs[:, :, :, :: layer.strides[2]]
    _, height, width, depth, channels = inputs.shape
    slices = ops.reshape(inputs, (-1, height, width, depth * channels))
    kernels = ops.tile(_depthwise_kernel(kernel[:, :, 0], channels), (1, 1, depth, 1))
    outputs = _convolve_2d(layer, slices, kernels, axes=(0, 1))
    return ops.reshape(outputs, (-1, *outputs.shape[1:3], depth, kernel.shape[-1]))


def _convolve_rows(layer: keras.layers.Layer, inputs: Tensor, kernel: Tensor) -> Tensor:
    """A depthwise convolution within each row (kernel height 1): rows are folded into the batch."""
    inputs = inputs[:, :: layer.strides[0]]
    _, height, width, depth, channels = inputs.shape
    rows = ops.reshape(inputs, (-1, width, depth, channels))
    outputs = _convolve_2d(layer, rows, _depthwise_kernel(kernel[0], channels), axes=(1, 2))
    return ops.reshape(outputs, (-1, height, *outputs.shape[1:]))


def _depthwise_kernel(kernel: Tensor, channels: int) -> Tensor:
    """Reshape the kernel (rows, columns, 1, outputs) for Keras's depthwise convolutions."""
    return ops.reshape(kernel, (*kernel.shape[:2], channels, -1))


def _convolve_2d(layer: keras.layers.Layer, images: Tensor, kernel: Tensor, axes: tuple[int, int]) -> Tensor:
    """A 2D depthwise convolution with the strides, padding and dilation of two axes of a 3D layer."""
    return ops.depthwise_conv(
        images,
        kernel,
        strides=tuple(layer.strides[axis] for axis in axes),
        padding=layer.padding,
        dilation_rate=tuple(layer.dilation_rate[axis] for axis in axes),
    )

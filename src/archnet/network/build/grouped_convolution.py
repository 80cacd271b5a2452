"""Grouped convolutions in forms that are fast on a CPU; the layers, their weights and their files stay Keras's.

Keras compiles a grouped convolution with XLA, whose loops on a CPU take 20 to 50 times as long as the dense convolution
in 3D, and whose gradients do in 2D. `archnet bench --layers` measures the forms here.
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
"""Input channels of one dense convolution: oneDNN computes 16 at once, so that fewer save nothing."""

_GROUPED: Final = (keras.layers.Conv2D, keras.layers.Conv3D)


def accelerate(layer: keras.layers.Layer) -> keras.layers.Layer:
    """A Keras layer, which computes in a faster form from now on if it is a grouped convolution.

    The values are equal up to rounding. The layer's class, configuration and weights do not change, so that saved
    models hold Keras's layers alone; exports hold the form.

    Args:
        layer: Any layer.
    """
    if isinstance(layer, _GROUPED) and layer.groups > 1:
        layer.convolution_op = partial(_convolve, layer)
    return layer


def _convolve(layer: keras.layers.Layer, inputs: Tensor, kernel: Tensor) -> Tensor:
    """Choose the form for a layer, where Keras's `convolution_op` has one for all."""
    is_depthwise = layer.groups == inputs.shape[-1]
    if layer.rank == 3 and is_depthwise and layer.kernel_size[2] == 1:
        return _convolve_slices(layer, inputs, kernel)
    if layer.rank == 3 and is_depthwise and layer.kernel_size[0] == 1:
        return _convolve_rows(layer, inputs, kernel)
    return _convolve_bundles(layer, inputs, kernel)


def _convolve_bundles(layer: keras.layers.Layer, inputs: Tensor, kernel: Tensor) -> Tensor:
    """Dense convolutions of some groups each, whose kernels are 0 between groups."""
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
    """First group and the one after the last of each bundle, for `num_inputs` channels in each group."""
    size = max(BUNDLE_CHANNELS // num_inputs, 1)
    for start in range(0, num_groups, size):
        yield start, min(start + size, num_groups)


def _block_diagonal(kernel: Tensor, num_groups: int) -> Tensor:
    """A grouped kernel, (..., inputs of a group, outputs), as a dense one, (..., inputs, outputs)."""
    if num_groups == 1:
        return kernel
    *sizes, num_inputs, num_outputs = kernel.shape
    is_inside = np.kron(np.eye(num_groups), np.ones((num_inputs, num_outputs // num_groups)))
    repeated = ops.tile(kernel, (*[1] * len(sizes), num_groups, 1))
    return repeated * ops.convert_to_tensor(is_inside, dtype=kernel.dtype)


def _convolve_slices(layer: keras.layers.Layer, inputs: Tensor, kernel: Tensor) -> Tensor:
    """A depthwise convolution in each slice (kernel depth 1): the slices are further channels of one image."""
    inputs = inputs[:, :, :, :: layer.strides[2]]
    _, height, width, depth, channels = inputs.shape
    slices = ops.reshape(inputs, (-1, height, width, depth * channels))
    kernels = ops.tile(_depthwise_kernel(kernel[:, :, 0], channels), (1, 1, depth, 1))
    outputs = _convolve_2d(layer, slices, kernels, axes=(0, 1))
    return ops.reshape(outputs, (-1, *outputs.shape[1:3], depth, kernel.shape[-1]))


def _convolve_rows(layer: keras.layers.Layer, inputs: Tensor, kernel: Tensor) -> Tensor:
    """A depthwise convolution in each row (kernel height 1): the rows are further cases."""
    inputs = inputs[:, :: layer.strides[0]]
    _, height, width, depth, channels = inputs.shape
    rows = ops.reshape(inputs, (-1, width, depth, channels))
    outputs = _convolve_2d(layer, rows, _depthwise_kernel(kernel[0], channels), axes=(1, 2))
    return ops.reshape(outputs, (-1, height, *outputs.shape[1:]))


def _depthwise_kernel(kernel: Tensor, channels: int) -> Tensor:
    """The kernel (rows, columns, 1, outputs) as Keras's depthwise convolutions have it."""
    return ops.reshape(kernel, (*kernel.shape[:2], channels, -1))


def _convolve_2d(layer: keras.layers.Layer, images: Tensor, kernel: Tensor, axes: tuple[int, int]) -> Tensor:
    """Depthwise, with what a 3D layer says of two of its axes."""
    return ops.depthwise_conv(
        images,
        kernel,
        strides=tuple(layer.strides[axis] for axis in axes),
        padding=layer.padding,
        dilation_rate=tuple(layer.dilation_rate[axis] for axis in axes),
    )

"""Layers of the training twin that compute what Keras's do, with fewer passes over memory."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from archnet.network.backend import backend_module

Tensor = Any


class PooledConvolution(keras.layers.Layer):
    """A convolution and the max pooling behind it, then bias and rectifier.

    Adding a number and cutting off below 0 keep the order of values, so that the largest of a window is the same
    before and after; behind the pooling there are an eighth as many of them in 3D, a quarter in 2D.

    Attributes:
        convolution: Keras's, without an activation of its own.
        pooling: Keras's, for the largest value.
        is_rectified: Whether values below 0 are cut off.
    """

    def __init__(
        self, convolution: keras.layers.Layer, pooling: keras.layers.Layer, is_rectified: bool, **options: Any
    ) -> None:
        super().__init__(**options)
        self.convolution = convolution
        self.pooling = pooling
        self.is_rectified = is_rectified

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights of the convolution."""
        self.convolution.build(input_shape)

    @property
    def kernel(self) -> keras.Variable:
        """The convolution's kernel."""
        return self.convolution.kernel

    @property
    def bias(self) -> keras.Variable:
        """The convolution's bias."""
        return self.convolution.bias

    def call(self, inputs: Tensor) -> Tensor:
        """(N, ..., channels) -> (N, ..., num_output)."""
        outputs = self.pooling(self.convolution.convolution_op(inputs, self.kernel)) + self.bias
        return ops.relu(outputs) if self.is_rectified else outputs


class FusedBatchNorm(keras.layers.BatchNormalization):
    """Keras's layer, whose step in training is a single operation where the backend has one."""

    def call(self, inputs: Tensor, training: bool = False, mask: None = None) -> Tensor:
        """(N, ..., channels), normalized over all other axes if `training` and not frozen, else by the statistics."""
        if not training or not self.trainable:
            return super().call(inputs, training=False)
        num_channels = inputs.shape[-1]
        scale = ops.ones(num_channels) if self.gamma is None else self.gamma.value
        offset = ops.zeros(num_channels) if self.beta is None else self.beta.value
        outputs, mean, variance = backend_module().normalize(inputs, scale, offset, self.epsilon)
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + new * (1 - self.momentum))
        return outputs

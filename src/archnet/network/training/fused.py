"""Layers of the training twin that are equivalent to Keras's layers, with fewer passes over memory."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from archnet.network.backend import backend_module

Tensor = Any


class PooledConvolution(keras.layers.Layer):
    """A convolution followed by max pooling, then bias and ReLU.

    Adding a bias and ReLU are monotonic, so they commute with max pooling; after the pooling there are only an eighth
    as many values in 3D, a quarter in 2D.

    Attributes:
        convolution: The Keras convolution, without an activation.
        pooling: The Keras max pooling.
        is_rectified: Whether ReLU is applied.
    """

    def __init__(
        self, convolution: keras.layers.Layer, pooling: keras.layers.Layer, is_rectified: bool, **options: Any
    ) -> None:
        super().__init__(**options)
        self.convolution = convolution
        self.pooling = pooling
        self.is_rectified = is_rectified

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights of the convolution."""
        self.convolution.build(input_shape)

    @property
    def kernel(self) -> keras.Variable:
        """Kernel of the convolution."""
        return self.convolution.kernel

    @property
    def bias(self) -> keras.Variable:
        """Bias of the convolution."""
        return self.convolution.bias

    def call(self, inputs: Tensor) -> Tensor:
        """Map (N, ..., channels) to (N, ..., num_output)."""
        outputs = self.pooling(self.convolution.convolution_op(inputs, self.kernel)) + self.bias
        return ops.relu(outputs) if self.is_rectified else outputs


class FusedBatchNorm(keras.layers.BatchNormalization):
    """Keras's batch normalization, as a single operation in training if the backend has one."""

    def call(self, inputs: Tensor, training: bool = False, mask: None = None) -> Tensor:
        """Normalize (N, ..., channels) over the other axes in training unless frozen, else by the moving statistics."""
        if not training or not self.trainable:
            return super().call(inputs, training=False)
        num_channels = inputs.shape[-1]
        scale = ops.ones(num_channels) if self.gamma is None else self.gamma.value
        offset = ops.zeros(num_channels) if self.beta is None else self.beta.value
        outputs, mean, variance = backend_module().normalize(inputs, scale, offset, self.epsilon)
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + new * (1 - self.momentum))
        return outputs

"""3D max pooling whose gradient is correct on every device."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

Tensor = Any


class PlanewiseMaxPooling(keras.layers.MaxPooling3D):
    """Keras's 3D max pooling as 2D poolings of the planes, then of the depth; one maximum per window gets the gradient.

    TensorFlow's own kernel for a CPU gives the gradient to each of several equal maxima.
    """

    def call(self, inputs: Tensor) -> Tensor:
        """Map (N, height, width, depth, channels) to the maxima of its windows."""
        _, height, width, depth, channels = inputs.shape
        planes = ops.reshape(inputs, (-1, height, width, depth * channels))
        planes = ops.max_pool(planes, self.pool_size[:2], self.strides[:2], self.padding)
        height, width = planes.shape[1:3]
        columns = ops.reshape(planes, (-1, height * width, depth, channels))
        columns = ops.max_pool(columns, (1, self.pool_size[2]), (1, self.strides[2]), self.padding)
        return ops.reshape(columns, (-1, height, width, columns.shape[2], channels))


def split_poolings(network: keras.Model) -> keras.Model:
    """Copy a network with its weights, with `PlanewiseMaxPooling` as 3D max pooling; itself if it has none."""
    if not any(isinstance(layer, keras.layers.MaxPooling3D) for layer in network.layers):
        return network

    def clone(layer: keras.Operation) -> keras.Operation:
        kind = PlanewiseMaxPooling if isinstance(layer, keras.layers.MaxPooling3D) else layer.__class__
        return kind.from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=clone)
    copy.set_weights(network.get_weights())
    return copy

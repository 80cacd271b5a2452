"""The rules of the layers that weigh channels, voxels or whole maps by what they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import keras
from keras import ops

from archnet.network.build.builder import Builder, Tensor, activate, rank_of
from archnet.network.build.plain import CONVOLUTION, GLOBAL_POOLING
from archnet.spec.layers import (
    ConvolutionalAttention,
    GlobalAveragePooling,
    GlobalMaxPooling,
    GlobalPooling,
    Layer,
    SqueezeExcitation,
)


def _squeeze_excitation(layer: SqueezeExcitation, tensor: Tensor, builder: Builder) -> Tensor:
    means = _pool(GlobalAveragePooling, tensor)
    hidden = builder.dense(layer.num_units(tensor.shape[-1]), layer.activation)(means)
    weights = builder.dense(tensor.shape[-1], layer.gate)(activate(layer.activation, hidden))
    return keras.layers.Multiply()([tensor, activate(layer.gate, weights)])


def _convolutional_attention(layer: ConvolutionalAttention, tensor: Tensor, builder: Builder) -> Tensor:
    """Both dense layers act on the last axis of means and maxima side by side, so that each is called once."""
    pooled = [_pool(kind, tensor) for kind in (GlobalAveragePooling, GlobalMaxPooling)]
    hidden = builder.dense(layer.num_units(tensor.shape[-1]), "relu")(keras.layers.Concatenate(axis=1)(pooled))
    weights = builder.dense(tensor.shape[-1], "sigmoid")(activate("relu", hidden))
    tensor = keras.layers.Multiply()([tensor, activate("sigmoid", ops.sum(weights, axis=1, keepdims=True))])
    pooled = [ops.mean(tensor, axis=-1, keepdims=True), ops.max(tensor, axis=-1, keepdims=True)]
    convolution = CONVOLUTION[rank_of(tensor)](
        1, layer.kernel_size, padding="same", kernel_initializer=builder.initializer("sigmoid")
    )
    weights = builder.penalize(convolution)(keras.layers.Concatenate()(pooled))
    return keras.layers.Multiply()([tensor, activate("sigmoid", weights)])


def _pool(kind: type[GlobalPooling], tensor: Tensor) -> Tensor:
    """One value for each channel, (N, 1, ..., channels)."""
    return GLOBAL_POOLING[kind, rank_of(tensor)](keepdims=True)(tensor)


ATTENTION_RULES: Final[dict[type[Layer], Callable[[Any, Tensor, Builder], Tensor]]] = {
    SqueezeExcitation: _squeeze_excitation,
    ConvolutionalAttention: _convolutional_attention,
}

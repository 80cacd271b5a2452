"""Keras rules of the attention layers: squeeze-and-excitation, CBAM, positional embedding, transformer block."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import keras
from keras import ops

from archnet.network.build.builder import POSITION_EQUATIONS, Builder, Tensor, activate, rank_of
from archnet.network.build.plain import CONVOLUTION, GLOBAL_POOLING
from archnet.spec.layers import (
    ConvolutionalAttention,
    GlobalAveragePooling,
    GlobalMaxPooling,
    GlobalPooling,
    Layer,
    Positions,
    SqueezeExcitation,
    TransformerBlock,
)
from archnet.spec.layers.attention.transformer import LAYER_NORM

POSITION_STDDEV: Final = 0.02
"""Standard deviation of the initial positional embedding, as in BERT and vision transformers."""


def _squeeze_excitation(layer: SqueezeExcitation, tensor: Tensor, builder: Builder) -> Tensor:
    means = _pool(GlobalAveragePooling, tensor)
    hidden = builder.dense(layer.num_units(tensor.shape[-1]), layer.activation)(means)
    weights = builder.dense(tensor.shape[-1], layer.gate)(activate(layer.activation, hidden))
    return keras.layers.Multiply()([tensor, activate(layer.gate, weights)])


def _convolutional_attention(layer: ConvolutionalAttention, tensor: Tensor, builder: Builder) -> Tensor:
    """CBAM. The dense layers act on the stacked means and maxima, so that each layer is called once."""
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


def _positions(layer: Positions, tensor: Tensor, builder: Builder) -> Tensor:
    """Positional embedding: scales a tensor of ones derived from the input, as a Keras graph cannot hold a constant."""
    one = ops.ones_like(tensor[(slice(None), *[0] * (rank_of(tensor) + 1))])
    weights = keras.layers.EinsumDense(
        POSITION_EQUATIONS[rank_of(tensor)],
        tuple(tensor.shape[1:]),
        kernel_initializer=keras.initializers.RandomNormal(stddev=POSITION_STDDEV, seed=builder.next_seed()),
    )
    return keras.layers.Add()([tensor, weights(one)])


def _transformer_block(layer: TransformerBlock, tensor: Tensor, builder: Builder) -> Tensor:
    attended = _attend(layer, builder.normalize(LAYER_NORM, tensor), builder)
    tensor = _residual_sum(layer, tensor, attended, builder)
    hidden = builder.dense(layer.ratio * tensor.shape[-1], "gelu")(builder.normalize(LAYER_NORM, tensor))
    hidden = builder.drop_out(layer.drop_out, activate("gelu", hidden))
    return _residual_sum(layer, tensor, builder.dense(tensor.shape[-1])(hidden), builder)


def _residual_sum(layer: TransformerBlock, tensor: Tensor, branch: Tensor, builder: Builder) -> Tensor:
    branch = builder.drop_path(layer.drop_path, builder.drop_out(layer.drop_out, branch))
    return keras.layers.Add()([tensor, branch])


def _attend(layer: TransformerBlock, tensor: Tensor, builder: Builder) -> Tensor:
    """Multi-head self-attention over all voxels, (N, ..., channels)."""
    shape, num_channels = (-1, *tensor.shape[1:]), tensor.shape[-1]
    tokens = (-1, _num_voxels(tensor), layer.heads, num_channels // layer.heads)

    def project(bias: bool, order: tuple[int, ...]) -> Tensor:
        return ops.transpose(ops.reshape(builder.dense(num_channels, bias=bias)(tensor), tokens), order)

    queries = keras.layers.Rescaling(tokens[-1] ** -0.5)(project(True, (0, 2, 1, 3)))
    scores = ops.matmul(queries, project(False, (0, 2, 3, 1)))
    values = ops.matmul(keras.layers.Softmax()(scores), project(True, (0, 2, 1, 3)))
    joined = ops.reshape(ops.transpose(values, (0, 2, 1, 3)), shape)
    return builder.dense(num_channels)(joined)


def _num_voxels(tensor: Tensor) -> int:
    return math.prod(tensor.shape[1 : 1 + rank_of(tensor)])


def _pool(kind: type[GlobalPooling], tensor: Tensor) -> Tensor:
    """One value for each channel, (N, 1, ..., channels)."""
    return GLOBAL_POOLING[kind, rank_of(tensor)](keepdims=True)(tensor)


ATTENTION_RULES: Final[dict[type[Layer], Callable[[Any, Tensor, Builder], Tensor]]] = {
    SqueezeExcitation: _squeeze_excitation,
    ConvolutionalAttention: _convolutional_attention,
    Positions: _positions,
    TransformerBlock: _transformer_block,
}

"""Keras rules of the simple layers: convolution, pooling, normalization, activation, dropout, dense layers, output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import keras

from archnet.network.build.builder import Builder, Tensor, activate, flatten, pad, rank_of
from archnet.network.build.grouped_convolution import accelerate
from archnet.spec.layers import (
    ActivationLayer,
    BatchNorm,
    Convolution,
    Crop,
    Dropout,
    FullyConnected,
    GlobalAveragePooling,
    GlobalMaxPooling,
    GlobalPooling,
    Layer,
    Normalization,
    NormLayer,
    Pooling,
    Shape,
    Terminal,
)

CONVOLUTION: Final = {2: keras.layers.Conv2D, 3: keras.layers.Conv3D}
POOLING: Final = {
    ("max", 2): keras.layers.MaxPooling2D,
    ("max", 3): keras.layers.MaxPooling3D,
    ("avg", 2): keras.layers.AveragePooling2D,
    ("avg", 3): keras.layers.AveragePooling3D,
}
GLOBAL_POOLING: Final = {
    (GlobalAveragePooling, 2): keras.layers.GlobalAveragePooling2D,
    (GlobalAveragePooling, 3): keras.layers.GlobalAveragePooling3D,
    (GlobalMaxPooling, 2): keras.layers.GlobalMaxPooling2D,
    (GlobalMaxPooling, 3): keras.layers.GlobalMaxPooling3D,
}
CROPPING: Final = {2: keras.layers.Cropping2D, 3: keras.layers.Cropping3D}


def build_convolution(layer: Convolution, tensor: Tensor, builder: Builder) -> Tensor:
    """A convolution with its normalization, activation and dropout."""
    tensor, padding = pad(layer.window, tensor)
    stride = layer.stride
    if set(layer.kernel_size) == set(layer.dilation) == {1} != set(stride):
        # Equivalent: TensorFlow's gradient of a strided 1x1 convolution writes out of bounds (oneDNN, 2D).
        tensor, stride = POOLING["max", rank_of(tensor)](1, strides=stride)(tensor), (1,) * rank_of(tensor)
    convolution = _convolution_layer(layer, stride, padding, tensor, builder)
    return builder.finish(layer.norm, layer.activation, layer.drop_out, builder.penalize(convolution)(tensor))


def _convolution_layer(
    layer: Convolution, stride: Shape, padding: str, tensor: Tensor, builder: Builder
) -> keras.layers.Layer:
    """The Keras layer; DepthwiseConv2D for depthwise convolutions in 2D."""
    num_channels = tensor.shape[-1]
    groups = layer.num_groups(num_channels)
    options = {"strides": stride, "padding": padding, "dilation_rate": layer.dilation, "use_bias": layer.bias}
    if groups == num_channels > 1 and rank_of(tensor) == 2:
        return keras.layers.DepthwiseConv2D(
            layer.kernel_size,
            depth_multiplier=layer.num_output // num_channels,
            depthwise_initializer=builder.depthwise_initializer(layer.activation, num_channels),
            **options,
        )
    convolution = CONVOLUTION[rank_of(tensor)](
        layer.num_output,
        layer.kernel_size,
        groups=groups,
        kernel_initializer=builder.initializer(layer.activation),
        **options,
    )
    return accelerate(convolution)


def _pooling(layer: Pooling, tensor: Tensor, builder: Builder) -> Tensor:
    tensor, padding = pad(layer.window, tensor)
    pooling = POOLING[layer.pool, rank_of(tensor)](layer.kernel_size, strides=layer.stride, padding=padding)
    return builder.drop_out(layer.drop_out, pooling(tensor))


def _fully_connected(layer: FullyConnected, tensor: Tensor, builder: Builder) -> Tensor:
    dense = builder.dense(layer.num_output, layer.activation, bias=layer.bias)
    return builder.finish(layer.norm, layer.activation, layer.drop_out, dense(flatten(tensor)))


def _terminal(layer: Terminal, tensor: Tensor, builder: Builder) -> Tensor:
    return builder.dense(layer.num_output)(flatten(tensor))


def _dropout(layer: Dropout, tensor: Tensor, builder: Builder) -> Tensor:
    return builder.drop_out(layer.drop_out, tensor)


def _normalization(layer: NormLayer, tensor: Tensor, builder: Builder) -> Tensor:
    return builder.normalize(layer.rule, tensor)


def _activation(layer: ActivationLayer, tensor: Tensor, builder: Builder) -> Tensor:
    return activate(layer.activation, tensor)


def _global_pooling(layer: GlobalPooling, tensor: Tensor, builder: Builder) -> Tensor:
    return GLOBAL_POOLING[type(layer), rank_of(tensor)]()(tensor)


def _crop(layer: Crop, tensor: Tensor, builder: Builder) -> Tensor:
    return CROPPING[rank_of(tensor)](layer.margins(tuple(tensor.shape[1:])))(tensor)


PLAIN_RULES: Final[dict[type[Layer], Callable[[Any, Tensor, Builder], Tensor]]] = {
    Convolution: build_convolution,
    Pooling: _pooling,
    FullyConnected: _fully_connected,
    Terminal: _terminal,
    Dropout: _dropout,
    BatchNorm: _normalization,
    Normalization: _normalization,
    ActivationLayer: _activation,
    GlobalAveragePooling: _global_pooling,
    GlobalMaxPooling: _global_pooling,
    Crop: _crop,
}

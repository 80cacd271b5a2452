"""Keras rules of the layers with inner layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import keras

from archnet.network.build.builder import Builder, Tensor, activate
from archnet.network.build.plain import build_convolution
from archnet.spec.layers import Addition, Concatenation, DenseBlock, Layer, Repeat, Residual


def _concatenation(layer: Concatenation, tensor: Tensor, builder: Builder) -> Tensor:
    return keras.layers.Concatenate()([builder.chain(layers, tensor) for layers in layer.branches])


def _addition(layer: Addition, tensor: Tensor, builder: Builder) -> Tensor:
    return keras.layers.Add()([builder.chain(layers, tensor) for layers in layer.branches])


def _dense_block(layer: DenseBlock, tensor: Tensor, builder: Builder) -> Tensor:
    for _ in range(layer.times):
        tensor = keras.layers.Concatenate()([tensor, builder.chain(layer.layers, tensor)])
    return tensor


def _residual(layer: Residual, tensor: Tensor, builder: Builder) -> Tensor:
    inner = builder.chain(layer.layers, tensor)
    shortcut = tensor
    if layer.shortcut is not None:
        shortcut = builder.chain(layer.shortcut, tensor)
    elif inner.shape != tensor.shape:
        projection = layer.projection(tuple(tensor.shape[1:]), inner.shape[-1])
        shortcut = build_convolution(projection, tensor, builder)
    inner = builder.drop_path(layer.drop_path, builder.scale(layer.layer_scale, inner))
    return activate(layer.activation, keras.layers.Add()([inner, shortcut]))


def _repeat(layer: Repeat, tensor: Tensor, builder: Builder) -> Tensor:
    return builder.chain(layer.layers * layer.times, tensor)


BLOCK_RULES: Final[dict[type[Layer], Callable[[Any, Tensor, Builder], Tensor]]] = {
    Concatenation: _concatenation,
    Addition: _addition,
    DenseBlock: _dense_block,
    Residual: _residual,
    Repeat: _repeat,
}

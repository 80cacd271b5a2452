"""The rules of the layers that hold other layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import keras

from archnet.network.build.builder import Builder, Tensor, activate
from archnet.network.build.plain import build_convolution
from archnet.spec.layers import Layer, Repeat, Residual


def _residual(layer: Residual, tensor: Tensor, builder: Builder) -> Tensor:
    inner = builder.chain(layer.layers, tensor)
    shortcut = tensor
    if inner.shape != tensor.shape:
        projection = layer.shortcut(tuple(tensor.shape[1:]), inner.shape[-1])
        shortcut = build_convolution(projection, tensor, builder)
    return activate(layer.activation, keras.layers.Add()([inner, shortcut]))


def _repeat(layer: Repeat, tensor: Tensor, builder: Builder) -> Tensor:
    return builder.chain(layer.layers * layer.times, tensor)


BLOCK_RULES: Final[dict[type[Layer], Callable[[Any, Tensor, Builder], Tensor]]] = {
    Residual: _residual,
    Repeat: _repeat,
}

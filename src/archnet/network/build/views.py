"""The rule of `VIEWS`: planes of a volume, folded into the batch where they share their layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import keras
from keras import ops

from archnet.network.build.builder import Builder, Tensor, activate, flatten, rank_of
from archnet.spec.layers import Layer, Views
from archnet.spec.layers.base.planes import Plane

FUSIONS: Final = {"mean": keras.layers.GlobalAveragePooling1D, "max": keras.layers.GlobalMaxPooling1D}


def _views(layer: Views, tensor: Tensor, builder: Builder) -> Tensor:
    rank_of(tensor)
    planes = layer.volume_planes(tuple(tensor.shape[1:]))
    if layer.shared or len(planes) == 1:
        features = builder.chain(layer.layers, fold_planes(layer, tensor))
        return features if len(planes) == 1 else _fuse(layer, _unfold(features, len(planes)), builder)
    features = [builder.chain(layer.layers, extract_plane(tensor, plane)) for plane in planes]
    return _fuse(layer, ops.stack(features, axis=1), builder)


def fold_planes(layer: Views, tensor: Tensor) -> Tensor:
    """The planes of volumes (N, height, width, depth, channels) as (N * planes, rows, columns, channels).

    Row `case * planes + plane` holds a plane of a case.
    """
    planes = layer.volume_planes(tuple(tensor.shape[1:]))
    if len(planes) == 1:
        return extract_plane(tensor, planes[0])
    if layer.planes == "slices":
        stack = ops.transpose(tensor, (0, 3, 1, 2, 4))
    else:
        stack = ops.stack([extract_plane(tensor, plane) for plane in planes], axis=1)
    return ops.reshape(stack, (-1, *stack.shape[2:]))


def extract_plane(tensor: Tensor, plane: Plane) -> Tensor:
    """A plane of volumes (N, height, width, depth, channels), as (N, rows, columns, channels).

    A diagonal of two axes of n voxels is every (n + 1)th of their n * n voxels, a falling one every (n - 1)th.
    """
    first, second = plane.axes[0], plane.axes[-1]
    before: list[Any] = [slice(None)] * first
    if first == second:
        return tensor[:, *before, plane.position(tensor.shape[1:])]
    if second > first + 1:
        order = list(range(5))
        order.insert(first + 2, order.pop(second + 1))
        tensor = ops.transpose(tensor, order)
    n, shape = tensor.shape[first + 1], tensor.shape[1:]
    squares = ops.reshape(tensor, (-1, *shape[:first], n * n, *shape[first + 2 :]))
    steps = slice(n - 1, n * (n - 1) + 1, max(n - 1, 1)) if plane.is_falling else slice(None, None, n + 1)
    return squares[:, *before, steps]


def _unfold(features: Tensor, num_planes: int) -> Tensor:
    """(N * planes, features) as (N, planes, features)."""
    return ops.reshape(features, (-1, num_planes, features.shape[-1]))


def _fuse(layer: Views, features: Tensor, builder: Builder) -> Tensor:
    """(N, planes, features) as (N, features), or joined as (N, planes * features)."""
    if layer.fuse == "attention":
        weights = _attention(layer, features, builder)
        return flatten(keras.layers.Dot(axes=1)([weights, features]))
    return flatten(features) if layer.fuse == "concat" else FUSIONS[layer.fuse]()(features)


def _attention(layer: Views, features: Tensor, builder: Builder) -> Tensor:
    """Weights of the planes, (N, planes, 1), that add up to 1: gated attention (Ilse et al. 2018, equation 9)."""
    content = activate("tanh", builder.dense(layer.attention_size, "tanh")(features))
    gate = activate("sigmoid", builder.dense(layer.attention_size, "sigmoid")(features))
    scores = builder.dense(1, bias=False)(keras.layers.Multiply()([content, gate]))
    return keras.layers.Softmax(axis=1)(scores)


VIEWS_RULES: Final[dict[type[Layer], Callable[[Any, Tensor, Builder], Tensor]]] = {Views: _views}

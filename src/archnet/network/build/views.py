"""The Keras rule of `VIEWS`: planes of a volume, folded into the batch if they share their layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import keras
from keras import ops

from archnet.network.build.builder import Builder, Tensor, activate, flatten, rank_of
from archnet.spec.layers import Layer, Shape, Views
from archnet.spec.layers.base.planes import Plane

FUSIONS: Final = {"mean": keras.layers.GlobalAveragePooling1D, "max": keras.layers.GlobalMaxPooling1D}


def _views(layer: Views, tensor: Tensor, builder: Builder) -> Tensor:
    num_planes = len(layer.volume_planes(_volume_shape(tensor)))
    features = [builder.chain(layer.layers, planes) for planes in plane_tensors(layer, tensor)]
    if num_planes == 1:
        return features[0]
    return _fuse(layer, ops.stack(features, axis=1) if len(features) > 1 else _unfold(features[0], num_planes), builder)


def plane_tensors(layer: Any, tensor: Tensor) -> list[Tensor]:
    """The inputs of the inner layers: each plane, or all planes in one tensor if they share the layers.

    Args:
        layer: `VIEWS`.
        tensor: Volumes (N, height, width, depth, channels).

    Returns:
        One tensor (N, rows, columns, channels) for each plane, or a single one, (N * planes, rows, columns, channels),
        whose row `case * planes + plane` holds a plane of a case.
    """
    planes = layer.volume_planes(_volume_shape(tensor))
    if layer.planes == "slices" and len(planes) > 1:
        return [_fold(ops.transpose(tensor, (0, 3, 1, 2, 4)))]
    tensors = [_extract_plane(tensor, plane) for plane in planes]
    return [_fold(ops.stack(tensors, axis=1))] if layer.shared and len(planes) > 1 else tensors


def _volume_shape(tensor: Tensor) -> Shape:
    rank_of(tensor)
    return tuple(tensor.shape[1:])


def _fold(planes: Tensor) -> Tensor:
    """Reshape (N, planes, ...) to (N * planes, ...)."""
    return ops.reshape(planes, (-1, *planes.shape[2:]))


def _extract_plane(tensor: Tensor, plane: Plane) -> Tensor:
    """A plane of volumes (N, height, width, depth, channels), as (N, rows, columns, channels).

    A rising diagonal of two axes of n voxels is every (n + 1)th of their n * n voxels; a falling one, every (n - 1)th.
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
    """Reshape (N * planes, features) to (N, planes, features)."""
    return ops.reshape(features, (-1, num_planes, features.shape[-1]))


def _fuse(layer: Views, features: Tensor, builder: Builder) -> Tensor:
    """Fuse (N, planes, features) to (N, features), or to (N, planes * features) by concatenation."""
    if layer.fuse == "attention":
        weights = _attention(layer, features, builder)
        return flatten(keras.layers.Dot(axes=1)([weights, features]))
    return flatten(features) if layer.fuse == "concat" else FUSIONS[layer.fuse]()(features)


def _attention(layer: Views, features: Tensor, builder: Builder) -> Tensor:
    """Gated attention weights of the planes, (N, planes, 1), with sum 1 (Ilse et al. 2018, equation 9)."""
    content = activate("tanh", builder.dense(layer.attention_size, "tanh")(features))
    gate = activate("sigmoid", builder.dense(layer.attention_size, "sigmoid")(features))
    scores = builder.dense(1, bias=False)(keras.layers.Multiply()([content, gate]))
    return keras.layers.Softmax(axis=1)(scores)


VIEWS_RULES: Final[dict[type[Layer], Callable[[Any, Tensor, Builder], Tensor]]] = {Views: _views}

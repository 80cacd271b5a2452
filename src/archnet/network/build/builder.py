"""Builder shared by the rules of all layer types: seeds, initializers, normalization, activation, dropout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import keras

from archnet.spec.layers import ActivationName, Layer, get_activation
from archnet.spec.layers.base.norm import Norm
from archnet.spec.layers.base.window import Window

Tensor = Any

BATCH_NORM_MOMENTUM: Final = 0.9
"""Keras's default of 0.99 needs hundreds of steps until the moving statistics, which prediction uses, forget their
initial values; training on a small CT data set takes fewer steps."""

ZERO_PADDING: Final = {2: keras.layers.ZeroPadding2D, 3: keras.layers.ZeroPadding3D}
SCALE_EQUATIONS: Final = {2: "nhwc,c->nhwc", 3: "nhwdc,c->nhwdc"}
"""Equation of one weight per channel, by the number of spatial axes. It names all axes: an ellipsis breaks exports."""

POSITION_EQUATIONS: Final = {2: "n,hwc->nhwc", 3: "n,hwdc->nhwdc"}
"""Equation of one weight per voxel and channel, by the number of spatial axes."""

INITIALIZERS: Final = {
    "he_normal": keras.initializers.HeNormal,
    "lecun_normal": keras.initializers.LecunNormal,
    "glorot_uniform": keras.initializers.GlorotUniform,
}


def rank_of(tensor: Tensor) -> int:
    """Number of spatial axes of a tensor (N, ..., channels).

    Raises:
        ValueError: The tensor is flat.
    """
    if len(tensor.shape) < 4:
        raise ValueError(f"{tensor.shape} has no spatial axes")
    return len(tensor.shape) - 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """State shared by the rules while a network is built.

    Attributes:
        rules: By layer type, a function of the layer, its input tensor and the builder that returns the output tensor.
        seed: Determines weights and dropout together with a layer's position.
        batch_norm_momentum: Momentum of the moving statistics of batch norm.
        positions: Counter of the Keras layers that use random numbers.
        penalized_names: Names of the Keras layers whose trainable weights are L2-penalized.
    """

    rules: Mapping[type[Layer], Callable[[Any, Tensor, Builder], Tensor]]
    seed: int = 0
    batch_norm_momentum: float = BATCH_NORM_MOMENTUM
    positions: Iterator[int] = field(default_factory=count)
    penalized_names: list[str] = field(default_factory=list)

    def chain(self, layers: Iterable[Layer], tensor: Tensor) -> Tensor:
        """Apply a sequence of layers to a tensor."""
        for layer in layers:
            tensor = self.rules[type(layer)](layer, tensor, self)
        return tensor

    def next_seed(self) -> int:
        """Return a different seed for each Keras layer."""
        return (self.seed * 1_000_003 + next(self.positions)) % 2**31

    def initializer(self, activation: ActivationName | None) -> keras.initializers.Initializer:
        """Kernel initializer that suits the activation after the layer; see `ACTIVATIONS`. Biases start at 0."""
        return INITIALIZERS[get_activation(activation).initializer](seed=self.next_seed())

    def depthwise_initializer(
        self, activation: ActivationName | None, num_channels: int
    ) -> keras.initializers.Initializer:
        """Kernel initializer of Keras's depthwise layer, each of whose outputs depends on a single channel.

        Keras computes the fan-in from the kernel's third axis, all channels, which makes the scale too small.
        """
        scale = 2.0 if get_activation(activation).initializer == "he_normal" else 1.0
        return keras.initializers.VarianceScaling(scale * num_channels, mode="fan_in", seed=self.next_seed())

    def penalize(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        """Record a Keras layer as L2-penalized, and return it."""
        self.penalized_names.append(layer.name)
        return layer

    def dense(self, num_output: int, activation: ActivationName | None = None, *, bias: bool = True) -> Any:
        """A Keras dense layer on the last axis with L2-penalized weights."""
        initializer = self.initializer(activation)
        return self.penalize(keras.layers.Dense(num_output, use_bias=bias, kernel_initializer=initializer))

    def normalize(self, norm: Norm | None, tensor: Tensor) -> Tensor:
        """Apply a normalization, if any, to a tensor."""
        return NORM_RULES[norm.norm](norm, self)(tensor) if norm else tensor

    def drop_out(self, percent: float, tensor: Tensor) -> Tensor:
        """Apply dropout, if any, to a tensor."""
        return keras.layers.Dropout(percent / 100, seed=self.next_seed())(tensor) if percent else tensor

    def drop_path(self, percent: float, tensor: Tensor) -> Tensor:
        """Apply stochastic depth: the tensor is dropped in training for some cases, with one random draw per case."""
        noise_shape = (None, *(1 for _ in tensor.shape[1:]))
        dropout = keras.layers.Dropout(percent / 100, noise_shape, seed=self.next_seed()) if percent else None
        return dropout(tensor) if dropout else tensor

    def scale(self, value: float | None, tensor: Tensor) -> Tensor:
        """Multiply a tensor by one weight per channel with this initial value; unchanged if the value is None."""
        if value is None:
            return tensor
        initializer = keras.initializers.Constant(value)
        equation = SCALE_EQUATIONS[rank_of(tensor)]
        return keras.layers.EinsumDense(equation, tuple(tensor.shape[1:]), kernel_initializer=initializer)(tensor)

    def finish(self, norm: Norm | None, activation: ActivationName | None, percent: float, tensor: Tensor) -> Tensor:
        """Apply optional normalization, activation and dropout to a tensor."""
        return self.drop_out(percent, activate(activation, self.normalize(norm, tensor)))


def activate(activation: ActivationName | None, tensor: Tensor) -> Tensor:
    """Apply an activation, if any, to a tensor."""
    return keras.layers.Activation(activation)(tensor) if activation else tensor


def flatten(tensor: Tensor) -> Tensor:
    """Flatten a tensor to (N, features)."""
    return keras.layers.Flatten()(tensor) if len(tensor.shape) > 2 else tensor


def pad(window: Window, tensor: Tensor) -> tuple[Tensor, str]:
    """Apply explicit padding to a tensor, and return it with the padding mode for the Keras layer."""
    if isinstance(window.padding, str):
        return tensor, window.padding
    return ZERO_PADDING[rank_of(tensor)](window.zeros)(tensor), "valid"


def _batch_norm(norm: Norm, builder: Builder) -> keras.layers.Layer:
    return keras.layers.BatchNormalization(momentum=builder.batch_norm_momentum, **_norm_options(norm))


def _group_norm(norm: Norm, builder: Builder) -> keras.layers.Layer:
    return keras.layers.GroupNormalization(norm.groups, **_norm_options(norm))


def _instance_norm(norm: Norm, builder: Builder) -> keras.layers.Layer:
    return keras.layers.GroupNormalization(-1, **_norm_options(norm))


def _layer_norm(norm: Norm, builder: Builder) -> keras.layers.Layer:
    return keras.layers.LayerNormalization(**_norm_options(norm))


def _norm_options(norm: Norm) -> dict[str, Any]:
    return {"epsilon": norm.variance_epsilon, "scale": norm.scale, "center": norm.center}


NORM_RULES: Final[dict[str, Callable[[Norm, Builder], keras.layers.Layer]]] = {
    "batch": _batch_norm,
    "group": _group_norm,
    "instance": _instance_norm,
    "layer": _layer_norm,
}

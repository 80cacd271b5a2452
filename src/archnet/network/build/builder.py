"""What the rules of all layer types share: seeds, starting weights, normalization, activation, dropout."""

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
"""Keras's 0.99 needs hundreds of steps before the moving statistics, which prediction uses, have left their start; a
small CT data set trains for fewer."""

ZERO_PADDING: Final = {2: keras.layers.ZeroPadding2D, 3: keras.layers.ZeroPadding3D}
SCALE_EQUATIONS: Final = {2: "nhwc,c->nhwc", 3: "nhwdc,c->nhwdc"}
"""A weight for each channel, by the number of spatial axes. Keras's axes are named: an ellipsis fails in exports."""

POSITION_EQUATIONS: Final = {2: "n,hwc->nhwc", 3: "n,hwdc->nhwdc"}
"""A weight for each voxel and channel, by the number of spatial axes."""

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
    """What every rule needs to know, and what the rules record.

    Attributes:
        rules: The rule of each layer type: its layer, a tensor and the builder give the tensor behind it.
        seed: Weights and dropout follow from it and from a layer's position alone.
        batch_norm_momentum: Share of their old values that moving statistics keep in a step.
        positions: Counts the Keras layers that draw random numbers.
        penalized_names: Names of the Keras layers whose trainable weights the L2 penalty concerns.
    """

    rules: Mapping[type[Layer], Callable[[Any, Tensor, Builder], Tensor]]
    seed: int = 0
    batch_norm_momentum: float = BATCH_NORM_MOMENTUM
    positions: Iterator[int] = field(default_factory=count)
    penalized_names: list[str] = field(default_factory=list)

    def chain(self, layers: Iterable[Layer], tensor: Tensor) -> Tensor:
        """The tensor after a sequence of layers."""
        for layer in layers:
            tensor = self.rules[type(layer)](layer, tensor, self)
        return tensor

    def next_seed(self) -> int:
        """A different seed for each Keras layer."""
        return (self.seed * 1_000_003 + next(self.positions)) % 2**31

    def initializer(self, activation: ActivationName | None) -> keras.initializers.Initializer:
        """Starting weights whose scale suits the activation that follows; see `ACTIVATIONS`. Biases start at 0."""
        return INITIALIZERS[get_activation(activation).initializer](seed=self.next_seed())

    def depthwise_initializer(
        self, activation: ActivationName | None, num_channels: int
    ) -> keras.initializers.Initializer:
        """Starting weights of Keras's depthwise layer, whose outputs see one channel each.

        Keras takes the kernel's third axis, all channels, for what an output sees, and would start too low.
        """
        scale = 2.0 if get_activation(activation).initializer == "he_normal" else 1.0
        return keras.initializers.VarianceScaling(scale * num_channels, mode="fan_in", seed=self.next_seed())

    def penalize(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        """A Keras layer, recorded as one whose trainable weights the L2 penalty concerns."""
        self.penalized_names.append(layer.name)
        return layer

    def dense(self, num_output: int, activation: ActivationName | None = None, *, bias: bool = True) -> Any:
        """A Keras dense layer of the last axis, whose weights are penalized."""
        initializer = self.initializer(activation)
        return self.penalize(keras.layers.Dense(num_output, use_bias=bias, kernel_initializer=initializer))

    def normalize(self, norm: Norm | None, tensor: Tensor) -> Tensor:
        """The tensor after a normalization, if any."""
        return NORM_RULES[norm.norm](norm, self)(tensor) if norm else tensor

    def drop_out(self, percent: float, tensor: Tensor) -> Tensor:
        """The tensor after dropout, if any."""
        return keras.layers.Dropout(percent / 100, seed=self.next_seed())(tensor) if percent else tensor

    def drop_path(self, percent: float, tensor: Tensor) -> Tensor:
        """The tensor, dropped for some cases in training, with one draw for each case."""
        noise_shape = (None, *(1 for _ in tensor.shape[1:]))
        dropout = keras.layers.Dropout(percent / 100, noise_shape, seed=self.next_seed()) if percent else None
        return dropout(tensor) if dropout else tensor

    def scale(self, value: float | None, tensor: Tensor) -> Tensor:
        """The tensor times a weight for each channel that starts at a value; null is no weight."""
        if value is None:
            return tensor
        initializer = keras.initializers.Constant(value)
        equation = SCALE_EQUATIONS[rank_of(tensor)]
        return keras.layers.EinsumDense(equation, tuple(tensor.shape[1:]), kernel_initializer=initializer)(tensor)

    def finish(self, norm: Norm | None, activation: ActivationName | None, percent: float, tensor: Tensor) -> Tensor:
        """A norm if asked, then activation, then dropout."""
        return self.drop_out(percent, activate(activation, self.normalize(norm, tensor)))


def activate(activation: ActivationName | None, tensor: Tensor) -> Tensor:
    """The tensor after an activation, if any."""
    return keras.layers.Activation(activation)(tensor) if activation else tensor


def flatten(tensor: Tensor) -> Tensor:
    """The tensor as (N, features)."""
    return keras.layers.Flatten()(tensor) if len(tensor.shape) > 2 else tensor


def pad(window: Window, tensor: Tensor) -> tuple[Tensor, str]:
    """The tensor with the zeros that numbers ask for around it, and Keras's padding for what is left."""
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

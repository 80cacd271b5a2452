"""The compiler: an `Arch` becomes a Keras model, one rule per layer type, 2D and 3D from the same code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import keras

from archnet.spec.arch import Arch, PlannedLayer
from archnet.spec.layers import (
    ActivationName,
    BatchNorm,
    Convolution,
    Dropout,
    FullyConnected,
    GlobalAveragePooling,
    Layer,
    Pooling,
    Repeat,
    Residual,
    Shape,
    Terminal,
    get_activation,
)

BATCH_NORM_MOMENTUM: Final = 0.9
"""Keras's 0.99 needs hundreds of steps before the moving statistics, which prediction uses, have left their start; a
small CT data set trains for fewer."""

CONVOLUTION: Final = {2: keras.layers.Conv2D, 3: keras.layers.Conv3D}
POOLING: Final = {
    ("max", 2): keras.layers.MaxPooling2D,
    ("max", 3): keras.layers.MaxPooling3D,
    ("avg", 2): keras.layers.AveragePooling2D,
    ("avg", 3): keras.layers.AveragePooling3D,
}
INITIALIZERS: Final = {
    "he_normal": keras.initializers.HeNormal,
    "lecun_normal": keras.initializers.LecunNormal,
    "glorot_uniform": keras.initializers.GlorotUniform,
}
GLOBAL_POOLING: Final = {2: keras.layers.GlobalAveragePooling2D, 3: keras.layers.GlobalAveragePooling3D}

Tensor = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """What every rule needs to know, and what the rules record.

    Attributes:
        rank: Number of spatial axes.
        seed: Weights and dropout follow from it and from a layer's position alone.
        batch_norm_momentum: Share of their old values that moving statistics keep in a step.
        positions: Counts the Keras layers that draw random numbers.
        penalized_names: Names of the Keras layers whose trainable weights the L2 penalty concerns.
    """

    rank: int
    seed: int = 0
    batch_norm_momentum: float = BATCH_NORM_MOMENTUM
    positions: Iterator[int] = field(default_factory=count)
    penalized_names: list[str] = field(default_factory=list)

    def next_seed(self) -> int:
        """A different seed for each Keras layer."""
        return (self.seed * 1_000_003 + next(self.positions)) % 2**31

    def batch_norm(self) -> keras.layers.Layer:
        """A batch norm layer."""
        return keras.layers.BatchNormalization(momentum=self.batch_norm_momentum)

    def initializer(self, activation: ActivationName | None) -> keras.initializers.Initializer:
        """Starting weights whose scale suits the activation that follows; see `ACTIVATIONS`. Biases start at 0."""
        return INITIALIZERS[get_activation(activation).initializer](seed=self.next_seed())

    def penalize(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        """A Keras layer, recorded as one whose trainable weights the L2 penalty concerns."""
        self.penalized_names.append(layer.name)
        return layer


def build(
    arch: Arch,
    input_shape: Shape | None = None,
    num_classes: int = 2,
    *,
    plan: Sequence[PlannedLayer] | None = None,
    seed: int = 0,
    batch_norm_momentum: float = BATCH_NORM_MOMENTUM,
) -> keras.Model:
    """The network that gives logits for images scaled to [0, 1].

    Args:
        arch: The architecture.
        input_shape: (height, width[, depth]) for one channel, or with channels last; see `Arch.plan`.
        num_classes: Classes of the data.
        plan: Result of `Arch.plan` for these arguments; null plans here.
        seed: Seed of the starting weights and of dropout.
        batch_norm_momentum: Share of their old values that the moving statistics of batch norm keep in a step.

    Returns:
        (N, *input_shape) float32 -> (N, num_classes) logits, or (N, 1) where T is "sigmoid". Its attribute
        `penalized_names` lists the Keras layers that the L2 penalty concerns.

    Raises:
        DocumentError: A layer does not fit what reaches it.
    """
    plan = plan or arch.plan(input_shape, num_classes)
    builder = Builder(rank=arch.rank, seed=seed, batch_norm_momentum=batch_norm_momentum)
    inputs = keras.Input(plan[0].input_shape, name="images")
    outputs = chain((layer.with_num_classes(num_classes) for layer in arch.layers), inputs, builder)
    network = keras.Model(inputs, outputs, name=re.sub(r"\W", "_", arch.name))
    network.penalized_names = tuple(builder.penalized_names)
    return network


def chain(layers: Iterable[Layer], tensor: Tensor, builder: Builder) -> Tensor:
    """The tensor after a sequence of layers."""
    for layer in layers:
        tensor = RULES[type(layer)](layer, tensor, builder)
    return tensor


def _convolution(layer: Convolution, tensor: Tensor, builder: Builder) -> Tensor:
    stride = layer.stride
    if set(layer.kernel_size) == set(layer.dilation) == {1} != set(stride):
        # The same values: TensorFlow's gradient of a strided 1x1 convolution writes beyond its memory (oneDNN, 2D).
        tensor, stride = POOLING["max", builder.rank](1, strides=stride)(tensor), (1,) * builder.rank
    convolution = CONVOLUTION[builder.rank](
        layer.num_output,
        layer.kernel_size,
        strides=stride,
        padding=layer.padding,
        dilation_rate=layer.dilation,
        kernel_initializer=builder.initializer(layer.activation),
    )
    return _finish(layer, builder.penalize(convolution)(tensor), builder)


def _pooling(layer: Pooling, tensor: Tensor, builder: Builder) -> Tensor:
    pooling = POOLING[layer.pool, builder.rank](layer.kernel_size, strides=layer.stride, padding=layer.padding)
    return _drop_out(layer.drop_out, pooling(tensor), builder)


def _fully_connected(layer: FullyConnected, tensor: Tensor, builder: Builder) -> Tensor:
    dense = keras.layers.Dense(layer.num_output, kernel_initializer=builder.initializer(layer.activation))
    return _finish(layer, builder.penalize(dense)(_flatten(tensor)), builder)


def _terminal(layer: Terminal, tensor: Tensor, builder: Builder) -> Tensor:
    dense = keras.layers.Dense(layer.num_output, kernel_initializer=builder.initializer(None))
    return builder.penalize(dense)(_flatten(tensor))


def _dropout(layer: Dropout, tensor: Tensor, builder: Builder) -> Tensor:
    return _drop_out(layer.drop_out, tensor, builder)


def _batch_norm(layer: BatchNorm, tensor: Tensor, builder: Builder) -> Tensor:
    return builder.batch_norm()(tensor)


def _global_average_pooling(layer: GlobalAveragePooling, tensor: Tensor, builder: Builder) -> Tensor:
    return GLOBAL_POOLING[builder.rank]()(tensor)


def _residual(layer: Residual, tensor: Tensor, builder: Builder) -> Tensor:
    inner = chain(layer.layers, tensor, builder)
    shortcut = tensor
    if inner.shape != tensor.shape:
        projection = layer.shortcut(tuple(tensor.shape[1:]), inner.shape[-1])
        shortcut = _convolution(projection, tensor, builder)
    return _activate(layer.activation, keras.layers.Add()([inner, shortcut]))


def _repeat(layer: Repeat, tensor: Tensor, builder: Builder) -> Tensor:
    return chain(layer.layers * layer.times, tensor, builder)


def _finish(layer: Convolution | FullyConnected, tensor: Tensor, builder: Builder) -> Tensor:
    """Batch norm if asked, then activation, then dropout."""
    if layer.batch_norm:
        tensor = builder.batch_norm()(tensor)
    return _drop_out(layer.drop_out, _activate(layer.activation, tensor), builder)


def _activate(activation: ActivationName | None, tensor: Tensor) -> Tensor:
    return keras.layers.Activation(activation)(tensor) if activation else tensor


def _drop_out(percent: float, tensor: Tensor, builder: Builder) -> Tensor:
    return keras.layers.Dropout(percent / 100, seed=builder.next_seed())(tensor) if percent else tensor


def _flatten(tensor: Tensor) -> Tensor:
    return keras.layers.Flatten()(tensor) if len(tensor.shape) > 2 else tensor


RULES: Final[dict[type[Layer], Callable[[Any, Tensor, Builder], Tensor]]] = {
    Convolution: _convolution,
    Pooling: _pooling,
    FullyConnected: _fully_connected,
    Terminal: _terminal,
    Dropout: _dropout,
    BatchNorm: _batch_norm,
    GlobalAveragePooling: _global_average_pooling,
    Residual: _residual,
    Repeat: _repeat,
}


def build_scaling(limits: tuple[float, float]) -> keras.Sequential:
    """Built-in layers without weights that map limits to [0, 1] and clip, so that a saved model takes raw values."""
    low, high = limits
    return keras.Sequential(
        [keras.layers.Rescaling(1 / (high - low), offset=-low / (high - low)), keras.layers.ReLU(max_value=1.0)],
        name="scaling",
    )


def input_limits(model: keras.Model) -> tuple[float, float]:
    """The raw values that a model from `build_inference_model` maps to 0 and 1."""
    rescaling = model.get_layer("scaling").layers[0]
    low = -rescaling.offset / rescaling.scale
    return round(low, 6), round(low + 1 / rescaling.scale, 6)


def build_inference_model(network: keras.Model, limits: tuple[float, float]) -> keras.Model:
    """The model that is saved: raw values in, class probabilities out, sharing the network's weights.

    Args:
        network: What `build` returns.
        limits: Raw values that become 0 and 1, such as the HU window.

    Returns:
        (N, *input_shape) raw values -> (N, classes) probabilities; [1 - p, p] where T is "sigmoid".
    """
    inputs = keras.Input(network.input_shape[1:], name="images")
    logits = two_logits(network(build_scaling(limits)(inputs)))
    outputs = keras.layers.Softmax(name="probabilities", dtype="float32")(logits)
    return keras.Model(inputs, outputs, name=network.name)


def two_logits(logits: Tensor) -> Tensor:
    """A single logit z as the pair (0, z), whose softmax is [1 - sigmoid(z), sigmoid(z)]; others as they are."""
    if logits.shape[-1] > 1:
        return logits
    return keras.layers.Concatenate()([keras.layers.Rescaling(0.0)(logits), logits])
